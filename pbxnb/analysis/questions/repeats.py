"""Callers who come again: who they are, and how many were helped by their first call."""

from __future__ import annotations

from typing import Any

from ..columns import By, check_keys, keys_of, measure, one_if, opened, ratio, totals, whole
from .callers import CALLER, REACHED, callers, later, window_of

__all__ = ["first_call_resolution", "repeat_callers"]


@measure
def repeat_callers(calls: Any, *, within: float, by: By = (), legs: bool = False) -> Any:
    """Callers who call again soon after they began to call.

    Args:
        calls: needs ``call_id``, ``direction``, ``from_num`` and ``started_at``; with ``domain`` a number of two of
            them is two callers.
        within: seconds from the beginning of one conversation to that of the next.
        by: columns to group by; a caller comes again whatever group his next conversation is in.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``domain``, ``number`` (as it is written; of several ways the last in order), ``calls`` (conversations)
        and ``again`` (of them, those after which he called again; int64), a row a caller who did, in order of all
        keys; the same kind as ``calls``.

    Definition:
        A caller came from outside or through a queue and shows a number; he calls again whether anybody answers him or
        not. Of two conversations that begin at the same moment that with the greater id is the later.

    Raises:
        MissingColumn: a needed column is not there.

    Example:
        >>> from pbxnb.analysis import repeat_callers
        >>> repeat_callers(pbx, within=3600).column_names[:4]
        ['domain', 'number', 'calls', 'again']
    """
    keys, window = keys_of(by), window_of(within)
    frame, back = opened(
        calls, "call_id", "direction", "from_num", "started_at", also=("domain", "queue"), by=keys, legs=legs
    )
    import narwhals as nw

    found = callers(frame).filter(nw.col("_number") != "")
    found = found.with_columns(_again=one_if(nw.col("_next") <= later(nw.col("started_at"), window)))
    groups = keys_of((*keys, "domain", "number"))
    return back(
        found.group_by(*keys_of((*keys, *CALLER)))
        .agg(again=nw.col("_again").sum(), calls=nw.len(), number=nw.col("from_num").max())
        .filter(nw.col("again") > 0)
        .with_columns(*whole("calls", "again"))
        .select(*groups, "calls", "again")
        .sort(*groups)
    )


@measure
def first_call_resolution(calls: Any, *, within: float, by: By = (), legs: bool = False) -> Any:
    """Share of answered conversations whose caller does not come again soon after they end.

    Args:
        calls: needs ``call_id``, ``direction``, ``from_num``, ``outcome``, ``started_at`` and ``ended_at``; with
            ``domain`` a number of two of them is two callers.
        within: seconds after the end of a conversation.
        by: columns to group by; a caller comes again whatever group his next conversation is in.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``answered`` (conversations of callers), ``resolved``, ``again``, ``undecided``, ``hidden`` (no number;
        int64), ``resolution`` (resolved / (resolved + again), 0 to 1, null where nothing counts), a row a group in
        order of ``by``, one row without; the same kind as ``calls``.

    Definition:
        An answered conversation from outside or through a queue is resolved where the number's next one, whether
        anybody answers it or not, begins later than that after its end, or never. It is undecided where none has begun,
        and it is open, or that ends after the last moment in the table.

    Raises:
        MissingColumn: a needed column is not there.

    Example:
        >>> from pbxnb.analysis import first_call_resolution
        >>> first_call_resolution(pbx, within=7 * 86_400)["resolved"].to_pylist()  # the session is shorter than a week
        [0]
    """
    keys, window = keys_of(by), window_of(within)
    check_keys(keys, "resolution")
    needed = ("call_id", "direction", "from_num", "outcome", "started_at", "ended_at")
    frame, back = opened(calls, *needed, also=("domain", "queue"), by=keys, legs=legs)
    import narwhals as nw

    found = callers(frame).filter(nw.col("outcome").is_in(REACHED))
    end = nw.when(nw.col("ended_at") >= nw.col("started_at")).then(nw.col("ended_at")).otherwise(nw.col("started_at"))
    found = found.with_columns(_over=later(end, window))
    hidden, again = nw.col("_number") == "", nw.col("_next") <= nw.col("_over")
    open_ = nw.col("ended_at").is_null() | (nw.col("_over") > nw.lit(back.window.last, nw.Datetime("us")))
    fates = ("resolved", "again", "undecided", "hidden")
    fate: nw.Expr = nw.when(open_).then(nw.lit("undecided")).otherwise(nw.lit("resolved"))
    fate = nw.when(again).then(nw.lit("again")).otherwise(fate)
    fate = nw.when(hidden).then(nw.lit("hidden")).otherwise(fate)
    found = found.with_columns(_fate=fate).select(
        *keys, answered=nw.lit(1).cast(nw.Int64), **{name: one_if(nw.col("_fate") == name) for name in fates}
    )
    counts, both = totals(found, keys, "answered", *fates), nw.col("resolved") + nw.col("again")
    return back(counts.with_columns(resolution=ratio(nw.col("resolved"), both)))
