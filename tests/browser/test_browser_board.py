"""The board in a real JupyterLab: how it looks, by keyboard alone, audited, while a cell blocks, re-run, reloaded.

The pictures are kept in ``artefacts/``, to be looked at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.board_page import BOARD, FOCUS, OVERFLOW, SETUP, TILE, axe, quiet, serious
from tests.browser.jupyter_page import READY

pytestmark = pytest.mark.browser
PATIENCE = 60_000


def show(browser: Any, extensions: int) -> Any:
    opened = browser.open([SETUP.format(extensions=extensions), BOARD], width=1600, height=1700)
    assert opened.run_all() == []
    opened.page.wait_for_selector(TILE, timeout=PATIENCE)
    opened.page.evaluate("() => jupyterapp.shell.collapseLeft()")
    wait(opened, "() => document.querySelectorAll('.pbx-call[data-call]').length >= 6")
    return opened


def wait(opened: Any, condition: str) -> None:
    opened.page.wait_for_function(condition, timeout=PATIENCE)


def look(opened: Any, name: Callable[[str], str], size: str) -> None:
    """A picture of each width and theme, with a focused tile."""
    page = opened.page
    page.locator(".pbx-call[data-call]").nth(1).click()
    for width, height in ((1600, 1700), (480, 2900)):
        page.set_viewport_size({"width": width, "height": height})
        for dark in (False, True):
            opened.dark(dark)
            page.wait_for_timeout(2500)  # for the figure, which redraws at its own pace
            page.locator(TILE).nth(4).focus()
            page.keyboard.press("ArrowRight")
            page.locator(".pbx-dashboard").screenshot(path=name(f"{size}-{width}-{'dark' if dark else 'light'}"))
            assert page.evaluate(OVERFLOW) == []
            focused = page.evaluate(FOCUS)
            assert (focused["what"], focused["seen"]) == ("tile", True)
            assert page.locator(".pbx-dashboard").get_attribute("data-theme") == ("dark" if dark else "light")
    opened.dark(False)
    page.set_viewport_size({"width": 1600, "height": 1700})


@pytest.fixture(scope="module")
def board(browser: Any) -> Iterator[Any]:
    opened = show(browser, 50)
    yield opened
    opened.close()


def test_a_board_of_50_light_dark_wide_and_narrow(board: Any, artefact: Callable[[str], str]) -> None:
    look(board, artefact, "50")
    assert (
        int(board.execute("print(len(pbx.extensions))")) == board.page.locator(".pbx-dashboard [data-number]").count()
    )
    quiet(board)


def test_a_board_of_5000_light_dark_wide_and_narrow(browser: Any, artefact: Callable[[str], str]) -> None:
    opened = show(browser, 5000)
    try:
        look(opened, artefact, "5000")
        extensions = int(opened.execute("print(len(pbx.extensions))"))
        assert extensions >= 5000
        assert opened.page.locator(".pbx-dashboard [data-number]").count() == extensions
        quiet(opened)
    finally:
        opened.close()


def test_it_shows_the_alerts_and_where_they_stand(board: Any) -> None:
    wait(board, "() => document.querySelector('[data-alert=\"longest hold\"]').dataset.level === 'red'")
    assert board.page.locator("[data-alert='longest hold'] .pbx-alert-level").text_content() == "alarm"
    assert "longest hold is an alarm" in board.page.locator(".pbx-alert-log ol").text_content()


def test_an_alert_is_silenced_by_keyboard_and_heard_again(board: Any) -> None:
    wait(board, "() => document.querySelector('[data-alert=\"longest hold\"]').dataset.level === 'red'")
    board.page.get_by_role("button", name="Silence longest hold for a while").press("Enter")
    silent = board.page.get_by_role("button", name="longest hold is silent: let it be heard")
    assert re.fullmatch(r"Silent for 1[45]:\d\d", silent.text_content())
    silent.press("Enter")
    board.page.get_by_role("button", name="Silence longest hold for a while").wait_for()


def test_what_is_selected_in_one_part_is_selected_in_the_others(board: Any) -> None:
    board.execute("board.grid.selected = []; board.calls.selected = []; board.timeline.selected = ''")
    conversation = board.execute("print(pbx.calls[calls[0]].conversation)").strip()
    board.execute(f"board.timeline.selected = {conversation!r}")
    wait(board, f"() => document.querySelector('[data-conversation=\"{conversation}\"]').ariaSelected === 'true'")
    wait(board, "() => document.querySelectorAll('.pbx-tile[aria-selected=true]').length === 2")
    wait(board, "() => document.querySelector('[data-command=hangup]').ariaDisabled === 'false'")
    tiles = board.page.locator(".pbx-tile[aria-selected=true] b").all_text_contents()
    subject = board.page.locator(".pbx-subject").text_content()
    assert all(number in subject for number in tiles)


def test_a_keyboard_is_enough(board: Any) -> None:
    """From the first field of the board to its last button by Tab, and on a tile by its own keys."""
    page = board.page
    board.execute("board.show_console = False; board.grid.selected = []; board.calls.selected = []")
    page.locator(".pbx-dashboard :is(button, select):visible").first.focus()
    stops = []
    for _ in range(90):
        told = page.evaluate(FOCUS)
        if told is None:
            break
        stops.append(told)
        page.keyboard.press("Tab")
    assert [stop for stop in stops if not stop["seen"]] == []
    assert [stop for stop in stops if not stop["label"].strip() and stop["what"] in ("button", "submit")] == []
    whats = [stop["what"] for stop in stops]
    assert whats.count("tile") == 1  # one tab stop for the grid, one for the list
    assert whats.count("call") == 1
    assert {"search", "timeline", "console"} <= set(whats)

    page.locator(f"{TILE}[tabindex='0']").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    number = page.evaluate("() => document.activeElement.dataset.number")
    wait(board, f"() => document.querySelector('.pbx-tile[data-number=\"{number}\"]').ariaSelected === 'true'")
    page.keyboard.press("w")  # why does it look so?
    wait(
        board, f"() => [...document.querySelectorAll('.pbx-console h4')].some(h => h.textContent.includes('{number}'))"
    )
    board.execute("board.show_console = False")


def test_escape_says_no_and_the_focus_is_where_it_was(board: Any) -> None:
    """Asked from a tile, in the bar: a keyboard user must not have to find the tile again."""
    page = board.page
    number = board.execute("print(people[2])").strip()
    page.locator(f"{TILE}[data-number='{number}']").focus()
    page.keyboard.press("Delete")
    wait(board, "() => document.activeElement.dataset.command === 'keep'")
    assert number in page.locator(".pbx-dashboard .pbx-question").inner_text()
    page.keyboard.press("Escape")
    wait(board, f"() => document.activeElement.dataset.number === '{number}'")
    assert page.locator(".pbx-dashboard .pbx-question").inner_text() == ""


def test_the_bar_is_one_row_and_the_rest_is_behind_more(board: Any) -> None:
    """What the call allows is in sight; a button keeps the focus when the call no longer allows it; Escape closes."""
    page, bar = board.page, board.page.locator(".pbx-dashboard .pbx-command-bar")
    conversation = board.execute("print(pbx.calls[calls[4]].conversation)").strip()
    board.execute("board.grid.selected = []")
    page.locator(f".pbx-call[data-conversation='{conversation}']").click()
    hold, dnd = bar.locator("[data-command=hold]"), bar.locator("[data-command=dnd]")
    hold.wait_for(state="visible", timeout=PATIENCE)
    height = bar.bounding_box()["height"]
    assert height < 60
    hold.focus()
    wait(board, "() => document.querySelector('.pbx-glance').textContent.includes('hold')")
    page.keyboard.press("Enter")
    bar.locator("[data-command=resume]").wait_for(state="visible", timeout=PATIENCE)
    assert page.evaluate("() => document.activeElement.dataset.command") == "hold"
    assert bar.bounding_box()["height"] == height
    assert not dnd.is_visible()
    bar.locator(".pbx-more").focus()
    hold.wait_for(state="hidden", timeout=PATIENCE)
    page.keyboard.press("Enter")
    dnd.wait_for(state="visible", timeout=PATIENCE)
    dnd.focus()
    page.keyboard.press("Escape")
    dnd.wait_for(state="hidden", timeout=PATIENCE)
    assert page.evaluate("() => document.activeElement.className") == "pbx-more"


def test_rare_choices_are_in_a_menu_that_the_keyboard_opens_walks_and_leaves(board: Any) -> None:
    page, button = board.page, board.page.locator(".pbx-dashboard .pbx-grid [aria-haspopup=menu]").first
    menu, now = page.locator(".pbx-menu"), "() => document.activeElement.textContent"
    button.focus()
    page.keyboard.press("ArrowDown")
    assert (button.get_attribute("aria-expanded"), page.evaluate(now)) == ("true", "nothing")
    page.keyboard.press("Escape")
    assert (menu.count(), button.get_attribute("aria-expanded")) == (0, "false")
    assert "View" in page.evaluate(now)
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    assert page.evaluate(now) == "all kinds"
    page.keyboard.press("Enter")
    assert menu.count() == 0
    wait(board, "() => [...document.querySelectorAll('.pbx-tag-type')].some(tag => tag.textContent === 'orbit')")
    assert board.execute("print(board.kinds)").strip() == "all"
    button.click()
    menu.get_by_role("menuitemradio", name="extensions").click()
    extensions = board.execute("print(len(pbx.extensions))").strip()
    wait(board, f"() => document.querySelectorAll('{TILE}').length === {extensions}")
    assert "View" in page.evaluate(now)


def test_rows_are_copied_as_text_and_saved_as_csv_and_a_text_in_them_can_be_marked(board: Any) -> None:
    page, row = board.page, board.page.locator(".pbx-dashboard .pbx-call[data-call]").first
    board.execute("board.calls.selected = []; board.grid.selected = []")
    number = row.locator(".pbx-from bdi").first.inner_text()
    row.locator(".pbx-from bdi").first.dblclick()
    assert page.evaluate("() => getSelection().toString()").strip() in number
    page.evaluate("() => getSelection().empty()")
    row.focus()
    page.keyboard.press("Control+c")
    search = page.locator(".pbx-call-list .pbx-search")
    search.focus()
    page.keyboard.press("Control+v")
    assert number in search.input_value().split("\t")
    page.keyboard.press("Escape")
    board.execute("board.calls.selected = []; board.grid.selected = []")
    wait(board, "() => !document.querySelector('.pbx-tile[aria-selected=true]')")
    page.locator(".pbx-grid [aria-haspopup=menu]").last.click()
    with page.expect_download() as saved:
        page.get_by_role("menuitem", name="Save rows as CSV").click()
    text = Path(saved.value.path()).read_text(encoding="utf-8-sig")
    lines = text.splitlines()
    assert (saved.value.suggested_filename, lines[0].split(",")[:2]) == ("extensions.csv", ["Number", "Name"])
    assert [line.split(",")[0] for line in lines[1:]] == board.execute("print(*pbx.extensions)").split()


def test_a_call_is_dragged_by_its_shape_onto_a_tile(board: Any) -> None:
    page = board.page
    conversation, free = board.execute("print(pbx.calls[calls[3]].conversation, people[14])").split()
    tile = page.locator(f"{TILE}[data-number='{free}']")
    tile.scroll_into_view_if_needed()
    page.locator(f".pbx-call[data-conversation='{conversation}'] .pbx-shape").drag_to(tile)
    question = "() => document.querySelector('.pbx-dashboard .pbx-question').textContent"
    wait(board, f"{question}.startsWith('Transfer')")
    page.locator("[data-command=keep]").click()
    wait(board, f"{question} === ''")


def test_no_button_sends_a_picture_away(board: Any) -> None:
    wait(board, "() => document.querySelector('.pbx-dashboard .modebar-btn')")
    titles = [button.get_attribute("data-title") for button in board.page.locator(".modebar-btn").all()]
    assert not any("Share" in title for title in titles), titles


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_an_audit_finds_nothing_serious(board: Any, dark: bool) -> None:
    if axe() is None:
        sentence = 'The audit needs axe-core: pip install "pbxnb[dev]".'
        if os.environ.get("PBXNB_REQUIRE_BROWSER"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    board.execute("board.why(people[0])")
    board.page.wait_for_selector(".pbx-console h4", timeout=PATIENCE)
    board.dark(dark)
    board.page.wait_for_timeout(600)  # colours fade into the new theme
    assert serious(board.page, ".pbx-dashboard") == []
    board.dark(False)
    board.execute("board.show_console = False")


def test_it_goes_on_painting_while_a_cell_blocks_ten_seconds(board: Any) -> None:
    board.page.evaluate(
        """number => { window.__paints = [];
            new MutationObserver(() => __paints.push(performance.now())).observe(
                document.querySelector(`.pbx-tile[data-number="${number}"]`), {attributeFilter: ['data-dnd']}); }""",
        board.execute("print(people[15])").strip(),
    )
    began = board.page.evaluate("() => performance.now()")
    board.execute("import time\nfor n in range(20):\n    sim.set_dnd(people[15], n % 2 == 1)\n    time.sleep(0.5)")
    paints = board.page.evaluate("() => __paints")
    seconds = {int((at - began) / 1000) for at in paints}
    assert len(seconds) >= 9, paints  # one paint a second, or more, while it blocked


def test_a_reloaded_page_shows_the_live_board_again(board: Any) -> None:
    board.page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    board.page.reload()
    board.page.wait_for_function(READY, timeout=90_000)
    board.page.wait_for_selector(TILE, timeout=PATIENCE)
    for on in ("True", "False"):
        board.execute(f"sim.set_dnd(people[14], {on})")
        number = board.execute("print(people[14])").strip()
        wait(
            board,
            f"() => document.querySelector('[data-number=\"{number}\"]').hasAttribute('data-dnd') === {on.lower()}",
        )


def test_a_wallboard_has_no_tools_and_no_commands(board: Any, artefact: Callable[[str], str]) -> None:
    board.execute("board.wallboard = True")
    wait(board, "() => !document.querySelector('.pbx-dashboard [data-command]')")
    board.page.set_viewport_size({"width": 1920, "height": 1300})
    board.page.wait_for_timeout(1500)
    board.page.locator(".pbx-dashboard").screenshot(path=artefact("wall"))
    assert board.page.locator(".pbx-dashboard .pbx-tools:visible").count() == 0
    assert board.page.locator(".pbx-dashboard [data-command]").count() == 0
    assert board.page.evaluate(OVERFLOW) == []


def test_thirty_more_runs_of_its_cell_leave_one_board_and_nothing_behind(board: Any) -> None:
    count = "import threading; print(len(ipywidgets.widgets.widget._instances), threading.active_count())"
    page_size = "() => [document.querySelectorAll('.pbx-dashboard').length, document.querySelectorAll('.pbxnb').length]"
    sizes = []
    for run in range(33):
        assert board.run_all() == []
        if run in (2, 32):
            board.page.wait_for_selector(TILE, timeout=PATIENCE)
            board.page.wait_for_timeout(1500)
            sizes.append([*map(int, board.execute(count).split()), *board.page.evaluate(page_size)])
    assert sizes[0] == sizes[1]
    assert sizes[1][2] == 1
    quiet(board)


def test_a_closed_board_leaves_the_page(board: Any) -> None:
    board.execute("board.close()")
    wait(board, "() => !document.querySelector('.pbxnb')")
    board.execute(
        "import threading, time\nwhile any(t.name == 'pbxnb-ui' for t in threading.enumerate()): time.sleep(0.01)"
    )
    quiet(board)
