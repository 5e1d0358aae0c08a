"""How many agents a service level takes, by Erlang's formulas."""

from __future__ import annotations

import math

from pbxnb.arguments import check_number
from pbxnb.errors import AnalysisError

from .erlang import check_share, erlang_a, erlang_c

__all__ = ["agents_for"]

_MOST_LOAD = 1e6  # erlang
_MOST_PATIENCE = 1e9  # calls that come while one caller is patient


def agents_for(
    rate: float,
    duration: float,
    level: float,
    within: float,
    *,
    patience: float | None = None,
    shrinkage: float = 0.0,
    most_occupied: float = 1.0,
) -> int:
    """The fewest agents on the roster that answer a share of the calls in time.

    Args:
        rate: calls per second, up to 1,000,000 erlang with ``duration``.
        duration: mean handling time, seconds.
        level: share of calls to be answered within ``within``, between 0 and 1; those who give up count as not answered
            (definition 3 of `SERVICE_LEVELS`).
        within: seconds.
        patience: mean patience of a caller, seconds: Erlang A; None, nobody gives up: Erlang C.
        shrinkage: share of the rostered time in which an agent is not at the phone (breaks, training, illness), 0 to
            0.99.
        most_occupied: share of an agent's time at the phone that may be spent with callers, above 0 to 1.

    Returns:
        Agents at the phone, divided by ``1 - shrinkage`` and rounded up; 0 where nobody calls.

    Raises:
        AnalysisError: an argument out of range.

    Example:
        >>> agents_for(100 / 1800, 180, 0.8, 20)
        14
        >>> agents_for(100 / 1800, 180, 0.8, 20, shrinkage=0.3, most_occupied=0.85)
        20

    Definition:
        The fewest agents on the roster with whom the share asked for of all calls is answered in time and nobody is
        busier than allowed: by Erlang C, where callers have a patience by Erlang A, divided by 1 - shrinkage.

    Source: `erlang_c` and `erlang_a`; both conditions hold for every number of agents from the smallest on, so it is
    found by halving. The values of the example are pyworkforce's and CRAN ErlangC's (telephony.md 5.4).
    """
    check_number("rate", rate, error=AnalysisError)
    check_number("duration", duration, above=True, error=AnalysisError)
    check_share(level=level)
    check_number("within", within, error=AnalysisError)
    check_number("shrinkage", shrinkage, most=0.99, error=AnalysisError)
    check_number("most_occupied", most_occupied, most=1, above=True, error=AnalysisError)
    load = rate * duration
    check_number("rate * duration", load, most=_MOST_LOAD, error=AnalysisError)
    if patience is not None:
        check_number("patience", patience, above=True, error=AnalysisError)
        check_number("rate * patience", rate * patience, most=_MOST_PATIENCE, error=AnalysisError)
    if load == 0:
        return 0

    def enough(agents: int) -> bool:
        if patience is None:
            delay = erlang_c(rate, duration, agents, threshold=within)
        else:
            delay = erlang_a(rate, duration, agents, patience, threshold=within)
        return delay.within >= level and delay.occupancy <= most_occupied

    # without patience the queue needs more agents than load; with it no more can be answered than agents there are
    least = math.floor(load) + 1 if patience is None else max(1, math.ceil(level * load))
    most, step = least, 1
    while not enough(most):
        least, most, step = most + 1, most + step, 2 * step
    while least < most:
        middle = (least + most) // 2
        least, most = (least, middle) if enough(middle) else (middle + 1, most)
    return math.ceil(least / (1 - shrinkage) - 1e-9)
