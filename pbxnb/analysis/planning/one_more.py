"""One agent more, on recorded traffic: the same callers once with so many agents, and once with one more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random
from statistics import fmean
from typing import Any

from pbxnb.arguments import check_number
from pbxnb.errors import AnalysisError

from ..columns import By, keys_of, measure, opened
from .queue import Caller, Callers, Outcome, replay
from .results import grouped, made

__all__ = ["one_more_agent"]

_FIGURES = Outcome.__struct_fields__


@measure
def one_more_agent(
    calls: Any,
    agents: int,
    *,
    within: float = 20.0,
    draws: int = 20,
    by: By = (),
    legs: bool = False,
) -> Any:
    """What the recorded calls would have met with ``agents`` agents, and with one more.

    The recorded arrivals are served in order, each by the agent who is free first, for as long as the call kept him; a
    caller whose patience ends first leaves. How patient those were who were answered is not recorded, nor how long a
    call would have been whose caller left: both are drawn, several times, from what is (`Callers`).

    Args:
        calls: needs ``started_at``, ``outcome``, ``wait_ms``, ``talk_ms``; ``hold_ms`` and ``wrap_ms`` count too
            where they are there. Only answered and abandoned calls count. Give those of one team, in the hours in which
            it worked.
        agents: how many take calls all the time, 1 to 100,000.
        within: the limit of the service level, seconds.
        draws: how often what is not recorded is drawn, 1 to 1,000; by the same seeds each time, and the same for both
            numbers of agents. A million calls take about three seconds a draw.
        by: one or more columns whose groups have a queue, and agents, of their own.
        legs: count every row, not every conversation.

    Returns:
        Two rows a group, for ``agents`` and one more: ``agents``, ``calls`` (int64), and each as the mean of the draws
        with its lowest and highest (``_low``, ``_high``): ``service_level`` (definition 4 of `SERVICE_LEVELS`),
        ``abandoned``, ``mean_wait`` (seconds, of all callers) and ``occupancy`` (of the agents' time in hours, of UTC,
        in which somebody was served). Null where no call was answered.

    Raises:
        AnalysisError: an argument out of range.
        MissingColumn: a column is not there.

    Definition:
        What the recorded calls meet when they are served again, first come first served, by a number of agents and by
        one more; patience and service times that are not recorded are drawn from those that are.

    Example:
        >>> [row["agents"] for row in one_more_agent(pbx, 3).to_pylist()]
        [3, 4]

    Source: first come first served with impatience, M/M/n+M without its assumptions on arrivals, service and patience
    (Mandelbaum and Zeltyn 2005); patience by Kaplan and Meier 1958.
    """
    check_number("agents", agents, 1, 100_000, whole=True, error=AnalysisError)
    check_number("within", within, error=AnalysisError)
    check_number("draws", draws, 1, 1000, whole=True, error=AnalysisError)
    keys = keys_of(by)
    needed = ("started_at", "outcome", "wait_ms", "talk_ms")
    frame, back = opened(calls, *needed, also=["hold_ms", "wrap_ms"], by=keys, legs=legs, offered=True)
    import narwhals as nw

    offered = frame.filter(nw.col("outcome").is_in(["answered", "abandoned"]) & ~nw.col("started_at").is_null())
    rows = [
        (key, row)
        for key, group in grouped(offered, keys, [*needed, "hold_ms", "wrap_ms"]).items()
        for row in _replayed([_caller(*call) for call in group], agents, within, draws)
    ]
    measures = {f"{figure}{end}": nw.Float64() for figure in _FIGURES for end in ("", "_low", "_high")}
    return back(made(rows, keys, {"agents": nw.Int64(), "calls": nw.Int64(), **measures}, frame))


def _caller(started: int, outcome: str, wait: float | None, talk: float | None, *more: float | None) -> Caller:
    """A row of the table; a time below 0 is not known, and hold or wrap-up that is not known adds nothing."""
    waited = wait / 1000 if wait is not None and wait >= 0 else None
    known = outcome == "answered" and talk is not None and talk >= 0
    service = sum(part for part in (talk, *more) if part is not None and part > 0) / 1000 if known else None
    return Caller(started / 1e6, waited, service, gave_up=outcome == "abandoned")


def _replayed(callers: Sequence[Caller], agents: int, within: float, draws: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"agents": number, "calls": len(callers)} for number in (agents, agents + 1)]
    if all(caller.service is None for caller in callers):
        return rows
    known = Callers(sorted(callers, key=lambda one: (one.at, one.waited or 0, one.service or 0, one.gave_up)))
    found: dict[int, list[Outcome]] = defaultdict(list)
    for seed in range(draws):
        patience, service = known.drawn(Random(seed))  # noqa: S311 - no secret
        for row in rows:
            found[row["agents"]].append(replay(known.arrivals, patience, service, row["agents"], within))
    for row in rows:
        for figure in _FIGURES:
            values = [value for one in found[row["agents"]] if (value := getattr(one, figure)) is not None]
            if values:
                row |= {figure: fmean(values), f"{figure}_low": min(values), f"{figure}_high": max(values)}
    return rows
