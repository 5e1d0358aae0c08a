"""How long callers wait before they give up: the Kaplan-Meier curve, answered callers counted as censored."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from pbxnb.analysis.survival import kaplan_meier
from pbxnb.arguments import helpful_keywords

from ..source import needs, of, rows
from ..style import ACCENT, Theme, picture, styled

__all__ = ["patience"]


@helpful_keywords
def patience(source: Any, *, theme: Theme = "light") -> go.Figure:
    """Share of callers still waiting after a time, had nobody answered.

    Args:
        source: a handle, of which the calls from outside and those of queues count, or a table of such calls.
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: nobody gave up, so nothing is known of patience.
    """
    calls = of(source, offered=True)
    curve = rows(kaplan_meier(calls.table))
    needs(curve, "callers who gave up")
    median = next((row["wait_ms"] / 1000 for row in curve if row["survival"] <= 0.5), None)
    marks = {limit: _still(curve, limit) for limit in (60, 120, 300)}
    text = "Still waiting, had nobody answered: " + ", ".join(f"{share:.0%} at {s} s" for s, share in marks.items())
    text += f"; half have given up after {median:.0f} s." if median is not None else "; fewer than half ever gave up."
    figure = picture(
        "Patience", calls.terms("Kaplan-Meier; answered callers are censored, not patient"), text, theme=theme
    )
    figure.add_trace(
        go.Scatter(
            x=[0, *(row["wait_ms"] / 1000 for row in curve)],
            y=[1, *(row["survival"] for row in curve)],
            line={"shape": "hv", "color": styled(figure)["main"]},
            name="still waiting",
            hovertemplate="%{y:.1%} still waiting after %{x:.0f} s<extra></extra>",
        )
    )
    if median is not None:
        figure.add_vline(x=median, line={"dash": "dot", "color": ACCENT}, annotation_text=f"median {median:.0f} s")
    figure.update_layout(
        xaxis={"title": {"text": "seconds of waiting"}},
        yaxis={"range": [0, 1.02], "tickformat": ".0%"},
        showlegend=False,
    )
    return figure


def _still(curve: list[dict[str, Any]], seconds: float) -> float:
    past = [row["survival"] for row in curve if row["wait_ms"] <= seconds * 1000]
    return float(past[-1]) if past else 1.0
