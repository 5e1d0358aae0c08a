"""The board in a real JupyterLab in a real Chromium, against one ipywidget per extension, in the same run. Not a test.

    python -m tests.bench.bench_board [--seconds 5] [--runs 3] [--sizes 500 5000] [--rates 100 1000 10000]

A PBX in this process sends `user-state` frames through a real socket; the kernel decodes, applies and paints them. Eight
tiles in sight carry, as chat status, the time at which the PBX sent it; the page notes when that text has been painted.
CPU is that of whole processes, idle time included: kernel (with socket, decode and model; what those take without a board
is printed first), server, page (the renderer); the rest of Chromium, which draws for every tab, stands beside it and is not
in the sum. Bytes are what the browser's WebSockets received. Medians; wall times suffer from whatever else runs.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import TimeoutError as PageTimeout

from tests.browser.jupyter_page import Browser, JupyterPage, Server
from tests.helpers.scripted_pbx import ScriptedPbx

PROBES = 8
PROBE_EVERY = 0.1
CALLS = ([{"callstate": "alerting"}], [{"callstate": "connected"}], [])
BUDGET = {"p95": 100, "cpu": 330, "bytes": 25, "first paint": 500, "memory": 1.0}
REACH = {"p95": 50, "cpu": 150, "bytes": 10, "first paint": 250, "memory": 0.5}

# In the page before anything else: count bytes, and note when a stamp "@<unix time>" has been painted.
PAGE = """
window.bench = {
  bytes: 0, seen: [],
  now: () => (performance.timeOrigin + performance.now()) / 1000,
  painted(fn) { const channel = new MessageChannel(); channel.port1.onmessage = fn; channel.port2.postMessage(0); },
  watch(elements) {
    for (const element of elements)
      new MutationObserver(() => {
        const stamp = /@([\\d.]+)/.exec(element.textContent);
        if (stamp) this.painted(() => this.seen.push([element.dataset.probe, +stamp[1], this.now()]));
      }).observe(element, { childList: true, characterData: true, subtree: true });
  },
  first(selector, count) {
    const look = () => document.querySelectorAll(selector).length >= count
      ? this.painted(() => { this.at = this.now(); }) : requestAnimationFrame(look);
    this.at = 0;
    look();
  },
};
window.WebSocket = class extends WebSocket {
  constructor(...all) {
    super(...all);
    this.addEventListener("message", (event) => { bench.bytes += event.data.byteLength ?? event.data.length; });
  }
};
"""
SETUP = """
import gc, json, os, sys, time, tracemalloc
import ipywidgets, pbxnb
from pbxnb.widgets.grid import ExtensionGrid
slot = ipywidgets.VBox()
slot
"""
# The plain way: a widget an extension, its value set by a handler.
PLAIN = """
begin = time.time()
def text(a):
    return f"<b class=plain>{a.number}</b> {a.name}<br>{a.state} {a.chat_status}"
labels = {number: ipywidgets.HTML(text(account)) for number, account in pbx.accounts.items()}
stop = pbx.on("account.changed", lambda event: setattr(labels[event.account.number], "value", text(event.account)))
slot.children = [ipywidgets.GridBox(list(labels.values()), layout={"grid_template_columns": "repeat(6, 1fr)"})]
"""
UNPLAIN = "stop(); slot.children = []; [label.close() for label in labels.values()]; labels.clear()"


CLICKS = """
pbx = await pbxnb.simulate("office", extensions=50, seed=1)
slot.children = [pbx.command_bar()]
"""
CLICKED = """() => new MutationObserver(() => {
  if (!bench.begin || !document.querySelector('.pbx-outcomes li')?.textContent.startsWith('✓ DND')) return;
  const began = bench.begin;
  bench.begin = 0;
  bench.painted(() => bench.seen.push(bench.now() - began));
}).observe(document.querySelector('.pbx-outcomes'), { childList: true, subtree: true })"""


class Pbx(ScriptedPbx):
    """Sends changes of random extensions at a rate, and stamped ones of the first few."""

    def __init__(self, size: int) -> None:
        super().__init__(str(10_000 + number) for number in range(size))
        self.numbers = [entry["account"] for entry in self.accounts]
        self._plain = {n: [self._state(n, calls=c) for c in CALLS] for n in self.numbers}

    def _state(self, number: str, **fields: Any) -> str:
        frame = {"action": "user-state", "type": "extensions", "account": number, "registered": True, "dnd": False}
        return json.dumps(frame | fields)

    def changes(self, rate: int, seconds: float) -> tuple[int, list[tuple[str, float]]]:
        """Send; returns how many frames, and the stamps: (number, time)."""

        async def run() -> tuple[int, list[tuple[str, float]]]:
            chance, kinds, stamps = random.Random(1), itertools.cycle(range(len(CALLS))), []
            made, begin = 0, time.monotonic()
            while (gone := time.monotonic() - begin) < seconds:
                while made < gone * rate:
                    await self._say(self._plain[chance.choice(self.numbers[PROBES:])][next(kinds)])
                    made += 1
                if len(stamps) * PROBE_EVERY / PROBES < gone:
                    number, at = self.numbers[len(stamps) % PROBES], time.time()
                    stamps.append((number, at))
                    await self._say(self._state(number, chatstatus=f"@{at:.4f}"))
                    made += 1
                await asyncio.sleep(0.004)
            return made, stamps

        return self._thread.submit(run).result(seconds + 60)


class Bench:
    """One notebook with a line to a PBX, and readings of the processes behind it."""

    def __init__(self, browser: Browser, server: Server, pbx: Pbx) -> None:
        self.pbx = pbx
        self.opened: JupyterPage = browser.open([SETUP], script=PAGE)
        assert self.opened.run_all() == []
        self.page = self.opened.page
        self.cdp = self.page.context.new_cdp_session(self.page)
        self.cdp.send("Performance.enable")
        connect = f"pbx = pbxnb.connect(**{pbx.arguments!r}); pbx.result(30); print(os.getpid())"
        self.kernel = psutil.Process(int(self.do(connect)))
        self.server = psutil.Process(server.pid)

    def do(self, code: str) -> str:
        return self.opened.execute(code)

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far."""
        chromium = [(p, p.cmdline()) for p in psutil.Process().children(recursive=True) if "chrom" in p.name()]
        page = [p for p, command in chromium if "--type=renderer" in command]
        rest = [p for p, command in chromium if "--type=renderer" not in command]
        spent = {"kernel": [self.kernel], "server": [self.server], "page": page, "rest": rest}
        return {name: sum(sum(p.cpu_times()[:2]) for p in processes) for name, processes in spent.items()}

    def heap(self) -> float:
        """Bytes of the page's JavaScript heap after a collection."""
        for _ in range(3):
            self.cdp.send("HeapProfiler.collectGarbage")
            self.page.wait_for_timeout(150)
        return next(
            m["value"] for m in self.cdp.send("Performance.getMetrics")["metrics"] if m["name"] == "JSHeapUsedSize"
        )

    def show(self, code: str, selector: str, count: int) -> float:
        """Run code that shows a board; ms from its ``begin`` to the first painted frame."""
        self.page.evaluate("([selector, count]) => bench.first(selector, count)", [selector, count])
        begin = float(self.do(code + "\nprint(begin)"))
        try:
            self.page.wait_for_function("() => bench.at", timeout=60_000)
        except PageTimeout:
            return float("nan")
        return 1000 * (float(self.page.evaluate("() => bench.at")) - begin)

    def watch(self, find: str) -> None:
        """Watch the probes; ``find`` is JavaScript giving the element of a number."""
        self.page.evaluate(
            f"""numbers => bench.watch(numbers.map((number) => {{
                const element = ({find})(number); element.dataset.probe = number; return element; }}))""",
            self.pbx.numbers[:PROBES],
        )

    def load(self, rate: int, seconds: float) -> dict[str, float]:
        """One load: latencies in ms, CPU ms per 1,000 changes, bytes per change."""
        self.page.wait_for_timeout(500)
        self.page.evaluate("() => { bench.bytes = 0; bench.seen = []; }")
        before = self.cpu()
        done: Future[Any] = Future()
        threading.Thread(target=lambda: done.set_result(self.pbx.changes(rate, seconds))).start()
        while not done.done():
            self.page.wait_for_timeout(100)
        made, stamps = done.result()
        after = self.cpu()
        self.page.wait_for_timeout(1500)
        seen: list[tuple[str, float, float]] = self.page.evaluate("() => bench.seen")
        late = sorted(1000 * lag for lag in lags(stamps, seen))
        lost = len(stamps) - len(late)
        spent = {name: 1e6 * (after[name] - before[name]) / made for name in before}
        quantile = (
            {"p50": late[len(late) // 2], "p95": late[int(len(late) * 0.95)]} if late else {"p50": 0.0, "p95": 0.0}
        )
        size = float(self.page.evaluate("() => bench.bytes")) / made
        cpu = spent["kernel"] + spent["server"] + spent["page"]
        return {**quantile, "lost": lost, **spent, "cpu": cpu, "bytes": size, "rate": made / seconds}

    def idle(self, seconds: float) -> dict[str, float]:
        """CPU ms per second while nothing changes."""
        before = self.cpu()
        self.page.wait_for_timeout(1000 * seconds)
        return {name: 1000 * (value - before[name]) / seconds for name, value in self.cpu().items()}


def lags(stamps: list[tuple[str, float]], seen: list[tuple[str, float, float]]) -> Iterator[float]:
    """For each stamp, how long until it, or a later one of its tile, was painted."""
    for number, at in stamps:
        painted = [when for tile, stamp, when in seen if tile == number and stamp >= at - 1e-3]
        if painted:
            yield min(painted) - at


def median_row(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def judge(name: str, value: float) -> str:
    """A figure beside its budget."""
    verdict = "reached" if value <= REACH[name] else "kept" if value <= BUDGET[name] else "MISSED"
    return f"{value:.1f} (budget {BUDGET[name]}, reach {REACH[name]}: {verdict})"


def row(way: str, size: int, rate: int, told: dict[str, float]) -> None:
    print(
        f"{way:>10} {size:>6} {rate:>7} {told['rate']:>7.0f} {told['p50']:>7.0f} {told['p95']:>7.0f} {told['lost']:>5.0f}"
        f" {told['kernel']:>8.0f} {told['server']:>7.0f} {told['page']:>7.0f} {told['cpu']:>7.0f} {told['rest']:>5.0f} {told['bytes']:>8.1f}",
        flush=True,
    )


def loads(bench: Bench, way: str, rates: list[int], options: argparse.Namespace) -> dict[int, dict[str, float]]:
    """Every rate, in turn, several times; prints and returns the medians."""
    size, results = len(bench.pbx.numbers), {}
    for rate in rates:
        results[rate] = median_row([bench.load(rate, options.seconds) for _ in range(options.runs)])
        row(way, size, rate, results[rate])
    return results


def grid_of(bench: Bench, options: argparse.Namespace) -> None:
    """The grid at one size: first paint, loads, memory, each beside its budget."""
    size = len(bench.pbx.numbers)
    loads(bench, "no board", [rate for rate in options.rates if rate >= 1000], options)
    make = "begin = time.time(); grid = pbx.grid(height='700px'); slot.children = [grid]"
    unmake = "slot.children = []; grid.close(); gc.collect()"
    paints = []
    for _ in range(options.runs + 1):
        paints.append(bench.show(make, ".pbx-tile .pbx-head", min(size, 40)))
        bench.page.wait_for_timeout(500)
        bench.do(unmake)
        bench.page.wait_for_timeout(300)
    heap = bench.heap()
    kernel = float(bench.do(f"gc.collect(); tracemalloc.start()\n{make}\nprint(0)").split()[-1])
    bench.page.wait_for_timeout(2500)
    kernel = float(bench.do("gc.collect(); print(tracemalloc.get_traced_memory()[0]); tracemalloc.stop()"))
    memory = (kernel / size / 1000, (bench.heap() - heap) / size / 1000)
    bench.watch("number => document.querySelector(`.pbx-tile[data-number='${number}']`)")
    results = loads(bench, "grid", options.rates, options)
    quiet = bench.idle(options.seconds)
    print(f"   idle, CPU ms/s: {', '.join(f'{name} {value:.0f}' for name, value in quiet.items())}")
    print(f"   first paint: cold {paints[0]:.0f} ms, then {judge('first paint', statistics.median(paints[1:]))} ms")
    print(f"   memory per extension: kernel {memory[0]:.2f} + page {memory[1]:.2f} = {judge('memory', sum(memory))} kB")
    if told := results.get(1000):
        print(
            f"   at 1,000/s: p95 {judge('p95', told['p95'])} ms, CPU {judge('cpu', told['cpu'])} ms per 1,000,", end=""
        )
        print(f" bytes {judge('bytes', told['bytes'])} per change", flush=True)
    bench.do(unmake)


def plain_of(bench: Bench, options: argparse.Namespace) -> None:
    """The plain way at the same size; beyond 1,000 messages a second the server drops messages, so not beyond."""
    size = len(bench.pbx.numbers)
    heap = bench.heap()
    paint = bench.show(PLAIN, ".plain", size)
    print(f"   plain ipywidgets: first paint {paint:.0f} ms, page {(bench.heap() - heap) / size / 1000:.1f} kB each")
    if paint != paint:
        return  # a burst of messages was lost on its way: there is nothing to measure
    find = "number => [...document.querySelectorAll('.plain')].find((b) => b.textContent === number).closest('.widget-html')"
    bench.watch(find)
    loads(bench, "ipywidgets", [rate for rate in options.rates if rate <= 1000], options)
    bench.do(UNPLAIN)


def clicks(browser: Browser, options: argparse.Namespace) -> None:
    """From a press on the command bar's DND to its confirmed outcome on the page, on a simulated PBX with traffic."""
    opened = browser.open([SETUP, CLICKS], script=PAGE)
    assert opened.run_all() == []
    page = opened.page
    page.wait_for_selector("[data-command=dnd]", state="attached")
    page.evaluate(CLICKED)
    for _ in range(10 * options.runs):
        page.evaluate("() => { bench.begin = bench.now(); document.querySelector('[data-command=dnd]').click(); }")
        page.wait_for_function("() => !bench.begin", timeout=20_000)
        page.wait_for_timeout(300)
    took = sorted(1000 * float(seconds) for seconds in page.evaluate("() => bench.seen"))
    print(
        f"click to confirmed and painted: p50 {statistics.median(took):.0f} ms, p95 {took[int(len(took) * 0.95)]:.0f} ms"
    )
    opened.execute("pbx.close()")
    opened.close()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 5000])
    parser.add_argument("--rates", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--no-plain", action="store_true", help="leave the ipywidgets out")
    options = parser.parse_args()
    head = [
        "way",
        "size",
        "asked/s",
        "made/s",
        "p50",
        "p95",
        "lost",
        "kernel",
        "server",
        "page",
        "CPU",
        "rest",
        "bytes",
    ]
    widths = (10, 6, 7, 7, 7, 7, 5, 8, 7, 7, 7, 5, 8)
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        with Browser(server, Path(folder) / "profile") as browser:
            for size in options.sizes:
                print(" ".join(f"{name:>{width}}" for name, width in zip(head, widths, strict=True)))
                with Pbx(size) as pbx:
                    bench = Bench(browser, server, pbx)
                    grid_of(bench, options)
                    if size <= 500 and not options.no_plain:
                        plain_of(bench, options)
                    bench.do("pbx.close()")
                    bench.opened.close()
            clicks(browser, options)


if __name__ == "__main__":
    main()
