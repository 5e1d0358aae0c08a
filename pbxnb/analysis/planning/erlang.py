"""Queueing formulas: loss (Erlang B), delay (Erlang C), delay with impatience (Erlang A). Pure arithmetic, no tables.

Rates are calls per second, durations seconds, loads erlang. The check values of the tests are published ones.
Approximations, for the reader of a picture: stationary load, no retrials, exponential talk and patience.
"""

from __future__ import annotations

import math

import msgspec

from pbxnb.arguments import check_number
from pbxnb.errors import AnalysisError

__all__ = ["Delay", "check_share", "erlang_a", "erlang_b", "erlang_c", "lines_for", "load_for"]

_MOST, _LEAST = 1e300, 1e-20  # of a sum: what counts as endless, and the share that counts as nothing


class Delay(msgspec.Struct, frozen=True, kw_only=True):
    """What a queue does to its callers.

    Attributes:
        wait_probability: share of callers who have to wait, 0 to 1.
        mean_wait: seconds, over all callers, those who do not wait included.
        abandoned: share of callers who give up, 0 to 1; 0 in Erlang C, where nobody does.
        occupancy: share of the agents' time spent with callers, 0 to 1.
        within: share of callers whose wait ends by an answer within ``threshold``, 0 to 1.
        threshold: seconds, as asked.
    """

    wait_probability: float
    mean_wait: float
    abandoned: float
    occupancy: float
    within: float
    threshold: float


def erlang_b(load: float, lines: int) -> float:
    """Blocking probability of ``lines`` lines offered ``load`` erlang.

    Args:
        load: offered traffic in erlang, not negative.
        lines: number of lines, not negative.

    Returns:
        The probability that all lines are busy, 0 to 1.

    Raises:
        AnalysisError: a negative or infinite argument.

    Example:
        >>> round(erlang_b(5, 10), 4)
        0.0184

    Source: Erlang 1917.
    """
    _not_negative(load=load)
    _not_negative(whole=True, lines=lines)
    return 1 / _inverse_b(load, lines)


def lines_for(load: float, blocking: float) -> int:
    """Smallest number of lines that keeps the blocking at or below ``blocking``.

    Example:
        >>> lines_for(8.1, 0.01)
        15
    """
    _not_negative(load=load)
    check_share(blocking=blocking)
    lines, now = 0, 1.0
    while now > blocking:
        lines += 1
        now = load * now / (lines + load * now)
    return lines


def load_for(lines: int, blocking: float) -> float:
    """Largest load in erlang that ``lines`` lines carry at the blocking given.

    Example:
        >>> round(load_for(10, 0.01), 3)
        4.461
    """
    _not_negative(whole=True, lines=lines)
    check_share(blocking=blocking)
    low, high = 0.0, max(1.0, 2.0 * lines)
    while erlang_b(high, lines) < blocking:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if erlang_b(middle, lines) < blocking else (low, middle)
    return low


def erlang_c(rate: float, duration: float, agents: int, *, threshold: float = 20.0) -> Delay:
    """A queue whose callers wait for ever.

    Args:
        rate: calls per second.
        duration: mean handling time, seconds.
        agents: number of agents; must exceed ``rate * duration``, or the queue grows without end.
        threshold: seconds for ``within``.

    Raises:
        AnalysisError: too few agents for the load, or an argument out of range.

    Example:
        >>> round(erlang_c(100 / 1800, 180, 14).mean_wait, 2)
        7.84

    Source: Erlang 1917.
    """
    _not_negative(rate=rate, duration=duration, threshold=threshold)
    _not_negative(whole=True, agents=agents)
    load = rate * duration
    if agents <= load:
        raise AnalysisError(
            f"{agents} agents cannot carry {load:.2f} erlang: the queue would grow without end.",
            hint=f"Take at least {math.floor(load) + 1} agents, or erlang_a, where callers give up.",
            load=load,
            agents=agents,
        )
    if load == 0:
        return Delay(wait_probability=0.0, mean_wait=0.0, abandoned=0.0, occupancy=0.0, within=1.0, threshold=threshold)
    blocking = erlang_b(load, agents)
    waits = blocking / (1 - load / agents * (1 - blocking))
    return Delay(
        wait_probability=waits,
        mean_wait=waits * duration / (agents - load),
        abandoned=0.0,
        occupancy=load / agents,
        within=1 - waits * math.exp(-(agents - load) * threshold / duration),
        threshold=threshold,
    )


def erlang_a(rate: float, duration: float, agents: int, patience: float, *, threshold: float = 20.0) -> Delay:
    """A queue whose callers give up after an exponential patience; never unstable.

    Args:
        rate: calls per second.
        duration: mean handling time, seconds.
        agents: number of agents, at least one.
        patience: mean patience, seconds.
        threshold: seconds for ``within``.

    Raises:
        AnalysisError: an argument out of range.

    Example:
        >>> round(erlang_a(48 / 60, 60, 50, 120).mean_wait, 1)
        3.7

    Source: Palm; Mandelbaum and Zeltyn 2005 (M/M/n+M). ``abandoned = mean_wait / patience``.
    """
    _not_negative(rate=rate, threshold=threshold)
    _not_negative(whole=True, agents=agents)
    for name, value in {"agents": agents, "duration": duration, "patience": patience}.items():
        check_number(name, value, above=True, error=AnalysisError)
    if rate == 0:
        return Delay(wait_probability=0.0, mean_wait=0.0, abandoned=0.0, occupancy=0.0, within=1.0, threshold=threshold)
    serving, arriving = agents * patience / duration, rate * patience  # in the time of one patience
    leaving = threshold / patience
    later = arriving * math.exp(-leaving)
    busy, queue = _waiting(serving, arriving)
    if busy < _MOST:
        total = busy + _inverse_b(rate * duration, agents) - 1  # the states with an agent free weigh 1 / B - 1
        beyond = math.exp(-arriving * math.expm1(-leaving) - (serving + 1) * leaving)
        in_time = _waiting(serving + 1, arriving)[0] - beyond * _waiting(serving + 1, later)[0]
        waits, queue, in_time = busy / total, queue / total, serving / (serving + 1) * in_time / total
    else:  # of so heavy a load nobody finds an agent free
        waits, queue, in_time = 1.0, arriving - serving, serving / arriving * (1 - _gamma(serving + 1, later))
    mean_wait = queue / rate
    return Delay(
        wait_probability=waits,
        mean_wait=mean_wait,
        abandoned=mean_wait / patience,
        occupancy=rate * (1 - mean_wait / patience) * duration / agents,
        within=1 - waits + in_time,
        threshold=threshold,
    )


def _inverse_b(load: float, lines: int) -> float:
    """1 / B as the sum of ``n! / (n - k)! / load^k``: some multiples of ``sqrt(load)`` terms count."""
    if load == 0:
        return math.inf if lines else 1.0
    total, term, left = 1.0, 1.0, lines
    while left and total < _MOST and (left > load or term > total * _LEAST):
        term *= left / load
        total += term
        left -= 1
    return total


def _waiting(serving: float, arriving: float) -> tuple[float, float]:
    """Weight of all states "all agents busy, k waiting", that of k = 0 being 1, and the sum of their k, weighted.

    The weight is ``s exp(a) a^-s`` times the lower incomplete gamma function of ``s`` serving and ``a`` arriving.
    """
    weight, callers, term, waiting = 0.0, 0.0, 1.0, 0
    while weight < _MOST and (term > weight * _LEAST or arriving > serving + waiting):
        weight += term
        callers += waiting * term
        waiting += 1
        term *= arriving / (serving + waiting)
    return weight, callers


def _gamma(shape: float, upper: float) -> float:
    """The regularized lower incomplete gamma function."""
    weight, _ = _waiting(shape, upper)
    if upper == 0 or weight >= _MOST:
        return 1.0 if upper else 0.0
    return weight * math.exp(shape * math.log(upper) - upper - math.lgamma(shape + 1))


def _not_negative(*, whole: bool = False, **values: float) -> None:
    for name, value in values.items():
        check_number(name, value, whole=whole, error=AnalysisError)


def check_share(**values: float) -> None:
    """Refuse what is no share between 0 and 1, both excluded."""
    for name, value in values.items():
        check_number(name, value, error=AnalysisError)
        if not 0 < value < 1:
            raise AnalysisError(f"{name} lies between 0 and 1, not at {value!r}.", hint="80 % is 0.8.", argument=name)
