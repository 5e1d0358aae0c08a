"""The dashboard: every panel on one page, from a side panel to a wall screen. Composes them; knows none from inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any, Final

import ipywidgets
import traitlets

from pbxnb.errors import ConfigError
from pbxnb.model.changes import Changes
from pbxnb.text import clean
from pbxnb.ui.handle import Handle
from pbxnb.ui.panel import Panel
from pbxnb.ui.static import Static, document
from pbxnb.ui.text import title_of

from ..alerts import Alerts, Rule
from ..badge import StatusBadge
from ..grid.kinds import Kinds
from ..kpis import Kpis
from ..queue_board import QueueBoard
from .header import BoardHeader
from .parts import Parts
from .paused import PausedParts
from .wall import PAGES, Wall

__all__ = ["BoardHeader", "Dashboard"]

_SETTINGS = ("theme", "density", "wallboard")
_SWITCHED = {"timeline": "Timeline", "console": "Console"}


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
        wallboard: read-only, for a screen on the wall: no commands, no tools, larger type. Made as such it has the
            numbers of the day and the queues too, keeps the screen on, and says how old it is when the line is down.
        cycle: seconds that a wallboard shows each of its pages; 0 shows all of them one below the other. A page stays
            while it is pointed at or has the focus, and where the browser is asked for less motion.
        kinds: types of accounts that have tiles, as of `ExtensionGrid`.
        show_timeline: whether the timeline is on the page.
        show_console: whether the console is on the page.
        paused: whether it stands still while the line goes on: it shows what has been recorded, with a `Scrubber`
            above it. Settable where the line records.
        missed: how many events the line has had since it was paused.
        badge: the part that says how the line is.
        grid: the part with the tiles.
        calls: the part with the calls.
        bar: the part with the commands; None on a wallboard made as such.
        timeline: the part with calls over time; None where there is none.
        alerts: the part with the alerts; None where there are none.
        console: the part with the frames.
        numbers: the part with the numbers of the day; None but on a board made as a wallboard.
        queues: the part with the queues; None but on a board made as a wallboard.

    Example:
        >>> from pbxnb.widgets import Rule
        >>> board = pbx.dashboard(theme="dark", alerts=[Rule.waiting(orange=20, red=60)])
        >>> board.why("45")
    """

    theme: Final = traitlets.Enum(("auto", "light", "dark"), "auto")
    density: Final = traitlets.Enum(("comfortable", "compact"), "comfortable")
    wallboard: Final = traitlets.Bool(False)
    kinds: Final = Kinds()
    cycle: Final = traitlets.Float(0.0, min=0.0, max=86_400.0)
    show_timeline: Final = traitlets.Bool(True)
    show_console = traitlets.Bool(False)
    paused = traitlets.Bool(False).tag(derived=True)
    missed: Final = traitlets.Int(0, read_only=True)

    def __init__(
        self,
        handle: Handle,
        *,
        timeline: ipywidgets.Widget | Callable[[], ipywidgets.Widget] | None = None,
        alerts: Alerts | Iterable[Rule] | None = None,
        **traits: Any,
    ) -> None:
        self._given: tuple[Any, Any] = (timeline, alerts)
        self._held: PausedParts | None = None
        self._has_console = False  # the line's, on the page
        self._since = 0  # events since it was paused
        self._due = 0.0  # when they are told next
        super().__init__(handle, _dom_classes=("pbxnb", "pbx-dashboard"), **traits)

    def _begin(self) -> None:
        handle, (timeline, alerts) = self._handle, self._given
        own, settings = self._own, {name: getattr(self, name) for name in _SETTINGS}
        self.badge = own(StatusBadge(handle, **settings))
        parts = Parts(handle, self._ticket, own, timeline, commands=not self.wallboard, **settings)
        self._parts, self.grid, self.calls, self.bar = parts, parts.grid, parts.calls, parts.bar
        self.console, self.timeline = parts.console, parts.timeline
        if alerts is not None and not isinstance(alerts, Alerts):
            alerts = own(Alerts(handle, alerts, **settings))
        self.alerts: Alerts | None = alerts
        switched = {name: word for name, word in _SWITCHED.items() if name != "timeline" or self.timeline is not None}
        self.header = own(BoardHeader(handle, self._switch, self._why_selected, self._pause, switched, **settings))
        self.badge.add_class("pbx-board-badge")
        self.header.add_class("pbx-board-head")
        self._make_wall(settings)
        self._leave.callback(parts.selection.close)
        self._join(parts, [*self._top, *parts.panels], self._leave)
        self.observe(self._arrange_soon, ["wallboard", "show_timeline", "show_console"])
        self.observe(lambda _: self._ticket.call(self._hold), "paused")
        self._arrange()
        self._leave.callback(self.set_trait, "children", ())
        self._leave.callback(self._go_on)
        self._leave.callback(handle.watch(self._count))
        self._leave.callback(handle.watch_status(lambda _: self._ticket.wake()))
        self._ticket.wake()

    def _make_wall(self, settings: dict[str, Any]) -> None:
        """What a board has that was made as a wallboard."""
        self.numbers: Kpis | None = None
        self.queues: QueueBoard | None = None
        self._wall: Wall | None = None
        if not self.wallboard:
            return
        self.numbers = self._own(Kpis(self._handle, **settings))
        self.queues = self._own(QueueBoard(self._handle, height="none", **settings))
        its: dict[str, tuple[Any, ...]] = {
            "numbers": (self.numbers, self.queues),
            "calls": (self.grid, self.calls),
            "timeline": (self.timeline,),
        }
        for page, parts in its.items():
            for part in parts:
                if part is not None:
                    part.add_class(f"pbx-page-{page}")
                    self._leave.callback(part.remove_class, f"pbx-page-{page}")
        pages = [page for page in PAGES if its[page] != (None,)]
        self._wall = wall = self._own(Wall(self._handle, pages, self.cycle, **settings))
        self.observe(lambda change: wall.turn(change["new"]), "cycle")

    @property
    def _top(self) -> list[Any]:
        """What is of the line, and there at any time."""
        top = (self.badge, self.header, self._wall, self.alerts, self.numbers, self.queues)
        return [part for part in top if part is not None]

    @property
    def _shown(self) -> Parts:
        return self._parts if self._held is None else self._held.parts

    def _join(self, parts: Parts, panels: Iterable[Any], leave: ExitStack) -> None:
        """Let panels take our settings, and these parts ask for an explanation."""
        for part in panels:
            for name in filter(part.has_trait, _SETTINGS):
                leave.callback(traitlets.link((self, name), (part, name)).unlink)
        leave.callback(traitlets.link((self, "kinds"), (parts.grid, "kinds")).unlink)
        parts.grid.observe(self._offer_why, "selected")
        leave.callback(parts.grid.on_action(self._asked_by_tile))

    def why(self, number: str) -> None:
        """Open the console and show why the tile of an account looks as it does; from any thread."""
        self._shown.console.why(number)
        self.show_console = True

    def snapshot(self) -> Static:
        """Return the board as it is now as static, safe HTML, for a saved notebook."""
        shown = (self.badge, self.alerts, self.numbers, self.queues, self._shown.grid, self._shown.calls)
        body = "".join(part.snapshot() for part in shown if part is not None)
        handle = self._handle
        return document("Board", title_of(handle), body, handle.clock.now().timestamp(), handle.tz)

    def _display_(self) -> Any:
        """The board in marimo, which shows panels and no boxes of them: its own boxes around the same panels."""
        import marimo

        side_by_side = marimo.hstack([self.grid, self.calls], widths=[3, 2])
        shown = [self.badge, self.alerts, self.numbers, self.queues, side_by_side, self.bar, self.timeline]
        console = marimo.accordion({"Console": self.console})
        return marimo.vstack([*(part for part in shown if part is not None), console])

    # From the page and from other threads: hand over to the lane.

    def _arrange_soon(self, _change: object) -> None:
        self._ticket.call(self._arrange)

    def _offer_why(self, change: Any) -> None:
        selected = change["new"]
        self.header.update(why=clean(selected[0], 40) if len(selected) == 1 else "")

    def _count(self, changes: Changes) -> None:
        if self._held is not None and changes.events:
            self._since += len(changes.events)
            self._ticket.wake()

    @traitlets.validate("paused")
    def _check_paused(self, proposal: Any) -> bool:
        if proposal["value"] and (lacks := self._lacks()) != "":
            raise ConfigError(
                lacks or "A recording that plays is paused by its player.",
                hint='pbx.record_to("monday.pbx")' if lacks else "pbx.player.pause()",
            )
        return bool(proposal["value"])

    def _lacks(self) -> str | None:
        """Why it cannot be paused; empty where it can, None where there is nothing to pause."""
        if self._handle.replayed:
            return None
        return "" if self._handle.status.recording is not None else "The line records nothing."

    # On the UI lane.

    def _switch(self, part: str, on: bool) -> None:
        self.set_trait(f"show_{part}", on)

    def _why_selected(self) -> None:
        if selected := self._shown.grid.selected:
            self.why(selected[0])

    def _asked_by_tile(self, action: str, _number: str, _call: str) -> None:
        if action == "why":  # the console listens too
            self.set_trait("show_console", True)

    def _pause(self, on: bool) -> None:
        self.paused = on

    def _paint(self, now: float) -> float | None:
        self.header.update(lacks=self._lacks())
        if self._since != self.missed and now < self._due:
            return self._due
        self._due = now + self.timing.recheck
        self.set_trait("missed", self._since)
        self.header.update(missed=self._since)
        return None

    def _hold(self) -> None:
        """Stand still, or go on, as `paused` says."""
        with self._lock:
            if self._closed or self.paused is (self._held is not None):
                return
            if not self.paused:
                self._go_on()
                return
            settings = {name: getattr(self, name) for name in _SETTINGS}
            try:
                held = PausedParts(
                    self._handle.replay(), self._ticket, self.alerts, self.timeline is not None, settings
                )
            except BaseException as error:  # noqa: BLE001 - shown in the strip: the file may be gone
                self.header.report(error)
                self.paused = False
                return
            self._held = held
            self._join(held.parts, held.panels, held.leave)
            self._arrange()
            if self.header.viewed:
                self.expect_view()

    def _go_on(self) -> None:
        """Show the line again."""
        held, self._held, self._since = self._held, None, 0
        if held is not None:
            self.set_trait("missed", 0)
            self._arrange()
            held.leave.close()

    def _arrange(self) -> None:
        """Put on the page what is to be shown; what is taken off costs nothing."""
        if self._closed:
            return
        console, held = self.show_console and not self.wallboard, self._held
        # Hidden, not taken off: a second view of a plotly figure (7.1) comes up with stale and broken traces. And views
        # after a child that comes or goes are made anew: while paused all parts of the line stay, its console too.
        for one in (self.numbers, self.queues):
            if one is not None:
                _show(one, held is None)
        hidden = {self.bar: self.wallboard, self.timeline: not self.show_timeline}
        for part in self._parts.panels:
            _show(part, held is None and not hidden.get(part, False))
        if held is not None and held.parts.timeline is not None:
            _show(held.parts.timeline, self.show_timeline)
        if held is None:
            self._has_console = console
        stay = (part for part in self._parts.panels if part is not self.console or self._has_console)
        children = [*self._top, *stay]
        if held is not None:
            children += (part for part in held.panels if part is not held.parts.console or console)
        self.children = children
        selected = self._shown.grid.selected
        wanted = {"timeline": self.show_timeline, "console": console}
        self.header.update(
            shown=[name for name in _SWITCHED if wanted[name]],
            paused=held is not None,
            missed=self._since,
            why=clean(selected[0], 40) if len(selected) == 1 else "",
        )

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


def _show(part: Any, shown: bool) -> None:
    """Show a part, or hide it; what somebody else chose as its display stays."""
    if not shown or part.layout.display == "none":
        part.layout.display = None if shown else "none"
