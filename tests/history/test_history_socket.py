"""The path of the README: an embedded PBX here, a plain `connect` there, each with a clock of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import pbxnb
from pbxnb import figures, simulator
from pbxnb.model.entities import Phase
from pbxnb.ui.handle import handle_of


@pytest.mark.parametrize("offset", [None, 0.0, 2.0, -2.0, 300.0, -300.0, -34_000.0], ids=lambda one: f"{one} s")
def test_a_talk_lasts_as_long_as_it_lasted_and_ends_now(offset: float | None) -> None:
    start = None if offset is None else datetime.now(UTC) + timedelta(seconds=offset)
    sim = simulator.start("empty", extensions=4, start=start, held=False)
    login = pbxnb.Password(sim.password)
    with sim, pbxnb.connect(sim.url, domain=sim.domain, user=sim.user, login=login) as pbx:
        timeline, history = pbx.timeline(), handle_of(pbx).history
        caller, called = list(pbx.extensions)[:2]
        talks = pbx.wait_for("call.changed", timeout=10, state="connected")
        key = sim.run(lambda: sim.pbx.dial(caller, called))
        sim.run(lambda: sim.pbx.answer(key))
        answered = sim.clock.now()
        talks.result()
        assert timeline.describe().endswith("going on now: 1 talking.")
        [running] = {block.span for block in history.running("extension")}
        ends = pbx.wait_for("call.ended", timeout=10)
        sim.run(lambda: sim.pbx.clock.at(1.5, lambda: sim.pbx.hangup(key)))
        hung_up = sim.clock.now() + timedelta(seconds=1.5)
        ends.result()

        within = pbx.clock.uncertainty + 0.3  # the frame's way, on a busy machine
        assert abs((pbx.clock.now() - sim.clock.now()).total_seconds()) < within
        story = history.story(key)
        assert story is not None
        [_, talk] = story.spans
        assert (talk.phase, talk.start) == (Phase.TALKING, running.start)
        assert talk.end == pytest.approx(hung_up.timestamp(), abs=within)
        assert talk.start == pytest.approx(answered.timestamp(), abs=0.3)
        now = pbx.clock.now()
        assert {block.call for block in history.lanes("extension").blocks(now.timestamp() - 60, now.timestamp())} == {
            key
        }
        [record] = pbx.closed_calls()
        assert record.talk == pytest.approx((hung_up - answered).total_seconds(), abs=within)
        assert "talking" in figures.describe(figures.call_life(pbx, key))
        counts = history.samples(now, 0.5, 12)
        assert (max(n or 0 for n in counts["calls"]), counts["calls"][0], counts["waiting"]) == (1, 0, [0] * 12)
