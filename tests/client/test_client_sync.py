"""The snapshot in the making, without a clock: what completes it, what waits, what it covers."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime

import msgspec
import pytest

from pbxnb.client.writing.sync import Arrival, Sync, dialect_of, opening_frames, switch_frames
from pbxnb.client.writing.writer import Intake, ModelWriter
from pbxnb.errors import ConfigError
from pbxnb.model.answers import accounts_in
from pbxnb.model.changes import Changes, Event
from pbxnb.model.kept.inputs import Input, Received
from pbxnb.model.store import Scope, Store
from pbxnb.protocol.decode import decode
from pbxnb.signals import Signal
from tests.client.client_kit import QUICK, watching
from tests.helpers.fault_server import FaultServer

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def sync_of(*messages: dict[str, object]) -> Sync:
    sync = Sync()
    for seq, message in enumerate(messages, 1):
        sync.offer(Arrival(decode(msgspec.json.encode(message)), NOW, seq))
    return sync


def accounts(*numbers: str, **more: object) -> dict[str, object]:
    return {"action": "domain-state", "accounts": [{"account": number} for number in numbers], **more}


def calls(*ids: str) -> dict[str, object]:
    return {"action": "call-state", "calls": [{"id": id_} for id_ in ids]}


def user(number: str) -> dict[str, object]:
    return {"action": "user-state", "account": number, "type": "extensions"}


def split(sync: Sync) -> tuple[list[str] | None, list[str] | None, list[int]]:
    known, listed, after = sync.result()
    return (
        None if known is None else [entry.account for entry in known],
        None if listed is None else [entry.id for entry in listed],
        [arrival.seq for arrival in after],
    )


def test_one_domain_state_with_calls_is_enough():
    sync = sync_of(accounts("45", calls=[{"id": "1"}]))
    assert sync.missing == ()
    assert split(sync) == (["45"], ["1"], [])


def test_a_domain_state_without_calls_waits_for_a_list():
    assert sync_of(accounts("45")).missing == ("calls",)
    assert sync_of(calls()).missing == ("accounts",)
    assert sync_of(accounts("45"), calls()).missing == ()


def test_a_snapshot_knows_the_frames_it_came_in():
    sync = sync_of(user("45"), calls("1"), accounts("45"))
    sync.result()
    assert (sync.accounts_seq, sync.calls_seq) == (3, 2)


def test_later_frames_are_applied_after_and_earlier_ones_are_covered():
    sync = sync_of(user("45"), calls("1"), calls("1", "2"), accounts("45"), user("45"), calls("2"))
    assert split(sync) == (["45"], ["1"], [3, 5, 6])


def test_calls_inside_a_newer_domain_state_win():
    assert split(sync_of(calls("1"), accounts("45", calls=[{"id": "2"}]), calls("3"))) == (["45"], ["2"], [3])


def test_a_change_of_an_account_the_snapshot_lacks_is_kept():
    assert split(sync_of(user("299"), accounts("45", calls=[]))) == (["45"], [], [1])


def test_a_single_call_is_no_list_and_ends_nothing():
    sync = sync_of(accounts("45"), {"action": "call-state", "calls": {"id": "1"}})
    assert sync.missing == ()
    assert split(sync) == (["45"], None, [2])


def test_only_an_array_tells_that_lists_are_arrays():
    assert not sync_of({"action": "call-state", "calls": {"id": "1"}}).got_arrays
    assert not sync_of(accounts("45", calls=[])).got_arrays
    assert sync_of(calls("1"), {"action": "call-state", "calls": {"id": "2"}}).got_arrays


def test_changes_during_a_rest_read_come_on_top_of_its_answer():
    sync = sync_of(user("45"), calls())
    sync.rest_requested()
    sync.offer(Arrival(decode(msgspec.json.encode(user("45"))), NOW, 3))
    assert sync.missing == ("accounts",)
    assert sync.rest_answered(accounts_in([{"name": "45"}]))
    assert split(sync) == (["45"], [], [3])


def test_who_offers_hears_when_nothing_is_missing_any_more():
    sync = Sync()
    offered = [sync.offer(arrival(message)) for message in (user("45"), accounts("45"), user("45"), calls("1"))]
    assert offered == [False, False, False, True]


def arrival(message: dict[str, object], seq: int = 1) -> Arrival:
    raw = msgspec.json.encode(message)
    return Arrival(decode(raw), NOW, seq, raw)


class Written:
    """A writer, and what it told."""

    def __init__(self, store: Store) -> None:
        self.events: list[str] = []
        self.changes: list[Changes] = []
        events, changes = Signal[Event](), Signal[Changes]()
        events.add(lambda event: self.events.append(event.kind))
        changes.add(self.changes.append)
        self.inputs = Signal[Input]()
        intake = Intake(self.inputs)
        self.writer = ModelWriter(store, nullcontext(), intake, events, changes, lambda _changes, _arrival: None)


def test_parts_that_come_after_the_line_went_live_are_a_snapshot_each():
    told = Written(store := Store(domain="acme.example"))
    told.writer.begin()
    told.writer.finish(NOW, None)
    assert told.writer.missing == ("accounts", "calls")
    told.writer.take(arrival(accounts("45"), 1))
    assert (list(store.accounts), told.writer.missing) == (["45"], ("calls",))
    told.writer.take(arrival(calls("1"), 2))
    assert (list(store.calls), told.writer.missing) == (["1"], ())
    told.writer.finish(NOW, None)  # nothing is being read any more
    assert "call.new" not in told.events


def test_accounts_read_late_are_the_models():
    told = Written(store := Store(domain="acme.example"))
    told.writer.begin()
    told.writer.finish(NOW, None)
    told.writer.late_accounts(accounts_in([{"name": "45"}]), NOW, 0)
    assert (list(store.accounts), told.writer.missing) == (["45"], ("calls",))
    assert [list(changes.accounts) for changes in told.changes] == [["45"]]


def told_of(*entries: dict[str, object]) -> Written:
    """A live line, as of frame 1."""
    told = Written(Store(domain="acme.example", user="45"))
    told.writer.begin()
    told.writer.take(arrival({"action": "domain-state", "accounts": list(entries)}, 0))
    told.writer.take(arrival(calls("7", "8"), 1))
    told.writer.finish(NOW, None)
    return told


LINE = {
    "account": "45",
    "type": "extensions",
    "chatstatus": "online",
    "dnd": False,
    "code": "7",
    "calls": [{"id": "7"}],
}
QUEUE = {"account": "600", "type": "acds", "calls": [{"id": "8"}]}


def test_accounts_read_by_rest_beside_the_frames_change_nothing_that_rest_does_not_carry():
    told = told_of(LINE, QUEUE)
    before = dict(told.writer.store.accounts)
    assert {account.state for account in before.values()} == {"busy"}
    for _ in range(2):  # and what a list of extensions lacks is no less there
        told.writer.late_accounts(accounts_in([{"name": "45", "usertype": "extensions"}]), NOW, 1)
    assert told.writer.store.accounts == before


def test_frames_are_newer_than_accounts_that_were_asked_for_before_them():
    told = told_of(LINE, {**LINE, "account": "46"})
    told.writer.take(arrival({"action": "user-state", "account": "45", "dnd": True}, 2))
    old = [{"name": number, "usertype": "extensions", "dnd": number == "46"} for number in ("45", "46")]
    told.writer.late_accounts(accounts_in(old), NOW, 1)
    assert [account.dnd for account in told.writer.store.accounts.values()] == [True, True]
    told.writer.late_accounts(accounts_in(old), NOW, 2)
    assert [account.dnd for account in told.writer.store.accounts.values()] == [False, True]


@pytest.mark.parametrize("by_rest", [True, False])
def test_what_is_known_says_where_it_was_read(by_rest):
    told = Written(store := Store(domain="acme.example"))
    sync = told.writer.begin()
    if by_rest:
        sync.rest_requested()
        sync.rest_answered(accounts_in([{"name": "45", "dnd": True}]))
    else:
        told.writer.take(arrival({"action": "domain-state", "accounts": [{"account": "45", "dnd": True}]}))
    told.writer.finish(NOW, None)
    rules = {evidence.rule for evidence in store.explain("45")}
    assert rules & {"account.rest", "account.snapshot"} == {"account.rest" if by_rest else "account.snapshot"}


def test_rules_of_time_wait_for_the_snapshot_and_then_tell():
    store = Store(domain="acme.example")
    store.tick = lambda now: Changes(accounts=frozenset(("45",)))  # type: ignore[method-assign]
    told = Written(store)
    told.writer.begin()
    told.writer.tick(NOW)
    assert told.changes == []
    told.writer.finish(NOW, None)
    told.writer.tick(NOW)
    assert [list(changes.accounts) for changes in told.changes] == [["45"]]


@pytest.mark.parametrize(
    ("version", "dialect"), [("", "modern"), ("70.1", "modern"), ("67.0.5", "modern"), ("5.4", "2016"), ("58", "2016")]
)
def test_the_version_decides_the_dialect(version, dialect):
    assert dialect_of("auto", version) == dialect
    assert dialect_of("modern", version) == "modern"


def test_a_dialect_nobody_speaks():
    with pytest.raises(ConfigError):
        dialect_of("2020", "")


def test_one_call_subscription_and_never_two():
    assert opening_frames("modern", Scope.DOMAIN) == ({"action": "domain-calls", "subscribe": True},)
    assert opening_frames("modern", Scope.OWN) == ({"action": "own-calls", "subscribe": True},)
    assert [frame["subscribe"] for frame in switch_frames()] == [False, True]


@pytest.mark.parametrize(
    "answer",
    [
        [{"name": "45", "displayname": "Ann", "registered": True}],
        {"1187": {"name": "45", "displayname": "Ann"}},
        {"accounts": [{"account": "45", "name": "Ann"}]},
        {"total": 1, "page": 1, "data": [{"name": "45", "display_name": "Ann", "usertype": "extensions"}]},
    ],
)
def test_accounts_by_rest_in_every_shape(answer):
    (entry,) = accounts_in(answer)
    assert (entry.account, entry.name) == ("45", "Ann")


@pytest.mark.parametrize(
    ("answer", "number", "name"),
    [
        pytest.param({"45": {"displayname": "Ann"}}, "45", "Ann", id="number in the key only"),
        pytest.param({"45": {"name": "Ann Field"}}, "45", "Ann Field", id="number in the key, name beside it"),
        pytest.param({"45": {"name": "45", "displayname": "Ann"}}, "45", "Ann", id="number in both"),
        pytest.param({"1187": {"name": "45"}}, "45", "", id="an internal id is the key"),
        pytest.param(
            {"1187": {"id": 1187, "alias": "45", "displayname": "Ann"}}, "45", "Ann", id="an id, and an alias"
        ),
        pytest.param(
            {"accounts": {"45": {"displayname": "Ann", "alias": "845"}}}, "45", "Ann", id="the key before an alias"
        ),
        pytest.param([{"alias": "45", "displayname": "Ann"}], "45", "Ann", id="alias only"),
        pytest.param([{"alias": 45}], "45", "", id="alias a number"),
        pytest.param(
            [{"name": "45", "first_name": "Ann", "display_name": "Field"}], "45", "Ann Field", id="70: surname"
        ),
        pytest.param([{"name": "45", "first_name": "Ann", "display_name": "Annan"}], "45", "Ann Annan", id="70: alike"),
        pytest.param(
            [{"name": "45", "first_name": "Ann", "display_name": "Ann Field"}], "45", "Ann Field", id="70: whole"
        ),
        pytest.param([{"name": "45", "first_name": "Ann", "display_name": ""}], "45", "Ann", id="70: no surname"),
        pytest.param(
            [{"name": "45", "first_name": "", "display_name": "Field"}], "45", "Field", id="70: no first name"
        ),
        pytest.param([{"account": "45", "first_name": "Ann", "last_name": "Field"}], "45", "Ann Field", id="last_name"),
        pytest.param([{"account": "45", "name": "Ann", "alias": "845"}], "45", "Ann", id="an account is the number"),
    ],
)
def test_a_directory_names_its_accounts_in_many_ways(answer, number, name):
    (entry,) = accounts_in(answer)
    assert (entry.account, entry.name) == (number, name)


def test_a_type_that_is_not_told_stays_open():
    told = Written(store := Store(domain="acme.example"))
    told.writer.begin()
    told.writer.finish(NOW, None)
    told.writer.late_accounts(accounts_in([{"name": "45"}, {"name": "73", "usertype": "acds"}]), NOW, 0)
    assert {number: account.type for number, account in store.accounts.items()} == {"45": "", "73": "acds"}
    assert [entry.type for entry in accounts_in([{"name": "45"}], "extensions")] == ["extensions"]


@pytest.mark.parametrize(
    ("listed", "state"),
    [
        pytest.param(None, "busy", id="no list"),
        pytest.param([], "busy", id="a list without calls"),
        pytest.param([{"id": "1", "from": "45", "to": "+15550100", "state": "connected"}], "busy", id="our own calls"),
        pytest.param([{"id": "1", "from": "204", "to": "205", "state": "connected"}], "idle", id="the calls of others"),
    ],
)
def test_a_phone_that_rest_calls_connected_is_busy_where_we_may_not_see_its_call(listed, state):
    told = Written(store := Store(domain="acme.example", user="45"))
    told.writer.begin()
    if listed is not None:
        told.writer.take(arrival({"action": "call-state", "calls": listed}))
    told.writer.finish(NOW, None)
    told.writer.late_accounts(accounts_in([{"name": "207", "connected": "true"}, {"name": "45"}]), NOW, 0)
    assert store.accounts["207"].state == state
    assert store.accounts["207"].inferred == (state == "busy")
    assert told.writer.presumes == (state == "busy")
    told.writer.late_accounts(accounts_in([{"name": "207", "connected": False}, {"name": "45"}]), NOW, 0)
    assert store.accounts["207"].state == "idle"
    assert not told.writer.presumes


@pytest.mark.parametrize("answer", [None, 5, "text", [], {}, [None, 3], {"accounts": "none"}])
def test_answers_that_name_no_account(answer):
    assert accounts_in(answer) == ()


async def test_frames_that_wait_for_a_snapshot_are_bounded(monkeypatch):
    monkeypatch.setattr("pbxnb.client.writing.sync._MOST_BYTES", 100_000)

    async def flood(peer):
        for _ in range(200):
            await peer.send({"action": "user-state", "account": "45", "type": "extensions", "name": "x" * 1000})
        await peer.read_all()

    timing = msgspec.structs.replace(QUICK, ask_after=60.0, live_after=60.0)
    async with FaultServer(flood) as server, watching(server, timing=timing, open_timeout=30.0) as watched:
        assert watched.client.status.missing == ("accounts", "calls")
        await watched.until(lambda: watched.frames[-1].seq >= 200)
        assert watched.client.store.accounts["45"].name == "x" * 1000


def test_what_waited_and_what_completes_a_line_is_replayed_from_its_inputs():
    told = Written(store := Store(domain="acme.example"))
    inputs: list[Input] = []
    told.inputs.add(inputs.append)
    told.writer.begin()
    told.writer.take(arrival(calls("1"), 1))
    told.writer.take(arrival(user("45"), 2))
    told.writer.finish(NOW, None)
    told.writer.take(arrival(accounts("45", "46"), 3))  # the part that was missing
    told.writer.narrow(NOW)
    replayed = Store(domain="acme.example")
    for one in inputs:
        one.apply_to(replayed)
    assert [type(one).__name__ for one in inputs] == [
        "Received", "Received", "Resynced", "Applied", "Received", "Resynced", "Scoped",
    ]  # fmt: skip
    assert [one.held for one in inputs if isinstance(one, Received)] == [True, True, True]
    assert replayed.snapshot(NOW) == store.snapshot(NOW)
    assert replayed.scope is store.scope
