"""The distributions that intervals and unusual hours rest on, against sums by hand and printed tables."""

import math

import pytest

from pbxnb.analysis.planning.distributions import NegativeBinomial, beta, student


@pytest.mark.parametrize(("x", "a", "b"), [(0.3, 2, 3), (0.9, 7, 2), (0.01, 1, 40), (0.5, 60, 55)])
def test_the_incomplete_beta_function_is_a_sum_of_binomials(x: float, a: int, b: int) -> None:
    tosses = a + b - 1  # I_x(a, b) is the probability of a heads or more
    heads = sum(math.comb(tosses, k) * x**k * (1 - x) ** (tosses - k) for k in range(a, tosses + 1))
    assert beta(x, a, b) == pytest.approx(heads, rel=1e-12)


def test_beta_of_what_is_far_from_small() -> None:
    assert beta(0.5, 1e7, 1e7) == pytest.approx(0.5, abs=1e-7)
    assert (beta(0, 2, 3), beta(1, 2, 3)) == (0, 1)


@pytest.mark.parametrize(
    ("freedom", "t"), [(1, 12.706), (2, 4.303), (4, 2.776), (10, 2.228), (30, 2.042), (100, 1.984), (1e6, 1.960)]
)
def test_student_as_printed_for_95_percent(freedom: float, t: float) -> None:
    assert student(0.95, freedom) == pytest.approx(t, abs=5e-4)


def test_student_as_printed_for_99_percent() -> None:
    assert (student(0.99, 4), student(0.99, 30)) == pytest.approx((4.604, 2.750), abs=5e-4)


def test_the_negative_binomial_by_hand() -> None:
    # mean 2, variance 4: two failures at even odds, P(k) = (k + 1) / 2^(k + 2): 1/4, 1/4, 3/16, 1/8 ...
    counts = NegativeBinomial(mean=2.0, variance=4.0)
    assert [counts.at_most(count) for count in (-1, 0, 1, 2, 3)] == pytest.approx([0, 0.25, 0.5, 0.6875, 0.8125])
    assert [counts.at_least(count) for count in (0, 1, 2, 4)] == pytest.approx([1, 0.75, 0.5, 0.1875])
    assert counts.extreme(4) == pytest.approx(0.375)
    assert counts.extreme(1) == 1.0  # half below it, three quarters above: never more than certain


def test_a_variance_near_the_mean_is_poisson() -> None:
    counts = NegativeBinomial(mean=10.0, variance=10.0 + 1e-6)
    poisson = sum(math.exp(-10) * 10**k / math.factorial(k) for k in range(6))
    assert counts.at_most(5) == pytest.approx(poisson, abs=1e-6)


@pytest.mark.parametrize(("mean", "variance"), [(0.06, 0.07), (2, 4), (50, 180), (1e5, 2e8)])
def test_what_is_usual_is_what_is_not_too_extreme(mean: float, variance: float) -> None:
    counts = NegativeBinomial(mean, variance)
    low, high = counts.usual(0.01)
    assert counts.extreme(low) >= 0.01
    assert counts.extreme(high) >= 0.01
    assert low == 0 or counts.extreme(low - 1) < 0.01
    assert counts.extreme(high + 1) < 0.01
