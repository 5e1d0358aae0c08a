"""One call whose sound is in a page: the line's leg, and what the page counts of its sound."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from pbxnb.phone.leg import LegState, MediaState
from pbxnb.phone.line import LineLeg
from pbxnb.phone.page_stats import of_page
from pbxnb.phone.quality import Quality

__all__ = ["PageCall"]

STALLED = DEAF = 3
"""Seconds without a packet, and in which the other side lost all that was sent."""
_HEARD = (MediaState.FLOWING, MediaState.STALLED, MediaState.ONE_WAY)


class PageCall:
    """One call in the page.

    Attributes:
        leg: the line's.
        quality: second by second, as the page counts.
        began, answered: seconds since 1970 on the PBX's clock; ``answered`` is 0 before.
    """

    def __init__(self, leg: LineLeg, began: float) -> None:
        self.leg = leg
        self.quality: Final = Quality(microphone=True)
        self.began: float = began
        self.answered: float = 0.0
        self._reports: list[Any] = []
        self._silent = self._deaf = 0

    @property
    def state(self) -> LegState:
        """Where it stands."""
        return self.leg.leg.state

    @property
    def rings(self) -> bool:
        """Whether it waits to be answered here."""
        return self.state is LegState.RINGING

    @property
    def talks(self) -> bool:
        """Whether it was answered and nobody here has put it on hold."""
        return self.state in (LegState.CONNECTING, LegState.TALKING, LegState.HELD_THERE)

    def counted(self, reports: list[Any], at: datetime) -> MediaState:
        """One more second, as the page's ``getStats()`` counts it; returns how the sound is by that."""
        before, self._reports = self._reports, reports
        codecs = (each for each in reports if isinstance(each, Mapping) and each.get("type") == "codec")
        self.quality.codec = next((str(each.get("mimeType", ""))[:40].partition("/")[2] for each in codecs), "")
        leg, counted = self.leg.leg, of_page(reports, before)
        self.quality.add(counted, at, muted=leg.muted or leg.held)
        came = bool(self.quality.received)
        self._silent = 0 if came or leg.held else self._silent + 1
        self._deaf = self._deaf + 1 if counted.far_lost == 1 else 0
        if not came and leg.media not in _HEARD:
            return leg.media
        if self._silent >= STALLED:
            return MediaState.STALLED
        return MediaState.ONE_WAY if self._deaf >= DEAF else MediaState.FLOWING
