"""The scrubber of a handle and of a recording: which replay it steers, what its panels show, and what it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import comm
import pytest

import pbxnb
from pbxnb.errors import ConfigError, NotARecording
from pbxnb.model.kept.inputs import Input, Lost, Opened
from pbxnb.widgets.scrubber import Scrubber
from tests.journal.journal_kit import busy, frame, recorded
from tests.model.model_kit import T0
from tests.widgets.fakes import RecordingComm, Wire, until

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def recording_comm(monkeypatch: pytest.MonkeyPatch) -> None:
    """No kernel: comms are recorded."""
    RecordingComm.sent = []
    monkeypatch.setattr(comm, "create_comm", RecordingComm)


def life() -> Iterator[Input]:
    """Ten minutes: every second an account changes; from 200 to 400 s there is a call; from 500 on the line is down."""
    call = {"id": "9", "from": '"Ann" <sip:45@a>', "to": "<sip:46@a>", "state": "connected", "extension": ["45", "46"]}
    for seq in range(1, 500):
        if seq in (200, 400):
            yield frame(seq, {"action": "call-state", "calls": [call] if seq == 200 else []})
        else:
            yield busy(seq, str(40 + seq % 21))
    yield Lost(T0 + 500 * SECOND, 500.0, 1, None, T0 + 499 * SECOND, "The line dropped.")
    yield Opened(T0 + 560 * SECOND, 560.0, 2, None, "70.1")
    yield from (busy(seq, connection=2) for seq in range(561, 600))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    recorded(tmp_path / "monday.pbx", life())
    return tmp_path / "monday.pbx"


@pytest.fixture
def scrubber(path: Path) -> Iterator[Scrubber]:
    with pbxnb.open(path) as recording:
        made = recording.scrubber()
        made.pbx.result(20)
        yield made
        made.close()


def at(scrubber: Scrubber, seconds: float) -> None:
    """Go there, and wait until the replay is."""
    scrubber.position = T0 + seconds * SECOND
    until(lambda: scrubber._player.position == T0 + seconds * SECOND)


def kept(pbx: pbxnb.Pbx) -> None:
    """Wait until all that has come is in the file."""
    until(lambda: (state := pbx.status.recording) is not None and state.acknowledged == state.written)


def test_of_a_recording_it_begins_at_the_start_paused_and_without_control(scrubber: Scrubber, path: Path) -> None:
    assert not scrubber.playing
    assert scrubber.position - scrubber._player.start < SECOND
    assert scrubber.pbx.replayed
    assert not scrubber.pbx.control
    assert scrubber.pbx.player.path == path


def test_four_panels_follow_one_seek(scrubber: Scrubber) -> None:
    replay = scrubber.pbx
    grid, calls, timeline, console = panels = replay.grid(), replay.call_list(), replay.timeline(), replay.console()
    for panel in (grid, calls, console):
        Wire(panel).hello()
    at(scrubber, 300)
    until(lambda: any("9" in str(batch) for batch in Wire(calls).batches()))
    assert list(replay.calls) == ["9"]
    assert replay.accounts["45"].calls == ("9",)
    until(lambda: any(batch["c"] == (T0 + 300 * SECOND).timestamp() for batch in Wire(grid).batches()))
    assert calls.snapshot().count("45 Ann") == 1
    assert replay.clock.now() == T0 + 300 * SECOND
    assert timeline._handle.clock.now() == T0 + 300 * SECOND
    at(scrubber, 100)
    assert list(replay.calls) == []
    until(lambda: "45 Ann" not in calls.snapshot())
    for panel in panels:
        panel.close()


def test_it_jumps_to_the_events_of_the_recording(scrubber: Scrubber) -> None:
    for kind, n, seconds in (
        ("call.new", 1, 200),
        ("call.ended", 1, 400),
        ("call.new", -1, 200),
        ("account.changed", 1, 201),
        ("account.changed", -1, 200),
    ):
        scrubber.kind = kind
        scrubber.jump(n)
        until(lambda seconds=seconds: scrubber._player.position == T0 + seconds * SECOND)
    scrubber.kind = "call.new"
    at(scrubber, 599)
    scrubber.jump()
    until(lambda: scrubber._place_facts()["says"] == "There is no new call after this moment.")


def test_it_marks_the_gaps_of_the_whole_recording(scrubber: Scrubber) -> None:
    until(lambda: bool(scrubber._replay.gaps()))
    [gap] = scrubber._replay.gaps()
    assert (gap.start, gap.why) == (T0 + 499 * SECOND, "line")
    [mark] = scrubber._track_facts()["gaps"]
    assert mark.words.endswith("line down")


def test_it_steps_by_message(scrubber: Scrubber) -> None:
    at(scrubber, 300)
    wire = Wire(scrubber)
    wire.hello()
    for n, seconds in ((1, 301), (1, 302), (-1, 301)):
        wire.say(step=n)
        until(lambda seconds=seconds: scrubber._player.position == T0 + seconds * SECOND)


def test_closing_it_ends_the_replay_that_is_its_own(path: Path) -> None:
    recording = pbxnb.open(path)
    scrubber = recording.scrubber()
    scrubber.pbx.result(20)
    scrubber.close()
    assert scrubber.pbx.status.state == "closed"
    recording.close()


def test_of_a_replayed_handle_it_steers_that_one_and_leaves_it_open(path: Path) -> None:
    with pbxnb.replay(path) as pbx:
        scrubber = pbx.scrubber()
        assert scrubber.pbx is pbx
        scrubber.close()
        assert pbx.status.state == "live"


def test_two_of_one_recording_do_not_replace_each_other(path: Path) -> None:
    with pbxnb.open(path) as recording:
        one, two = recording.scrubber(), recording.scrubber()
        one.pbx.result(20)
        two.pbx.result(20)
        at(one, 100)
        at(two, 300)
        assert (len(one.pbx.calls), len(two.pbx.calls)) == (0, 1)
        one.close()
        two.close()


async def test_of_a_line_that_records_it_shows_the_newest_moment_while_that_goes_on(tmp_path: Path) -> None:
    async with pbxnb.simulate("empty", extensions=4, record=tmp_path / "live.pbx") as pbx:
        call = pbx.simulator.place_call("40", "41")
        await pbx.until(lambda pbx: pbx.calls, timeout=20)
        kept(pbx)
        scrubber = pbx.scrubber()
        await scrubber.pbx
        assert not scrubber.playing
        assert list(scrubber.pbx.calls) == list(pbx.calls)
        pbx.simulator.hangup(call)
        await pbx.until(lambda pbx: not pbx.calls, timeout=20)
        assert scrubber.pbx.calls
        kept(pbx)
        scrubber.kind = "call.ended"
        scrubber.jump()
        await scrubber.pbx.until(lambda replay: not replay.calls, timeout=20)
        scrubber.close()


async def test_a_line_that_records_nothing_says_how_to_begin() -> None:
    async with pbxnb.simulate("empty", extensions=2) as pbx:
        with pytest.raises(ConfigError, match="records nothing that could be shown again") as refused:
            pbx.scrubber()
        assert "record_to" in str(refused.value)


async def test_a_recording_that_is_gone_is_an_error_at_the_call(tmp_path: Path) -> None:
    async with pbxnb.simulate("empty", extensions=2, record=tmp_path / "live.pbx") as pbx:
        (tmp_path / "live.pbx").unlink()
        with pytest.raises(NotARecording):
            pbx.scrubber()


async def test_a_board_of_a_line_that_records_pauses_and_goes_back(tmp_path: Path) -> None:
    async with pbxnb.simulate("empty", extensions=4, record=tmp_path / "live.pbx") as pbx:
        call = pbx.simulator.place_call("40", "41")
        await pbx.until(lambda pbx: pbx.calls, timeout=20)
        kept(pbx)
        board = pbx.dashboard()
        board.paused = True
        until(lambda: board._held is not None)
        replay = board._held.scrubber.pbx
        await replay
        pbx.simulator.hangup(call)
        await pbx.until(lambda pbx: not pbx.calls, timeout=20)
        until(lambda: board.missed > 0)
        assert replay.calls
        board.paused = False
        until(lambda: replay.status.state == "closed")
        board.close()
