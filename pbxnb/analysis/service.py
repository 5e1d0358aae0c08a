"""Service level and abandonment, each by a named definition: the same day has five service levels (ICMI)."""

from __future__ import annotations

from typing import Any

from pbxnb.arguments import check_number
from pbxnb.errors import AnalysisError

from .columns import By, check_keys, keys_of, measure, one_if, opened, ratio, totals

__all__ = ["SERVICE_LEVELS", "abandonment", "service_level"]

SERVICE_LEVELS = {
    1: "(answered in time + abandoned in time) / offered",
    2: "answered in time / answered",
    3: "answered in time / offered",
    4: "answered in time / (offered - short abandons)",
    5: "(answered in time + short abandons) / offered",
}
"""The definitions by number; ``offered`` is answered + abandoned. Source: ICMI 2002, reprinted 2005."""


@measure
def service_level(
    calls: Any,
    *,
    by: By = (),
    within: float = 20.0,
    definition: int = 4,
    short: float | None = None,
    legs: bool = False,
) -> Any:
    """Share of calls answered in time.

    Args:
        calls: needs ``outcome`` and ``wait_ms``; rows that are neither answered nor abandoned are left out.
        by: columns to group by, such as ``queue`` or ``["domain", "week"]``.
        within: the time limit, seconds.
        definition: a key of `SERVICE_LEVELS`; 4 is the usual one, 3 the strict one.
        short: seconds up to which an abandoned call does not count, for definitions 4 and 5; None means ``within``.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``offered``, ``answered``, ``abandoned``, ``answered_in_time``, ``short_abandons`` (int64),
        ``service_level`` (0 to 1, null when nothing counts), ``definition``, a row a group in order of ``by``, one row
        without; the same kind as ``calls``.

    Definition:
        One of the formulas of `SERVICE_LEVELS`, over calls that were answered or abandoned. In time is up to ``within``
        seconds of waiting; a short abandon is up to ``short``. Source: ICMI 2002, reprinted 2005.

    Raises:
        AnalysisError: an unknown definition or a negative limit.
        MissingColumn: a column is not there.

    Example:
        >>> from pbxnb import analysis
        >>> table = analysis.service_level(analysis.calls_of(pbx), within=30)
    """
    if definition not in list(SERVICE_LEVELS):
        listed = "; ".join(f"{key}: {text}" for key, text in SERVICE_LEVELS.items())
        raise AnalysisError(f"There is no service level definition {definition!r}.", hint=f"Choose of {listed}.")
    short = within if short is None else short
    check_number("within", within, error=AnalysisError)
    check_number("short", short, error=AnalysisError)
    keys = keys_of(by)
    check_keys(keys, "offered", "service_level", "definition")
    frame, back = opened(calls, "outcome", "wait_ms", legs=legs, offered=True, by=keys)
    import narwhals as nw

    answered, abandoned = nw.col("outcome") == "answered", nw.col("outcome") == "abandoned"
    in_time, briefly = nw.col("wait_ms") <= within * 1000, nw.col("wait_ms") <= short * 1000
    names = ("answered", "abandoned", "answered_in_time", "abandoned_in_time", "short_abandons")
    flags = frame.with_columns(
        answered=one_if(answered),
        abandoned=one_if(abandoned),
        answered_in_time=one_if(answered & in_time),
        abandoned_in_time=one_if(abandoned & in_time),
        short_abandons=one_if(abandoned & briefly),
    )
    counts = totals(flags, keys, *names).with_columns(offered=nw.col("answered") + nw.col("abandoned"))
    good = {
        1: nw.col("answered_in_time") + nw.col("abandoned_in_time"),
        5: nw.col("answered_in_time") + nw.col("short_abandons"),
    }.get(definition, nw.col("answered_in_time"))
    base = {2: nw.col("answered"), 4: nw.col("offered") - nw.col("short_abandons")}.get(definition, nw.col("offered"))
    return back(
        counts.with_columns(service_level=ratio(good, base), definition=nw.lit(SERVICE_LEVELS[definition])).select(
            *keys,
            "offered",
            "answered",
            "abandoned",
            "answered_in_time",
            "short_abandons",
            "service_level",
            "definition",
        )
    )


@measure
def abandonment(calls: Any, *, by: By = (), short: float = 5.0, legs: bool = False) -> Any:
    """Share of offered calls whose caller gave up, short abandons taken out of both sides of the fraction.

    Args:
        calls: needs ``outcome`` and ``wait_ms``.
        by: columns to group by, such as ``day`` or ``queue``.
        short: seconds up to which an abandoned call does not count; 0 counts every one that waited at all, -1 all.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``offered``, ``abandoned``, ``short_abandons`` (int64), ``abandonment`` (0 to 1, null when nothing
        counts), in order of ``by``; the same kind as ``calls``.

    Definition:
        (abandoned - short abandons) / (offered - short abandons), offered being answered and abandoned calls. A short
        abandon is one of up to ``short`` seconds of waiting.

    Example:
        >>> from pbxnb import analysis
        >>> table = analysis.abandonment(analysis.calls_of(pbx))
    """
    keys = keys_of(by)
    check_keys(keys, "abandonment")
    check_number("short", short, -1, error=AnalysisError)
    frame, back = opened(calls, "outcome", "wait_ms", legs=legs, offered=True, by=keys)
    import narwhals as nw

    abandoned = nw.col("outcome") == "abandoned"
    names = ("offered", "abandoned", "short_abandons")
    flags = frame.with_columns(
        offered=one_if(abandoned | (nw.col("outcome") == "answered")),
        abandoned=one_if(abandoned),
        short_abandons=one_if(abandoned & (nw.col("wait_ms") <= short * 1000)),
    )
    counts = totals(flags, keys, *names)
    lost, base = nw.col("abandoned") - nw.col("short_abandons"), nw.col("offered") - nw.col("short_abandons")
    return back(counts.with_columns(abandonment=ratio(lost, base)))
