"""The dashboard: every panel on one page, from a side panel to a wall screen. Composes them; knows none from inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import ipywidgets
import traitlets

from pbxnb.ui.handle import Handle
from pbxnb.ui.lane import Lane
from pbxnb.ui.text import clean

from .alerts import Alerts, Rule
from .badge import StatusBadge
from .board_frame import BoardFrame
from .call_list import CallList
from .command_bar import CommandBar
from .console import Console
from .grid import ExtensionGrid
from .panel import Panel
from .selection import Selection
from .static import Static, document

__all__ = ["Dashboard"]

_LOOK = ("theme", "density", "wallboard")
_SWITCHED = {"timeline": "Timeline", "console": "Console"}


class Dashboard(ipywidgets.VBox):  # type: ignore[misc] # ipywidgets publishes no types
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
        >>> board = pbx.dashboard(theme="dark", alerts=[Rule.waiting(orange=20, red=60)])  # doctest: +SKIP
        >>> board.why("207")  # doctest: +SKIP
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
        self._handle = handle
        self._closed = False
        self._made: list[Any] = []  # what is closed with us, boxes and panels
        self._links: list[Any] = []
        self._ticket = Lane.get().register(lambda _now: None)
        try:
            look = {name: traits[name] for name in _LOOK if name in traits}
            self._make_parts(handle, timeline, alerts, look)
            super().__init__(_dom_classes=("pbxnb", "pbx-dashboard"), **traits)
            self._compose()
        except BaseException:
            self._release()
            raise

    def _make_parts(self, handle: Handle, timeline: Any, alerts: Any, look: dict[str, Any]) -> None:
        own = self._own
        self.badge = own(StatusBadge(handle, **look))
        self.grid = own(ExtensionGrid(handle, height="var(--pbx-part-height)", **look))
        self.calls = own(CallList(handle, height="calc(var(--pbx-part-height) - 70px)", **look))
        bare = {name: value for name, value in look.items() if name != "wallboard"}
        self.bar = None if look.get("wallboard") else own(CommandBar(handle, self.grid, self.calls, **bare))
        self.console = own(Console(handle, self.grid, **look))
        made = callable(timeline)
        self.timeline = own(timeline()) if made else timeline
        given = alerts is None or isinstance(alerts, Alerts)
        self.alerts: Alerts | None = alerts if given else own(Alerts(handle, alerts, **look))
        switched = {name: word for name, word in _SWITCHED.items() if name != "timeline" or self.timeline is not None}
        self.frame = own(BoardFrame(handle, self._switch, self._why_selected, switched, **look))
        self._selection = Selection(handle, self._ticket, self.grid, self.calls, self.timeline)

    def _own(self, part: Any) -> Any:
        self._made.append(part)
        return part

    def _compose(self) -> None:
        # Each part that comes and goes has a box of its own: the page makes views anew from the first changed child on.
        box = partial(ipywidgets.Box, _dom_classes=("pbx-board-part",))
        self._head = self._own(ipywidgets.Box([self.badge, self.frame], _dom_classes=("pbx-board-head",)))
        self._main = self._own(ipywidgets.Box([self.grid, self.calls], _dom_classes=("pbx-board-main",)))
        lower = {"bar": self.bar, "timeline": self.timeline, "console": self.console}
        self._lower = {name: (self._own(box()), part) for name, part in lower.items() if part is not None}
        for part in self._panels():
            for name in _LOOK:
                if part.has_trait(name):
                    self._links.append(traitlets.link((self, name), (part, name)))
        for widget, fn, names in (
            (self, self._arrange_soon, ["wallboard", "show_timeline", "show_console"]),
            (self.grid, self._tell_why, "selected"),
        ):
            widget.observe(fn, names)
        self._stop_actions = self.grid.on_action(self._asked_by_tile)
        self._arrange()
        parts = (self._head, self.alerts, self._main, *(box for box, _ in self._lower.values()))
        self.children = tuple(part for part in parts if part is not None)

    def _panels(self) -> list[Any]:
        every = (self.badge, self.frame, self.alerts, self.grid, self.calls, self.bar, self.timeline, self.console)
        return [part for part in every if part is not None]

    def why(self, number: str) -> None:
        """Open the console and show why the tile of an account looks as it does; from any thread."""
        self.console.why(number)
        self.show_console = True

    def snapshot(self) -> Static:
        """Return the board as it is now as static, safe HTML, for a saved notebook."""
        shown = (self.badge, self.alerts, self.grid, self.calls)
        body = "".join(part.snapshot() for part in shown if part is not None)
        return document("Board", clean(self._handle.name), body, self._handle.clock.now().timestamp())

    def close(self) -> None:
        """Close every part it made, and leave the page for good; idempotent."""
        if getattr(self, "_closed", True):
            return
        self._release()
        self.children = ()
        layout = self.layout
        super().close()
        layout.close()

    def _release(self) -> None:
        self._closed = True
        if hasattr(self, "_selection"):
            self._selection.close()
        if hasattr(self, "_stop_actions"):
            self._stop_actions()
        for link in self._links:
            link.unlink()
        self._ticket.close()
        for made in reversed(self._made):
            layout = getattr(made, "layout", None)
            made.close()
            if layout is not None:
                layout.close()  # panels close theirs; a second time does nothing
        self._made.clear()

    # From the page and from other threads: hand over to the lane.

    def _arrange_soon(self, _change: object) -> None:
        self._ticket.call(self._arrange)

    def _tell_why(self, change: Any) -> None:
        selected = change["new"]
        self.frame.tell(why=selected[0] if len(selected) == 1 else "")

    # On the UI lane.

    def _switch(self, part: str, on: bool) -> None:
        self.set_trait(f"show_{part}", on)

    def _why_selected(self) -> None:
        if self.grid.selected:
            self.why(self.grid.selected[0])

    def _asked_by_tile(self, action: str, _number: str, _call: str) -> None:
        if action == "why":  # the console heard it too
            self.set_trait("show_console", True)

    def _arrange(self) -> None:
        """Put on the page what is to be shown; what is taken off costs nothing."""
        if self._closed:
            return
        wanted = {"bar": not self.wallboard, "timeline": self.show_timeline}
        wanted["console"] = self.show_console and not self.wallboard
        for name, (box, part) in self._lower.items():
            if name == "timeline":
                # Hidden, not taken off: a second view of a plotly figure (7.1) comes up with stale and broken traces.
                box.layout.display = None if wanted[name] else "none"
            children = (part,) if wanted[name] or name == "timeline" else ()
            if box.children != children:
                box.children = children
        self.frame.tell(shown=[name for name in _SWITCHED if wanted[name]])

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        for part in self._panels():
            if isinstance(part, Panel) and part is not self.console:
                part.expect_view()
        return super()._repr_mimebundle_(**kwargs)

    def __repr__(self) -> str:
        told = [repr(part).strip("<>") for part in (self.badge, self.alerts, self.grid, self.calls) if part is not None]
        return f"<Board: {'; '.join(told)}>"
