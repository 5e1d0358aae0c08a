"""Calls by the hour: the week as a heat map of means with the days behind each, and two periods side by side."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from pbxnb.analysis.activity import per_hour, per_slot
from pbxnb.arguments import helpful_keywords
from pbxnb.zones import times_in

from ..source import counted, needs, of, rows
from ..style import STATES, Theme, picture, styled

__all__ = ["compare", "week"]

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@helpful_keywords
def week(source: Any, *, first_day: int = 0, tz: str | ZoneInfo | None = None, theme: Theme = "light") -> go.Figure:
    """Mean calls per hour of the week.

    Args:
        source: a handle or a table with ``dow``, ``hour``, ``day`` in one zone, which its column ``tz`` names.
        first_day: the weekday on top, 0 = Monday.
        tz: the zone of weekdays and hours; None for the handle's own. Of a table without a column ``tz`` it says in
            which zone it is; UTC by default.
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: no calls, or no known zone has this name.

    Example:
        >>> from pbxnb import figures
        >>> figure = figures.week(pbx)
    """
    calls = of(source, tz=tz)
    slots = rows(per_slot(calls.table))
    needs(slots, "calls")
    means = {(slot["dow"], slot["hour"]): slot for slot in slots}
    hours = range(min(slot["hour"] for slot in slots), max(slot["hour"] for slot in slots) + 1)
    # plotly draws the first row at the bottom
    days = [(first_day + offset) % 7 for offset in reversed(range(7))]
    seen = {slot["dow"]: slot["days"] for slot in slots}
    top = max(slots, key=lambda slot: slot["mean"])
    text = (
        f"The busiest hour of the week is {DAYS[top['dow']]} {top['hour']:02d}:00 with {top['mean']:.1f} calls "
        f"on the mean of {counted(top['days'], 'day')}; {counted(sum(slot['calls'] for slot in slots))} in all; "
        f"{times_in(calls.zone)}."
    )
    figure = picture(
        "Calls per hour of the week", calls.terms("mean per weekday and hour, n days each"), text, theme=theme
    )
    figure.add_trace(
        go.Heatmap(
            x=[f"{hour:02d}:00" for hour in hours],
            y=[f"{DAYS[day]} (n={seen.get(day, 0)})" for day in days],
            # nobody called in an hour of a day that was seen: a mean of none; a day never seen has no mean
            z=[
                [means[day, hour]["mean"] if (day, hour) in means else 0.0 if day in seen else None for hour in hours]
                for day in days
            ],
            colorscale="Blues" if theme != "dark" else "Viridis",
            colorbar={"title": {"text": "calls"}},
            hovertemplate="%{y} %{x}: %{z:.1f} calls<extra></extra>",
        )
    )
    figure.update_xaxes(tickangle=0, dtick=1 + len(hours) // 12)
    return figure


@helpful_keywords
def compare(
    first: Any,
    second: Any,
    *,
    names: tuple[str, str] = ("first", "second"),
    tz: str | ZoneInfo | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Mean calls per hour of the day in two periods.

    Args:
        first: a handle, or a table with ``hour`` and ``day``.
        second: another one.
        names: how to call them.
        tz: as for `week`.
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: a period without calls, or no known zone has this name.

    Example:
        >>> from pbxnb import figures
        >>> figure = figures.compare(pbx, pbx, names=("before", "after"))
    """
    sides = [of(first, tz=tz), of(second, tz=tz)]
    found = [rows(per_hour(side.table)) for side in sides]
    for hours, name in zip(found, names, strict=True):
        needs(hours, f"calls in the {name} period")
    means = [sum(row["calls"] for row in hours) / hours[0]["days"] for hours in found]
    change = f", {means[1] / means[0] - 1:+.1%}" if means[0] else ""
    text = f"{names[0]}: {means[0]:.1f} calls a day; {names[1]}: {means[1]:.1f} calls a day{change}."
    figure = picture(
        f"{names[0]} and {names[1]}",
        f"mean calls a day by hour · {names[0]}: {sides[0].terms()}<br>{names[1]}: {sides[1].terms()}",
        text,
        theme=theme,
    )
    for hours, name, colour in zip(found, names, (styled(figure)["main"], STATES["queued"]), strict=True):
        figure.add_trace(
            go.Bar(
                x=[row["hour"] for row in hours],
                y=[row["mean"] for row in hours],
                name=name,
                marker={"color": colour},
                hovertemplate=f"{name} %{{x}}:00: %{{y:.1f}} calls a day<extra></extra>",
            )
        )
    figure.update_layout(
        barmode="group",
        margin={"t": 112},  # for a subtitle of two lines
        xaxis={"title": {"text": "hour of the day"}, "dtick": 1},
        yaxis={"title": {"text": "calls a day"}},
    )
    return figure
