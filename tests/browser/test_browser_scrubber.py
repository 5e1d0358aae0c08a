"""The scrubber in a real page: by keyboard alone, dragged, audited in both themes, and at 320 pixels.

The pictures are kept in ``artefacts/``, to be looked at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.board_page import axe, quiet, serious

pytestmark = pytest.mark.browser
PATIENCE = 60_000
CELLS = (
    """
from datetime import timedelta
from pbxnb.widgets import Rule, Scrubber
from pbxnb.widgets.alerts.rules import AlertEvent, Level
from pbxnb.ui.player import Silence
from tests.widgets.fake_replay import FakeReplay
from tests.widgets.fakes import START

replay = FakeReplay(call_new=[2, 30, 45], call_ended=[], call_changed=[], account_changed=[])
replay.silences = [Silence(START + timedelta(minutes=10), START + timedelta(minutes=18), "line")]
player = replay.player
player.raised = [AlertEvent(at=START + timedelta(minutes=m), rule="wait", level=Level.RED, before=Level.OK, value=1.0)
                 for m in (5, 5.01, 35)]
scrubber = Scrubber(replay, alerts=[Rule.waiting(red=60)])
minutes = lambda: print(round((player.position - START) / timedelta(minutes=1), 3))
""",
    "scrubber",
    """
import ipywidgets
from pbxnb.model.entities import Party
from pbxnb.widgets.call_list import CallList
from tests.widgets.fakes import FakeHandle, conversation

handle = FakeHandle()
calls = CallList(handle, selected=["2"])
def moment(*ids):
    starts = {id_: dict(started_at=START + timedelta(seconds=at), since=START) for at, id_ in enumerate(ids)}
    handle.conversations = {id_: conversation(id_, from_=Party(number="+1" + id_), **at) for id_, at in starts.items()}
    calls.refresh()
slot = ipywidgets.VBox()
slot
""",
)
TRACK = ".pbx-scrubber [role=slider]"
SEEN = """() => { const e = document.activeElement, s = getComputedStyle(e);
    const seen = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0;
    return [e.getAttribute('aria-label') || e.textContent, seen]; }"""
BOXES = """() => [...document.querySelectorAll('.pbx-scrubber :is(button, select, [role=slider])')].map(e => {
    const {x, y, width, height} = e.getBoundingClientRect();
    return [x, y, width, height].map(Math.round); })"""
NOTEBOOK = """() => { const {activeCellIndex, mode, widgets, node} = jupyterapp.shell.currentWidget.content;
    return [activeCellIndex, mode, widgets.length, node.scrollTop]; }"""
WIDE = """() => [...document.querySelectorAll('.pbx-scrubber, .pbx-scrubber :not(.pbx-voice)')]
    .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline')
    .map(e => `${e.className}: ${e.scrollWidth} > ${e.clientWidth}`)"""


@pytest.fixture(scope="module")
def scrubber(browser: Any) -> Iterator[Any]:
    opened = browser.open(CELLS, width=1200, height=700)
    assert opened.run_all() == []
    opened.page.wait_for_selector(TRACK, timeout=PATIENCE)
    opened.page.evaluate("() => jupyterapp.shell.collapseLeft()")
    yield opened
    quiet(opened)
    opened.close()


@pytest.fixture(autouse=True)
def at_the_start(scrubber: Any) -> None:
    scrubber.execute("_ = player.pause(), player.seek(START); player.told.clear(); scrubber.kind = 'call.new'")
    shows(scrubber, "09:00:00")


def shows(opened: Any, time: str) -> None:
    """The page shows this moment."""
    opened.page.wait_for_function(
        "(time) => document.querySelector('.pbx-scrub-time').textContent.includes(time)", arg=time, timeout=PATIENCE
    )


def minute(opened: Any) -> float:
    """Where the player is, minutes after the start."""
    return float(opened.execute("minutes()"))


def test_a_keyboard_is_enough(scrubber: Any) -> None:
    page = scrubber.page
    page.locator(TRACK).focus()
    before = page.evaluate(NOTEBOOK)
    for key, time in (
        ("ArrowRight", "09:00:05"),
        ("ArrowUp", "09:00:10"),
        ("ArrowLeft", "09:00:05"),
        ("Shift+ArrowRight", "09:01:05"),
        ("Shift+ArrowLeft", "09:00:05"),
        ("End", "10:00:00"),
        ("Home", "09:00:00"),
        (".", "09:00:00.100"),
        (",", "09:00:00.000"),
        ("n", "09:02:00"),
        ("n", "09:30:00"),
        ("p", "09:02:00"),
    ):
        page.keyboard.press(key)
        shows(scrubber, time)
        assert page.evaluate(SEEN) == ["Time", True]
    page.keyboard.press("p")
    page.wait_for_function(
        "() => document.querySelector('.pbx-scrub-said').textContent === 'There is no new call before this moment.'"
    )
    for playing in ("true", "false"):
        page.keyboard.press(" ")
        page.wait_for_selector(f"[data-play={playing}]", timeout=PATIENCE)
    assert page.locator(TRACK).get_attribute("aria-valuetext") == "Mon 06 May 09:02:00, paused"
    assert page.evaluate(NOTEBOOK) == before  # no key reached it


def test_every_control_is_reached_by_tab_with_a_name_and_a_visible_focus(scrubber: Any) -> None:
    page = scrubber.page
    page.locator(".pbx-scrubber button").first.focus()
    stops = []
    for _ in range(8):
        stops.append(page.evaluate(SEEN))
        page.keyboard.press("Tab")
    assert all(seen and name.strip() for name, seen in stops), stops
    assert [name for name, _ in stops][:5] == [
        "Previous event of this kind", "One message back", "▶ Play", "One message on", "Next event of this kind",
    ]  # fmt: skip
    assert stops[-1][0] == "Time"


def test_menus_set_speed_and_kind(scrubber: Any) -> None:
    selects = scrubber.page.locator(".pbx-scrubber select")
    selects.nth(0).select_option("gap")
    selects.nth(1).select_option("10")
    scrubber.page.get_by_role("button", name="Next event of this kind").click()
    shows(scrubber, "09:10:00")
    assert json.loads(scrubber.execute("import json; print(json.dumps([scrubber.kind, scrubber.speed]))")) == [
        "gap",
        10,
    ]


def test_a_drag_moves_the_thumb_at_once_and_the_player_20_times_a_second_at_most(scrubber: Any) -> None:
    page = scrubber.page
    box = page.locator(".pbx-rail").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 2, y)
    page.mouse.down()
    began = page.evaluate("() => performance.now()")
    for step in range(200):
        page.mouse.move(box["x"] + 2 + step * (box["width"] - 4) / 400, y)
    thumb = page.locator(".pbx-thumb").bounding_box()
    assert abs(thumb["x"] + thumb["width"] / 2 - (box["x"] + box["width"] / 2)) < 5
    page.mouse.up()
    took = (page.evaluate("() => performance.now()") - began) / 1000
    shows(scrubber, "09:29")
    scrubber.page.wait_for_timeout(200)  # for a seek too many
    seeks = int(scrubber.execute("print(sum(told[0] == 'seek' for told in player.told))"))
    assert 1 < seeks <= took * 20 + 2
    assert abs(minute(scrubber) - 29.85) < 0.3


def test_gaps_are_hatched_alerts_are_triangles_and_both_say_what_they_are(scrubber: Any) -> None:
    page = scrubber.page
    gap = page.locator("[data-mark=gap]")
    assert gap.get_attribute("title") == "gap 09:10:00 to 09:18:00: line down"
    assert "repeating-linear-gradient" in gap.evaluate("(e) => getComputedStyle(e).backgroundImage")
    rail, drawn = page.locator(".pbx-rail").bounding_box(), gap.bounding_box()
    assert abs(drawn["width"] / rail["width"] - 8 / 60) < 0.01
    alerts = page.locator("[data-mark=alert]")
    assert alerts.all_text_contents() == ["▲", "▲"]
    assert alerts.first.get_attribute("title").startswith("2 alerts, first alert 09:05:00")
    assert page.locator(".pbx-scrub-legend").text_content() == "▨ 1 gap  ▲ 3 alerts"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1200, 320])
def test_it_passes_the_audit_and_fits(scrubber: Any, width: int, dark: bool, artefact: Callable[[str], str]) -> None:
    script = axe()
    if script is None:
        pytest.skip("axe-playwright-python is not installed")
    page = scrubber.page
    scrubber.dark(dark)
    page.evaluate("(w) => { document.querySelector('.pbx-scrubber').style.maxWidth = w }", f"{width}px")
    page.wait_for_selector(f".pbx-scrubber[data-theme={'dark' if dark else 'light'}]", timeout=PATIENCE)
    page.locator(TRACK).focus()
    page.keyboard.press("Shift+ArrowRight")
    shows(scrubber, "09:01:00")
    page.locator(".pbx-scrubber").screenshot(path=artefact(f"{width}-{'dark' if dark else 'light'}"))
    assert page.locator(".pbx-scrubber").bounding_box()["width"] <= width
    assert page.evaluate(WIDE) == []
    page.add_script_tag(content=script.read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run('.pbx-scrubber', {resultTypes: ['violations']})).violations")
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []


def test_nothing_jumps_when_it_plays_or_says_something(scrubber: Any) -> None:
    page = scrubber.page
    before = page.evaluate(BOXES)
    page.locator(TRACK).focus()
    page.keyboard.press(" ")
    page.wait_for_selector("[data-play=true]", timeout=PATIENCE)
    page.keyboard.press("p")
    page.wait_for_function("() => document.querySelector('.pbx-scrub-said').textContent !== ''")
    assert page.evaluate(BOXES) == before


LISTED = """() => [...document.querySelectorAll('.pbx-call[data-conversation]')].map(e => [
    e.dataset.conversation, e.querySelector('.pbx-from').textContent.trim(), e.tabIndex, e.ariaSelected, e.was || '',
])"""


def test_after_a_jump_a_call_has_the_row_in_its_place_and_nothing_of_the_call_before(scrubber: Any) -> None:
    def jump(*ids: str) -> list[list[Any]]:
        scrubber.execute(f"moment(*{ids})")
        there = f"(ids) => String(({LISTED})().map(row => row[0])) === ids"
        scrubber.page.wait_for_function(there, arg=",".join(ids), timeout=PATIENCE)
        rows: list[list[Any]] = scrubber.page.evaluate(LISTED)
        return rows

    scrubber.execute("slot.children = [calls]")
    assert jump("1", "2") == [["1", "+11", 0, "false", ""], ["2", "+12", -1, "true", ""]]
    scrubber.page.evaluate(
        "() => document.querySelectorAll('[data-conversation]').forEach((e, i) => (e.was = `row ${i}`))"
    )
    assert jump("4", "5") == [["4", "+14", 0, "false", "row 0"], ["5", "+15", -1, "false", "row 1"]]
    assert jump("6", "5", "7") == [
        ["6", "+16", -1, "false", "row 0"], ["5", "+15", 0, "false", "row 1"], ["7", "+17", -1, "false", ""],
    ]  # fmt: skip
    assert jump("7") == [["7", "+17", 0, "false", ""]]
    scrubber.execute("slot.children = []; calls.close()")


BOARD = (
    """
import ipywidgets, pbxnb, tempfile
from pathlib import Path
from pbxnb.widgets import Rule
path = Path(tempfile.mkdtemp()) / "live.pbx"
pbx = await pbxnb.simulate("empty", extensions=8, record=path)
call = pbx.simulator.place_call("40", "41")
await pbx.until(lambda pbx: pbx.calls, timeout=20)
pbx.simulator.answer(call)
board = pbx.dashboard(alerts=[Rule.peak(orange=1)])
place = ipywidgets.VBox([board])
place
""",
)
REPLAYED = """
replay = await pbxnb.replay(path)
board.close()
place.children = [replay.dashboard()]
"""
ROWS = "() => [...document.querySelectorAll('.pbx-call[data-call]')].filter(row => row.checkVisibility()).length"
TOP = """() => { const top = (name) => document.querySelector(name).getBoundingClientRect().top;
    return Math.round(top('.pbx-pause') - top('.pbx-dashboard')); }"""


def test_a_live_board_pauses_looks_back_and_returns_to_now(browser: Any, artefact: Callable[[str], str]) -> None:
    opened = browser.open(BOARD, width=1400, height=1500)
    page = opened.page
    try:
        assert opened.run_all() == []
        page.wait_for_selector(".pbx-pause[aria-disabled=false]", timeout=PATIENCE)
        page.wait_for_function(f"() => ({ROWS})() === 1", timeout=PATIENCE)
        before = page.evaluate(TOP)
        page.locator(".pbx-pause").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(".pbx-dashboard[data-paused] .pbx-scrubber", timeout=PATIENCE)
        page.wait_for_function(f"() => ({ROWS})() === 1", timeout=PATIENCE)
        opened.execute("pbx.simulator.hangup(call); await pbx.until(lambda pbx: not pbx.calls, timeout=20)")
        page.wait_for_function(
            "() => / [1-9][0-9]* events? since/.test(document.querySelector('.pbx-since').textContent)"
        )
        assert page.evaluate(ROWS) == 1
        for dark in (True, False):
            opened.dark(dark)
            page.wait_for_selector(f".pbx-scrubber[data-theme={'dark' if dark else 'light'}]", timeout=PATIENCE)
            page.wait_for_timeout(600)  # colours fade into the new theme
            page.locator(".pbx-dashboard").screenshot(path=artefact(f"paused-{'dark' if dark else 'light'}"))
            assert serious(page, ".pbx-dashboard") == []
        assert page.evaluate(TOP) == before  # under the pointer that pressed it
        page.locator(TRACK).focus()
        page.keyboard.press("Home")
        page.wait_for_function(f"() => ({ROWS})() === 0", timeout=PATIENCE)
        page.locator(".pbx-pause").click()
        page.wait_for_selector(".pbx-scrubber", state="detached", timeout=PATIENCE)
        assert opened.execute("print(board.paused, board.missed)").split() == ["False", "0"]
        opened.execute("await pbx.stop_recording()")
        page.wait_for_selector(".pbx-pause[aria-disabled=true]", timeout=PATIENCE)
        assert "pbx.record_to" in page.locator(".pbx-pause").get_attribute("title")
        opened.execute(REPLAYED)
        page.wait_for_selector(".pbx-dashboard .pbx-grid [data-number='41']", timeout=PATIENCE)
        for dark in (True, False):
            opened.dark(dark)
            page.wait_for_selector(f".pbx-grid[data-theme={'dark' if dark else 'light'}]", timeout=PATIENCE)
            page.wait_for_timeout(600)
            page.locator(".pbx-dashboard").screenshot(path=artefact(f"replayed-{'dark' if dark else 'light'}"))
            assert serious(page, ".pbx-dashboard") == []
        quiet(opened)
    finally:
        opened.close()
