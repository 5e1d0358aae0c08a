"""Measures as somebody would write them for polars alone, of a lazy table of calls without legs."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
from polars import col

__all__ = ["POLARS"]

ANSWERED, ABANDONED = col("outcome") == "answered", col("outcome") == "abandoned"
SECONDS = col("talk_ms") / 1000


def _steps(calls: pl.LazyFrame) -> pl.LazyFrame:
    up = col("answered_at").is_not_null()
    counted = calls.filter(up & (col("ended_at").is_null() | (col("ended_at") >= col("answered_at"))))
    begun = counted.select(instant="answered_at", step=pl.lit(1, pl.Int64))
    ended = counted.filter(col("ended_at").is_not_null()).select(instant="ended_at", step=pl.lit(-1, pl.Int64))
    return pl.concat([begun, ended]).group_by("instant").agg(col("step").sum()).sort("instant")


def concurrency(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Calls at once."""
    return _steps(calls).select("instant", at_once=col("step").cum_sum())


def peak(calls: pl.LazyFrame) -> pl.LazyFrame:
    """The first instant with the most."""
    return concurrency(calls).sort("at_once", "instant", descending=[True, False]).head(1)


def peak_calls(calls: pl.LazyFrame) -> pl.LazyFrame:
    """The calls that went on then."""
    went_on = (col("answered_at") <= col("instant")) & (col("ended_at").is_null() | (col("ended_at") > col("instant")))
    during = calls.join(peak(calls), how="cross").filter(went_on)
    return during.select("call_id", "answered_at", "ended_at").sort("call_id", "answered_at")


def load(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Erlang and the most of each hour."""
    steps = _steps(calls)
    slots = steps.select(instant=col("instant").dt.truncate("1h")).unique()
    edges = pl.concat([slots, slots.select(col("instant") + pl.duration(hours=1))])
    both = pl.concat([steps, edges.with_columns(step=pl.lit(0, pl.Int64))]).group_by("instant").agg(col("step").sum())
    spans = both.sort("instant").with_columns(
        at_once=col("step").cum_sum(), lasted=(col("instant").shift(-1) - col("instant")).dt.total_microseconds()
    )
    hours = spans.filter(col("lasted").is_not_null()).group_by(slot=col("instant").dt.truncate("1h"))
    mean = (col("at_once") * col("lasted")).sum() / col("lasted").sum()
    return hours.agg(erlang=mean, most=col("at_once").max()).sort("slot")


def durations(calls: pl.LazyFrame) -> pl.LazyFrame:
    """A summary of talk time."""
    log = pl.when(SECONDS > 0).then(SECONDS).log()
    return calls.select(
        n=col("talk_ms").count().cast(pl.Int64),
        below_10=(col("talk_ms") < 10_000).sum().cast(pl.Int64),
        mean=SECONDS.mean(),
        sd=SECONDS.std(),
        median=SECONDS.median(),
        p90=SECONDS.quantile(0.9, "linear"),
        p99=SECONDS.quantile(0.99, "linear"),
        log_mean=log.mean(),
        log_sd=log.std(),
    )


def histogram(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Talk time by ten seconds."""
    bins = calls.filter(col("talk_ms").is_not_null()).group_by(from_s=(col("talk_ms") // 10_000 * 10).cast(pl.Float64))
    return bins.agg(calls=pl.len().cast(pl.Int64)).sort("from_s")


def per_extension(calls: pl.LazyFrame) -> pl.LazyFrame:
    """What each extension did."""
    missed = col("outcome").is_not_null() & ~col("outcome").is_in(["answered", "unknown", "answered_elsewhere"])
    return (
        calls.filter(col("ext") != "")
        .group_by("ext")
        .agg(
            calls=pl.len().cast(pl.Int64),
            answered=ANSWERED.sum().cast(pl.Int64),
            missed=missed.sum().cast(pl.Int64),
            ring_ms=col("wait_ms").sum(),
            talk_ms=col("talk_ms").sum(),
        )
        .sort("ext")
    )


def per_hour(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Mean calls of an hour of the day."""
    known = calls.select("hour", "day").drop_nulls()
    days = known.select(days=col("day").n_unique().cast(pl.Int64))
    hours = known.group_by(col("hour").cast(pl.Int64)).agg(calls=pl.len().cast(pl.Int64))
    return hours.join(days, how="cross").with_columns(mean=col("calls") / col("days")).sort("hour")


def per_slot(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Mean calls of an hour of the week."""
    known = calls.select(col("dow").cast(pl.Int64), col("hour").cast(pl.Int64), "day").drop_nulls()
    days = known.group_by("dow").agg(days=col("day").n_unique().cast(pl.Int64))
    slots = known.group_by("dow", "hour").agg(calls=pl.len().cast(pl.Int64))
    return slots.join(days, on="dow").with_columns(mean=col("calls") / col("days")).sort("dow", "hour")


def edges(calls: pl.LazyFrame) -> pl.LazyFrame:
    """The busiest pairs."""
    pairs = calls.group_by("from_num", "to_num").agg(calls=pl.len().cast(pl.Int64))
    return pairs.sort("calls", "from_num", "to_num", descending=[True, False, False]).head(200)


def flows(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Pairs by outcome."""
    keys = ("from_num", "to_num", "outcome")
    return calls.group_by(*keys).agg(calls=pl.len().cast(pl.Int64)).sort(*keys)


def _offered(calls: pl.LazyFrame, limit: int) -> pl.LazyFrame:
    short = col("wait_ms") <= limit
    counts = {
        "offered": ANSWERED | ABANDONED,
        "answered": ANSWERED,
        "abandoned": ABANDONED,
        "answered_in_time": ANSWERED & short,
        "short_abandons": ABANDONED & short,
    }
    return calls.select(**{name: which.sum().cast(pl.Int64) for name, which in counts.items()})


def service_level(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Answered in time of those offered, without short abandons."""
    level = col("answered_in_time") / (col("offered") - col("short_abandons"))
    return _offered(calls, 20_000).with_columns(service_level=level)


def abandonment(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Abandoned of those offered, without short abandons."""
    short = col("short_abandons")
    share = (col("abandoned") - short) / (col("offered") - short)
    return _offered(calls, 5_000).select("offered", "abandoned", "short_abandons", abandonment=share)


def kaplan_meier(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Share of callers who still wait."""
    waits = (
        calls.filter(col("wait_ms").is_not_null() & (ANSWERED | ABANDONED))
        .group_by("wait_ms")
        .agg(gave_up=ABANDONED.sum().cast(pl.Int64), callers=pl.len().cast(pl.Int64))
        .sort("wait_ms")
        .with_columns(at_risk=col("callers").cum_sum(reverse=True))
        .filter(col("gave_up") > 0)
    )
    return waits.select("wait_ms", "at_risk", "gave_up", survival=(1 - col("gave_up") / col("at_risk")).cum_prod())


POLARS: dict[str, Callable[[pl.LazyFrame], pl.LazyFrame]] = {
    measure.__name__: measure
    for measure in (
        concurrency, peak, peak_calls, load, durations, histogram, per_extension, per_hour, per_slot, edges, flows,
        service_level, abandonment, kaplan_meier,
    )
}  # fmt: skip
"""By name of the measure, with what it takes by default."""
