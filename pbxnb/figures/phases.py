"""From call events to blocks on lanes: follows every open call, closes a block at each change of phase.

Pure: fed with events in order, asked for what is going on; knows no figure and no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal

from pbxnb.model.changes import Event
from pbxnb.model.entities import Call, CallRecord, CallState

from .history import Block

__all__ = ["LaneBy", "Phases", "lanes_of"]

LaneBy = Literal["extension", "call", "queue"]


def lanes_of(call: Call, by: LaneBy) -> tuple[str, ...]:
    """The lanes a call is drawn on: its extensions, its conversation, or its queue."""
    if by == "call":
        return (call.conversation or call.id,)
    if by == "queue":
        return (call.queue,) if call.queue else ()
    return call.extensions or tuple(filter(None, (call.from_.number or call.to.number,)))


class Phases:
    """The open calls' phases.

    Args:
        by: what a lane stands for.
        ended: called with each block that has ended.
    """

    def __init__(self, by: LaneBy, ended: Callable[[Block], None]) -> None:
        self.by = by
        self._ended = ended
        self._open: dict[str, tuple[Call, float]] = {}

    def feed(self, event: Event) -> None:
        """Take one event; all but ``call.*`` are passed over."""
        call = event.call
        if call is None:
            return
        moment = (event.at or event.received).timestamp()
        known = self._open.get(call.id)
        if event.kind == "call.ended":
            if known is not None:
                self._close(known[0], known[1], max(moment, known[1]))
                del self._open[call.id]
        elif known is None:
            self._begin(call, moment)
        elif _shown(known[0], self.by) != _shown(call, self.by):
            changed = max(moment, known[1])
            self._close(known[0], known[1], changed)
            self._open[call.id] = (call, changed)
        else:
            self._open[call.id] = (call, known[1])

    def begin(self, calls: Iterable[Call], records: Iterable[CallRecord]) -> None:
        """Start from a session under way: its ended calls and its open ones."""
        for record in records:
            for state, start, end in record.phases:
                self._block(record.call, state, start.timestamp(), end.timestamp())
        for call in calls:
            self._begin(call, (call.started_at or call.since).timestamp())

    def going_on(self) -> list[Block]:
        """The running phase of every open call, without an end, in order of start."""
        found = [
            Block(lane, _phase(call), since, None, call.conversation or call.id, _story(call))
            for call, since in self._open.values()
            for lane in lanes_of(call, self.by)
        ]
        return sorted(found, key=lambda block: (block.start, block.lane, block.call))

    def _begin(self, call: Call, moment: float) -> None:
        """A call seen for the first time; what came before its present phase follows from its two times."""
        answered = _seconds(call.connected_at)
        if answered is not None and call.state is not CallState.RINGING and moment < answered:
            self._block(call, CallState.RINGING, moment, answered)
            moment = answered
        self._open[call.id] = (call, moment)

    def _close(self, call: Call, start: float, end: float) -> None:
        self._block(call, call.state, start, end)

    def _block(self, call: Call, state: CallState, start: float, end: float) -> None:
        phase = _phase(call) if state is call.state else str(state)
        for lane in lanes_of(call, self.by):
            self._ended(Block(lane, phase, start, end, call.conversation or call.id, _story(call)))


def _shown(call: Call, by: LaneBy) -> tuple[str, tuple[str, ...]]:
    """What of a call is visible in its block: when it changes, a new block begins."""
    return _phase(call), lanes_of(call, by)


def _phase(call: Call) -> str:
    """The phase as drawn: ringing in a queue is waiting there."""
    return "queued" if call.state is CallState.RINGING and call.queue and len(call.extensions) <= 1 else str(call.state)


def _story(call: Call) -> str:
    sides = " → ".join(party.name or party.number or "?" for party in (call.from_, call.to))
    return f"{sides}{f' via queue {call.queue}' if call.queue else ''}{' (recorded)' if call.recording else ''}"


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
