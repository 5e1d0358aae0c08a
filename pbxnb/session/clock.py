"""`PbxClock`: what time the PBX thinks it is, as far as it is known. Panels tick by it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pbxnb.errors import PbxError

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

    def __repr__(self) -> str:
        return f"<clock {self.now():%Y-%m-%d %H:%M:%S} UTC, offset {self.offset:+.0f} s, rate {self.rate:g}>"


class SimulatedClock(PbxClock):
    """The clock of an embedded PBX, which may run fast, slow or not at all.

    A reading crosses to the PBX's thread, and panels read often: between two readings it is reckoned by the rate.

    Args:
        read: asks for the virtual time; `PbxError` once the PBX is closed, after which time stands still.
        rate: its speed, 0 while paused; cheap.
    """

    ASK_AGAIN = 0.5
    """Seconds a reading is good for."""

    def __init__(self, read: Callable[[], datetime], rate: Callable[[], float]) -> None:
        super().__init__(lambda: (self.now() - datetime.now(UTC)).total_seconds())
        self._read = read
        self._pace = rate
        self._anchor = (read(), time.monotonic(), rate())
        self._closed = False

    @property
    def rate(self) -> float:
        """PBX seconds per kernel second: its speed, 0 while paused or closed."""
        return 0.0 if self._closed else self._pace()

    def now(self) -> datetime:
        """Its virtual time now, UTC."""
        moment, at, rate = self._anchor
        age = time.monotonic() - at
        if (age > self.ASK_AGAIN or rate != self.rate) and not self._closed:
            try:
                moment, age, rate = self._read(), 0.0, self.rate
            except PbxError:
                self._closed = True
                moment, age, rate = moment + timedelta(seconds=age * rate), 0.0, 0.0
            self._anchor = (moment, time.monotonic(), rate)
        return moment + timedelta(seconds=age * rate)
