"""Recorded callers once more in a queue, first come first served, with as many agents as one likes. Pure arithmetic."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from heapq import heapreplace
from itertools import accumulate
from random import Random
from typing import Final

import msgspec

__all__ = ["Caller", "Callers", "Outcome", "replay"]


class Caller(msgspec.Struct, frozen=True):
    """One recorded call; all in seconds, None where it is not known.

    Attributes:
        at: when it came, from any moment on.
        waited: until the answer, or until the caller gave up.
        service: talk, hold and wrap-up, of an answered call.
        gave_up: whether the caller did.
    """

    at: float
    waited: float | None
    service: float | None
    gave_up: bool


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the queue did to its callers; None where nothing counts.

    Attributes:
        service_level: share answered within the limit, those who gave up within it left out (definition 4).
        abandoned: share who gave up.
        mean_wait: seconds, of all callers, those who gave up included.
        occupancy: share of the agents' time spent with callers, in hours in which there was one.
    """

    service_level: float | None
    abandoned: float
    mean_wait: float
    occupancy: float | None


class Callers:
    """Recorded calls, and what is not recorded of them: drawn, so that it fits the records.

    Whoever gave up had the patience that he showed. Whoever was answered had more than he waited: how much is drawn
    from the Kaplan-Meier curve beyond his wait, and where the curve ends above 0, he waits for ever. A service time
    that is not known is one of the known ones.

    Args:
        callers: in the order in which they came; a service time of one of them at least is known.
    """

    def __init__(self, callers: Sequence[Caller]) -> None:
        self.arrivals: Final = [caller.at for caller in callers]
        self._service = [caller.service for caller in callers]
        self._known = [service for service in self._service if service is not None]
        self._waits, staying = _survival(callers)
        self._gone = [-share for share in staying]  # ascending
        beyond = [0 if caller.waited is None else bisect_right(self._waits, caller.waited) for caller in callers]
        self._patience: list[tuple[float | None, float]] = [  # known, or how far down the curve it begins
            (caller.waited if caller.gave_up else None, staying[place - 1] if place else 1.0)
            for caller, place in zip(callers, beyond, strict=True)
        ]

    def drawn(self, random: Random) -> tuple[list[float], list[float]]:
        """Patience and service time of each caller."""
        waits = [*self._waits, math.inf]
        patience = [
            waits[bisect_left(self._gone, -share * random.random())] if known is None else known
            for known, share in self._patience
        ]
        return patience, [random.choice(self._known) if service is None else service for service in self._service]


def replay(
    arrivals: Iterable[float], patience: Iterable[float], service: Iterable[float], agents: int, within: float
) -> Outcome:
    """The callers, in the order in which they came, each to the agent who is free first.

    Args:
        agents: at least one.
        within: the limit of the service level, seconds.
    """
    free = [-math.inf] * agents  # when each agent is, a heap
    offered = answered = in_time = short = hours = 0
    waited = busy = 0.0
    covered = -math.inf  # the last hour that is counted
    for at, patient, lasts in zip(arrivals, patience, service, strict=True):
        offered += 1
        start = max(at, free[0])
        if start - at > patient:
            waited += patient
            short += patient <= within
            continue
        heapreplace(free, start + lasts)
        answered += 1
        in_time += start - at <= within
        waited += start - at
        busy += lasts
        last = (start + lasts) // 3600
        hours += max(0, int(last - max(covered, start // 3600 - 1)))
        covered = max(covered, last)
    return Outcome(
        service_level=in_time / (offered - short) if offered > short else None,
        abandoned=1 - answered / offered,
        mean_wait=waited / offered,
        occupancy=busy / (agents * hours * 3600) if hours else None,
    )


def _survival(callers: Sequence[Caller]) -> tuple[list[float], list[float]]:
    """The waits at which somebody gave up, in order, and the share of callers who stay on beyond each."""
    gave_up = Counter(caller.waited for caller in callers if caller.gave_up and caller.waited is not None)
    seen = sorted(caller.waited for caller in callers if caller.waited is not None)
    waits = sorted(gave_up)
    factors = (1 - gave_up[wait] / (len(seen) - bisect_left(seen, wait)) for wait in waits)
    return waits, list(accumulate(factors, lambda share, factor: share * factor))
