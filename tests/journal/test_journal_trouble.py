"""Whatever happens to the file, the line goes on, nothing acknowledged is lost, and a hole is a gap that is said."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pbxnb.errors import RecordingError, RecordingInUse
from pbxnb.journal import Journal, recorder, writing
from tests.journal.journal_kit import Recorded, busy, recorded
from tests.model.model_kit import T0


def numbers(path: Path) -> list[int]:
    with Journal(path) as journal:
        return [one.seq for _, one in journal.inputs()]  # type: ignore[attr-defined]


class Refusing:
    """A disk that refuses, as long as it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: str) -> None:
        self.refuses = False
        real = writing.Target._write

        def write(target: Any, database: Any, items: Any) -> int:
            if self.refuses:
                raise sqlite3.OperationalError(error)
            return real(target, database, items)

        monkeypatch.setattr(writing.Target, "_write", write)
        monkeypatch.setattr(recorder, "_AGAIN", 0.01)


def wait(predicate: Callable[[], object], seconds: float = 20.0) -> None:
    """Until it holds; the recorder has no event for it."""
    end = time.monotonic() + seconds
    while not predicate():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("database or disk is full", "The disk is full."),
        ("disk I/O error", "I/O error"),
        ("attempt to write a readonly database", "read-only"),
        ("database is locked", "locked"),
        ("something new", "something new"),
    ],
)
def test_a_disk_that_refuses_is_said_and_nothing_is_lost_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str, words: str
):
    disk = Refusing(monkeypatch, error)
    made = Recorded(tmp_path / "one.pbx").take([busy(1)])
    wait(lambda: made.recorder.state.acknowledged == 1)
    disk.refuses = True
    made.take([busy(2), busy(3)])
    wait(lambda: made.recorder.state.why)
    state = made.recorder.state
    assert words in state.why
    assert (state.written, state.acknowledged) == (3, 1)
    assert state.behind > 0
    assert numbers(tmp_path / "one.pbx") == [1]
    disk.refuses = False
    wait(lambda: made.recorder.state.acknowledged == 3)
    state = made.stop().recorder.state
    assert (state.why, state.behind) == ("", 0.0)
    assert numbers(tmp_path / "one.pbx") == [1, 2, 3]


def test_what_does_not_fit_into_memory_is_a_hole_after_which_the_model_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(recorder, "_MOST", 10)
    disk = Refusing(monkeypatch, "database or disk is full")
    disk.refuses = True
    made = Recorded(tmp_path / "one.pbx").take([busy(seq, str(seq)) for seq in range(50)])
    wait(lambda: made.recorder.state.why)
    assert "left out: a gap" in made.recorder.state.why
    disk.refuses = False
    wait(lambda: made.recorder.state.acknowledged >= 9)
    wait(lambda: not made.recorder._waiting)
    made.take([busy(seq, str(seq)) for seq in range(50, 53)]).stop()
    with Journal(tmp_path / "one.pbx") as journal:
        assert [one.why for one in journal.breaks()] == ["start", "hole"]
        found = [*journal.inputs()]
        assert journal.store(found[-1][0] + 1).snapshot(T0) == made.store.snapshot(T0)
        hole = journal.breaks()[1]
        assert journal.store(hole.seq).snapshot(T0).accounts.keys() == {str(seq) for seq in range(50)}
    assert "left out" in made.recorder.state.why


def test_a_file_that_is_deleted_is_made_anew_and_begins_with_the_model(tmp_path: Path):
    path = tmp_path / "one.pbx"
    made = Recorded(path).take([busy(1, "41")])
    wait(lambda: made.recorder.state.acknowledged == 1)
    for one in tmp_path.glob("one.pbx*"):
        one.unlink()
    made.take([busy(2, "42")])
    wait(lambda: "left out" in made.recorder.state.why)
    made.take([busy(3, "43")]).stop()
    with Journal(path) as journal:
        assert [one.why for one in journal.breaks()] == ["hole"]
        assert [*journal.store(1).accounts] == ["41", "42", "43"]
    assert numbers(path) == [3]


def test_two_writers_of_one_file_are_refused_in_this_process_and_in_another(tmp_path: Path):
    path = tmp_path / "one.pbx"
    first = Recorded(path)
    with pytest.raises(RecordingInUse, match=r"one\.pbx"):
        Recorded(path)
    code = f"from tests.journal.journal_kit import Recorded; Recorded({str(path)!r})"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "RecordingInUse" in other.stderr
    first.take([busy(1)]).stop()
    recorded(path, [busy(2)])
    assert numbers(path) == [1, 2]


def test_the_same_cell_run_again_takes_its_file_over(tmp_path: Path):
    first = Recorded(tmp_path / "one.pbx", key="cell").take([busy(1)])
    second = Recorded(tmp_path / "one.pbx", key="cell").take([busy(2)])
    assert first.recorder.ended
    second.stop()
    assert numbers(tmp_path / "one.pbx") == [1, 2]


def test_only_its_owner_may_read_a_recording(tmp_path: Path):
    before = os.umask(0)
    try:
        made = Recorded(tmp_path / "one.pbx").take([busy(1)])
        wait(lambda: made.recorder.state.acknowledged == 1)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        made.stop()
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}
    assert {"one.pbx", "one.pbx-wal", "one.pbx-shm"} <= set(modes)


def test_a_finished_recording_is_one_file_and_can_be_read_where_nobody_may_write(tmp_path: Path):
    recorded(tmp_path / "one.pbx", [busy(1)])
    assert {path.name for path in tmp_path.iterdir()} - {".one.pbx.lock"} == {"one.pbx"}
    tmp_path.chmod(0o500)
    try:
        assert numbers(tmp_path / "one.pbx") == [1]
    finally:
        tmp_path.chmod(0o700)


def test_a_path_that_cannot_be_written_is_refused_with_the_reason(tmp_path: Path):
    with pytest.raises(RecordingError, match="no file"):
        Recorded("/dev/null")
    (tmp_path / "plain").write_text("")
    with pytest.raises(RecordingError, match="plain"):
        Recorded(tmp_path / "plain" / "one.pbx")


def test_another_process_reads_while_this_one_writes(tmp_path: Path):
    path = tmp_path / "one.pbx"
    made = Recorded(path).take([busy(1)])
    with Journal(path) as journal:
        for seq in range(2, 6):
            wait(lambda seq=seq: made.recorder.state.acknowledged == seq - 1)
            assert journal.last == seq - 2
            made.take([busy(seq)])
    code = f"from pbxnb.journal import Journal; print(Journal({str(path)!r}).last)"
    wait(lambda: made.recorder.state.acknowledged == 5)
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert other.stdout.strip() == "4"
    made.stop()


def test_nothing_is_waited_for_when_nothing_is_recorded(tmp_path: Path):
    made = Recorded(tmp_path / "one.pbx").stop()
    assert made.recorder.ended
    made.take([busy(1)])  # too late, and no harm
    assert made.recorder.state.written == 0
