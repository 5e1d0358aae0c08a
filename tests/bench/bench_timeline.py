"""The live timeline in a real JupyterLab in a real Chromium over a long history, against a plain FigureWidget. Not a test.

Run: ``python -m tests.bench.bench_timeline [--sizes 1000 100000 1000000] [--seconds 20]``. 1,000 extensions, 24 lanes
shown, 10 new calls a second (each rings 5 s and talks a minute), so about 650 calls are always open. The history is
generated into the handle's. *flush*: from the beginning of the kernel's drawing to after the page has painted
it. *change*: from an event of the model to the same. Both on the machine's one clock. Bytes are those of the figure's
messages, with 430 for the envelope of each. Page CPU is the renderer's main thread; memory is what it holds after a
collection. The plain way: one FigureWidget with a bar per call, its data assigned anew four times a second.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from tests.browser.jupyter_page import Browser, JupyterPage, Server

KERNEL = """
import collections, itertools, json, random, sys, threading, time
from datetime import datetime, timedelta, UTC
from tests.widgets.fakes import FakeHandle, account, call
from pbxnb.figures.timeline import Timeline
from pbxnb.history import Span, Story
from pbxnb.model.changes import Changes, Event
from pbxnb.model.entities import CallState, Phase
import msgspec

NUMBERS = [str(1000 + n) for n in range(1000)]
handle = FakeHandle(account(number, name=f"Person {number}") for number in NUMBERS)
chance = random.Random(1)

def remember(calls):
    now = time.time()
    for n in range(calls):
        start = now - 70 - (calls - n) / 10
        lane, name = chance.choice(NUMBERS), f"old{n}"
        story = Story(name, f"+1202555{n % 10000:04d} → {lane}")
        for phase, since, until in ((Phase.RINGING, start, start + 5), (Phase.TALKING, start + 5, start + 65)):
            span = Span(name, phase, since, until, (lane,))
            story.end(span)
            handle.history._end(span, story)

changed, flushes, sizes = [], [], []

def feed(stop):
    made, open_ = itertools.count(), collections.deque()
    def tell(kind, one):
        at = datetime.now(UTC)
        handle.tell(Changes(events=(Event(kind=kind, call=one, at=at, received=at),), calls=frozenset((one.id,))))
        changed.append(time.time())
    begin, n = time.monotonic(), 0
    while not stop.is_set():
        if time.monotonic() - begin < n / 10:
            time.sleep(0.005)
            continue
        n += 1
        at = datetime.now(UTC)
        one = call(f"new{next(made)}", f"+1303555{n % 10000:04d}", lane := chance.choice(NUMBERS), state=CallState.RINGING,
                   extensions=(lane,), started_at=at, since=at)
        tell("call.new", one)
        open_.append(one)
        if len(open_) > 50:
            one = msgspec.structs.replace(open_[-50], state=CallState.CONNECTED, phase=Phase.TALKING, connected_at=at, since=at)
            open_[-50] = one
            tell("call.changed", one)
        if len(open_) > 650:
            tell("call.ended", open_.popleft())

def count(figure):
    send = figure.comm.send
    def counting(data=None, metadata=None, buffers=None):
        sizes.append(430 + len(json.dumps(data, default=str)) + sum(len(part) for part in buffers or ()))
        return send(data, metadata, buffers)
    figure.comm.send = counting
"""
OURS = """
timeline = Timeline(handle, window=WINDOW)
remember(CALLS)
count(timeline.figure)
draw = timeline._drawing.draw
def timed(view):
    begin = time.time()
    before = sum(sizes)
    if sent := draw(view):
        flushes.append((timeline._drawing._x(view.now), timed.begun, sum(sizes) - before))
    return sent
look = timeline._seen
def looked():
    timed.begun = time.time()
    return look()
timeline._seen, timeline._drawing.draw = looked, timed
stop = threading.Event()
feeder = threading.Thread(target=feed, args=(stop,), daemon=True)
feeder.start()
timeline
"""
PLAIN = """
import plotly.graph_objects as go
bars = collections.deque((time.time() - n / 10 - 65, 60.0, chance.choice(NUMBERS)) for n in range(CALLS, 0, -1))
figure = go.FigureWidget(go.Bar(orientation="h", base=[], x=[], y=[], name="calls"))
count(figure)
def resend(stop):
    begin = time.monotonic()
    for n in itertools.count():
        if stop.wait(max(0.0, begin + n / 4 - time.monotonic())):
            return
        begun, before = time.time(), sum(sizes)
        for _ in range(3):
            bars.popleft()
            bars.append((begun - 60, 60.0, chance.choice(NUMBERS)))
            changed.append(begun)
        with figure.batch_update():
            figure.data[0].base = [bar[0] for bar in bars]
            figure.data[0].x = [bar[1] for bar in bars]
            figure.data[0].y = [bar[2] for bar in bars]
        flushes.append((round(bars[-1][0], 3), begun, sum(sizes) - before))
stop = threading.Event()
feeder = threading.Thread(target=resend, args=(stop,), daemon=True)
figure
"""
HOOK = """plain => { const gd = document.querySelector('.js-plotly-plot');
    window.__painted = [];
    gd.on('plotly_afterplot', () => { const t = gd.data.find(t => t.name === (plain ? 'calls' : 'now'));
        const mark = plain ? Math.round(t.base[t.base.length - 1] * 1000) / 1000 : t.x[0];
        requestAnimationFrame(() => setTimeout(() => window.__painted.push([mark, Date.now() / 1000]))); }); }"""
READ = """
stop.set()
print(json.dumps({"flushes": flushes, "changed": changed, "cpu": time.process_time() - cpu, "seconds": time.time() - since}))
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 100_000, 1_000_000])
    parser.add_argument("--windows", type=float, nargs="*", default=[300.0, 3600.0])
    parser.add_argument("--plain", type=int, nargs="*", default=[1000, 10_000])
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    print(f"load of the machine before: {os.getloadavg()[0]:.2f}")
    print(
        f"{'way':>9} {'window':>7} {'calls':>9} {'flushes':>8} {'flush p50':>10} {'p95 ms':>7} {'change p50':>11} {'p95 ms':>7}"
        f" {'bytes p50':>10} {'max':>9} {'page CPU':>9} {'kernel':>7} {'heap MB':>8} {'kernel MB':>10}"
    )
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder) / "server") as server:
        with Browser(server, Path(folder) / "profile") as browser:
            for window in options.windows:
                for size in options.sizes:
                    cells = [
                        f"WINDOW, CALLS = {window}, {size}",
                        KERNEL,
                        OURS,
                    ]
                    _row("timeline", window, size, _measure(browser.open(cells), options.seconds, plain=False))
            for size in options.plain:
                cells = [f"CALLS = {size}", KERNEL, PLAIN]
                _row("plain", 0, size, _measure(browser.open(cells), options.seconds, plain=True))


def _measure(opened: JupyterPage, seconds: float, *, plain: bool) -> dict[str, Any]:
    page = opened.page
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    errors = opened.run_all(timeout=300)
    assert not errors, errors
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=60_000)
    page.wait_for_timeout(5000)
    page.evaluate(HOOK, plain)
    opened.execute("feeder.is_alive() or feeder.start(); changed.clear(); flushes.clear(); sizes.clear()")
    opened.execute("cpu, since = time.process_time(), time.time()")
    before = _metrics(devtools)
    page.wait_for_timeout(1000 * seconds)
    after = _metrics(devtools)
    told: dict[str, Any] = json.loads(opened.execute(READ, timeout=300))
    painted: dict[float, float] = {}
    for mark, at in page.evaluate("window.__painted"):
        painted.setdefault(mark, at)
    told["painted"] = painted
    told["page"] = (after["TaskDuration"] - before["TaskDuration"]) / (after["Timestamp"] - before["Timestamp"])
    devtools.send("HeapProfiler.collectGarbage")
    told["heap"] = _metrics(devtools)["JSHeapUsedSize"] / 2**20
    told["rss"] = float(opened.execute("print(int(open('/proc/self/statm').read().split()[1]) * 4096 / 2**20)"))
    opened.close()
    return told


def _metrics(devtools: Any) -> dict[str, float]:
    return {entry["name"]: entry["value"] for entry in devtools.send("Performance.getMetrics")["metrics"]}


def _row(way: str, window: float, size: int, told: dict[str, Any]) -> None:
    done = [(begun, told["painted"].get(mark)) for mark, begun, _ in told["flushes"]]
    flush = sorted(1000 * (at - begun) for begun, at in done if at is not None)
    change = sorted(
        1000 * (at - moment)
        for moment in told["changed"]
        if (at := next((at for begun, at in done if begun >= moment and at is not None), None)) is not None
    )
    sizes = sorted(size for _, _, size in told["flushes"])
    print(
        f"{way:>9} {window:>7.0f} {size:>9} {len(flush):>4}/{len(done):<3} {_at(flush, 0.5):>10.0f} {_at(flush, 0.95):>7.0f}"
        f" {_at(change, 0.5):>11.0f} {_at(change, 0.95):>7.0f} {_at(sizes, 0.5):>10.0f} {_at(sizes, 1):>9.0f}"
        f" {told['page']:>8.0%} {told['cpu'] / told['seconds']:>7.0%} {told['heap']:>8.1f} {told['rss']:>10.0f}",
        flush=True,
    )


def _at(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


if __name__ == "__main__":
    main()
