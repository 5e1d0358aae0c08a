"""What lies behind the timeline's calls: do not disturb, not registered, and gaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pbxnb.history import Conditions, gap_text, span_text
from pbxnb.model.status import Gap

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


def gap_marks(
    gaps: Iterable[Gap], rows: int, start: float, end: float, now: float, lost: float = float("-inf")
) -> list[Mark]:
    """The gaps in a window, and the time up to ``lost``, which is not kept: each one mark over all rows."""
    known = [(gap.start.timestamp(), gap.end.timestamp() if gap.end else now, gap_text(gap.why)) for gap in gaps]
    known += [(start, lost, "no longer kept")] if lost > start else []
    seen = [one for one in known if one[0] < end and one[1] > start][-_MOST:]
    return [_mark(since, until, rows // 2, "gap", text) for since, until, text in seen]


def _mark(start: float, end: float, row: int, name: str, text: str) -> Mark:
    return Mark(round(start, 1), round(end - start, 1), row, name, f"{text}\n{span_text(end - start)}", "")
