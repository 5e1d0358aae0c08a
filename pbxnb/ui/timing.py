"""When the UI layer does what: every interval and bound of the lane, the pacing and the panels, in one place."""

from __future__ import annotations

import msgspec

__all__ = ["Timing"]


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds, where nothing else is said. Tests give shorter ones.

    Attributes:
        beat: between two paints of the lane.
        recheck: between two checks of what changes by itself: the line's freshness, the rules of alerts, counts.
        resample: between two readings of the session for the lines of counts, however fast its clock runs.
        ahead: batches the page may be behind without being asked to hurry.
        far_ahead: likewise, while it acknowledges within `slow`.
        slow: between merged batches while nothing is acknowledged.
        patience: unacknowledged batches after which the page is taken to sleep.
        asleep: between merged batches to a page that sleeps.
    """

    beat: float = 0.05
    recheck: float = 1.0
    resample: float = 2.0
    ahead: int = 2
    far_ahead: int = 8
    slow: float = 0.5
    patience: int = 30
    asleep: float = 5.0
