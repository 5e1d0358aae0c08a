"""What the history is made of: one phase of one call, from when to when. Times are PBX time, seconds since 1970."""

from __future__ import annotations

from typing import Literal

import msgspec

from pbxnb.model.entities import Phase

__all__ = ["LaneBy", "Span"]

LaneBy = Literal["extension", "call", "queue"]


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
