"""How long a call or a conversation rang, talked and was held: added up phase by phase."""

from __future__ import annotations

from datetime import datetime

from .entities import Phase

__all__ = ["Times"]

# Looking up a member of an enum costs more than all else that is done with it here.
_RINGING, _QUEUED, _TALKING, _HELD, _PARKED = Phase.RINGING, Phase.QUEUED, Phase.TALKING, Phase.HELD, Phase.PARKED


class Times:
    """The seconds a call or a conversation spent ringing (or queued), talking and held (or parked).

    Args:
        phase: the running one.
        start: from when on.

    Attributes:
        ring, talk, hold: seconds, up to ``start``.
    """

    __slots__ = ("hold", "phase", "ring", "start", "talk")

    def __init__(self, phase: Phase, start: datetime) -> None:
        self.phase = phase
        self.start = start
        self.ring = self.talk = self.hold = 0.0

    def turn(self, phase: Phase, at: datetime) -> None:
        """End the running phase at ``at`` and begin another."""
        # a clock may have been set back: no time is known to have passed, and none is taken away
        before, spent = self.phase, max(0.0, (at - self.start).total_seconds())
        if before is _RINGING or before is _QUEUED:
            self.ring += spent
        elif before is _TALKING:
            self.talk += spent
        elif before is _HELD or before is _PARKED:
            self.hold += spent
        self.phase = phase
        self.start = at
