"""A recording tells what the session told that it was made of: tables, frames, any moment."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

import pbxnb
from pbxnb.errors import ConfigError, NotARecording, RecordingError
from pbxnb.model.past.memory import Dropped
from tests.helpers.fault_server import account
from tests.journal.journal_kit import Recorded, busy, recorded
from tests.model.inputs_kit import FILES, of_file
from tests.model.model_kit import T0

from .recordings_kit import TABLES, call, first_snapshot, listed, of_store, rows_of

MINUTES = timedelta(minutes=2)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_tables_are_those_of_the_session_that_was_recorded(path: Path, tmp_path: Path):
    inputs = of_file(path)
    made = recorded(tmp_path / "one.pbx", inputs)
    with pbxnb.open(tmp_path / "one.pbx") as recording:
        assert rows_of(recording) == rows_of(of_store(made, inputs))
        assert recording.dropped == Dropped()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_a_day_tells_the_same_as_one_file(path: Path, tmp_path: Path):
    inputs = of_file(path)
    half = len(inputs) // 2
    for place, one in enumerate(inputs[half:], half):  # files turn with the minute
        inputs[place] = msgspec.structs.replace(one, utc=one.utc + MINUTES, mono=one.mono + MINUTES.total_seconds())
    recorded(lambda moment: tmp_path / ("a.pbx" if moment < inputs[half].utc else "b.pbx"), inputs)
    made = recorded(tmp_path / "whole" / "one.pbx", inputs)
    with pbxnb.open(tmp_path) as recording:
        assert len({*tmp_path.glob("*.pbx")}) == 2
        assert rows_of(recording) == rows_of(of_store(made, inputs))
        assert [seq for seq, _ in recording.journal.inputs()] == [*range(len(inputs))]
        for place, one in enumerate(inputs):
            assert recording.journal.seq_at(one.utc) <= place < recording.journal.before(one.utc)[0]


def test_a_recording_that_grows_is_read_on(tmp_path: Path):
    recorded(tmp_path / "one.pbx", [first_snapshot(0), listed(1, 1, call("7"))])
    with pbxnb.open(tmp_path / "one.pbx") as recording:
        assert [row["ended_at"] for row in recording.calls] == [None]
        assert (recording.end, len(recording.frames)) == (T0 + timedelta(seconds=1), 1)
        recorded(tmp_path / "one.pbx", [first_snapshot(60)])
        assert [row["end_inferred"] for row in recording.calls] == [True]
        assert recording.end == T0 + timedelta(seconds=60)


def test_a_folder_gets_a_next_file_while_it_is_open(tmp_path: Path):
    recorded(tmp_path / "monday.pbx", [first_snapshot(0), listed(1, 1, call("7"))])
    with pbxnb.open(tmp_path) as recording:
        assert len(recording.calls) == len(recording.frames) == 1
        recorded(tmp_path / "tuesday.pbx", [first_snapshot(90_000), listed(1, 90_001, call("8", start=90_001))])
        assert [row["call_id"] for row in recording.calls] == ["7", "8"]
        assert len(recording.frames) == 2
        assert [*recording.at(T0 + timedelta(seconds=5)).calls] == ["7"]
        assert [*recording.at(recording.end).calls] == ["8"]
        assert recording.at(recording.start - timedelta(days=9)).calls == {}


def test_an_empty_recording_has_tables_without_rows(tmp_path: Path):
    recorded(tmp_path / "one.pbx", [])
    with pbxnb.open(tmp_path / "one.pbx") as recording:
        assert all(not getattr(recording, name).to_pylist() for name in TABLES)
        assert (len(recording.frames), [*recording.frames], recording.coverage) == (0, [], 1.0)
        assert recording.start == recording.end
        assert recording.at(T0).accounts == {}
        assert "one.pbx of acme.example" in repr(recording)


def test_what_is_no_recording_is_refused_with_a_sentence(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(NotARecording, match="holds no recording"):
        pbxnb.open(tmp_path / "folder")
    with pytest.raises(NotARecording, match="There is no recording"):
        pbxnb.open(tmp_path / "none.pbx")
    (tmp_path / "folder" / "notes.pbx").write_text("mine")
    with pytest.raises(NotARecording, match=r"notes\.pbx is no recording"):
        pbxnb.open(tmp_path / "folder")
    for wrong in (45, None, ""):
        with pytest.raises(ConfigError, match="no path"):
            pbxnb.open(wrong)  # type: ignore[arg-type]


def test_a_folder_of_two_lines_is_refused(tmp_path: Path):
    recorded(tmp_path / "one.pbx", [busy(0)])
    made = Recorded(tmp_path / "two.pbx", start=False)
    made.recorder._target._about["domain"] = "beta.example"
    made.recorder.start().result(10)
    made.take([busy(1)]).stop()
    with pytest.raises(ConfigError, match=r"more than one line: @acme\.example.*@beta\.example"):
        pbxnb.open(tmp_path)


def test_a_time_is_aware_and_outside_is_the_nearest_end(tmp_path: Path):
    recorded(tmp_path / "one.pbx", [first_snapshot(0), listed(1, 10, call("7")), listed(2, 20)])
    with pbxnb.open(tmp_path / "one.pbx") as recording:
        with pytest.raises(ConfigError, match="with a zone"):
            recording.at(datetime(2026, 9, 21))  # noqa: DTZ001 - what is refused
        assert (recording.start, recording.end) == (T0, T0 + timedelta(seconds=20))
        for moment, calls in ((-1e6, 0), (9.9, 0), (10, 1), (19.9, 1), (20, 0), (1e6, 0)):
            snapshot = recording.at(T0 + timedelta(seconds=moment))
            assert len(snapshot.calls) == calls
            assert snapshot.taken_at == min(max(T0 + timedelta(seconds=moment), recording.start), recording.end)
        part = recording.between(T0 + timedelta(seconds=12), T0 + timedelta(seconds=15))
        assert [*part.at(recording.start).calls] == [*part.at(recording.end).calls] == ["7"]


def test_a_closed_recording_says_so(tmp_path: Path):
    recorded(tmp_path / "one.pbx", [first_snapshot(0)])
    recording = pbxnb.open(tmp_path / "one.pbx")
    taken = recording.presence
    recording.close()
    recording.close()
    with pytest.raises(RecordingError, match="closed"):
        _ = recording.end
    assert taken.to_pylist()


def test_opening_is_a_name_of_its_own_that_hides_nothing():
    assert "open" not in pbxnb.__all__
    assert "open" in dir(pbxnb)
    names: dict[str, Any] = {"open": open}
    exec("from pbxnb import *", names)  # noqa: S102 - what is shown
    assert names["open"] is open
    code = "import sys, pbxnb, pbxnb.session.recordings.recording; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"sqlite3", "zstandard", "tqdm"} & {*loaded} == set()


def test_a_handle_and_its_recording_tell_the_same(server: Any, tmp_path: Path):
    path = tmp_path / "one.pbx"
    with pbxnb.connect(**server.arguments, record=path, tz="Asia/Tokyo") as pbx:
        server.say({"action": "user-state", **account("45", dnd=True)})
        pbx.until(lambda p: p.accounts["45"].dnd, timeout=10).result()
        pbx.stop_recording().result(10)
        with pbxnb.open(path) as recording:
            assert recording.tz.key == "Asia/Tokyo"
            assert rows_of(recording) == rows_of(pbx.history)
            assert recording.coverage_text == "line up throughout"
            there = [*recording.frames]
            assert len(recording.frames) == len(there) > 3
            for kept, said in zip(there, pbx.frames(), strict=False):
                assert (kept.seq, kept.direction, kept.text) == (said.seq, said.direction, said.text)
                assert (kept.connection, kept.message) == (said.connection, said.message)
            assert recording.at(recording.end).accounts["45"].dnd is True
            assert [*recording.at(recording.start).accounts] == [*pbx.accounts]


def test_a_session_that_is_recorded_has_any_moment(server: Any, tmp_path: Path):
    with pbxnb.connect(**server.arguments) as pbx:
        began = pbx.history.start
        assert pbx.history.at(pbx.clock.now() + timedelta(hours=1)).accounts == pbx.accounts
        with pytest.raises(ConfigError, match="not recorded"):
            pbx.history.at(began)
        pbx.record_to(tmp_path / "one.pbx").result(10)
        for dnd in (True, False):
            server.say({"action": "user-state", **account("45", dnd=dnd)})
            pbx.until(lambda p, dnd=dnd: p.accounts["45"].dnd is dnd, timeout=10).result()
        said = pbx.history.presence.to_pylist()
        [on] = [row["start"].replace(tzinfo=UTC) for row in said if (row["axis"], row["value"]) == ("dnd", "true")]
        pbx.stop_recording().result(10)
        pbx.record_to(tmp_path / "one.pbx").result(10)
        assert pbx.history.at(on).accounts["45"].dnd is True
        assert pbx.history.at(began).accounts["45"].dnd is False


def test_frames_are_a_table_too(tmp_path: Path):
    pytest.importorskip("pyarrow")
    recorded(tmp_path / "one.pbx", [first_snapshot(0), *(busy(seq) for seq in range(1, 5))])
    with pbxnb.open(tmp_path / "one.pbx") as recording:
        df = recording.frames.df
    assert [*df["seq"]] == [1, 2, 3, 4]
    assert {*df["action"]} == {"user-state"}
    assert {*df["direction"]} == {"in"}
