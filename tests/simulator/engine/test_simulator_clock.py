"""Virtual time stands still between events, and runs at the pace asked for."""

import pytest

from pbxnb.errors import SimulatorError
from pbxnb.simulator.engine.clock import Pace, SimClock


def test_timers_run_in_order_at_exactly_their_time() -> None:
    clock, seen = SimClock(100.0), list[tuple[str, float]]()
    clock.at(2, lambda: seen.append(("b", clock.now)))
    clock.at(1, lambda: seen.append(("a", clock.now)))
    clock.at(2, lambda: seen.append(("c", clock.now)))
    assert clock.advance(10) == 3
    assert seen == [("a", 101.0), ("b", 102.0), ("c", 102.0)]
    assert clock.now == 110.0


def test_a_timer_may_set_another_and_may_be_cancelled() -> None:
    clock, seen = SimClock(0.0), list[float]()
    clock.at(1, lambda: clock.at(1, lambda: seen.append(clock.now)))
    clock.at(3, lambda: seen.append(-1)).cancel()
    clock.advance(5)
    assert seen == [2.0]
    assert clock.next_due is None


def test_a_limit_stops_time_at_the_last_timer_that_ran() -> None:
    clock = SimClock(0.0)
    for second in (1, 2, 3):
        clock.at(second, lambda: None)
    assert clock.advance_to(10, limit=2) == 2
    assert clock.now == 2.0


def test_the_pace_follows_the_wall_and_stands_still_when_paused() -> None:
    wall = [0.0]
    clock = SimClock(1000.0)
    pace = Pace(clock, 10.0, wall=lambda: wall[0])
    clock.at(50, lambda: None)
    assert pace.wait() == 5.0
    wall[0] = 2.0
    assert pace.target() == 1020.0
    clock.advance_to(pace.target())
    pace.pause()
    wall[0] = 9.0
    assert (pace.target(), pace.rate, pace.wait()) == (1020.0, 0.0, None)
    pace.resume()
    pace.speed = 100.0
    wall[0] = 9.1
    assert pace.target() == pytest.approx(1030.0)


@pytest.mark.parametrize("speed", [0, 0.09, 1001, -1, float("nan")])
def test_an_impossible_speed_is_refused(speed: float) -> None:
    with pytest.raises(SimulatorError, match=r"speed must be a number from 0\.1 to 1,000"):
        Pace(SimClock(0.0), speed)
