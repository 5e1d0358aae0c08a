"""Measures over a table of ten million calls, aggregated by the engine (DuckDB). Not a test.

Run: ``python -m tests.bench.bench_analysis [rows]``. *rows out* is what comes back to Python: few, or the engine did
not do the work. Memory is the process' highest so far.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import duckdb

from pbxnb import analysis

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
CALLS = """
select n::varchar as call_id, begun as started_at, begun + to_seconds(n % 30) as answered_at,
    begun + to_seconds(n % 30 + 20 + n % 300) as ended_at, strftime(begun, '%Y-%m-%d') as day,
    (dayofweek(begun) + 6) % 7 as dow, hour(begun) as hour, 'x' || (n % 500) as ext, 'answered' as outcome,
    (n % 30) * 1000 as wait_ms, (20 + n % 300) * 1000 as talk_ms
from (select n, timestamp '2026-01-01' + to_seconds(n * 3) as begun from range(?) as r(n))
"""
MEASURES: tuple[Callable[[Any], Any], ...] = (
    analysis.per_extension,
    analysis.per_hour,
    analysis.peak,
    analysis.load,
    analysis.durations,
)


def main() -> None:
    """Print the table."""
    connection = duckdb.connect()
    connection.execute("create table calls as " + CALLS, [ROWS])
    print(f"{ROWS:,} calls\n{'measure':>16} {'seconds':>8} {'rows out':>9} {'memory MB':>10}")
    for measure in MEASURES:
        begun = time.perf_counter()
        found = measure(connection.table("calls")).fetchall()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{measure.__name__:>16} {time.perf_counter() - begun:>8.2f} {len(found):>9,} {memory:>10.0f}", flush=True
        )


if __name__ == "__main__":
    main()
