"""What extensions did with their time: shares of the window per state, weighted by time, the line's gaps apart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from pbxnb.analysis.calls import is_session
from pbxnb.analysis.columns import seen as in_narwhals
from pbxnb.arguments import helpful_keywords
from pbxnb.errors import MissingColumn
from pbxnb.history import Interval
from pbxnb.history.history import shares
from pbxnb.model.entities import Presence
from pbxnb.ui.handle import handle_of
from pbxnb.zones import clock_text, times_in

from ..source import label, needs, rows, whose
from ..style import STATES, Theme, picture

__all__ = ["state_shares"]

ORDER = ("busy", "held", "parked", "ringing", "dialling", "idle", "offline", "gap")
COLUMNS = ("account", "axis", "start", "end", "value")
UTC_ZONE = ZoneInfo("UTC")
COLOURS = {**STATES, "busy": STATES["connected"], "dialling": STATES["queued"]}


@helpful_keywords
def state_shares(pbx: Any, *, theme: Theme = "light") -> go.Figure:
    """A bar per extension: how its observed time was spent.

    Args:
        pbx: a handle, a recording, a history or a part of one: their presence and gaps are what was observed; or a
            table like the ``presence`` of a history, which knows no gaps, up to its last time.
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: nothing was observed yet.
        MissingColumn: it is another table.

    While the line was down nobody knows what an extension did: that time is a gap, never "idle".
    """
    seen = _seen(pbx)
    now, zone = seen.end, seen.zone
    observed = shares(seen.presence, seen.gaps, now.timestamp())
    first = min((interval.start for interval in seen.presence if interval.axis == "state"), default=now)
    needs([{}] if observed else [], "observed states")
    numbers = sorted(observed, key=lambda number: (len(number), number))
    text = "; ".join(
        f"{number}: " + ", ".join(f"{state} {share:.1%}" for state, share in _ordered(observed[number]))
        for number in numbers
    )
    begin, end = (clock_text(moment, zone, "minutes", date=True) for moment in (first, now))
    terms = (seen.tenant, f"{begin} to {end}, {times_in(zone)}", "share of the observed time, gaps apart")
    figure = picture(
        "Time per state",
        " · ".join(filter(None, (*terms, seen.coverage))),
        text + ".",
        theme=theme,
        height=140 + 22 * max(6, len(numbers)),
    )
    for state in ORDER:
        part = [observed[number].get(state, 0.0) for number in numbers]
        if any(part):
            figure.add_trace(
                go.Bar(
                    y=[label(number) for number in numbers],
                    x=part,
                    orientation="h",
                    name=state,
                    marker={
                        "color": COLOURS.get(state, STATES["other"]),
                        "pattern": {"shape": "/" if state == "gap" else ""},
                    },
                    hovertemplate=f"%{{y}}: {state} %{{x:.1%}}<extra></extra>",
                )
            )
    figure.update_layout(
        barmode="stack",
        xaxis={"tickformat": ".0%", "range": [0, 1]},
        yaxis={"autorange": "reversed", "type": "category"},
    )
    return figure


class _Seen(NamedTuple):
    """What was observed, up to ``end``."""

    presence: Sequence[Presence]
    gaps: Sequence[Interval]
    end: datetime
    zone: ZoneInfo
    tenant: str
    coverage: str = ""


def _seen(source: Any) -> _Seen:
    if hasattr(source, "clock"):
        handle = handle_of(source)
        now, past = handle.clock.now(), handle.history
        return _Seen([*past.presence()], past.gaps(), now, handle.tz, whose(handle), past.coverage(now))
    if is_session(source):
        start, end = source.start, source.end
        presence = [_interval(row, start, end) for row in source.presence]
        gaps = [(_aware(row["start"]).timestamp(), _aware(row["end"] or end).timestamp()) for row in source.gaps]
        return _Seen(presence, gaps, end, getattr(source, "tz", UTC_ZONE), whose(source), source.coverage_text)
    table = in_narwhals(source)
    have = table.lazy().collect_schema().names()
    if missing := [name for name in COLUMNS if name not in have]:
        raise MissingColumn(
            f"This table has no column {missing[0]!r}.",
            hint="Give pbx.history.presence.",
            column=missing[0],
            there=have,
        )
    found = rows(table.to_native())
    end = _aware(max((row["end"] or row["start"] for row in found), default=datetime.now(UTC)))
    return _Seen([_interval(row, None, end) for row in found], (), end, UTC_ZONE, whose(table.to_native()))


def _interval(row: dict[str, Any], first: datetime | None, last: datetime) -> Presence:
    """A row, cut to the window."""
    start, end = _aware(row["start"]), last if row["end"] is None else min(last, _aware(row["end"]))
    start = start if first is None else max(start, first)
    return Presence(number=str(row["account"]), axis=str(row["axis"]), value=str(row["value"]), start=start, end=end)


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _ordered(mine: dict[str, float]) -> list[tuple[str, float]]:
    return [(state, mine[state]) for state in (*ORDER, *sorted(set(mine) - set(ORDER))) if mine.get(state)]
