"""The command bar of the board beside a softphone of the page: it dials, answers, holds, moves and ends its calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import require_browser
from tests.browser.test_browser_softphone import LONG, loudness, no_voice, silence, voice_heard

pytestmark = pytest.mark.browser
pytest.importorskip("aiortc", reason="needs the phone extra")
CELLS = (
    'import pbxnb\npbx = await pbxnb.simulate("empty", extensions=8, seed=1, media=True)',
    'phones = [pbx.softphone("40"), pbx.softphone("41")]\nphones[0]',
    "phones[1]",
    "board = pbx.dashboard(timeline=None)\nboard",
)

READY = "import asyncio\nwhile not all(phone.takes('dial') for phone in phones): await asyncio.sleep(0.02)"
"""Until then the bar dials through the PBX: no page has the phones yet."""


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """JupyterLab in a Chromium whose microphone whistles, with a softphone and a board."""
    require_browser()
    from tests.browser.jupyter_page import Browser, Server
    from tests.browser.phone_page import WATCH, CallPage, sound_flags, voice, write

    folder = tmp_path_factory.mktemp("phone")
    flags = sound_flags(write(folder / "voice.wav", voice(LONG)))
    with Server(folder / "jupyter") as server, Browser(server, folder / "profile", flags) as browser:
        page = CallPage(browser.open(CELLS, script=WATCH))
        page.opened.execute(READY)
        yield page
        assert page.opened.errors == []
        page.opened.close()


@pytest.fixture(autouse=True)
def ended(calls: Any) -> Iterator[None]:
    """What a test leaves is no call of the next one."""
    yield
    calls.end_all()


def press(calls: Any, command: str) -> None:
    """Press a button of the bar once it can be pressed."""
    calls.page.locator(f".pbx-command-bar [data-command={command}]:not([aria-disabled=true])").click()


def select(calls: Any) -> None:
    """Select the tile of the softphone's extension: what the bar does is about its call."""
    tile = calls.page.locator('.pbx-tile[data-number="40"]')
    if tile.get_attribute("aria-selected") != "true":
        tile.click()


def to(calls: Any, number: str) -> None:
    """Type a number into the bar."""
    field = calls.page.locator(".pbx-command-bar .pbx-field-to")
    if not field.is_visible():
        calls.page.locator(".pbx-command-bar .pbx-more").click()
    field.fill(number)


def test_the_bar_dials_and_hangs_up_the_call_of_the_page(calls: Any) -> None:
    select(calls)
    to(calls, "*echo")
    press(calls, "dial")
    calls.shows("40", "talking")
    calls.hears({"40": voice_heard})
    press(calls, "hangup")
    press(calls, "confirm")
    calls.shows("40", "idle")
    calls.nothing_left()


def test_the_bar_answers_holds_and_moves_the_call_of_the_page(calls: Any) -> None:
    select(calls)
    calls.dial("41", "40")
    press(calls, "answer")
    calls.shows("40", "talking")
    calls.hears({"40": voice_heard, "41": voice_heard})
    press(calls, "hold")
    calls.shows("40", "held_here")
    calls.hears({"40": silence, "41": no_voice})
    press(calls, "resume")
    calls.shows("40", "talking")
    to(calls, "*tone")
    press(calls, "transfer")
    press(calls, "confirm")
    calls.shows("40", "idle")
    calls.hears({"41": lambda heard: loudness(heard) > 0.01 and no_voice(heard)})


def test_an_answer_before_the_pbx_has_offered_the_call_to_the_page_waits_for_it(calls: Any) -> None:
    """The bar's list of calls and the phone's offers come by two sockets."""
    calls.opened.execute(
        """call = pbx.simulator.place_call("42", "40")
await pbx.until(lambda p: call in p.calls, timeout=20)
board.bar.request("answer", call)
await pbx.until(lambda p: p.calls[call].state == "connected", timeout=20)"""
    )
    calls.shows("40", "talking", "connecting")
