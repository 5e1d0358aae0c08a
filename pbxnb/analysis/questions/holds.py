"""Who was put on hold, and for how long."""

from __future__ import annotations

from typing import Any

from ..columns import By, check_keys, keys_of, measure, one_if, opened, ratio, totals

__all__ = ["holds"]


@measure
def holds(calls: Any, *, by: By = (), legs: bool = False) -> Any:
    """How many conversations had holds, and how long those lasted.

    Args:
        calls: needs ``hold_ms``; time in a park orbit is held too.
        by: columns to group by, such as ``ext`` or ``["domain", "week"]``.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``calls`` (whose hold is known, 0 among them), ``held`` (of them, those with any), ``hold_ms`` (sum;
        int64), ``share`` (held / calls, 0 to 1) and ``mean`` (seconds of a held conversation; both null where there is
        none), a row a group in order of ``by``, one row without; the same kind as ``calls``.

    Definition:
        Time in which a conversation was on hold or parked, of conversations of which that is known; the mean is over
        those that were held at all.

    Raises:
        MissingColumn: a needed column is not there.

    Example:
        >>> import pandas as pd
        >>> from pbxnb.analysis import holds
        >>> table = pd.DataFrame({"hold_ms": [0, 30_000, 10_000, None]})
        >>> holds(table)[["calls", "held", "hold_ms", "mean"]].to_dict("records")
        [{'calls': 3, 'held': 2, 'hold_ms': 40000, 'mean': 20.0}]
    """
    keys = keys_of(by)
    check_keys(keys, "share", "mean")
    frame, back = opened(calls, "hold_ms", by=keys, legs=legs)
    import narwhals as nw

    hold = nw.col("hold_ms")
    known = frame.filter(~hold.is_null()).select(
        *keys, calls=nw.lit(1).cast(nw.Int64), held=one_if(hold > 0), hold_ms=hold
    )
    counts, held = totals(known, keys, "calls", "held", "hold_ms"), nw.col("held")
    return back(counts.with_columns(share=ratio(held, nw.col("calls")), mean=ratio(hold, held * 1000)))
