"""What of a long curve is drawn, chosen by the table's own engine: its peaks and steps stay where they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pbxnb.analysis.columns import one_if

from .source import rows

__all__ = ["POINTS", "ends", "peaks"]

POINTS = 2_000
"""The most points of a curve that are drawn."""
_DAY = 86_400
# Engines cut a time at whole units only: a slot is a unit of the clock and so many of the next smaller one.
_SLOTS = [
    *((parts, "1m", "second", parts) for parts in (1, 2, 5, 10, 20)),
    *((parts * 60, "1h", "minute", parts) for parts in (1, 2, 5, 10, 20)),
    *((parts * 3_600, "1d", "hour", parts) for parts in (1, 2, 4, 8)),
    *((parts * _DAY, "1mo", "day", parts) for parts in (1, 2, 4, 8)),
    *((parts * 28 * _DAY, "1y", "month", parts) for parts in (1, 2, 4, 12)),
]
"""How many seconds a slot has at least, the unit, the smaller one and how many of it."""


def peaks(table: Any, x: str, y: str, span: timedelta) -> list[tuple[Any, Any]]:
    """Of a curve over time, in each of some hundred slots the first and the last point, the lowest and the highest.

    Args:
        table: a row a point.
        x, y: its columns; ``x`` holds times, each once.
        span: from the first time to the last.

    Returns:
        At most `POINTS` points, in order of ``x``; of a slot's equally low or high ones the first.

    Source: M4, by Jugel, Jerzak, Hackenbroich and Markl, PVLDB 7 (2014): the line is the same to the pixel.
    """
    import narwhals as nw

    slots = POINTS // 4
    _, unit, smaller, parts = next((one for one in _SLOTS if span.total_seconds() / one[0] < slots - 20), _SLOTS[-1])
    keys = ("unit", "part")
    time = nw.col(x).dt
    placed = nw.from_native(table).lazy().with_columns(unit=time.truncate(unit), part=getattr(time, smaller)() // parts)
    levels = placed.group_by(*keys, y).agg(first=nw.col(x).min(), last=nw.col(x).max())
    bounds = levels.with_columns(
        begin=nw.col("first").min().over(*keys),
        end=nw.col("last").max().over(*keys),
        low=nw.col(y).min().over(*keys),
        high=nw.col(y).max().over(*keys),
    )
    firsts = (nw.col("first") == nw.col("begin")) | (nw.col(y) == nw.col("low")) | (nw.col(y) == nw.col("high"))
    lasts = nw.col("last") == nw.col("end")
    kept = bounds.filter(firsts | lasts).select("last", y, first=nw.when(firsts).then(nw.col("first")), ends=lasts)
    found: dict[Any, Any] = {}
    for row in rows(kept.to_native()):
        found |= {row["first"]: row[y]} if row["first"] is not None else {}
        found |= {row["last"]: row[y]} if row["ends"] else {}
    return sorted(found.items())


def ends(
    table: Any, x: str, y: str, *, whole: float = 1.0, rises: bool = False, at: tuple[float, ...] = ()
) -> list[tuple[Any, Any]]:
    """Of a curve that only falls, or only rises, the first and the last point of each thousandth of its height.

    Args:
        table: a row a point.
        x, y: its columns.
        whole: its height.
        rises: whether it rises.
        at: the last point up to each of these ``x`` is kept too.

    Returns:
        At most `POINTS` points, in order of ``x``.
    """
    import narwhals as nw

    levels = POINTS // 2 - 1 - len(at)
    passed = sum((one_if(nw.col(x) > place) for place in at), nw.lit(0))
    placed = nw.from_native(table).lazy().with_columns(level=nw.col(y) * (levels / whole) // 1, passed=passed)
    low, high = nw.col(y).min(), nw.col(y).max()
    slots = placed.group_by("level", "passed").agg(
        first=nw.col(x).min(), last=nw.col(x).max(), before=low if rises else high, after=high if rises else low
    )
    found: dict[Any, Any] = {}
    for row in rows(slots.to_native()):
        found |= {row["first"]: row["before"], row["last"]: row["after"]}
    return sorted(found.items())
