"""Calls at once, exactly: +1 at the start of an interval, -1 at its end, summed per instant before the running sum."""

from __future__ import annotations

from typing import Any

from .columns import opened

__all__ = ["concurrency", "peak", "peak_calls"]


def concurrency(calls: Any, *, start: str = "answered_at", end: str = "ended_at") -> Any:
    """How many calls were up at each instant where the number changed.

    Args:
        calls: a table of calls; rows without a start are left out, an open end never counts down.
        start: column that counts up; ``started_at`` counts ringing too.
        end: column that counts down. A call that ends before it starts counts as nothing.

    Returns:
        ``instant``, ``at_once`` (int64, from this instant to the next), in order; the same kind as ``calls``.

    Raises:
        MissingColumn: ``start`` or ``end`` is not there.

    Example:
        >>> concurrency(pbx.calls.df)  # doctest: +SKIP
    """
    frame, back = opened(calls, start, end)
    return back(_steps(frame, start, end))


def peak(calls: Any, *, start: str = "answered_at", end: str = "ended_at") -> Any:
    """The highest number of calls at once and the first instant it was reached: one row, ``instant``, ``at_once``."""
    frame, back = opened(calls, start, end)
    return back(_peak(frame, start, end))


def peak_calls(calls: Any, *, start: str = "answered_at", end: str = "ended_at") -> Any:
    """The calls that made the first peak, in order of ``call_id``: ``call_id`` and the interval's two columns."""
    frame, back = opened(calls, "call_id", start, end)
    import narwhals as nw

    top = _peak(frame, start, end).select("instant")
    during = (nw.col(start) <= nw.col("instant")) & (nw.col(end).is_null() | (nw.col(end) > nw.col("instant")))
    return back(frame.join(top, how="cross").filter(during).drop("instant").sort("call_id", start))


def _peak(frame: Any, start: str, end: str) -> Any:
    return _steps(frame, start, end).sort("at_once", "instant", descending=[True, False]).head(1)


def _steps(frame: Any, start: str, end: str) -> Any:
    import narwhals as nw

    usable = frame.filter(~nw.col(start).is_null() & (nw.col(end).is_null() | (nw.col(end) >= nw.col(start))))
    up = usable.select(instant=nw.col(start), step=nw.lit(1).cast(nw.Int64))
    down = usable.filter(~nw.col(end).is_null()).select(instant=nw.col(end), step=nw.lit(-1).cast(nw.Int64))
    return (
        nw.concat([up, down])
        .group_by("instant")
        .agg(nw.col("step").sum())
        .with_columns(at_once=nw.col("step").cum_sum().over(order_by="instant").cast(nw.Int64))
        .select("instant", "at_once")
        .sort("instant")
    )
