"""The live timeline in a real JupyterLab: it follows now, keeps the user's window, and answers clicks and the mouse."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

SETUP = """
import pbxnb
pbx = await pbxnb.simulate("empty", extensions=12, seed=1, speed=10)
timeline = pbx.timeline(window=300.0)
pbx.simulator.scenario("transfer")
timeline
"""
PLOT = ".pbxnb-timeline .js-plotly-plot"
OPEN = f"const gd = document.querySelector('{PLOT}'), l = gd._fullLayout, box = gd.getBoundingClientRect();"
RANGE = f"() => document.querySelector('{PLOT}')._fullLayout.xaxis.range.map(Number)"
BARS = f"""() => document.querySelector('{PLOT}').data.filter(t => t.type === 'bar' && /^(page|running)/.test(t.name))
    .flatMap(t => (t.x || []).map((x, i) => ({{base: t.base[i], length: x, row: t.y[i]}})))"""
LINKS = (
    f"() => document.querySelector('{PLOT}').data.find(t => t.name === 'links').x.filter(x => x !== null).length / 2"
)
# Where a bar is on the screen: the middle of the i-th longest.
PLACE = f"""rank => {{ {OPEN}
    const bars = ({BARS})().filter(b => b.length > 3).sort((a, b) => b.length - a.length), bar = bars[rank];
    const [from, to] = l.xaxis.range, left = Math.max(bar.base, from), right = Math.min(bar.base + bar.length, to);
    return [box.left + l._size.l + l.xaxis.d2p((left + right) / 2), box.top + l._size.t + l.yaxis.d2p(bar.row)]; }}"""
INSIDE = f"""share => {{ {OPEN}
    return [box.left + l._size.l + share * l._size.w, box.top + l._size.t + 0.95 * l._size.h]; }}"""

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def opened(browser: Any) -> Iterator[Any]:
    opened = browser.open([SETUP], height=900)
    assert opened.run_all() == []
    opened.page.wait_for_function(f"() => ({BARS})().length >= 8", timeout=60_000)  # the whole scenario has been played
    yield opened
    opened.close()


def wait(opened: Any, condition: str) -> None:
    opened.page.wait_for_function(condition, timeout=20_000)


def following(opened: Any) -> bool:
    return bool(opened.execute("print(timeline.following)").strip() == "True")


def test_it_follows_now_and_fills_its_cell(opened: Any, artefact: Callable[[str], str]) -> None:
    before = opened.page.evaluate(RANGE)
    wait(opened, f"() => ({RANGE})()[1] > {before[1]} + 20")
    width = opened.page.evaluate(f"() => document.querySelector('{PLOT} .main-svg').getBoundingClientRect().width")
    room = opened.page.evaluate("() => document.querySelector('.pbxnb-timeline').getBoundingClientRect().width")
    assert abs(width - room) < 24
    opened.page.screenshot(path=artefact("light"))


def test_a_transfer_is_a_link_and_an_answer_is_none(opened: Any) -> None:
    assert opened.page.evaluate(LINKS) == 2  # one blind, one attended


def test_hover_tells_the_story_and_a_click_selects(opened: Any, artefact: Callable[[str], str]) -> None:
    opened.execute("timeline.show(timeline._bounds()[2] - 280, timeline._bounds()[2])")
    opened.page.wait_for_timeout(600)  # the window must stand still under the mouse
    x, y = opened.page.evaluate(PLACE, 0)
    opened.page.mouse.move(x, y)
    wait(opened, f"() => document.querySelector('{PLOT} .hoverlayer .hovertext')")
    told = opened.page.evaluate(f"() => document.querySelector('{PLOT} .hoverlayer').textContent")
    for phase in ("ringing", "talking", "held", "Jo Field"):
        assert phase in told
    opened.page.mouse.click(x, y)
    wait(opened, f"() => document.querySelector('{PLOT}').data.find(t => t.name === 'selected').x.length > 3")
    assert opened.execute("print(timeline.selected)").strip() in opened.execute("print(list(pbx.conversations))")
    opened.page.screenshot(path=artefact("selected"))
    opened.execute("timeline.selected = ''")
    wait(opened, f"() => document.querySelector('{PLOT}').data.find(t => t.name === 'selected').x.length === 0")


def test_a_drag_keeps_the_users_window_until_back_to_now(opened: Any) -> None:
    opened.execute("timeline.back_to_now()")
    wait(opened, f"() => ({RANGE})()[1] > {opened.page.evaluate(RANGE)[1]} + 5")
    (x, y), (to, _) = opened.page.evaluate(INSIDE, 0.3), opened.page.evaluate(INSIDE, 0.7)
    opened.page.mouse.move(x, y)
    opened.page.mouse.down()
    opened.page.mouse.move((x + to) / 2, y, steps=5)
    opened.page.mouse.move(to, y, steps=5)
    opened.page.mouse.up()
    opened.page.wait_for_timeout(1000)
    assert not following(opened)
    kept = opened.page.evaluate(RANGE)
    opened.page.wait_for_timeout(2500)  # nothing may move: there is no event to wait for
    assert opened.page.evaluate(RANGE) == pytest.approx(kept, abs=0.2)
    shown = [float(part) for part in opened.execute("print(*timeline._bounds()[:2])").split()]
    origin = float(opened.execute("print(timeline._drawing.origin)"))
    assert kept == pytest.approx([bound - origin for bound in shown], abs=0.2)
    opened.page.get_by_role("button", name="Back to now").click()
    wait(opened, f"() => ({RANGE})()[1] > {kept[1]} + 20")
    assert following(opened)


def test_a_double_click_leads_back_to_now(opened: Any) -> None:
    opened.execute("timeline.show(timeline._bounds()[2] - 250, timeline._bounds()[2] - 100)")
    opened.page.wait_for_timeout(800)
    x, y = opened.page.evaluate(INSIDE, 0.5)
    opened.page.mouse.dblclick(x, y)
    wait(opened, f"() => {{ const r = ({RANGE})(); return r[1] - r[0] > 290 }}")
    assert following(opened)


# The fewest bars there were in any frame since the watch began.
WATCH = """() => { const bars = () => document.querySelectorAll('.pbxnb-timeline .js-plotly-plot .bars .point').length;
    window.__fewest = bars();
    const look = () => { window.__fewest = Math.min(window.__fewest, bars()); requestAnimationFrame(look); };
    requestAnimationFrame(look); }"""


def test_no_frame_is_without_the_bars(opened: Any) -> None:
    opened.execute("timeline.back_to_now()")
    opened.page.evaluate(WATCH)
    before = opened.page.evaluate(RANGE)
    wait(opened, f"() => ({RANGE})()[1] > {before[1]} + 40")
    assert opened.page.evaluate("() => window.__fewest") >= 8


def test_it_moves_while_a_cell_blocks(opened: Any) -> None:
    before = opened.page.evaluate(RANGE)
    opened.page.evaluate(
        """code => { const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            window.__blocked = true;
            kernel.requestExecute({code}).done.then(() => { window.__blocked = false; }); }""",
        "import time; time.sleep(8)",
    )
    wait(opened, f"() => ({RANGE})()[1] > {before[1]} + 40")
    assert opened.page.evaluate("() => window.__blocked")
    wait(opened, "() => !window.__blocked")


def test_it_can_be_read_in_the_dark_and_says_nothing_wrong(opened: Any, artefact: Callable[[str], str]) -> None:
    opened.dark()
    opened.page.wait_for_timeout(500)
    opened.page.screenshot(path=artefact("dark"))
    colour = opened.page.evaluate(f"() => getComputedStyle(document.querySelector('{PLOT} .ytick text')).fill")
    assert sum(int(part) for part in colour.strip("rgba()").split(",")[:3]) > 3 * 150
    opened.dark(False)
    assert opened.errors == []
    assert opened.offsite == []


BESIDE = """
import pbxnb
from pbxnb.figures import concurrency, live
from pbxnb.widgets import Sparklines
pbx = await pbxnb.simulate("callcentre", extensions=20, seed=3, speed=60)
import ipywidgets
picture = live(concurrency, pbx, every=0.5)
ipywidgets.VBox([Sparklines(pbx), picture])
"""


def test_sparklines_and_a_live_picture(browser: Any, artefact: Callable[[str], str]) -> None:
    opened = browser.open([BESIDE], height=900)
    try:
        assert opened.run_all() == []
        wait(opened, "() => [...document.querySelectorAll('.pbx-spark b')].some(b => Number(b.textContent) > 0)")
        wait(opened, "() => document.querySelectorAll('.pbx-spark path.pbx-spark-line[d^=M]').length === 4")
        points = "() => document.querySelector('.pbxnb-frame .js-plotly-plot').data[0]?.x?.length ?? 0"
        before = opened.page.evaluate(points)
        wait(opened, f"() => ({points})() > {before}")
        width = opened.page.evaluate(
            "() => document.querySelector('.pbxnb-frame .main-svg').getBoundingClientRect().width"
        )
        assert width > 800
        opened.page.screenshot(path=artefact("light"))
        assert opened.errors == []
    finally:
        opened.close()


@pytest.mark.long
def test_ten_minutes_change_neither_the_users_window_nor_the_memory(browser: Any) -> None:
    opened = browser.open([LONG], height=900)
    try:
        assert opened.run_all() == []
        wait(opened, f"() => ({BARS})().length >= 4")
        devtools = opened.page.context.new_cdp_session(opened.page)
        devtools.send("Performance.enable")
        time.sleep(120)  # until the window is full, there is more to show every minute
        opened.execute("timeline.show(timeline._bounds()[2] - 600, timeline._bounds()[2] - 300)")
        opened.execute("timeline.selected = next(iter(pbx.conversations))")
        opened.page.wait_for_timeout(2000)
        kept, selected = opened.page.evaluate(RANGE), opened.execute("print(timeline.selected)")
        first = _memory(opened, devtools)
        time.sleep(480)
        assert opened.page.evaluate(RANGE) == pytest.approx(kept, abs=0.2)
        assert opened.execute("print(timeline.selected)") == selected
        last = _memory(opened, devtools)
        print(f"page heap {first[0]:.1f} -> {last[0]:.1f} MB, kernel {first[1]:.0f} -> {last[1]:.0f} MB")
        assert last[0] < first[0] + 5
        assert last[1] < first[1] + 20
        assert opened.errors == []
    finally:
        opened.close()


LONG = """
import pbxnb
pbx = await pbxnb.simulate("office", extensions=24, seed=1, speed=5)
timeline = pbx.timeline(window=900.0)
timeline
"""


def _memory(opened: Any, devtools: Any) -> tuple[float, float]:
    """MB: the page's heap after a collection, and the kernel's."""
    devtools.send("HeapProfiler.collectGarbage")
    told = {entry["name"]: entry["value"] for entry in devtools.send("Performance.getMetrics")["metrics"]}
    kernel = "import gc; gc.collect(); print(int(open('/proc/self/statm').read().split()[1]) * 4096 / 2**20)"
    return told["JSHeapUsedSize"] / 2**20, float(opened.execute(kernel))
