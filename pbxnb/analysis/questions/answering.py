"""How soon callers are answered, and how soon they give up."""

from __future__ import annotations

from typing import Any

from pbxnb.arguments import check_number
from pbxnb.errors import AnalysisError

from ..columns import By, check_keys, keys_of, measure, one_if, opened, ratio, totals, whole

__all__ = ["abandoned", "answered", "speed_of_answer"]


@measure
def speed_of_answer(calls: Any, *, by: By = (), legs: bool = False) -> Any:
    """How long those waited who were answered.

    Args:
        calls: needs ``outcome`` and ``wait_ms``; an answer after an unknown wait is left out.
        by: columns to group by, such as ``queue`` or ``day``.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``answered`` (int64), ``mean``, ``longest`` (seconds, null where there is none), a row a group in order
        of ``by``, one row without; the same kind as ``calls``.

    Definition:
        ASA: the sum of the waits of answered calls over their number. A wait lasts from the first ringing, or from
        joining the queue, to the answer, as ``wait_ms`` does; time with a menu before that is none.

    Source: Taylor Reach; Technion, documentation of the Anonymous Bank data.

    Raises:
        MissingColumn: a column is not there.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"outcome": ["answered", "answered", "abandoned"], "wait_ms": [4_000, 10_000, 60_000]})
        >>> speed_of_answer(table)[["answered", "mean", "longest"]].to_dict("records")
        [{'answered': 2, 'mean': 7.0, 'longest': 10.0}]
    """
    keys = keys_of(by)
    frame, back = opened(calls, "outcome", "wait_ms", by=keys, legs=legs, offered=True)
    import narwhals as nw

    wait = nw.col("wait_ms")
    known = frame.filter((nw.col("outcome") == "answered") & ~wait.is_null())
    numbers = {"answered": nw.len(), "mean": wait.mean(), "longest": wait.max()}
    found = known.group_by(*keys).agg(**numbers).sort(*keys) if keys else known.select(**numbers)
    seconds = (nw.col(name).cast(nw.Float64) / 1000.0 for name in ("mean", "longest"))
    return back(found.with_columns(*seconds, *whole("answered")))


@measure
def answered(calls: Any, *, within: float = 20.0, by: By = (), legs: bool = False) -> Any:
    """How many callers were answered, and how many of them within a time.

    Args:
        calls: needs ``outcome`` and ``wait_ms``; rows that are neither answered nor abandoned are left out.
        within: seconds.
        by: columns to group by, such as ``queue`` or ``day``.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``offered``, ``answered``, ``answered_in_time`` (int64), ``share`` (in time / offered, 0 to 1, null
        when nothing was offered), a row a group in order of ``by``, one row without; the same kind as ``calls``.

    Definition:
        Offered are answered and abandoned calls. In time is a wait of at most ``within`` (20 s); an unknown wait is
        not. The share is the strict service level (3); `service_level` knows the others.

    Source: ICMI 2002.

    Raises:
        AnalysisError: a negative time.
        MissingColumn: a column is not there.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"outcome": ["answered", "answered", "abandoned"], "wait_ms": [4_000, 30_000, 9_000]})
        >>> answered(table, within=20)[["offered", "answered", "answered_in_time"]].to_dict("records")
        [{'offered': 3, 'answered': 2, 'answered_in_time': 1}]
    """
    return _in_time(calls, "answered", within, by, legs)


@measure
def abandoned(calls: Any, *, within: float = 20.0, by: By = (), legs: bool = False) -> Any:
    """How many callers gave up, and how many of them within a time.

    Args:
        calls: needs ``outcome`` and ``wait_ms``; rows that are neither answered nor abandoned are left out.
        within: seconds.
        by: columns to group by, such as ``queue`` or ``day``.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``offered``, ``abandoned``, ``abandoned_in_time`` (int64), ``share`` (in time / offered, 0 to 1, null
        when nothing was offered), a row a group in order of ``by``, one row without; the same kind as ``calls``.

    Definition:
        Offered are answered and abandoned calls. In time is a wait of at most ``within`` (20 s); an unknown wait is
        not. `abandonment` is the share of all who gave up, without those who hardly waited.

    Source: Cisco ICM 4.5.

    Raises:
        AnalysisError: a negative time.
        MissingColumn: a column is not there.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"outcome": ["answered", "abandoned", "abandoned"], "wait_ms": [4_000, 30_000, 9_000]})
        >>> abandoned(table, within=20)[["offered", "abandoned", "abandoned_in_time"]].to_dict("records")
        [{'offered': 3, 'abandoned': 2, 'abandoned_in_time': 1}]
    """
    return _in_time(calls, "abandoned", within, by, legs)


def _in_time(calls: Any, outcome: str, within: float, by: By, legs: bool) -> Any:
    keys = keys_of(by)
    check_keys(keys, "share")
    check_number("within", within, error=AnalysisError)
    frame, back = opened(calls, "outcome", "wait_ms", by=keys, legs=legs, offered=True)
    import narwhals as nw

    became = nw.col("outcome")
    names = ("offered", outcome, f"{outcome}_in_time")
    flags = frame.select(
        *keys,
        offered=one_if((became == "answered") | (became == "abandoned")),
        **{outcome: one_if(became == outcome)},
        **{f"{outcome}_in_time": one_if((became == outcome) & (nw.col("wait_ms") <= within * 1000))},
    )
    counts = totals(flags, keys, *names)
    return back(counts.with_columns(share=ratio(nw.col(names[2]), nw.col("offered"))))
