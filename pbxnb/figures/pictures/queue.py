"""What became of the callers of a queue, and the service level with its definition named."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from pbxnb.analysis.durations import durations
from pbxnb.analysis.service import SERVICE_LEVELS, service_level
from pbxnb.arguments import helpful_keywords

from ..source import needs, of, rows
from ..style import STATES, Theme, picture

__all__ = ["queue_funnel"]


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
    """
    calls = of(source, offered=True)
    [row] = rows(service_level(calls.table, within=within, definition=definition, short=short))
    needs([row] if row["offered"] else [], "offered calls")
    [waits] = rows(durations(calls.table, "wait_ms"))
    level = row["service_level"]
    said = f"service level {level:.1%}" if level is not None else "service level not defined"
    text = (
        f"{row['offered']:,} offered, {row['answered']:,} answered, {row['answered_in_time']:,} within {within:g} s, "
        f"{row['abandoned']:,} abandoned ({row['short_abandons']:,} short); {said} "
        f"({SERVICE_LEVELS[definition]}); mean wait {waits['mean']:.1f} s over all."
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
