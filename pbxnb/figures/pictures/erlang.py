"""Measured waiting against theory: Erlang C, where callers wait for ever, and Erlang A, where they give up."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from pbxnb.analysis.concurrency import peak
from pbxnb.analysis.durations import durations
from pbxnb.analysis.erlang import erlang_a, erlang_b, erlang_c
from pbxnb.analysis.service import service_level
from pbxnb.arguments import helpful_keywords
from pbxnb.errors import AnalysisError

from ..source import of, rows
from ..style import ACCENT, STATES, Theme, picture, styled

__all__ = ["load_against_theory"]

_POINTS = 100  # of a curve, about: each costs as much as it has agents


@helpful_keywords
def load_against_theory(
    source: Any, *, hours: float, agents: int, patience: float = 390.0, within: float = 20.0, theme: Theme = "light"
) -> go.Figure:
    """Service level over the number of agents by theory, with the measured point on it.

    Args:
        source: a handle, of which the calls from outside and those of queues count, or a table of such calls.
        hours: length of the window in which these calls came, hours; theory takes the load as even over it.
        agents: agents there were.
        patience: mean patience in seconds, for Erlang A (`pbxnb.figures.patience` measures it).
        within: the time limit, seconds.
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: no calls, no talk time, or no hours.
    """
    calls = of(source, offered=True)
    [row] = rows(service_level(calls.table, within=within, definition=3))
    [talk] = rows(durations(calls.table, "talk_ms"))
    [waits] = rows(durations(calls.table, "wait_ms"))
    if not row["offered"] or not talk["mean"] or not hours > 0:
        raise AnalysisError(
            "Theory needs calls, talk time and a window longer than nothing.",
            hint="Give closed, answered calls and the hours in which they came.",
            offered=row["offered"],
            hours=hours,
        )
    rate, mean = row["offered"] / (hours * 3600), talk["mean"]
    load = rate * mean
    first, last = max(1, int(load * 0.7)), max(int(load * 1.6), agents + 3)
    numbers = range(first, last + 1, 1 + (last - first) // _POINTS)
    impatient = {n: erlang_a(rate, mean, n, patience, threshold=within).within for n in numbers}
    endless = {n: erlang_c(rate, mean, n, threshold=within).within for n in numbers if n > load}
    busiest = rows(peak(calls.table))
    theory = erlang_a(rate, mean, agents, patience, threshold=within)
    text = (
        f"{row['offered'] / hours:.1f} calls an hour of {mean:.0f} s are {load:.2f} erlang; with {agents} agents "
        f"measured {row['service_level']:.1%} within {within:g} s and a mean wait of {waits['mean']:.1f} s; Erlang A "
        f"says {theory.within:.1%} and {theory.mean_wait:.1f} s, {theory.abandoned:.1%} abandoned; "
        f"{agents} lines without a queue would block {erlang_b(load, agents):.1%} (Erlang B); "
        f"at most {busiest[0]['at_once'] if busiest else 0} were talking at once."
    )
    figure = picture(
        "Measured load against theory",
        calls.terms("even load, exponential talk and patience, no retrials"),
        text,
        theme=theme,
    )
    for name, curve, colour in (
        (f"Erlang A, patience {patience:g} s", impatient, styled(figure)["main"]),
        ("Erlang C, endless patience", endless, STATES["held"]),
    ):
        figure.add_trace(
            go.Scatter(
                x=list(curve),
                y=list(curve.values()),
                mode="lines+markers",
                name=name,
                line={"color": colour},
                hovertemplate="%{x} agents: %{y:.1%}<extra></extra>",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=[agents],
            y=[row["service_level"]],
            mode="markers",
            name="measured",
            marker={"size": 14, "symbol": "diamond", "color": ACCENT},
        )
    )
    figure.update_layout(
        xaxis={"title": {"text": "agents"}, "dtick": max(1, (last - first) // 12)},
        yaxis={"title": {"text": f"answered within {within:g} s"}, "tickformat": ".0%", "rangemode": "tozero"},
    )
    return figure
