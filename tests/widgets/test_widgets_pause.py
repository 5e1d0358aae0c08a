"""A board that stands still: its parts over a recording of the line, which goes on; and back to now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ipywidgets
import msgspec
import pytest
import traitlets

from pbxnb.errors import ConfigError, RecordingError
from pbxnb.model.changes import Changes, Event
from pbxnb.model.entities import AccountState, LineState
from pbxnb.model.status import RecordingState
from pbxnb.ui.panel import Panel
from pbxnb.ui.timing import Timing
from pbxnb.widgets.alerts import Rule
from pbxnb.widgets.dashboard import Dashboard
from tests.widgets.fake_replay import FakeReplay
from tests.widgets.fakes import START, FakeHandle, RecordingComm, Wire, account, until

RECORDING = RecordingState(path="/tmp/monday.pbx", written=1, acknowledged=1, behind=0.0, why="")


class Picture(ipywidgets.Box):  # type: ignore[misc]  # ipywidgets publishes no types
    """A timeline's stand-in."""

    selected = traitlets.Unicode("")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Panel, "timing", Timing(recheck=0.05))


@pytest.fixture
def replay() -> FakeReplay:
    """What is shown while the board is paused: one account more than the line has."""
    made = FakeReplay()
    made.pbx.put(account("204"), account("999"))
    made.pbx.timeline = lambda **_: Picture()  # type: ignore[method-assign]
    return made


@pytest.fixture
def handle(replay: FakeReplay) -> FakeHandle:
    """A line that records."""
    made = FakeHandle([account("204", AccountState.BUSY)])
    made.replays = lambda: replay
    made.become(LineState.LIVE, recording=RECORDING)
    return made


@pytest.fixture
def board(handle: FakeHandle) -> Iterator[Dashboard]:
    made = Dashboard(handle, timeline=Picture, alerts=[Rule("r", lambda pbx: 0)])
    yield made
    made.close()


def settle(board: Dashboard) -> None:
    Wire(board.header).settle()


def held(board: Dashboard) -> Any:
    until(lambda: board._held is not None)
    settle(board)
    return board._held


def in_page(board: Dashboard) -> list[Any]:
    """What can be seen."""
    return [part for part in board.children if part.layout.display != "none"]


def happen(handle: FakeHandle, count: int) -> None:
    events = tuple(Event(kind="account.changed", received=START) for _ in range(count))
    handle.tell(Changes(events=events, accounts=frozenset({"204"})))


def test_paused_it_shows_the_recording_under_a_scrubber_and_what_is_of_the_line_stays(
    board: Dashboard, replay: FakeReplay
) -> None:
    board.paused = True
    parts = held(board)
    live = [board.badge, board.header, board.alerts]
    assert in_page(board) == [*live, parts.scrubber, parts.parts.grid, parts.parts.calls, parts.parts.timeline]
    assert parts.parts.grid._handle is replay.pbx
    assert parts.scrubber._alerts is board.alerts
    assert board.header._state()["paused"] is True


def test_no_part_of_the_line_is_taken_off_the_page_by_a_pause(board: Dashboard) -> None:
    """Its view would be made anew: a figure would come up broken, a list at its top."""
    board.show_console = True
    settle(board)
    before = board.children
    board.paused = True
    held(board)
    assert board.children[: len(before)] == before
    board.show_console = False
    settle(board)
    assert board.children[: len(before)] == before


def test_back_to_now_everything_is_as_it_was_and_the_replay_is_closed(
    board: Dashboard, handle: FakeHandle, replay: FakeReplay
) -> None:
    before, listeners = in_page(board), handle.listeners()
    comms = len([kind for _, kind, _, _ in RecordingComm.sent if kind == "comm_open"])
    board.paused = True
    parts = held(board)
    board.paused = False
    until(lambda: replay.closed > 0)
    settle(board)
    assert in_page(board) == before
    assert all(part.comm is None for part in parts.panels)
    assert replay.pbx.listeners() == 0
    assert handle.listeners() == listeners
    kinds = [kind for _, kind, _, _ in RecordingComm.sent]
    assert kinds.count("comm_open") - comms == kinds.count("comm_close")
    assert board.header._state()["paused"] is False


def test_it_counts_what_it_misses(board: Dashboard, handle: FakeHandle) -> None:
    happen(handle, 3)
    assert board.missed == 0
    board.paused = True
    held(board)
    happen(handle, 2)
    happen(handle, 5)
    until(lambda: board.missed == 7)
    assert board.header._state()["missed"] == 7
    board.paused = False
    until(lambda: board.missed == 0)


def test_the_page_pauses_and_goes_back(board: Dashboard, replay: FakeReplay) -> None:
    wire = Wire(board.header)
    wire.hello()
    wire.say(pause=True)
    until(lambda: board.paused)
    held(board)
    wire.say(pause=False)
    until(lambda: replay.closed > 0)


def test_without_a_recording_it_says_what_is_lacking_until_there_is_one(handle: FakeHandle) -> None:
    handle.become(LineState.LIVE, recording=None)
    board = Dashboard(handle)
    until(lambda: board.header._state()["lacks"] == "The line records nothing.")
    with pytest.raises(ConfigError, match="The line records nothing") as refused:
        board.paused = True
    assert "record_to" in str(refused.value)
    wire = Wire(board.header)
    wire.hello()
    wire.say(pause=True)
    until(lambda: any(batch.get("e") for batch in wire.batches()))
    assert board.paused is False
    handle.become(LineState.LIVE, recording=RECORDING)
    until(lambda: board.header._state()["lacks"] == "")
    board.paused = True
    held(board)
    board.close()


def test_a_board_of_a_replay_has_no_pause_of_its_own(handle: FakeHandle) -> None:
    handle.replayed = True
    board = Dashboard(handle)
    settle(board)
    assert board.header._state()["lacks"] is None
    with pytest.raises(ConfigError, match="by its player"):
        board.paused = True
    board.close()


def test_a_recording_that_cannot_be_read_is_an_error_in_the_strip_and_the_board_goes_on(
    board: Dashboard, handle: FakeHandle
) -> None:
    def gone() -> None:
        raise RecordingError("monday.pbx: the file is gone.")

    handle.replays = gone
    board.paused = True
    until(lambda: not board.paused)
    assert any("the file is gone" in text for text in board.header._errors)
    assert board._held is None


def test_settings_and_switches_reach_the_paused_parts(board: Dashboard) -> None:
    board.paused = True
    parts = held(board)
    board.theme = "dark"
    assert {part.theme for part in parts.panels if part.has_trait("theme")} == {"dark"}
    board.show_timeline = False
    settle(board)
    assert parts.parts.timeline.layout.display == "none"
    board.show_console = True
    settle(board)
    assert in_page(board)[-1] is parts.parts.console


def test_why_asks_what_is_shown(board: Dashboard) -> None:
    board.paused = True
    parts = held(board)
    parts.parts.grid.selected = ["999"]
    until(lambda: board.header._state()["why"] == "999")
    Wire(board.header).hello()
    Wire(board.header).say(why=True)
    until(lambda: board.show_console)
    settle(board)
    assert "999" in str(parts.parts.console._state())


def test_a_paused_board_that_is_closed_closes_all_of_it(
    board: Dashboard, handle: FakeHandle, replay: FakeReplay
) -> None:
    board.paused = True
    held(board)
    board.close()
    assert replay.closed
    assert replay.pbx.listeners() == handle.listeners() == 0


def test_a_snapshot_is_of_what_is_shown(board: Dashboard) -> None:
    assert "999" not in board.snapshot()
    board.paused = True
    held(board)
    assert "999" in board.snapshot()


def test_a_status_that_changes_otherwise_changes_no_page(board: Dashboard, handle: FakeHandle) -> None:
    wire = Wire(board.header)
    wire.hello()
    wire.settle()
    count = len(wire.batches())
    handle.status = msgspec.structs.replace(handle.status, latency=0.5)
    handle.become(LineState.LIVE)
    wire.settle()
    assert len(wire.batches()) == count
