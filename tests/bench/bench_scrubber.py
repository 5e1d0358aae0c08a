"""From a seek to its repaint in JupyterLab: a scrubber, a grid, a call list and a console over a long recording.

    python -m tests.bench.bench_scrubber [--frames 1000000] [--seeks 40]

The recording is that of `tests.bench.bench_journal`: 500 extensions, 20 frames a second on their clock. Timed in the
page, from the key that asks for the moment to the animation frame in which the grid has drawn it (Home and End in turn
with random moments; the page's time of the scrubber says which moment is there). "Seek" is the player alone. Not a test.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from tests.bench.bench_journal import T0, write

BUDGET = 150.0  # ms, seek to repaint
CELLS = (
    """
import pbxnb
replay = await pbxnb.replay({path!r})
await replay.player.pause()
scrubber, grid, calls, console = replay.scrubber(), replay.grid(), replay.call_list(), replay.console()
scrubber
""",
    "calls",
    "grid",
    "console",
)
SEEK = """(fraction) => new Promise((resolve) => {
    const rail = document.querySelector('.pbx-rail'), track = rail.closest('[role=slider]');
    const time = document.querySelector('.pbx-scrub-time'), grid = document.querySelector('.pbx-grid');
    const { left, width, top } = rail.getBoundingClientRect();
    const at = { clientX: left + fraction * width, clientY: top, bubbles: true, button: 0, pointerId: 1 };
    let changed = 0;
    const watch = new MutationObserver(() => (changed = performance.now()));
    watch.observe(grid, { subtree: true, childList: true, characterData: true, attributes: true });
    const began = performance.now();
    const poll = () => {
        if (changed) { watch.disconnect(); return requestAnimationFrame(() => resolve(performance.now() - began)); }
        if (performance.now() - began > 10000) { watch.disconnect(); return resolve(null); }
        requestAnimationFrame(poll);
    };
    track.setPointerCapture = () => {};
    track.dispatchEvent(new PointerEvent('pointerdown', at));
    track.dispatchEvent(new PointerEvent('pointerup', at));
    requestAnimationFrame(poll);
})"""


def spread(name: str, times: list[float]) -> None:
    times.sort()
    p95 = times[int(len(times) * 0.95)]
    met = "yes" if p95 <= BUDGET else "no"
    print(f"{name:24}{len(times):7}{statistics.median(times):9.1f}{p95:9.1f}{times[-1]:9.1f}{met:>6}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seeks", type=int, default=40)
    args = parser.parse_args()
    from tests.browser.jupyter_page import Browser, Server

    chance = random.Random(9)
    with tempfile.TemporaryDirectory() as there:
        folder = Path(there)
        path = folder / "one.pbx"
        write(path, args.frames)
        print(
            f"{args.frames:,} frames; budget {BUDGET:g} ms\n{'ms':24}{'times':>7}{'p50':>9}{'p95':>9}{'most':>9}{'met':>6}"
        )
        with Server(folder / "jupyter") as server, Browser(server, folder / "profile") as browser:
            opened = browser.open([cell.format(path=str(path)) for cell in CELLS], width=1600, height=3000)
            assert opened.run_all() == []
            for panel in (".pbx-scrubber [role=slider]", ".pbx-grid [data-number]", ".pbx-call-list", ".pbx-console"):
                opened.page.wait_for_selector(panel, timeout=60_000)
            moments = [T0 + timedelta(seconds=chance.random() * args.frames / 20) for _ in range(args.seeks)]
            seeks = f"""
import json, time
from datetime import datetime
spent = []
for text in {[moment.isoformat() for moment in moments]!r}:
    began = time.perf_counter()
    await replay.player.seek(datetime.fromisoformat(text))
    spent.append((time.perf_counter() - began) * 1e3)
print(json.dumps(spent))"""
            spread("seek, awaited in a cell", json.loads(opened.execute(seeks, timeout=300)))
            painted = []
            for _ in range(args.seeks):
                painted.append(opened.page.evaluate(SEEK, chance.random()))
                time.sleep(0.7)  # for what comes after the first paint of it
            lost = painted.count(None)
            spread("pointer to repaint", [one for one in painted if one is not None])
            if lost:
                print(f"{lost} of {args.seeks} changed nothing in the grid within 10 s")
            opened.close()


if __name__ == "__main__":
    main()
