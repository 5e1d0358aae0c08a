"""`Pace`: a clock that stands, runs at any speed, and jumps."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

__all__ = ["Pace"]


class Pace:
    """The time of a playback, on the clock that stamped the recording. One thread writes it, any thread reads it.

    Args:
        at: where it stands at first.
        speed: its seconds per second, while it runs.
        mono: the kernel's monotonic clock, seconds.

    Example:
        >>> from datetime import UTC
        >>> eight = datetime(2026, 9, 21, 8, tzinfo=UTC)
        >>> pace = Pace(eight, 2.0, mono=iter([0.0, 5.0]).__next__)
        >>> pace.run()
        >>> pace.allow(eight + timedelta(minutes=1))
        >>> (pace.now() - eight).total_seconds()
        10.0
    """

    def __init__(self, at: datetime, speed: float, mono: Callable[[], float] = time.monotonic) -> None:
        self._mono = mono
        self._speed = speed
        self._state = (at, 0.0, 0.0, 0.0)  # where it was, at which moment, how fast it goes, and seconds it may go

    @property
    def speed(self) -> float:
        """As given; a new one counts from now on."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._speed = speed
        if self.rate:
            self.settle()

    @property
    def rate(self) -> float:
        """Its seconds per second now: the speed, or 0 while it stands."""
        return self._state[2]

    def now(self) -> datetime:
        """What time it is."""
        at, since, rate, most = self._state
        return at + timedelta(seconds=min((self._mono() - since) * rate, most)) if rate else at

    def run(self) -> None:
        """Run from here; it gets nowhere before `allow`."""
        self._state = (self.now(), self._mono(), self._speed, 0.0)

    def allow(self, until: datetime) -> None:
        """It may go on up to a moment."""
        at, since, rate, _ = self._state
        self._state = (at, since, rate, max(0.0, (until - at).total_seconds()))

    def stand(self, at: datetime | None = None) -> None:
        """Stand still, here or elsewhere."""
        self._state = (at or self.now(), 0.0, 0.0, 0.0)

    def settle(self) -> None:
        """Time that it was not allowed to use is lost: it goes on from where it is."""
        at, _, _, most = self._state
        now = self.now()
        self._state = (now, self._mono(), self._speed, most - (now - at).total_seconds())

    def left(self, moment: datetime) -> float:
        """Seconds until a moment at this pace, by all the time that has passed; not above 0 where it is past."""
        at, since, rate, _ = self._state
        return (moment - at).total_seconds() / rate - (self._mono() - since)
