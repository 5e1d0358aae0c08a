"""The oldest release of a dependency that is allowed has none of the weaknesses that were found in older ones."""

import re
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent / "pyproject.toml"
FIRST_WITHOUT = {
    "aiohttp": "3.14.3",
    "cryptography": "50",  # CVE-2026-69247, -39892, -34073, -26007, CVE-2024-12797
    "duckdb": "1.4.2",  # CVE-2025-64429
    "jupyterlab": "4.6.4",  # CVE-2026-73415, -73417, -73627, -42557, CVE-2025-59842, and what 4.6.4 carried back
    "playwright": "1.56",  # CVE-2025-59288, -9611
    "pyarrow": "23.0.1",  # CVE-2026-25087, in the C++ inside its wheels
    "pytest": "9.0.3",  # CVE-2025-71176
    "tqdm": "4.66.3",  # CVE-2024-34062
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
