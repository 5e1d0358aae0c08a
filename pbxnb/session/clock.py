"""`PbxClock`: what time the PBX thinks it is, as far as it is known. Panels tick by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pbxnb.errors import no_copy
from pbxnb.model.clock import Clock
from pbxnb.zones import clock_text

__all__ = ["PbxClock"]


def _kernel_now() -> datetime:
    return datetime.now(UTC)


class PbxClock:
    """The PBX's clock: the one the model stamps with, and what it shows now.

    Args:
        clock: gives what puts a moment of ``now`` on the PBX's clock.
        zone: in which its reading is shown.
        now: the clock that stamps what arrives: the kernel's, that of an embedded PBX, or the place in a recording.
        rate: the speed of an embedded PBX or of a recording, 0 while paused.
        ended: the moment of ``now`` at which the line ended, None while it goes on. There the clock stands, and with it
            every panel and picture.
    """

    __reduce__: Any = no_copy

    def __init__(
        self,
        clock: Callable[[], Clock],
        zone: ZoneInfo,
        *,
        now: Callable[[], datetime] = _kernel_now,
        rate: Callable[[], float] | None = None,
        ended: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        self._clock = clock
        self.zone = zone
        self._now = now
        self._rate = rate
        self._ended = ended

    @property
    def offset(self) -> float:
        """Seconds to add to kernel time."""
        if self._now is _kernel_now:
            return self._clock().offset
        return (self.now() - _kernel_now()).total_seconds()

    @property
    def uncertainty(self) -> float:
        """Seconds by which the offset may be wrong; infinite while the PBX has not told its time."""
        return self._clock().uncertainty

    @property
    def rate(self) -> float:
        """PBX seconds per kernel second: 1, or the speed of an embedded PBX or a recording; 0 while it stands."""
        if self._ended() is not None:
            return 0.0
        return self._rate() if self._rate is not None else self._clock().rate

    def now(self) -> datetime:
        """PBX time now, UTC; of a line that has ended, the moment when it did."""
        return self._clock().at(self._ended() or self._now())

    def at(self, moment: datetime) -> datetime:
        """Put a kernel moment (``received``, a time of `Status` or `Gap`) on the PBX's clock.

        Times of entities, ``Event.at`` and intervals are on it already.
        """
        return self._clock().at(moment)

    def __repr__(self) -> str:
        now = clock_text(self.now(), self.zone, date=True)
        return f"<clock {now} in {self.zone.key}, offset {self.offset:+.0f} s, rate {self.rate:g}>"
