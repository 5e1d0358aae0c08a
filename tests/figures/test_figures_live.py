"""Live pictures: drawn anew while viewed, the user's zoom kept, the reason told where there is nothing to draw."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any

import comm
import plotly.graph_objects as go
import pytest
from ipywidgets.widgets import widget as ipywidget

from pbxnb.errors import AnalysisError, ConfigError
from pbxnb.figures import describe, extensions
from pbxnb.figures.live import LivePicture, live
from pbxnb.figures.plotting.pace import FigureTiming
from pbxnb.figures.plotting.panel import FigurePanel
from pbxnb.figures.plotting.widget import PlotlyCode, SpareFigures
from pbxnb.model.entities import CallRecord, LineState
from tests.widgets.fakes import FakeHandle, RecordingComm, account, call, until


@pytest.fixture(autouse=True)
def recording(monkeypatch: pytest.MonkeyPatch) -> None:
    RecordingComm.sent = []
    monkeypatch.setattr(comm, "create_comm", RecordingComm)
    monkeypatch.setattr(SpareFigures, "_kept", [])
    monkeypatch.setattr(FigurePanel, "timing", FigureTiming(lane=1))


class Counter:
    """A picture that counts how often it was drawn."""

    def __init__(self) -> None:
        self.drawn = 0
        self.kind: Any = go.Bar
        self.fails = False

    def __call__(self, handle: Any, *, colour: str = "red") -> go.Figure:
        if self.fails:
            raise AnalysisError("There is nothing to draw: no calls in this table.")
        self.drawn += 1
        made = go.Figure(self.kind(x=[1, 2], y=[self.drawn, 2], marker_color=colour))
        return made.update_layout(title=f"drawn {self.drawn}", shapes=[{"type": "line", "x0": self.drawn}])


def see(panel: LivePicture) -> None:
    """What a page does when it has loaded the panel, and after each picture."""
    panel._view_count = 1
    answer = {"trace_deltas": [], "trace_edit_id": panel.figure._last_trace_edit_id}
    panel.figure.comm.handle_msg(
        {"content": {"data": {"method": "update", "state": {"_js2py_traceDeltas": answer}}}, "buffers": []}
    )


def after(panel: LivePicture, condition: Any) -> None:
    def seen() -> bool:
        see(panel)
        return bool(condition())

    until(seen, 20.0)


def test_it_is_drawn_anew_only_while_somebody_looks() -> None:
    picture = Counter()
    panel = live(picture, FakeHandle(), every=0.25, options={"colour": "blue"})
    assert panel.figure.data[0].marker.color == "blue"
    panel._ticket.nudge()
    assert picture.drawn == 1
    after(panel, lambda: picture.drawn >= 3)
    after(panel, lambda: panel.figure.data[0].y[0] >= 3)
    assert panel.figure.layout.title.text == f"drawn {panel.figure.data[0].y[0]}"
    assert len(panel.figure.layout.shapes) == 1


def test_the_users_zoom_is_kept() -> None:
    picture = Counter()
    panel = live(picture, FakeHandle(), every=0.25)
    panel.figure.layout.xaxis.range = [0.5, 1.5]
    after(panel, lambda: picture.drawn >= 3)
    assert panel.figure.layout.xaxis.range == (0.5, 1.5)


def test_traces_of_another_kind_are_exchanged() -> None:
    picture = Counter()
    panel = live(picture, FakeHandle(), every=0.25)
    picture.kind = go.Scatter
    after(panel, lambda: [trace.type for trace in panel.figure.data] == ["scatter"])


def test_where_nothing_can_be_drawn_the_reason_is_told_and_it_is_tried_again() -> None:
    picture = Counter()
    picture.fails = True
    panel = live(picture, FakeHandle(), every=0.25)
    assert "nothing to draw" in panel._tools.text
    picture.fails = False
    after(panel, lambda: len(panel.figure.data) == 1 and panel._tools.text == "")


def test_the_end_of_the_line_is_told() -> None:
    handle = FakeHandle()
    panel = live(Counter(), handle, every=0.25)
    handle.become(LineState.CLOSED)
    assert "What you see was true until" in panel._tools._ending()


def test_a_picture_of_the_module_is_live_with_its_text_twin() -> None:
    handle = FakeHandle([account("203"), account("204")])
    now = datetime.now(UTC)

    def talked(id_: str, lane: str) -> CallRecord:
        one = call(
            id_, "+1202", lane, extensions=(lane,), conversation=id_,
            started_at=now - timedelta(seconds=100), connected_at=now - timedelta(seconds=90),
        )  # fmt: skip
        return CallRecord(call=one, ended_at=now, ring=10.0, talk=90.0)

    handle.records.append(talked("1", "203"))
    panel = live(extensions, handle, every=0.25)
    first = describe(panel.figure)
    handle.records.append(talked("2", "204"))
    after(panel, lambda: describe(panel.figure) != first)
    assert describe(panel.snapshot()) == describe(panel.figure)


def test_closed_it_leaves_nothing_but_a_blank_figure_and_the_code_of_all() -> None:
    handle = FakeHandle()
    before = set(ipywidget._instances)
    panel = live(Counter(), handle)
    figure = panel.figure
    panel.close()
    panel.close()
    assert handle.listeners() == 0
    left = [made for key, made in ipywidget._instances.items() if key not in before]
    assert [made for made in left if not isinstance(made, PlotlyCode)] == [figure]
    assert SpareFigures._kept == [figure]
    assert figure.data == ()


def test_what_could_not_be_made_leaves_nothing() -> None:
    before = set(ipywidget._instances)
    with pytest.raises(TypeError, match="shade"):
        live(Counter(), FakeHandle(), options={"shade": "red"})
    assert set(ipywidget._instances) == before


def test_each_of_its_arguments_has_a_name() -> None:
    assert [p.kind for p in inspect.signature(live).parameters.values()] == [
        inspect.Parameter.POSITIONAL_OR_KEYWORD
    ] * 4
    with pytest.raises(TypeError, match="takes no keyword 'colour'; there is picture, pbx, every, options"):
        live(Counter(), FakeHandle(), colour="blue")  # type: ignore[call-arg]


def test_what_cannot_be_a_picture_is_refused() -> None:
    with pytest.raises(ConfigError, match="is no picture"):
        live("concurrency", FakeHandle())  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="too often"):
        live(Counter(), FakeHandle(), every=0.01)
