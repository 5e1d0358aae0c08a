"""How long: summaries and histograms of a column of milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pbxnb.arguments import check_number
from pbxnb.errors import AnalysisError

from .columns import By, check_keys, keys_of, measure, one_if, opened, whole
from .running import in_order

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["durations", "histogram", "quantiles_of"]


@measure
def durations(
    calls: Any,
    of: str = "talk_ms",
    *,
    by: By = (),
    at_least: float = 0.0,
    at_most: float | None = None,
    legs: bool = False,
) -> Any:
    """A summary of one kind of duration.

    Args:
        calls: needs the column ``of``; nulls are left out, they are unknown, not zero.
        of: a column of integer milliseconds, such as ``talk_ms`` or ``wait_ms``.
        by: columns to group by, such as ``queue`` or ``ext``.
        at_least: seconds, included; None means no bound.
        at_most: seconds, included; None means no bound.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``n``, ``below_10`` (int64), ``mean``, ``sd`` (n - 1), ``median``, ``p90``, ``p99`` in seconds (linear
        between neighbours; null where there is nothing), ``log_mean``, ``log_sd`` (of a lognormal fitted to the
        seconds above zero by its logarithms' moments); a row a group with any, in order of
        ``by``, one row without; the same kind as ``calls``.

    Definition:
        Moments and quantiles of one duration, of all calls for which it is known.

    Example:
        >>> from pbxnb import analysis
        >>> table = analysis.durations(analysis.calls_of(pbx), by="outcome")
    """
    keys = keys_of(by)
    check_number("at_least", at_least, error=AnalysisError)
    if at_most is not None:
        check_number("at_most", at_most, error=AnalysisError)
    frame, back = opened(calls, of, legs=legs, ms=(of,), by=keys)
    import narwhals as nw

    seconds = nw.col(of).cast(nw.Float64) / 1000.0
    kept = frame.filter(~nw.col(of).is_null()).select(*keys, seconds=seconds).filter(nw.col("seconds") >= at_least)
    if at_most is not None:
        kept = kept.filter(nw.col("seconds") <= at_most)
    value = nw.col("seconds")
    each = (
        kept.with_columns(
            one=one_if(value >= 0),
            below=one_if(value < 10),
            positive=nw.when(value > 0).then(value).otherwise(nw.lit(1.0)),
        )
        .with_columns(log=nw.col("positive").log())
        .with_columns(log=nw.when(value > 0).then(nw.col("log")))
    )
    each, quantiles = quantiles_of(each, keys, {"median": 0.5, "p90": 0.9, "p99": 0.99})
    numbers = {
        "n": nw.col("one").sum(),
        "below_10": nw.col("below").sum(),
        "mean": value.mean(),
        "sd": value.std(),
        **quantiles,
        "log_mean": nw.col("log").mean(),
        "log_sd": nw.col("log").std(),
    }
    summed = each.group_by(*keys).agg(**numbers).sort(*keys) if keys else each.select(**numbers)
    return back(summed.with_columns(*whole("n", "below_10")))


def quantiles_of(
    frame: nw.LazyFrame[Any], keys: Sequence[str], quantiles: Mapping[str, float]
) -> tuple[nw.LazyFrame[Any], dict[str, nw.Expr]]:
    """How to sum ``seconds``, none of them null, up to quantiles by their names: linear between neighbours.

    Args:
        frame: also with ``one``, 1 in each row.
        keys: what it will be grouped by.
        quantiles: name to share, 0 to 1.

    Returns:
        The frame to aggregate, and the expressions.
    """
    import narwhals as nw

    if keys and frame.implementation.is_pyarrow():  # which knows no quantile of groups
        return _weighed(frame, keys, quantiles), {name: nw.col(name).sum() for name in quantiles}
    return frame, {name: nw.col("seconds").quantile(q, interpolation="linear") for name, q in quantiles.items()}


def _weighed(frame: Any, keys: Sequence[str], quantiles: Mapping[str, float]) -> Any:
    """Each row's part in its group's quantiles, which are the sums of the parts: linear between two neighbours."""
    import narwhals as nw

    frame = frame.with_columns(row=in_order(frame, nw.col("one").cum_sum(), "seconds", keys))
    frame = frame.with_columns(row=nw.col("row") - nw.col("row").min().over(*keys), of=nw.col("one").sum().over(*keys))
    row = nw.col("row").cast(nw.Float64)
    for name, q in quantiles.items():
        off = ((nw.col("of") - 1).cast(nw.Float64) * q - row).abs()
        frame = frame.with_columns(nw.when(off < 1).then((1.0 - off) * nw.col("seconds")).otherwise(0.0).alias(name))
    return frame


@measure
def histogram(calls: Any, of: str = "talk_ms", *, by: By = (), width: float = 10.0, legs: bool = False) -> Any:
    """How many calls lasted how long.

    Args:
        calls: needs the column ``of``; nulls are left out.
        of: a column of integer milliseconds.
        by: columns to group by.
        width: of a bin, seconds; at least a millisecond.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``from_s`` (a bin's lower bound, seconds, included), ``calls`` (int64), empty bins left out, in order.

    Definition:
        Calls whose duration lies from a bin's lower bound up to the next one's; of calls for which it is known.

    Raises:
        AnalysisError: a bin below a millisecond.

    Example:
        >>> from pbxnb import analysis
        >>> table = analysis.histogram(analysis.calls_of(pbx), width=30)
    """
    check_number("width", width, 0.001, error=AnalysisError)
    keys = keys_of(by)
    frame, back = opened(calls, of, legs=legs, ms=(of,), by=keys)
    import narwhals as nw

    check_keys(keys, "from_s", "calls")
    step = round(width * 1000)
    number = (nw.col(of).cast(nw.Float64) / step).floor().cast(nw.Int64)  # exact, as no duration has 2**53 milliseconds
    bins = frame.filter(~nw.col(of).is_null()).select(*keys, bin=number * step)
    counted = bins.group_by(*keys, "bin").agg(calls=nw.len()).with_columns(*whole("calls")).sort(*keys, "bin")
    return back(counted.with_columns(from_s=nw.col("bin").cast(nw.Float64) / 1000.0).select(*keys, "from_s", "calls"))
