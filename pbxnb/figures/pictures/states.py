"""What extensions did with their time: shares of the window per state, weighted by time, the line's gaps apart."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from pbxnb.arguments import helpful_keywords
from pbxnb.ui.handle import handle_of
from pbxnb.zones import clock_text, times_in

from ..source import label, needs, whose
from ..style import STATES, Theme, picture

__all__ = ["state_shares"]

ORDER = ("busy", "held", "parked", "ringing", "dialling", "idle", "offline", "gap")
COLOURS = {**STATES, "busy": STATES["connected"], "dialling": STATES["queued"]}


@helpful_keywords
def state_shares(pbx: Any, *, theme: Theme = "light") -> go.Figure:
    """A bar per extension: how its observed time was spent.

    Args:
        pbx: a handle; its presence intervals and gaps are what was observed.
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: nothing was observed yet.

    While the line was down nobody knows what an extension did: that time is a gap, never "idle".
    """
    handle = handle_of(pbx)
    now, history = handle.clock.now(), handle.history
    observed = history.shares(now)
    first = min((interval.start for interval in history.presence() if interval.axis == "state"), default=now)
    needs([{}] if observed else [], "observed states")
    numbers = sorted(observed, key=lambda number: (len(number), number))
    text = "; ".join(
        f"{number}: " + ", ".join(f"{state} {share:.1%}" for state, share in _ordered(observed[number]))
        for number in numbers
    )
    begin, end = (clock_text(moment, handle.tz, "minutes", date=True) for moment in (first, now))
    figure = picture(
        "Time per state",
        f"{whose(handle)} · {begin} to {end}, {times_in(handle.tz)} · share of the observed time, gaps apart "
        f"· {history.coverage(now)}",
        text + ".",
        theme=theme,
        height=140 + 22 * max(6, len(numbers)),
    )
    for state in ORDER:
        part = [observed[number].get(state, 0.0) for number in numbers]
        if any(part):
            figure.add_trace(
                go.Bar(
                    y=[label(number) for number in numbers],
                    x=part,
                    orientation="h",
                    name=state,
                    marker={
                        "color": COLOURS.get(state, STATES["other"]),
                        "pattern": {"shape": "/" if state == "gap" else ""},
                    },
                    hovertemplate=f"%{{y}}: {state} %{{x:.1%}}<extra></extra>",
                )
            )
    figure.update_layout(
        barmode="stack",
        xaxis={"tickformat": ".0%", "range": [0, 1]},
        yaxis={"autorange": "reversed", "type": "category"},
    )
    return figure


def _ordered(mine: dict[str, float]) -> list[tuple[str, float]]:
    return [(state, mine[state]) for state in (*ORDER, *sorted(set(mine) - set(ORDER))) if mine.get(state)]
