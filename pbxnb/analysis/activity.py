"""Who and when: calls per extension, per slot of the week, and from whom to whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pbxnb.arguments import check_number
from pbxnb.errors import AnalysisError

from .columns import By, check_keys, group, keys_of, measure, one_if, opened, totals, whole

__all__ = ["edges", "flows", "per_extension", "per_hour", "per_slot"]


@measure
def per_extension(calls: Any, *, by: By = (), legs: bool = False) -> Any:
    """What each extension did: every phone that rang or talked counts, with its own time.

    Args:
        calls: needs ``ext``, ``outcome``, ``wait_ms``, ``talk_ms``, a row a leg; rows without an extension are left
            out. Of a table of one row a conversation only the account it is counted for is known.
        by: more columns to group by, such as ``domain`` or ``day``.
        legs: as of every measure, and the same either way: what an extension did is in the legs of its phone.

    Returns:
        ``by``, ``ext``, ``calls``, ``answered``, ``missed`` (known not to be answered, nor elsewhere), ``ring_ms``,
        ``talk_ms`` (sums over what is known; int64), in order of ``by`` and ``ext``; the same kind as ``calls``.

    Definition:
        Every time that a phone rang or talked counts as a call of its extension. Missed is what it is known not to have
        answered, and nobody else either.

    Example:
        >>> from pbxnb import analysis
        >>> table = analysis.per_extension(analysis.calls_of(pbx))
    """
    keys = keys_of((*keys_of(by), "ext"))
    frame, back = opened(calls, "ext", "outcome", "wait_ms", "talk_ms", legs=True, by=keys)
    import narwhals as nw

    names = ("calls", "answered", "missed", "ring_ms", "talk_ms")
    outcome = nw.col("outcome")
    answered = outcome == "answered"
    # the outcome of an open call is unknown
    missed = ~outcome.is_null() & (outcome != "unknown") & (outcome != "answered_elsewhere") & ~answered
    rows = frame.filter(~nw.col("ext").is_null() & (nw.col("ext") != "")).with_columns(
        nw.col("talk_ms").fill_null(0),
        calls=nw.lit(1).cast(nw.Int64),
        answered=one_if(answered),
        missed=one_if(missed),
        ring_ms=nw.col("wait_ms").fill_null(0),
    )
    return back(totals(rows, keys, *names).select(*keys, *names))


@measure
def per_slot(calls: Any, *, by: By = (), legs: bool = False) -> Any:
    """The week, hour by hour, as means: a sum misleads where the window holds unequal numbers of weekdays.

    Args:
        calls: needs ``dow`` (0 = Monday), ``hour`` and ``day``, all in the domain's zone.
        by: more columns to group by, such as ``domain`` or ``queue``.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``dow``, ``hour``, ``calls`` (int64), ``days`` (int64: days of that weekday on which any call of the
        group was seen), ``mean`` (calls a day, float); slots without a call, and calls without a slot, are left out; in
        order of ``by``, ``dow``, ``hour``.

    Definition:
        Calls that began in an hour of the week, divided by the days of that weekday on which any call was seen.

    Example:
        >>> from pbxnb import analysis
        >>> table = analysis.per_slot(analysis.calls_of(pbx))
    """
    keys = keys_of((*keys_of(by), "dow"))
    frame, back = opened(calls, "dow", "hour", "day", legs=legs, by=keys)
    return back(_means(frame.drop_nulls(["dow", "hour", "day"]), keys))


@measure
def edges(calls: Any, *, by: By = (), top: int = 200, legs: bool = False) -> Any:
    """The busiest pairs of parties.

    Args:
        calls: needs ``from_num`` and ``to_num``.
        by: more columns to group by: a pair of each group is one of its own.
        top: how many pairs to keep of all, most calls first; ties by ``by``, ``from_num``, ``to_num``.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``from_num``, ``to_num``, ``calls`` (int64).

    Definition:
        Calls of one pair of numbers, caller and called, in this direction.

    Example:
        >>> from pbxnb import analysis
        >>> table = analysis.edges(analysis.calls_of(pbx))
    """
    keys = keys_of((*keys_of(by), "from_num", "to_num"))
    check_number("top", top, whole=True, error=AnalysisError)
    frame, back = opened(calls, "from_num", "to_num", legs=legs, by=keys)
    import narwhals as nw

    pairs = frame.group_by(*keys).agg(calls=nw.len()).with_columns(*whole("calls"))
    return back(pairs.sort("calls", *keys, descending=[True, *[False] * len(keys)]).head(top))


@measure
def flows(calls: Any, *, by: By = (), legs: bool = False) -> Any:
    """How calls went from caller over called party to outcome.

    Args:
        calls: needs ``from_num``, ``to_num``, ``outcome``.
        by: more columns to group by.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``from_num``, ``to_num``, ``outcome``, ``calls`` (int64), in order of all but the last; the same
        kind as ``calls``.

    Definition:
        Calls of one caller, one called party and one outcome.

    Example:
        >>> from pbxnb import analysis
        >>> table = analysis.flows(analysis.calls_of(pbx))
    """
    keys = keys_of((*keys_of(by), "from_num", "to_num", "outcome"))
    frame, back = opened(calls, "from_num", "to_num", "outcome", legs=legs, by=keys)
    import narwhals as nw

    return back(frame.group_by(*keys).agg(calls=nw.len()).with_columns(*whole("calls")).sort(*keys))


@measure
def per_hour(calls: Any, *, by: By = (), legs: bool = False) -> Any:
    """The day, hour by hour, as means over all days on which any call was seen.

    Args:
        calls: needs ``hour`` and ``day``, in the domain's zone.
        by: more columns to group by, such as ``domain`` or ``queue``.
        legs: count every row, not every conversation.

    Returns:
        ``by``, ``hour``, ``calls``, ``days`` (int64: those of the group), ``mean`` (calls a day, float); calls without
        an hour are left out; in order of ``by``, ``hour``.

    Definition:
        Calls that began in an hour of the day, divided by the days on which any call was seen.

    Example:
        >>> from pbxnb import analysis
        >>> table = analysis.per_hour(analysis.calls_of(pbx))
    """
    keys = keys_of(by)
    frame, back = opened(calls, "hour", "day", legs=legs, by=keys)
    return back(_means(frame.drop_nulls(["hour", "day"]), keys))


def _means(frame: Any, keys: Sequence[str]) -> Any:
    """Calls of each group and hour, and a mean of them over the group's days."""
    import narwhals as nw

    check_keys(keys, "calls", "days", "mean")
    hours, days = keys_of((*keys, "hour")), keys_of((*keys, "day"))
    seen = frame.group_by(*days).agg(nw.len()).with_columns(_group=group(keys)).group_by("_group").agg(days=nw.len())
    return (
        frame.group_by(*hours)
        .agg(calls=nw.len())
        .with_columns(_group=group(keys))
        .join(seen, on="_group", how="left")
        .with_columns(*whole(*(key for key in ("dow", "hour") if key in hours), "calls", "days"))
        .with_columns(mean=nw.col("calls").cast(nw.Float64) / nw.col("days").cast(nw.Float64))
        .select(*hours, "calls", "days", "mean")
        .sort(*hours)
    )
