"""Rows made in Python or by DuckDB, put where the table lives that they were made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import narwhals as nw
    import pyarrow as pa

__all__ = ["placed"]


def placed(arrow: pa.Table, like: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """An Arrow table as a frame of the same engine as another, on the same connection or session."""
    import narwhals as nw
    import pyarrow as pa

    native, kind, rows = like.to_native(), like.implementation, arrow.num_rows
    if not rows:  # Spark makes no table of no rows
        arrow = pa.Table.from_pylist([{}], schema=arrow.schema)
    frame: nw.LazyFrame[Any]
    if kind.is_duckdb():  # which finds the table by its name
        frame = nw.from_native(native.query("calls", "SELECT * FROM arrow"))
    elif kind.is_spark_like():
        frame = nw.from_native(native.sparkSession.createDataFrame(arrow))
    elif kind.is_ibis():
        frame = nw.from_arrow(arrow, backend="pyarrow").lazy(kind)
    else:
        frame = nw.from_arrow(arrow, backend=kind).lazy()
    return frame if rows else frame.head(0)
