"""Intervals of differences: published examples, and how often they hold the truth."""

from collections.abc import Callable
from random import Random

import pytest

from pbxnb.analysis.planning.intervals import Ratio, difference_of_means, difference_of_shares, newcombe, ratio


@pytest.mark.parametrize(
    ("b", "a", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_examples_of_newcombe(b: tuple[int, int], a: tuple[int, int], low: float, high: float) -> None:
    found = newcombe(a[0] / a[1], a[1], b[0] / b[1], b[1], 1.959964)
    assert found == pytest.approx((low, high), abs=5e-5)


def mean_of(values: list[float]) -> Ratio:
    found = ratio([(value, 1) for value in values])
    assert found is not None
    return found


def test_the_sleep_of_student_by_welch() -> None:
    # R: t.test(extra ~ group, data = sleep) prints -3.3654832 to 0.2054832.
    first = mean_of([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    second = mean_of([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    assert (first.value, second.value) == pytest.approx((0.75, 2.33))
    assert difference_of_means(second, first, 0.95) == pytest.approx((-3.3654832, 0.2054832), abs=1e-7)


def test_a_ratio_is_that_of_the_sums_and_varies_with_the_days() -> None:
    # 2 of 4, 9 of 10, nothing on the third day: 11 of 14; residuals 2 - 22/7 and 9 - 55/7, a day too few to be sure
    found = ratio([(2, 4), (9, 10), (0, 0)])
    assert found is not None
    assert (found.value, found.base, found.days) == (11 / 14, 14, 2)
    assert found.variance == pytest.approx(2 * (8 / 7) ** 2 / 14**2 * 2)
    assert ratio([(0, 0)]) is None


def days(random: Random, number: int, spread: float) -> list[tuple[int, int]]:
    """Calls in time and calls, day by day: 80 % in time, more on some days and fewer on others."""
    made = []
    for _ in range(number):
        calls, share = random.randint(30, 90), random.gauss(0.8, spread)
        made.append((sum(random.random() < share for _ in range(calls)), calls))
    return made


def held(interval: Callable[[Random], tuple[float, float]], draws: int = 200) -> float:
    """The share of the intervals that hold 0, which is the truth."""
    found = [interval(Random(seed)) for seed in range(draws)]
    return sum(low <= 0 <= high for low, high in found) / draws


@pytest.mark.parametrize(("number", "spread"), [(5, 0.0), (10, 0.05), (30, 0.05)])
def test_intervals_of_shares_hold_the_truth(number: int, spread: float) -> None:
    def interval(random: Random) -> tuple[float, float]:
        a, b = ratio(days(random, number, spread)), ratio(days(random, number + 3, spread))
        assert a is not None
        assert b is not None
        return difference_of_shares(a, b, 0.95)

    assert 0.92 <= held(interval) <= 1


def test_calls_are_not_independent_where_days_differ() -> None:
    def naive(random: Random) -> tuple[float, float]:
        (good_a, calls_a), (good_b, calls_b) = (map(sum, zip(*days(random, 30, 0.1), strict=True)) for _ in "ab")
        return newcombe(good_a / calls_a, calls_a, good_b / calls_b, calls_b, 1.96)

    assert held(naive, 100) < 0.8


@pytest.mark.parametrize(("a", "b"), [(4, 4), (5, 20), (40, 40)])
def test_intervals_of_means_hold_the_truth(a: int, b: int) -> None:
    def interval(random: Random) -> tuple[float, float]:
        first = mean_of([random.gauss(100, 10) for _ in range(a)])
        return difference_of_means(first, mean_of([random.gauss(100, 30) for _ in range(b)]), 0.95)

    assert 0.92 <= held(interval) <= 0.99
