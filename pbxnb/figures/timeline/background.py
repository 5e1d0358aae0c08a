"""What lies behind the timeline's calls: do not disturb, not registered, and the line's gaps.

Followed by events, like the calls: to ask the session for every interval at each flush would cost more than the flush.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pbxnb.model.changes import Event
from pbxnb.model.entities import Account, Presence
from pbxnb.model.status import Gap

from ..history import Block, History
from ..stories import Story, span_text
from .bars import Mark

__all__ = ["BACKS", "Backdrop", "gap_marks"]

BACKS = {"offline": "not registered", "dnd": "do not disturb"}
_AXES = {("registered", "false"): "offline", ("dnd", "true"): "dnd"}
_MOST = 150
_NOBODY = Story("")


class Backdrop:
    """When each account was not registered or did not want to be disturbed."""

    def __init__(self) -> None:
        self._past = {name: History(20_000) for name in BACKS}
        self._since: dict[tuple[str, str], float] = {}  # (name, lane) -> since when

    def begin(self, intervals: Iterable[Presence]) -> None:
        """Start from what the session knows."""
        for interval in intervals:
            name = _AXES.get((interval.axis, interval.value.lower()))
            if name is not None:
                self._put(
                    name,
                    interval.number,
                    interval.start.timestamp(),
                    interval.end.timestamp() if interval.end else None,
                )

    def feed(self, event: Event) -> None:
        """Take one event; all but ``account.changed`` are passed over."""
        account = event.account
        if account is None:
            return
        moment = (event.at or event.received).timestamp()
        for name, is_so in _now(account, gone=event.removed).items():
            since = self._since.get((name, account.number))
            if is_so and since is None:
                self._since[name, account.number] = moment
            elif since is not None and not is_so:
                del self._since[name, account.number]
                self._put(name, account.number, since, max(since, moment))

    def marks(self, lanes: Sequence[str], start: float, end: float, now: float) -> dict[str, list[Mark]]:
        """The background marks of a window by name; where they flap, one mark stands for many.

        Args:
            lanes: the rows, top to bottom.
            start, end: the window, seconds since 1970.
            now: PBX time, where what goes on ends.
        """
        rows = {lane: row for row, lane in enumerate(lanes) if lane}
        return {name: self._of(name, rows, start, min(end, now), now) for name in BACKS}

    def _of(self, name: str, rows: dict[str, int], start: float, end: float, now: float) -> list[Mark]:
        past, words = self._past[name], BACKS[name]
        found: list[Mark] = []
        if past.count(start, end, rows) <= _MOST:
            found += (
                _mark(block.start, block.end or now, rows[block.lane], name, f"{block.lane}: {words}")
                for block in past.blocks(start, end, rows)
            )
        else:
            found += (
                _mark(bin_.start, bin_.start + bin_.width, rows[bin_.lane], name, f"{bin_.lane}: often {words}")
                for bin_ in past.density(start, end, rows, _MOST)
            )
        for lane, row in rows.items():
            since = self._since.get((name, lane))
            if since is not None and since < end:
                found.append(_mark(since, now, row, name, f"{lane}: {words}, going on"))
        return found

    def _put(self, name: str, lane: str, start: float, end: float | None) -> None:
        if end is None:
            self._since[name, lane] = start
        else:
            self._past[name].add(Block(lane, name, start, end, _NOBODY))


def gap_marks(gaps: Iterable[Gap], rows: int, start: float, end: float, now: float) -> list[Mark]:
    """The line's gaps in a window, each one mark in the middle of all rows."""
    known = ((gap.start.timestamp(), gap.end.timestamp() if gap.end else now) for gap in gaps)
    seen = [(left, right) for left, right in known if left < end and right > start][-_MOST:]
    return [
        Mark(round(left, 1), round(right - left, 1), rows // 2, "gap", f"line down {span_text(right - left)}", "")
        for left, right in seen
    ]


def _now(account: Account, *, gone: bool) -> dict[str, bool]:
    return {"offline": account.registered is False and not gone, "dnd": account.dnd is True and not gone}


def _mark(start: float, end: float, row: int, name: str, text: str) -> Mark:
    return Mark(round(start, 1), round(end - start, 1), row, name, f"{text}\n{span_text(end - start)}", "")
