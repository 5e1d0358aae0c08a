"""The PBX's clock as far as it is known: the one place where a kernel moment is put on it. Pure; reads no clock."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

from pbxnb.text import clean_logger

__all__ = ["Clock"]

_LOG = clean_logger("pbxnb")
_DRIFT = 500e-6  # how fast two computers' clocks may part, seconds per second; NTP corrects by no more
_SAME = 2.0  # seconds by which the offset may differ that two calls tell
_YEARS = range(1970, 9000)  # a Date outside is no time of day; beyond 9999 Python has no datetime


class Clock:
    """How far the PBX's clock is ahead of the kernel's: an interval that readings narrow.

    A ``Date`` header bounds the offset from both sides, to a second; the ``start`` of a call that begins while we
    watch bounds it from below, and closely, because the frame is only milliseconds younger. A reading outside the
    interval means that a clock was set: what was known before is dropped. But a ``Date`` that calls contradict twice in
    the same way is another clock's, a proxy's: from then on calls are believed, and a ``Date`` that agrees with them.

    Args:
        offset: seconds to add to kernel time, where it is known exactly: readings then change nothing. None: not
            known; kernel moments count as PBX time until the first ``Date``.

    Attributes:
        rate: PBX seconds per kernel second.

    Example:
        >>> from datetime import UTC
        >>> Clock(offset=300.0).at(datetime(2026, 9, 21, 12, tzinfo=UTC)).isoformat()
        '2026-09-21T12:05:00+00:00'
    """

    __slots__ = ("_delta", "_foreign", "_given", "_high", "_low", "_outdone", "_read_at", "_said", "_sharpened", "rate")

    def __init__(self, offset: float | None = None, *, rate: float = 1.0) -> None:
        self.rate: Final = rate
        self._given = offset is not None
        self._low, self._high = (-math.inf, math.inf) if offset is None else (offset, offset)
        self._delta = timedelta(seconds=offset or 0.0)
        self._sharpened = False  # the start of a call set the lower bound: the offset lies close to it
        self._read_at: datetime | None = None
        self._outdone = math.nan  # the offset by the start of a call, where a Date then said another
        self._foreign = self._said = False  # the Date is of another clock; that was logged

    @property
    def offset(self) -> float:
        """Seconds to add to kernel time; 0 while not known."""
        return self._delta.total_seconds()

    @property
    def uncertainty(self) -> float:
        """Seconds by which the offset may be wrong, as of the last reading; infinite while it is not known."""
        return max(self.offset - self._low, self._high - self.offset)

    @property
    def known(self) -> bool:
        """Whether there was a reading, or the offset is given."""
        return self._given or self._high < math.inf

    def at(self, moment: datetime) -> datetime:
        """Put a moment of the kernel's clock on the PBX's.

        Args:
            moment: aware, UTC.
        """
        try:
            return moment + self._delta if self._delta else moment
        except OverflowError:  # before the year 1 or after 9999
            return moment

    def read_date(self, shown: datetime, sent: datetime, received: datetime) -> None:
        """Take in a ``Date`` header: when it was written, the PBX's time was in ``[shown, shown + 1 s)``.

        Args:
            shown: the header, aware; a date that no clock shows makes the offset unknown.
            sent, received: kernel moments before the request and after its answer.
        """
        if self._given or received < sent:  # the kernel's clock was set meanwhile: nothing follows
            return
        if shown.year not in _YEARS:
            self._set(-math.inf, math.inf, timedelta(0), sharpened=False)
            return
        low, high = (shown - received).total_seconds(), (shown - sent).total_seconds() + 1.0
        self._widen(received)
        apart = low > self._high or high < self._low
        if self._foreign and apart:
            return
        self._foreign = False
        if apart and self._sharpened:
            self._outdone = self.offset
        if apart or not self.known:
            self._set(low, high, _middle(low, high), sharpened=False)
            return
        low, high = max(low, self._low), min(high, self._high)
        offset = min(max(self._delta, timedelta(seconds=low)), timedelta(seconds=high))
        self._set(low, high, offset if self._sharpened else _middle(low, high), sharpened=self._sharpened)

    def read_start(self, start: datetime, received: datetime) -> bool:
        """Take in the start of a call that began while the line was up: the PBX's time at ``received`` is not before.

        Without a ``Date`` nothing follows: a call may be shown long after it began.

        Args:
            start: as the PBX says it.
            received: kernel moment at which the first frame with the call arrived.

        Returns:
            whether the offset is another now.
        """
        if self._given or not self.known:
            return False
        delta = start - received
        low = delta.total_seconds()
        self._widen(received)
        if low < self._low:
            return False
        if low > self._high and abs(low - self._outdone) < _SAME:
            self._believe_calls(low - self._high)
        self._set(low, low + 1.0 if low > self._high or self._foreign else self._high, delta, sharpened=True)
        return True

    def _believe_calls(self, ahead: float) -> None:
        self._foreign = True
        if not self._said:
            self._said = True
            _LOG.warning(
                "The Date of the answers is %.0f s behind the PBX's calls: a proxy's? Calls are believed.", ahead
            )

    def _widen(self, received: datetime) -> None:
        """Allow for what the clocks may have parted since the last reading."""
        if self._read_at is not None:
            parted = abs((received - self._read_at).total_seconds()) * _DRIFT
            self._low -= parted
            self._high += parted
        self._read_at = received

    def _set(self, low: float, high: float, delta: timedelta, *, sharpened: bool) -> None:
        self._low, self._high, self._delta, self._sharpened = low, high, delta, sharpened


def _middle(low: float, high: float) -> timedelta:
    return timedelta(seconds=(low + high) / 2)
