"""Calls at once: the exact step curve with its peak, and measured load against Erlang's theory."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import plotly.graph_objects as go

from pbxnb.analysis.concurrency import concurrency as steps_of
from pbxnb.analysis.concurrency import load, peak
from pbxnb.analysis.durations import durations
from pbxnb.analysis.planning.erlang import erlang_a, erlang_b, erlang_c
from pbxnb.analysis.service import service_level
from pbxnb.arguments import helpful_keywords
from pbxnb.errors import AnalysisError
from pbxnb.zones import clock_text, times_in, wall_axis

from ..source import counted, needs, of, rows
from ..style import ACCENT, STATES, Theme, picture, styled
from ..thinning import POINTS, peaks

__all__ = ["concurrency", "load_against_theory"]


@helpful_keywords
def concurrency(
    source: Any,
    *,
    capacity: int | None = None,
    start: str = "answered_at",
    end: str = "ended_at",
    theme: Theme = "light",
) -> go.Figure:
    """The step curve of calls at once: every step of 1,000 calls; of more, at most 2,000 points, its peaks among them.

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
    import narwhals as nw

    calls = of(source)
    hours, slot = nw.from_native(load(calls.table, every="1h", start=start, end=end)).lazy(), nw.col("slot")
    [busiest] = rows(hours.select(nw.col("erlang").max(), first=slot.min(), last=slot.max()).to_native())
    needs([busiest] if busiest["first"] is not None else [], "call with a start")
    window, steps = calls.window(start), steps_of(calls.table, start=start, end=end)
    if window["n"] <= POINTS // 2:
        points = [(step["instant"], step["at_once"]) for step in rows(steps)]
    else:
        points = peaks(steps, "instant", "at_once", busiest["last"] - busiest["first"] + timedelta(hours=1))
    instant, most = max(points, key=lambda point: point[1])
    erlang = busiest["erlang"]
    text = f"At most {counted(most)} at once, first at {clock_text(instant, calls.zone, date=True)}, "
    text += f"{times_in(calls.zone)}; {erlang:.2f} erlang in the busiest hour"
    if capacity is not None:
        text += f", of {capacity} lines; blocking at that load {erlang_b(erlang, capacity):.2%} (Erlang B)"
    place, change = wall_axis(points[0][0], points[-1][0], calls.zone)
    terms = ("talking" if start == "answered_at" else f"from {start}", change)
    figure = picture("Calls at once", calls.terms(*terms, window=window), text + ".", theme=theme)
    look = styled(figure)
    figure.add_trace(
        go.Scattergl(
            x=[place(moment) for moment, _ in points],
            y=[at_once for _, at_once in points],
            mode="lines",
            line={"shape": "hv", "color": look["main"], "width": 1.5},
            name="calls at once",
            hovertemplate="%{y} calls from %{x}<extra></extra>",
        )
    )
    named = {"text": f"peak {most}", "ay": -28, "bgcolor": look["veil"]}  # the limit may run behind it
    figure.add_annotation(x=place(instant), y=most, showarrow=True, **named)
    if capacity is not None:
        figure.add_hline(y=capacity, line={"dash": "dash", "color": ACCENT}, annotation_text=f"{capacity} lines")
    figure.update_layout(yaxis={"title": {"text": "calls"}, "rangemode": "tozero"}, showlegend=False)
    return figure


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

    Example:
        >>> from pbxnb import figures
        >>> figure = figures.load_against_theory(pbx, hours=8, agents=3)
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
