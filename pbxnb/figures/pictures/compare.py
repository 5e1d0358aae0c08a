"""Two periods side by side, hour by hour, as means a day."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from pbxnb.analysis.activity import per_hour
from pbxnb.arguments import helpful_keywords

from ..source import needs, of, rows
from ..style import STATES, Theme, picture, styled

__all__ = ["compare"]


@helpful_keywords
def compare(
    first: Any, second: Any, *, names: tuple[str, str] = ("first", "second"), tz: str = "UTC", theme: Theme = "light"
) -> go.Figure:
    """Mean calls per hour of the day in two periods.

    Args:
        first, second: two handles or tables with ``hour`` and ``day``.
        names: how to call them.
        tz: the domain's zone, for a handle.
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: a period without calls.
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
