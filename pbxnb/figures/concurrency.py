"""Calls at once: the exact step curve, its peak, the capacity and what Erlang B says of blocking at the peak's load."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go

from pbxnb.analysis.concurrency import concurrency as steps_of
from pbxnb.analysis.erlang import erlang_b
from pbxnb.keywords import helpful_keywords

from .source import needs, of, rows
from .style import ACCENT, Theme, picture, styled

__all__ = ["concurrency"]

_HOUR = timedelta(hours=1)


@helpful_keywords
def concurrency(
    source: Any,
    *,
    capacity: int | None = None,
    start: str = "answered_at",
    end: str = "ended_at",
    theme: Theme = "light",
) -> go.Figure:
    """The step curve of calls at once.

    Args:
        source: a handle or a table of calls.
        capacity: lines there are; draws the limit and names the blocking at the busiest hour's load.
        start: column that counts up: ``answered_at`` (talking) or ``started_at`` (ringing too).
        end: column that counts down.
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: no call was ever up.

    Example:
        >>> pbxnb.figures.concurrency(pbx, capacity=30)  # doctest: +SKIP
    """
    calls = of(source)
    steps = rows(steps_of(calls.table, start=start, end=end))
    needs(steps, "call with a start")
    top = max(steps, key=lambda step: step["at_once"])
    load = _busiest_hour(steps)
    text = f"At most {top['at_once']} calls at once, first at {top['instant']:%Y-%m-%d %H:%M:%S}; "
    text += f"{load:.2f} erlang in the busiest hour"
    if capacity is not None:
        text += f", of {capacity} lines; blocking at that load {erlang_b(load, capacity):.2%} (Erlang B)"
    definition = "talking" if start == "answered_at" else f"from {start}"
    figure = picture("Calls at once", calls.terms(definition, column=start), text + ".", theme=theme)
    look = styled(figure)
    figure.add_trace(
        go.Scattergl(
            x=[step["instant"] for step in steps],
            y=[step["at_once"] for step in steps],
            mode="lines",
            line={"shape": "hv", "color": look["main"], "width": 1.5},
            name="calls at once",
            hovertemplate="%{y} calls from %{x}<extra></extra>",
        )
    )
    figure.add_annotation(x=top["instant"], y=top["at_once"], text=f"peak {top['at_once']}", showarrow=True, ay=-28)
    if capacity is not None:
        figure.add_hline(y=capacity, line={"dash": "dash", "color": ACCENT}, annotation_text=f"{capacity} lines")
    figure.update_layout(yaxis={"title": {"text": "calls"}, "rangemode": "tozero"}, showlegend=False)
    return figure


def _busiest_hour(steps: list[dict[str, Any]]) -> float:
    """Highest mean number of calls in a clock hour, erlang; the area under the steps, hour by hour."""
    area: dict[Any, float] = {}
    for step, following in pairwise(steps):
        at, until = step["instant"], following["instant"]
        while step["at_once"] and at < until:
            hour = at.replace(minute=0, second=0, microsecond=0)
            edge = min(until, hour + _HOUR)
            area[hour] = area.get(hour, 0.0) + step["at_once"] * (edge - at).total_seconds() / 3600
            at = edge
    return max(area.values(), default=0.0)
