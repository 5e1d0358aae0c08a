"""What extensions did with their time: shares of the window per state, weighted by time, the line's gaps apart."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from pbxnb.analysis.calls import is_session
from pbxnb.analysis.columns import seen
from pbxnb.analysis.questions.callers import microseconds
from pbxnb.arguments import helpful_keywords
from pbxnb.history.history import shares
from pbxnb.model.entities import Presence
from pbxnb.ui.handle import handle_of
from pbxnb.zones import clock_text, times_in

from ..source import label, needs, rows, table_of, whose
from ..style import STATES, Theme, picture

__all__ = ["state_shares"]

ORDER = ("busy", "held", "parked", "ringing", "dialling", "idle", "offline", "gap")
AWAY = ("idle", "offline", "gap")
COLUMNS = {"account": "text", "axis": "text", "start": "time", "end": "time", "value": "text"}
UTC_ZONE = ZoneInfo("UTC")
COLOURS = {**STATES, "busy": STATES["connected"], "dialling": STATES["queued"]}


@helpful_keywords
def state_shares(source: Any, *, top: int = 100, theme: Theme = "light") -> go.Figure:
    """A bar per extension: how its observed time was spent.

    Args:
        source: a handle, a recording, a history or a part of one: their presence and gaps are what was observed; or a
            table like the ``presence`` of a history, of any engine, which knows no gaps, up to its last time.
        top: how many extensions at most, those with the largest share of calls; ties by number.
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: nothing was observed yet.
        MissingColumn: it is another table.

    While the line was down nobody knows what an extension did: that time is a gap, never "idle".

    Example:
        >>> from pbxnb import figures
        >>> figure = figures.state_shares(pbx)
    """
    known = _known(source, top)
    zone, observed = known.zone, known.shares
    needs(observed, "observed states")
    busiest = sorted(observed, key=lambda number: (-_busy(observed[number]), number))[:top]
    numbers = sorted(busiest, key=lambda number: (len(number), number))
    text = "; ".join(
        f"{number}: " + ", ".join(f"{state} {share:.1%}" for state, share in _ordered(observed[number]))
        for number in numbers
    )
    begin, end = (clock_text(moment, zone, "minutes", date=True) for moment in (known.first, known.last))
    shown = f"the {len(numbers)} busiest of {known.accounts:,}" if len(numbers) < known.accounts else ""
    terms = (known.tenant, f"{begin} to {end}, {times_in(zone)}", "share of the observed time, gaps apart", shown)
    figure = picture(
        "Time per state",
        " · ".join(filter(None, (*terms, known.coverage))),
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
    """Of so many accounts: the share of each one's time per state, from when to when."""

    shares: dict[str, dict[str, float]]
    accounts: int
    zone: ZoneInfo
    tenant: str
    first: datetime
    last: datetime
    coverage: str = ""


def _known(source: Any, top: int) -> _Seen:
    if hasattr(source, "clock"):
        handle = handle_of(source)
        last, past, zone = handle.clock.now(), handle.history, handle.tz
        presence, gaps, coverage = [*past.presence()], past.gaps(), past.coverage(last)
    elif is_session(source):
        last, zone, coverage = source.end, getattr(source, "tz", UTC_ZONE), source.coverage_text
        presence = [_interval(row, source.start, last) for row in source.presence]
        gaps = [(_aware(row["start"]).timestamp(), _aware(row["end"] or last).timestamp()) for row in source.gaps]
    else:
        return _summed(source, top)
    observed = shares(presence, gaps, last.timestamp())
    first = min((interval.start for interval in presence if interval.axis == "state"), default=last)
    return _Seen(observed, len(observed), zone, whose(source), first, last, coverage)


def _summed(source: Any, top: int) -> _Seen:
    """Of a table: summed by its engine, of which only the busiest accounts come here."""
    table = table_of(source, COLUMNS, "Give pbx.history.presence.")
    import narwhals as nw

    states, start, end = table.filter(nw.col("axis") == "state"), nw.col("start"), nw.col("end")
    [window] = rows(table.select(start=start.max(), end=end.max()).to_native())
    [facts] = rows(states.select(first=start.min(), accounts=nw.col("account").n_unique()).to_native())
    last = max(filter(None, window.values()), default=None)
    if last is None or facts["first"] is None:
        return _Seen({}, 0, UTC_ZONE, "", datetime.now(UTC), datetime.now(UTC))
    closed = states.with_columns(end.fill_null(nw.lit(last)))
    lasted = microseconds(closed, "end") - microseconds(closed, "start")
    spent = closed.with_columns(spent=nw.when(lasted > 0).then(lasted).otherwise(nw.lit(0)))
    each = spent.group_by("account", "value").agg(nw.col("spent").sum())
    busy = nw.when(nw.col("value").is_in(AWAY)).then(nw.lit(0)).otherwise(nw.col("spent")).cast(nw.Float64)
    totals = each.with_columns(busy=busy).group_by("account").agg(nw.col("busy").sum(), whole=nw.col("spent").sum())
    ranked = totals.filter(nw.col("whole") > 0).with_columns(share=nw.col("busy") / nw.col("whole").cast(nw.Float64))
    busiest = ranked.sort("share", "account", descending=[True, False]).head(top).select("account", "whole")
    found: dict[str, dict[str, float]] = {}
    for row in rows(each.join(busiest, on="account", how="inner").to_native()):
        found.setdefault(row["account"], {})[row["value"]] = float(row["spent"] / row["whole"])
    tenant = whose(seen(source).to_native())
    return _Seen(found, facts["accounts"], UTC_ZONE, tenant, _aware(facts["first"]), _aware(last))


def _interval(row: dict[str, Any], first: datetime, last: datetime) -> Presence:
    """A row, cut to the window."""
    start, end = max(first, _aware(row["start"])), last if row["end"] is None else min(last, _aware(row["end"]))
    return Presence(number=row["account"], axis=row["axis"], value=row["value"], start=start, end=end)


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _busy(mine: dict[str, float]) -> float:
    return sum(share for state, share in mine.items() if state not in AWAY)


def _ordered(mine: dict[str, float]) -> list[tuple[str, float]]:
    return [(state, mine[state]) for state in (*ORDER, *sorted(set(mine) - set(ORDER))) if mine.get(state)]
