"""Two periods side by side, and how sure their difference is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from pbxnb.arguments import check_number
from pbxnb.errors import AnalysisError

from ..columns import By, keys_of, measure, one_if, opened, whole
from .erlang import check_share
from .intervals import Ratio, difference_of_means, difference_of_shares, ratio
from .results import Key, grouped, made, ordered

__all__ = ["compare_periods"]

_FEWEST = 3  # days of which a spread can be told
_SHORT = 5.0  # seconds, as `abandonment` has it

_RATIOS = {
    "service_level": ("in_time", "counted", 1),
    "abandonment": ("lost", "stayed", 1),
    "speed_of_answer": ("waited", "waits", 1000),
    "handle_time": ("handled", "handlings", 1000),
}
"""Measure -> what is added up over the days, what it is divided by, and how many of its unit make one."""
_SHARES = ("service_level", "abandonment")
_SUMS = ("calls", *(name for sums in _RATIOS.values() for name in sums[:2]))


class _Period(msgspec.Struct):
    """The sums of the days on which there was a call, by group, and how many days there are from first to last."""

    groups: dict[Key, list[dict[str, int]]]
    days: int

    def of(self, key: Key, name: str) -> Ratio | None:
        """One measure of one group."""
        sums = self.groups.get(key, [])
        if name == "calls_per_day":
            return ratio([(day["calls"], 1) for day in sums] + [(0, 1)] * (self.days - len(sums)))
        part, base, unit = _RATIOS[name]
        return ratio([(day[part] / unit, day[base]) for day in sums])


@measure
def compare_periods(
    a: Any,
    b: Any,
    *,
    within: float = 20.0,
    confidence: float = 0.95,
    by: By = (),
    legs: bool = False,
) -> Any:
    """What changed from one period to another, with an interval that says how much of it may be chance.

    A day is what was observed once: calls of one day share its weather, its staff and its queue, so days, not calls,
    say how sure a figure is. Compare whole weeks with whole weeks; the week's own rhythm is in the spread of the days.

    Args:
        a: a table that has ``day``, ``outcome``, ``wait_ms``, ``talk_ms``; ``hold_ms`` and ``wrap_ms`` count too where
            they are there.
        b: another one of the same kind. It may be of different length, in whole days.
        within: the limit of the service level, seconds.
        confidence: of the intervals, between 0 and 1.
        by: one or more columns whose groups are compared each for itself.
        legs: count every row, not every conversation.

    Returns:
        A row a measure: ``measure``, ``a``, ``b``, ``difference`` (b - a), ``low``, ``high``, ``days_a``, ``days_b``
        (that have a part in it), ``why`` there is no interval, null where there is one. The measures:
        ``calls_per_day`` (every day from the first to the last counts), ``service_level`` (definition 4 of
        `SERVICE_LEVELS`), ``abandonment``, ``speed_of_answer`` and ``handle_time`` (talk, hold and wrap-up of answered
        calls), both in seconds. ``first``, ``last`` and ``coverage`` are those of ``a``, with ``_b`` those of ``b``.
        The same kind as ``a``.

    Raises:
        AnalysisError: an argument out of range.
        MissingColumn: a column is not there.

    Definition:
        The difference of two periods, second less first, in calls a day, service level, abandonment, speed of answer
        and handle time, and the interval of it by the spread of their days: Welch's of means, Newcombe's of shares.

    Example:
        >>> import pandas as pd
        >>> days = {"day": [f"2026-03-0{day}" for day in range(1, 8)], "outcome": "answered"}
        >>> march = pd.DataFrame({**days, "wait_ms": range(0, 7000, 1000), "talk_ms": 60_000})
        >>> found = compare_periods(march, march.assign(wait_ms=1000)).set_index("measure")
        >>> print(found.loc["speed_of_answer", ["difference", "low", "high"]].tolist())
        [-2.0, -3.997..., -0.002...]

    Source: means by Welch's interval, shares by Newcombe's, both with the spread of the days (telephony.md 5.3).
    """
    check_number("within", within, error=AnalysisError)
    check_share(confidence=confidence)
    import narwhals as nw

    keys = keys_of(by)
    (first, frame, back), (second, _, other) = (_daily(calls, within, keys, legs=legs) for calls in (a, b))
    rows = [
        (key, {"measure": name} | _compared(name, first.of(key, name), second.of(key, name), confidence))
        for key in ordered({*first.groups, *second.groups})
        for name in ("calls_per_day", *_RATIOS)
    ]
    schema = {"measure": nw.String(), **dict.fromkeys(("a", "b", "difference", "low", "high"), nw.Float64())}
    schema |= {"days_a": nw.Int64(), "days_b": nw.Int64(), "why": nw.String()}
    window = {f"{name}_b": value for name, value in other.window.columns().items()}
    return back(made(rows, keys, schema, frame).with_columns(**window))


def _compared(name: str, a: Ratio | None, b: Ratio | None, confidence: float) -> dict[str, Any]:
    row: dict[str, Any] = {"a": a and a.value, "b": b and b.value}
    row |= {"days_a": a.days if a else 0, "days_b": b.days if b else 0}
    if a is None or b is None:
        return row | {"why": "nothing to count"}
    row["difference"] = b.value - a.value
    if min(a.days, b.days) < _FEWEST:
        return row | {"why": f"fewer than {_FEWEST} days"}
    if name in _SHARES:
        low, high = difference_of_shares(a, b, confidence)
    elif a.variance + b.variance:
        low, high = difference_of_means(a, b, confidence)
    else:
        return row | {"why": "no day differs from another"}
    return row | {"low": low, "high": high}


def _daily(calls: Any, within: float, keys: Sequence[str], *, legs: bool) -> tuple[_Period, Any, Any]:
    import narwhals as nw

    needed = ("day", "outcome", "wait_ms", "talk_ms")
    frame, back = opened(calls, *needed, also=["hold_ms", "wrap_ms"], by=keys, legs=legs, offered=True)
    wait = nw.col("wait_ms")
    spent = nw.col("talk_ms") + nw.col("hold_ms").fill_null(0) + nw.col("wrap_ms").fill_null(0)
    answered, abandoned = nw.col("outcome") == "answered", nw.col("outcome") == "abandoned"
    briefly = abandoned & (wait <= _SHORT * 1000)
    waited, handled = answered & ~wait.is_null(), answered & ~spent.is_null()
    figures = {
        "calls": nw.lit(1).cast(nw.Int64),
        "in_time": one_if(answered & (wait <= within * 1000)),
        "counted": one_if(answered | abandoned) - one_if(abandoned & (wait <= within * 1000)),
        "lost": one_if(abandoned) - one_if(briefly),
        "stayed": one_if(answered | abandoned) - one_if(briefly),
        "waited": nw.when(waited).then(wait).otherwise(nw.lit(0)),
        "waits": one_if(waited),
        "handled": nw.when(handled).then(spent).otherwise(nw.lit(0)),
        "handlings": one_if(handled),
    }
    each = frame.filter(~nw.col("day").is_null()).select(*dict.fromkeys([*keys, "day"]), **figures)
    sums = each.group_by(*dict.fromkeys([*keys, "day"])).agg(*(nw.col(name).sum() for name in _SUMS))
    groups = grouped(sums.with_columns(*whole(*_SUMS)), keys, ["day", *_SUMS])
    days = {date.fromisoformat(day) for rows in groups.values() for day, *_ in rows}
    period = _Period(
        {key: [dict(zip(_SUMS, sums, strict=True)) for _, *sums in rows] for key, rows in groups.items()},
        (max(days) - min(days)).days + 1 if days else 0,
    )
    return period, frame, back
