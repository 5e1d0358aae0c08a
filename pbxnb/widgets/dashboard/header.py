"""The head of a board: its settings, what it shows, and a button that explains the selected tile. Knows no other part.

Its script gives the board around it, a plain box, the theme and density that panels carry, and its sheet lays it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from pbxnb.ui.handle import Handle
from pbxnb.ui.live_panel import LivePanel
from pbxnb.ui.text import clean

__all__ = ["BoardHeader"]


class BoardHeader(LivePanel):
    """Settings of a `Dashboard`; made and fed by it.

    Args:
        handle: the PBX.
        show: called on the UI lane with the name of a part and whether it is to be shown.
        why: called on the UI lane when the state of the selected tile is to be explained.
        parts: names of the parts that can be shown and hidden, with the words for them.
    """

    scripts: ClassVar[tuple[str, ...]] = ("widgets/dashboard/header.js",)
    sheets: ClassVar[tuple[str, ...]] = ("widgets/dashboard/dashboard.css",)

    def __init__(
        self,
        handle: Handle,
        show: Callable[[str, bool], None],
        why: Callable[[], None],
        parts: dict[str, str],
        **traits: Any,
    ) -> None:
        self._show, self._why, self._parts = show, why, parts
        self._content: dict[str, Any] = {"shown": [], "why": ""}
        super().__init__(handle, **traits)

    def update(self, *, shown: Iterable[str] | None = None, why: str | None = None) -> None:
        """Set which parts are shown, and the account whose state can be explained; empty for none."""
        fresh: dict[str, Any] = {}
        if shown is not None:
            fresh["shown"] = list(shown)
        if why is not None:
            fresh["why"] = clean(why, 40)
        with self._lock:
            self._content |= fresh
        self.refresh(fresh)

    def _note(self) -> str:
        return ""  # the badge beside it says that the line has ended

    def _state(self) -> dict[str, Any]:
        return {"parts": self._parts, **self._content}

    def _batch(self, keys: set[str], whole: bool) -> dict[str, Any] | None:
        return {key: self._content[key] for key in keys if key in self._content} or None

    def _receive(self, message: dict[str, Any]) -> None:
        match message:
            case {"show": str(part), "on": bool(on)} if part in self._parts:
                self._show(part, on)
            case {"why": True}:
                self._why()
