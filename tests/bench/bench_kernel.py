"""How long ``1 + 1`` takes in a cell while the PBX talks, against the same kernel with a silent one. Not a test.

    python -m tests.bench.bench_kernel [--seconds 10] [--runs 5] [--rates 1000 5000]

A real kernel, asked over zmq as a front end asks it, holds a live handle of 5,000 extensions and a grid that paints for
a page. A PBX in this process sends `user-state` frames, each a change. The time is from the request to the idle status.
Silent and talking take turns, so that what else the machine does meets both; medians of the runs.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from typing import Any

from tests.helpers.scripted_pbx import ScriptedPbx
from tests.kernel.kernel_driver import Kernel

BUDGET = 5.0  # ms at 1,000 messages/s, p95, over the silent kernel (architecture.md 8)
NUMBERS = [str(1000 + index) for index in range(5_000)]
SETUP = """
import pbxnb
pbx = await pbxnb.connect(**{arguments!r})
grid = pbx.grid()
grid.expect_view()
"""


def change(n: int) -> dict[str, Any]:
    """The chat status of one account after the other."""
    turn, place = divmod(n, len(NUMBERS))
    status = ("away", "online")[turn % 2]
    return {"action": "user-state", "account": NUMBERS[place], "type": "extensions", "chatstatus": status}


def p95(kernel: Kernel, seconds: float) -> float:
    """Milliseconds of one ``1 + 1`` after the other."""
    took, begin = [], time.monotonic()
    while time.monotonic() - begin < seconds:
        asked = time.perf_counter()
        assert kernel.value("1 + 1") == "2"
        took.append(1000 * (time.perf_counter() - asked))
    return statistics.quantiles(took, n=20)[-1]


def busy_p95(kernel: Kernel, seconds: float, pbx: ScriptedPbx, rate: int) -> float:
    """The same while the PBX talks."""
    stop = threading.Event()
    sent = pbx.flood(rate, stop, change)
    try:
        return p95(kernel, seconds)
    finally:
        stop.set()
        sent.result()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rates", type=int, nargs="+", default=[1000, 5000])
    options = parser.parse_args()
    with ScriptedPbx(NUMBERS) as pbx, Kernel() as kernel:
        assert kernel.run(SETUP.format(arguments=pbx.arguments)).status == "ok"
        p95(kernel, 1.0)
        for rate in options.rates:
            silent, busy = [], []
            for _ in range(options.runs):
                silent.append(p95(kernel, options.seconds))
                busy.append(busy_p95(kernel, options.seconds, pbx, rate))
            over = statistics.median(busy) - statistics.median(silent)
            note = f"  (budget +{BUDGET:g} ms)" if rate == 1000 else ""
            print(
                f"1 + 1, p95: silent {statistics.median(silent):.1f} ms, at {rate:,} messages/s "
                f"{statistics.median(busy):.1f} ms: {over:+.1f} ms{note}"
            )
        print("status:", kernel.value("pbx.status.state, pbx.status.reconnects"))


if __name__ == "__main__":
    main()
