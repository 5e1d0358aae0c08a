"""The incomplete beta function, and what follows from it: Student's t and the negative binomial distribution."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

__all__ = ["NegativeBinomial", "beta", "student"]

_TINY = 1e-300


def beta(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function I_x(a, b).

    Args:
        x: 0 to 1.
        a, b: above 0.

    Source: DLMF 8.17.22, a continued fraction, by Lentz's method; it takes some multiples of the square root of the
    larger of ``a`` and ``b`` in steps.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta(1 - x, b, a)
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or _TINY)
    fraction = d
    for m in range(1, 1_000_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        before = fraction
        for part in (even, odd):
            d = 1 / (1 + part * d or _TINY)
            c = 1 + part / c or _TINY
            fraction *= c * d
        if abs(fraction - before) <= 1e-15 * abs(before):
            break
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(front) * fraction / a


def student(confidence: float, freedom: float) -> float:
    """How far Student's t lies from 0 at most with a probability of ``confidence``.

    Args:
        confidence: between 0 and 1.
        freedom: degrees of freedom, above 0.

    Example:
        >>> round(student(0.95, 10), 3)
        2.228
    """
    low, high = 0.0, 1.0  # of freedom / (freedom + t * t)
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if beta(middle, freedom / 2, 0.5) < 1 - confidence else (low, middle)
    return math.sqrt(freedom * (1 - high) / high)


class NegativeBinomial(msgspec.Struct, frozen=True):
    """Counts whose rate itself varies by a gamma distribution.

    Attributes:
        mean: above 0.
        variance: above the mean; where it comes near, the counts are Poisson's.
    """

    mean: float
    variance: float

    def at_most(self, count: int) -> float:
        """Probability of ``count`` or fewer."""
        return beta(self.mean / self.variance, self._size, count + 1.0) if count >= 0 else 0.0

    def at_least(self, count: int) -> float:
        """Probability of ``count`` or more."""
        return beta(1 - self.mean / self.variance, float(count), self._size) if count > 0 else 1.0

    def extreme(self, count: int) -> float:
        """Probability of something as far out, on either side: twice the smaller tail."""
        return min(1.0, 2 * min(self.at_most(count), self.at_least(count)))

    def usual(self, chance: float) -> tuple[int, int]:
        """The smallest and the largest count whose `extreme` is ``chance`` or more."""
        return _first(lambda count: 2 * self.at_most(count) >= chance), _first(
            lambda count: 2 * self.at_least(count + 1) < chance
        )

    @property
    def _size(self) -> float:
        return self.mean * self.mean / (self.variance - self.mean)


def _first(reached: Callable[[int], bool]) -> int:
    """The smallest count from which on something holds."""
    low = high = 0
    while not reached(high):
        low, high = high + 1, 2 * high + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle + 1, high)
    return low
