"""Every measure on DuckDB and polars against the same written by hand for that engine alone. Not a test.

    python -m tests.bench.bench_analysis [calls ...] [--engine duckdb polars] [--only name ...] [--runs 3]

The calls are made up (`made_calls`) and read from Parquet by both sides; DuckDB has its limit of 1 GB. For the times a
process of its own does both in turns, after a small table with each: the shortest of each counts, and of a table that
is not too large both must give the same rows. *Seconds* are those of the CPU, all threads, which other programs beside
it change least; the ratio by the clock stands beside theirs. For the memory each side has a process of its own: *MB* is
the highest it had above what the small table left. Measures without a counterpart by hand are named first.
"""

from __future__ import annotations

import argparse
import inspect
import json
import math
import sys
from collections.abc import Callable
from typing import Any

import duckdb
import polars as pl

from pbxnb import analysis

from .by_hand_polars import POLARS
from .by_hand_sql import ASKED, SQL
from .children import ask, fastest, most_memory
from .made_calls import made_calls

SMALL = 1_000
COMPARED = 100_000  # calls up to which the rows of both sides are compared
SIDES = ("ours", "by hand")


def engines() -> dict[str, Callable[[str, int, str], Callable[[], Any]]]:
    """By name: what makes, of a measure, a number of calls and a side, a function that computes it."""
    return {"duckdb": _with_duckdb, "polars": _with_polars}


def _with_duckdb(name: str, calls: int, side: str) -> Callable[[], Any]:
    connection = duckdb.connect(config={"memory_limit": "1GB"})
    table = connection.read_parquet(str(made_calls(calls)))
    table.create_view("calls")

    def compute() -> Any:
        # a table of the engine's own: what comes out of some measures is as large as what went in
        connection.execute("drop table if exists result")
        found = getattr(analysis, name)(table, **ASKED.get(name, {})) if side == "ours" else connection.sql(SQL[name])
        found.create("result")
        return connection.table("result")

    return compute


def _with_polars(name: str, calls: int, side: str) -> Callable[[], Any]:
    table = pl.scan_parquet(made_calls(calls))
    if side == "ours":
        return lambda: getattr(analysis, name)(table, **ASKED.get(name, {})).collect()
    return lambda: POLARS[name](table).collect()


def _same(ours: Any, by_hand: Any) -> bool:
    """Whether one table has what the other has, in the same order; ours may have more columns."""
    ours, by_hand = (_rows(table) for table in (ours, by_hand))
    return len(ours) == len(by_hand) and all(
        math.isclose(one[name], value, rel_tol=1e-9, abs_tol=1e-9) if isinstance(value, float) else one[name] == value
        for one, other in zip(ours, by_hand, strict=True)
        for name, value in other.items()
    )


def _rows(table: Any) -> list[dict[str, Any]]:
    found = table.to_arrow_table() if isinstance(table, duckdb.DuckDBPyRelation) else table.to_arrow()
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def _times(name: str, engine: str, calls: int, runs: int) -> dict[str, tuple[float, float]]:
    """Seconds of each side, of the CPU and by the clock."""
    make = engines()[engine]
    for side in SIDES:
        make(name, SMALL, side)()
    computing = {side: make(name, calls, side) for side in SIDES}
    best = fastest(computing, runs)
    if calls <= COMPARED and not _same(*(compute() for compute in computing.values())):
        raise AssertionError(f"{name} on {engine} is not what was written by hand.")
    return best


def _memory(name: str, engine: str, calls: int, side: str) -> float:
    make = engines()[engine]
    make(name, SMALL, side)()
    before = most_memory()
    make(name, calls, side)()
    return most_memory() - before


def _measures() -> list[str]:
    """Every public function that takes a table of calls first."""
    public = {name: getattr(analysis, name) for name in analysis.__all__}
    functions = {name: inspect.signature(one).parameters for name, one in public.items() if inspect.isfunction(one)}
    return [name for name, takes in functions.items() if next(iter(takes), "") == "calls"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("calls", nargs="*", type=int, default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--engine", nargs="+", choices=[*engines()], default=[*engines()])
    parser.add_argument("--only", nargs="+", choices=[*SQL], default=[*SQL])
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    print("Not written by hand:", ", ".join(sorted({*_measures()} - {*SQL})) or "none", end="\n\n")
    heads = ("measure", "engine", "calls", "ours, s", "by hand, s", "ratio", "by the clock", "ours, MB", "by hand, MB")
    print(f"| {' | '.join(heads)} |\n|" + " --- |" * len(heads))
    for calls in asked.calls:
        made_calls(calls)
        for name in asked.only:
            for engine in asked.engine:
                ours, by_hand = ask(__spec__.name, "times", name, engine, calls, asked.runs).values()
                cpu, clock = (mine / its for mine, its in zip(ours, by_hand, strict=True))
                figures = [
                    name,
                    engine,
                    f"{calls:,}",
                    f"{ours[0]:.3f}",
                    f"{by_hand[0]:.3f}",
                    f"{cpu:.2f}",
                    f"{clock:.2f}",
                ]
                figures += [f"{ask(__spec__.name, 'memory', name, engine, calls, side):.0f}" for side in SIDES]
                print(f"| {' | '.join(figures)} |", flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--child", "times", name, engine, calls, runs]:
            print(json.dumps(_times(name, engine, int(calls), int(runs))))
        case ["--child", "memory", name, engine, calls, side]:
            print(json.dumps(_memory(name, engine, int(calls), side)))
        case _:
            main()
