"""A session's inputs, fed into an empty store, give the same model and the same history, bit for bit."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pbxnb
from pbxnb import simulator
from pbxnb.client import Client
from pbxnb.history import History
from pbxnb.model.clock import Clock
from pbxnb.model.kept.inputs import DateRead, Input, Lost, Opened, QueueRead, Received, Resynced, Sent
from pbxnb.model.kept.state import (
    CallTrackState,
    ClockState,
    ConversationState,
    State,
    TimesState,
    restore,
    take,
)
from pbxnb.model.ledger import ConversationTrack
from pbxnb.model.store import Store
from pbxnb.model.tracks import CallTrack, Times
from tests.client.client_kit import QUICK, Watched
from tests.model.inputs_kit import FILES, Session, all_of, of_file, of_steps
from tests.model.model_kit import at
from tests.model.test_model_reference import OFFSETS, histories, run

LATE = at(10_000)


@settings(max_examples=150, deadline=None)
@given(histories, st.sampled_from(OFFSETS), st.sampled_from(["", "204"]))
def test_inputs_change_a_store_as_the_calls_of_the_store_do(history: Any, offset: float | None, user: str):
    told = Store(domain="acme.example", user=user, clock=Clock(offset))
    run(told, history, None)
    replayed = Session(user, Clock(offset)).take(of_steps(history))
    snapshot = replayed.store.snapshot(LATE)
    assert snapshot == told.snapshot(LATE)
    assert [*replayed.store.closed_calls()] == [*told.closed_calls()]
    assert [*replayed.store.presence()] == [*told.presence()]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_same_inputs_give_the_same_session_twice(path: Path):
    inputs = of_file(path)
    one, two = Session("204").take(inputs), Session("204").take(inputs)
    assert inputs
    assert all_of(one.store, one.history, LATE) == all_of(two.store, two.history, LATE)


@pytest.mark.parametrize("own_clock", [False, True], ids=["kernel's clock", "virtual clock"])
async def test_a_session_of_faults_over_a_socket_is_replayed_bit_for_bit(own_clock: bool):
    sim = simulator.start("callcentre", extensions=30, seed=7, speed=60.0)
    stamps: dict[str, Any] = {"now": sim.clock.now, "clock": Clock(offset=0.0)} if own_clock else {}
    login = pbxnb.Password(sim.password)
    client = Client(sim.url, domain=sim.domain, user=sim.user, login=login, timing=QUICK, **stamps)
    inputs: list[Input] = []
    client.on_input.add(inputs.append)
    history = History(client.store)
    client.on_changes.add(history.feed)
    watched = Watched(client)
    with sim:
        client.keep_read(queues=True, orbits=True)
        async with client:
            for fault in ("ghost", "garbage", "partial_snapshot", "drop", "restart"):
                before = len(watched.frames)
                await asyncio.to_thread(sim.faults.start, fault)
                await watched.until(lambda before=before: len(watched.frames) > before + 25)
            lives = watched.states.count("live")
            await asyncio.to_thread(sim.faults.start, "drop")
            await watched.live(lives + 1)
        now = datetime.now(UTC)
        expected = all_of(client.store, history, now)
    assert {type(one) for one in inputs} >= {Received, Sent, Opened, Lost, Resynced, DateRead, QueueRead}
    again = Session(client.store.user, Clock(offset=0.0) if own_clock else None, client.store.domain).take(inputs)
    assert all_of(again.store, again.history, now) == expected
    raw = [one.raw for one in inputs if isinstance(one, Received)]
    assert [frame.text.encode() for frame in watched.frames if frame.direction == "in"] == raw


STATES = msgspec.json.Decoder(State)


def restored(session: Session) -> Session:
    """The same session after its state was written and read again; what had ended is the old one's."""
    again = Session.__new__(Session)
    again.store = restore(STATES.decode(msgspec.json.encode(take(session.store), enc_hook=dict)))
    again.history = History(again.store)
    return again


def now_of(store: Store) -> dict[str, Any]:
    """What a state holds of `all_of`."""
    asked = all_of(store, History(store), LATE)
    running = [interval for interval in asked.pop("presence") if interval.end is None]
    del asked["closed"], asked["ended"], asked["running"]
    return {**asked, "running": running}


@settings(max_examples=200, deadline=None)
@given(histories, histories, st.sampled_from(OFFSETS))
def test_a_store_that_is_restored_goes_on_as_the_one_it_was(before: Any, after: Any, offset: float | None):
    session = Session("204", Clock(offset)).take(of_steps(before))
    again = restored(session)
    assert now_of(again.store) == now_of(session.store)
    for one in of_steps(after):
        expected, came = one.apply_to(session.store), one.apply_to(again.store)
        assert came.events == expected.events
        assert now_of(again.store) == now_of(session.store)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_situation_goes_on_from_any_of_its_moments(path: Path):
    inputs = of_file(path)
    whole = now_of(Session("204").take(inputs).store)
    for moment in range(len(inputs)):
        assert now_of(restored(Session("204").take(inputs[:moment])).take(inputs[moment:]).store) == whole


def test_every_attribute_of_a_track_is_in_its_state():
    """Whoever adds one, adds it there."""
    assert set(CallTrackState.__struct_fields__) == {*CallTrack.__slots__} - {"kept_as"}
    assert set(ConversationState.__struct_fields__) == {*ConversationTrack.__slots__} - {"_type_of"}
    assert set(TimesState.__struct_fields__) == set(Times.__slots__)
    assert set(ClockState.__struct_fields__) == {name.lstrip("_") for name in Clock.__slots__}
