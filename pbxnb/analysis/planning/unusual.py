"""Hours with more or fewer calls than the same hour of earlier weeks lets expect.

Calls of one hour of the week vary from week to week by more than chance: the rate itself does (weather, a letter to all
customers, a holiday). A Poisson distribution, whose variance is its mean, would call too many hours unusual; here the
rate varies by a gamma distribution, which makes the counts negative binomial. How much it varies is estimated from all
hours of the week together, as the few weeks of one say little of a variance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from statistics import fmean, variance
from typing import Any
from zoneinfo import ZoneInfo

from pbxnb.arguments import check_number
from pbxnb.errors import AnalysisError
from pbxnb.zones import zone_of

from ..calls import is_session
from ..columns import By, keys_of, measure, opened
from .distributions import NegativeBinomial
from .erlang import check_share
from .results import grouped, made

__all__ = ["unusual_hours"]

_FEWEST = 3  # weeks of which a usual can be told
_DAY, _WEEK, _QUARTER = timedelta(days=1), timedelta(weeks=1), timedelta(minutes=15)

Slot = tuple[date, int]  # a local day and hour
Gap = tuple[datetime, datetime]


@measure
def unusual_hours(calls: Any, *, weeks: int = 8, chance: float = 0.001, by: By = (), legs: bool = False) -> Any:
    """The hours of the last seven days, each beside the same hour of the same weekday in earlier weeks.

    Args:
        calls: needs ``day`` and ``hour``, local. An hour between the first call and the last in which nobody called
            counts as 0 calls. Neither judged nor compared with are hours of which that is not known: those of the first
            and the last call, those that the clock skipped or showed twice (where the table has ``tz``), and of a
            session or a recording those in which the line was down.
        weeks: how many earlier weeks are the usual, 3 to 520; fewer where the table does not go back so far.
        chance: how improbable a count is that is called unusual, both sides together. Of the 168 hours of a week one
            in six weeks is called so for nothing at 0.001.
        by: one or more columns whose groups have a usual of their own.
        legs: count every row, not every conversation.

    Returns:
        A row an hour, in order: ``day``, ``dow``, ``hour``, ``calls``, ``weeks`` (how many it is compared with),
        ``expected`` (their mean), ``low`` and ``high`` (what is still usual), ``probability`` (of a count so far out),
        ``unusual`` (more, fewer, usual) and ``why`` it is not judged: the five before are null then.

    Raises:
        AnalysisError: an argument out of range.
        MissingColumn: a column is not there.

    Definition:
        An hour of the last seven days is unusual whose number of calls is too improbable by the same hour of the same
        weekday in earlier weeks: by a negative binomial distribution, as the rate itself varies from week to week.

    Example:
        >>> said = [row["unusual"] for row in unusual_hours(pbx, weeks=4).to_pylist()]
        >>> said.count("more") + said.count("fewer")
        0

    Source: a Poisson count whose rate varies by a gamma distribution (of calls: Jongbloed and Koole, Applied Stochastic
    Models 17, 2001); its variance by the method of moments over all hours, and for the mean of ``n`` weeks 1/n of it
    more (telephony.md 5.3).
    """
    check_number("weeks", weeks, _FEWEST, 520, whole=True, error=AnalysisError)
    check_share(chance=chance)
    keys = keys_of(by)
    frame, back = opened(calls, "day", "hour", also=["tz"], by=keys, legs=legs)
    import narwhals as nw

    frame = frame.filter(~nw.col("day").is_null() & ~nw.col("hour").is_null())
    [(until,)] = grouped(frame.select(nw.col("day").max()), (), ["day"])[()]
    since = (date.fromisoformat(until) - _WEEK * (weeks + 2)).isoformat() if until else ""
    hours = list(dict.fromkeys([*keys, "day", "hour", "tz"]))
    counted = frame.filter(nw.col("day") > since).group_by(*hours).agg(calls=nw.len())
    groups = grouped(counted, keys, ["day", "hour", "calls", "tz"])
    last = max(
        ((date.fromisoformat(day), int(hour)) for rows in groups.values() for day, hour, *_ in rows), default=None
    )
    gaps = _gaps(calls) if is_session(calls) else []
    rows = [
        (key, row)
        for key, group in groups.items()
        if last is not None
        for row in _of_a_group(group, last, weeks, chance, gaps)
    ]
    schema = {"day": nw.String(), **dict.fromkeys(("dow", "hour", "calls", "weeks"), nw.Int64())}
    schema |= {"expected": nw.Float64(), "low": nw.Int64(), "high": nw.Int64(), "probability": nw.Float64()}
    return back(made(rows, keys, {**schema, "unusual": nw.String(), "why": nw.String()}, frame))


def _of_a_group(
    group: Sequence[tuple[Any, ...]], last: Slot, weeks: int, chance: float, gaps: Sequence[Gap]
) -> list[dict[str, Any]]:
    counts: Counter[Slot] = Counter()
    for day, hour, calls, _ in group:
        counts[date.fromisoformat(day), int(hour)] += calls
    zones = [zone_of(name, error=AnalysisError) for name in sorted({row[-1] for row in group if row[-1]})]
    begin = datetime.combine(last[0], time(), UTC) - _WEEK * (weeks + 2)
    down = {slot for zone in zones for gap in gaps for slot in _slots(gap, zone, begin)}

    def unknown(slot: Slot) -> str | None:
        if not all(_once(slot, zone) for zone in zones):
            return "the clock was changed"
        return "the line was down" if slot in down else None

    return judged(counts, min(counts), last, weeks, chance, unknown)


def judged(
    counts: Mapping[Slot, int],
    first: Slot,
    last: Slot,
    weeks: int,
    chance: float,
    unknown: Callable[[Slot], str | None] = lambda slot: None,
) -> list[dict[str, Any]]:
    """A row for each hour of the last seven days.

    Args:
        counts: calls by hour; an hour without is none of its keys.
        first, last: the hours of the first and of the last call; nobody knows whether they are whole, so only those
            between are looked at.
        weeks: how many earlier ones are the usual.
        chance: how improbable a count is that is called unusual.
        unknown: why the count of an hour is no count of that hour; None where it is.
    """

    def counted(slot: Slot) -> bool:
        return first < slot < last and unknown(slot) is None

    days = [last[0] - _DAY * back for back in range(6, -1, -1)]
    recent = [slot for day in days for hour in range(24) if first < (slot := (day, hour)) < last]
    earlier = {
        (day, hour): [
            counts.get(then, 0) for week in range(1, weeks + 1) if counted(then := (day - _WEEK * week, hour))
        ]
        for day, hour in recent
    }
    varying = _varying([past for past in earlier.values() if len(past) > 1])
    rows = []
    for slot, past in earlier.items():
        row: dict[str, Any] = {"day": slot[0].isoformat(), "dow": slot[0].weekday(), "hour": slot[1]}
        row |= {"calls": counts.get(slot, 0), "weeks": len(past)}
        row |= dict.fromkeys(("expected", "low", "high", "probability", "unusual", "why"))
        if why := unknown(slot) or (f"fewer than {_FEWEST} earlier weeks" if len(past) < _FEWEST else None):
            row["why"] = why
        else:
            row |= _judged(row["calls"], past, varying, chance)
        rows.append(row)
    return rows


def _judged(count: int, past: Sequence[int], varying: float, chance: float) -> dict[str, Any]:
    mean = (sum(past) + 0.5) / len(past)
    usual = NegativeBinomial(mean, (mean + varying * mean * mean) * (1 + 1 / len(past)))
    low, high = usual.usual(chance)
    said = "fewer" if count < low else "more" if count > high else "usual"
    return {
        "expected": fmean(past), "low": low, "high": high, "probability": usual.extreme(count), "unusual": said,
    }  # fmt: skip


def _varying(slots: Sequence[Sequence[int]]) -> float:
    """How much the rate varies, squared: variance is mean + this times the mean's square, summed over all slots."""
    beyond = square = 0.0
    for past in slots:
        mean, spread = fmean(past), variance(past)
        beyond += spread - mean
        square += mean * mean - spread / len(past)  # the square of an estimated mean is too large by its variance
    return max(0.0, beyond / square) if square > 0 else 0.0


def _once(slot: Slot, zone: ZoneInfo) -> bool:
    """Whether a clock shows that hour exactly once: a moment that it skips or repeats has two offsets (PEP 495)."""
    day, hour = slot
    moments = (datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone) for minute in (0, 30, 59))
    return all(moment.utcoffset() == moment.replace(fold=1).utcoffset() for moment in moments)


def _gaps(source: Any) -> list[Gap]:
    """When the line of a session was down."""
    past = getattr(source, "history", source)
    ends = ((row["start"], row["end"] or past.end) for row in past.gaps.to_pylist())
    return [(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)) for start, end in ends]


def _slots(gap: Gap, zone: ZoneInfo, begin: datetime) -> Iterator[Slot]:
    """The hours that a gap touches, from ``begin`` on."""
    moment = max(gap[0], begin)
    moment -= (moment - begin) % _QUARTER
    while moment < gap[1]:
        local = moment.astimezone(zone)
        yield local.date(), local.hour
        moment += _QUARTER
