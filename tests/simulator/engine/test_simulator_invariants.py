"""Whatever anybody does in whatever order, the PBX inside stays truthful and every list sent agrees with it."""

import json
from random import Random
from typing import Any

import pytest

from pbxnb.protocol.decode import decode
from pbxnb.protocol.messages import CallState, DomainState, Message, UserState
from pbxnb.simulator.engine.calls import ChangeKind
from pbxnb.simulator.engine.clock import SimClock
from pbxnb.simulator.engine.pbx import SimPbx
from pbxnb.simulator.server.frames import Dialect, FrameWriter, Variants
from pbxnb.simulator.server.sockets import Subscriptions
from pbxnb.simulator.start import populate
from tests.helpers.sim_client import contradictions


class Ear:
    """A socket that is subscribed to everything and keeps what it hears."""

    domain, user = "acme.example", "40"
    own, everyone, orbits, users = True, True, True, True

    def __init__(self) -> None:
        self.lamps = {"41": None}
        self.heard: list[str] = []

    def send(self, text: str) -> None:
        self.heard.append(text)


def random_pbx(seed: int, *, fresh_ids: bool = False) -> SimPbx:
    pbx = SimPbx(clock=SimClock(1_790_000_000.0), channels=4, fresh_ids=fresh_ids)
    populate(pbx, 8, seed=seed, agents=3)
    return pbx


def act(pbx: SimPbx, rng: Random) -> None:
    """One thing somebody does: mostly sensible, often impossible."""
    numbers = [*pbx.accounts, "999", "+12025550101", "+12025550102", "*85700", "*86700", "*8741"]
    call = rng.choice([*pbx.calls, "none"])
    other = rng.choice([*pbx.calls, "none"])
    number = rng.choice(numbers)
    extension = rng.choice([e.number for e in pbx.extensions])
    by = rng.choice(["", extension])
    rng.choice(
        [
            lambda: pbx.dial(rng.choice([extension, "+12025550103"]), number),
            lambda: pbx.dial(extension, rng.choice(numbers)),
            lambda: pbx.answer(call, by),
            lambda: pbx.answer(call),
            lambda: pbx.reject(call, by),
            lambda: pbx.hangup(call, by),
            lambda: pbx.hold(call, by),
            lambda: pbx.resume(call, by),
            lambda: pbx.transfer(call, number, by),
            lambda: pbx.attended_transfer(call, other, by),
            lambda: pbx.park(call, rng.choice(["700", "701", "41"]), by),
            lambda: pbx.retrieve(rng.choice(["700", "701"]), extension),
            lambda: pbx.pickup(rng.choice([call, extension]), extension),
            lambda: pbx.record(call, rng.random() < 0.5, by),
            lambda: pbx.press(call, rng.choice(["1", "2", "0", "9", "41"])),
            lambda: pbx.dnd(extension, rng.random() < 0.3),
            lambda: pbx.forward(extension, rng.choice(["", "", number]), rng.choice(["all", "busy", "no_answer"])),
            lambda: pbx.register(extension) if rng.random() < 0.8 else pbx.unregister(extension),
            lambda: pbx.queue_login("600", extension, rng.random() < 0.7),
            lambda: pbx.queue_pause("600", extension, rng.random() < 0.3),
            lambda: pbx.clock.advance(rng.expovariate(1 / 10)),
        ]
    )()


@pytest.mark.parametrize("fresh_ids", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_no_sequence_of_commands_makes_it_contradict_itself(seed: int, fresh_ids: bool) -> None:
    rng, pbx = Random(seed), random_pbx(seed, fresh_ids=fresh_ids)
    told: set[str] = set()

    def count(change: Any) -> None:
        if change.kind is ChangeKind.CALL_NEW:
            assert change.call.id not in told
            told.add(change.call.id)
        elif change.kind is ChangeKind.CALL_ENDED:
            told.remove(change.call.id)

    pbx.changed.add(count)
    for _ in range(1500):
        act(pbx, rng)
        assert not list(contradictions(pbx))
        assert told == set(pbx.calls), "observers know exactly the calls there are"
    assert len(pbx.history) > 50, "something did happen"
    for call in list(pbx.calls):
        pbx.hangup(call)
    pbx.clock.advance(10_000)
    assert not pbx.calls
    assert pbx.switch.channels_used == 0
    assert not any(o.call for o in pbx.directory.orbits)
    assert not any(q.waiting for q in pbx.queues)


MANNERS = ["", "calls-object", "split-parties", "partial-user-state", "all"]


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("dialect", list(Dialect))
def test_every_list_sent_agrees_with_the_state_inside(dialect: Dialect, manner: str) -> None:
    rng, pbx = Random(f"{dialect} {manner}"), random_pbx(3)
    wire = FrameWriter(pbx, dialect, Variants(manner or ()))
    ear = Ear()
    push = Subscriptions(pbx, wire, [ear], [])  # type: ignore[list-item]
    ear.own = False  # a list of the own calls looks like one of all; one subscription at a time, as clients do
    known: dict[str, Any] = {}
    accounts: dict[str, tuple[bool, bool]] = {e.number: (e.registered, e.dnd) for e in pbx.extensions}
    for _ in range(800):
        act(pbx, rng)
        push.flush()
        heard, ear.heard = ear.heard, []
        for text in heard:
            message = decode(text)
            if isinstance(message, CallState):
                known = ({} if message.whole else known) | {c.id: c for c in message.calls}
            elif isinstance(message, UserState):
                check_account(pbx, message, accounts)
        assert known.keys() == pbx.calls.keys()
        for entry in known.values():
            call = pbx.calls[entry.id]
            assert (entry.from_.number, entry.to.number) == (call.caller.number, call.called.number)
            assert entry.extensions == call.extensions
            assert (entry.connect is None) == (call.connected is None)
            assert entry.recording == ("adhoc" if call.recording else "")
    assert accounts == {e.number: (e.registered, e.dnd) for e in pbx.extensions}


def check_account(pbx: SimPbx, message: UserState, accounts: dict[str, tuple[bool, bool]]) -> None:
    entry = message.entry
    calls = [c.id for c in pbx.calls_of(entry.account)]
    assert [c.id for c in entry.calls or ()] == calls
    if entry.account in accounts:
        registered, dnd = accounts[entry.account]
        accounts[entry.account] = (
            entry.registered if isinstance(entry.registered, bool) else registered,
            entry.dnd if isinstance(entry.dnd, bool) else dnd,
        )


@pytest.mark.parametrize("manner", MANNERS)
def test_a_snapshot_names_every_account_and_call(manner: str) -> None:
    rng, pbx = Random(5), random_pbx(5)
    wire = FrameWriter(pbx, Dialect.MODERN, Variants(manner or ()))
    for _ in range(100):
        act(pbx, rng)
    message: Message = decode(wire.domain_state("40", sees_domain=True))
    assert isinstance(message, DomainState)
    assert [a.account for a in message.accounts] == list(pbx.accounts)
    assert [c.id for c in message.calls or ()] == list(pbx.calls)
    own = decode(wire.domain_state("40", sees_domain=False))
    assert isinstance(own, DomainState)
    assert [c.id for c in own.calls or ()] == [c.id for c in pbx.calls_of("40")]


def test_frames_made_from_kept_parts_are_those_made_anew() -> None:
    rng, pbx = Random(7), random_pbx(7)
    wire = FrameWriter(pbx, Dialect.MODERN, Variants())
    for _ in range(300):
        act(pbx, rng)
        fresh = FrameWriter(pbx, Dialect.MODERN, Variants())
        assert wire.call_state() == fresh.call_state()
        assert wire.domain_state("40", sees_domain=True) == fresh.domain_state("40", sees_domain=True)
        assert json.loads(wire.call_state())["action"] == "call-state"
