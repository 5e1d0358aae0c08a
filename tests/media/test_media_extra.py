"""Without the extra for sound: a sentence with the way out; and what sound needs is loaded where it runs alone."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

import pbxnb
from pbxnb.errors import MissingExtra
from pbxnb.media.engine import Engine

FIND = importlib.util.find_spec


@pytest.fixture(params=[("aiortc",), ("numpy",), ("aiortc", "numpy")], ids=" and ".join)
def missing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name in request.param else FIND(name, *more)
    )
    return " and ".join(request.param)


async def test_a_call_with_sound_without_the_extra_says_what_to_install(missing: str) -> None:
    with pytest.raises(MissingExtra) as caught:
        await Engine().open(lambda event: None)
    assert str(caught.value).startswith(f"Calls with sound need {missing}, not installed here.")
    assert 'pip install "pbxnb[phone]"' in str(caught.value)


def test_an_embedded_pbx_with_sound_without_the_extra_says_so_too(missing: str) -> None:
    with pytest.raises(MissingExtra, match=f"need {missing}, not installed"):
        pbxnb.simulator.start("empty", extensions=2, media=True)


def test_what_sound_needs_is_loaded_in_its_own_process_alone() -> None:
    code = (
        "import asyncio, sys\n"
        "from pbxnb.media.engine import Engine\n"
        "from pbxnb.media.leg import EngineLeg\n"
        "from pbxnb.phone.line import PhoneLine\n"
        "print(sorted({'aiortc', 'av', 'aioice', 'numpy', 'OpenSSL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
