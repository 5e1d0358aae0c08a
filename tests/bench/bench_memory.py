"""A session of a million ended calls: bytes a call, and how long its tables, a window and a picture take. Not a test.

    python -m tests.bench.bench_memory [calls]

The calls go through the store as frames do, 200 at a time, with names that come again and numbers that do not; the
timeline's history is fed too. Memory is the growth of the process; *packed* is what the rows themselves take.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pbxnb import figures
from pbxnb.history import History as Spans
from pbxnb.model.clock import Clock
from pbxnb.model.past.memory import MOST
from pbxnb.model.store import Store
from pbxnb.protocol.decode import decode
from pbxnb.session.past import History

CALLS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
AT_ONCE = 200
BEGAN = datetime(2026, 9, 21, tzinfo=UTC)


class Past:
    """A source over the store."""

    domain, tz, own = "acme.example", ZoneInfo("Europe/Berlin"), ""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.now = BEGAN

    @property
    def dropped(self) -> Any:
        return self._store.dropped

    def window(self) -> tuple[datetime, datetime]:
        return BEGAN, self.now

    def ended(self, start: datetime | None = None, end: datetime | None = None) -> Any:
        return self._store.closed_calls().during(start, end)

    def presence(self, start: datetime | None = None, end: datetime | None = None) -> Any:
        return self._store.presence().during(start, end)

    def open_calls(self) -> Any:
        return list(self._store.calls.values())

    def running(self) -> Any:
        return self._store.running_calls(self.now)

    def gaps(self) -> Any:
        return ()


def resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096


def frame(first: int, state: str, seconds: int) -> Any:
    calls = []
    for n in range(first, min(first + AT_ONCE, CALLS)):
        start, phone = BEGAN.timestamp() + seconds + n % AT_ONCE / 1000, str(200 + n % 500)
        calls.append(
            {
                "id": f"{n} {n * 7919 % 10**9}",
                "from": f'"Jo Field {n % 5000}" <sip:+4930{n * 7919 % 10**8:08}@acme.example;user=phone>',
                "to": f'"Olu {phone}" <sip:{phone}@acme.example>',
                "state": state,
                "extension": [phone],
                "start": f"{start:.3f}",
                "connect": f"{start + 5:.3f}" if state == "connected" else "",
            }
        )
    return decode(json.dumps({"action": "call-state", "calls": calls}))


def fill(store: Store, spans: Spans, past: Past) -> float:
    spent = 0.0
    for first in range(0, CALLS + AT_ONCE, AT_ONCE):
        for state, after in (("alerting", 0), ("connected", 9)):
            message, past.now = frame(first, state, first // 10), BEGAN + timedelta(seconds=first // 10 + after)
            begun = time.process_time()
            spans.feed(store.apply(message, past.now))
            spent += time.process_time() - begun
    return spent


def timed(name: str, work: Callable[[], Any]) -> None:
    before, begun = resident(), time.perf_counter()
    found = work()
    took = time.perf_counter() - begun
    print(f"{name:36}{took:9.2f} s{(resident() - before) / 2**20:9.0f} MB  {found}", flush=True)


def main() -> None:
    """Print the table."""
    store = Store(domain="acme.example", clock=Clock(0.0))
    spans, past = Spans(store), Past(store)
    before = resident()
    spent = fill(store, spans, past)
    history, kept = History(past), len(store.closed_calls())
    memory = store._ledger.ended._memory
    packed = MOST - 2 * memory.waiting - memory._room  # what the rows take, as the bound counts it
    print(
        f"{CALLS:,} calls, {kept:,} kept, {store.dropped.calls:,} let go; {spent / CALLS * 1e6:.1f} µs a call to apply"
    )
    print(
        f"packed {packed / max(1, kept):.0f} bytes a call; the process grew by {(resident() - before) / 2**20:.0f} MB"
    )
    timed("the records, one by one", lambda: sum(1 for _ in store.closed_calls()))
    timed("history.calls to pyarrow", lambda: history.calls.to_arrow().num_rows)
    hour = history.between(past.now - timedelta(hours=1), past.now)
    timed("the last hour's calls to pyarrow", lambda: hour.calls.to_arrow().num_rows)
    end = past.now.timestamp()
    timed("ten minutes of the timeline", lambda: len(spans.lanes("extension").blocks(end - 600, end)))
    timed("what the board counts", lambda: spans.counts(past.now)["calls"])
    timed("a picture of the last hour", lambda: figures.describe(figures.week(hour))[:40])


if __name__ == "__main__":
    main()
