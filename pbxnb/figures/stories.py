"""The story of one conversation: its phases in order, told as text, and its moves from lane to lane.

Pure: times are seconds since 1970; written by `Phases`, read by whoever draws.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

__all__ = ["Move", "Phase", "Story", "span_text"]

_WAITING = frozenset({"ringing", "queued"})
_TOLD = 9
_SAME = 1.0  # seconds between two messages of one event


class Phase(NamedTuple):
    """A phase of one call; ``end`` is None while it lasts, ``met`` false while it is with a machine only, as a menu."""

    state: str
    start: float
    end: float | None
    lanes: tuple[str, ...]
    met: bool = True


class Move(NamedTuple):
    """The conversation went from one lane to another: a transfer, a park, a retrieve."""

    left: float
    lane: str
    arrived: float
    to: str


class Story:
    """What happened to one conversation.

    Args:
        call: its id.
        title: who with whom.

    Attributes:
        phases: ended phases of all its calls.
        running: by call, the phase that lasts.
        into: the story it became part of, when the model linked two conversations.
    """

    __slots__ = ("call", "into", "phases", "running", "title")

    def __init__(self, call: str, title: str = "") -> None:
        self.call = call
        self.title = title
        self.phases: tuple[Phase, ...] = ()
        self.running: dict[str, Phase] | None = None
        self.into: Story | None = None

    @property
    def whole(self) -> Story:
        """The story this one is part of, in the end."""
        return self if self.into is None else self.into.whole

    def begin(self, call: str, phase: Phase) -> None:
        """A call of the conversation is in a phase."""
        self.running = {**(self.running or {}), call: phase}

    def end(self, call: str, phase: Phase) -> None:
        """A phase has ended."""
        if self.running is not None:
            self.running = {key: kept for key, kept in self.running.items() if key != call} or None
        self.phases = (*self.phases, phase)

    def absorb(self, other: Story) -> None:
        """Take in another story: the same conversation under another id."""
        self.phases = tuple(sorted((*self.phases, *other.phases)[-100:], key=lambda phase: phase.start))
        if other.running:
            self.running = {**(self.running or {}), **other.running}
        other.phases, other.running, other.into = (), None, self

    def in_order(self) -> list[Phase]:
        """All phases by their start."""
        return sorted((*self.phases, *(self.running or {}).values()), key=lambda phase: phase.start)

    def tell(self) -> str:
        """The story in a few lines: who, when, and every phase with its duration, or since when it lasts.

        It changes with what happens, not with the clock: texts that tick would have to be sent all the time.
        """
        phases = self.in_order()
        told = [
            " ".join((phase.state, _lasted(phase), *(("on", *phase.lanes[:4]) if phase.lanes else ())))
            for phase in phases[-_TOLD:]
        ]
        if len(phases) > _TOLD:
            told.insert(0, f"{len(phases) - _TOLD} earlier phases")
        begun = [f"began {_clock(phases[0].start)}"] if phases else []
        return "\n".join((self.title, *begun, *told))

    def moves(self) -> Iterator[Move]:
        """Where the conversation went from a lane on which it had been talked, held or parked to one that came later.

        Lanes that ring together and one that answers are no move, nor is asking somebody without handing over.
        """
        spans = self._spans()
        for span in spans:
            later = [
                other
                for other in spans
                if other.start > span.start + 0.05 and other.end > span.end and other.lane != span.lane
            ]
            if not later or not span.talked:
                continue
            arrived = min(max(other.start, span.end) for other in later)
            there = [other for other in later if max(other.start, span.end) <= arrived + _SAME]
            target = min(there, key=lambda other: (not other.talked, other.lane))
            yield Move(span.end, span.lane, arrived, target.lane)

    def _spans(self) -> list[_Span]:
        """The times the conversation spent on each lane without a break."""
        spans: list[_Span] = []
        for phase in self.in_order():
            end = float("inf") if phase.end is None else phase.end
            for lane in phase.lanes:
                talked = phase.met and phase.state not in _WAITING
                for place, span in enumerate(spans):
                    if span.lane == lane and phase.start <= span.end + _SAME:
                        spans[place] = _Span(lane, span.start, max(span.end, end), span.talked or talked)
                        break
                else:
                    spans.append(_Span(lane, phase.start, end, talked))
        return spans


class _Span(NamedTuple):
    lane: str
    start: float
    end: float
    talked: bool


def _lasted(phase: Phase) -> str:
    return f"since {_clock(phase.start)}" if phase.end is None else span_text(phase.end - phase.start)


def _clock(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC).astimezone():%H:%M:%S}"


def span_text(seconds: float) -> str:
    """A duration as people read it: ``2:05``, ``1 h 02 min``."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes}:{rest:02d}"
