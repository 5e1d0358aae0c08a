"""How sure a difference between two periods is, where a day is what was observed: calls of one day are not independent.

Every figure is a ratio of two sums over days: calls by days, calls in time by calls that count, seconds by calls.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from .distributions import student

__all__ = ["Ratio", "difference_of_means", "difference_of_shares", "newcombe", "ratio"]


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """A sum by another one.

    Attributes:
        value: what it is.
        base: the sum it is divided by.
        days: that have a part in it.
        variance: of ``value``, by the spread of the days; 0 of a single day.
    """

    value: float
    base: float
    days: int
    variance: float


def ratio(parts: Sequence[tuple[float, float]]) -> Ratio | None:
    """The ratio of what days add up to; None where nothing counts.

    Args:
        parts: of each day what is counted and what it is divided by.

    Source: Cochran, Sampling Techniques (1977), 6.3: the variance of a ratio is that of its residuals, day by day.
    """
    counted = [(part, base) for part, base in parts if base > 0]
    if not counted:
        return None
    base = math.fsum(base for _, base in counted)
    value = math.fsum(part for part, _ in counted) / base
    days = len(counted)
    squares = math.fsum((part - value * base) ** 2 for part, base in counted)
    return Ratio(value=value, base=base, days=days, variance=squares / base**2 * days / max(days - 1, 1))


def difference_of_means(a: Ratio, b: Ratio, confidence: float) -> tuple[float, float]:
    """The interval of ``b - a`` of two means.

    Source: Welch, Biometrika 34 (1947), with Satterthwaite's degrees of freedom.
    """
    both = a.variance + b.variance
    reach = student(confidence, _freedom(a, b)) * math.sqrt(both) if both else 0.0
    return b.value - a.value - reach, b.value - a.value + reach


def difference_of_shares(a: Ratio, b: Ratio, confidence: float) -> tuple[float, float]:
    """The interval of ``b - a`` of two shares; calls count for fewer where days differ more than by chance.

    Source: `newcombe`, with the numbers of calls divided by their design effect (Rao and Scott, Biometrics 48, 1992).
    """
    reach = student(confidence, a.days + b.days - 2)
    return newcombe(a.value, _independent(a), b.value, _independent(b), reach)


def newcombe(a: float, calls_a: float, b: float, calls_b: float, reach: float) -> tuple[float, float]:
    """The interval of ``b - a`` of two shares of so many calls each.

    Args:
        reach: of the standard normal distribution, 1.96 for 95 %.

    Example:
        >>> [round(bound, 4) for bound in newcombe(48 / 80, 80, 56 / 70, 70, 1.959964)]
        [0.0524, 0.3339]

    Source: Newcombe, Statistics in Medicine 17 (1998) 873-890, method 10, of two intervals of Wilson (1927).
    """
    low_a, high_a = _wilson(a, calls_a, reach)
    low_b, high_b = _wilson(b, calls_b, reach)
    return b - a - math.hypot(b - low_b, high_a - a), b - a + math.hypot(high_b - b, a - low_a)


def _wilson(share: float, calls: float, reach: float) -> tuple[float, float]:
    square = reach * reach
    middle = share + square / (2 * calls)
    half = reach * math.sqrt(share * (1 - share) / calls + square / (4 * calls * calls))
    return (middle - half) / (1 + square / calls), (middle + half) / (1 + square / calls)


def _independent(share: Ratio) -> float:
    """As many independent calls as tell no more than these."""
    by_chance = share.value * (1 - share.value) / share.base
    return share.base * min(1.0, by_chance / share.variance) if by_chance > 0 and share.variance else share.base


def _freedom(a: Ratio, b: Ratio) -> float:
    parts = (one.variance**2 / (one.days - 1) for one in (a, b))
    return (a.variance + b.variance) ** 2 / math.fsum(parts)
