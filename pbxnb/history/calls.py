"""From call events to spans: follows every open call, ends a span at each change of phase or place.

Pure: fed with events in order, each with its moment on the PBX's clock; reads no clock.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

import msgspec

from pbxnb.model.entities import Call, CallRecord, Conversation, Phase

from .stories import Span, Story, title_of

__all__ = ["CallFollower"]

_STORIES = 100_000
"""Calls and conversations whose story is found by id; the oldest go first, what their spans hold stays."""


class CallFollower:
    """The open calls' spans.

    Args:
        ended: called with each span that has ended, and its story.
        joined: called with the old and the new id of a conversation that became part of another, and its ended spans.
    """

    def __init__(
        self, ended: Callable[[Span, Story], None], joined: Callable[[str, str, tuple[Span, ...]], None]
    ) -> None:
        self._ended = ended
        self._joined = joined
        self._open: dict[str, tuple[Span, Story]] = {}  # by call, the span that lasts
        # Not plain dictionaries: to find the oldest one of those takes the longer the more went before it.
        self._stories: OrderedDict[str, Story] = OrderedDict()  # by conversation, open or ended
        # by call; an id may be used again, by a call of another conversation
        self._of_calls: OrderedDict[str, Story] = OrderedDict()

    def follow(self, call: Call, moment: float) -> None:
        """A call has another value since a moment."""
        known = self._open.get(call.id)
        if known is None:
            self._begin(call)
            return
        span, story = known
        if story.into is None:
            story.latest = call
        new = _span(call, max(moment, span.start), call.phase)
        if new != span.at(new.start, None):
            self._past(span, new.start, story)
            self._run(new, story)

    def end(self, call: Call, moment: float) -> None:
        """A call is over."""
        known = self._open.pop(call.id, None)
        if known is not None:
            span, story = known
            if story.into is None:
                story.latest = call
            self._past(span, max(moment, span.start), story, goes_on=False)

    def recall(self, record: CallRecord) -> None:
        """Take in a call that ended before what is followed began; it may be part of a conversation that goes on."""
        call = record.call
        name = call.conversation or call.id
        story = self.story(name)
        if story is None:
            story = Story(name, title_of(call))
            if len(self._stories) < _STORIES:
                self._stories[name] = story
        for phase, phones, start, end in record.stays:
            began, over = start.timestamp(), end.timestamp()
            self._past(msgspec.structs.replace(_span(call, began, phase), extensions=phones), over, story)
            if phase is Phase.QUEUED:
                story.queued = tuple(sorted((*story.queued, (began, over)), key=lambda times: times[0]))

    def settle(self, conversation: Conversation) -> None:
        """The model says which calls are one conversation, and in which phase it is."""
        story = self.story(conversation.id)
        if story is None or story.calls != len(conversation.calls):
            story = self._linked(conversation)
        if story is None:
            return
        waits, queued = conversation.phase is Phase.QUEUED, story.queued
        if waits != (bool(queued) and queued[-1][1] is None):
            since = (conversation.since or conversation.first_seen).timestamp()
            if waits:
                story.queued = (*queued, (since, None))
            else:
                story.queued = (*queued[:-1], (queued[-1][0], max(queued[-1][0], since)))

    def _linked(self, conversation: Conversation) -> Story | None:
        """The one story of all calls of a conversation; None where none of them is known."""
        key, found = (
            conversation.id,
            [self._of_calls[call].whole for call in conversation.calls if call in self._of_calls],
        )
        if not found:
            return None
        first = next((story for story in found if story.id == key), found[0])
        for story in found:
            old, spans = story.id, story.spans
            if story.whole is not first:
                first.absorb(story)
            first.id = key
            if old != key:
                self._stories[key] = first
                self._joined(old, key, spans)
        first.calls = len(conversation.calls)
        return first

    def running(self) -> list[tuple[Span, Story]]:
        """The span that lasts of every open call; from any thread."""
        return [(span, story.whole) for span, story in list(self._open.values())]

    def story(self, id: str) -> Story | None:  # noqa: A002 - the field's name
        """The story of a conversation, or of a call."""
        story = self._stories.get(id) or self._of_calls.get(id)
        return None if story is None else story.whole

    def _begin(self, call: Call) -> None:
        """A call seen for the first time; what came before its present phase follows from its two times."""
        name = call.conversation or call.id
        known = self._stories.get(name) if name != call.id else None  # the model may link a call as it begins
        story = self._of_calls[call.id] = self._stories[name] = known.whole if known else Story(name)
        story.latest = call
        for stories in (self._stories, self._of_calls):
            while len(stories) > _STORIES:
                stories.popitem(last=False)
        now = (call.since or call.first_seen).timestamp()
        start, answered = _seconds(call.started_at, now), _seconds(call.connected_at, now)
        if call.phase not in _UNANSWERED:
            if start < answered:
                before = _span(call, start, Phase.QUEUED if call.queue else Phase.RINGING)
                if call.queue:  # whose phones rang meanwhile nobody knows
                    before = msgspec.structs.replace(before, extensions=())
                    story.queued = ((start, answered),)
                self._past(before, answered, story)
                start = answered
            if start < now and call.phase in (Phase.HELD, Phase.PARKED):
                self._past(_span(call, start, Phase.TALKING), now, story)
                start = now
        self._run(_span(call, start, call.phase), story)

    def _run(self, span: Span, story: Story) -> None:
        self._open[span.call] = (span, story)
        story.whole.begin(span)

    def _past(self, span: Span, end: float, story: Story, *, goes_on: bool = True) -> None:
        past = span.at(span.start, end)
        story.whole.end(past, goes_on=goes_on)
        self._ended(past, story)


_UNANSWERED = frozenset({Phase.RINGING, Phase.QUEUED})


def _span(call: Call, start: float, phase: Phase) -> Span:
    caller, queue = call.from_.number, call.queue
    place = queue if queue and phase is Phase.QUEUED else call.to.number or caller
    return Span(call.id, phase, start, None, call.extensions, place, queue, caller)


def _seconds(moment: datetime | None, otherwise: float) -> float:
    return otherwise if moment is None else min(moment.timestamp(), otherwise)
