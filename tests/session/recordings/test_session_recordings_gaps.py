"""When nothing was known of the PBX, and why: a line that dropped, a session that ended, a sleep, a disk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import pbxnb
from pbxnb import figures
from pbxnb.journal import recorder as recorder_module
from pbxnb.model.entities import Gap
from pbxnb.model.kept.inputs import Input, Lost, Resynced, Ticked
from pbxnb.session.past import History
from tests.journal.journal_kit import Recorded, recorded
from tests.journal.test_journal_trouble import Refusing, wait
from tests.model.model_kit import T0

from .recordings_kit import call, first_snapshot, listed


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def gaps_of(history: History) -> list[tuple[str, float, float | None]]:
    """Why, from when, to when; seconds after T0."""
    return [(row["why"], seconds(row["start"]), row["end"] and seconds(row["end"])) for row in history.gaps]


def seconds(naive: datetime) -> float:
    return (naive.replace(tzinfo=UTC) - T0).total_seconds()


def lost(at: float, since: float | None, mono: float | None = None) -> Lost:
    since_ = None if since is None else after(since)
    return Lost(after(at), at if mono is None else mono, 1, None, since_, "Gone.")


def back(at: float, since: float, *calls: dict[str, Any], mono: float | None = None, why: str = "line") -> Resynced:
    """The line is up again, and its snapshot is taken in."""
    made = first_snapshot(at, *calls, mono=mono, first=False)
    return Resynced(*made.__reduce__()[1][:-1], Gap(after(since), after(at), why))


def tick(at: float, mono: float | None = None) -> Ticked:
    return Ticked(after(at), at if mono is None else mono, 1, None)


MORNING: list[Input] = [
    first_snapshot(0),
    listed(1, 5, call("1", start=5)),
    tick(10),
    lost(30, since=10),
    back(40, 10, call("1", start=5)),
    listed(2, 50, call("2", start=50)),
    tick(60),
]
ASLEEP: list[Input] = [
    first_snapshot(100, call("2", start=50), mono=1000),
    tick(110, mono=1010),
    lost(3700, since=108, mono=1012),
    back(3703, 108, mono=1015),
    tick(3710, mono=1022),
]


def test_a_line_that_dropped_a_session_that_ended_and_a_laptop_that_slept(tmp_path: Path):
    recorded(tmp_path / "one.pbx", MORNING)
    recorded(tmp_path / "one.pbx", ASLEEP)
    with pbxnb.open(tmp_path / "one.pbx") as recording:
        assert gaps_of(recording) == [("line", 10, 40), ("kernel", 60, 100), ("sleep", 108, 3703)]
        said = "line down 30 s in 1 gap, no session 40 s in 1 gap, computer asleep 3595 s in 1 gap"
        assert recording.coverage_text == f"{said}: totals are at least"
        assert recording.coverage == pytest.approx(1 - 3665 / 3710)
        calls = {row["call_id"]: row for row in recording.calls}
        assert seconds(calls["1"]["ended_at"]) == 50  # seen
        assert (seconds(calls["2"]["ended_at"]), calls["2"]["end_inferred"]) == (3703, True)
        assert all(row["gap"] for row in calls.values())  # both lived in one
        quiet = recording.between(after(45), after(58))
        assert (quiet.coverage, quiet.coverage_text) == (1.0, "line up throughout")
        pytest.importorskip("pyarrow")
        assert "totals are at least" in figures.describe(figures.week(recording)).lower()


def test_the_same_in_files_of_a_folder(tmp_path: Path):
    recorded(tmp_path / "one.pbx", MORNING)
    recorded(tmp_path / "two.pbx", ASLEEP)
    with pbxnb.open(tmp_path) as recording:
        assert gaps_of(recording) == [("line", 10, 40), ("kernel", 60, 100), ("sleep", 108, 3703)]


def test_a_file_that_is_missing_is_a_gap_and_one_that_follows_is_none(tmp_path: Path):
    inputs: list[Input] = [first_snapshot(0)]
    inputs += [listed(seq, seq * 60, call(str(seq), start=seq * 60)) for seq in range(1, 9)]
    recorded(lambda moment: tmp_path / f"{int((moment - T0).total_seconds()) // 180}.pbx", inputs)
    with pbxnb.open(tmp_path) as recording:
        assert gaps_of(recording) == []
        whole = recording.calls.to_pylist()
    (tmp_path / "1.pbx").unlink()
    with pbxnb.open(tmp_path) as recording:
        assert gaps_of(recording) == [("file", 120, 360)]
        assert len(recording.calls) < len(whole) == 8


def test_a_short_sleep_that_the_line_survived_is_a_gap(tmp_path: Path):
    recorded(
        tmp_path / "one.pbx", [first_snapshot(0), tick(10), tick(32, mono=12), tick(33, mono=13), tick(20, mono=14)]
    )
    with pbxnb.open(tmp_path / "one.pbx") as recording:
        assert gaps_of(recording) == [("sleep", 10, 32)]


def test_a_line_that_is_down_at_the_end_has_an_open_gap_and_one_that_was_closed_has_none(tmp_path: Path):
    for name, since, told in (("down", 10.0, [("line", 10, None)]), ("closed", None, [])):
        recorded(tmp_path / f"{name}.pbx", [first_snapshot(0), tick(10), lost(30, since=since)])
        with pbxnb.open(tmp_path / f"{name}.pbx") as recording:
            assert gaps_of(recording) == told


def test_a_session_that_ended_while_the_line_was_down_has_two_gaps_that_meet(tmp_path: Path):
    recorded(tmp_path / "one.pbx", [first_snapshot(0), tick(10), lost(30, since=10)])
    recorded(tmp_path / "one.pbx", [lost(90, since=None), first_snapshot(100)])
    with pbxnb.open(tmp_path / "one.pbx") as recording:
        assert gaps_of(recording) == [("line", 10, 30), ("kernel", 30, 100)]
        assert recording.coverage == pytest.approx(0.1)


def test_a_recording_that_was_stopped_and_begun_again_says_that_it_was_off(tmp_path: Path):
    made = recorded(tmp_path / "one.pbx", [first_snapshot(0), listed(1, 5, call("1", start=5))])
    for one in (listed(2, 20), listed(3, 30, call("2", start=30))):
        one.apply_to(made.store)
    again = Recorded(tmp_path / "two.pbx", start=False)
    again.store = made.store
    again.recorder = recorder_module.Recorder(tmp_path / "one.pbx", made.store, about={"domain": "acme.example"})
    again.recorder.start().result(10)
    again.take([listed(4, 60)]).stop()
    with pbxnb.open(tmp_path / "one.pbx") as recording:
        assert gaps_of(recording) == [("off", 5, 60)]
        assert [(row["call_id"], row["end_inferred"]) for row in recording.calls] == [("1", True), ("2", False)]


def test_a_recording_begun_again_at_once_has_missed_nothing(tmp_path: Path):
    made = recorded(tmp_path / "one.pbx", [first_snapshot(0), listed(1, 5, call("1", start=5))])
    recorder = recorder_module.Recorder(tmp_path / "one.pbx", made.store, about={"domain": "acme.example"})
    made.recorder = recorder
    recorder.start().result(10)
    made.take([listed(2, 60)]).stop()
    with pbxnb.open(tmp_path / "one.pbx") as recording:
        assert gaps_of(recording) == []
        [row] = recording.calls
        assert (seconds(row["ended_at"]), row["gap"]) == (60, False)


def test_what_a_disk_did_not_take_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recorder_module, "_MOST", 4)
    disk = Refusing(monkeypatch, "database or disk is full")
    disk.refuses = True
    made = Recorded(tmp_path / "one.pbx").take([first_snapshot(0)])
    made.take(listed(seq, seq, call(str(seq), start=seq)) for seq in range(1, 9))
    disk.refuses = False
    wait(lambda: not made.recorder._waiting)
    made.take([listed(9, 60, call("8", start=8)), listed(10, 70)]).stop()
    with pbxnb.open(tmp_path / "one.pbx") as recording:
        [(why, start, end)] = gaps_of(recording)
        assert (why, end) == ("disk", 60)
        known = {row["call_id"]: row for row in recording.calls}
        assert start == len(known) - 1 < 7  # the newest input that fitted
        assert (known["8"]["gap"], seconds(known["8"]["ended_at"])) == (True, 70)
