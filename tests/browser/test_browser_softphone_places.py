"""A call without a microphone, in a notebook: refused, or in a page that is not secure. One can listen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import require_browser
from tests.browser.test_browser_softphone import loudness

pytestmark = pytest.mark.browser
CELLS = [
    "import pbxnb\npbx = await pbxnb.simulate('empty', extensions=8, seed=1, media=True)",
    "phones = [pbx.softphone('40')]\nphones[0]",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """JupyterLab that may be reached by another name."""
    require_browser()
    from tests.browser.jupyter_page import Server

    with Server(tmp_path_factory.mktemp("phone"), ["--ServerApp.allow_remote_access=True"]) as started:
        yield started


def listened_to(calls: Any, kind: str) -> str:
    """Call what sounds, hear it, and hang up; what the panel says of the microphone."""
    calls.talk("40", "*tone")
    told = calls.panel("40").locator(f'[data-microphone="{kind}"]')
    told.wait_for()
    calls.hears({"40": lambda heard: loudness(heard) > 0.01})
    assert calls.page.evaluate("() => pbxWatch.left().tracks") == 0
    assert calls.opened.execute("print(phones[0].microphone)").strip() == kind
    calls.press("40", "hangup")
    calls.nothing_left()
    return str(told.inner_text())


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    from tests.browser.phone_page import voice, write

    return write(tmp_path / "voice.wav", voice(8))


def test_a_refused_microphone_leaves_a_call_to_be_listened_to(server: Any, tmp_path: Path, spoken: Path) -> None:
    from tests.browser.jupyter_page import Browser
    from tests.browser.phone_page import WATCH, CallPage, sound_flags

    with Browser(server, tmp_path / "profile", sound_flags(spoken, granted=False)) as browser:
        opened = browser.open(CELLS, script=WATCH)
        session = opened.page.context.new_cdp_session(opened.page)
        refusal = {"permission": {"name": "microphone"}, "setting": "denied", "origin": server.url.rstrip("/")}
        session.send("Browser.setPermission", refusal)
        calls = CallPage(opened)
        assert "the sign beside the address allows it" in listened_to(calls, "refused")
        opened.close()


def test_a_page_that_is_not_secure_says_the_way_out_and_can_listen(server: Any, tmp_path: Path, spoken: Path) -> None:
    from tests.browser.jupyter_page import Browser
    from tests.browser.phone_page import WATCH, CallPage, sound_flags

    local = server.url
    server.url = local.replace("127.0.0.1", "pbx.example")
    flags = [*sound_flags(spoken), "--host-resolver-rules=MAP pbx.example 127.0.0.1"]
    try:
        with Browser(server, tmp_path / "profile", flags) as browser:
            calls = CallPage(browser.open(CELLS, script=WATCH))
            said = listened_to(calls, "insecure")
            assert f"({server.url.rstrip('/')})" in said
            assert "ssh -L" in said
            calls.opened.close()
    finally:
        server.url = local
