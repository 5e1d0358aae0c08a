"""How long calls last: histogram, cumulative share and a fitted lognormal on a logarithmic axis."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import plotly.graph_objects as go

from pbxnb.analysis.durations import durations as summary_of
from pbxnb.analysis.durations import histogram
from pbxnb.arguments import helpful_keywords

from ..source import counted, needs, of, rows
from ..style import ACCENT, Theme, picture, styled

__all__ = ["durations"]


@helpful_keywords
def durations(source: Any, of_column: str = "talk_ms", *, theme: Theme = "light") -> go.Figure:
    """The distribution of one kind of duration.

    Args:
        source: a handle or a table of calls.
        of_column: a column of milliseconds: ``talk_ms``, ``wait_ms``, ``hold_ms``.
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: no call has a duration above zero.

    Calls below 10 s are named apart: in call centres they are often agents who dropped the call (telephony practice),
    and they do not follow the lognormal. Open calls are not in: they are longer than what is known of them.
    """
    calls = of(source)
    fine = [row for row in rows(histogram(calls.table, of_column, width=1.0)) if row["from_s"] >= 1]
    needs(fine, "duration of a second or more")
    [facts] = rows(summary_of(calls.table, of_column, at_least=1.0))
    edges = _log_edges(fine[-1]["from_s"] + 1)
    counts = [0] * (len(edges) - 1)
    position = 0
    for row in fine:
        while row["from_s"] >= edges[position + 1]:
            position += 1
        counts[position] += row["calls"]
    total = facts["n"]
    text = (
        f"{counted(total)} of a second or more: mean {facts['mean']:.1f} s, median {facts['median']:.1f} s, "
        f"90 % below {facts['p90']:.0f} s, {facts['below_10'] / total:.1%} below 10 s"
    )
    fitted = facts["log_sd"] is not None and facts["log_sd"] > 0
    if fitted:
        text += f"; lognormal with log-mean {facts['log_mean']:.3f} and log-sd {facts['log_sd']:.3f}"
    figure = picture(
        f"How long: {of_column.removesuffix('_ms')}", calls.terms("closed calls, 1 s and more"), text + ".", theme=theme
    )
    look = styled(figure)
    bins = list(pairwise(edges))
    # Bins of whole seconds are of different widths on this axis: a height is what a bin holds for its width there, so
    # that equal areas are equally many calls, and a smooth distribution is a smooth line.
    figure.add_trace(
        go.Bar(
            x=[math.sqrt(low * high) for low, high in bins],
            y=[count / math.log2(high / low) for count, (low, high) in zip(counts, bins, strict=True)],
            width=[high - low for low, high in bins],
            marker={"color": look["main"], "opacity": 0.7},
            name="calls",
            hovertext=[f"{low:.0f} to {high:.0f} s: {counted(n)}" for n, (low, high) in zip(counts, bins, strict=True)],
            hoverinfo="text",
        )
    )
    if fitted:
        places = [edges[-1] ** (step / 100) for step in range(101)]
        heights = [total * _lognormal(place, facts) for place in places]
        figure.add_trace(go.Scatter(x=places, y=heights, name="lognormal", line={"color": ACCENT}))
    running, cumulative = 0, []
    for row in fine:
        running += row["calls"]
        cumulative.append(running / total)
    figure.add_trace(
        go.Scatter(
            x=[row["from_s"] + 1 for row in fine],
            y=cumulative,
            yaxis="y2",
            name="share no longer",
            line={"shape": "hv", "color": look["soft"], "dash": "dot"},
            hovertemplate="%{y:.1%} below %{x:.0f} s<extra></extra>",
        )
    )
    figure.update_layout(
        xaxis={"type": "log", "title": {"text": "seconds"}},
        yaxis={"title": {"text": "calls per doubling of the time"}},
        yaxis2={
            "overlaying": "y",
            "side": "right",
            "range": [0, 1],
            "dtick": 0.25,
            "tickformat": ".0%",
            "showgrid": False,
            "automargin": True,
        },
        bargap=0,
    )
    return figure


def _log_edges(longest: float) -> list[float]:
    """Whole-second bin edges, about eight a decade."""
    powers = range(8 * math.ceil(math.log10(max(longest, 10))) + 1)
    return sorted({float(round(10 ** (power / 8))) for power in powers} | {longest + 1})


def _lognormal(value: float, facts: dict[str, Any]) -> float:
    """Density of the fitted distribution over the binary logarithm of seconds."""
    return math.log(2) * NormalDist(facts["log_mean"], facts["log_sd"]).pdf(math.log(value))
