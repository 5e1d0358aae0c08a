"""One agent more: by hand, against what was recorded, against what would have happened, and against Erlang."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxnb.analysis import erlang_a, one_more_agent
from pbxnb.analysis.planning.queue import Caller, Callers, replay
from pbxnb.errors import AnalysisError
from tests.analysis.engines import Engine

START = datetime.fromisoformat("2026-03-02T09:00")
ENDLESS = float("inf")


def call(at: float, outcome: str = "answered", wait: float | None = 0, talk: float | None = 60, **more: Any) -> Any:
    return {
        "started_at": START + timedelta(seconds=at),
        "outcome": outcome,
        "wait_ms": None if wait is None else round(wait * 1000),
        "talk_ms": None if talk is None or outcome != "answered" else round(talk * 1000),
    } | more


def test_a_queue_by_hand() -> None:
    # One agent, calls of 60 s: the second waits 50 s, the third would wait 100 s and leaves after 30 s.
    found = replay([0, 10, 20], [ENDLESS, 60, 30], [60, 60, 60], 1, within=20)
    assert (found.abandoned, found.mean_wait) == pytest.approx((1 / 3, 80 / 3))
    assert found.service_level == pytest.approx(1 / 3)
    assert found.occupancy == pytest.approx(120 / 3600)
    # With two the third waits for the first agent, 40 s, if he can: his 30 s end before.
    found = replay([0, 10, 20], [ENDLESS, 60, 30], [60, 60, 60], 2, within=20)
    assert (found.abandoned, found.mean_wait, found.service_level) == pytest.approx((1 / 3, 10, 2 / 3))
    found = replay([0, 10, 20], [ENDLESS, 60, 30], [60, 60, 60], 3, within=20)
    assert (found.abandoned, found.mean_wait, found.service_level) == (0, 0, 1)


def test_who_leaves_within_the_limit_does_not_count_in_the_service_level() -> None:
    found = replay([0, 10, 20], [ENDLESS, 5, 30], [60, 60, 60], 1, within=20)
    assert (found.abandoned, found.service_level) == pytest.approx((2 / 3, 1 / 2))


def test_the_hours_in_which_nobody_is_served_are_nobodys_time() -> None:
    # 09:50 to 10:20, and one minute at 15:00: three hours of the clock
    found = replay([3000, 6 * 3600], [ENDLESS] * 2, [1800, 60], 2, within=20)
    assert found.occupancy == pytest.approx(1860 / (2 * 3 * 3600))


def recorded(random: Random, calls: int, agents: int) -> tuple[list[float], list[float], list[float], list[Caller]]:
    """Arrivals, patience and service times that nobody knows, and what so many agents made of them."""
    arrivals, at = [], 0.0
    for _ in range(calls):
        at += random.expovariate(0.1)
        arrivals.append(at)
    patience = [random.expovariate(1 / 60) for _ in range(calls)]
    service = [random.expovariate(1 / 100) for _ in range(calls)]
    free = [0.0] * agents
    callers = []
    for came, patient, lasts in zip(arrivals, patience, service, strict=True):
        agent = min(range(agents), key=free.__getitem__)
        wait = max(0.0, free[agent] - came)
        answered = wait <= patient
        if answered:
            free[agent] = came + wait + lasts
        callers.append(Caller(came, min(wait, patient), lasts if answered else None, gave_up=not answered))
    return arrivals, patience, service, callers


def test_the_recorded_number_of_agents_gives_what_was_recorded() -> None:
    arrivals, patience, service, callers = recorded(Random(1), 3000, 10)
    truth = replay(arrivals, patience, service, 10, within=20)
    known = Callers(callers)
    for seed in range(3):  # whatever is drawn: who was answered is patient enough for it
        assert replay(known.arrivals, *known.drawn(Random(seed)), 10, within=20) == truth


def test_one_more_does_what_it_would_have_done() -> None:
    arrivals, patience, service, callers = recorded(Random(2), 20_000, 10)
    truth, known = replay(arrivals, patience, service, 11, within=20), Callers(callers)
    found = replay(known.arrivals, *known.drawn(Random(0)), 11, within=20)
    theory = erlang_a(0.1, 100, 11, 60)
    for one in (truth, found):
        assert one.abandoned == pytest.approx(theory.abandoned, abs=0.01)
        assert one.mean_wait == pytest.approx(theory.mean_wait, abs=0.6)
        assert one.occupancy == pytest.approx(theory.occupancy, abs=0.01)
    assert (found.abandoned, found.mean_wait) == pytest.approx((truth.abandoned, truth.mean_wait), rel=0.05)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), agents=st.integers(6, 14))
def test_one_more_is_never_worse_on_average(seed: int, agents: int) -> None:
    known = Callers(recorded(Random(seed), 400, agents)[-1])
    draws = [known.drawn(Random(draw)) for draw in range(5)]
    before = [replay(known.arrivals, *draw, agents, within=20) for draw in draws]
    after = [replay(known.arrivals, *draw, agents + 1, within=20) for draw in draws]
    assert all(0 < one.occupancy <= 1 for one in before + after if one.occupancy is not None)
    assert sum(one.mean_wait for one in after) <= sum(one.mean_wait for one in before)
    assert sum(one.abandoned for one in after) <= sum(one.abandoned for one in before)


def test_patience_is_drawn_from_what_is_left_of_the_curve() -> None:
    # Of four, one leaves after 10 s and one after 30 s; one is answered at once, one after 20 s.
    callers = [Caller(0, 0, 60, False), Caller(1, 10, None, True), Caller(2, 20, 60, False), Caller(3, 30, None, True)]
    draws = [Callers(callers).drawn(Random(seed)) for seed in range(2000)]
    first = [patience[0] for patience, _ in draws]
    assert set(first) == {10, 30}  # of three still there at 10 s one leaves; the last one leaves at 30 s
    assert first.count(10) / 2000 == pytest.approx(1 / 3, abs=0.03)
    assert {(patience[1], patience[2], patience[3]) for patience, _ in draws} == {(10, 30, 30)}
    assert {service[1] for _, service in draws} == {60}


def test_where_nobody_ever_left_everybody_waits_for_ever() -> None:
    assert Callers([Caller(0, 5, 60, False), Caller(1, None, 30, False)]).drawn(Random(0))[0] == [ENDLESS, ENDLESS]


def test_the_table(engine: Engine) -> None:
    # Three calls of a minute within ten seconds, and one agent: hold counts, and what was no call does not.
    calls = [
        call(0, talk=40, hold_ms=10_000, wrap_ms=10_000),
        call(5, wait=55, hold_ms=0),
        call(10, "abandoned", wait=30, hold_ms=0),
    ]
    calls += [call(2, "busy", hold_ms=None), call(3, "unknown", hold_ms=None)]
    one, two = engine.rows(one_more_agent(engine.table(calls), 1))
    assert (one["agents"], two["agents"], one["calls"], two["calls"]) == (1, 2, 3, 3)
    assert (one["abandoned"], one["mean_wait"]) == pytest.approx((1 / 3, 85 / 3))
    assert one["abandoned_low"] == one["abandoned_high"] == one["abandoned"]
    assert (one["service_level"], one["occupancy"]) == pytest.approx((1 / 3, 120 / 3600))
    assert two["abandoned"] == pytest.approx(1 / 3)  # his 30 s end at 40 s, the first call at 60 s
    assert two["service_level"] == pytest.approx(2 / 3)
    assert list(one)[:6] == ["agents", "calls", "service_level", "service_level_low", "service_level_high", "abandoned"]


def test_a_week_of_the_bank_with_five_and_with_six(engine: Engine, january: list[dict[str, Any]]) -> None:
    week = [row for row in january if row["day"] < "1999-01-08"]
    few, more = engine.rows(one_more_agent(engine.table(week), 5, draws=5))
    assert few["calls"] == len(week)
    for name in ("abandoned", "mean_wait", "occupancy"):
        assert few[f"{name}_low"] <= few[name] <= few[f"{name}_high"]
        assert more[name] < few[name]
    assert more["service_level"] > few["service_level"]
    assert engine.rows(one_more_agent(engine.table(week), 5, draws=5)) == [few, more]  # the same seeds


def test_each_queue_has_its_own_agents(engine: Engine) -> None:
    calls = [call(at, queue=queue) for at in range(3) for queue in ("600", "601")]
    calls += [call(7, "abandoned", wait=3, queue="602")]
    rows = engine.rows(one_more_agent(engine.table(calls), 3, by="queue"))
    found = [(row["queue"], row["agents"], row["calls"], row["mean_wait"]) for row in rows]
    assert found[:4] == [("600", 3, 3, 0), ("600", 4, 3, 0), ("601", 3, 3, 0), ("601", 4, 3, 0)]
    assert found[4:] == [("602", 3, 1, None), ("602", 4, 1, None)]  # of nobody is known how long he is served


def test_what_is_not_known_is_drawn() -> None:
    calls = [call(0, talk=100), call(1, talk=None), call(2, wait=None), call(3, "abandoned", wait=None)]
    one, _ = one_more_agent(pa.Table.from_pylist(calls), 1, draws=50).to_pylist()
    assert one["mean_wait_low"] < one["mean_wait"] < one["mean_wait_high"]
    assert one["abandoned"] == 0  # nobody is known to have left after any time


def test_no_calls(engine: Engine) -> None:
    assert [row["mean_wait"] for row in engine.rows(one_more_agent(engine.table([call(0, "busy")]), 2))] == [None, None]


@pytest.mark.parametrize("wrong", [{"agents": 0}, {"agents": 1.5}, {"agents": 10**6}, {"draws": 0}, {"within": -1}])
def test_impossible_arguments_are_sentences(wrong: dict[str, Any]) -> None:
    with pytest.raises(AnalysisError, match=next(iter(wrong))):
        one_more_agent(pa.Table.from_pylist([call(0)]), **{"agents": 1, **wrong})
