"""What a board needs on a wall: pages that turn by themselves, a screen that stays on, and how old the picture is."""

from __future__ import annotations

from typing import Any, ClassVar

from pbxnb.model.entities import Status
from pbxnb.ui.handle import Handle
from pbxnb.ui.live_panel import LivePanel
from pbxnb.ui.times import stopped

__all__ = ["PAGES", "Wall"]

PAGES = {"numbers": "Numbers and queues", "calls": "Extensions and calls", "timeline": "Timeline"}
"""The pages of a wallboard with their words, in the order they turn. A part is on the page of its class."""


class Wall(LivePanel):
    """The line of a wallboard; made and fed by a `Dashboard`.

    Args:
        handle: the PBX.
        pages: names of the pages, of `PAGES`.
        cycle: seconds a page is shown; 0 shows all of them one below the other.
    """

    scripts: ClassVar[tuple[str, ...]] = ("widgets/dashboard/wall_pages.js", "widgets/dashboard/wall.js")
    sheets: ClassVar[tuple[str, ...]] = ("widgets/dashboard/wall.css",)
    says_tenant = False

    def __init__(self, handle: Handle, pages: list[str], cycle: float, **traits: Any) -> None:
        self._pages_shown, self._cycle = pages, cycle
        super().__init__(handle, **traits)

    def turn(self, cycle: float) -> None:
        """Show each page so many seconds; from any thread."""
        self._cycle = cycle
        self.refresh()

    def _status_changed(self, status: Status) -> None:
        super()._status_changed(status)
        self.refresh(("age",))

    def _ending(self) -> str:
        return ""  # the badge says that the line has ended

    def _state(self) -> dict[str, Any]:
        return {"pages": [[name, PAGES[name]] for name in self._pages_shown], "cycle": self._cycle, **self._age()}

    def _batch(self, keys: set[str], whole: bool) -> dict[str, Any] | None:
        return self._age()

    def _age(self) -> dict[str, Any]:
        return {"old": stopped(self._handle.status, self._handle.clock.at), "ended": super()._ending()}
