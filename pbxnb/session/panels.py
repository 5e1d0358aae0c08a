"""The panels of a handle, each made by one call; their modules are loaded only then.

A panel made in a cell closes when that cell runs again.
"""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pbxnb.arguments import unknown_keyword

from .registry import REGISTRY

if TYPE_CHECKING:
    from pbxnb.figures.timeline import Timeline
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

NOT_FOR_PEOPLE = frozenset({"comm", "handle", "keys", "log", "traits", "uid"})
"""Parameters and traits that a panel's class has and a person does not set."""


class Panels:
    """Mixin of `Pbx`: one method a panel; the options are those of the panel's class."""

    _timeline: Timeline | None = None

    def grid(self, **options: Any) -> ExtensionGrid:
        """One tile an account; options of `pbxnb.widgets.grid.ExtensionGrid`."""
        from pbxnb.widgets.grid import ExtensionGrid

        return _make(ExtensionGrid, self, options)

    def call_list(self, **options: Any) -> CallList:
        """One row a conversation; options of `pbxnb.widgets.call_list.CallList`."""
        from pbxnb.widgets.call_list import CallList

        return _make(CallList, self, options)

    def command_bar(
        self, grid: ExtensionGrid | None = None, calls: CallList | None = None, **options: Any
    ) -> CommandBar:
        """Buttons for the selected call; follows the selection of ``grid`` and ``calls`` where given.

        Args:
            options: those of `pbxnb.widgets.command_bar.CommandBar`.
        """
        from pbxnb.widgets.command_bar import CommandBar

        return _make(CommandBar, self, {"grid": grid, "calls": calls, **options})

    def timeline(self, *, new: bool = False, **options: Any) -> Timeline:
        """Calls over time, live; options of `pbxnb.figures.timeline.Timeline`.

        Args:
            new: make another panel; otherwise the one already open comes back, and options only count at its making.
            options: forwarded.
        """
        from pbxnb.figures.timeline import Timeline

        timeline = self._timeline
        if new or timeline is None or timeline.comm is None:
            timeline = _make(Timeline, self, options)
            self._timeline = timeline
        return timeline

    def console(self, **options: Any) -> Console:
        """The frames as they pass, explained; options of `pbxnb.widgets.console.Console`."""
        from pbxnb.widgets.console import Console

        return _make(Console, self, options)

    def status_badge(self, **options: Any) -> StatusBadge:
        """The state of the line in one badge; options of `pbxnb.widgets.badge.StatusBadge`."""
        from pbxnb.widgets.badge import StatusBadge

        return _make(StatusBadge, self, options)

    def dashboard(self, **options: Any) -> Dashboard:
        """Everything on one page, with a timeline of its own; options of `pbxnb.widgets.dashboard.Dashboard`."""
        from pbxnb.figures.timeline import Timeline
        from pbxnb.widgets.dashboard import Dashboard

        timeline: Callable[..., Timeline] = Timeline
        options.setdefault("timeline", functools.partial(timeline, self, most_lanes=12))
        return _make(Dashboard, self, options)


def _make(kind: Callable[..., P], pbx: Panels, options: dict[str, Any]) -> P:
    """A panel of this handle; refuses options that it does not have, and belongs to the cell that runs."""
    known = {*inspect.signature(kind).parameters, *getattr(kind, "class_trait_names", list)()} - NOT_FOR_PEOPLE
    for option in options:
        if option not in known:
            name = getattr(kind, "__name__", str(kind))
            raise unknown_keyword(name, option, sorted(k for k in known if not k.startswith("_")))
    panel = kind(pbx, **options)
    reference = weakref.ref(panel)  # a panel closed by hand must not wait here for its cell

    def undo() -> None:
        if (made := reference()) is not None:
            made.close()

    REGISTRY.cells.remember(undo)
    return panel
