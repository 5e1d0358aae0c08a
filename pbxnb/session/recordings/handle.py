"""A recording as pictures ask for it, which otherwise ask a live handle."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from pbxnb.history import History

from .past import RecordedPast

__all__ = ["RecordedClock", "RecordedHandle"]


class RecordedClock:
    """The PBX's clock, which stands at the end of the recording."""

    rate: Final = 0.0

    def __init__(self, past: RecordedPast) -> None:
        self._past = past

    def now(self) -> datetime:
        """The end, UTC."""
        return self._past.window()[1]


class RecordedHandle:
    """What a picture of the past asks of a handle.

    Args:
        past: of the recording.
    """

    def __init__(self, past: RecordedPast) -> None:
        self.domain: str = past.domain
        self.tz: ZoneInfo = past.tz
        self.clock: RecordedClock = RecordedClock(past)
        self.closed_calls: Final = past.ended
        self._past = past

    @property
    def history(self) -> History:
        """What was, on the PBX's clock."""
        return self._past.spans()
