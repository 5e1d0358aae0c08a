"""The live timeline: a panel whose cost does not grow with history. The kernel owns the data, the page the view.

Events are queued as they come and drained on the UI lane, which alone writes the figure. Each flush shows the visible
window in at most about 600 marks and waits, at most four times a second, for a third of the page's time; a page that
does not answer is drawn for at half a hertz.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import Any

import ipywidgets
import traitlets

from pbxnb.model.changes import Changes, Event
from pbxnb.model.status import LineState, Status
from pbxnb.ui.handle import Handle
from pbxnb.ui.lane import Lane
from pbxnb.ui.text import clean

from .backdrop import backdrop
from .history import Block, History
from .marks import Column, scene
from .phases import LaneBy, Phases
from .rows import choose
from .traces import Canvas

__all__ = ["WINDOWS", "Timeline"]

WINDOWS = {"1 min": 60, "5 min": 300, "15 min": 900, "1 h": 3600, "4 h": 14_400, "24 h": 86_400}
FASTEST = 0.25
UNANSWERED = 2.0
_log = logging.getLogger("pbxnb.ui")


class Timeline(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets publishes no types
    """Calls as blocks on lanes, moving with the clock.

    Args:
        handle: what is shown.
        window: seconds shown while following now, 60 to 86,400.
        lane_by: what a lane stands for: ``extension``, ``call`` or ``queue``.
        filter: show only lanes whose number or name contains this text.
        collapse_idle: leave lanes out on which nothing happens in the window; None: when there are more than fit.
        most_lanes: lanes shown at once.
        height: of the figure, pixels.

    Attributes:
        figure: the plotly ``FigureWidget``; restyle it as you like, its traces are filled by the panel.
        following: whether the window moves with now; False once the user pans or zooms.
        selected: id of the selected conversation; empty for none. Settable, and set by a click.

    Example:
        >>> pbx.timeline(window=3600)  # doctest: +SKIP
    """

    window = traitlets.Float(900.0, min=60.0, max=86_400.0)
    lane_by: traitlets.Enum[LaneBy] = traitlets.Enum(("extension", "call", "queue"), "extension")
    filter = traitlets.Unicode("")
    collapse_idle = traitlets.Bool(None, allow_none=True)
    most_lanes = traitlets.Int(24, min=1, max=200)
    following = traitlets.Bool(True)
    selected = traitlets.Unicode("")

    def __init__(self, handle: Handle, *, height: int = 420, **traits: Any) -> None:
        self._handle = handle
        self._closed = False
        self._events: deque[Event] = deque()
        self._canvas = Canvas(height, origin=float(round(handle.clock.now().timestamp())))
        self._view: tuple[float, float] | None = None  # the user's window, seconds since 1970
        self._drawn_at = self._answered_at = float("-inf")
        self._waiting = False
        self._error = ""
        self._window_box = ipywidgets.Dropdown(options=list(WINDOWS.items()), value=900, layout={"width": "90px"})
        self._lane_box = ipywidgets.Dropdown(options=["extension", "call", "queue"], layout={"width": "110px"})
        self._filter_box = ipywidgets.Text(placeholder="Find lane", continuous_update=False, layout={"width": "140px"})
        self._now_button = ipywidgets.Button(description="Back to now", layout={"width": "110px"}, disabled=True)
        self._note = ipywidgets.Label("")
        tools = ipywidgets.HBox(
            [self._window_box, self._lane_box, self._filter_box, self._now_button, self._note],
            layout={"flex_flow": "row wrap"},
        )
        super().__init__([tools, self._canvas.figure], **traits)
        self._view_count = 0  # from now on the front end counts its views
        self.add_class("pbxnb")
        self.add_class("pbxnb-timeline")
        if self.window in WINDOWS.values():
            self._window_box.value = int(self.window)
        self._lane_box.value, self._filter_box.value = self.lane_by, self.filter
        self._restart()
        self._ticket = Lane.get().register(self._paint)
        self._stops = [handle.watch(self._changed), handle.watch_status(self._status_changed)]
        self._listen()
        self._ticket.nudge()

    @property
    def figure(self) -> Any:
        """The plotly ``FigureWidget``."""
        return self._canvas.figure

    def back_to_now(self) -> None:
        """Follow now again."""
        self._view = None
        self.following = True
        self._ticket.nudge()

    def show(self, start: float, end: float) -> None:
        """Show a window of your own, seconds since 1970, and stay there."""
        self._view = (start, end)
        self.following = False
        self._ticket.nudge()

    def describe(self) -> str:
        """The text twin: what is going on in the window, in sentences."""
        start, end, now = self._bounds()
        running = self._phases.going_on()
        ended = self._history.count(start, min(end, now))
        phases = ", ".join(f"{n} {phase}" for phase, n in sorted(_tally(running).items())) or "no call"
        window = f"{time.strftime('%H:%M:%S', time.gmtime(start))} to {time.strftime('%H:%M:%S', time.gmtime(end))} UTC"
        return f"{window}: about {ended} phases of calls; going on now: {phases}."

    def close(self) -> None:
        """Leave the page and the handle; the figure is emptied and kept for the next timeline. Idempotent."""
        if self._closed:
            return
        self._closed = True
        for stop in self._stops:
            stop()
        self._ticket.close()
        self._canvas.close()
        tools: Any = self.children[0]  # type: ignore[has-type]  # as above
        self.children = ()
        for widget in (*tools.children, tools):
            for part in ("layout", "style"):
                if hasattr(widget, part):
                    getattr(widget, part).close()
            widget.close()
        self.layout.close()
        super().close()

    # From the other lanes: note and wake, nothing else.

    def _changed(self, changes: Changes) -> None:
        calls = [event for event in changes.events if event.call is not None]
        if calls:
            self._events.extend(calls)
        if calls or changes.accounts:
            self._ticket.wake()

    def _status_changed(self, status: Status) -> None:
        del status
        self._ticket.nudge()

    def _listen(self) -> None:
        """Bind the tools and the figure; every handler only notes what is wanted and nudges the lane."""
        self._window_box.observe(lambda change: self.set_trait("window", float(change["new"])), "value")
        self._lane_box.observe(lambda change: self.set_trait("lane_by", change["new"]), "value")
        self._filter_box.observe(lambda change: self.set_trait("filter", change["new"]), "value")
        self._now_button.on_click(lambda _button: self.back_to_now())
        self.observe(lambda _change: self._ticket.call(self._restart), "lane_by")
        self.observe(lambda _change: self.back_to_now(), "window")
        self.observe(lambda _change: self._ticket.nudge(), ["filter", "collapse_idle", "most_lanes", "selected"])
        self.figure.layout.on_change(self._view_changed, "xaxis.range")
        # plotly's on_edits_completed never fires for an update of traces and layout together (7.1): the page answers the
        # traces' part only, so that answer is what paces us.
        self.figure.observe(self._answered, "_js2py_traceDeltas")
        for trace in self.figure.data:
            if trace.customdata is not None or trace.name not in ("offline", "dnd", "gap", "links"):
                trace.on_click(self._clicked)

    def _view_changed(self, _layout: object, wanted: Any) -> None:
        """The page's window changed; ours change on the lane, the user's elsewhere."""
        if Lane.get().here() or not wanted:
            return
        try:
            start, end = (float(bound) + self._canvas.origin for bound in wanted)
        except (TypeError, ValueError):
            return  # a range that is none: the page is resetting its axis, and says so again
        self.show(start, end)

    def _clicked(self, trace: Any, points: Any, _state: object) -> None:
        calls = trace.customdata
        for index in points.point_inds:
            if calls is not None and index < len(calls) and calls[index]:
                self.selected = "" if self.selected == calls[index] else str(calls[index])
                return

    # On the UI lane.

    def _restart(self) -> None:
        """Build the memory from what the session knows; at the start, and when lanes come to mean something else."""
        self._events.clear()
        self._history = History()
        self._phases = Phases(self.lane_by, self._history.add)
        self._phases.begin(list(self._handle.calls.values()), self._handle.closed_calls())

    def _paint(self, now: float) -> float | None:
        if self._closed:
            return None
        while self._events:
            self._phases.feed(self._events.popleft())
        if not self._view_count:
            return now + 1.0
        due = self._due(now)
        if now < due:
            return due
        try:
            sent = self._draw()
        except Exception as error:  # noqa: BLE001 - shown in the panel; the next beat tries again
            _log.exception("The timeline could not be painted.")
            self._say(f"Could not paint: {error}")
            return now + UNANSWERED
        if sent:
            self._drawn_at, self._waiting = now, True
        # A window of 15 minutes moves by a pixel in about a second; a shorter one sooner.
        return now + max(FASTEST, min(5.0, self.window / 900))

    def _due(self, now: float) -> float:
        if self._waiting:
            return self._drawn_at + UNANSWERED
        busy = max(0.0, self._answered_at - self._drawn_at)
        return min(self._drawn_at + max(FASTEST, 3 * busy), now + UNANSWERED)

    def _answered(self, change: Any) -> None:
        if change["new"] and change["new"].get("trace_edit_id") != self.figure._last_trace_edit_id:  # noqa: SLF001
            return
        self._answered_at, self._waiting = time.monotonic(), False
        self._ticket.wake()

    def _draw(self) -> bool:
        start, end, now = self._bounds()
        running = self._phases.going_on()
        lanes, hidden = choose(
            self._handle,
            self._history,
            running,
            (start, end),
            by=self.lane_by,
            filter=self.filter,
            collapse_idle=self.collapse_idle,
            most=self.most_lanes,
        )
        shown = scene(self._history, running, start, end, now, list(lanes))
        backs = backdrop(self._handle, list(lanes), start, min(end, now), now) if self.lane_by == "extension" else {}
        sent = self._canvas.draw(
            shown,
            backs,
            _outline(shown.columns, self.selected),
            _links(self._history, running, lanes, start, end) if not shown.dense else ([], []),
            list(lanes),
            list(lanes.values()),
            (start, end),
            moves=self.following,
        )
        self._now_button.disabled = self.following
        self._say(_note(self._handle, shown.dense, hidden))
        return sent

    def _bounds(self) -> tuple[float, float, float]:
        """The window and now, on the PBX's clock, seconds since 1970."""
        now = self._handle.clock.now().timestamp()
        view = self._view
        if self.following or view is None:
            return now - self.window, now + 0.02 * self.window, now
        return view[0], view[1], now

    def _say(self, text: str) -> None:
        self._note.value = clean(text, 300)


def _note(handle: Handle, dense: bool, hidden: int) -> str:
    said = []
    if handle.status.state in (LineState.CLOSED, LineState.REFUSED):
        said.append("closed; run this cell again")
    if dense:
        said.append("density: zoom in for single calls")
    if hidden:
        said.append(f"{hidden} more lanes: filter to see them")
    return " · ".join(said)


def _tally(running: list[Block]) -> dict[str, int]:
    seen: dict[str, int] = {}
    for block in {block.call: block for block in running}.values():
        seen[block.state] = seen.get(block.state, 0) + 1
    return seen


def _outline(columns: dict[str, Column], call: str) -> Column:
    """The marks of one conversation, to be outlined."""
    outline = Column([], [], [], [], [], [])
    for column in columns.values() if call else ():
        for place, owner in enumerate(column.call):
            if owner == call:
                start, length = column.base[place], column.length[place]
                outline.add(start, start + length, column.row[place], 1.0, call, column.text[place])
    return outline


def _links(
    history: History, running: list[Block], lanes: dict[str, str], start: float, end: float
) -> tuple[list[Any], list[Any]]:
    """Lines between the blocks of one conversation that lie on different lanes: a transfer, a pickup, a retrieve."""
    rows = {lane: row for row, lane in enumerate(lanes)}
    last: dict[str, Block] = {}
    x: list[Any] = []
    y: list[Any] = []
    for block in sorted([*history.blocks(start, end, rows), *running], key=lambda block: (block.start, block.lane)):
        before = last.get(block.call)
        if block.lane not in rows:
            continue
        if before is not None and before.lane != block.lane and before.end is not None and block.start >= before.end:
            x += [before.end, block.start, None]
            y += [rows[before.lane], rows[block.lane], None]
        last[block.call] = block
    return x, y
