"""Calls at once, exactly: +1 at the start of an interval, -1 at its end, summed per instant before the running sum."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

from pbxnb.errors import AnalysisError

from .columns import By, check_keys, group, keys_of, measure, opened, whole
from .running import following, running, running_by_day

__all__ = ["SLOTS", "Slot", "concurrency", "load", "peak", "peak_calls"]

Slot = Literal["1m", "1h", "1d"]

SLOTS: dict[Slot, timedelta] = {"1m": timedelta(minutes=1), "1h": timedelta(hours=1), "1d": timedelta(days=1)}
"""How wide a slot of `load` may be."""


@measure
def concurrency(
    calls: Any, *, by: By = (), start: str = "answered_at", end: str = "ended_at", legs: bool = False
) -> Any:
    """How many calls were up at each instant where the number changed.

    Args:
        calls: a table of calls; rows without a start are left out, an open end never counts down.
        by: columns to group by: each group's calls count by themselves.
        start: column that counts up; ``started_at`` counts ringing too.
        end: column that counts down. A call that ends before it starts counts as nothing.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``instant``, ``at_once`` (int64, from this instant to the next), in order of ``by``, ``instant``; the
        same kind as ``calls``.

    Definition:
        Calls that had begun, by ``start``, and not yet ended, at each instant where that changed.

    Raises:
        MissingColumn: ``start`` or ``end`` is not there.

    Example:
        >>> import pandas as pd
        >>> from pbxnb.analysis import call_rows
        >>> table = pd.DataFrame(call_rows(pbx.closed_calls(), pbx.calls.values()))
        >>> list(concurrency(table).columns[:2])
        ['instant', 'at_once']
    """
    keys = keys_of(by)
    frame, back = opened(calls, start, end, legs=legs, times=(start, end), by=keys)
    return back(_steps(frame, start, end, keys).select(*keys, "instant", "at_once").sort(*keys, "instant"))


@measure
def peak(calls: Any, *, by: By = (), start: str = "answered_at", end: str = "ended_at", legs: bool = False) -> Any:
    """The highest number of calls at once and the first instant it was reached.

    Args:
        calls: as for `concurrency`.
        by: as for `concurrency`.
        start: as for `concurrency`.
        end: as for `concurrency`.
        legs: as for `concurrency`.

    Returns:
        ``by``, ``instant``, ``at_once``: one row, or one of each group in order of ``by``; the same kind as ``calls``.

    Definition:
        The highest number of calls at once, at the first instant at which it was reached.

    Example:
        >>> from pbxnb import analysis
        >>> table = analysis.peak(analysis.calls_of(pbx))
    """
    keys = keys_of(by)
    frame, back = opened(calls, start, end, legs=legs, times=(start, end), by=keys)
    return back(_peak(frame, start, end, keys))


@measure
def load(
    calls: Any,
    *,
    every: Slot = "1h",
    by: By = (),
    start: str = "answered_at",
    end: str = "ended_at",
    legs: bool = False,
) -> Any:
    """Traffic slot by slot: the mean number of calls at once, which is the load in erlang, and the highest.

    Args:
        calls: as for `concurrency`.
        every: width of the clock's slots (UTC).
        by: as for `concurrency`.
        start: as for `concurrency`.
        end: as for `concurrency`.
        legs: as for `concurrency`.

    Returns:
        ``by``, ``slot`` (its start), ``erlang`` (float), ``most`` (int64), in order of ``by``, ``slot``; the same kind
        as ``calls``. A slot in which nothing changed is left out: the one before it holds for it as well.

    Definition:
        The mean number of calls at once over a slot of the clock, in erlang (ITU-T B.18), and the highest in it.

    Example:
        >>> from pbxnb import analysis
        >>> table = analysis.load(analysis.calls_of(pbx), every="1h")
    """
    if every not in list(SLOTS):
        raise AnalysisError(f"There is no slot {every!r}.", hint=f"Choose of {', '.join(SLOTS)}.")
    keys = keys_of(by)
    check_keys(keys, "slot", "erlang", "most")
    frame, back = opened(calls, start, end, legs=legs, times=(start, end), by=keys)
    import narwhals as nw

    columns = (*keys, "slot", "erlang", "most")
    slots = _slots(_steps(frame, start, end, keys), every, keys)
    # a slot that follows one with a change, and has none, until the next
    next_slot = (nw.col("slot") + nw.lit(SLOTS[every])).cast(nw.Datetime("us"))
    steady = slots.with_columns(slot=next_slot, erlang=nw.col("after").cast(nw.Float64), most=nw.col("after"))
    steady = steady.filter(nw.col("slot") < nw.col("next"))
    return back(nw.concat([slots.select(*columns), steady.select(*columns)]).sort(*keys, "slot"))


@measure
def peak_calls(
    calls: Any, *, by: By = (), start: str = "answered_at", end: str = "ended_at", legs: bool = False
) -> Any:
    """The calls that made the first peak.

    Args:
        calls: as for `concurrency`; also needs ``call_id``.
        by: as for `concurrency`.
        start: as for `concurrency`.
        end: as for `concurrency`.
        legs: as for `concurrency`.

    Returns:
        ``by``, ``call_id`` and the interval's two columns, in order of ``by``, ``call_id``; the same kind as ``calls``.

    Definition:
        The calls that were up at the first instant of the highest number at once.

    Example:
        >>> from pbxnb import analysis
        >>> table = analysis.peak_calls(analysis.calls_of(pbx))
    """
    keys = keys_of(by)
    frame, back = opened(calls, "call_id", start, end, legs=legs, times=(start, end), by=keys)
    import narwhals as nw

    top = _peak(frame, start, end, keys).select("instant", _group=group(keys))
    during = (nw.col(start) <= nw.col("instant")) & (nw.col(end).is_null() | (nw.col(end) > nw.col("instant")))
    made_it = frame.with_columns(_group=group(keys)).join(top, on="_group", how="inner").filter(during)
    return back(made_it.select(*keys_of((*keys, "call_id", start, end))).sort(*keys_of((*keys, "call_id", start))))


def _peak(frame: Any, start: str, end: str, keys: Sequence[str]) -> Any:
    import narwhals as nw

    steps = _steps(frame, start, end, keys).select(*keys, "instant", "at_once")
    if not keys:
        return steps.sort("at_once", "instant", descending=[True, False]).head(1)
    highest = steps.filter(nw.col("at_once") == nw.col("at_once").max().over(*keys))
    first = highest.group_by(*keys, "at_once").agg(nw.col("instant").min())
    return first.select(*keys, "instant", "at_once").sort(*keys)


def _slots(steps: Any, every: Slot, keys: Sequence[str]) -> Any:
    """Each slot in which the number changed: ``erlang``, ``most``, the number ``after`` it and the ``next`` of them.

    A step changes the mean of its slot by what is left of the slot after it: by the fields of the clock, in whole
    microseconds, whose sum is exact. What was up before the slot counts for all of it.
    """
    import narwhals as nw

    instant, at = nw.col("instant"), nw.col("instant").dt
    if steps.implementation.is_spark_like():  # which gives the microseconds of times with a zone only
        instant = instant.cast(nw.Datetime("us", "UTC"))
    passed = instant.dt.microsecond().cast(nw.Int64) + at.second().cast(nw.Int64) * 1_000_000
    if every != "1m":
        passed = passed + at.minute().cast(nw.Int64) * 60_000_000
    if every == "1d":
        passed = passed + at.hour().cast(nw.Int64) * 3_600_000_000
    width = SLOTS[every] // timedelta(microseconds=1)
    slots = (
        steps.with_columns(slot=at.truncate(every).cast(nw.Datetime("us")), area=nw.col("step") * (width - passed))
        .group_by(*keys, "slot")
        .agg(nw.col("at_once").max(), nw.col("step", "area").sum(), first=nw.col("instant").min())
        .with_columns(*whole("at_once", "step", "area"))
    )
    before = nw.col("after") - nw.col("step")
    from_before = (nw.col("first") > nw.col("slot")) & (before > nw.col("at_once"))
    return running(slots, "step", "slot", keys, name="after").with_columns(
        erlang=(before * width + nw.col("area")).cast(nw.Float64) / float(width),
        most=nw.when(from_before).then(before).otherwise(nw.col("at_once")).cast(nw.Int64),
        next=following(slots, "slot", keys),
    )


def _steps(frame: Any, start: str, end: str, keys: Sequence[str]) -> Any:
    """Each instant at which the number of a group changed: ``step``, by how much, and ``at_once``, to what."""
    import narwhals as nw

    check_keys(keys, "instant", "step", "at_once")
    usable = frame.filter(~nw.col(start).is_null() & (nw.col(end).is_null() | (nw.col(end) >= nw.col(start))))
    up = usable.select(*keys, instant=nw.col(start), step=nw.lit(1).cast(nw.Int64))
    down = usable.filter(~nw.col(end).is_null()).select(*keys, instant=nw.col(end), step=nw.lit(-1).cast(nw.Int64))
    changes = nw.concat([up, down]).group_by(*keys, "instant").agg(nw.col("step").sum()).with_columns(*whole("step"))
    return running_by_day(changes, "step", "instant", keys)
