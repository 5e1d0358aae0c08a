"""Patience: how long callers wait before they give up, answered callers counted as censored (Kaplan and Meier 1958)."""

from __future__ import annotations

from typing import Any

from .columns import By, check_keys, keys_of, measure, one_if, opened, totals
from .running import running

__all__ = ["kaplan_meier"]


@measure
def kaplan_meier(calls: Any, *, by: By = (), of: str = "wait_ms", legs: bool = False) -> Any:
    """Share of callers still waiting after a time, had nobody answered.

    An answered caller was patient up to the answer and says nothing of later: censored, not patient for ever.

    Args:
        calls: needs ``outcome`` and ``of``; only answered and abandoned calls with a known wait count.
        by: columns to group by, such as ``queue``.
        of: a column of integer milliseconds.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``wait_ms``, ``at_risk``, ``gave_up`` (int64), ``survival`` (0 to 1, from this wait on); one row
        for each wait at which somebody gave up, in order; the same kind as ``calls``.

    Definition:
        At each wait at which somebody gave up: the product of (1 - gave up / at risk) up to there. At risk is who had
        waited as long; an answered caller counts up to the answer (Kaplan and Meier 1958).

    Source: Kaplan and Meier, JASA 53 (1958), the product-limit estimate; the product is taken as a sum of logarithms.

    Example:
        >>> from pbxnb import analysis
        >>> table = analysis.kaplan_meier(analysis.calls_of(pbx))
    """
    keys = keys_of(by)
    check_keys(keys, "at_risk", "survival")
    frame, back = opened(calls, "outcome", of, legs=legs, offered=True, ms=(of,), by=keys)
    import narwhals as nw

    abandoned = nw.col("outcome") == "abandoned"
    known = frame.filter(~nw.col(of).is_null() & (abandoned | (nw.col("outcome") == "answered")))
    waits = known.select(
        *keys, wait_ms=nw.col(of).cast(nw.Int64), gave_up=one_if(abandoned), callers=nw.lit(1).cast(nw.Int64)
    )
    waits = totals(waits, (*keys, "wait_ms"), "gave_up", "callers")
    at_risk = running(waits, "callers", "wait_ms", keys, name="at_risk", reverse=True).filter(nw.col("gave_up") > 0)
    staying = 1.0 - nw.col("gave_up").cast(nw.Float64) / nw.col("at_risk").cast(nw.Float64)
    # The last caller's giving up leaves nobody: its factor is 0, whose logarithm no engine sums; it is set apart.
    everyone = nw.col("gave_up") == nw.col("at_risk")
    losses = at_risk.with_columns(staying=nw.when(everyone).then(nw.lit(1.0)).otherwise(staying)).with_columns(
        lost=0.0 - nw.col("staying").log()
    )
    return back(
        running(losses, "lost", "wait_ms", keys, name="sum")
        .with_columns(survival=nw.when(everyone).then(nw.lit(0.0)).otherwise((0.0 - nw.col("sum")).exp()))
        .select(*keys, "wait_ms", "at_risk", "gave_up", "survival")
        .sort(*keys, "wait_ms")
    )
