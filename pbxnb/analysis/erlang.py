"""Queueing formulas: loss (Erlang B), delay (Erlang C), delay with impatience (Erlang A). Pure arithmetic, no tables.

Rates are calls per second, durations seconds, loads erlang. The check values of the tests are published ones.
Approximations, for the reader of a picture: stationary load, no retrials, exponential talk and patience.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

from pbxnb.arguments import check_number
from pbxnb.errors import AnalysisError

__all__ = ["Delay", "erlang_a", "erlang_b", "erlang_c", "lines_for", "load_for"]


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

    Source: Erlang 1917, by the recursion over the number of lines, which is stable.
    """
    _not_negative(load=load)
    _not_negative(whole=True, lines=lines)
    blocking = 1.0
    for line in range(1, lines + 1):
        blocking = load * blocking / (line + load * blocking)
    return blocking


def lines_for(load: float, blocking: float) -> int:
    """Smallest number of lines that keeps the blocking at or below ``blocking``.

    Example:
        >>> lines_for(8.1, 0.01)
        15
    """
    _not_negative(load=load)
    _share(blocking)
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
    _share(blocking)
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
    leaving, serving = 1 / patience, agents / duration
    # Weights of the states "all agents busy, k waiting", k = 0, 1, 2 ..., as logarithms, which do not overflow.
    logs = [0.0]
    while logs[-1] > max(logs) - 45 or rate > serving + len(logs) * leaving:
        logs.append(logs[-1] + math.log(rate / (serving + len(logs) * leaving)))
    shift = max(logs)
    busy = [math.exp(log - shift) for log in logs]
    # States up to "all agents busy" weigh 1 / B in units of that one.
    total = sum(busy) + (1 / erlang_b(rate * duration, agents) - 1) * math.exp(-shift)
    waits = sum(busy) / total
    mean_wait = sum(waiting * weight for waiting, weight in enumerate(busy)) / total / rate

    def answered_at(wait: float) -> float:
        """Density of an answer after ``wait``, times ``total``: the sum over all states has this closed form."""
        exponent = rate / leaving * -math.expm1(-leaving * wait) - (serving + leaving) * wait
        return serving * math.exp(exponent - shift)

    return Delay(
        wait_probability=waits,
        mean_wait=mean_wait,
        abandoned=leaving * mean_wait,
        occupancy=rate * (1 - leaving * mean_wait) * duration / agents,
        within=1 - waits + _simpson(answered_at, threshold) / total,
        threshold=threshold,
    )


def _simpson(density: Callable[[float], float], upper: float, panels: int = 2000) -> float:
    """Integral of a smooth density from 0 to ``upper``."""
    width = upper / panels
    inner = sum(density(i * width) * (4 if i % 2 else 2) for i in range(1, panels))
    return (density(0.0) + inner + density(upper)) * width / 3


def _not_negative(*, whole: bool = False, **values: float) -> None:
    for name, value in values.items():
        check_number(name, value, whole=whole, error=AnalysisError)


def _share(blocking: float) -> None:
    _not_negative(blocking=blocking)
    if not 0 < blocking < 1:
        raise AnalysisError(f"A blocking probability lies between 0 and 1, not at {blocking!r}.", blocking=blocking)
