"""How many at a time: intervals counted at samples, and the share of its time an account spent in each state. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from pbxnb.model.entities import Presence

__all__ = ["Interval", "counted_at", "shares"]

Interval = tuple[float, float | None]
"""From when to when, PBX time, seconds since 1970; the end is None while it lasts."""


def counted_at(intervals: Iterable[Interval], first: float, step: float, points: int) -> list[int]:
    """How many half-open intervals contain each of ``points`` samples, ``step`` seconds apart from ``first`` on."""
    turns = [0] * (points + 1)
    for start, end in intervals:
        turns[_sample(start, first, step, points)] += 1
        turns[points if end is None else _sample(max(start, end), first, step, points)] -= 1
    counts, total = [], 0
    for turn in turns[:points]:
        total += turn
        counts.append(total)
    return counts


def _sample(moment: float, first: float, step: float, points: int) -> int:
    """Index of the first sample that is not before a moment."""
    if moment <= first:
        return 0
    return points if moment > first + (points - 1) * step else math.ceil((moment - first) / step - 1e-9)


def shares(presence: Iterable[Presence], gaps: Sequence[Interval], now: float) -> dict[str, dict[str, float]]:
    """Share of each account's observed time per state, 0 to 1, ``gap`` among them; they add up to 1.

    Args:
        presence: intervals; those of the axis ``state`` count, open ones up to ``now``.
        gaps: when the line was down.
        now: the end of the window.
    """
    seconds: dict[str, dict[str, float]] = {}
    for interval in presence:
        if interval.axis != "state":
            continue
        start, end = interval.start.timestamp(), interval.end.timestamp() if interval.end else now
        down = sum(max(0.0, min(end, now if until is None else until) - max(start, since)) for since, until in gaps)
        mine = seconds.setdefault(interval.number, {})
        mine[interval.value] = mine.get(interval.value, 0.0) + max(0.0, end - start - down)
        if down:
            mine["gap"] = mine.get("gap", 0.0) + down
    totals = {number: sum(mine.values()) for number, mine in seconds.items()}
    return {
        number: {state: spent / totals[number] for state, spent in mine.items()}
        for number, mine in seconds.items()
        if totals[number] > 0
    }
