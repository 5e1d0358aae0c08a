"""From call events to blocks on lanes: follows every open call, closes a block at each change of phase.

Pure: fed with events in order, asked for what is going on; knows no figure and no clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal

import msgspec

from pbxnb.model.changes import Event
from pbxnb.model.entities import Call, CallRecord, CallState, Conversation

from .history import Block
from .stories import Phase, Story

__all__ = ["LaneBy", "Phases", "lanes_of"]

LaneBy = Literal["extension", "call", "queue"]
_LINKED_LATE = 120.0
"""Seconds for which an ended call can still become part of another conversation; the model needs one."""


def lanes_of(call: Call, by: LaneBy) -> tuple[str, ...]:
    """The lanes a call is drawn on.

    Its extensions, or where it waits (an orbit, a queue) while it is with none; its conversation; or its queue.
    """
    if by == "call":
        return (call.conversation or call.id,)
    if by == "queue":
        return (call.queue,) if call.queue else ()
    return call.extensions or tuple(filter(None, (call.to.number or call.from_.number,)))


class _Open(msgspec.Struct):
    """A call under way: its last value, when its phase began, the story it writes."""

    call: Call
    since: float
    story: Story


class Phases:
    """The open calls' phases.

    Args:
        by: what a lane stands for.
        ended: called with each block that has ended.
    """

    def __init__(self, by: LaneBy, ended: Callable[[Block], None]) -> None:
        self.by = by
        self._ended = ended
        self._open: dict[str, _Open] = {}
        self._stories: dict[str, Story] = {}  # by call, open or ended a moment ago
        self._gone: deque[tuple[float, str, Story]] = deque()

    def feed(self, event: Event) -> None:
        """Take one event; all but ``call.*`` are passed over."""
        call = event.call
        if call is None:
            return
        moment = (event.at or event.received).timestamp()
        known = self._open.get(call.id)
        if event.kind == "call.ended":
            if known is not None:
                self._close(known, max(moment, known.since))
                del self._open[call.id]
                self._gone.append((moment, call.id, known.story))
                self._forget(moment)
        elif known is None:
            self._begin(call, moment)
        else:
            self._follow(known, call, moment)

    def begin(self, calls: Iterable[Call], records: Iterable[CallRecord]) -> None:
        """Start from a session under way: its ended calls and its open ones."""
        for record in records:
            story = self._story(record.call)
            for state, start, end in record.phases:
                self._block(record.call, str(state), start.timestamp(), end.timestamp(), story)
            self._gone.append((record.ended_at.timestamp(), record.call.id, story))
        for call in calls:
            self._begin(call, (call.started_at or call.since or call.first_seen).timestamp())
        if self._gone:
            self._forget(max(moment for moment, _, _ in self._gone))

    def link(self, conversation: Conversation) -> None:
        """The model says which calls are one conversation: their stories become one."""
        stories = [self._stories[call].whole for call in conversation.calls if call in self._stories]
        if not stories:
            return
        first = next((story for story in stories if story.call == conversation.id), stories[0])
        first.call = conversation.id
        for story in stories:
            if story.whole is not first:
                first.absorb(story)

    def going_on(self) -> list[Block]:
        """The running phase of every open call, without an end, in order of start."""
        found = [
            Block(lane, _phase(one.call), one.since, None, one.story)
            for one in self._open.values()
            for lane in lanes_of(one.call, self.by)
        ]
        return sorted(found, key=lambda block: (block.start, block.lane, block.call))

    def story(self, conversation: str) -> Story | None:
        """The story of a conversation that goes on, or ended a moment ago."""
        return next((s.whole for s in self._stories.values() if s.whole.call == conversation), None)

    def _begin(self, call: Call, moment: float) -> None:
        """A call seen for the first time; what came before its present phase follows from its two times."""
        story = self._story(call)
        answered = _seconds(call.connected_at)
        if answered is not None and call.state is not CallState.RINGING and moment < answered:
            self._block(call, str(CallState.RINGING), moment, answered, story)
            moment = answered
        opened = self._open[call.id] = _Open(call, moment, story)
        self._running(opened)

    def _follow(self, known: _Open, call: Call, moment: float) -> None:
        if known.story.into is None and known.story.call == (call.conversation or call.id):
            known.story.title = _title(call)
        if _shown(known.call, self.by) != _shown(call, self.by):
            self._close(known, max(moment, known.since))
            known.call, known.since = call, max(moment, known.since)
            self._running(known)
        else:
            known.call = call

    def _story(self, call: Call) -> Story:
        """A new story for a call; one that had its id before is told to the end."""
        story = self._stories[call.id] = Story(call.conversation or call.id, _title(call))
        return story

    def _running(self, known: _Open) -> None:
        phase = Phase(_phase(known.call), known.since, None, lanes_of(known.call, self.by), _met(known.call))
        known.story.whole.begin(known.call.id, phase)

    def _close(self, known: _Open, end: float) -> None:
        self._block(known.call, _phase(known.call), known.since, end, known.story)

    def _block(self, call: Call, phase: str, start: float, end: float, story: Story) -> None:
        lanes = lanes_of(call, self.by)
        story.whole.end(call.id, Phase(phase, start, end, lanes, _met(call)))
        for lane in lanes:
            self._ended(Block(lane, phase, start, end, story))

    def _forget(self, now: float) -> None:
        while self._gone and self._gone[0][0] < now - _LINKED_LATE:
            _, call, story = self._gone.popleft()
            if self._stories.get(call) is story and call not in self._open:
                del self._stories[call]


def _shown(call: Call, by: LaneBy) -> tuple[str, tuple[str, ...]]:
    """What of a call is visible in its block: when it changes, a new block begins."""
    return _phase(call), lanes_of(call, by)


def _phase(call: Call) -> str:
    """The phase as drawn: to ring nobody for a queue, or to hear its music, is to wait in it."""
    alone = not any(number != call.from_.number for number in call.extensions)
    waits = call.state is CallState.RINGING or (call.state is CallState.CONNECTED and call.to.number == call.queue)
    return "queued" if call.queue and alone and waits else str(call.state)


def _met(call: Call) -> bool:
    """Whether somebody of ours has it: a menu that plays, or a queue's music, has nothing to hand over."""
    return bool(call.extensions) or call.state is CallState.PARKED


def _title(call: Call) -> str:
    sides = " → ".join(" ".join(filter(None, (party.number, party.name))) or "?" for party in (call.from_, call.to))
    return f"{sides[:120]}{f' via queue {call.queue}' if call.queue else ''}{' (recorded)' if call.recording else ''}"


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
