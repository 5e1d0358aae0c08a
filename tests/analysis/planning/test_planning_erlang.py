"""Queueing formulas against published values (sources: each formula's docstring and the names below)."""

import math

import pytest

from pbxnb.analysis import erlang_a, erlang_b, erlang_c, lines_for, load_for
from pbxnb.errors import AnalysisError


@pytest.mark.parametrize(
    ("load", "lines", "blocking"),
    [(2.5, 6, 0.0282), (5, 10, 0.0184), (8.33, 15, 0.0120), (16.7, 25, 0.0136), (0, 3, 0.0), (7, 0, 1.0)],
)
def test_erlang_b_blocking(load: float, lines: int, blocking: float) -> None:
    assert erlang_b(load, lines) == pytest.approx(blocking, abs=5e-5)


@pytest.mark.parametrize(
    ("lines", "blocking", "load"),
    [
        (15, 0.01, 8.108),
        (10, 0.01, 4.461),
        (10, 0.02, 5.084),
        (10, 0.05, 6.216),
        (100, 0.01, 84.064),
        (100, 0.02, 87.972),
        (100, 0.05, 95.240),
    ],
)
def test_erlang_b_inverses_agree_with_the_standard_table(lines: int, blocking: float, load: float) -> None:
    assert load_for(lines, blocking) == pytest.approx(load, abs=6e-4)
    assert lines_for(load - 1e-3, blocking) == lines
    assert lines_for(load + 1e-3, blocking) == lines + 1


def test_erlang_c_as_published_for_100_calls_in_half_an_hour() -> None:
    queue = erlang_c(100 / 1800, 180, 14, threshold=20)
    assert queue.wait_probability == pytest.approx(0.1741319, abs=1e-7)
    assert queue.within == pytest.approx(0.88835, abs=1e-5)
    assert queue.mean_wait == pytest.approx(7.83594, abs=1e-5)
    assert queue.occupancy == pytest.approx(0.7142857, abs=1e-7)


def test_erlang_c_as_published_for_360_calls_in_half_an_hour() -> None:
    queue = erlang_c(360 / 1800, 240, 55, threshold=15)
    assert (queue.wait_probability, queue.mean_wait, queue.within) == pytest.approx((0.2387, 8.18, 0.8459), abs=5e-3)


@pytest.mark.parametrize(
    ("agents", "waits", "mean", "lost"), [(8, 0.303, 15.2, 0.039), (7, 0.468, 29.5, 0.076)], ids=["8", "7"]
)
def test_erlang_a_of_120_calls_an_hour(agents: int, waits: float, mean: float, lost: float) -> None:
    queue = erlang_a(120 / 3600, 183, agents, 390)
    assert queue.wait_probability == pytest.approx(waits, abs=5e-4)
    assert queue.mean_wait == pytest.approx(mean, abs=0.05)
    assert queue.abandoned == pytest.approx(lost, abs=5e-4)


def test_patience_matters_at_48_calls_a_minute() -> None:
    patient, human = erlang_c(48 / 60, 60, 50), erlang_a(48 / 60, 60, 50, 120)
    assert patient.mean_wait == pytest.approx(20.8, abs=0.05)
    assert human.mean_wait == pytest.approx(3.71, abs=0.005)
    assert human.abandoned == pytest.approx(0.0309, abs=5e-5)
    assert human.occupancy == pytest.approx(0.930, abs=5e-4)


def test_endless_patience_is_erlang_c() -> None:
    patient, human = erlang_c(100 / 1800, 180, 14), erlang_a(100 / 1800, 180, 14, 1e9)
    assert human.mean_wait == pytest.approx(patient.mean_wait, rel=1e-6)
    assert human.within == pytest.approx(patient.within, rel=1e-6)


def test_everybody_is_answered_or_gives_up_in_the_end() -> None:
    queue = erlang_a(48 / 60, 60, 50, 120, threshold=3000)
    assert queue.within + queue.abandoned == pytest.approx(1, abs=1e-5)


def test_a_hopelessly_overloaded_queue_still_has_an_answer() -> None:
    queue = erlang_a(100, 1, 50, 30)  # twice the load its agents carry: half of the callers must leave
    assert queue.abandoned == pytest.approx(0.5, abs=1e-6)
    assert queue.occupancy == pytest.approx(1, abs=1e-6)


def test_a_share_stays_below_1_after_a_long_time() -> None:
    # What happens in the first instants is as sharp as one call in 85 at once; 300 s are long for it.
    queue = erlang_a(84.464 / 1.324, 1.324, 111, 159.6, threshold=300)
    assert queue.within + queue.abandoned == pytest.approx(1, abs=1e-12)


def test_a_load_of_a_million_is_no_work() -> None:
    # Of a line for each of them: B is about sqrt(2 / (pi load)) (Jagerman 1974).
    assert erlang_b(1e6, 10**6) == pytest.approx(math.sqrt(2 / (math.pi * 1e6)), rel=2e-3)
    assert erlang_a(1e6 / 180, 180, 900_000, 1e5).abandoned == pytest.approx(0.1, abs=1e-9)


def test_nobody_calls() -> None:
    assert erlang_c(0, 180, 1).within == erlang_a(0, 180, 1, 60).within == 1.0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: erlang_b(-1, 3),
        lambda: erlang_b(math.inf, 3),
        lambda: lines_for(5, 0),
        lambda: load_for(5, 1),
        lambda: erlang_c(1, 10, 10),
        lambda: erlang_a(1, 10, 0, 60),
        lambda: erlang_a(1, 10, 5, 0),
        lambda: erlang_a(1, 10, 5, math.inf),
        lambda: erlang_b(2.5, 1.5),
        lambda: lines_for(5, "1 %"),
    ],
)
def test_impossible_arguments_are_sentences(wrong: object) -> None:
    with pytest.raises(AnalysisError, match=r"[a-z].*\.$"):
        wrong()  # type: ignore[operator]
