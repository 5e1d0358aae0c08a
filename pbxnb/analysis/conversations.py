"""One row a conversation, of a table whose rows are legs: what people would call one call is counted once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pbxnb.history.legs import OUTCOMES

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["READ", "one_each"]

READ = ("conversation", "domain", "started_at", "answered_at", "ended_at", "call_id", "ext")
"""Columns that are looked at, where they are there, whatever the measure needs."""
_KEY = "_conversation"
_OPEN = len(OUTCOMES) + 1


def one_each(frame: nw.LazyFrame[Any], needed: Iterable[str]) -> nw.LazyFrame[Any]:
    """One row a conversation, with the columns needed.

    It began with the first of its rows, was answered with the first that was, and ended with the last; it is open while
    one of them is. Its outcome is the first of `OUTCOMES` that a row has, but unknown while it is open and nobody has
    answered. Of waits the longest counts among the rows that began before the answer, of other durations the longest;
    all else is that of the row that began first. Rows without a conversation count by themselves.

    Args:
        frame: columns by their canonical names.
    """
    import narwhals as nw

    columns, there = list(dict.fromkeys(needed)), set(frame.collect_schema().names())
    named = nw.col("conversation").cast(nw.String).fill_null("")
    alone = frame.filter(named == "").select(*columns)
    domain = nw.col("domain").cast(nw.String).fill_null("") if "domain" in there else nw.lit("")
    rows = frame.filter(named != "").with_columns(nw.concat_str([domain, named], separator="\x1f").alias(_KEY))
    order = [column for column in ("started_at", "ext", "call_id") if column in there] or columns
    marked = rows.implementation.is_spark_like()  # where narwhals knows no first of a group
    if marked:
        rows = rows.with_columns(_row=nw.lit(1)).with_columns(nw.col("_row").cum_sum().over(_KEY, order_by=order))
    ended = nw.col("ended_at").is_null() if "ended_at" in there else nw.lit(value=False)
    values: dict[str, nw.Expr] = {column: nw.col(column) for column in order}  # of each row
    sums: list[nw.Expr] = []  # of each conversation
    after: list[nw.Expr] = []
    for column in columns:
        value, name = nw.col(column), f"_its_{column}"
        total = nw.col(name).max() if marked else nw.col(name).first(order_by=order)
        if column in ("started_at", "answered_at"):
            total = nw.col(name).min()
        elif column == "ended_at":
            total = nw.col(name).max()
            values["_open"] = nw.when(ended).then(nw.lit(1)).otherwise(nw.lit(0))
            sums.append(nw.col("_open").max())
            after.append(nw.when(nw.col("_open") == 0).then(nw.col(name)).alias(name))
        elif column == "outcome":
            value, total = _rank(value, ended), nw.col(name).min()
            after.append(_outcome(nw.col(name)).alias(name))
        elif column.endswith("_ms"):
            total = nw.col(name).max()
            if column == "wait_ms" and {"started_at", "answered_at"} <= there:
                rows = rows.with_columns(_answer=nw.col("answered_at").min().over(_KEY))
                before = nw.col("_answer").is_null() | (nw.col("started_at") <= nw.col("_answer"))
                value = nw.when(before).then(value)
        elif marked:
            value = nw.when(nw.col("_row") == 1).then(value)
        values[name] = value
        sums.append(total)
    merged = rows.select(_KEY, **values).group_by(_KEY).agg(*sums)
    merged = merged.with_columns(*after) if after else merged
    return nw.concat([alone, merged.select(*(nw.col(f"_its_{column}").alias(column) for column in columns))])


def _rank(outcome: nw.Expr, open_: nw.Expr) -> nw.Expr:
    """A number for each outcome: what tells more has the smaller one."""
    import narwhals as nw

    rank = nw.lit(_OPEN + 1)
    for place, word in reversed(list(enumerate(OUTCOMES[1:], start=2))):
        rank = nw.when(outcome == word).then(nw.lit(place)).otherwise(rank)
    rank = nw.when(open_ & (outcome != OUTCOMES[0])).then(nw.lit(1)).otherwise(rank)
    return nw.when(outcome == OUTCOMES[0]).then(nw.lit(0)).otherwise(rank).cast(nw.Int64)


def _outcome(rank: nw.Expr) -> nw.Expr:
    """The outcome of a number; null of none."""
    import narwhals as nw

    words = {0: OUTCOMES[0], 1: "unknown"} | dict(enumerate(OUTCOMES[1:], start=2))
    outcome = nw.lit(None, nw.String)
    for place, word in words.items():
        outcome = nw.when(rank == place).then(nw.lit(word)).otherwise(outcome)
    return outcome
