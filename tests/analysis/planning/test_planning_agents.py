"""The fewest agents for a service level: published values, and the formulas one agent below and at the answer."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxnb.analysis import agents_for, erlang_a, erlang_c
from pbxnb.errors import AnalysisError

TEN = {"rate": 100 / 1800, "duration": 180.0, "level": 0.8, "within": 20.0}


def test_as_published_for_100_calls_in_half_an_hour() -> None:
    # pyworkforce and CRAN ErlangC: 14 agents at the phone, 20 on the roster with a shrinkage of 30 %.
    assert agents_for(**TEN) == 14
    assert agents_for(**TEN, most_occupied=0.85, shrinkage=0.3) == 20


def test_as_published_for_360_calls_in_half_an_hour() -> None:
    assert agents_for(360 / 1800, 240, 0.84, 15) == 55
    assert erlang_c(360 / 1800, 240, 55, threshold=15).within >= 0.84 > erlang_c(0.2, 240, 54, threshold=15).within


def test_callers_who_give_up_leave_their_place_to_others() -> None:
    assert agents_for(48 / 60, 60, 0.8, 20, patience=120) < agents_for(48 / 60, 60, 0.8, 20)


def test_occupancy_may_ask_for_more_than_the_service_level() -> None:
    assert agents_for(**TEN, most_occupied=0.5) == 20  # 10 erlang, half of the time each
    assert agents_for(**TEN, patience=60, most_occupied=0.5) == 20


def test_shrinkage_divides_at_the_end_and_rounds_up_once() -> None:
    assert agents_for(**TEN, shrinkage=0.5) == 28
    assert agents_for(**TEN, shrinkage=0.01) == 15
    assert agents_for(0.005, 60, 0.9, 20, shrinkage=0.4) == 4  # 2 / 0.6 is 3.33


def test_nobody_calls_and_a_town_calls() -> None:
    assert agents_for(0, 180, 0.8, 20) == 0
    assert 1_000_000 < agents_for(1e6 / 180, 180, 0.8, 20) < 1_001_000
    assert 960_000 < agents_for(1e6 / 180, 180, 0.8, 20, patience=120) < 970_000  # many answered, some lost


@settings(max_examples=60, deadline=None)
@given(
    load=st.floats(0.01, 300),
    duration=st.floats(1, 2000),
    level=st.floats(0.05, 0.99),
    within=st.floats(0, 300),
    patience=st.none() | st.floats(1, 3000),
    most_occupied=st.floats(0.3, 1),
)
def test_one_agent_fewer_would_not_do(
    load: float, duration: float, level: float, within: float, patience: float | None, most_occupied: float
) -> None:
    rate = load / duration
    found = agents_for(rate, duration, level, within, patience=patience, most_occupied=most_occupied)

    def enough(agents: int) -> bool:
        if patience is not None:
            queue = erlang_a(rate, duration, agents, patience, threshold=within)
        elif agents > rate * duration:
            queue = erlang_c(rate, duration, agents, threshold=within)
        else:
            return False
        return queue.within >= level and queue.occupancy <= most_occupied

    assert enough(found)
    assert found == 1 or not enough(found - 1)
    assert agents_for(rate * 1.1, duration, level, within, patience=patience, most_occupied=most_occupied) >= found


@settings(max_examples=30, deadline=None)
@given(load=st.floats(0.1, 200), level=st.floats(0.1, 0.99), within=st.floats(0, 100))
def test_endless_patience_is_erlang_c(load: float, level: float, within: float) -> None:
    patient = agents_for(load / 180, 180, level, within)
    human = agents_for(load / 180, 180, level, within, patience=5e8)
    assert patient - human in (0, 1)  # 1 where the load is a whole number of agents, which is too few for C alone


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: agents_for(-1, 180, 0.8, 20),
        lambda: agents_for(1, 0, 0.8, 20),
        lambda: agents_for(1, 180, 80, 20),
        lambda: agents_for(1, 180, 1, 20),
        lambda: agents_for(1, 180, 0.8, -20),
        lambda: agents_for(1, 180, 0.8, 20, patience=0),
        lambda: agents_for(1, 180, 0.8, 20, shrinkage=1),
        lambda: agents_for(1, 180, 0.8, 20, shrinkage="30 %"),
        lambda: agents_for(1, 180, 0.8, 20, most_occupied=0),
        lambda: agents_for(1, 180, 0.8, 20, most_occupied=1.2),
        lambda: agents_for(1e9, 180, 0.8, 20),
        lambda: agents_for(1e3, 180, 0.8, 20, patience=1e9),
    ],
)
def test_impossible_arguments_are_sentences(wrong: Callable[[], int]) -> None:
    with pytest.raises(AnalysisError, match=r"^[a-z].* (must be|lies between) .*\.$"):
        wrong()
