"""One call whose sound is in a page: the line's leg, and what the page counts of its sound."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pbxnb.phone.leg import LegState
from pbxnb.phone.line import LineLeg
from pbxnb.phone.page_stats import of_page
from pbxnb.phone.quality import Quality

__all__ = ["PageCall"]


class PageCall:
    """One call in the page.

    Attributes:
        leg: the line's.
        quality: second by second, as the page counts.
        began, answered: seconds since 1970 on the PBX's clock; ``answered`` is 0 before.
    """

    def __init__(self, leg: LineLeg, began: float) -> None:
        self.leg = leg
        self.quality = Quality(microphone=True)
        self.began, self.answered = began, 0.0
        self._reports: list[Any] = []

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

    def counted(self, reports: list[Any], at: datetime) -> None:
        """One more second, as the page's ``getStats()`` counts it."""
        before, self._reports = self._reports, reports
        codecs = (each for each in reports if isinstance(each, Mapping) and each.get("type") == "codec")
        self.quality.codec = next((str(each.get("mimeType", ""))[:40].partition("/")[2] for each in codecs), "")
        silent = self.leg.leg.muted or self.leg.leg.held
        self.quality.add(of_page(reports, before), at, muted=silent)
