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
from ..thinning import ends

__all__ = ["durations"]

EDGES = tuple(sorted({float(round(10 ** (power / 8))) for power in range(80)}))
"""Of the bars: whole seconds, about eight a decade, up to 200 years."""


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

    Example:
        >>> from pbxnb import figures
        >>> figure = figures.durations(pbx, "wait_ms")
    """
    import narwhals as nw

    calls = of(source)
    [facts] = rows(summary_of(calls.table, of_column, at_least=1.0))
    total = facts["n"]
    needs([facts] if total else [], "duration of a second or more")
    seconds = nw.from_native(histogram(calls.table, of_column, width=1.0)).lazy().filter(nw.col("from_s") >= 1)
    running = nw.col("calls").cum_sum().over(order_by="from_s").cast(nw.Int64)
    shares = seconds.with_columns(running, to_s=nw.col("from_s") + 1)
    curve = ends(shares.to_native(), "to_s", "calls", whole=total, rises=True, at=EDGES)
    longest = curve[-1][0]
    edges = [*(edge for edge in EDGES if edge < longest), longest]
    up_to = [max((count for to_s, count in curve if to_s <= edge), default=0) for edge in edges]
    counts = [upper - lower for lower, upper in pairwise(up_to)]
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
    figure.add_trace(
        go.Scatter(
            x=[to_s for to_s, _ in curve],
            y=[count / total for _, count in curve],
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


def _lognormal(value: float, facts: dict[str, Any]) -> float:
    """Density of the fitted distribution over the binary logarithm of seconds."""
    return math.log(2) * NormalDist(facts["log_mean"], facts["log_sd"]).pdf(math.log(value))
