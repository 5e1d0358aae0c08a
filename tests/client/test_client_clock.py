"""Over a socket, beside a PBX whose clock is not ours: what was there before is as old as the PBX says."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from pbxnb import simulator
from pbxnb.client import Client, Password
from pbxnb.model.entities import Phase


@pytest.mark.parametrize("offset", [0.0, 300.0, -34_000.0])
async def test_calls_that_were_there_before_the_line_are_as_old_as_the_pbx_says(offset: float) -> None:
    start = datetime.now(UTC) + timedelta(seconds=offset)
    async with simulator.serve("empty", extensions=5, start=start, held=False) as pbx:
        one, two, three, four = ("40", "41", "42", "43")
        talking, held = pbx.place_call(one, two), pbx.place_call(three, four)
        for call in (talking, held):
            pbx.answer(call)
        answered = pbx.clock.now()
        pbx.hold(held)
        client = Client(pbx.url, domain=pbx.domain, user=pbx.user, login=Password(pbx.password))
        async with client:
            clock, store = client.store.clock, client.store
            assert abs(clock.at(datetime.now(UTC)) - pbx.clock.now()) <= timedelta(seconds=clock.uncertainty + 0.1)
            assert clock.uncertainty < 2
            assert abs(store.calls[talking].since - answered) < timedelta(seconds=0.1)
            assert store.accounts[one].since == store.calls[talking].since
            assert (store.calls[held].phase, store.calls[held].since) == (Phase.HELD, None)
            assert abs(store.calls[held].first_seen - pbx.clock.now()) < timedelta(seconds=clock.uncertainty + 5)
            begun = asyncio.Event()
            client.on_changes.add(lambda changes: begun.set() if len(store.calls) == 3 else None)
            fresh = pbx.place_call("44", four)
            await asyncio.wait_for(begun.wait(), 5)
            assert abs(store.calls[fresh].first_seen - pbx.clock.now()) < timedelta(seconds=1)
