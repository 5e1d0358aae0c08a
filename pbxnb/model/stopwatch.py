"""Ring, talk and hold time, kept apart. Knows no call and no clock: it is told when another kind of time begins."""

from __future__ import annotations

from datetime import datetime

from .entities import CallState

__all__ = ["Stopwatch"]

# Looking up a member of an enum costs more than all else that is done with it here.
_RINGING, _CONNECTED, _HELD, _PARKED = CallState.RINGING, CallState.CONNECTED, CallState.HELD, CallState.PARKED


class Stopwatch:
    """The times of a call or of a conversation.

    Args:
        spends: which time runs: ringing, talk (`CONNECTED`) or hold (`HELD`, `PARKED`); with `OTHER` none does.
        since: from when on.

    Attributes:
        ring, talk, hold: seconds, up to ``since``.
    """

    __slots__ = ("hold", "ring", "since", "spends", "talk")

    def __init__(self, spends: CallState, since: datetime) -> None:
        self.spends = spends
        self.since = since
        self.ring = self.talk = self.hold = 0.0

    def turn(self, spends: CallState, at: datetime) -> None:
        """From ``at`` on another time runs, or the same one goes on."""
        # the kernel's clock may have been set back: no time is known to have passed, and none is taken away
        before, spent = self.spends, max(0.0, (at - self.since).total_seconds())
        if before is _RINGING:
            self.ring += spent
        elif before is _CONNECTED:
            self.talk += spent
        elif before is _HELD or before is _PARKED:
            self.hold += spent
        self.spends = spends
        self.since = at
