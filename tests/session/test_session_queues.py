"""Queues of the embedded PBX as the handle shows them: who waits, which call that is, who rests and why."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

import pbxnb


def same(told: datetime | None, moment: datetime) -> bool:
    """Within the milliseconds that the wire has."""
    return told is not None and abs(told - moment) <= timedelta(milliseconds=1)


@pytest.mark.parametrize("dialect", ["modern", "2016"])
async def test_callers_and_breaks_of_a_queue_are_in_the_model(dialect: str) -> None:
    start = "2026-03-02T09:30"
    async with pbxnb.simulate("empty", extensions=6, start=start, dialect=dialect, held=False) as pbx:
        sim = pbx.simulator
        sim.pause()
        sim.advance(0.5)
        began = sim.clock.now()
        for agent in ("44", "45"):
            assert sim.queue_pause("600", agent, True, "lunch")
        first, second = sim.place_call("+12025550101", "600", name="Jo"), sim.place_call("+12025550102", "100")
        sim.advance(2.25)
        sim.press(second, "1")
        third = sim.place_call("+12025550103", "600")

        def seen(pbx: pbxnb.Pbx) -> bool:
            queue = pbx.queues.get("600")
            return queue is not None and [caller.call for caller in queue.callers] == [second, third]

        await pbx.until(seen, timeout=20)
        queue = pbx.queues["600"]
        assert pbx.calls[first].extensions == ("43",)
        assert [(c.position, c.party.number) for c in queue.callers] == [(1, "+12025550102"), (2, "+12025550103")]
        for caller in queue.callers:
            assert same(caller.since, sim.clock.now()), "the menu before is no wait"
        free, *resting = sorted(queue.agents, key=lambda agent: agent.number)
        assert (free.number, free.paused, free.reason, free.since) == ("43", False, "", None)
        assert [(agent.number, agent.paused, agent.reason) for agent in resting] == [
            ("44", True, "lunch"),
            ("45", True, "lunch"),
        ]
        assert all(same(agent.since, began) for agent in resting)
        assert queue.waiting == 2
