"""The life of a panel in a real page: several views, a stall, a hidden page, a reload, re-runs, 1,000 cycles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pbxnb.ui.timing import Timing
from tests.browser.jupyter_page import READY, JupyterPage

pytestmark = pytest.mark.browser

CONNECT = """
import asyncio, gc, ipywidgets, pbxnb, threading, time
from ipywidgets.widgets.widget import _instances
pbx = await pbxnb.simulate("quiet", extensions=60, seed=1)
number, *others = pbx.extensions
slot = ipywidgets.VBox()
slot
"""
# In the page before anything else: every panel that was ever in it, weakly held, and a switch that stops its frames.
WATCH = """
window.roots = [];
new MutationObserver((changes) => {
  for (const change of changes) for (const node of change.addedNodes)
    if (node.classList?.contains("pbxnb")) window.roots.push(new WeakRef(node));
    else for (const root of node.querySelectorAll?.(".pbxnb") || []) window.roots.push(new WeakRef(root));
}).observe(document, { childList: true, subtree: true });
const frame = window.requestAnimationFrame.bind(window);
let held = [];
window.requestAnimationFrame = (fn) => (window.hiddenNow ? held.push(fn) : frame(fn));
window.showAgain = () => { window.hiddenNow = false; for (const fn of held.splice(0)) frame(fn); };
"""
RIGHT = """([number, on]) => {
  const tiles = [...document.querySelectorAll(`[data-number="${number}"]`)];
  return tiles.length > 0 && tiles.every((tile) => tile.hasAttribute("data-dnd") === on); }"""
STALL = """async ([number, seconds]) => {
  const until = performance.now() + 1000 * seconds;
  while (performance.now() < until);
  while (!document.querySelector(`[data-number="${number}"]`).hasAttribute("data-dnd"))
    await new Promise((done) => setTimeout(done, 5));
  return performance.now() - until; }"""
RUN_CELL = """async (index) => {
  jupyterapp.shell.currentWidget.content.activeCellIndex = index;
  await jupyterapp.commands.execute("notebook:run-cell"); }"""


class Board:
    """A page with a grid in two views, and the number of one of its tiles."""

    def __init__(self, browser: Any, *cells: str) -> None:
        self.opened: JupyterPage = browser.open([CONNECT, *cells], script=WATCH, height=2000)
        assert self.opened.run_all() == []
        self.page = self.opened.page
        self.number = self.opened.execute("print(number)").strip()

    def dnd(self, on: bool) -> None:
        """Change one account at the PBX."""
        self.opened.execute(f"pbx.simulator.set_dnd(number, {on})")

    def right(self, on: bool, timeout: float = 10) -> None:
        """Wait until every tile of the number says so."""
        self.page.wait_for_function(RIGHT, arg=[self.number, on], timeout=1000 * timeout)

    def heap(self) -> float:
        """kB of JavaScript after collecting garbage."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("Performance.enable")
        for _ in range(3):
            session.send("HeapProfiler.collectGarbage")
            self.page.wait_for_timeout(100)
        metrics = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
        session.detach()
        return float(metrics["JSHeapUsedSize"]) / 1000

    def alive(self) -> int:
        """Panels the page still holds, shown or not."""
        self.heap()
        return int(self.page.evaluate("() => roots.filter((root) => root.deref()).length"))


@pytest.fixture(scope="module")
def board(browser: Any) -> Iterator[Board]:
    made = Board(browser, "grid = pbx.grid()\ngrid", "grid")
    yield made
    made.opened.close()


def test_two_views_of_one_grid_show_the_same(board: Board) -> None:
    board.page.wait_for_function("() => document.querySelectorAll('.pbx-grid').length === 2")
    for on in (True, False):
        board.dnd(on)
        board.right(on)
    assert board.opened.errors == []


def test_keys_in_a_tile_and_in_the_filter_are_not_for_the_notebook(board: Board) -> None:
    page = board.page
    state = """() => { const { model, activeCellIndex, mode } = jupyterapp.shell.currentWidget.content;
        return JSON.stringify([model.toJSON(), activeCellIndex, mode]); }"""
    page.locator(".pbx-search").first.focus()
    before = page.evaluate(state)
    for place in (".pbx-tile[tabindex='0']", ".pbx-search"):
        page.locator(place).first.focus()
        # Those with which JupyterLab deletes, cuts, merges, moves and runs cells among them.
        for key in ("Escape", *"abcdfimprvxyz0011", "Shift+M", "Control+b", "Control+Enter", "Shift+Enter", "Escape"):
            page.keyboard.press(key)
    assert page.evaluate(state) == before
    assert page.locator(".pbx-search").first.input_value() == ""
    assert board.opened.errors == []


def test_a_page_that_stalled_for_10_s_is_right_within_a_second_and_was_not_buried(board: Board) -> None:
    board.opened.execute("""
before = grid._pacer.number
def change():
    for count in range(200):  # 10 s, and only then what the page waits for
        pbx.simulator.set_dnd(others[0], count % 2 == 0)
        time.sleep(0.05)
    pbx.simulator.set_dnd(number, True)
threading.Thread(target=change).start()""")
    took = board.page.evaluate(STALL, [board.number, 10.5])
    board.right(True)
    sent = int(board.opened.execute("print(grid._pacer.number - before)"))
    print(f"right {took:.0f} ms after a stall of 10.5 s, {sent} batches for 201 changes")
    assert took < 1000
    assert sent <= Timing().far_ahead + 28 + 20  # the window, two a second, and what came after the stall
    board.dnd(False)
    board.right(False)


def test_a_hidden_page_gets_little_and_is_right_when_it_is_shown_again(board: Board) -> None:
    board.opened.execute("""
def change():
    global sent
    time.sleep(0.5)
    before = grid._pacer.number
    for count in range(101):  # 5 s of changes that nobody sees
        pbx.simulator.set_dnd(number, count % 2 == 0)
        time.sleep(0.05)
    sent = grid._pacer.number - before
changing = threading.Thread(target=change)
changing.start()""")
    board.page.evaluate("() => { window.hiddenNow = true; }")
    board.page.wait_for_timeout(7000)  # Playwright, too, looks in frames: it must not wait for anything here
    assert not board.page.evaluate(RIGHT, [board.number, True])
    board.page.evaluate("() => showAgain()")
    board.right(True, timeout=1)
    sent = int(board.opened.execute("changing.join(); print(sent)"))
    print(f"{sent} batches for 101 changes")
    assert sent <= Timing().far_ahead + 12
    board.dnd(False)
    board.right(False)


def test_a_reloaded_page_shows_the_board_as_it_is_now(board: Board) -> None:
    board.page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    board.dnd(True)
    board.page.reload()
    board.page.wait_for_function(READY, timeout=60_000)
    board.right(True, timeout=30)
    board.dnd(False)
    board.right(False)
    assert board.opened.errors == []


def test_thirty_runs_of_a_cell_leave_one_panel_in_the_page_and_in_the_kernel(browser: Any) -> None:
    board = Board(browser, "grid = pbx.grid(group_by='department')\ngrid")
    try:
        counted = []
        for run in range(30):
            board.page.evaluate(RUN_CELL, 1)
            board.page.wait_for_function("() => document.querySelectorAll('.pbx-grid').length === 1")
            if run in (9, 29):
                kernel = board.opened.execute("gc.collect(); print(len(_instances), threading.active_count())")
                counted.append((board.alive() <= 2, board.page.evaluate("() => pbxnbModules.size"), kernel))
        board.dnd(True)
        board.right(True)
        assert counted[0] == counted[1]
        assert counted[1][:2] == (True, 1)
        assert board.opened.errors == []
    finally:
        board.opened.close()


CYCLES = """
class Line(anywidget.AnyWidget):
    _esm = '''export default { render({ el }) {
        el.append(document.createElement("p")); el.lastChild.className = "pbxnb"; } }'''
    def close(self):
        layout = self.layout  # ipywidgets forgets it
        super().close()
        layout.close()
async def cycle(count, make):
    for _ in range(count):
        made = make()
        slot.children = [made]
        await asyncio.sleep(0.12)
        slot.children = []
        made.close()
        await asyncio.sleep(0.03)
"""


@pytest.mark.long
def test_a_thousand_open_close_cycles_leave_what_any_closed_widget_leaves(browser: Any) -> None:
    """JupyterLab itself keeps some 20 kB of every closed widget; a panel may not keep much more."""
    board = Board(browser, "import anywidget, tracemalloc\n" + CYCLES)
    try:
        kept = {}
        for name, make, count in (("one line", "Line", 100), ("grid", "pbx.grid", 1000)):
            board.opened.execute(f"await cycle(10, {make}); gc.collect(); tracemalloc.start()", 30)
            held = board.opened.execute("print(len(_instances), threading.active_count())")
            heap, alive, drawn = board.heap(), board.alive(), int(board.page.evaluate("() => roots.length"))
            for _ in range(count // 50):
                board.opened.execute(f"await cycle(50, {make})", 120)
            memory = board.opened.execute("gc.collect(); print(tracemalloc.get_traced_memory()[0]); tracemalloc.stop()")
            kept[name] = ((board.heap() - heap) / count, int(memory) / 1000 / count)
            told = f"page {kept[name][0]:.1f} kB, kernel {kept[name][1]:.2f} kB a cycle"
            print(f"{name}: {told}; widgets and threads {held.strip()}")
            assert int(board.page.evaluate("() => roots.length")) - drawn > 0.9 * count  # seen, not only made
            assert board.opened.execute("print(len(_instances), threading.active_count())") == held
        assert board.alive() <= alive + 2
        assert kept["grid"][0] < kept["one line"][0] + 10
        assert kept["grid"][1] < kept["one line"][1] + 1
        assert sorted(set(board.opened.errors)) == []
    finally:
        board.opened.close()
