"""A handle records: what is in the file is the handle's model, and the status says how it stands."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

import pbxnb
from pbxnb.errors import ConfigError, NotARecording, RecordingInUse
from pbxnb.journal import Journal
from tests.helpers.fault_server import account


def test_connect_records_from_its_first_frame(server, tmp_path: Path):
    path = tmp_path / "one.pbx"
    with pbxnb.connect(**server.arguments, record=path) as pbx:
        recording = pbx.status.recording
        assert recording is not None
        assert (recording.path, recording.why) == (str(path), "")
        server.say({"action": "user-state", **account("45", dnd=True)})
        pbx.until(lambda p: p.accounts["45"].dnd, timeout=10).result()
        pbx.stop_recording().result(10)
        assert pbx.status.recording is None
        snapshot = pbx.snapshot()
        with Journal(path) as journal:
            store = journal.store(journal.last + 1)
            # A frame that changes nothing may have come since.
            assert replace(store.snapshot(snapshot.taken_at), seq=snapshot.seq) == snapshot
            assert [one.why for one in journal.breaks()] == ["start"]
            assert journal.about["domain"] == pbx.domain
            assert journal.about["tz"] == pbx.tz.key
    assert not [one for one in threading.enumerate() if one.name == "pbxnb-journal"]


def test_a_recording_that_the_close_of_its_line_ended_plays_to_a_line_that_is_live(server, tmp_path: Path):
    with pbxnb.connect(**server.arguments, record=tmp_path / "one.pbx"):
        pass
    with pbxnb.replay(tmp_path / "one.pbx", speed=1000) as pbx:
        pbx.until(lambda p: not p.player.playing, timeout=10).result()
        assert pbx.player.position == pbx.player.end
        assert (pbx.status.state, pbx.status.gaps) == ("live", ())
        assert pbx.status.why == "A recording is shown: one.pbx."


def test_a_recording_begun_in_the_middle_knows_all_that_was_known(server, tmp_path: Path):
    with pbxnb.connect(**server.arguments) as pbx:
        assert pbx.status.recording is None
        pbx.record_to(tmp_path / "one.pbx").result(10)
        server.say({"action": "user-state", **account("204", dnd=True)})
        pbx.until(lambda p: p.accounts["204"].dnd, timeout=10).result()
        snapshot = pbx.snapshot()
    with Journal(tmp_path / "one.pbx") as journal:  # the close has written what was left
        # Nothing else was said; the moment itself may be some milliseconds off by a new reading of the clock.
        later = pbx.clock.at(snapshot.taken_at) + timedelta(seconds=1)
        assert journal.at(later).accounts == snapshot.accounts
        assert [*journal.store(0).accounts] == ["45", "46", "204"]


def test_the_cell_run_again_goes_on_in_the_same_file(server, tmp_path: Path):
    path = tmp_path / "one.pbx"
    first = pbxnb.connect(**server.arguments, record=path).result()
    second = pbxnb.connect(**server.arguments, record=path).result()
    first.close()
    second.until(lambda p: p.status.recording is not None, timeout=10).result()
    server.say({"action": "user-state", **account("45", dnd=True)})
    second.until(lambda p: p.accounts["45"].dnd, timeout=10).result()
    second.close()
    with Journal(path) as journal:
        assert [one.why for one in journal.breaks()] == ["start", "start"]
        assert journal.store(journal.last + 1).accounts["45"].dnd is True


def test_another_handle_may_not_record_to_the_same_file(server, tmp_path: Path):
    path = tmp_path / "one.pbx"
    with pbxnb.connect(**server.arguments, record=path) as pbx:
        with pytest.raises(RecordingInUse):
            pbxnb.connect(**server.arguments, name="other", record=path)
        with pbxnb.connect(**server.arguments, name="other") as other:
            with pytest.raises(RecordingInUse):
                other.record_to(path).result(10)
            assert other.status.recording is None
        assert pbx.status.recording is not None


def test_what_cannot_be_recorded_to_is_refused_at_the_call(server, tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(NotARecording):
        pbxnb.connect(**server.arguments, record=tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "mine"
    for path in (tmp_path, "", 45):
        with pytest.raises(ConfigError, match="pbx"):
            pbxnb.connect(**server.arguments, record=path)
    assert not [one for one in threading.enumerate() if one.name.startswith("pbxnb-")]


def test_recording_elsewhere_ends_the_first_file(server, tmp_path: Path):
    with pbxnb.connect(**server.arguments, record=tmp_path / "one.pbx") as pbx:
        pbx.record_to(tmp_path / "two.pbx").result(10)
        recording = pbx.status.recording
        assert recording is not None
        assert recording.path == str(tmp_path / "two.pbx")
    assert pbx.status.recording is None


async def test_a_simulated_pbx_is_recorded_on_its_own_clock(tmp_path: Path):
    pbx = await pbxnb.simulate("office", extensions=8, seed=3, speed=60.0, record=tmp_path / "one.pbx")
    await pbx.wait_for("call.ended", timeout=60)
    await pbx.stop_recording()
    await pbx.aclose()
    with Journal(tmp_path / "one.pbx") as journal:
        assert len(journal.store(journal.last + 1).accounts) == len(pbx.accounts)
        start = journal.breaks()[0]
        assert journal.before(start.at)[0] <= journal.last
