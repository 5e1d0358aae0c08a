"""What the history is made of: spans, each one phase of one call, and stories, all spans of one conversation.

Times are PBX time, seconds since 1970.

Written by `CallFollower` on the I/O lane; its tuples are replaced, never changed, so every thread may read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from pbxnb.model.entities import Call, Phase
from pbxnb.zones import clock_text

__all__ = ["LaneBy", "Move", "Span", "Story", "span_text", "title_of"]

LaneBy = Literal["extension", "call", "queue"]
_SHOWN = 9  # spans in the text; what came before is counted
_KEPT = 1_000  # spans of one conversation, as many as the model keeps of a call
_SAME = 1.0  # seconds between two messages of one event
_UNANSWERED = frozenset({Phase.RINGING, Phase.QUEUED})


class Span(msgspec.Struct, frozen=True, gc=False):
    """One phase of one call.

    Attributes:
        call: the call's id.
        phase: what its caller lives through, by the model's one rule.
        start, end: PBX time, seconds since 1970; ``end`` is None while it lasts.
        extensions: the extensions it is with, or that ring for it.
        place: where it is while it is with none: a queue, an orbit, the number called.
        queue: the queue it came through; empty when none is known.
        caller: number of the caller.
    """

    call: str
    phase: Phase
    start: float
    end: float | None
    extensions: tuple[str, ...] = ()
    place: str = ""
    queue: str = ""
    caller: str = ""

    @property
    def lanes(self) -> tuple[tuple[str, Phase], ...]:
        """The numbers it is drawn on, each with its phase there: an agent whose phone rings does not wait.

        They are its extensions, or where it is while it is with none; who waits in a queue is there as well.
        """
        phase = self.phase
        if phase is not Phase.QUEUED:
            return tuple([(number, phase) for number in self.extensions or ((self.place,) if self.place else ())])
        agents = [(number, phase if number == self.caller else Phase.RINGING) for number in self.extensions]
        return ((self.place, phase), *agents)

    def at(self, start: float, end: float | None) -> Span:
        """The same with other times."""
        return Span(self.call, self.phase, start, end, self.extensions, self.place, self.queue, self.caller)


class Move(NamedTuple):
    """The conversation went from one lane to another: a transfer, a park, a retrieve."""

    left: float
    lane: str
    arrived: float
    to: str


class Story:
    """What happened to one conversation.

    Args:
        id: of the conversation.
        title: who with whom.

    Attributes:
        latest: while it goes on, the newest value of the call that gives the title.
        began: when, PBX time, seconds since 1970.
        calls: how many there are.
        spans: ended spans of all its calls.
        running: by call, the span that lasts.
        queued: when it waited in a queue, from when to when; the last end is None while it does.
        into: the story it became part of, when the model linked two conversations.
    """

    __slots__ = ("_title", "began", "calls", "id", "into", "latest", "queued", "running", "spans")

    def __init__(self, id: str, title: str = "") -> None:  # noqa: A002 - the field's name
        self.id: str = id
        self._title = title
        self.latest: Call | None = None
        self.began: float = float("inf")
        self.calls: int = 1
        self.spans: tuple[Span, ...] = ()
        self.running: dict[str, Span] = {}
        self.queued: tuple[tuple[float, float | None], ...] = ()
        self.into: Story | None = None

    @property
    def title(self) -> str:
        """Who with whom."""
        return self._title if self.latest is None else title_of(self.latest)

    @property
    def whole(self) -> Story:
        """The story this one is part of, in the end."""
        return self if self.into is None else self.into.whole

    def begin(self, span: Span) -> None:
        """A call of the conversation is in a phase."""
        self.began = min(self.began, span.start)
        self.running = {**self.running, span.call: span}

    def end(self, span: Span, *, goes_on: bool = False) -> None:
        """A span has ended; the call may go on in another."""
        if span.call in self.running and not goes_on:
            self.running = {key: kept for key, kept in self.running.items() if key != span.call}
            if not self.running and self.latest is not None:
                self._title, self.latest = title_of(self.latest), None  # a text is smaller than a call
        self.began = min(self.began, span.start)
        self.spans = (*self.spans[-_KEPT:], span)

    def absorb(self, other: Story) -> None:
        """Take in another story: the same conversation under another id."""
        self.began = min(self.began, other.began)
        self.spans = tuple(sorted((*self.spans, *other.spans), key=_start)[-_KEPT:])
        self.running = {**self.running, **other.running}
        self.queued = tuple(sorted((*self.queued, *other.queued), key=lambda times: times[0]))
        other.spans, other.running, other.queued, other.latest, other.into = (), {}, (), None, self

    def in_order(self) -> list[Span]:
        """All spans by their start."""
        return sorted((*self.spans, *self.running.values()), key=_start)

    @property
    def ended(self) -> float:
        """When it ended; infinite while it goes on."""
        return float("inf") if self.running else max((span.end or 0.0 for span in self.spans), default=self.began)

    def text(self, zone: ZoneInfo) -> str:
        """The story in a few lines: who, when, and every span with its duration, or since when it lasts.

        Args:
            zone: of its times.

        It changes with what happens, not with the clock: texts that tick would have to be sent all the time.
        """
        spans = self.in_order()
        lines = [
            " ".join(
                (
                    span.phase,
                    _lasted(span, zone),
                    *(("on", *(lane for lane, _ in span.lanes[:4])) if span.lanes else ()),
                )
            )
            for span in spans[-_SHOWN:]
        ]
        if len(spans) > _SHOWN:
            lines.insert(0, f"{len(spans) - _SHOWN} earlier phases")
        begun = [f"began {clock_text(spans[0].start, zone)}"] if spans else []
        return "\n".join((self.title, *begun, *lines))

    def lanes(self, span: Span, by: LaneBy) -> tuple[tuple[str, Phase], ...]:
        """The lanes on which a span of this conversation is drawn: its numbers, its conversation, or its queue."""
        if by == "call":
            return ((self.whole.id, span.phase),)
        if by == "queue":
            return ((span.queue, span.phase),) if span.queue else ()
        return span.lanes

    def moves(self, by: LaneBy = "extension") -> Iterator[Move]:
        """Where the conversation went from a lane on which it had been talked, held or parked to one that came later.

        Lanes that ring together and one that answers are no move, nor is asking somebody without handing over.
        """
        stays = self._stays(by)
        for stay in stays:
            later = [
                other
                for other in stays
                if other.start > stay.start + 0.05 and other.end > stay.end and other.lane != stay.lane
            ]
            if not later or not stay.talked:
                continue
            arrived = min(max(other.start, stay.end) for other in later)
            there = [other for other in later if max(other.start, stay.end) <= arrived + _SAME]
            target = min(there, key=lambda other: (not other.talked, other.lane))
            yield Move(stay.end, stay.lane, arrived, target.lane)

    def _stays(self, by: LaneBy) -> list[_Stay]:
        """The times the conversation spent on each lane without a break."""
        stays: list[_Stay] = []
        for span in self.in_order():
            end = float("inf") if span.end is None else span.end
            # a menu that plays has nobody to hand over
            talked = span.phase not in _UNANSWERED and (bool(span.extensions) or span.phase is Phase.PARKED)
            for lane, _ in self.lanes(span, by):
                for place, stay in enumerate(stays):
                    if stay.lane == lane and span.start <= stay.end + _SAME:
                        stays[place] = _Stay(lane, stay.start, max(stay.end, end), stay.talked or talked)
                        break
                else:
                    stays.append(_Stay(lane, span.start, end, talked))
        return stays


class _Stay(NamedTuple):
    lane: str
    start: float
    end: float
    talked: bool


def title_of(call: Call) -> str:
    """Who with whom, through which queue."""
    sides = " → ".join(" ".join(filter(None, (party.number, party.name))) or "?" for party in (call.from_, call.to))
    return f"{sides[:120]}{f' via queue {call.queue}' if call.queue else ''}{' (recorded)' if call.recording else ''}"


def _start(span: Span) -> float:
    return span.start


def _lasted(span: Span, zone: ZoneInfo) -> str:
    return f"since {clock_text(span.start, zone)}" if span.end is None else span_text(span.end - span.start)


def span_text(seconds: float) -> str:
    """A duration as people read it: ``2:05``, ``1 h 02 min``."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes}:{rest:02d}"
