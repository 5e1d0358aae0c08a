"""What extensions did with their time: shares of the window per state, weighted by time, the line's gaps apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

import plotly.graph_objects as go

from pbxnb.arguments import helpful_keywords
from pbxnb.model.entities import Presence
from pbxnb.model.status import Gap

from ..source import label, needs
from ..style import STATES, Theme, picture

__all__ = ["shares", "state_shares"]

Interval = TypeVar("Interval", Presence, Gap)
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
    at, now = pbx.clock.at, pbx.clock.now()
    presence = [interval for interval in pbx.presence() if interval.axis == "state"]
    observed = shares(presence, [_on_clock(gap, at) for gap in pbx.status.gaps], now)
    needs([{}] if observed else [], "observed states")
    numbers = sorted(observed, key=lambda number: (len(number), number))
    text = "; ".join(
        f"{number}: " + ", ".join(f"{state} {share:.1%}" for state, share in _ordered(observed[number]))
        for number in numbers
    )
    figure = picture(
        "Time per state",
        f"{min(interval.start for interval in presence):%Y-%m-%d %H:%M} to {now:%H:%M} · "
        "share of the observed time, gaps apart",
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


def shares(presence: Iterable[Presence], gaps: Iterable[Gap], now: datetime) -> dict[str, dict[str, float]]:
    """Share of each account's observed time per state, 0 to 1, ``gap`` among them; they add up to 1.

    Args:
        presence: intervals; those of the axis ``state`` count, open ones up to ``now``.
        gaps: when the line was down.
        now: the end of the window.
    """
    holes = [(gap.start, gap.end or now) for gap in gaps]
    seconds: dict[str, dict[str, float]] = {}
    for interval in presence:
        if interval.axis != "state":
            continue
        start, end = interval.start, interval.end or now
        down = sum(max(0.0, (min(end, until) - max(start, since)).total_seconds()) for since, until in holes)
        mine = seconds.setdefault(interval.number, {})
        mine[interval.value] = mine.get(interval.value, 0.0) + max(0.0, (end - start).total_seconds() - down)
        if down:
            mine["gap"] = mine.get("gap", 0.0) + down
    totals = {number: sum(mine.values()) for number, mine in seconds.items()}
    return {
        number: {state: spent / totals[number] for state, spent in mine.items()}
        for number, mine in seconds.items()
        if totals[number] > 0
    }


def _on_clock(gap: Gap, at: Callable[[datetime], datetime]) -> Gap:
    """A gap on the PBX's clock."""
    return Gap(at(gap.start), None if gap.end is None else at(gap.end))


def _ordered(mine: dict[str, float]) -> list[tuple[str, float]]:
    return [(state, mine[state]) for state in (*ORDER, *sorted(set(mine) - set(ORDER))) if mine.get(state)]
