"""Sums that run through time, on every engine and group by group; over all of a big table, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["following", "in_order", "running", "running_by_day"]


def in_order(frame: Any, value: Any, order: str, by: Sequence[str] = ()) -> Any:
    """An expression such as a running sum or the next row's value, through each group's rows in order.

    pyarrow knows no order within groups: there it goes through all rows, group after group.
    """
    if by and not frame.implementation.is_pyarrow():
        return value.over(*by, order_by=order)
    return value.over(order_by=[*by, order])


def following(frame: Any, column: str, by: Sequence[str] = ()) -> Any:
    """The next higher of a column's values in its group, each of which is there once; null for the last."""
    import narwhals as nw

    after = in_order(frame, nw.col(column).shift(-1), column, by)
    if by and frame.implementation.is_pyarrow():
        after = nw.when(nw.col(column) < nw.col(column).max().over(*by)).then(after)
    return after


def running(
    frame: Any, column: str, order: str, by: Sequence[str] = (), *, name: str = "at_once", reverse: bool = False
) -> Any:
    """The frame with the running sum of a column of numbers, or the sum from a row on; one that is never negative."""
    import narwhals as nw

    total, kind = nw.col(name), frame.collect_schema()[column]
    sums = in_order(frame, nw.col(column).cum_sum(reverse=reverse), order, by)
    frame = frame.with_columns(sums.cast(kind).alias(name))
    if by and frame.implementation.is_pyarrow():  # what other groups have summed to is the least that one starts from
        others = (total - nw.col(column)).min().over(*by)
        frame = frame.with_columns((total - others).cast(kind).alias(name))
    return frame


def running_by_day(frame: Any, column: str, order: str, by: Sequence[str] = ()) -> Any:
    """As `running`, for many rows, none of which one machine has to hold all.

    Where an engine has many machines each day runs by itself and takes over what the day before left; with groups each
    group runs by itself.

    Args:
        frame: with the columns.
        column: whole numbers to sum.
        order: a column of times.
        by: columns to group by.
    """
    if by or not (frame.implementation.is_spark_like() or frame.implementation.is_ibis()):
        return running(frame, column, order, by)
    import narwhals as nw

    frame = frame.with_columns(_day=nw.col(order).dt.truncate("1d"))
    days = frame.group_by("_day").agg(_change=nw.col(column).sum()).with_columns(nw.col("_change").cast(nw.Int64))
    days = running(days, "_change", "_day", name="_left").select("_day", _before=nw.col("_left") - nw.col("_change"))
    within = frame.with_columns(at_once=nw.col(column).cum_sum().over("_day", order_by=order))
    whole = (nw.col("at_once") + nw.col("_before")).cast(nw.Int64)
    return within.join(days, on="_day", how="left").with_columns(at_once=whole).drop("_day", "_before")
