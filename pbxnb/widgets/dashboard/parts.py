"""The panels of one handle on a board, selected together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pbxnb.ui.handle import Handle
from pbxnb.ui.lane import Ticket

from ..call_list import CallList
from ..command_bar import CommandBar
from ..console import Console
from ..grid import ExtensionGrid
from .selection import Selection

__all__ = ["Parts"]


class Parts:
    """Extensions, calls, commands, timeline and console.

    Args:
        handle: what they show.
        ticket: how to get onto the UI lane.
        own: takes each part, and closes it in the end.
        timeline: a widget, or what makes one; None leaves its place out.
        commands: whether there is a command bar.
        settings: traits of each panel.
    """

    def __init__(
        self,
        handle: Handle,
        ticket: Ticket,
        own: Callable[[Any], Any],
        timeline: Any,
        *,
        commands: bool,
        **settings: Any,
    ) -> None:
        self.grid: ExtensionGrid = own(ExtensionGrid(handle, height="var(--pbx-part-height)", **settings))
        self.calls: CallList = own(CallList(handle, height="calc(var(--pbx-part-height) - 70px)", **settings))
        self.bar: CommandBar | None = own(CommandBar(handle, self.grid, self.calls, **settings)) if commands else None
        self.console: Console = own(Console(handle, self.grid, **settings))
        self.timeline: Any = own(timeline()) if callable(timeline) else timeline
        self.selection: Final = Selection(handle, ticket, self.grid, self.calls, self.timeline)
        self.grid.add_class("pbx-board-grid")
        self.calls.add_class("pbx-board-calls")

    @property
    def panels(self) -> list[Any]:
        """In the order shown. The console is last: views after a child that comes or goes are made anew."""
        every = (self.grid, self.calls, self.bar, self.timeline, self.console)
        return [part for part in every if part is not None]
