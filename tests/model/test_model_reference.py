"""The store against the slow and obvious reference, on random messages of both eras, snapshots and outages included."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pbxnb.model.changes import Changes
from pbxnb.model.clock import Clock
from pbxnb.model.derive import newest_call
from pbxnb.model.entities import CallState, Conversation, Orbit, Phase, Queue
from pbxnb.model.store import Scope, Store
from pbxnb.protocol.decode import account_entry, call_entry, decode
from pbxnb.protocol.messages import UserState
from tests.model.model_kit import START, T0, at
from tests.model.reference import Reference, bare

INSIDE = ["204", "205", "1000", "600", "700"]
NUMBERS = [*INSIDE, "*86700", "+15550100", "anonymous", ""]
TYPES = ["extensions", "acds", "orbits", "hunts", "attendants"]
OFFSETS = [None, 0.0, START - T0.timestamp(), START + 10 - T0.timestamp(), -34_000.0]
IDS = ["1", "2", "3", ""]
WORDS = ["alerting", "ringback", "connected", "onhold", "holding", "parked", "Connected", "levitating", ""]
STARTS = [None, "1790000000.120", 1790000000, "1790000060.5", 1789999999.25]
CONNECTS = ["", "1790000007.5"]


@st.composite
def calls(draw: st.DrawFn) -> dict[str, Any]:
    """A call in the words of either era."""
    call: dict[str, Any] = {"id": draw(st.sampled_from(IDS))}
    one, two = draw(st.sampled_from(NUMBERS)), draw(st.sampled_from(NUMBERS))
    if draw(st.booleans()):
        call |= {"from": f'"Jo" <sip:{one}@acme.example>', "to": f"<sip:{two}@acme.example>"}
        call["callstate"] = draw(st.sampled_from(WORDS))
    else:
        call |= {"from-number": one, "to-number": two, "state": draw(st.sampled_from(WORDS))}
    if draw(st.booleans()):
        call["extension"] = draw(st.lists(st.sampled_from(["204", "*205", "1000"]), max_size=3))
    start = draw(st.sampled_from(STARTS))
    if start is not None:
        call["start"] = start
    call["connect"] = draw(st.sampled_from(CONNECTS))
    if draw(st.integers(0, 4)) == 0:
        call |= draw(st.sampled_from([{"rec": "adhoc"}, {"cmc": "4711"}, {"mood": "fine"}]))
    return call


@st.composite
def accounts(draw: st.DrawFn) -> dict[str, Any]:
    """An account, or the body of a user-state."""
    found: dict[str, Any] = {"account": draw(st.sampled_from(INSIDE))}
    optional = {
        "name": st.sampled_from(["Jo", "Ann"]),
        "type": st.sampled_from(TYPES),
        "registered": st.sampled_from([True, False, "true", "false"]),
        "dnd": st.booleans(),
        "chatstatus": st.sampled_from(["online", "offline"]),
        "code": st.sampled_from([None, "c1", 0]),
        "calls": st.one_of(st.none(), st.lists(calls(), max_size=2)),
        "tag": st.sampled_from(["vip", 1]),
        "forward": st.just("+15550100"),
    }
    for name, values in optional.items():
        if draw(st.integers(0, 2)) == 0:
            found[name] = draw(values)
    return found


def unique(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({item["account"]: item for item in items}.values())


rosters = st.lists(accounts(), max_size=5).map(unique)
lists = st.lists(calls(), max_size=4)
steps = st.one_of(
    st.tuples(st.just("frame"), st.builds(lambda c: {"action": "call-state", "calls": c}, lists)),
    st.tuples(st.just("frame"), st.builds(lambda c: {"action": "call-state", "calls": c}, calls())),
    st.tuples(st.just("frame"), st.builds(lambda a: {"action": "user-state", **a}, accounts())),
    st.tuples(st.just("frame"), st.builds(lambda a: {"action": "domain-state", "accounts": a}, rosters)),
    st.tuples(
        st.just("frame"), st.builds(lambda a, c: {"action": "domain-state", "accounts": a, "calls": c}, rosters, lists)
    ),
    st.tuples(st.just("frame"), st.sampled_from([{"action": "call-state", "calls": None}, {"action": "blf"}])),
    st.tuples(st.just("resync"), st.tuples(st.none() | rosters, st.none() | lists)),
    st.tuples(st.just("put"), st.sampled_from([Orbit(number="700"), Queue(number="600"), Orbit(number="204")])),
    st.tuples(st.just("scope"), st.booleans()),
    st.tuples(st.just("tick"), st.none()),
)
histories = st.lists(st.tuples(steps, st.sampled_from([0.0, 0.25, 1.0, 5.0, 61.0])), max_size=25)


def run(store: Store, history: Any, reference: Reference | None) -> list[Changes]:
    """Feed both; compare after every step."""
    now, out = 0.0, []
    for seq, ((kind, value), after) in enumerate(history, 1):
        now += after
        before = dict(store.conversations)
        expected: list[tuple[Any, ...]] = []
        if kind == "frame":
            message = decode(json.dumps(value))
            changes = store.apply(message, at(now), seq=seq)
            if reference is not None:
                entry = message.entry if isinstance(message, UserState) else None
                listed = [entry] if entry is not None else getattr(message, "accounts", ())
                reference.said_in_order = [e.account for e in listed]
                expected = reference.apply(message, at(now))
        elif kind == "resync":
            some = None if value[0] is None else [account_entry(a) for a in value[0]]
            lines = None if value[1] is None else [call_entry(c) for c in value[1]]
            changes = store.resync(some, lines, at(now), seq=seq)
            if reference is not None:
                reference.said_in_order = [e.account for e in some or ()]
                expected = reference.resync(some, lines, at(now))
        elif kind == "put":
            changes = store.put_orbit(value, at(now)) if isinstance(value, Orbit) else store.put_queue(value, at(now))
            expected = reference.put(value, at(now)) if reference is not None else []
        elif kind == "scope":
            store.scope = Scope.OWN if value else Scope.DOMAIN
            changes = Changes()
            if reference is not None:
                reference.own_scope = value
        else:
            changes = store.tick(at(now))
            expected = reference.tick(at(now)) if reference is not None else []
        out.append(changes)
        if reference is not None:
            compare(store, reference, changes, expected, now)
            waiting = {key for key, line in reference.lines.items() if line.waiting}
            check_phases(store, waiting)
            check_times(store, before)
        check_ledger(store)
    return out


def compare(store: Store, reference: Reference, changes: Changes, expected: list[tuple[Any, ...]], now: float) -> None:
    assert list(store.accounts.items()) == list(reference.accounts.items())
    assert [(key, bare(call)) for key, call in store.calls.items()] == [
        (key, bare(call)) for key, call in reference.calls.items()
    ]
    said = []
    for event in changes.events:
        if event.call is not None:
            value = bare(event.call)
            if event.kind == "call.changed" and value == bare(event.before):
                continue  # only its conversation changed, of which the reference knows nothing
            said.append((event.kind, event.call.id, event.inferred, value))
        elif event.account is not None:
            said.append((event.kind, event.account.number, event.inferred, None if event.removed else event.account))
    assert sorted(said, key=repr) == sorted(expected, key=repr)
    order = ["call.ended", "call.new", "call.changed", "account.changed"]
    assert [order.index(event.kind) for event in changes.events] == sorted(order.index(e.kind) for e in changes.events)
    assert changes.ask_again == getattr(reference, "ask_again", False) or not expected
    intervals = [[p.number, p.axis, p.value, p.start, p.end] for p in store.presence()]
    assert sorted(intervals, key=repr) == sorted(reference.presence, key=repr)
    oldest = min(reference.claims.values(), default=None)
    evidence = not reference.own_scope and oldest is not None and (at(now) - oldest).total_seconds() >= 10
    assert store.scope_evidence(at(now)) == evidence


def check_ledger(store: Store) -> None:
    """Every open call is in just one conversation, the one it names; each conversation adds up."""
    open_calls = {key: call.conversation for key, call in store.calls.items()}
    for key, name in open_calls.items():
        assert key in store.conversations[name].calls
        assert store.conversations[name].state is not None
    for key, talk in store.conversations.items():
        assert talk.id == key
        still = [call for call in talk.calls if open_calls.get(call) == key]
        assert (talk.state is not None) == bool(still) == (talk.ended_at is None)
        assert min(talk.ring, talk.talk, talk.hold) >= 0
        assert sum(e.axis == "link" for e in talk.evidence) == len(talk.calls) - 1
    for record in store.closed_calls():
        spent = sum((end - start).total_seconds() for _, start, end in record.phases)
        assert record.talk is None or record.hold is None or record.talk + record.hold <= spent + 1e-6


AS_STATED = {
    CallState.RINGING: Phase.RINGING,
    CallState.CONNECTED: Phase.TALKING,
    CallState.HELD: Phase.HELD,
    CallState.PARKED: Phase.PARKED,
    CallState.OTHER: Phase.OTHER,
}


def check_phases(store: Store, waiting: set[str]) -> None:
    """Every conversation's phase follows from its newest open call, and nobody waits whom somebody has answered.

    Args:
        waiting: the open calls that came to a queue and were not answered since, by the reference.
    """
    for talk in store.conversations.values():
        if talk.state is None:
            assert talk.phase is Phase.ENDED
            continue
        newest = store.calls[newest_call(talk, store.calls)]
        assert talk.state is newest.state
        if talk.phase is Phase.QUEUED:
            assert talk.queue
            assert newest.phase in (Phase.QUEUED, Phase.RINGING)
            assert waiting.intersection(talk.calls)
        elif newest.phase is Phase.QUEUED:
            assert talk.phase is AS_STATED[newest.state]  # an agent answered by a call of its own
            assert len(talk.calls) > 1
        else:
            assert talk.phase is newest.phase
            assert talk.phase is not Phase.ENDED
        assert (talk.phase is Phase.PARKED) == (newest.state is CallState.PARKED)
        assert talk.phase is not Phase.TALKING or newest.state is CallState.CONNECTED
        assert talk.phase is not Phase.MENU or newest.state is CallState.CONNECTED
    for call in store.calls.values():
        assert (call.phase is Phase.QUEUED) <= (call.id in waiting)
    for one in (*store.accounts.values(), *store.calls.values(), *store.conversations.values()):
        assert one.since is None or one.since <= one.first_seen + timedelta(seconds=2)


RUNS = {Phase.RINGING: 0, Phase.QUEUED: 0, Phase.TALKING: 1, Phase.HELD: 2, Phase.PARKED: 2}


def check_times(store: Store, before: dict[str, Conversation]) -> None:
    """Between two messages only the time of the phase that ran goes on: queue and menu are no talk, music no hold."""
    for key, talk in store.conversations.items():
        was = before.get(key)
        if was is None or was.calls[0] != talk.calls[0]:
            continue
        old, new = (was.ring, was.talk, was.hold), (talk.ring, talk.talk, talk.hold)
        for place in range(3):
            if RUNS.get(was.phase) != place:
                assert new[place] == old[place]
        if talk.phase is was.phase:
            assert new == old


def _call(id: str, from_: str, state: str, to: str = "204", **more: str) -> dict[str, Any]:  # noqa: A002 - the field's name
    return {"id": id, "from-number": from_, "to-number": to, "state": state, "connect": "", **more}


def _call_state(calls: Any) -> dict[str, Any]:
    return {"action": "call-state", "calls": calls}


# an id used again, while the call that had it is linked with a third
ID_USED_AGAIN = [
    (("frame", frame), 0.0)
    for frame in (
        _call_state(_call("1", "204", "alerting")),
        _call_state(_call("1", "204", "alerting", start="1790000000.120")),
        {
            "action": "domain-state",
            "accounts": [{"account": "204", "type": "extensions", "registered": True}],
            "calls": [_call("1", "204", "alerting", to="205")],
        },
        _call_state([_call("1", "204", "connected", start="1790000060.5"), _call("2", "205", "alerting")]),
    )
]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(histories, st.sampled_from(OFFSETS))
@example(ID_USED_AGAIN, None)
def test_the_store_agrees_with_the_reference(history: Any, offset: float | None):
    run(Store(user="204", clock=Clock(offset)), history, Reference("204", offset))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(histories)
def test_the_same_frames_give_the_same_state_and_changes_bit_for_bit(history: Any):
    one, two = Store(user="204"), Store(user="204")
    assert repr(run(one, history, None)) == repr(run(two, history, None))
    assert repr(one.snapshot(at(0))) == repr(two.snapshot(at(0)))
    assert repr([*one.closed_calls()]) == repr([*two.closed_calls()])
    assert repr([*one.presence()]) == repr([*two.presence()])
    assert [one.explain(n) for n in INSIDE] == [two.explain(n) for n in INSIDE]
