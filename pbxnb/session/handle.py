"""`PanelHandle`: what panels may ask of a `Pbx` beyond its public names (see `pbxnb.ui.handle`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pbxnb.model.status import Status

from .line import Line

__all__ = ["PanelHandle"]


class PanelHandle:
    """A `Pbx` as panels see it: all it has, the model's changes and frames as they come, and commands by name.

    Args:
        pbx: what everything else is asked of.
        line: the connection below it.
        command: starts a command by its name.
    """

    def __init__(self, pbx: Any, line: Line, command: Callable[..., Any]) -> None:
        self._pbx = pbx
        # Bound once: a panel asks for these with every change it paints.
        self.accounts = pbx.accounts
        self.calls = pbx.calls
        self.conversations = pbx.conversations
        self.clock = pbx.clock
        self.history = line.history
        self.watch = line.on_changes.add
        self.watch_frames = line.on_frame.add
        self.watch_status = line.on_status.add
        self.keep_read = line.keep_read
        self.command = command

    @property
    def status(self) -> Status:
        """The line, now."""
        return self._pbx.status  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._pbx, name)
