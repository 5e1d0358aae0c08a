"""Every picture of a big table beside the measures that it is drawn of. Not a test.

    python -m tests.bench.bench_figures [calls ...] [--engine duckdb polars] [--only name ...] [--runs 2]

The calls are made up (`made_calls`) and read from Parquet. *Seconds* are those of the CPU, all threads; the measures'
results are not taken out of the engine. *MB* is the most memory of a process that drew the picture, above what a small
table left; *points* are those of its longest trace, *kB* the JSON that goes to the page.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

import duckdb
import polars as pl

from pbxnb import analysis, figures

from .children import ask, fastest, most_memory
from .made_calls import made_calls

SMALL = 3_000
BEHIND: dict[str, tuple[str, ...]] = {
    "concurrency": ("load",),
    "week": ("per_slot",),
    "compare": ("per_hour", "per_hour"),
    "durations": ("durations", "histogram"),
    "extensions": ("per_extension",),
    "flow": ("flows",),
    "queue_funnel": ("service_level", "durations"),
    "patience": ("kaplan_meier",),
    "load_against_theory": ("service_level", "durations", "durations", "peak"),
}
"""By name of the picture."""
ENGINES: dict[str, Callable[[int], Any]] = {
    "duckdb": lambda calls: duckdb.read_parquet(str(made_calls(calls))),
    "polars": lambda calls: pl.scan_parquet(made_calls(calls)),
}


def _drawn(name: str, engine: str, calls: int) -> Any:
    table = ENGINES[engine](calls)
    if name == "compare":
        return figures.compare(table, table)
    more = {"hours": calls / 1200, "agents": 60} if name == "load_against_theory" else {}
    return getattr(figures, name)(table, **more)


def _measured(name: str, engine: str, calls: int) -> None:
    table = ENGINES[engine](calls)
    for measure in BEHIND[name]:
        found = getattr(analysis, measure)(table)
        found.materialize() if engine == "duckdb" else found.collect()


def _asked(name: str, engine: str, calls: int, runs: int) -> list[float]:
    """Seconds of the picture and of its measures, megabytes, points, kilobytes."""
    for make in (_drawn, _measured):
        make(name, engine, SMALL)
    before = most_memory()
    figure = _drawn(name, engine, calls)
    memory = most_memory() - before
    points = [len(trace[axis]) for trace in figure.to_plotly_json()["data"] for axis in ("x", "y") if axis in trace]
    best = fastest({make.__name__: lambda make=make: make(name, engine, calls) for make in (_drawn, _measured)}, runs)
    return [*(cpu for cpu, _ in best.values()), memory, max(points, default=0), len(figure.to_json()) / 1000]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("calls", nargs="*", type=int, default=[1_000_000])
    parser.add_argument("--engine", nargs="+", choices=[*ENGINES], default=[*ENGINES])
    parser.add_argument("--only", nargs="+", choices=[*BEHIND], default=[*BEHIND])
    parser.add_argument("--runs", type=int, default=2)
    asked = parser.parse_args()
    heads = ("picture", "engine", "calls", "picture, s", "measures, s", "ratio", "MB", "points", "kB")
    print(f"| {' | '.join(heads)} |\n|" + " --- |" * len(heads))
    for calls in asked.calls:
        made_calls(calls)
        for name in asked.only:
            for engine in asked.engine:
                drawn, measured, memory, points, size = ask(__spec__.name, name, engine, calls, asked.runs)
                print(
                    f"| {name} | {engine} | {calls:,} | {drawn:.3f} | {measured:.3f} | {drawn / measured:.2f} | "
                    f"{memory:.0f} | {points:,} | {size:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--child", name, engine, calls, runs]:
            print(json.dumps(_asked(name, engine, int(calls), int(runs))))
        case _:
            main()
