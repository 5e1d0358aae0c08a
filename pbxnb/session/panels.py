"""The panels of a handle, each made by one call; their modules are loaded only then.

A panel made in a cell closes when that cell runs again.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from .registry import REGISTRY

if TYPE_CHECKING:
    from pbxnb.figures.timeline import Timeline
    from pbxnb.ui.handle import Handle
    from pbxnb.widgets.badge import StatusBadge
    from pbxnb.widgets.call_list import CallList
    from pbxnb.widgets.command_bar import CommandBar
    from pbxnb.widgets.console import Console
    from pbxnb.widgets.dashboard import Dashboard
    from pbxnb.widgets.grid import ExtensionGrid

__all__ = ["Panels"]


class Closable(Protocol):
    """A panel, as far as its cell cares."""

    def close(self) -> None:
        """Take it off the page and out of memory."""


P = TypeVar("P", bound=Closable)


class Panels:
    """Mixin of `Pbx`: one method a panel; the options are those of the panel's class."""

    _timeline: Timeline | None = None

    def _handle(self) -> Handle:
        return cast("Handle", self)  # `Pbx` is one: checked there, and by a test

    def grid(self, **options: Any) -> ExtensionGrid:
        """One tile an account; options of `pbxnb.widgets.grid.ExtensionGrid`."""
        from pbxnb.widgets.grid import ExtensionGrid

        return _of_this_cell(ExtensionGrid(self._handle(), **options))

    def call_list(self, **options: Any) -> CallList:
        """One row a conversation; options of `pbxnb.widgets.call_list.CallList`."""
        from pbxnb.widgets.call_list import CallList

        return _of_this_cell(CallList(self._handle(), **options))

    def command_bar(self, grid: ExtensionGrid | None = None, calls: CallList | None = None) -> CommandBar:
        """Buttons for the selected call; follows the selection of ``grid`` and ``calls`` where given."""
        from pbxnb.widgets.command_bar import CommandBar

        return _of_this_cell(CommandBar(self._handle(), grid=grid, calls=calls))

    def timeline(self, *, new: bool = False, **options: Any) -> Timeline:
        """Calls over time, live; options of `pbxnb.figures.timeline.Timeline`.

        Args:
            new: make another panel; otherwise the one already open comes back, and options only count at its making.
            options: forwarded.
        """
        from pbxnb.figures.timeline import Timeline

        timeline = self._timeline
        if new or timeline is None or timeline.comm is None:
            timeline = _of_this_cell(Timeline(self._handle(), **options))
            self._timeline = timeline
        return timeline

    def console(self, **options: Any) -> Console:
        """The frames as they pass, explained; options of `pbxnb.widgets.console.Console`."""
        from pbxnb.widgets.console import Console

        return _of_this_cell(Console(self._handle(), **options))

    def status_badge(self, **options: Any) -> StatusBadge:
        """The state of the line in one badge; options of `pbxnb.widgets.badge.StatusBadge`."""
        from pbxnb.widgets.badge import StatusBadge

        return _of_this_cell(StatusBadge(self._handle(), **options))

    def dashboard(self, **options: Any) -> Dashboard:
        """Everything on one page; options of `pbxnb.widgets.dashboard.Dashboard`."""
        from pbxnb.widgets.dashboard import Dashboard

        return _of_this_cell(Dashboard(self._handle(), **options))


def _of_this_cell(panel: P) -> P:
    reference = weakref.ref(panel)  # a panel closed by hand must not wait here for its cell

    def undo() -> None:
        if (made := reference()) is not None:
            made.close()

    REGISTRY.cells.remember(undo)
    return panel
