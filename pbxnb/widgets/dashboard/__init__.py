"""The dashboard: every panel on one page, from a side panel to a wall screen. Composes them; knows none from inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import ipywidgets
import traitlets

from pbxnb.text import clean
from pbxnb.ui.handle import Handle
from pbxnb.ui.live_panel import LivePanel
from pbxnb.ui.panel import Panel
from pbxnb.ui.static import Static, document
from pbxnb.ui.text import title_of

from ..alerts import Alerts, Rule
from ..badge import StatusBadge
from ..call_list import CallList
from ..command_bar import CommandBar
from ..console import Console
from ..grid import ExtensionGrid
from .selection import Selection

__all__ = ["Dashboard"]

_SETTINGS = ("theme", "density", "wallboard")
_SWITCHED = {"timeline": "Timeline", "console": "Console"}


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
    says_tenant = False

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


class Dashboard(Panel, ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets publishes no types
    """The board: status, alerts, extensions, calls, commands, timeline and console, selected together.

    The parts are ordinary panels: set their traits as you like (``board.grid.group_by = "department"``).

    Args:
        handle: the PBX.
        timeline: a widget for the timeline's place, or a function that makes it; None leaves the place out. With a
            trait ``selected``, the id of a conversation, it joins the selection. What the function makes is closed
            with the board; a widget you give is yours.
        alerts: an `Alerts` panel, which stays yours, or rules to make one of.
        traits: any attribute below, and those of a VBox.

    Attributes:
        theme: ``auto`` (follow the host), ``light`` or ``dark``, of every part.
        density: ``comfortable`` or ``compact``, of every part.
        wallboard: read-only, for a screen on the wall: no commands, no tools, larger type.
        show_timeline, show_console: whether these parts are on the page.
        badge, grid, calls, bar, timeline, alerts, console: the parts; ``bar`` is None on a wallboard made as such.

    Example:
        >>> from pbxnb.widgets import Rule
        >>> board = pbx.dashboard(theme="dark", alerts=[Rule.waiting(orange=20, red=60)])
        >>> board.why("45")
    """

    theme = traitlets.Enum(("auto", "light", "dark"), "auto")
    density = traitlets.Enum(("comfortable", "compact"), "comfortable")
    wallboard = traitlets.Bool(False)
    show_timeline = traitlets.Bool(True)
    show_console = traitlets.Bool(False)

    def __init__(
        self,
        handle: Handle,
        *,
        timeline: ipywidgets.Widget | Callable[[], ipywidgets.Widget] | None = None,
        alerts: Alerts | Iterable[Rule] | None = None,
        **traits: Any,
    ) -> None:
        self._given: tuple[Any, Any] = (timeline, alerts)
        super().__init__(handle, _dom_classes=("pbxnb", "pbx-dashboard"), **traits)

    def _begin(self) -> None:
        handle, (timeline, alerts) = self._handle, self._given
        own, settings = self._own, {name: getattr(self, name) for name in _SETTINGS}
        self.badge = own(StatusBadge(handle, **settings))
        self.grid = own(ExtensionGrid(handle, height="var(--pbx-part-height)", **settings))
        self.calls = own(CallList(handle, height="calc(var(--pbx-part-height) - 70px)", **settings))
        self.bar = None if self.wallboard else own(CommandBar(handle, self.grid, self.calls, **settings))
        self.console = own(Console(handle, self.grid, **settings))
        self.timeline = own(timeline()) if callable(timeline) else timeline
        if alerts is not None and not isinstance(alerts, Alerts):
            alerts = own(Alerts(handle, alerts, **settings))
        self.alerts: Alerts | None = alerts
        switched = {name: word for name, word in _SWITCHED.items() if name != "timeline" or self.timeline is not None}
        self.header = own(BoardHeader(handle, self._switch, self._why_selected, switched, **settings))
        for part, place in ((self.badge, "badge"), (self.header, "head"), (self.grid, "grid"), (self.calls, "calls")):
            part.add_class(f"pbx-board-{place}")
        selection = Selection(handle, self._ticket, self.grid, self.calls, self.timeline)
        self._leave.callback(selection.close)
        for part in self._panels():
            for name in filter(part.has_trait, _SETTINGS):
                self._leave.callback(traitlets.link((self, name), (part, name)).unlink)
        self.observe(self._arrange_soon, ["wallboard", "show_timeline", "show_console"])
        self.grid.observe(self._offer_why, "selected")
        self._leave.callback(self.grid.on_action(self._asked_by_tile))
        self._arrange()
        self._leave.callback(self.set_trait, "children", ())

    def _panels(self) -> list[Any]:
        """In the order shown. The console is last: views after a child that comes or goes are made anew."""
        every = (self.badge, self.header, self.alerts, self.grid, self.calls, self.bar, self.timeline, self.console)
        return [part for part in every if part is not None]

    def why(self, number: str) -> None:
        """Open the console and show why the tile of an account looks as it does; from any thread."""
        self.console.why(number)
        self.show_console = True

    def snapshot(self) -> Static:
        """Return the board as it is now as static, safe HTML, for a saved notebook."""
        shown = (self.badge, self.alerts, self.grid, self.calls)
        body = "".join(part.snapshot() for part in shown if part is not None)
        handle = self._handle
        return document("Board", title_of(handle), body, handle.clock.now().timestamp(), handle.tz)

    # From the page and from other threads: hand over to the lane.

    def _arrange_soon(self, _change: object) -> None:
        self._ticket.call(self._arrange)

    def _offer_why(self, change: Any) -> None:
        selected = change["new"]
        self.header.update(why=selected[0] if len(selected) == 1 else "")

    # On the UI lane.

    def _switch(self, part: str, on: bool) -> None:
        self.set_trait(f"show_{part}", on)

    def _why_selected(self) -> None:
        if self.grid.selected:
            self.why(self.grid.selected[0])

    def _asked_by_tile(self, action: str, _number: str, _call: str) -> None:
        if action == "why":  # the console listens too
            self.set_trait("show_console", True)

    def _arrange(self) -> None:
        """Put on the page what is to be shown; what is taken off costs nothing."""
        if self._closed:
            return
        console = self.show_console and not self.wallboard
        # Hidden, not taken off: a second view of a plotly figure (7.1) comes up with stale and broken traces.
        for part, shown in ((self.bar, not self.wallboard), (self.timeline, self.show_timeline)):
            if part is not None:
                part.layout.display = None if shown else "none"
        self.children = [part for part in self._panels() if part is not self.console or console]
        wanted = {"timeline": self.show_timeline, "console": console}
        self.header.update(shown=[name for name in _SWITCHED if wanted[name]])

    def expect_view(self) -> None:
        """A page is about to show the board: every part sends before the page says so."""
        for part in self.children:
            if isinstance(part, Panel):
                part.expect_view()

    def _saved(self) -> str:
        return self.snapshot()

    def _plain(self) -> str:
        told = (self.badge, self.alerts, self.grid, self.calls, self.timeline)
        return "\n".join(repr(part).strip("<>") for part in told if isinstance(part, Panel))

    def __repr__(self) -> str:
        return f"<Board: {'; '.join(self._plain().splitlines())}>"
