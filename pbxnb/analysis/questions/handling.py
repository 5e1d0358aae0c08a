"""How long calls keep people busy, and how much of their time that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pbxnb.errors import AnalysisError
from pbxnb.zones import zone_of

from ..calls import is_session
from ..columns import ALIASES, By, keys_of, measure, opened, seen, totals, whole
from ..durations import quantiles_of
from ..planning.results import Key, grouped, made, ordered

if TYPE_CHECKING:
    import narwhals as nw

    from ..window import Window

__all__ = ["handle_time", "occupancy"]

_PARTS = ("talk_ms", "hold_ms", "wrap_ms")
_CALENDAR = ("day", "week", "dow")
_START = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC without zone, as in every table


@measure
def handle_time(calls: Any, *, by: By = (), legs: bool = False) -> Any:
    """How long an answered call keeps somebody busy.

    Args:
        calls: needs ``outcome`` and ``talk_ms``; ``hold_ms`` and ``wrap_ms`` count where the table has them.
        by: columns to group by, such as ``ext`` or ``queue``.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``answered`` (whose talk is known; int64), ``talk``, ``hold``, ``wrap`` (means), ``mean``, ``median``,
        ``p90`` (of their sum, linear between neighbours), in seconds, null where there is none; a row a group in order
        of ``by``, one row without; the same kind as ``calls``.

    Definition:
        AHT: talk + hold + wrap-up of answered calls, over their number. Hold or wrap-up that is unknown adds nothing;
        a call whose talk is unknown is left out.

    Source: Taylor Reach.

    Raises:
        MissingColumn: a column is not there.

    Example:
        >>> import pandas as pd
        >>> calls = {"outcome": ["answered"] * 2, "talk_ms": [60_000, 100_000], "hold_ms": [0, 20_000]}
        >>> handle_time(pd.DataFrame(calls))[["answered", "talk", "hold", "mean"]].to_dict("records")
        [{'answered': 2, 'talk': 80.0, 'hold': 10.0, 'mean': 90.0}]
    """
    keys = keys_of(by)
    frame, back = opened(calls, "outcome", "talk_ms", also=_PARTS[1:], by=keys, legs=legs)
    import narwhals as nw

    known = frame.filter((nw.col("outcome") == "answered") & ~nw.col("talk_ms").is_null())
    parts = {name[:-3]: nw.col(name).fill_null(0).cast(nw.Float64) / 1000.0 for name in _PARTS}
    each = known.select(*keys, one=nw.lit(1).cast(nw.Int64), **parts)
    each = each.with_columns(seconds=nw.col("talk") + nw.col("hold") + nw.col("wrap"))
    each, quantiles = quantiles_of(each, keys, {"median": 0.5, "p90": 0.9})
    means = {name: nw.col(name).mean() for name in parts}
    numbers = {"answered": nw.len(), **means, "mean": nw.col("seconds").mean(), **quantiles}
    found = each.group_by(*keys).agg(**numbers).sort(*keys) if keys else each.select(**numbers)
    return back(found.with_columns(*whole("answered")))


@measure
def occupancy(calls: Any, *, presence: Any = None, by: By = (), legs: bool = False) -> Any:
    """How much of the time that each agent was logged in he spent on calls.

    Args:
        calls: needs ``ext``, ``outcome`` and ``talk_ms``, a row a leg; ``hold_ms`` and ``wrap_ms`` count where the
            table has them. Of a table of one row a conversation only the account it is counted for is known.
        presence: when agents were logged in, a table: ``ext`` (or ``account``), ``start`` and ``end``
            (null while it lasts), a row an interval. Where it has an ``axis``, as that of a history, an agent is logged
            in while ``registered`` is ``true``. None means that of the handle, or history, which ``calls`` is.
        by: more columns to group by. Local ``day``, ``week`` and ``dow`` part the time logged in as well, and so does
            what ``presence`` has, such as ``domain``; by any other, such as ``queue``, all of the agent's time stays
            in each group.
        legs: as of every measure, and the same either way: what keeps an agent busy is the leg of his own phone.

    Returns:
        ``by``, ``ext``, ``handled_ms``, ``logged_in_ms`` (int64; null of an agent who is not in ``presence``),
        ``occupancy`` (their ratio, null without time logged in), in order of ``by`` and ``ext``; the same kind as
        ``calls``.

    Definition:
        Handling time (talk + hold + wrap-up of answered calls, by the phone) over logged-in time from ``first`` to
        ``last``, overlaps counted once. Two calls at the same time count twice. The time of a day is cut at
        local midnights.

    Source: Taylor Reach.

    Raises:
        AnalysisError: there is no ``presence``, time is to be parted by the hour, or days are of several zones.
        MissingColumn: a column is not there.

    Example:
        >>> occupancy(pbx, by="domain").column_names[:5]
        ['domain', 'ext', 'handled_ms', 'logged_in_ms', 'occupancy']
    """
    keys = keys_of((*keys_of(by), "ext"))
    if presence is None and is_session(calls):
        presence = calls
    if presence is None:
        raise AnalysisError(
            "A table of calls does not say when agents were logged in.",
            hint="Give presence=, such as pbx.history.presence.df, or a table with ext, start and end.",
        )
    if is_session(presence):
        presence = getattr(presence, "history", presence).presence
    there = set(seen(presence).collect_schema().names())
    common = [key for key in keys if there & {key, *ALIASES.get(key, ())}]
    parted = [key for key in keys if key in _CALENDAR and key not in common]
    frame, back = opened(calls, "ext", "outcome", "talk_ms", also=(*_PARTS[1:], "tz"), by=keys, legs=True)
    spans, _ = opened(presence, "start", "end", also=("axis", "value"), times=("start", "end"), by=common, legs=True)
    if "hour" in keys and "hour" not in common:
        raise AnalysisError("Time logged in is not parted by the hour.", hint='Use by="day", "week" or "dow".')
    import narwhals as nw

    talked = (nw.col("outcome") == "answered") & ~nw.col("talk_ms").is_null() & (nw.col("ext").fill_null("") != "")
    busy = nw.col("talk_ms") + nw.col("hold_ms").fill_null(0) + nw.col("wrap_ms").fill_null(0)
    sums = totals(frame.filter(talked).with_columns(handled_ms=busy.cast(nw.Int64)), keys, "handled_ms")
    handled = {key: ms for key, [(ms,)] in grouped(sums, keys, ["handled_ms"]).items()}
    registered = (nw.col("axis") == "registered") & (nw.col("value").cast(nw.String).str.to_lowercase() == "true")
    spans = spans.filter((nw.col("axis").is_null() | registered) & ~nw.col("start").is_null())
    zone = _zone(frame) if parted else ZoneInfo("UTC")
    logged_in: Counter[Key] = Counter()
    for agent, rows in grouped(spans, common, ["start", "end"]).items():
        for since, until in _once(rows, back.window):
            for when, lasted in _parts(since, until, zone, parted):
                logged_in[(*agent, *when)] += lasted
    at = [keys.index(key) for key in (*common, *parted)]
    idle = logged_in.keys() - {tuple(key[place] for place in at) for key in handled}
    for agent in idle:
        named = dict(zip((*common, *parted), agent, strict=True))
        handled[tuple(named.get(key) for key in keys)] = 0
    rows_of = []
    for key in ordered(handled):
        time_in = logged_in.get(tuple(key[place] for place in at))
        share = handled[key] * 1000 / time_in if time_in else None
        in_ms = None if time_in is None else time_in // 1000
        rows_of.append((key, {"handled_ms": handled[key], "logged_in_ms": in_ms, "occupancy": share}))
    schema = {"handled_ms": nw.Int64(), "logged_in_ms": nw.Int64(), "occupancy": nw.Float64()}
    return back(made(rows_of, keys, schema, frame))


def _zone(frame: nw.LazyFrame[Any]) -> ZoneInfo:
    import narwhals as nw

    names = grouped(frame.group_by("tz").agg(_rows=nw.len()), (), ["tz"])[()]
    zones = sorted({name for (name,) in names if name})
    if len(zones) > 1:
        raise AnalysisError(
            f"The days of these calls are those of several zones: {', '.join(zones[:5])}.",
            hint="Ask for each domain by itself.",
        )
    return zone_of(zones[0] if zones else "UTC", error=AnalysisError)


def _once(spans: Iterable[tuple[int, int | None]], window: Window) -> Iterator[tuple[int, int]]:
    """The spans as far as they lie in the window, as spans that do not overlap; microseconds since 1970."""
    ends = (None if it is None else (it - _START) // timedelta(microseconds=1) for it in (window.first, window.last))
    first, last = ends
    reached = first
    for since, until in sorted(spans, key=lambda span: span[0]):
        end = last if until is None else until if last is None else min(until, last)
        begin = since if reached is None else max(since, reached)
        if end is not None and begin < end:
            yield begin, end
            reached = end


def _parts(since: int, until: int, zone: ZoneInfo, parted: Sequence[str]) -> Iterator[tuple[Key, int]]:
    """A span, cut at local midnights: what the columns of the calendar say of each part, and how long it lasts."""
    if not parted:
        yield (), until - since
        return
    day = datetime.fromtimestamp(since // 1_000_000, zone).date()
    while since < until:
        following = day + timedelta(days=1)
        midnight = round(datetime.combine(following, time(), zone).timestamp()) * 1_000_000
        monday = day - timedelta(days=day.weekday())
        named = {"day": day.isoformat(), "week": monday.isoformat(), "dow": day.weekday()}
        yield tuple(named[key] for key in parted), min(until, midnight) - since
        since, day = max(since, midnight), following
