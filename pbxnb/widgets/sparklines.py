"""The sparkline strip: calls at once, calls per minute, waiting and registered, now and over the last minutes."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import traitlets

from pbxnb.ui.handle import Handle
from pbxnb.ui.live_panel import LivePanel
from pbxnb.ui.static import table
from pbxnb.ui.text import clean

from .trends import TRENDS, current, trends

__all__ = ["Sparklines"]

_POINTS = 90
_NOW_EVERY = 1.0
_LINES_EVERY = 2.0
"""Seconds between two readings of the session at least, however fast its clock runs."""


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

    scripts: ClassVar[tuple[str, ...]] = ("widgets/sparklines.js",)
    sheets: ClassVar[tuple[str, ...]] = ("widgets/sparklines.css",)

    window = traitlets.Float(900.0, min=60.0, max=86_400.0)

    def __init__(self, handle: Handle, **traits: Any) -> None:
        self._sent: dict[str, Any] = {}
        self._due = self._lines_due = 0.0
        self._sampled = -1  # which step of the PBX's clock the lines end with
        super().__init__(handle, **traits)

    @traitlets.observe("window")
    def _window_changed(self, _change: Any) -> None:
        if self.comm is not None:  # not while it is made
            self.refresh()

    def _tick(self, now: float) -> float | None:
        if now >= self._due:
            self._due = now + _NOW_EVERY
            self._dirty.mark(("now",))
        if now >= self._lines_due and self._step_now() != self._sampled:
            self._dirty.mark(("lines",))
        return self._due

    def _state(self) -> dict[str, Any]:
        self._sent = {"words": list(TRENDS.values()), "now": list(current(self._handle).values()), **self._lines()}
        return self._sent

    def _batch(self, keys: set[str], whole: bool) -> dict[str, Any] | None:
        now = list(current(self._handle).values())
        changed = {"now": now} if whole or now != self._sent.get("now") else {}
        if "lines" in keys:
            changed |= self._lines()
        self._sent |= changed
        return changed or None

    def _unsure(self) -> None:
        self._sent = {}

    def _lines(self) -> dict[str, Any]:
        self._sampled, self._lines_due = self._step_now(), time.monotonic() + _LINES_EVERY
        found = trends(self._handle, step=self.window / _POINTS, points=_POINTS)
        return {"lines": [found[name] for name in TRENDS], "span": self.window}

    def _step_now(self) -> int:
        return int(self._now() // (self.window / _POINTS))

    def _plain(self) -> str:
        told = ", ".join(f"{TRENDS[name].lower()} {count}" for name, count in current(self._handle).items())
        return f"{clean(self._handle.name)}: {told}"

    def _static(self) -> str:
        return table(("", "Now"), [(TRENDS[name], str(count)) for name, count in current(self._handle).items()])
