"""The oldest release of a dependency that is allowed has none of the weaknesses that were found in older ones."""

import re
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent / "pyproject.toml"
FIRST_WITHOUT = {
    "aiohttp": "3.14.3",
    "cryptography": "44.0.1",  # CVE-2024-12797, OpenSSL inside its wheels
    "jupyterlab": "4.4.8",  # CVE-2025-59842, windows opened by links of a notebook
}


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


@pytest.mark.parametrize(("name", "first"), FIRST_WITHOUT.items())
def test_no_floor_has_a_known_weakness(name, first):
    project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    wanted = [one for some in (project["dependencies"], *project["optional-dependencies"].values()) for one in some]
    floors = [found[1] for one in wanted if (found := re.match(rf"{name}>=([\d.]+)", one))]
    assert floors
    assert all(numbers(floor) >= numbers(first) for floor in floors)
