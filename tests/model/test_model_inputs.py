"""A session's inputs, fed into an empty store, give the same model and the same history, bit for bit."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pbxnb
from pbxnb import simulator
from pbxnb.client import Client
from pbxnb.history import History
from pbxnb.model.clock import Clock
from pbxnb.model.kept.inputs import DateRead, Input, Lost, Opened, QueueRead, Received, Resynced, Sent
from pbxnb.model.store import Store
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
