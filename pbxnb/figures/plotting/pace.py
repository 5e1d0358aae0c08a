"""When the timeline may draw again: a share of the page's time, more slowly while the page does not answer. Pure."""

from __future__ import annotations

__all__ = ["Pace"]

FASTEST = 0.25
SHARE = 3.0
"""The page has this many times as long as it needed for the last picture: a third of its time is ours."""
UNANSWERED = 2.0
PATIENCE = 30
ASLEEP = 5.0


class Pace:
    """Paces pictures by the page's answers; these queue behind a blocking cell, so without them it goes on slowly.

    Example:
        >>> pace = Pace()
        >>> pace.sent(10.0)
        >>> pace.due()
        12.0
        >>> pace.answered(10.1)
        >>> round(pace.due(), 2)
        10.3
    """

    def __init__(self) -> None:
        self._sent = float("-inf")
        self._busy = 0.0
        self._waiting = 0

    @property
    def waiting(self) -> bool:
        """Whether a picture is not answered."""
        return self._waiting > 0

    def sent(self, now: float) -> None:
        """A picture goes out; monotonic seconds."""
        self._sent = now
        self._waiting += 1

    def answered(self, now: float) -> None:
        """The page has drawn the newest picture."""
        if self._waiting:
            self._busy = now - self._sent
            self._waiting = 0

    def due(self) -> float:
        """The monotonic time from which the next picture may go."""
        if self._waiting:
            return self._sent + (UNANSWERED if self._waiting < PATIENCE else ASLEEP)
        return self._sent + min(ASLEEP, max(FASTEST, SHARE * self._busy))
