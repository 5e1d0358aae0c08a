"""A whole recording for others: no original in any value or byte of the file, and the same model at every input."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxnb.errors import ConfigError, OriginalsLeft, RecordingError, RecordingInUse
from pbxnb.journal import Journal, recorder
from pbxnb.journal.lines import read_lines
from pbxnb.journal.sharing import anonymise
from pbxnb.journal.sharing.anonymiser import Anonymiser
from pbxnb.model.clock import Clock
from pbxnb.model.entities import AccountState, Agent, Direction, Gap, Orbit, Parked, Phase, Queue, Waiting
from pbxnb.model.kept.inputs import (
    Applied,
    DateRead,
    Input,
    Lost,
    Opened,
    OrbitRead,
    QueueRead,
    Received,
    Resynced,
    Scoped,
    Sent,
    Ticked,
)  # fmt: skip
from pbxnb.model.kept.state import take
from pbxnb.model.store import Scope, Store
from pbxnb.protocol.decode import account_entry, call_entry
from pbxnb.protocol.parties import Party
from tests.journal.journal_kit import Recorded, busy, frame, recorded
from tests.journal.sharing.test_journal_sharing_frames import (
    FILES,
    FIXED,
    HOSTILE,
    KEEP,
    TIMES,
    call,
    originals,
    values,
)
from tests.model.inputs_kit import of_file, of_steps
from tests.model.model_kit import T0
from tests.model.test_model_reference import OFFSETS, histories

STAMP = (T0, 1.5, 1, None)
OURS = (
    TIMES
    | FIXED
    | {"state", "raw_state", "phase", "axis", "rule", "source", "direction", "ended_by", "value", "raw", "decimal"}
    | {"first_seen", "received", "read_at", "order", "joined", "times", "tz", "pbxnb"}
)
"""Keys of times and of words of the protocol and of the model."""
WIRE = {"extra", "stats", "tag"}
WORDS = (
    KEEP
    | {"the", "pbx", "closed", "line", "with", "code", "4403"}
    | {"and", "met", "through", "went", "joined", "dialled"}
    | {tag.__struct_config__.tag for tag in Input.__subclasses__()}
    | {*Phase, *AccountState, *Direction, *Scope, "rest", "snapshot"}
)
A_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)|\"(?:start|connect|at|since)\":\s*\"?[\d.]+\"?")


def plain(value: object) -> Any:
    """An input or a state as JSON, frames as what is in them."""
    if isinstance(raw := getattr(value, "raw", None), bytes):
        return json.loads(raw)
    return uncounted(msgspec.json.decode(msgspec.json.encode(value, enc_hook=dict)))


def uncounted(value: Any, key: str = "") -> Any:
    """Without the numbers of the model: they count, and name nobody."""
    if key in WIRE:
        return value
    if isinstance(value, dict):
        return {name: uncounted(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [uncounted(each, key) for each in value]
    return value if isinstance(value, str) else None


def parts(journal: Journal) -> list[Any]:
    """Every input, and the state before each and after the last."""
    inputs = [plain(one) for _, one in journal.inputs()]
    return [*inputs, *(plain(take(journal.store(seq))) for seq in range(journal.last + 2))]


def words(parts: list[Any]) -> Iterator[str]:
    for part in parts:
        for key, value in values(part):
            if key not in OURS and not A_TIME.fullmatch(value):
                yield value


def contents(path: Path) -> Iterator[str]:
    """All that is in the file, its blocks unpacked."""
    with closing(sqlite3.connect(path)) as database:
        tables = [name for [name] in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in database.execute(f"SELECT * FROM {table}"):  # noqa: S608 - its own names
                for cell in row:
                    raw = zstandard.decompress(cell) if isinstance(cell, bytes) else str(cell).encode()
                    yield raw.decode("utf-8", "replace").casefold()


def assert_nobody_in(before: Path, after: Path) -> None:
    """The search of an outsider: whole runs of three in any value, pieces of six anywhere."""
    with Journal(before) as old, Journal(after) as new:
        told = [json.dumps({"": text}) for text in words([*parts(old), old.about])]
        runs, pieces = originals(told)
        runs, pieces = runs - WORDS, {piece for piece in pieces if not any(piece in word for word in WORDS)}
        found = {
            run.casefold() for text in words([*parts(new), new.about]) for run in re.findall(r"\d+|[^\W\d_]+", text)
        }
    assert runs
    assert runs & found == set()
    keys = json.dumps([plain(take(Store())), [*FIXED]]).casefold()
    for text in contents(after):
        bare = re.sub(r"\\u[0-9a-f]{4}|\\.", " ", A_TIME.sub(" ", text.replace("t", "T").replace("z", "Z"))).casefold()
        assert not [piece for piece in pieces if piece in bare and piece not in keys]


def story(journal: Journal) -> list[Any]:
    """What the model is before each input, without who is who."""
    told = []
    for seq in range(journal.last + 2):
        store = journal.store(seq)
        accounts = Counter((one.state, one.type, len(one.calls), one.dnd) for one in store.accounts.values())
        calls = [(one.state, one.phase, one.started_at, len(one.extensions)) for one in store.calls.values()]
        talks = [(one.phase, one.direction, len(one.calls), one.ring) for one in store.conversations.values()]
        told.append((accounts, sorted(calls, key=str), sorted(talks, key=str), store.scope, store.seq))
    return told


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint at every third input."""
    monkeypatch.setattr(recorder, "_CHECKPOINT", 3)
    monkeypatch.setattr(recorder, "_AN_ENTITY", 0)


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_session_is_the_same_at_every_input_and_nobody_is_in_it(path: Path, tmp_path: Path) -> None:
    one = tmp_path / "one.pbx"
    recorded(one, of_file(path))
    two = anonymise(one, tmp_path / "two.pbx", key=b"a key of tests")
    assert_nobody_in(one, two)
    with Journal(one) as old, Journal(two) as new:
        assert story(new) == story(old)
        assert [type(one_input) for _, one_input in new.inputs()] == [type(one_input) for _, one_input in old.inputs()]
        assert [one_input.utc for _, one_input in new.inputs()] == [one_input.utc for _, one_input in old.inputs()]
        assert new.breaks() == old.breaks()


def of_everything(name: str) -> list[Input]:
    """A name and its numbers in every kind of input and in every attribute that holds text."""
    entry = account_entry({"account": "204", "name": name, "domain": "acme-clinic.example", "note": [name, 204]})
    listed = call_entry(call(name, cmc=name, extension=["*204"], note={"who": name}))
    party, since = Party("+15550100", name, "acme-clinic.example"), T0 - timedelta(minutes=3)
    agent = Agent(number="204", name=name, reason=name, state=name, since=since)
    queue = Queue(
        number="6001", name=name, agents=(agent,), callers=(Waiting(call="204-7711@pbx", party=party, since=since),),
        stats={"n": 2**65, "who": name}, why=name,
    )  # fmt: skip
    orbit = Orbit(number="7001", name=name, parked=(Parked(call="204-7711@pbx", party=party, by="204", since=since),))
    return [
        Opened(*STAMP, "70.1"),
        Opened(*STAMP, name),
        DateRead(*STAMP, T0, T0 - timedelta(seconds=1)),
        Resynced(*STAMP, (entry,), (listed,), 1, 1, "rest", True, True, Gap(since, T0)),
        Scoped(*STAMP, Scope.OWN),
        QueueRead(*STAMP, queue),
        OrbitRead(*STAMP, orbit),
        frame(2, {"action": "call-state", "calls": [call(name)]}, after=0),
        Applied(*STAMP, 3, json.dumps({"action": "user-state", "account": "204", "name": name}).encode()),
        Sent(*STAMP, 4, json.dumps({"action": "dial", "to": "15550100", "name": name}, ensure_ascii=False).encode()),
        Ticked(*STAMP),
        Lost(*STAMP, T0, f"The PBX closed the line with code 4403 ({name} 15550100)."),
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_in_no_kind_of_input_and_in_no_state(name: str, tmp_path: Path) -> None:
    one = tmp_path / "one.pbx"
    made = Recorded(one, start=False)
    for one_input in of_everything(name):
        one_input.apply_to(made.store)  # known before the recording begins: its first state holds everything
    made.recorder.start().result(20)
    made.take(of_everything(name)).stop()
    two = anonymise(one, tmp_path / "two.pbx", key=b"a key of tests")
    assert_nobody_in(one, two)
    with Journal(one) as old, Journal(two) as new:
        assert story(new) == story(old)


def test_words_of_pbxnb_stay_between_what_the_pbx_said(tmp_path: Path) -> None:
    recorded(tmp_path / "one.pbx", of_everything("Beatrix Orne"))
    with Journal(anonymise(tmp_path / "one.pbx", tmp_path / "two.pbx")) as journal:
        told = [one for _, one in journal.inputs() if isinstance(one, Opened | Lost)]
        [agent] = journal.store(journal.last + 1).queues.popitem()[1].agents
    assert told[0].version == "70.1"  # type: ignore[union-attr]
    assert re.fullmatch(r"The PBX closed the line with code 4403 \(\w{7} \w{4} \d{8}\)\.", told[-1].why)  # type: ignore[union-attr]
    assert agent.since == T0 - timedelta(minutes=3)


def test_the_same_person_is_the_same_in_frames_answers_states_and_tables(tmp_path: Path) -> None:
    recorded(tmp_path / "one.pbx", of_everything("Beatrix Orne"))
    with Journal(anonymise(tmp_path / "one.pbx", tmp_path / "two.pbx")) as journal:
        inputs = [one for _, one in journal.inputs()]
        [resync] = [one for one in inputs if isinstance(one, Resynced)]
        [queue] = [one.queue for one in inputs if isinstance(one, QueueRead)]
        [late] = [json.loads(one.raw) for one in inputs if isinstance(one, Applied)]
        [[key]] = sqlite3.connect(journal.path).execute("SELECT id FROM calls").fetchall()
        assert resync.accounts is not None
        [account] = resync.accounts
        assert late["account"] == account.account == queue.agents[0].number != "204"
        assert late["name"] == account.name == queue.agents[0].name == queue.callers[0].party.name
        assert account.extra["note"] == [late["name"], int(late["account"])]
        assert key == queue.callers[0].call
        assert journal.first_of(key) == 3
        assert [*journal.store(journal.last + 1).accounts] == [account.account]


def test_holes_and_other_beginnings_keep_their_why_and_their_model(tmp_path: Path, often: None) -> None:
    path = tmp_path / "one.pbx"
    made = Recorded(path)
    made.take(busy(seq, str(100 + seq % 7)) for seq in range(8))
    made.recorder._why = "hole"
    made.take(busy(seq, str(200 + seq)) for seq in range(8, 12)).stop()
    recorded(path, [busy(12, "333")])
    two = anonymise(path, tmp_path / "two.pbx")
    with Journal(path) as old, Journal(two) as new:
        assert [one.why for one in new.breaks()] == ["start", "hole", "start"]
        assert new.breaks() == old.breaks()
        assert story(new) == story(old)
    assert_nobody_in(path, two)


def test_a_zone_stays_unless_it_tells_an_original(tmp_path: Path) -> None:
    for name, zone in (("Berlin Taxi", "UTC"), ("Beatrix", "Europe/Berlin")):
        path = tmp_path / f"{name}.pbx"
        made = Recorded(path, start=False)
        made.recorder._target._about["tz"] = "Europe/Berlin"
        made.recorder.start().result(20)
        made.take([frame(1, {"action": "callerid", "name": name})]).stop()
        with Journal(anonymise(path, tmp_path / "two.pbx")) as journal:
            assert journal.about["tz"] == zone


def test_what_is_written_is_searched_byte_by_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(tmp_path / "one.pbx", of_everything("Beatrix Orne"))
    value = Anonymiser.value
    monkeypatch.setattr(
        Anonymiser, "value", lambda self, one, key="": one if isinstance(one, Sent) else value(self, one)
    )
    for search in ("check_value", "check_bytes"):
        with monkeypatch.context() as off:
            off.setattr(Anonymiser, search, lambda self, one, key="": None)
            with pytest.raises(OriginalsLeft):
                anonymise(tmp_path / "one.pbx", tmp_path / "two.pbx")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".one.pbx.lock", "one.pbx"]


def test_only_its_owner_reads_it_and_a_recording_in_the_making_is_not_replaced(tmp_path: Path) -> None:
    one = tmp_path / "one.pbx"
    recorded(one, [busy(1)])
    for out in ("two.pbx", "two.jsonl"):
        assert anonymise(one, tmp_path / out).stat().st_mode & 0o777 == 0o600
    live = Recorded(tmp_path / "live.pbx").take([busy(1), busy(2)])
    with pytest.raises(RecordingInUse):
        anonymise(one, tmp_path / "live.pbx")
    live.stop()
    with Journal(tmp_path / "live.pbx") as journal:
        assert journal.last == 1
    anonymise(one, tmp_path / "live.pbx")
    with Journal(tmp_path / "live.pbx") as journal:
        assert journal.last == 0
    with pytest.raises(ConfigError):
        anonymise(one, one)


def test_frames_of_a_recording_become_lines_and_lines_a_recording(tmp_path: Path) -> None:
    one, key = tmp_path / "one.pbx", b"a key of tests"
    inputs = [*of_everything("Beatrix Orne"), busy(9)]
    recorded(one, inputs)
    lines = anonymise(one, tmp_path / "two.jsonl", key=key)
    frames = [one_input for one_input in inputs if isinstance(one_input, Received | Sent)]
    assert [line.at for line in read_lines(lines)] == [one_input.utc.timestamp() for one_input in frames]
    assert "Beatrix" not in lines.read_text("utf-8")
    back = anonymise(lines, tmp_path / "three.pbx", key=key)
    with Journal(back) as journal:
        kinds = [type(one_input) for _, one_input in journal.inputs()]
        assert kinds == [Opened, *map(type, frames)]
        assert [one_input.utc for _, one_input in journal.inputs()][1:] == [one_input.utc for one_input in frames]
        assert journal.last == len(frames)


def test_a_damaged_recording_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    one = tmp_path / "one.pbx"
    recorded(one, [busy(seq, connection=1 + seq) for seq in range(3)])
    with closing(sqlite3.connect(one)) as database, database:
        database.execute("UPDATE blocks SET body = x'00112233' WHERE first = 1")
    with pytest.raises(RecordingError, match="damaged"):
        anonymise(one, tmp_path / "two.pbx")
    assert not (tmp_path / "two.pbx").exists()


@settings(max_examples=40, deadline=None)
@given(histories, st.sampled_from(OFFSETS), st.integers(0, 40))
def test_any_session_is_the_same_wherever_its_recording_begins(
    tmp_path_factory: pytest.TempPathFactory, history: Any, offset: float | None, begin: int
) -> None:
    folder, inputs = tmp_path_factory.mktemp("journal"), of_steps(history)
    made = Recorded(folder / "one.pbx", start=False, clock=Clock(offset))
    for given_before in inputs[:begin]:
        given_before.apply_to(made.store)
    made.recorder.start().result(20)
    made.take(inputs[begin:]).stop()
    anonymise(folder / "one.pbx", folder / "two.pbx")
    with Journal(folder / "one.pbx") as old, Journal(folder / "two.pbx") as new:
        assert new.breaks() == old.breaks()
        assert not old.breaks() or story(new) == story(old)
