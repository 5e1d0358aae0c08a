"""Patience: how long callers wait before they give up, answered callers counted as censored (Kaplan and Meier 1958)."""

from __future__ import annotations

from typing import Any

from .columns import measure, one_if, opened, whole

__all__ = ["kaplan_meier"]


@measure
def kaplan_meier(calls: Any, *, of: str = "wait_ms", legs: bool = False) -> Any:
    """Share of callers still waiting after a time, had nobody answered.

    An answered caller was patient up to the answer and says nothing of later: censored, not patient for ever.

    Args:
        calls: needs ``outcome`` and ``of``; only answered and abandoned calls with a known wait count.
        of: a column of integer milliseconds.
        legs: count every row, not every conversation.

    Returns:
        ``wait_ms``, ``at_risk``, ``gave_up`` (int64), ``survival`` (0 to 1, from this wait on); one row for each
        wait at which somebody gave up, in order; the same kind as ``calls``.

    Source: Kaplan and Meier, JASA 53 (1958), the product-limit estimate; the product is taken as a sum of logarithms.
    """
    frame, back = opened(calls, "outcome", of, legs=legs, offered=True, ms=(of,))
    import narwhals as nw

    abandoned = nw.col("outcome") == "abandoned"
    known = frame.filter(~nw.col(of).is_null() & (abandoned | (nw.col("outcome") == "answered")))
    waits = (
        known.select(wait_ms=nw.col(of).cast(nw.Int64), gave_up=one_if(abandoned), callers=nw.lit(1).cast(nw.Int64))
        .group_by("wait_ms")
        .agg(nw.col("gave_up").sum(), nw.col("callers").sum())
        .with_columns(*whole("gave_up", "callers"))
    )
    at_risk = waits.with_columns(
        at_risk=nw.col("callers").cum_sum(reverse=True).over(order_by="wait_ms").cast(nw.Int64)
    )
    staying = 1.0 - nw.col("gave_up").cast(nw.Float64) / nw.col("at_risk").cast(nw.Float64)
    # The last caller's giving up leaves nobody: its factor is 0, whose logarithm no engine sums; it is set apart.
    everyone = nw.col("gave_up") == nw.col("at_risk")
    return back(
        at_risk.filter(nw.col("gave_up") > 0)
        .with_columns(staying=nw.when(everyone).then(nw.lit(1.0)).otherwise(staying))
        .with_columns(log=nw.col("staying").log())
        .with_columns(sum=nw.col("log").cum_sum().over(order_by="wait_ms"))
        .with_columns(survival=nw.when(everyone).then(nw.lit(0.0)).otherwise(nw.col("sum").exp()))
        .select("wait_ms", "at_risk", "gave_up", "survival")
        .sort("wait_ms")
    )
