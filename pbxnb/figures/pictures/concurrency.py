"""Calls at once: the exact step curve, its peak, the capacity and what Erlang B says of blocking at the peak's load."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from pbxnb.analysis.concurrency import SLOTS, Slot, load, peak
from pbxnb.analysis.concurrency import concurrency as steps_of
from pbxnb.analysis.erlang import erlang_b
from pbxnb.arguments import helpful_keywords

from ..source import Calls, counted, needs, of, rows
from ..style import ACCENT, Theme, picture, styled

__all__ = ["concurrency"]

_EXACT = 50_000
"""Calls up to which every step is drawn; beyond it the table's engine says what was highest in each slot."""


@helpful_keywords
def concurrency(
    source: Any,
    *,
    capacity: int | None = None,
    start: str = "answered_at",
    end: str = "ended_at",
    theme: Theme = "light",
) -> go.Figure:
    """The step curve of calls at once; of more than 50,000 calls, the highest of each minute, hour or day.

    Args:
        source: a handle or a table of calls.
        capacity: lines there are; draws the limit and names the blocking at the busiest hour's load.
        start: column that counts up: ``answered_at`` (talking) or ``started_at`` (ringing too).
        end: column that counts down.
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: no call was ever up.

    Example:
        >>> figure = pbxnb.figures.concurrency(pbx, capacity=30)
        >>> print(pbxnb.figures.describe(figure))
        At most ...
    """
    calls = of(source)
    columns = {"start": start, "end": end}
    hours = rows(load(calls.table, every="1h", **columns))
    needs(hours, "call with a start")
    [top] = rows(peak(calls.table, **columns))
    erlang = max(hour["erlang"] for hour in hours)
    text = f"At most {counted(top['at_once'])} at once, first at {top['instant']:%Y-%m-%d %H:%M:%S}; "
    text += f"{erlang:.2f} erlang in the busiest hour"
    if capacity is not None:
        text += f", of {capacity} lines; blocking at that load {erlang_b(erlang, capacity):.2%} (Erlang B)"
    span = (hours[-1]["slot"] - hours[0]["slot"]) // SLOTS["1h"] + 1
    steps, definition = _curve(calls, span, columns)
    terms = ("talking" if start == "answered_at" else f"from {start}", definition)
    figure = picture("Calls at once", calls.terms(*terms, column=start), text + ".", theme=theme)
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
    named = {"text": f"peak {top['at_once']}", "ay": -28, "bgcolor": look["veil"]}  # the limit may run behind it
    figure.add_annotation(x=top["instant"], y=top["at_once"], showarrow=True, **named)
    if capacity is not None:
        figure.add_hline(y=capacity, line={"dash": "dash", "color": ACCENT}, annotation_text=f"{capacity} lines")
    figure.update_layout(yaxis={"title": {"text": "calls"}, "rangemode": "tozero"}, showlegend=False)
    return figure


def _curve(calls: Calls, hours: int, columns: dict[str, str]) -> tuple[list[dict[str, Any]], str]:
    """Instants and calls at once from each on; of a table too long to draw every step, the highest of each slot."""
    if (calls.window(columns["start"])["n"] or 0) <= _EXACT:
        return rows(steps_of(calls.table, **columns)), ""
    every: Slot = "1m" if hours <= 7 * 24 else "1h" if hours <= 10_000 else "1d"
    slots = rows(load(calls.table, every=every, **columns))
    word = {"1m": "minute", "1h": "hour", "1d": "day"}[every]
    return [{"instant": slot["slot"], "at_once": slot["most"]} for slot in slots], f"highest of each {word}"
