"""One zone a handle in a real page: kernel and browser stand elsewhere, and nothing on the board is in their time."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

SETUP = """
import os, time
os.environ["TZ"] = "Pacific/Auckland"
time.tzset()
import pbxnb
from pbxnb.widgets import Rule
pbx = await pbxnb.simulate("office", extensions=12, seed=3, speed=10, start="2026-06-01T09:30", tz="Asia/Tokyo")
await pbx.until(lambda p: p.calls, timeout=60)
board = pbx.dashboard(alerts=[Rule("calls", lambda handle: len(handle.calls), orange=1)], show_console=True)
board
"""
TICKS = "() => [...document.querySelectorAll('.pbxnb-timeline .xtick text')].map(tick => tick.textContent)"
BADGE = "() => document.querySelector('[data-connection]').textContent"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def board(browser: Any) -> Iterator[Any]:
    opened = browser.open([SETUP], width=1400, height=2400)
    opened.devtools = opened.page.context.new_cdp_session(opened.page)
    stand_in(opened, "America/New_York")
    assert opened.run_all() == []
    opened.page.wait_for_selector(".pbx-con-line", timeout=60_000)
    opened.page.wait_for_function(f"() => ({TICKS})().length", timeout=60_000)
    yield opened
    opened.close()


def stand_in(opened: Any, zone: str) -> None:
    """Move the browser, and only it, to another zone."""
    opened.devtools.send("Emulation.setTimezoneOverride", {"timezoneId": zone})


def test_every_time_on_the_board_is_that_of_the_handle(board: Any, artefact: Callable[[str], str]) -> None:
    page = board.page
    log = page.locator(".pbx-alert-log summary").text_content()
    assert re.search(r"Log \(\d+\), times in Asia/Tokyo · 09:[3-5]\d:\d\d calls ", log), log
    first, *others = page.evaluate(TICKS)
    assert re.fullmatch(r"09:\d\d(:\d\d)?Mon 01 Jun, Asia/Tokyo", first), first
    assert all(re.fullmatch(r"(09|10):\d\d(:\d\d)?", tick) for tick in others), others
    assert "times in Asia/Tokyo" in page.locator(".pbx-con-state").text_content()
    row = page.locator(".pbx-con-line").first
    seq, told = row.get_attribute("data-seq"), row.locator("span").first.text_content()
    received = f"next(f.received for f in pbx.frames() if f.seq == {seq}).astimezone(pbx.tz)"
    assert board.execute(f"print(format({received}, '%H:%M:%S.%f')[:-3])").strip() == told
    assert board.execute("print(board.timeline.describe())").startswith("2026-06-01 09:")
    page.locator(".pbx-dashboard").screenshot(path=artefact("tokyo"))


def test_the_badge_says_where_the_browser_s_clock_differs(board: Any) -> None:
    board.page.wait_for_function(f"() => ({BADGE})().includes('times: Asia/Tokyo; this browser: America/New_York')")
    stand_in(board, "Asia/Tokyo")
    board.page.wait_for_function(f"() => !({BADGE})().includes('this browser')")
    assert board.page.evaluate(BADGE).endswith("times: Asia/Tokyo")
    assert board.errors == []
