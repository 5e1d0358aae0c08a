"""The random quantities of telephony, as small frozen values that draw from a generator handed in.

Pure arithmetic: nothing here knows of a PBX, a clock or a preset. The same generator state gives the same draw.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import pairwise
from random import Random
from typing import Protocol

import msgspec

from pbxnb.errors import ConfigError

__all__ = [
    "Distribution", "Lognormal", "Mixture", "Profile", "Survival", "Uniform", "day_level",
]  # fmt: skip

HOUR = 3600.0
DAY = 86_400.0


class Distribution(Protocol):
    """Anything that draws a non-negative number of seconds and knows its own mean."""

    def sample(self, rng: Random) -> float:
        """Draw one value, in seconds."""
        ...

    @property
    def mean(self) -> float:
        """The mean of the draws, in seconds."""
        ...


class Uniform(msgspec.Struct, frozen=True):
    """Every value between two bounds equally likely.

    Args:
        low: seconds.
        high: seconds.
    """

    low: float
    high: float

    def sample(self, rng: Random) -> float:
        """Draw one value, in seconds."""
        return rng.uniform(self.low, self.high)

    @property
    def mean(self) -> float:
        """The middle."""
        return (self.low + self.high) / 2


class Lognormal(msgspec.Struct, frozen=True):
    """Talk times, and most human durations, look like this (telephony.md 2).

    Args:
        log_mean: mean of the logarithm of the seconds; ``exp(log_mean)`` is the median.
        log_sd: standard deviation of that logarithm.
        shift: seconds added to every draw.
    """

    log_mean: float
    log_sd: float
    shift: float = 0.0

    def sample(self, rng: Random) -> float:
        """Draw one value, in seconds."""
        return self.shift + rng.lognormvariate(self.log_mean, self.log_sd)

    @property
    def mean(self) -> float:
        """``shift + exp(log_mean + log_sd² / 2)``."""
        return self.shift + math.exp(self.log_mean + self.log_sd**2 / 2)

    @classmethod
    def of(cls, mean: float, log_sd: float) -> Lognormal:
        """The lognormal with this mean, in seconds, and this spread of the logarithm."""
        return cls(math.log(mean) - log_sd**2 / 2, log_sd)


class Mixture(msgspec.Struct, frozen=True):
    """Draws from one of several, by weight: the spike of very short calls beside the lognormal body.

    Args:
        parts: pairs of weight and distribution; the weights need not sum to 1.
    """

    parts: tuple[tuple[float, Distribution], ...]

    def sample(self, rng: Random) -> float:
        """Choose a part, then draw from it."""
        point = rng.random() * sum(weight for weight, _ in self.parts)
        for weight, part in self.parts:
            point -= weight
            if point < 0:
                return part.sample(rng)
        return self.parts[-1][1].sample(rng)

    @property
    def mean(self) -> float:
        """The weighted mean of the parts."""
        total = sum(weight for weight, _ in self.parts)
        return sum(weight * part.mean for weight, part in self.parts) / total


class Survival(msgspec.Struct, frozen=True):
    """A survival curve given by points, as Kaplan and Meier draw it: who is still there after so many seconds.

    Between two points, and beyond the last, the hazard is constant, so every draw is finite and the mean exact.

    Args:
        points: pairs of seconds and share still there, both strictly monotone; (0, 1) is understood.

    Raises:
        ConfigError: when the points do not fall.
    """

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not self.points:
            raise ConfigError("A survival curve needs at least one point.")
        for (t0, s0), (t1, s1) in pairwise(self._knots()):
            if not (t1 > t0 and 0 < s1 < s0):
                raise ConfigError(
                    f"A survival curve must fall from point to point: ({t1:g}, {s1:g}) cannot follow ({t0:g}, {s0:g})."
                )

    def _knots(self) -> tuple[tuple[float, float], ...]:
        return ((0.0, 1.0), *self.points)

    def _hazards(self) -> list[float]:
        """The constant hazard of each piece, per second; the last one goes on for ever."""
        return [math.log(s0 / s1) / (t1 - t0) for (t0, s0), (t1, s1) in pairwise(self._knots())]

    def share(self, seconds: float) -> float:
        """The share still there after so many seconds."""
        knots = self._knots()
        piece = min(bisect_right(knots, seconds, key=lambda knot: knot[0]) - 1, len(knots) - 2)
        start, at_start = knots[piece]
        return at_start * math.exp(-self._hazards()[piece] * (seconds - start))

    def sample(self, rng: Random) -> float:
        """Draw the second at which one person leaves, by inverting the curve."""
        level = 1.0 - rng.random()  # in (0, 1]: a logarithm of it exists
        knots = self._knots()
        piece = 0
        while piece < len(knots) - 2 and knots[piece + 1][1] > level:
            piece += 1
        start, at_start = knots[piece]
        return start + math.log(at_start / level) / self._hazards()[piece]

    @property
    def mean(self) -> float:
        """The area under the curve."""
        hazards = self._hazards()
        area = sum(
            (s0 - s1) / hazard for ((_, s0), (_, s1)), hazard in zip(pairwise(self._knots()), hazards, strict=True)
        )
        return area + self._knots()[-1][1] / hazards[-1]


class Profile(msgspec.Struct, frozen=True):
    """How busy each hour of the day is, 1.0 being the busy hour.

    Args:
        hours: 24 levels, from the hour that begins at midnight.

    Raises:
        ConfigError: when there are not 24 of them, one is negative, or all are zero.
    """

    hours: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.hours) != 24 or min(self.hours) < 0 or max(self.hours) <= 0:
            raise ConfigError("A day's profile has 24 levels, none negative and not all zero.")

    @classmethod
    def flat(cls) -> Profile:
        """Every hour is the busy hour."""
        return cls((1.0,) * 24)

    @classmethod
    def parse(cls, levels: str) -> Profile:
        """24 numbers in any unit, as text; the greatest becomes 1.0."""
        hours = [float(level) for level in levels.split()]
        return cls(tuple(hour / max(hours) for hour in hours))

    def level(self, second: float) -> float:
        """The level at a second of the day (midnight is 0; beyond a day it starts again)."""
        return self.hours[int(second % DAY // HOUR)]

    def wait(self, rng: Random, second: float, per_hour: float) -> float:
        """Seconds until the next arrival of a Poisson stream that follows this profile.

        Exact for a rate that is constant within each hour (measured to hold: telephony.md 2), by spending one
        unit exponential hour by hour: one draw for each arrival, whatever the profile looks like.

        Args:
            rng: the generator.
            second: second of the day, now.
            per_hour: arrivals in the busy hour; 0 or less never arrive.

        Returns:
            Seconds; ``math.inf`` when nothing ever arrives.
        """
        if per_hour <= 0:
            return math.inf
        left = rng.expovariate(1.0)
        begin = second
        while True:
            boundary = (begin // HOUR + 1) * HOUR
            rate = per_hour * self.level(begin) / HOUR
            if rate * (boundary - begin) >= left and rate > 0:
                return begin - second + left / rate
            left -= rate * (boundary - begin)
            begin = boundary


def day_level(rng: Random, spread: float) -> float:
    """One day's level around 1: the Gamma mixing that makes days differ more than Poisson counts do.

    Args:
        rng: the generator.
        spread: coefficient of variation between days; 0 makes all days alike. Counts with mean ``m`` then have
            variance over mean ``1 + m * spread**2`` (the bank: 3.9 for half hours of about 49 calls, so 0.24).

    Returns:
        A factor for the day's arrival rates, mean 1.
    """
    if spread <= 0:
        return 1.0
    shape = 1 / spread**2
    return rng.gammavariate(shape, 1 / shape)
