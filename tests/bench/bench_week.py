"""A week of an office before an open dashboard, in a real JupyterLab in a real Chromium: what grows? Not a test.

Run: ``python -m tests.bench.bench_week [--days 7] [--speed 1000] [--extensions 50]``. The embedded PBX, the handle and a
dashboard with timeline and alerts live in one kernel; a week at speed 1,000 takes 605 s. At each virtual midnight after
the first day, counted from the start: memory of the kernel after a collection and what it holds (objects, widgets,
threads, ended calls and frames kept: at most 20,000, and 100,000 or 32 MB), the page's heap after a collection, its nodes
and listeners, and what went to the page since the last line. Beside it the PBX's clock: days that really passed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.browser.jupyter_page import Browser, JupyterPage, Server

SETUP = """
import gc, json, os, threading
import ipywidgets
import pbxnb
from pbxnb.widgets import Rule
pbx = await pbxnb.simulate("office", extensions={extensions}, seed=1, speed={speed})
begun = pbx.clock.now()
def told():
    gc.collect()
    frames = pbx.frames()
    return dict(
        days=(pbx.clock.now() - begun).total_seconds() / 86_400, objects=len(gc.get_objects()) / 1000,
        rss=int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20,
        widgets=len(ipywidgets.widgets.widget._instances), threads=threading.active_count(),
        calls=len(pbx.closed_calls()), frames=len(frames), frame_mb=sum(len(f.text) for f in frames) / 2**20,
        state=str(pbx.status.state), gaps=len(pbx.status.gaps),
    )
"""
BOARD = "pbx.dashboard(alerts=[Rule.waiting(orange=20, red=60)])"
SIZES = """
(() => {
  const Plain = WebSocket;
  window.received = 0;
  window.WebSocket = class extends Plain {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({data}) => { window.received += data.byteLength ?? data.size ?? data.length; });
    }
  };
})();
"""


class Week:
    """One notebook with the board, measured from outside.

    Args:
        browser: where it is opened.
        extensions, speed: of the embedded PBX.
    """

    def __init__(self, browser: Browser, extensions: int, speed: float) -> None:
        cells = [SETUP.format(extensions=extensions, speed=speed), BOARD]
        self.opened: JupyterPage = browser.open(cells, height=1600, script=SIZES)
        assert self.opened.run_all() == []
        self.opened.page.wait_for_selector(".js-plotly-plot .point", state="attached", timeout=60_000)
        self._devtools = self.opened.page.context.new_cdp_session(self.opened.page)
        self._devtools.send("Performance.enable")
        self._before = 0.0

    def told(self) -> dict[str, Any]:
        """What kernel and page hold now; MB but for ``objects``, in thousands."""
        kernel = json.loads(self.opened.execute("print(json.dumps(told()))", 120))
        for _ in range(3):
            self._devtools.send("HeapProfiler.collectGarbage")
            self.opened.page.wait_for_timeout(100)
        page = {one["name"]: one["value"] for one in self._devtools.send("Performance.getMetrics")["metrics"]}
        received = float(self.opened.page.evaluate("() => window.received"))
        sent, self._before = (received - self._before) / 2**20, received
        counts = {"nodes": page["Nodes"], "listeners": page["JSEventListeners"]}
        return {**kernel, "heap": page["JSHeapUsedSize"] / 2**20, **counts, "sent": sent}


COLUMNS = {
    "days": ".2f", "rss": ".0f", "objects": ".0f", "widgets": "d", "threads": "d", "calls": ",d", "frames": ",d",
    "frame_mb": ".1f", "heap": ".1f", "nodes": ",.0f", "listeners": ",.0f", "sent": ".1f", "state": "", "gaps": "d",
}  # fmt: skip


def main() -> None:
    """Print the table, a line a day."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--speed", type=float, default=1000.0)
    parser.add_argument("--extensions", type=int, default=50)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    with Server(folder) as server, Browser(server, folder / "profile") as browser:
        week = Week(browser, options.extensions, options.speed)
        print(" ".join(f"{name:>9}" for name in COLUMNS), flush=True)
        begun = time.monotonic()
        for day in range(options.days + 1):
            week.opened.page.wait_for_timeout(1000 * max(0.0, begun + day * 86_400 / options.speed - time.monotonic()))
            told = week.told()
            print(" ".join(f"{told[name]:>9{form}}" for name, form in COLUMNS.items()), flush=True)
        assert week.opened.errors == [], week.opened.errors
        week.opened.close()


if __name__ == "__main__":
    main()
