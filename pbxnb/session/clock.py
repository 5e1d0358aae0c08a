"""`PbxClock`: what time the PBX thinks it is, as far as it is known. Panels tick by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

__all__ = ["PbxClock", "SimulatedClock"]


class PbxClock:
    """The clock of a real PBX: ours plus an offset, known to a second from the HTTP ``Date`` header.

    Args:
        offset: reads the seconds to add to kernel time.
    """

    def __init__(self, offset: Callable[[], float]) -> None:
        self._offset = offset

    @property
    def offset(self) -> float:
        """Seconds to add to kernel time (± 1)."""
        return self._offset()

    @property
    def rate(self) -> float:
        """PBX seconds per kernel second."""
        return 1.0

    def now(self) -> datetime:
        """PBX time now, UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    def at(self, moment: datetime) -> datetime:
        """A time of the model (``since``, ``received``), which the kernel's clock stamped, on the PBX's clock."""
        return moment + timedelta(seconds=self.offset)

    def __repr__(self) -> str:
        return f"<clock {self.now():%Y-%m-%d %H:%M:%S} UTC, offset {self.offset:+.0f} s, rate {self.rate:g}>"


class SimulatedClock(PbxClock):
    """The clock of an embedded PBX, which may run fast, slow or not at all, and which stamps the model's times too.

    Args:
        now: its virtual time.
        rate: its speed, 0 while paused.
    """

    def __init__(self, now: Callable[[], datetime], rate: Callable[[], float]) -> None:
        super().__init__(lambda: (now() - datetime.now(UTC)).total_seconds())
        self._now = now
        self._rate = rate

    @property
    def rate(self) -> float:
        """PBX seconds per kernel second: its speed, 0 while paused."""
        return self._rate()

    def now(self) -> datetime:
        """Its virtual time now, UTC."""
        return self._now()

    def at(self, moment: datetime) -> datetime:
        """A time of the model as it is: the same clock stamped it."""
        return moment
