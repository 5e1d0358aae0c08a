"""What became of callers: the funnel of a queue with its service level, and how long people wait."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from pbxnb.analysis.durations import durations
from pbxnb.analysis.service import SERVICE_LEVELS, service_level
from pbxnb.analysis.survival import kaplan_meier
from pbxnb.arguments import helpful_keywords

from ..source import needs, of, rows
from ..style import ACCENT, STATES, Theme, picture, styled
from ..thinning import ends

__all__ = ["patience", "queue_funnel"]

LIMITS = (60, 120, 300)
"""Seconds at which the text twin says how many still wait."""


@helpful_keywords
def queue_funnel(
    source: Any, *, within: float = 20.0, definition: int = 4, short: float | None = None, theme: Theme = "light"
) -> go.Figure:
    """Offered, answered, answered in time; abandoned apart.

    Args:
        source: a handle, of which the calls from outside and those of queues count, or a table of such calls.
        within: the time limit, seconds.
        definition: a key of `pbxnb.analysis.service.SERVICE_LEVELS`.
        short: seconds up to which an abandoned call does not count; None means ``within``.
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: no call was offered.

    Example:
        >>> from pbxnb import figures
        >>> figure = figures.queue_funnel(pbx, within=30)
    """
    calls = of(source, offered=True)
    [row] = rows(service_level(calls.table, within=within, definition=definition, short=short))
    needs([row] if row["offered"] else [], "offered calls")
    [waits] = rows(durations(calls.table, "wait_ms"))
    level = row["service_level"]
    said = f"service level {level:.1%}" if level is not None else "service level not defined"
    mean = "not known" if waits["mean"] is None else f"{waits['mean']:.1f} s"
    text = (
        f"{row['offered']:,} offered, {row['answered']:,} answered, {row['answered_in_time']:,} within {within:g} s, "
        f"{row['abandoned']:,} abandoned ({row['short_abandons']:,} short); {said} "
        f"({SERVICE_LEVELS[definition]}); mean wait {mean} over all."
    )
    figure = picture(
        f"Queue: {said}", calls.terms(f"within {within:g} s: {SERVICE_LEVELS[definition]}"), text, theme=theme
    )
    steps = (
        ("offered", row["offered"], STATES["queued"]),
        ("answered", row["answered"], STATES["connected"]),
        (f"within {within:g} s", row["answered_in_time"], STATES["connected"]),
    )
    figure.add_trace(
        go.Funnel(
            y=[name for name, _, _ in steps],
            x=[count for _, count, _ in steps],
            marker={"color": [colour for _, _, colour in steps]},
            texttemplate="%{value:,}<br>%{percentInitial:.0%}",
            name="calls",
        )
    )
    figure.add_annotation(
        text=f"abandoned {row['abandoned']:,} ({row['abandoned'] / row['offered']:.1%})",
        xref="paper",
        yref="paper",
        x=1,
        y=0,
        yanchor="top",  # below the bars, which may be as wide as the picture
        showarrow=False,
    )
    figure.update_layout(showlegend=False)
    return figure


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
    curve = ends(kaplan_meier(calls.table), "wait_ms", "survival", at=tuple(limit * 1000 for limit in LIMITS))
    needs(curve, "callers who gave up")
    median = next((wait / 1000 for wait, share in curve if share <= 0.5), None)
    marks = {limit: min((share for wait, share in curve if wait <= limit * 1000), default=1.0) for limit in LIMITS}
    text = "Still waiting, had nobody answered: " + ", ".join(f"{share:.0%} at {s} s" for s, share in marks.items())
    text += f"; half have given up after {median:.0f} s." if median is not None else "; fewer than half ever gave up."
    figure = picture(
        "Patience", calls.terms("Kaplan-Meier; answered callers are censored, not patient"), text, theme=theme
    )
    figure.add_trace(
        go.Scatter(
            x=[0, *(wait / 1000 for wait, _ in curve)],
            y=[1, *(share for _, share in curve)],
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
