"""What each extension did: talking, ringing, answered, missed."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from pbxnb.analysis.activity import per_extension
from pbxnb.arguments import helpful_keywords

from ..source import label, needs, of, rows
from ..style import STATES, Theme, picture

__all__ = ["extensions"]


@helpful_keywords
def extensions(source: Any, *, top: int = 25, theme: Theme = "light") -> go.Figure:
    """Talk and ring minutes, answered and missed calls, of the busiest extensions.

    Args:
        source: a handle or a table of calls.
        top: how many extensions, most talk first, ties by number.
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: no call names an extension.

    Example:
        >>> from pbxnb import figures
        >>> figure = figures.extensions(pbx, top=10)
    """
    import narwhals as nw

    calls = of(source, legs=True)
    everyone = nw.from_native(per_extension(calls.table)).lazy().with_columns(one=nw.lit(1))
    counted = everyone.with_columns(of=nw.col("ext").count().over("one"))
    shown = rows(counted.sort("talk_ms", "ext", descending=[True, False]).head(top).to_native())
    needs(shown, "calls with an extension")
    names = [label(row["ext"]) for row in shown]
    text = "; ".join(
        f"{row['ext']}: {row['talk_ms'] / 60_000:.1f} min talk, {row['ring_ms'] / 60_000:.1f} min ring, "
        f"{row['answered']} answered, {row['missed']} missed"
        for row in shown
    )
    figure = picture(
        "Extensions",
        calls.terms(f"{len(shown)} of {shown[0]['of']} extensions, most talk first"),
        text + ".",
        theme=theme,
        height=120 + 24 * max(6, len(shown)),
    )
    for title, column, colour in (("talk", "talk_ms", STATES["connected"]), ("ring", "ring_ms", STATES["ringing"])):
        figure.add_trace(
            go.Bar(
                y=names,
                x=[row[column] / 60_000 for row in shown],
                orientation="h",
                name=f"{title}, minutes",
                marker={"color": colour},
                hovertemplate=f"%{{y}}: %{{x:.1f}} min {title}<extra></extra>",
            )
        )
    figure.add_trace(
        go.Scatter(
            y=names,
            x=[(row["talk_ms"] + row["ring_ms"]) / 60_000 for row in shown],
            mode="text",
            text=[f"  {row['answered']} answered, {row['missed']} missed" for row in shown],
            textposition="middle right",
            textfont={"size": 11},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    figure.update_layout(
        barmode="stack",
        yaxis={"autorange": "reversed", "type": "category", "showgrid": False},  # a line would strike the words out
        xaxis={"title": {"text": "minutes"}},
    )
    longest = max(row["talk_ms"] + row["ring_ms"] for row in shown) / 60_000
    figure.update_xaxes(range=[0, 1.3 * max(1.0, longest)])  # room for the words behind the longest bar
    return figure
