"""What the sparklines show: four counts sampled over the last minutes, from what a handle knows. Pure; no widget."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from pbxnb.model.entities import Phase
from pbxnb.ui.handle import Handle

__all__ = ["TRENDS", "current", "trends"]

TRENDS = {"calls": "Calls at once", "rate": "Calls per minute", "waiting": "Waiting", "registered": "Registered"}
"""Names of the counts with their words, in the order shown."""


class _Talk(msgspec.Struct):
    """One conversation's times, seconds since 1970; infinite while they have not come."""

    start: float
    end: float
    answered: float
    queue: bool


def current(handle: Handle) -> dict[str, int]:
    """The counts now."""
    now = handle.clock.now().timestamp()
    listed = list(handle.conversations.values())
    open_ = [one for one in listed if one.state is not None]
    begun = [one.started_at or one.since or one.first_seen for one in listed]
    return {
        "calls": len(open_),
        "rate": sum(now - 60 < moment.timestamp() <= now for moment in begun),
        "waiting": sum(one.phase is Phase.QUEUED for one in open_),
        "registered": sum(
            account.registered is True for account in list(handle.accounts.values()) if account.type == "extensions"
        ),
    }


def trends(handle: Handle, *, step: float, points: int) -> dict[str, list[int | None]]:
    """The counts at the last full steps, oldest first; None where the line was down.

    Args:
        handle: whose session is counted.
        step: seconds of PBX time between two samples.
        points: samples.
    """
    last = math.floor(handle.clock.now().timestamp() / step) * step
    first = last - (points - 1) * step
    talks = _talks(handle)
    counted = {
        "calls": _covered([(talk.start, talk.end) for talk in talks], first, step, points),
        # whoever began in the minute before a sample counts there
        "rate": _covered([(talk.start, talk.start + 60) for talk in talks], first, step, points),
        "waiting": _covered(
            [(talk.start, min(talk.answered, talk.end)) for talk in talks if talk.queue], first, step, points
        ),
        "registered": _covered(_registered(handle), first, step, points),
    }
    now = handle.clock.now().timestamp()
    down = _covered(
        [(gap.start.timestamp(), gap.end.timestamp() if gap.end else now) for gap in handle.status.gaps],
        first,
        step,
        points,
    )
    return {
        name: [None if gone else value for value, gone in zip(values, down, strict=True)]
        for name, values in counted.items()
    }


def _talks(handle: Handle) -> list[_Talk]:
    """Conversations, ended and open: the calls of one are one."""
    talks: dict[str, _Talk] = {}
    ended = [(record.call, record.ended_at.timestamp()) for record in handle.closed_calls()]
    for call, end in (*ended, *((call, math.inf) for call in list(handle.calls.values()))):
        start = (call.started_at or call.since or call.first_seen).timestamp()
        answered = call.connected_at.timestamp() if call.connected_at else math.inf
        known = talks.setdefault(call.conversation or call.id, _Talk(start, end, answered, bool(call.queue)))
        known.start, known.end = min(known.start, start), max(known.end, end)
        known.answered, known.queue = min(known.answered, answered), known.queue or bool(call.queue)
    return list(talks.values())


def _registered(handle: Handle) -> list[tuple[float, float]]:
    accounts = handle.accounts
    extensions = {number for number, account in list(accounts.items()) if account.type == "extensions"}
    return [
        (one.start.timestamp(), one.end.timestamp() if one.end else math.inf)
        for one in handle.presence()
        if one.axis == "registered" and one.value.lower() == "true" and one.number in extensions
    ]


def _covered(intervals: Iterable[tuple[float, float]], first: float, step: float, points: int) -> list[int]:
    """How many half-open intervals contain each sample."""
    turns = [0] * (points + 1)
    for start, end in intervals:
        turns[_sample(start, first, step, points)] += 1
        turns[_sample(max(start, end), first, step, points)] -= 1
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
