"""The live timeline: a panel whose cost does not grow with history. The kernel owns the data, the page the view.

Events are queued as they come and drained on the UI lane, which alone writes the figure. Each flush shows the visible
window in at most about 600 marks and waits for the page's answer (`pace`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import ipywidgets
import plotly.graph_objects as go
import traitlets

from pbxnb.arguments import unknown_keyword
from pbxnb.model.changes import Changes, Event
from pbxnb.model.status import LineState, Status
from pbxnb.ui.handle import Handle, handle_of
from pbxnb.ui.kernel import release_route
from pbxnb.ui.lane import Lane
from pbxnb.ui.text import clean

from ..history import History
from ..phases import LaneBy, Phases
from ..plotting.box import CLASSES, Frame
from ..plotting.pace import FASTEST, UNANSWERED, Pace
from ..source import counted
from .background import Backdrop, gap_marks
from .figure import Canvas, View, height_of
from .lanes import GroupBy, SortBy, choose
from .marks import Scene, scene
from .tools import Tools

__all__ = ["Timeline"]

_FINE = (60.0, 300.0)
_LOADING = 3.0
"""Seconds that a page has to load plotly before it is drawn for unasked; what comes earlier is lost."""
_EXPECTED = 60.0
"""Seconds for which a page that was given the panel is drawn for before it has said that it shows it."""
_log = logging.getLogger("pbxnb.ui")


class Timeline(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets publishes no types
    """Calls as blocks on lanes, moving with the clock until the user pans or zooms.

    Args:
        handle: what is shown.
        height: of the figure, pixels; None for as many as the lanes need.
        traits: any attribute below.

    Attributes:
        figure: the plotly ``FigureWidget``; restyle it as you like, its traces are filled by the panel.
        window: seconds shown while following now, 60 to 86,400.
        lane_by: what a lane stands for: ``extension`` (and queues and orbits where calls wait), ``call``, ``queue``.
        filter: show only lanes whose number or name contains this text.
        sort: ``number``, ``name``, or ``busy``: lanes with a call first.
        group_by: ``department`` or ``type`` of the accounts; empty for no groups.
        collapse_idle: leave lanes out on which nothing happens in the window; None: when there are more than fit.
        most_lanes: lanes shown at once.
        following: whether the window moves with now; False once the user pans or zooms.
        selected: id of the selected conversation; empty for none. Set by a click, and settable.

    Example:
        >>> timeline = pbx.timeline(window=3600)
    """

    window = traitlets.Float(900.0, min=60.0, max=86_400.0)
    lane_by: traitlets.Enum[LaneBy] = traitlets.Enum(("extension", "call", "queue"), "extension")
    filter = traitlets.Unicode("")
    sort: traitlets.Enum[SortBy] = traitlets.Enum(("number", "name", "busy"), "number")
    group_by: traitlets.Enum[GroupBy] = traitlets.Enum(("", "department", "type"), "")
    collapse_idle = traitlets.Bool(None, allow_none=True)
    most_lanes = traitlets.Int(24, min=1, max=200)
    following = traitlets.Bool(True)
    selected = traitlets.Unicode("")

    _closed = True  # there is nothing to close yet

    def __init__(self, handle: Handle, *, height: int | None = None, **traits: Any) -> None:
        known = {"height", *self.class_trait_names()}
        for name in traits:
            if name not in known:  # ipywidgets would drop it without a word
                raise unknown_keyword(type(self).__name__, name, sorted(n for n in known if not n.startswith("_")))
        self._handle = handle_of(handle)
        self._lock = threading.RLock()  # between a flush and the close
        self._events: deque[Event] = deque()
        self._linked: deque[frozenset[str]] = deque()  # conversations whose calls may have become others
        self._view: tuple[float, float] | None = None  # the user's window, seconds since 1970
        self._insist = False  # the page may have got a window of ours after the user's
        self._pace = Pace()
        self._limit = 0
        self._lanes: list[str] = []
        self._live = False
        self._expected = float("-inf")  # since when a page is about to show us
        self._ready = False  # a page has drawn the figure at least once
        self._unsure = True  # a page may not have what was sent
        self._built = False
        self._height = height
        self._leave = ExitStack()
        self._closed = False
        try:
            self._open(traits)
        except BaseException:
            self.close()
            raise

    def _open(self, traits: dict[str, Any]) -> None:
        """Make the parts, each with how it leaves: what was made when one of them fails is undone."""
        leave = self._leave.callback
        leave(super().close)
        leave(lambda: self.layout.close())
        super().__init__(**traits)
        # Watch first: what happens while plotly is loaded must not be lost.
        self._ticket = Lane.get().register(self._paint)
        leave(self._ticket.close)
        leave(self._events.clear)
        leave(self._handle.watch(self._changed))
        leave(self._handle.watch_status(self._status_changed))
        self._tools = Tools(self)
        leave(self._tools.close)
        self._restart()
        first, _ = self._look()
        self._canvas = Canvas(first)
        leave(self._canvas.close)
        self._tall = height_of(len(first.rows))
        self._frame = Frame(self.figure, self._height or self._tall)
        leave(self._frame.close)
        self.children: tuple[Any, ...] = (self._tools, self._frame, self._tools.note)
        leave(lambda: self.set_trait("children", ()))
        self._view_count = 0  # from now on the front end counts its views
        for name in (*CLASSES, "pbxnb-timeline"):
            self.add_class(name)
        self._listen()
        self._built = True
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
        self._view = (start, max(end, start + 1.0))
        self.following = False
        self._insist = True
        self._ticket.nudge()

    def snapshot(self) -> go.Figure:
        """The window as it is now, as a still figure for a saved notebook; `pbxnb.figures.describe` reads its twin."""
        with self._lock:
            self._drain()
            view, _ = self._look()
            figure = Canvas(view, still=True).figure
            height, text = self._height or height_of(len(view.rows)), self.describe()
        figure.update_layout(height=height, meta={"text": text})
        return figure

    def describe(self) -> str:
        """The text twin: what is going on in the window, in sentences."""
        with self._lock:
            start, end, now = self._bounds()
            ended = self._history.count(start, min(end, now))
            blocks = {block.call: block for block in self._phases.going_on()}
        tally = Counter(block.state for block in blocks.values())
        phases = ", ".join(f"{n} {phase}" for phase, n in sorted(tally.items())) or "no call"
        window = f"{time.strftime('%H:%M:%S', time.gmtime(start))} to {time.strftime('%H:%M:%S', time.gmtime(end))} UTC"
        return f"{window}: about {counted(ended, 'phase')} of calls; going on now: {phases}."

    def __repr__(self) -> str:
        return f"<Timeline of {clean(self._handle.name)}, {self.describe()}>"

    def expect_view(self) -> None:
        """A page is about to show this panel: draw before it says so, which a blocking cell may hold back."""
        self._expected = time.monotonic()
        self._ticket.nudge()

    def close(self) -> None:
        """Leave the page and the handle; the figure is emptied and kept for the next timeline. Idempotent."""
        if self._closed:
            return
        with self._lock:
            self._closed = True
        self._leave.close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        self.expect_view()
        return super()._repr_mimebundle_(**kwargs)

    # From the other lanes: note and wake, nothing else.

    def _changed(self, changes: Changes) -> None:
        wanted = [event for event in changes.events if event.call is not None or event.account is not None]
        self._events.extend(wanted)
        if changes.conversations:
            self._linked.append(changes.conversations)
        if wanted or changes.conversations:
            self._ticket.wake()

    def _status_changed(self, status: Status) -> None:
        # The first snapshot brings no events: what was there before us is read once the line is live.
        if status.state is LineState.LIVE and not self._live:
            self._ticket.call(self._restart)
        self._ticket.nudge()

    def _listen(self) -> None:
        """Bind the tools and the figure; every handler only notes what is wanted and nudges the lane."""
        self._tools.now.on_click(lambda _button: self.back_to_now())
        self.observe(lambda _change: self._ticket.call(self._restart), "lane_by")
        self.observe(lambda _change: self.back_to_now(), "window")
        self.observe(self._lanes_chosen, ["lane_by", "filter", "collapse_idle", "most_lanes", "group_by", "sort"])
        self.observe(lambda _change: self._ticket.nudge(), "selected")
        self.observe(self._viewed, "_view_count")
        self.figure.layout.on_change(self._view_changed, "xaxis.range")
        self.figure.layout.on_change(self._view_reset, "xaxis.autorange")
        # plotly's on_edits_completed never fires for an update of traces and layout together (7.1): the page answers
        # the traces' part only, so that answer is what paces us.
        self.figure.observe(self._answered, "_js2py_traceDeltas")
        self._leave.callback(self.figure.unobserve, self._answered, "_js2py_traceDeltas")
        for place, trace in enumerate(self.figure.data):
            if trace.name == "running" or trace.name.startswith("page"):
                trace.on_click(lambda _trace, points, _state, place=place: self._clicked(place, points.point_inds))

    def _viewed(self, change: Any) -> None:
        if (change["new"] or 0) > (change["old"] or 0):
            self._unsure = True

    def _lanes_chosen(self, _change: object) -> None:
        self._lanes = []
        self._tall = 0
        self._ticket.nudge()

    def _view_changed(self, _layout: object, wanted: Any) -> None:
        """The page's window changed; ours change on the lane, the user's elsewhere."""
        if Lane.get().here() or not wanted:
            return
        try:
            start, end = (float(bound) + self._canvas.origin for bound in wanted)
        except (TypeError, ValueError):
            return  # a range that is none: the page is resetting its axis, and says so again
        insist = self.following  # a window of ours may be on its way to the page, and would be the later one
        self._canvas.moved_away()
        self.show(start, end)
        self._insist = insist

    def _view_reset(self, _layout: object, wanted: Any) -> None:
        """A double click, or plotly's own button for it."""
        if wanted and not Lane.get().here():
            self._canvas.moved_away()
            self.back_to_now()

    def _clicked(self, place: int, points: Iterable[int]) -> None:
        for index in points:
            if call := self._canvas.clicked(place, index):
                self.selected = "" if self.selected == call else call
                return

    def _answered(self, change: Any) -> None:
        answer = change["new"]
        if not answer or answer.get("trace_edit_id") != self.figure._last_trace_edit_id:  # noqa: SLF001 - see `_listen`
            return
        if self._unsure:
            # A page has loaded the figure, and says what it has drawn; it may have missed what was sent while it did.
            self._ready, self._unsure = True, False
            self._ticket.call(self._canvas.forget)
        self._pace.answered(time.monotonic())
        self._ticket.wake()

    # On the UI lane.

    def _restart(self) -> None:
        """Build the memory from what the session knows; at the start, and when lanes come to mean something else."""
        with self._lock:
            self._live = self._handle.status.state is LineState.LIVE
            self._events.clear()
            self._history = History(widths=_FINE) if self.lane_by == "call" else History()
            self._phases = Phases(self.lane_by, self._history.add)
            self._backdrop = Backdrop()
            self._backdrop.begin(self._handle.presence())
            snapshot = self._handle.snapshot()
            # What happened in between is in the queue as well: an open call is not also an ended one.
            records = [record for record in self._handle.closed_calls() if record.call.id not in snapshot.calls]
            self._phases.begin(snapshot.calls.values(), records)
            for conversation in snapshot.conversations.values():
                self._phases.link(conversation)

    def _paint(self, now: float) -> float | None:
        with self._lock:
            if self._closed or not self._built:
                return None
            self._drain()
            if not self._view_count and now > self._expected + _EXPECTED:
                return now + 1.0
            if self._view_count and self._expected == float("-inf"):
                self._expected = now
            due = self._pace.due() if self._ready else max(self._pace.due(), self._expected + _LOADING)
            if now < due:
                return due
            try:
                if self._draw():
                    self._pace.sent(time.monotonic())
            except Exception as error:  # noqa: BLE001 - shown in the panel; the next beat tries again
                _log.exception("The timeline could not be painted.")
                self._say(f"Could not paint: {error}")
                return now + UNANSWERED
            # A window of 15 minutes moves by a pixel in about a second; a shorter one sooner.
            return now + max(FASTEST, min(5.0, self.window / 900))

    def _drain(self) -> None:
        while self._events:
            event = self._events.popleft()
            self._phases.feed(event)
            self._backdrop.feed(event)
        conversations = self._handle.conversations
        while self._linked:
            for key in self._linked.popleft():
                conversation = conversations.get(key)
                if conversation is not None and len(conversation.calls) > 1:
                    self._phases.link(conversation)

    def _draw(self) -> bool:
        view, hidden = self._look()
        self._insist = False
        # Lanes that come and go must not shake the page below; only a new choice of lanes makes it smaller.
        self._tall = max(self._tall, height_of(len(view.rows)))
        self._frame.tall(self._height or self._tall)
        sent = self._canvas.draw(view)
        self._tools.now.disabled = self.following
        self._say(self._note(view.scene, hidden))
        for widget in (self.figure, self._tools.now):
            release_route(widget)
        return sent

    def _look(self) -> tuple[View, int]:
        """What is to be seen now, and how many lanes did not fit."""
        start, end, now = self._bounds()
        running = self._phases.going_on()
        rows, hidden = choose(
            self._handle,
            self._history,
            running,
            (start, end),
            by=self.lane_by,
            filter=self.filter,
            collapse_idle=self.collapse_idle,
            sort=self.sort,
            group_by=self.group_by,
            most=self.most_lanes,
            before=self._lanes,
        )
        lanes = self._lanes = [row.lane for row in rows]
        shown = scene(self._history, running, start, end, now, lanes, selected=self.selected, limit=self._limit)
        self._limit = shown.limit
        backs = self._backdrop.marks(lanes, start, end, now) if self.lane_by == "extension" else {}
        backs["gap"] = gap_marks(self._handle.status.gaps, len(rows), start, end, now)
        return View(shown, backs, rows, (start, end), now, moves=self.following or self._insist), hidden

    def _bounds(self) -> tuple[float, float, float]:
        """The window and now, on the PBX's clock, seconds since 1970."""
        now = self._handle.clock.now().timestamp()
        view = self._view
        if self.following or view is None:
            return now - self.window, now + 0.02 * self.window, now
        return view[0], view[1], now

    def _note(self, shown: Scene, hidden: int) -> str:
        said = []
        if self._handle.status.state in (LineState.CLOSED, LineState.REFUSED):
            said.append("closed; run this cell again")
        if shown.heat is not None:
            said.append("too many calls for single marks: shade tells how busy; zoom in for the calls")
        if hidden:
            said.append(f"{hidden} more lanes: filter to see them")
        if self.selected and (story := self._phases.story(self.selected)) is not None:
            said.append(story.tell().replace("\n", " · "))
        return " · ".join(said)

    def _say(self, text: str) -> None:
        self._tools.note.value = clean(text, 400)
