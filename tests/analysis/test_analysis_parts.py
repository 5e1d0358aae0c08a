"""Files in parts: what an engine leaves unread, since the file says what lies in a part, changes no answer."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxnb import analysis
from pbxnb.errors import AnalysisError

TIMES = ("started_at", "ended_at")
NONE = [0, 86_400 * 10**9]
"""1970: a "none" of somebody's."""
MOMENTS = st.none() | st.sampled_from(NONE) | st.integers(2**60, 2**60 + 5000) | st.integers(2**60, 2**62)
"""Nanoseconds since 1970, UTC."""
SCANS: tuple[Callable[[Path], Any], ...] = (pl.scan_parquet, lambda path: duckdb.read_parquet(str(path)))
EPOCH = datetime.fromisoformat("1970-01-01")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parts")


def written(folder: Path, rows: int, **columns: pa.Array) -> Path:
    """A file of its own each time: DuckDB remembers what stood under a name a moment ago."""
    defaults = {"outcome": pa.array(["answered"] * rows, pa.string()), "wait_ms": pa.array([1000] * rows, pa.int64())}
    path = folder / f"{uuid.uuid4()}.parquet"
    pq.write_table(pa.table(defaults | columns), path, row_group_size=3)
    return path


@settings(max_examples=30)
@given(st.lists(st.tuples(MOMENTS, MOMENTS), max_size=9), st.booleans(), st.sampled_from(["ms", "us", "ns"]))
def test_the_window_is_from_the_first_moment_to_the_last(
    folder: Path, rows: list[tuple[int | None, int | None]], in_order: bool, unit: str
) -> None:
    if in_order:
        rows.sort(key=lambda row: row[0] or 0)
    columns = {
        name: pa.array([row[place] for row in rows], pa.timestamp("ns")).cast(pa.timestamp(unit), safe=False)
        for place, name in enumerate(TIMES)
    }
    path = written(folder, len(rows), **columns)
    step = 1_000_000 if unit == "ms" else 1000  # nanoseconds; no table holds less than a microsecond
    known = [moment // step * step for row in rows for moment in row if moment is not None and moment not in NONE]
    expected = [EPOCH + timedelta(microseconds=end(known) // 1000) for end in (min, max) if known]
    for scan in SCANS:
        found = analysis.abandonment(scan(path))
        [row] = (found.collect() if isinstance(found, pl.LazyFrame) else found.pl()).to_dicts()
        told = [row[name] for name in ("first", "last") if row[name] is not None]
        # of nanoseconds DuckDB rounds the last three, polars cuts them
        off = [abs(one - other) for one, other in zip(told, expected, strict=True)]
        assert max(off, default=timedelta()) <= timedelta(microseconds=unit == "ns")


@pytest.mark.parametrize(
    ("column", "bad", "said"),
    [
        ("wait_ms", 2**60, "'wait_ms', of type Int64, holds what cannot be read as milliseconds"),
        ("wait_ms", -(2**60), "'wait_ms', of type Int64, holds what cannot be read as milliseconds"),
        ("outcome", "wurst", "'outcome' holds words for outcomes that are not known: 'wurst'"),
    ],
)
@pytest.mark.parametrize("row", [0, 4, 8])
@pytest.mark.parametrize("scan", SCANS)
def test_one_bad_value_of_any_part_is_refused(
    folder: Path, scan: Callable[[Path], Any], row: int, column: str, bad: Any, said: str
) -> None:
    good = {"wait_ms": 1000, "outcome": "answered"}[column]
    path = written(folder, 9, **{column: pa.array([bad if place == row else good for place in range(9)])})
    with pytest.raises(AnalysisError, match=said):
        analysis.abandonment(scan(path))
