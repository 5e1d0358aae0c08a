"""The speaking part of the command bar: what is selected, what will be sent, why not, how it went. Sends no command.

Its script also marks the bar's buttons, which are plain ipywidgets and cannot carry attributes, with ``data-command``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from pbxnb.ui.handle import Handle
from pbxnb.ui.live_panel import LivePanel

from .enabling import LABELS

__all__ = ["CommandNotes"]


class CommandNotes(LivePanel):
    """What a command bar has to say; made and fed by `CommandBar`.

    Args:
        handle: the PBX.
        look: called on the UI lane with the name of the act the pointer or the focus is on.
    """

    scripts: ClassVar[tuple[str, ...]] = ("ui/clipboard.js", "widgets/js/command_notes.js")
    sheets: ClassVar[tuple[str, ...]] = ("widgets/css/command_bar.css",)

    def __init__(self, handle: Handle, look: Callable[[str], None], **traits: Any) -> None:
        self._told: dict[str, Any] = {}
        self._look = look
        super().__init__(handle, **traits)

    def tell(self, **facts: Any) -> None:
        """Say something new; what is the same as before costs nothing. On the UI lane, or before a page looks."""
        with self._lock:
            fresh = {name: value for name, value in facts.items() if self._told.get(name, ...) != value}
            self._told |= fresh
        if fresh:
            self.refresh(fresh)

    def told(self, name: str) -> Any:
        """What was last said under a name."""
        return self._told.get(name)

    def _state(self) -> dict[str, Any]:
        return {"labels": LABELS, **self._told}

    def _batch(self, keys: set[str], whole: bool) -> dict[str, Any] | None:
        return {key: self._told[key] for key in keys if key in self._told} or None

    def _receive(self, message: dict[str, Any]) -> None:
        match message:
            case {"look": str(act)} if act in LABELS:
                self._look(act)
