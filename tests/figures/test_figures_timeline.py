"""The timeline panel against a recorded comm: what it sends, when, how much, and that it leaves nothing behind."""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import comm
import ipywidgets
import msgspec
import plotly.graph_objects as go
import pytest
import traitlets
from ipywidgets.widgets import widget as ipywidget

from pbxnb.figures import describe
from pbxnb.figures.plotting.pace import FigureTiming
from pbxnb.figures.plotting.panel import FigurePanel
from pbxnb.figures.plotting.widget import SpareFigures
from pbxnb.figures.timeline import Timeline
from pbxnb.history import Span, Story
from pbxnb.model.changes import Changes, Event
from pbxnb.model.entities import Account, Call, CallState, Gap, LineState, Party, Phase
from tests.widgets.fakes import HOSTILE, FakeHandle, RecordingComm, Wire, account, call, until

ENVELOPE = 430  # bytes of a message around its data, as measured in JupyterLab


@pytest.fixture(autouse=True)
def recording(monkeypatch: pytest.MonkeyPatch) -> None:
    RecordingComm.sent = []
    monkeypatch.setattr(comm, "create_comm", RecordingComm)
    monkeypatch.setattr(SpareFigures, "_kept", [])
    monkeypatch.setattr(FigurePanel, "timing", FigureTiming(loading=1000.0, fastest=0.02))


class Page:
    """The page's end of one timeline: shows it, answers its pictures, drags and clicks."""

    def __init__(self, timeline: Timeline, *, shows: bool = True) -> None:
        self.timeline = timeline
        self.figure = timeline.figure
        self.id = self.figure.comm.comm_id
        if shows:
            timeline._view_count = 1
            self.answer()

    def pictures(self) -> list[dict[str, Any]]:
        return [entry["_py2js_update"] for entry in self.states() if entry.get("_py2js_update")]

    def states(self) -> list[dict[str, Any]]:
        with RecordingComm.arrived:
            mine = [data for key, kind, data, _ in RecordingComm.sent if key == self.id and kind == "comm_msg"]
        return [data["state"] for data in mine if data.get("method") == "update"]

    def bytes(self) -> int:
        with RecordingComm.arrived:
            return sum(ENVELOPE + len(json.dumps(data)) for key, _, data, _ in RecordingComm.sent if key == self.id)

    def say(self, **state: Any) -> None:
        self.figure.comm.handle_msg({"content": {"data": {"method": "update", "state": state}}, "buffers": []})

    def answer(self) -> None:
        self.say(_js2py_traceDeltas={"trace_deltas": [], "trace_edit_id": self.figure._last_trace_edit_id})

    def next(self, timeout: float = 30.0) -> dict[str, Any]:
        """The next picture that comes, answered."""
        self.answer()
        count = len(self.pictures())
        self.timeline._ticket.nudge()
        until(lambda: len(self.pictures()) > count, timeout)
        self.answer()
        return self.pictures()[-1]

    def settle(self) -> None:
        """Take pictures until the last event is on one."""
        self.next()
        self.next()


def trace(timeline: Timeline, name: str) -> Any:
    return next(trace for trace in timeline.figure.data if trace.name == name)


def bars(timeline: Timeline) -> list[tuple[int, float]]:
    """Row and length of every ended block on the figure."""
    return sorted(
        (row, length)
        for trace in timeline.figure.data
        if trace.name.startswith("page")
        for row, length in zip(trace.y or (), trace.x or (), strict=True)
    )


def happen(handle: FakeHandle, kind: str, one: Call, ago: float = 0.0) -> None:
    at = datetime.now(UTC) - timedelta(seconds=ago)
    one = msgspec.structs.replace(one, since=at)
    handle.calls[one.id] = one
    if kind == "call.ended":
        del handle.calls[one.id]
    handle.tell(Changes(events=(Event(kind=kind, call=one, at=at, received=at),), calls=frozenset((one.id,))))


def talk(handle: FakeHandle, id_: str, lane: str, ago: float, lasted: float, **fields: Any) -> None:
    one = call(id_, "+12025550101", lane, extensions=(lane,), conversation=id_, **fields)
    happen(handle, "call.new", one, ago)
    happen(handle, "call.ended", one, ago - lasted)


def office(size: int = 10) -> FakeHandle:
    return FakeHandle(account(str(200 + n)) for n in range(size))


def filled(timeline: Timeline, calls: int, lanes: list[str], per_second: float = 10.0) -> None:
    """A history of ended calls, the newest a moment ago."""
    chance, now = random.Random(1), time.time()
    for n in range(calls):
        start, lane = now - 70 - (calls - n) / per_second, chance.choice(lanes)
        story = Story(f"old{n}", f"+1202555{n % 10_000:04d} → {lane}")
        story.spans = (
            Span(f"old{n}", Phase.RINGING, start, start + 5, (lane,)),
            Span(f"old{n}", Phase.TALKING, start + 5, start + 65, (lane,)),
        )
        for span in story.spans:
            timeline._handle.history._end(span, story)


def test_the_first_picture_travels_with_the_figure() -> None:
    handle = office()
    handle.put(call("1", "+12025550101", "203", extensions=("203",)))
    timeline = Timeline(handle)
    shown: dict[str, Any] = {}
    for key, _, data, _ in RecordingComm.sent:
        if key == timeline.figure.comm.comm_id:
            shown |= data.get("state", {})  # what a page that loads the figure only later finds
    names = {one["name"]: one for one in shown["_widget_data"]}
    assert names["running"]["y"] == [3]
    assert len(shown["_widget_layout"]["yaxis"]["ticktext"]) == 10


def test_nothing_is_drawn_before_the_page_has_loaded_the_figure_and_then_everything() -> None:
    handle = office()
    timeline = Timeline(handle)
    page = Page(timeline, shows=False)
    talk(handle, "1", "204", 60, 30)
    timeline._view_count = 1
    assert page.pictures() == []
    page.answer()  # plotly says what it has drawn when it has been loaded
    until(lambda: len(page.pictures()) == 1)
    page.answer()
    assert bars(timeline) == [(4, 30.0)]


def test_each_flush_is_one_update_and_what_stays_as_it_is_is_not_sent() -> None:
    handle = office()
    timeline = Timeline(handle)
    page = Page(timeline)
    talk(handle, "1", "204", 60, 30)
    page.settle()
    before = len(page.states())
    picture = page.next()
    assert len([state for state in page.states()[before:] if state.get("_py2js_update")]) == 1
    assert set(picture["layout_data"]) <= {"xaxis.range", "xaxis.tickvals", "xaxis.ticktext"}
    assert [timeline.figure.data[place].name for place in picture["style_traces"]] == ["now"]


def test_a_call_is_drawn_as_it_happens() -> None:
    handle = office()
    timeline = Timeline(handle)
    page = Page(timeline)
    one = call("1", "+12025550101", "203", state=CallState.RINGING, extensions=("203",))
    happen(handle, "call.new", one, 20)
    page.settle()
    assert trace(timeline, "running").y == (3,)
    assert trace(timeline, "running").x[0] == pytest.approx(20, abs=5)
    assert max(trace(timeline, "fade").marker.opacity) == 1.0
    happen(handle, "call.ended", one, 5)
    page.settle()
    assert not trace(timeline, "running").y
    assert bars(timeline) == [(3, pytest.approx(15, abs=5))]


@pytest.mark.parametrize("window", [300.0, 3600.0])
@pytest.mark.parametrize("calls", [1000, 50_000])
def test_the_bytes_of_a_flush_do_not_grow_with_history(calls: int, window: float) -> None:
    handle = office(1000)
    timeline = Timeline(handle, window=window)
    filled(timeline, calls, list(handle.accounts))
    page = Page(timeline)
    page.settle()
    sizes = []
    for n in range(12):
        for m in range(3):
            happen(handle, "call.new", call(f"{n}.{m}", "+12025550101", str(200 + n), extensions=(str(200 + n),)))
        before = page.bytes()
        page.next()
        sizes.append(page.bytes() - before)
    assert max(sizes) < 60_000
    assert sorted(sizes)[len(sizes) // 2] < 10_000


def test_a_whole_crowded_picture_stays_within_its_budget() -> None:
    handle = office(24)
    timeline = Timeline(handle, window=3600.0)
    filled(timeline, 290, list(handle.accounts), per_second=0.1)
    page = Page(timeline)
    before = len(page.pictures())
    timeline._drawing.forget()
    page.next()
    assert 500 < len(bars(timeline)) <= 600
    whole = max(page.pictures()[before:], key=lambda picture: len(picture["style_traces"]))
    assert len(whole["style_traces"]) > 5
    assert ENVELOPE + len(json.dumps(whole)) < 60_000


def test_a_second_view_gets_the_whole_picture_once() -> None:
    handle = office()
    timeline = Timeline(handle)
    page = Page(timeline)
    talk(handle, "1", "204", 60, 30)
    page.settle()
    timeline._view_count = 2
    page.answer()  # its own, after it has loaded
    whole = [len(page.next()["style_traces"]) for _ in range(4)]
    page.answer()  # two views answer everything twice
    assert max(whole) > 5
    assert len(page.next()["style_traces"]) == 1


def test_a_page_that_does_not_answer_gets_a_picture_every_two_seconds() -> None:
    handle = office()
    timeline = Timeline(handle)
    page = Page(timeline)
    page.next()
    count = len(page.pictures())
    until(lambda: len(page.pictures()) == count + 1)
    begun = time.monotonic()
    until(lambda: len(page.pictures()) == count + 2)
    assert time.monotonic() - begun > 1.5
    page.answer()


def test_a_drag_keeps_the_users_window_until_back_to_now() -> None:
    handle = office()
    timeline = Timeline(handle)
    page = Page(timeline)
    talk(handle, "1", "204", 500, 30)
    page.settle()
    data = {"xaxis.range[0]": -620.0, "xaxis.range[1]": -320.0}
    page.say(_js2py_relayout={"relayout_data": data, "source_view_id": "view"})
    assert not timeline.following
    picture = page.next()
    assert picture["layout_data"].get("xaxis.range", [-620, -320]) == [-620, -320]
    talk(handle, "2", "204", 60, 30)
    page.timeline._ticket.nudge()
    assert timeline.figure.layout.xaxis.range == (-620, -320)
    start, end, _ = timeline._bounds()
    assert end - start == pytest.approx(300)
    tools = Wire(timeline._tools)
    tools.hello()
    tools.say(back=True)
    tools.settle()
    assert timeline.following
    page.settle()
    assert timeline.figure.layout.xaxis.range[1] > 0


def test_a_double_click_leads_back_to_now() -> None:
    timeline = Timeline(office())
    page = Page(timeline)
    timeline.show(time.time() - 500, time.time() - 400)
    page.next()
    page.say(_js2py_relayout={"relayout_data": {"xaxis.autorange": True}, "source_view_id": "view"})
    assert timeline.following
    page.next()
    assert timeline.figure.layout.xaxis.range[1] == pytest.approx(0.02 * 900, abs=5)


def test_a_click_selects_a_selection_highlights_and_tells_the_story() -> None:
    handle = office()
    timeline = Timeline(handle)
    page = Page(timeline)
    talk(handle, "1", "204", 90, 30)
    talk(handle, "2", "206", 60, 30)
    page.settle()
    place = next(n for n, one in enumerate(timeline.figure.data) if one.x and one.name.startswith("page"))
    point = list(timeline.figure.data[place].y).index(6)
    points = {"trace_indexes": [place], "point_indexes": [point], "xs": [0], "ys": [6]}
    clicked = {"event_type": "plotly_click", "points": points, "device_state": None, "selector": None}
    page.say(_js2py_pointsCallback=clicked)
    assert timeline.selected == "2"
    page.next()
    assert trace(timeline, "selected").y == (6,)
    assert "talking 0:30 on 206" in timeline._tools.text
    page.say(_js2py_pointsCallback=clicked)  # once more: none
    assert timeline.selected == ""
    page.next()
    assert not trace(timeline, "selected").y
    timeline.selected = "1"
    page.next()
    assert trace(timeline, "selected").y == (4,)


def test_lanes_are_filtered_sorted_grouped_and_idle_ones_left_out() -> None:
    people = [("201", "Zoe", "Sales"), ("202", "Ann", "Care"), ("203", "Bob", "Sales"), ("204", "Kim", "")]
    handle = FakeHandle(account(number, name=name, extra={"department": group}) for number, name, group in people)
    timeline = Timeline(handle)
    page = Page(timeline)

    def labels() -> tuple[str, ...]:
        page.next()
        return tuple(timeline.figure.layout.yaxis.ticktext)

    assert labels() == ("201 Zoe", "202 Ann", "203 Bob", "204 Kim")
    timeline.sort = "name"
    assert labels() == ("202 Ann", "203 Bob", "204 Kim", "201 Zoe")
    timeline.group_by = "department"
    assert labels() == (
        "<b>Care</b>", "202 Ann", "<b>Sales</b>", "203 Bob", "201 Zoe", "<b>no department</b>", "204 Kim",
    )  # fmt: skip
    timeline.group_by, timeline.sort, timeline.filter = "", "busy", "o"
    happen(handle, "call.new", call("1", "+1202", "203", extensions=("203",)))
    assert labels() == ("203 Bob", "201 Zoe")
    timeline.filter, timeline.collapse_idle = "", True
    assert labels() == ("203 Bob",)


def test_lanes_may_be_calls_or_queues() -> None:
    handle = FakeHandle([account("203"), Account(number="600", name="Support", type="acds", since=datetime.now(UTC))])
    handle.put(call("1", "+12025550101", "203", extensions=("203",), queue="600", conversation="1"))
    timeline = Timeline(handle)
    page = Page(timeline)
    timeline.lane_by = "queue"
    page.settle()
    assert timeline.figure.layout.yaxis.ticktext == ("600 Support",)
    assert trace(timeline, "running").y == (0,)
    timeline.lane_by = "call"
    page.settle()
    assert timeline.figure.layout.yaxis.ticktext[0].startswith("1 +12025550101 →")


def test_presence_and_gaps_lie_behind() -> None:
    handle = office()
    now = datetime.now(UTC)
    handle.status = type(handle.status)(
        state=LineState.LIVE, since=now, gaps=(Gap(now - timedelta(seconds=100), now - timedelta(seconds=40)),)
    )
    timeline = Timeline(handle)
    page = Page(timeline)
    away = account("203", dnd=True, registered=False)
    handle.accounts["203"] = away
    event = Event(kind="account.changed", account=away, received=now - timedelta(seconds=30))
    handle.tell(Changes(events=(event,), accounts=frozenset(["203"])))
    page.settle()
    assert trace(timeline, "gap").x == (60.0,)
    assert trace(timeline, "gap").width == (10,)
    assert (trace(timeline, "dnd").y, trace(timeline, "offline").y) == ((3,), (3,))


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_strangers_never_become_markup(name: str) -> None:
    handle = FakeHandle([account("203", name=name)])
    timeline = Timeline(handle)
    page = Page(timeline)
    one = call("1", "+12025550101", "203", extensions=("203",))
    one = type(one)(id="1", from_=Party(name=name), to=one.to, state=one.state, since=one.since, extensions=("203",))
    happen(handle, "call.new", one)
    page.settle()
    json.dumps(page.pictures()).encode("utf-8")
    texts = [*trace(timeline, "running").hovertext, *timeline.figure.layout.yaxis.ticktext]
    for text in texts:
        assert "<" not in text.replace("<br>", "").replace("<b>", "").replace("</b>", "")
        assert len(text) < 2000


def test_what_was_there_before_the_line_was_live_is_read_when_it_is() -> None:
    handle = office()
    handle.become(LineState.SYNCING)
    timeline = Timeline(handle)
    page = Page(timeline)
    handle.put(call("1", "+12025550101", "203", extensions=("203",)))  # a first snapshot brings no events
    handle.become(LineState.LIVE)
    page.next()
    page.next()
    assert trace(timeline, "running").y == (3,)
    handle.become(LineState.CLOSED)
    page.next()
    assert "What you see was true until" in timeline._tools._ending()


def test_a_closed_timeline_leaves_nothing_and_its_figure_is_used_again() -> None:
    handle = office()
    before = set(ipywidget._instances)
    timeline = Timeline(handle)
    page = Page(timeline)
    talk(handle, "1", "204", 60, 30)
    page.settle()
    figure = timeline.figure
    timeline.close()
    timeline.close()
    assert handle.listeners() == 0
    left = {type(made).__name__ for key, made in ipywidget._instances.items() if key not in before}
    assert left == {"FigureWidget", "PlotlyCode"}
    assert (figure.data, SpareFigures._kept) == ((), [figure])
    again = Timeline(office())
    assert again.figure is figure
    assert len(again.figure.data) > 20
    assert not any(bars(again))
    again.close()


def test_a_timeline_that_could_not_be_made_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    handle = office()
    before = set(ipywidget._instances)
    with pytest.raises(traitlets.TraitError, match="window"):
        Timeline(handle, window="x")
    with pytest.raises(TypeError, match="takes no keyword 'windw'; did you mean 'window'"):
        Timeline(handle, windw=60)
    monkeypatch.setattr("pbxnb.figures.timeline.panel.TimelineFigure", _no_figure)
    with pytest.raises(RuntimeError, match="no figure today"):
        Timeline(handle)
    assert set(ipywidget._instances) == before
    assert handle.listeners() == 0


def _no_figure(*_given: object) -> None:
    raise RuntimeError("no figure today")


def test_at_most_a_few_figures_are_kept() -> None:
    handle = office()
    opened = [Timeline(handle) for _ in range(SpareFigures.MOST + 2)]
    for timeline in opened:
        timeline.close()
    assert len(SpareFigures._kept) == SpareFigures.MOST


def test_a_figure_that_somebody_else_closed_is_not_used_again() -> None:
    handle = office()
    Timeline(handle).close()
    (kept,) = SpareFigures._kept
    ipywidgets.Widget.close_all()
    timeline = Timeline(handle)
    assert timeline.figure is not kept
    assert timeline.figure.comm is not None


def test_it_tells_itself_in_words() -> None:
    handle = office()
    timeline = Timeline(handle)
    page = Page(timeline)
    talk(handle, "1", "204", 60, 30)
    happen(handle, "call.new", call("2", "+12025550101", "203", extensions=("203",)))
    page.settle()
    assert timeline.describe().endswith("about 1 phase of calls; going on now: 1 talking.")


def test_a_snapshot_is_a_still_figure_of_now_even_where_no_page_looks() -> None:
    handle = office()
    timeline = Timeline(handle)
    happen(handle, "call.new", call("2", "+12025550101", "203", extensions=("203",)))
    shot = timeline.snapshot()
    assert type(shot) is go.Figure
    assert next(trace for trace in shot.data if trace.name == "running").x
    assert describe(shot).endswith("going on now: 1 talking.")
    timeline.close()
    assert shot.data  # it stays when the panel goes


def test_an_unknown_choice_is_refused() -> None:
    timeline = Timeline(office())
    with pytest.raises(traitlets.TraitError):
        timeline.lane_by = "colour"
