"""Calls at once: the exact step curve with its peak, and measured load against Erlang's theory."""

from __future__ import annotations

from typing import Any, TypedDict

import plotly.graph_objects as go

from pbxnb.analysis.concurrency import SLOTS, Slot, load, peak
from pbxnb.analysis.concurrency import concurrency as steps_of
from pbxnb.analysis.durations import durations
from pbxnb.analysis.planning.erlang import erlang_a, erlang_b, erlang_c
from pbxnb.analysis.service import service_level
from pbxnb.arguments import helpful_keywords
from pbxnb.errors import AnalysisError
from pbxnb.zones import clock_text, times_in, wall_axis

from ..source import Calls, counted, needs, of, rows
from ..style import ACCENT, STATES, Theme, picture, styled

__all__ = ["concurrency", "load_against_theory"]

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
    columns = _Columns(start=start, end=end)
    hours = rows(load(calls.table, every="1h", **columns))
    needs(hours, "call with a start")
    [top] = rows(peak(calls.table, **columns))
    erlang = max(hour["erlang"] for hour in hours)
    first = clock_text(top["instant"], calls.zone, date=True)
    text = f"At most {counted(top['at_once'])} at once, first at {first}, {times_in(calls.zone)}; "
    text += f"{erlang:.2f} erlang in the busiest hour"
    if capacity is not None:
        text += f", of {capacity} lines; blocking at that load {erlang_b(erlang, capacity):.2%} (Erlang B)"
    span = (hours[-1]["slot"] - hours[0]["slot"]) // SLOTS["1h"] + 1
    steps, definition = _curve(calls, span, columns)
    place, change = wall_axis(steps[0]["instant"], steps[-1]["instant"], calls.zone)
    terms = ("talking" if start == "answered_at" else f"from {start}", definition, change)
    figure = picture("Calls at once", calls.terms(*terms, column=start), text + ".", theme=theme)
    look = styled(figure)
    figure.add_trace(
        go.Scattergl(
            x=[place(step["instant"]) for step in steps],
            y=[step["at_once"] for step in steps],
            mode="lines",
            line={"shape": "hv", "color": look["main"], "width": 1.5},
            name="calls at once",
            hovertemplate="%{y} calls from %{x}<extra></extra>",
        )
    )
    named = {"text": f"peak {top['at_once']}", "ay": -28, "bgcolor": look["veil"]}  # the limit may run behind it
    figure.add_annotation(x=place(top["instant"]), y=top["at_once"], showarrow=True, **named)
    if capacity is not None:
        figure.add_hline(y=capacity, line={"dash": "dash", "color": ACCENT}, annotation_text=f"{capacity} lines")
    figure.update_layout(yaxis={"title": {"text": "calls"}, "rangemode": "tozero"}, showlegend=False)
    return figure


class _Columns(TypedDict):
    start: str
    end: str


def _curve(calls: Calls, hours: int, columns: _Columns) -> tuple[list[dict[str, Any]], str]:
    """Instants and calls at once from each on; of a table too long to draw every step, the highest of each slot."""
    if (calls.window(columns["start"])["n"] or 0) <= _EXACT:
        return rows(steps_of(calls.table, **columns)), ""
    every: Slot = "1m" if hours <= 7 * 24 else "1h" if hours <= 10_000 else "1d"
    slots = rows(load(calls.table, every=every, **columns))
    word = {"1m": "minute", "1h": "hour", "1d": "day"}[every]
    return [{"instant": slot["slot"], "at_once": slot["most"]} for slot in slots], f"highest of each {word}"


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
