"""Calls at once, exactly: +1 at the start of an interval, -1 at its end, summed per instant before the running sum."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from pbxnb.errors import AnalysisError

from .columns import measure, opened

__all__ = ["SLOTS", "Slot", "concurrency", "load", "peak", "peak_calls"]

Slot = Literal["1m", "1h", "1d"]

SLOTS: dict[Slot, timedelta] = {"1m": timedelta(minutes=1), "1h": timedelta(hours=1), "1d": timedelta(days=1)}
"""How wide a slot of `load` may be."""


@measure
def concurrency(calls: Any, *, start: str = "answered_at", end: str = "ended_at", legs: bool = False) -> Any:
    """How many calls were up at each instant where the number changed.

    Args:
        calls: a table of calls; rows without a start are left out, an open end never counts down.
        start: column that counts up; ``started_at`` counts ringing too.
        end: column that counts down. A call that ends before it starts counts as nothing.
        legs: count every row, not every conversation.

    Returns:
        ``instant``, ``at_once`` (int64, from this instant to the next), in order; the same kind as ``calls``.

    Raises:
        MissingColumn: ``start`` or ``end`` is not there.

    Example:
        >>> import pandas as pd
        >>> from pbxnb.analysis import call_rows
        >>> table = pd.DataFrame(call_rows(pbx.closed_calls(), pbx.calls.values()))
        >>> list(concurrency(table).columns)
        ['instant', 'at_once']
    """
    frame, back = opened(calls, start, end, legs=legs, times=(start, end))
    return back(_steps(frame, start, end).select("instant", "at_once"))


@measure
def peak(calls: Any, *, start: str = "answered_at", end: str = "ended_at", legs: bool = False) -> Any:
    """The highest number of calls at once and the first instant it was reached: one row, ``instant``, ``at_once``."""
    frame, back = opened(calls, start, end, legs=legs, times=(start, end))
    return back(_peak(frame, start, end))


@measure
def load(
    calls: Any, *, every: Slot = "1h", start: str = "answered_at", end: str = "ended_at", legs: bool = False
) -> Any:
    """Traffic slot by slot: the mean number of calls at once, which is the load in erlang, and the highest.

    Args:
        calls: as for `concurrency`.
        every: width of the clock's slots (UTC).
        start, end: as for `concurrency`.
        legs: count every row, not every conversation.

    Returns:
        ``slot`` (its start), ``erlang`` (float), ``most`` (int64), in order of ``slot``; the same kind as ``calls``. A
        slot in which nothing changed is left out: the one before it holds for it as well.
    """
    if every not in list(SLOTS):
        raise AnalysisError(f"There is no slot {every!r}.", hint=f"Choose of {', '.join(SLOTS)}.")
    frame, back = opened(calls, start, end, legs=legs, times=(start, end))
    import narwhals as nw

    width = SLOTS[every]
    steps = _steps(frame, start, end)
    # With an edge where each slot with a change begins and ends, what lies between two instants lies in one slot, or
    # fills whole slots in which nothing changed.
    begins = steps.select(instant=nw.col("instant").dt.truncate(every))
    edges = nw.concat([begins, begins.select(nw.col("instant") + nw.lit(width))]).unique(["instant"])
    edges = edges.join(steps.select("instant"), on="instant", how="anti").with_columns(step=nw.lit(0).cast(nw.Int64))
    both = nw.concat([steps.select("instant", "step"), edges.select("instant", "step")])
    running = both.with_columns(
        at_once=nw.col("step").cum_sum().over(order_by="instant").cast(nw.Int64),
        until=nw.col("instant").shift(-1).over(order_by="instant"),
    ).filter(~nw.col("until").is_null())
    # Whole seconds and the rest apart: some engines make floats of milliseconds, and cut off what is lost with that.
    rest = (nw.col("until").dt.microsecond() - nw.col("instant").dt.microsecond()).cast(nw.Float64) / 1e6
    seconds = (nw.col("until") - nw.col("instant")).dt.total_seconds().cast(nw.Float64)
    lasted = seconds + nw.when(rest < 0).then(rest + 1.0).otherwise(rest)
    return back(
        running.with_columns(slot=nw.col("instant").dt.truncate(every), lasted=lasted)
        .with_columns(area=nw.col("at_once").cast(nw.Float64) * nw.col("lasted"))
        .group_by("slot")
        .agg(nw.col("area").sum(), nw.col("lasted").sum(), most=nw.col("at_once").max())
        .with_columns(nw.col("most").cast(nw.Int64), erlang=nw.col("area") / nw.col("lasted"))
        .select("slot", "erlang", "most")
        .sort("slot")
    )


@measure
def peak_calls(calls: Any, *, start: str = "answered_at", end: str = "ended_at", legs: bool = False) -> Any:
    """The calls that made the first peak, in order of ``call_id``: ``call_id`` and the interval's two columns."""
    frame, back = opened(calls, "call_id", start, end, legs=legs, times=(start, end))
    import narwhals as nw

    top = _peak(frame, start, end).select("instant")
    during = (nw.col(start) <= nw.col("instant")) & (nw.col(end).is_null() | (nw.col(end) > nw.col("instant")))
    return back(frame.join(top, how="cross").filter(during).drop("instant").sort("call_id", start))


def _peak(frame: Any, start: str, end: str) -> Any:
    steps = _steps(frame, start, end).select("instant", "at_once")
    return steps.sort("at_once", "instant", descending=[True, False]).head(1)


def _steps(frame: Any, start: str, end: str) -> Any:
    import narwhals as nw

    usable = frame.filter(~nw.col(start).is_null() & (nw.col(end).is_null() | (nw.col(end) >= nw.col(start))))
    up = usable.select(instant=nw.col(start), step=nw.lit(1).cast(nw.Int64))
    down = usable.filter(~nw.col(end).is_null()).select(instant=nw.col(end), step=nw.lit(-1).cast(nw.Int64))
    return (
        nw.concat([up, down])
        .group_by("instant")
        .agg(nw.col("step").sum())
        .with_columns(nw.col("step").cast(nw.Int64))
        .with_columns(at_once=nw.col("step").cum_sum().over(order_by="instant").cast(nw.Int64))
        .sort("instant")
    )
