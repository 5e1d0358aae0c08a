"""The sparkline strip: calls at once, calls per minute, waiting and registered, now and over the last minutes."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import traitlets

from pbxnb.ui.handle import Handle
from pbxnb.ui.live_panel import LivePanel
from pbxnb.ui.static import table
from pbxnb.ui.text import title_of

__all__ = ["Sparklines"]

TRENDS = {"calls": "Calls at once", "rate": "Calls per minute", "waiting": "Waiting", "registered": "Registered"}
"""The counts of the history with their words, in the order shown."""
_POINTS = 90


class Sparklines(LivePanel):
    """Four counts in one row: the number now, and a line of the last minutes; broken where the line was down.

    A conversation is one call, however many ids it has. *Waiting* counts callers of queues nobody has answered yet.

    Args:
        handle: the PBX.
        traits: any attribute below.

    Attributes:
        window: seconds of PBX time the lines show, 60 to 86,400.

    Example:
        >>> lines = Sparklines(pbx, window=3600.0)
    """

    scripts: ClassVar[tuple[str, ...]] = ("widgets/sparklines/spark.js", "widgets/sparklines/sparklines.js")
    sheets: ClassVar[tuple[str, ...]] = ("widgets/sparklines/spark.css", "widgets/sparklines/sparklines.css")

    window: Final = traitlets.Float(900.0, min=60.0, max=86_400.0)

    def __init__(self, handle: Handle, **traits: Any) -> None:
        self._sent: dict[str, Any] = {}
        self._due = self._lines_due = 0.0
        self._last: datetime | None = None  # the moment with which the lines end
        super().__init__(handle, **traits)

    @traitlets.observe("window")
    def _window_changed(self, _change: Any) -> None:
        if self.comm is not None:  # not while it is made
            self.refresh()

    def _tick(self, now: float) -> float | None:
        if now >= self._due:
            self._due = now + self.timing.recheck
            self._dirty.mark(("now",))
        if now >= self._lines_due and self._newest() != self._last:
            self._dirty.mark(("lines",))
        return self._due

    def _state(self) -> dict[str, Any]:
        self._sent = {"words": list(TRENDS.values()), "now": self._counts(), **self._lines()}
        return self._sent

    def _batch(self, keys: set[str], whole: bool) -> dict[str, Any] | None:
        now = self._counts()
        changed = {"now": now} if whole or now != self._sent.get("now") else {}
        if "lines" in keys:
            changed |= self._lines()
        self._sent |= changed
        return changed or None

    def _unsure(self) -> None:
        self._sent = {}

    def _lines(self) -> dict[str, Any]:
        self._last, self._lines_due = self._newest(), time.monotonic() + self.timing.resample
        found = self._handle.history.samples(self._last, self.window / _POINTS, _POINTS)
        return {"lines": [found[name] for name in TRENDS], "span": self.window}

    def _newest(self) -> datetime:
        """The last moment, whole steps after the first one shown: lines that are read again keep their points."""
        now, step = self._handle.clock.now(), timedelta(seconds=self.window / _POINTS)
        last = self._last
        return now if last is None or last > now else last + (now - last) // step * step

    def _counts(self) -> list[int]:
        found = self._handle.history.counts(self._handle.clock.now())
        return [found[name] for name in TRENDS]

    def _plain(self) -> str:
        counts = zip(TRENDS.values(), self._counts(), strict=True)
        return f"{title_of(self._handle)}: {', '.join(f'{word.lower()} {count}' for word, count in counts)}"

    def _static(self) -> str:
        return table(("", "Now"), [(word, str(n)) for word, n in zip(TRENDS.values(), self._counts(), strict=True)])
