"""The live timeline: a panel whose cost does not grow with history. The kernel owns the data, the page the view.

Each flush shows the visible window of the handle's history in at most about 600 marks and waits for the page's answer
(`pace`). The UI lane alone writes the figure.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar, Final

import plotly.graph_objects as go
import traitlets

from pbxnb.history import LaneBy
from pbxnb.model.changes import Changes
from pbxnb.model.entities import Phase
from pbxnb.text import clean, clean_logger
from pbxnb.ui.handle import Handle
from pbxnb.ui.lane import Lane
from pbxnb.zones import clock_text, times_in

from ..plotting.panel import FigurePanel
from ..plotting.tools import Choice, FigureTools
from ..source import counted, label
from ..style import STATES
from .background import BACKS, condition_marks, gap_marks
from .figure import COLOURS, PHASES, TimelineFigure, View, height_of
from .lanes import GroupBy, SortBy, chosen_rows
from .marks import Marks, marks_of

__all__ = ["Timeline"]

_CHOICES = (
    Choice(
        "window",
        "Window shown while following now",
        {"1 min": 60.0, "5 min": 300.0, "15 min": 900.0, "1 h": 3600.0, "4 h": 14_400.0, "24 h": 86_400.0},
    ),
    Choice("lane_by", "Lanes", {"extensions": "extension", "calls": "call", "queues": "queue"}),
    Choice("group_by", "Groups", {"no groups": "", "by department": "department", "by type": "type"}),
    Choice("sort", "Order", {"by number": "number", "by name": "name", "busy first": "busy"}),
    Choice("filter", "Find lane"),
    Choice("collapse_idle", "Hide idle"),
)
_LEGEND = (
    *(
        ("waiting" if phase is Phase.QUEUED else phase, STATES[phase], 5 if phase in PHASES[:3] else 11)
        for phase in PHASES
        if phase is not Phase.OTHER
    ),
    *((words, f"{COLOURS[name]}55", 11) for name, words in BACKS.items()),
    ("nothing known", "repeating-linear-gradient(135deg,#9994 0 3px,#999b 3px 5px)", 11),
)
_log = clean_logger("pbxnb.ui")


class Timeline(FigurePanel):
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
        theme: of the tools, as of every panel.
        density: of the tools, as of every panel.
        wallboard: without tools, as of every panel.

    Example:
        >>> timeline = pbx.timeline(window=3600)
    """

    window: Final = traitlets.Float(900.0, min=60.0, max=86_400.0)
    lane_by: traitlets.Enum[LaneBy] = traitlets.Enum(("extension", "call", "queue"), "extension")
    filter: Final = traitlets.Unicode("")
    sort: traitlets.Enum[SortBy] = traitlets.Enum(("number", "name", "busy"), "number")
    group_by: traitlets.Enum[GroupBy] = traitlets.Enum(("", "department", "type"), "")
    collapse_idle: Final = traitlets.Bool(None, allow_none=True)
    most_lanes: Final = traitlets.Int(24, min=1, max=200)
    following = traitlets.Bool(True)
    selected = traitlets.Unicode("")
    theme: Final = traitlets.Enum(("auto", "light", "dark"), "auto")
    density: Final = traitlets.Enum(("comfortable", "compact"), "comfortable")
    wallboard: Final = traitlets.Bool(False)

    _look: ClassVar[tuple[str, ...]] = ("theme", "density", "wallboard")

    def __init__(self, handle: Handle, *, height: int | None = None, **traits: Any) -> None:
        self._view: tuple[float, float] | None = None  # the user's window, seconds since 1970
        self._insist = False  # the page may have got a window of ours after the user's
        self._limit = 0
        self._lanes: list[str] = []
        self._expected = float("-inf")  # since when a page is about to show us
        self._ready = False  # a page has drawn the figure at least once
        self._unsure = True  # a page may not have what was sent
        self._built = False
        self._height = height
        super().__init__(handle, **traits)

    def _follow(self, handle: Handle) -> None:
        self._leave.callback(handle.watch(self._changed))
        self._leave.callback(handle.watch_status(lambda _status: self._ticket.nudge()))

    def _begin(self) -> None:
        first, _ = self._seen()
        self._drawing = TimelineFigure(first, self._handle.tz)
        self._leave.callback(self._drawing.close)
        self._tall = height_of(len(first.rows))
        tools = FigureTools(self._handle, self, _CHOICES, legend=_LEGEND, back=self.back_to_now)
        self._show(self._drawing.figure, self._height or self._tall, tools)
        for name in self._look:
            self._leave.callback(traitlets.link((self, name), (tools, name)).unlink)
        self.add_class("pbxnb-timeline")
        self._listen()
        self._built = True
        self._ticket.nudge()

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
            view, _ = self._seen()
            figure = TimelineFigure(view, self._handle.tz, still=True).figure
            height, text = self._height or height_of(len(view.rows)), self.describe()
        figure.update_layout(height=height, meta={"text": text})
        if tenant := label(self._handle.tenant):
            figure.update_layout(
                title={"text": tenant, "font": {"size": 12}, "x": 0, "xref": "paper"}, margin={"t": 32}
            )
        return figure

    def describe(self) -> str:
        """The text twin: what is going on in the window, in sentences."""
        history, (start, end, now) = self._handle.history, self._bounds()
        ended = history.lanes(self.lane_by).count(start, min(end, now))
        tally = Counter({block.call: block.span.phase for block in history.running(self.lane_by)}.values())
        phases = ", ".join(f"{n} {phase}" for phase, n in sorted(tally.items())) or "no call"
        zone = self._handle.tz
        window = f"{clock_text(start, zone, date=True)} to {clock_text(end, zone)}, {times_in(zone)}"
        tenant = clean(self._handle.tenant)
        return f"{tenant and f'{tenant}, '}{window}: about {counted(ended, 'phase')} of calls; going on now: {phases}."

    def _plain(self) -> str:
        return f"Timeline of {clean(self._handle.name)}, {self.describe()}"

    def expect_view(self) -> None:
        """A page is about to show this panel: draw before it says so, which a blocking cell may hold back."""
        self._expected = time.monotonic()
        self._tools.expect_view()
        self._ticket.nudge()

    # From the other lanes: note and wake, nothing else.

    def _changed(self, changes: Changes) -> None:
        if changes.calls or changes.conversations or changes.accounts:
            self._ticket.wake()

    def _listen(self) -> None:
        """Bind the traits and the figure; every handler only notes what is wanted and nudges the lane."""
        self.observe(lambda _change: self.back_to_now(), "window")
        self.observe(self._lanes_chosen, ["lane_by", "filter", "collapse_idle", "most_lanes", "group_by", "sort"])
        self.observe(lambda _change: self._ticket.nudge(), "selected")
        self.observe(self._viewed, "_view_count")
        self.figure.layout.on_change(self._view_changed, "xaxis.range")
        self.figure.layout.on_change(self._view_reset, "xaxis.autorange")
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
            start, end = (float(bound) + self._drawing.origin for bound in wanted)
        except (TypeError, ValueError):
            return  # a range that is none: the page is resetting its axis, and says so again
        insist = self.following  # a window of ours may be on its way to the page, and would be the later one
        self._drawing.moved_away()
        self.show(start, end)
        self._insist = insist

    def _view_reset(self, _layout: object, wanted: Any) -> None:
        """A double click, or plotly's own button for it."""
        if wanted and not Lane.get().here():
            self._drawing.moved_away()
            self.back_to_now()

    def _clicked(self, place: int, points: Iterable[int]) -> None:
        for index in points:
            if call := self._drawing.clicked(place, index):
                self.selected = "" if self.selected == call else call
                return

    def _loaded(self) -> None:
        if self._unsure:
            # A page has loaded the figure; it may have missed what was sent while it did.
            self._ready, self._unsure = True, False
            self._ticket.call(self._drawing.forget)

    # On the UI lane.

    def _paint(self, now: float) -> float | None:
        timing = self.timing
        with self._lock:
            if self._closed or not self._built:
                return None
            if not self._view_count and now > self._expected + timing.expected:
                return now + 1.0
            if self._view_count and self._expected == float("-inf"):
                self._expected = now
            due = self._pace.due() if self._ready else max(self._pace.due(), self._expected + timing.loading)
            if now < due:
                return due
            try:
                if self._draw():
                    self._sent()
            except BaseException as error:  # noqa: BLE001 - shown in the panel; the next beat tries again
                _log.exception("The timeline could not be painted.")
                self._tools.say(f"Could not paint: {error}")
                return now + timing.unanswered
            # A window of 15 minutes moves by a pixel in about a second; a shorter one sooner.
            return now + max(timing.fastest, min(5.0, self.window / 900))

    def _draw(self) -> bool:
        view, hidden = self._seen()
        self._insist = False
        # Lanes that come and go must not shake the page below; only a new choice of lanes makes it smaller.
        self._tall = max(self._tall, height_of(len(view.rows)))
        self._box.set_height(self._height or self._tall)
        self._tools.say(self._note(view.marks, hidden))
        return self._drawing.draw(view)

    def _seen(self) -> tuple[View, int]:
        """What is to be seen now, and how many lanes did not fit."""
        history, (start, end, now) = self._handle.history, self._bounds()
        index, running = history.lanes(self.lane_by), history.running(self.lane_by)
        rows, hidden = chosen_rows(
            self._handle,
            index,
            running,
            (start, end),
            filter=self.filter,
            collapse_idle=self.collapse_idle,
            sort=self.sort,
            group_by=self.group_by,
            most=self.most_lanes,
            before=self._lanes,
        )
        lanes = self._lanes = [row.lane for row in rows]
        zone = self._handle.tz
        shown = marks_of(index, running, start, end, now, lanes, zone=zone, selected=self.selected, limit=self._limit)
        self._limit = shown.limit
        backs = condition_marks(history.conditions, lanes, start, end, now) if self.lane_by == "extension" else {}
        backs["gap"] = gap_marks(history.unknown(), len(rows), start, end, now, index.lost)
        return View(shown, backs, rows, (start, end), now, moves=self.following or self._insist), hidden

    def _bounds(self) -> tuple[float, float, float]:
        """The window and now, on the PBX's clock, seconds since 1970."""
        now = self._handle.clock.now().timestamp()
        view = self._view
        if self.following or view is None:
            return now - self.window, now + 0.02 * self.window, now
        return view[0], view[1], now

    def _note(self, shown: Marks, hidden: int) -> str:
        said = []
        if shown.heat is not None:
            said.append("too many calls for single marks: shade tells how busy; zoom in for the calls")
        if hidden:
            said.append(f"{hidden} more lanes: filter to see them")
        if self.selected and (story := self._handle.history.story(self.selected)) is not None:
            said.append(story.text(self._handle.tz).replace("\n", " · "))
        return " · ".join(said)
