"""Measures as somebody would write them for polars alone, of a lazy table of calls without legs."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
from polars import col

__all__ = ["POLARS"]

ANSWERED, ABANDONED = col("outcome") == "answered", col("outcome") == "abandoned"
SECONDS, HOLD = col("talk_ms") / 1000, col("hold_ms").fill_null(0)


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


def busy_hour(calls: pl.LazyFrame) -> pl.LazyFrame:
    """The mean of each day's busiest hour, and the highest of them."""
    days = load(calls).group_by(col("slot").dt.truncate("1d")).agg(most=col("erlang").max())
    return days.select(days=pl.len().cast(pl.Int64), erlang=col("most").mean(), highest=col("most").max())


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


def answered(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Answered, and those in time."""
    counts = _offered(calls, 20_000).select("offered", "answered", "answered_in_time")
    return counts.with_columns(share=col("answered_in_time") / col("offered"))


def abandoned(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Abandoned, and those in time."""
    counts = _offered(calls, 20_000).select("offered", "abandoned", abandoned_in_time="short_abandons")
    return counts.with_columns(share=col("abandoned_in_time") / col("offered"))


def speed_of_answer(calls: pl.LazyFrame) -> pl.LazyFrame:
    """How long those waited who were answered."""
    wait = col("wait_ms").filter(ANSWERED)
    return calls.select(answered=wait.count().cast(pl.Int64), mean=wait.mean() / 1000, longest=wait.max() / 1000)


def handle_time(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Talk and hold of answered calls."""
    known = calls.filter(ANSWERED & col("talk_ms").is_not_null())
    parts = known.select(talk=SECONDS, hold=HOLD / 1000, seconds=(col("talk_ms") + HOLD) / 1000)
    return parts.select(
        answered=pl.len().cast(pl.Int64),
        talk=col("talk").mean(),
        hold=col("hold").mean(),
        mean=col("seconds").mean(),
        median=col("seconds").median(),
        p90=col("seconds").quantile(0.9, "linear"),
    )


def occupancy(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Each agent's share of time on calls, logged in all the time."""
    window = calls.select(logged_in_ms=(col("ended_at").max() - col("started_at").min()).dt.total_milliseconds())
    handled = (col("talk_ms") + HOLD).filter(ANSWERED).sum()
    agents = calls.filter(col("ext") != "").group_by("ext").agg(handled_ms=handled).join(window, how="cross")
    return agents.with_columns(occupancy=col("handled_ms") / col("logged_in_ms")).sort("ext")


def holds(calls: pl.LazyFrame) -> pl.LazyFrame:
    """How many were held, and how long."""
    hold, held = col("hold_ms"), (col("hold_ms") > 0).sum().cast(pl.Int64)
    counts = calls.select(calls=hold.count().cast(pl.Int64), held=held, hold_ms=hold.sum())
    return counts.with_columns(share=col("held") / col("calls"), mean=col("hold_ms") / 1000 / col("held"))


def missed(calls: pl.LazyFrame) -> pl.LazyFrame:
    """What became of each time that a phone rang."""
    rang = (col("ext") != "") & (col("ext") != col("from_num")) & (col("direction") != "out")
    fates = {
        "answered": ANSWERED,
        "answered_elsewhere": col("outcome") == "answered_elsewhere",
        "missed": col("outcome").is_in(["abandoned", "no_answer", "missed"]),
        "undecided": col("outcome").is_null() | (col("outcome") == "unknown"),
    }
    counts = {name: which.sum().cast(pl.Int64) for name, which in fates.items()}
    offered = calls.filter(rang & ~col("outcome").is_in(["busy", "failed"]))
    return offered.select(offered=pl.len().cast(pl.Int64), **counts)


def _callers(calls: pl.LazyFrame) -> pl.LazyFrame:
    caller = col("from_num").str.replace_all(r"^(\+|00)|[ ()./-]", "")
    return calls.filter((col("direction") == "in") | (col("queue") != "")).with_columns(caller=caller)


def _with_next(calls: pl.LazyFrame) -> pl.LazyFrame:
    following = col("started_at").shift(-1).over("domain", "caller", order_by=["started_at", "call_id"])
    return _callers(calls).with_columns(next=following)


def not_called_back(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Callers whom nobody has answered since."""
    callers, began = _callers(calls), col("started_at")
    spoke = callers.filter(ANSWERED).group_by("domain", "caller").agg(spoke=began.max())
    lost = callers.filter(col("outcome").is_in(["abandoned", "no_answer", "missed", "busy", "failed"]))
    waiting = lost.join(spoke, on=["domain", "caller"], how="left").filter(
        col("spoke").is_null() | (col("spoke") < began)
    )
    each = waiting.group_by("domain", "caller").agg(
        number=col("from_num").max(), missed=pl.len().cast(pl.Int64), last_missed=began.max()
    )
    return each.select("domain", "number", "missed", "last_missed").sort("domain", "number")


def repeat_callers(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Callers who called again within a day."""
    again = (col("next") <= col("started_at") + pl.duration(days=1)).sum().cast(pl.Int64)
    each = (
        _with_next(calls)
        .group_by("domain", "caller")
        .agg(number=col("from_num").max(), calls=pl.len().cast(pl.Int64), again=again)
    )
    return each.filter(col("again") > 0).select("domain", "number", "calls", "again").sort("domain", "number")


def first_call_resolution(calls: pl.LazyFrame) -> pl.LazyFrame:
    """Answered callers who did not call again within a day."""
    over, last = col("ended_at") + pl.duration(days=1), calls.select(last=col("ended_at").max())
    again = (col("next") <= over).fill_null(value=False)
    undecided = ~again & (over.is_null() | (over > col("last")))
    fates = {"resolved": ~again & ~undecided, "again": again, "undecided": undecided}
    counts = {name: fate.sum().cast(pl.Int64) for name, fate in fates.items()}
    fated = _with_next(calls).filter(ANSWERED).join(last, how="cross")
    found = fated.select(answered=pl.len().cast(pl.Int64), **counts)
    return found.with_columns(resolution=col("resolved") / (col("answered") - col("undecided")))


POLARS: dict[str, Callable[[pl.LazyFrame], pl.LazyFrame]] = {
    measure.__name__: measure
    for measure in (
        concurrency, peak, peak_calls, load, durations, histogram, per_extension, per_hour, per_slot, edges, flows,
        service_level, abandonment, kaplan_meier, answered, abandoned, speed_of_answer, handle_time, busy_hour,
        occupancy, holds, missed, not_called_back, repeat_callers, first_call_resolution,
    )
}  # fmt: skip
"""By name of the measure, with what it takes by default, or `tests.bench.by_hand_sql.ASKED`."""
