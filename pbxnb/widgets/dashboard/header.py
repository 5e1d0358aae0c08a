"""The head of a board: its settings, switches of its parts, and the pause. Knows no part from inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from pbxnb.ui.handle import Handle
from pbxnb.ui.live_panel import LivePanel

__all__ = ["BoardHeader"]


class BoardHeader(LivePanel):
    """Settings of a `Dashboard`; made and fed by it. What it calls runs on the UI lane.

    Args:
        handle: the PBX.
        show: called with the name of a part and whether it is to be shown.
        why: called when the state of the selected tile is to be explained.
        pause: called with whether the board is to stand still.
        parts: names of the parts that can be shown and hidden, with the words for them.
    """

    scripts: ClassVar[tuple[str, ...]] = ("ui/menu.js", "widgets/dashboard/header.js")
    sheets: ClassVar[tuple[str, ...]] = ("widgets/dashboard/dashboard.css",)
    says_tenant = False

    def __init__(
        self,
        handle: Handle,
        show: Callable[[str, bool], None],
        why: Callable[[], None],
        pause: Callable[[bool], None],
        parts: dict[str, str],
        **traits: Any,
    ) -> None:
        self._show, self._why, self._pause, self._parts = show, why, pause, parts
        self._content: dict[str, Any] = {"shown": [], "why": "", "paused": False, "missed": 0, "lacks": None}
        super().__init__(handle, **traits)

    def update(self, **facts: Any) -> None:
        """Set what it shows, by name.

        Args:
            facts: ``shown``, the names of the parts that are; ``why``, the account whose state can be explained, empty
                for none; ``paused``; ``missed``, how many events have happened since; ``lacks``, the reason why the
                board cannot be paused, empty where it can, None where there is nothing to pause.
        """
        fresh = {name: value for name, value in facts.items() if self._content[name] != value}
        with self._lock:
            self._content |= fresh
        if fresh:
            self.refresh(fresh)

    def _ending(self) -> str:
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
            case {"pause": bool(on)}:
                self._pause(on)
