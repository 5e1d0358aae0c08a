"""What is written is read again: every input as it was, and the model at any moment, bit for bit."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxnb.errors import ConfigError, NotARecording, RecordingError, RecordingTooNew
from pbxnb.journal import Journal, recorder
from pbxnb.journal.codec import Codec
from pbxnb.model.clock import Clock
from pbxnb.model.entities import Orbit, Queue
from pbxnb.model.kept.inputs import DateRead, Lost, Opened, QueueRead, Received, Resynced, Scoped, Sent, Ticked
from pbxnb.model.store import Scope
from pbxnb.protocol.decode import account_entry
from tests.journal.journal_kit import busy, frame, recorded
from tests.model.inputs_kit import FILES, Session, of_file, of_steps
from tests.model.model_kit import T0, at
from tests.model.test_model_reference import OFFSETS, histories

STAMP = (T0, 1.5, 1, None)
ODD = {"account": "45", "big": 2**70, "deep": {"a": [1.5, None, True]}, "name": 'Jo "\u2028" \U0001f4de'}


def test_every_kind_of_input_is_read_as_it_was():
    entry = account_entry(ODD)
    inputs = [
        Received(*STAMP, 1, b'{"broken \xff', True),
        Sent(T0, 1.5, 2, T0 + timedelta(seconds=9), 2, b"{}"),
        Opened(*STAMP, "70.1"),
        Lost(*STAMP, T0, "Gone."),
        Ticked(*STAMP),
        Scoped(*STAMP, Scope.OWN),
        Resynced(*STAMP, (entry,), None, 3, None, "rest", True, False, None),
        QueueRead(*STAMP, Queue(number="600", stats={"n": 2**65})),
        DateRead(*STAMP, T0, T0 - timedelta(seconds=1)),
    ]
    codec = Codec()
    assert codec.inputs(codec.block(inputs)) == inputs


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_situation_is_read_again_at_every_moment(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recorder, "_CHECKPOINT", 3)
    monkeypatch.setattr(recorder, "_AN_ENTITY", 0)
    inputs = of_file(path)
    recorded(tmp_path / "one.pbx", inputs)
    with Journal(tmp_path / "one.pbx") as journal:
        assert [one for _, one in journal.inputs()] == inputs
        assert [seq for seq, _ in journal.inputs()] == [*range(len(inputs))]
        session = Session("45")
        for seq, one in enumerate([*inputs, None]):
            assert journal.store(seq).snapshot(at(0)) == session.store.snapshot(at(0))
            if one is not None:
                session.take([one])


@settings(max_examples=40, deadline=None)
@given(histories, st.sampled_from(OFFSETS), st.data())
def test_the_model_at_a_moment_is_what_the_inputs_up_to_it_make(
    tmp_path_factory: pytest.TempPathFactory, history: Any, offset: float | None, data: st.DataObject
):
    path = tmp_path_factory.mktemp("journal") / "one.pbx"
    inputs = of_steps(history)
    recorded(path, inputs, clock=Clock(offset))
    session = Session("45", Clock(offset))
    moment = data.draw(st.sampled_from([-1.0, *(one.mono for one in inputs), 1e6]))
    t = at(moment) + timedelta(seconds=offset or 0)
    for one in inputs:
        if session.store.clock.at(one.at) > t:
            break
        session.take([one])
    with Journal(path) as journal:
        if inputs:
            assert journal.at(t) == session.store.snapshot(t)
        else:
            with pytest.raises(RecordingError, match="empty"):
                journal.at(t)


def test_a_long_recording_is_read_in_parts(tmp_path: Path):
    inputs = [busy(seq, str(seq % 40), connection=1 + seq // 3000) for seq in range(7000)]
    made = recorded(tmp_path / "one.pbx", inputs)
    with Journal(tmp_path / "one.pbx") as journal:
        assert (journal.first, journal.last, journal.start, journal.end) == (0, 6999, T0, T0 + timedelta(seconds=6999))
        assert [one for _, one in journal.inputs(2995, 3004)] == inputs[2995:3005]
        assert journal.seq_at(T0 + timedelta(seconds=4000.5)) == 4001
        assert journal.seq_at(T0 + timedelta(days=9)) == 7000
        assert journal.store(7000).snapshot(T0) == made.store.snapshot(T0)
        assert [one.why for one in journal.breaks()] == ["start"]
        assert journal.about == {"domain": "acme.example"}
        with pytest.raises(ConfigError, match="no zone"):
            journal.at(T0.replace(tzinfo=None))


def test_a_call_is_found_by_its_first_input(tmp_path: Path):
    call = {"id": "7", "from": "<sip:45@a>", "to": "<sip:41@a>", "state": "alerting"}
    inputs = [busy(0), busy(1), frame(2, {"action": "call-state", "calls": [call]}), busy(3)]
    recorded(tmp_path / "one.pbx", inputs)
    with Journal(tmp_path / "one.pbx") as journal:
        assert (journal.first_of("7"), journal.first_of("8")) == (2, None)


def test_a_recording_goes_on_in_its_file(tmp_path: Path):
    path = tmp_path / "one.pbx"
    recorded(path, [busy(0), busy(1)])
    again = recorded(path, [busy(2, "46")])
    with Journal(path) as journal:
        assert [one.seq for one in journal.breaks()] == [0, 2]
        assert journal.last == 2
        assert [*journal.store(3).accounts] == ["46"] == [*again.store.accounts]  # a new session knew no more
        assert [*journal.at(T0 + timedelta(seconds=1)).accounts] == ["45"]


def test_what_is_secret_does_not_reach_the_disk(tmp_path: Path):
    sdp = "v=0\r\na=ice-ufrag:Uf7\r\na=ice-pwd:s3cr3tpassword\r\na=fingerprint:sha-256 AA:BB\r\na=mid:0"
    by_rest = account_entry({"account": "45", "password": "hunter22"})
    inputs = [
        frame(1, {"action": "call-state", "calls": [{"id": "1", "sdp": sdp}]}),
        frame(2, {"action": "x", "password": "hunter22", "note": "kept"}),
        Resynced(*STAMP, (by_rest,), None, 0, 0, "rest", False, True, None),
    ]
    recorded(tmp_path / "one.pbx", inputs)
    with Journal(tmp_path / "one.pbx") as journal:
        kept = repr([one for _, one in journal.inputs()]) + repr(journal.store(3).snapshot(T0))
    for secret in ("s3cr3tpassword", "Uf7", "AA:BB", "hunter22"):
        assert secret not in kept
    assert "mid:0" in kept
    assert "note" in kept


@pytest.mark.parametrize("content", [b"no database at all, but long enough " * 40, b"SQLite format 3\0" + b"\0" * 2000])
def test_another_file_is_no_recording_and_stays_as_it_is(tmp_path: Path, content: bytes):
    path = tmp_path / "other.pbx"
    path.write_bytes(content)
    for use in (Journal, lambda path: recorded(path, [busy(0)])):
        with pytest.raises(NotARecording):
            use(path)
    assert path.read_bytes() == content
    with pytest.raises(NotARecording, match="no recording"):
        Journal(tmp_path / "none.pbx")


def test_another_database_is_no_recording(tmp_path: Path):
    database = sqlite3.connect(tmp_path / "other.pbx")
    database.execute("CREATE TABLE mine (x)")
    database.close()
    with pytest.raises(NotARecording):
        recorded(tmp_path / "other.pbx", [busy(0)])


def test_a_newer_form_is_refused_by_name(tmp_path: Path):
    path = tmp_path / "one.pbx"
    recorded(path, [busy(0)])
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    for use in (Journal, lambda path: recorded(path, [busy(0)])):
        with pytest.raises(RecordingTooNew, match="99") as refused:
            use(path)
        assert refused.value.data["version"] == 99


def test_a_damaged_part_costs_itself(tmp_path: Path):
    path = tmp_path / "one.pbx"
    recorded(path, [busy(seq, connection=1 + seq) for seq in range(3)])
    database = sqlite3.connect(path)
    database.execute("UPDATE blocks SET body = x'00112233' WHERE first = 1")
    database.commit()
    database.close()
    with Journal(path) as journal:
        assert [seq for seq, _ in journal.inputs(2)] == [2]
        with pytest.raises(RecordingError, match="damaged"):
            list(journal.inputs())


def test_orbits_and_queues_are_kept(tmp_path: Path):
    from pbxnb.model.kept.inputs import OrbitRead

    recorded(tmp_path / "one.pbx", [QueueRead(*STAMP, Queue(number="600")), OrbitRead(*STAMP, Orbit(number="700"))])
    with Journal(tmp_path / "one.pbx") as journal:
        snapshot = journal.at(T0)
    assert ([*snapshot.queues], [*snapshot.orbits]) == (["600"], ["700"])
