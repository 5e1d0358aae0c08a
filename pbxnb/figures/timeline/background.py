"""What lies behind the timeline's calls: do not disturb, not registered, and the line's gaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pbxnb.history import Conditions, Interval, span_text

from .bars import Mark

__all__ = ["BACKS", "condition_marks", "gap_marks"]

BACKS = {"offline": "not registered", "dnd": "do not disturb"}
_MOST = 150


def condition_marks(
    conditions: Conditions, lanes: Sequence[str], start: float, end: float, now: float
) -> dict[str, list[Mark]]:
    """The marks of a window by name of the condition; where it flaps, one mark stands for many.

    Args:
        conditions: of the accounts.
        lanes: the rows, top to bottom.
        start, end: the window, seconds since 1970.
        now: PBX time, where what goes on ends.
    """
    rows = {lane: row for row, lane in enumerate(lanes) if lane}
    return {name: _of(conditions, name, rows, start, min(end, now), now) for name in BACKS}


def _of(conditions: Conditions, name: str, rows: dict[str, int], start: float, end: float, now: float) -> list[Mark]:
    past, words = conditions.past[name], BACKS[name]
    found: list[Mark] = []

    def add(lane: str, since: float, until: float, text: str) -> None:
        found.append(_mark(since, until, rows[lane], name, f"{lane}: {text}"))

    if past.count(start, end, rows) <= _MOST:
        for block in past.blocks(start, end, rows):
            add(block.lane, block.span.start, block.span.end or now, words)
    else:
        for bin_ in past.density(start, end, rows, _MOST):
            add(bin_.lane, bin_.start, bin_.start + bin_.width, f"often {words}")
    for lane in rows:
        since = conditions.since[name].get(lane)
        if since is not None and since < end:
            add(lane, since, now, f"{words}, going on")
    return found


def gap_marks(gaps: Iterable[Interval], rows: int, start: float, end: float, now: float) -> list[Mark]:
    """The line's gaps in a window, each one mark in the middle of all rows."""
    known = [(since, now if until is None else until) for since, until in gaps]
    return [
        _mark(since, until, rows // 2, "gap", "line down") for since, until in known if since < end and until > start
    ][-_MOST:]


def _mark(start: float, end: float, row: int, name: str, text: str) -> Mark:
    return Mark(round(start, 1), round(end - start, 1), row, name, f"{text}\n{span_text(end - start)}", "")
