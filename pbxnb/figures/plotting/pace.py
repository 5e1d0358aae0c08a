"""When the timeline may draw again: a share of the page's time, more slowly while the page does not answer. Pure."""

from __future__ import annotations

from pbxnb.ui.timing import Timing

__all__ = ["FigureTiming", "Pace"]


class FigureTiming(Timing, frozen=True, kw_only=True):
    """When live figures do what. Seconds, where nothing else is said.

    Attributes:
        fastest: between two pictures at least.
        page: the page has this many times as long as it needed for the last picture: a third of its time is ours.
        lane: and the lane that all panels share: a picture that takes longer to make comes less often.
        unanswered: between two pictures while the page does not answer.
        loading: that a page has to load plotly before it is drawn for unasked; what comes earlier is lost.
        expected: for which a page that was given the panel is drawn for before it has said that it shows it.
    """

    fastest: float = 0.25
    page: float = 3.0
    lane: float = 10.0
    unanswered: float = 2.0
    loading: float = 3.0
    expected: float = 60.0


class Pace:
    """Paces pictures by the page's answers; these queue behind a blocking cell, so without them it goes on slowly.

    Args:
        timing: how fast, and how patient.

    Example:
        >>> pace = Pace(FigureTiming())
        >>> pace.sent(10.0)
        >>> pace.due()
        12.0
        >>> pace.answered(10.1)
        >>> round(pace.due(), 2)
        10.3
    """

    def __init__(self, timing: FigureTiming) -> None:
        self._timing = timing
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
        timing = self._timing
        if self._waiting:
            return self._sent + (timing.unanswered if self._waiting < timing.patience else timing.asleep)
        return self._sent + min(timing.asleep, max(timing.fastest, timing.page * self._busy))
