"""How long: summaries and histograms of a column of milliseconds."""

from __future__ import annotations

from typing import Any

from pbxnb.arguments import check_number
from pbxnb.errors import AnalysisError

from .columns import measure, one_if, opened, whole

__all__ = ["durations", "histogram"]


@measure
def durations(
    calls: Any, of: str = "talk_ms", *, at_least: float = 0.0, at_most: float | None = None, legs: bool = False
) -> Any:
    """A summary of one kind of duration.

    Args:
        calls: needs the column ``of``; nulls are left out, they are unknown, not zero.
        of: a column of integer milliseconds, such as ``talk_ms`` or ``wait_ms``.
        at_least, at_most: bounds in seconds, both included; None means no bound.
        legs: count every row, not every conversation.

    Returns:
        One row: ``n``, ``below_10`` (int64), ``mean``, ``sd`` (n - 1), ``median``, ``p90``, ``p99`` in seconds (linear
        between neighbours; null where there is nothing), ``log_mean``, ``log_sd`` (of a lognormal fitted to the
        seconds above zero by its logarithms' moments); the same kind as ``calls``.
    """
    check_number("at_least", at_least, error=AnalysisError)
    if at_most is not None:
        check_number("at_most", at_most, error=AnalysisError)
    frame, back = opened(calls, of, legs=legs, ms=(of,))
    import narwhals as nw

    seconds = nw.col(of).cast(nw.Float64) / 1000.0
    kept = frame.filter(~nw.col(of).is_null()).select(seconds=seconds).filter(nw.col("seconds") >= at_least)
    if at_most is not None:
        kept = kept.filter(nw.col("seconds") <= at_most)
    value = nw.col("seconds")
    return back(
        kept.with_columns(
            one=one_if(value >= 0),
            below=one_if(value < 10),
            positive=nw.when(value > 0).then(value).otherwise(nw.lit(1.0)),
        )
        .with_columns(log=nw.col("positive").log())
        .with_columns(log=nw.when(value > 0).then(nw.col("log")))
        .select(
            n=nw.col("one").sum(),
            below_10=nw.col("below").sum(),
            mean=value.mean(),
            sd=value.std(),
            median=value.quantile(0.5, interpolation="linear"),
            p90=value.quantile(0.9, interpolation="linear"),
            p99=value.quantile(0.99, interpolation="linear"),
            log_mean=nw.col("log").mean(),
            log_sd=nw.col("log").std(),
        )
        .with_columns(*whole("n", "below_10"))
    )


@measure
def histogram(calls: Any, of: str = "talk_ms", *, width: float = 10.0, legs: bool = False) -> Any:
    """How many calls lasted how long.

    Args:
        calls: needs the column ``of``; nulls are left out.
        of: a column of integer milliseconds.
        width: of a bin, seconds; at least a millisecond.
        legs: count every row, not every conversation.

    Returns:
        ``from_s`` (a bin's lower bound, seconds, included), ``calls`` (int64), empty bins left out, in order.

    Raises:
        AnalysisError: a bin below a millisecond.
    """
    check_number("width", width, 0.001, error=AnalysisError)
    frame, back = opened(calls, of, legs=legs, ms=(of,))
    import narwhals as nw

    step = round(width * 1000)
    lower = nw.col(of) // step * step  # pandas over arrow has no modulo
    bins = frame.filter(~nw.col(of).is_null()).select(bin=lower.cast(nw.Int64), calls=nw.lit(1).cast(nw.Int64))
    counted = bins.group_by("bin").agg(nw.col("calls").sum()).with_columns(*whole("calls"))
    return back(
        counted.with_columns(from_s=nw.col("bin").cast(nw.Float64) / 1000.0).select("from_s", "calls").sort("from_s")
    )
