"""Measures over Parquet by domain and month, on DuckDB and on Spark with one worker or more. Not a test.

Run: ``PBXNB_SPARK=<environment> python -m tests.bench.bench_spark [rows] [workers]``; without workers DuckDB alone. A
worker has one core and 2 GB.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb

from pbxnb import analysis
from pbxnb.analysis.engines.spark import session_at
from tests.analysis.spark_server import spark_server
from tests.bench.made_calls import made_calls

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
WORKERS = int(sys.argv[2]) if len(sys.argv) > 2 else 0
DOMAINS = 20
MEASURES: tuple[Callable[[Any], Any], ...] = (
    analysis.per_extension,
    analysis.per_hour,
    analysis.per_slot,
    analysis.service_level,
    analysis.peak,
    analysis.load,
    analysis.durations,
)


def tables(folder: Path, stack: ExitStack) -> Iterator[tuple[str, Any, Callable[[Any], Any]]]:
    """Each engine's name, its table of the calls, and how a result comes back."""
    yield "DuckDB", analysis.open_calls(folder / "calls"), lambda found: found.to_arrow_table()
    if WORKERS:
        (space := folder / "spark").mkdir()
        server = spark_server(space, workers=WORKERS, memory=2048, more={"spark.executor.memory": "2g"})
        session = session_at(stack.enter_context(server))
        stack.callback(session.stop)
        calls = analysis.open_calls(folder / "calls", engine="spark", remote=session)
        yield f"Spark x {WORKERS}", calls, lambda found: found.toArrow()


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        calls = Path(name, "calls")
        spread = f"*, 'tenant' || (call_id::bigint % {DOMAINS}) as domain, strftime(started_at, '%Y-%m') as month"
        form = "format parquet, compression zstd, partition_by (domain, month)"
        duckdb.connect().execute(f"copy (select {spread} from '{made_calls(ROWS)}') to '{calls}' ({form})")  # noqa: S608
        files = [*calls.rglob("*.parquet")]
        size = sum(file.stat().st_size for file in files)
        print(f"{ROWS:,} calls, {len(files)} files, {size / ROWS:.1f} B a call, load {os.getloadavg()[0]:.1f}")
        print(f"{'engine':>10} {'measure':>16} {'seconds':>8} {'rows out':>9}")
        for engine, table, read in tables(Path(name), stack):
            for measure in MEASURES:
                seconds = []
                for _ in range(2):
                    begun = time.perf_counter()
                    found = read(measure(table))
                    seconds.append(time.perf_counter() - begun)
                print(f"{engine:>10} {measure.__name__:>16} {min(seconds):>8.2f} {found.num_rows:>9,}", flush=True)


if __name__ == "__main__":
    main()
