"""The busy hour: how high the traffic is in the highest hour of a day."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from statistics import fmean
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pbxnb.errors import AnalysisError
from pbxnb.zones import zone_of

from ..columns import By, keys_of, measure, opened, totals
from ..planning.results import Key, grouped, made, ordered
from .callers import microseconds

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["busy_hour"]

_MINUTE, _QUARTER, _HOUR = 60_000_000, 900_000_000, 3_600_000_000  # microseconds; zones differ by quarters of an hour
_OF_THE_HOUR = ("day", "week", "dow")


@measure
def busy_hour(
    calls: Any,
    *,
    sliding: bool = False,
    start: str = "answered_at",
    end: str = "ended_at",
    by: By = (),
    legs: bool = False,
) -> Any:
    """The traffic of the busiest hour of each local day, as a mean over the days.

    Args:
        calls: needs ``start`` and ``end``; rows without a start are left out, an open end goes on. Days and hours are
            those of ``tz``, of UTC where the table has none.
        sliding: any 60 minutes of the day that begin with a minute, instead of an hour of the clock.
        start: column from which on a call is up; ``started_at`` counts ringing too.
        end: column up to which it is.
        by: columns to group by. ``day``, ``week`` and ``dow`` are those of the hour, not of a call's beginning;
            ``by="day"`` gives each day's busy hour.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``days`` (int64), ``erlang`` (mean of the days' busiest hours), ``highest`` (of the busiest of them),
        ``begins`` (local, of the highest; the first of several: ``2026-03-02 10:00``), in order of ``by``, one row
        without; the same kind as ``calls``.

    Definition:
        Of each local day on which a call began or ended: the hour with the highest mean number of calls at once
        (erlang), exact to the microsecond. The mean is taken over those days. An hour lies within its day; one of the
        clock by default.

    Source: ITU-T E.500, E.600.

    Raises:
        AnalysisError: ``by`` has ``hour``, which is what is looked for; or a zone is not known.
        MissingColumn: a column is not there.

    Example:
        >>> import pandas as pd
        >>> moments = pd.to_datetime(["2026-03-02T09:30", "2026-03-02T10:30"])
        >>> table = pd.DataFrame({"answered_at": moments[:1], "ended_at": moments[1:]})
        >>> busy_hour(table)["erlang"].tolist(), busy_hour(table, sliding=True)["erlang"].tolist()
        ([0.5], [1.0])
    """
    keys = keys_of(by)
    if "hour" in keys:
        raise AnalysisError(
            "The busy hour cannot be asked for by the hour.", hint="per_hour has the mean of each hour."
        )
    groups = [key for key in keys if key not in _OF_THE_HOUR]
    frame, back = opened(calls, start, end, also=("tz",), times=(start, end), by=groups, legs=legs)
    import narwhals as nw

    unit = _MINUTE if sliding else _QUARTER
    changed = grouped(_changes(frame, start, end, groups, unit), groups, ["tz", "_at", "_change", "_left"])
    found: dict[Key, list[tuple[float, str]]] = {} if keys else {(): []}
    for group, rows in changed.items():
        named = dict(zip(groups, group, strict=True))
        for day, begin, erlang in _busiest(rows, unit):
            named |= {"day": day.isoformat(), "dow": day.weekday()}
            named["week"] = (day - timedelta(days=day.weekday())).isoformat()
            found.setdefault(tuple(named[key] for key in keys), []).append((erlang, f"{begin:%Y-%m-%d %H:%M}"))
    answers = [(key, _mean(found[key])) for key in ordered(found)]
    like = frame.with_columns(day=nw.lit(""), week=nw.lit(""), dow=nw.lit(0).cast(nw.Int64))
    schema = {"days": nw.Int64(), "erlang": nw.Float64(), "highest": nw.Float64(), "begins": nw.String()}
    return back(made(answers, keys, schema, like))


def _changes(frame: nw.LazyFrame[Any], start: str, end: str, keys: Sequence[str], unit: int) -> nw.LazyFrame[Any]:
    """Each slot, ``_at``, in which the number of calls changed: by how many, and by what area of that slot."""
    import narwhals as nw

    usable = frame.filter(~nw.col(start).is_null() & (nw.col(end).is_null() | (nw.col(end) >= nw.col(start))))
    over, keys = usable.filter(~nw.col(end).is_null()), (*keys, "tz")
    up = usable.select(*keys, _moment=microseconds(usable, start), _change=nw.lit(1).cast(nw.Int64))
    down = over.select(*keys, _moment=microseconds(over, end), _change=nw.lit(-1).cast(nw.Int64))
    slot = (nw.col("_moment").cast(nw.Float64) / unit).floor().cast(nw.Int64) * unit
    changes = nw.concat([up, down]).with_columns(_at=slot)
    left = nw.col("_change") * (nw.col("_at") + unit - nw.col("_moment"))
    return totals(changes.with_columns(_left=left), (*keys, "_at"), "_change", "_left")


def _busiest(changes: Sequence[tuple[str | None, int, int, int]], unit: int) -> Iterator[tuple[date, datetime, float]]:
    """Of each local day with a change its busiest hour: when it begins, and its traffic in erlang.

    Args:
        changes: zone, slot, by how many calls and by what area of the slot, as `_changes` has them.
        unit: width of a slot; microseconds, as all numbers.
    """
    slots: dict[int, tuple[int, int]] = {}
    days: dict[tuple[date, ZoneInfo], list[int]] = {}
    zones = {name: zone_of(name or "UTC", error=AnalysisError) for name in {name for name, *_ in changes}}
    for name, at, change, left in changes:
        before = slots.get(at, (0, 0))
        slots[at] = before[0] + change, before[1] + left
        days.setdefault((_local(at, zones[name]).date(), zones[name]), []).append(at)
    ends, levels, areas = [0], [0], [0]  # at the end of each slot: how many calls are up, and the area so far
    for at in sorted(slots):
        areas.append(areas[-1] + levels[-1] * (at + unit - ends[-1]) + slots[at][1])
        levels.append(levels[-1] + slots[at][0])
        ends.append(at + unit)

    def area(moment: int) -> int:
        slot = bisect_right(ends, moment) - 1
        return areas[slot] + levels[slot] * (moment - ends[slot])

    for (day, zone), ats in sorted(days.items(), key=lambda item: item[0][0]):
        dawn, dusk = _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
        # traffic rises and falls evenly between changes: where it is highest a change, or the day, begins or ends it
        edges = {at + more for at in ats for more in (0, unit, -_HOUR, unit - _HOUR)} | {dawn, dusk - _HOUR}
        begins = range(dawn, dusk - _HOUR + 1, _HOUR) if unit == _QUARTER else edges
        most, first = min((area(at) - area(at + _HOUR), at) for at in begins if dawn <= at <= dusk - _HOUR)
        yield day, _local(first, zone), -most / _HOUR


def _mean(hours: list[tuple[float, str]]) -> dict[str, Any]:
    if not hours:
        return {"days": 0}
    highest = max(erlang for erlang, _ in hours)
    begins = min(begin for erlang, begin in hours if erlang == highest)
    return {"days": len(hours), "erlang": fmean(erlang for erlang, _ in hours), "highest": highest, "begins": begins}


def _local(moment: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(moment // 1_000_000, zone)


def _midnight(day: date, zone: ZoneInfo) -> int:
    return round(datetime.combine(day, time(), zone).timestamp()) * 1_000_000
