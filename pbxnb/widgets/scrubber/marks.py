"""Marks on the track of a scrubber: gaps and alerts of a recording, as many as can be told apart. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pbxnb.history import gap_text
from pbxnb.ui.player import Silence
from pbxnb.zones import clock_text

from ..alerts.rules import AlertEvent

__all__ = ["Mark", "Track"]

_APART = 1 / 300  # of the track: marks nearer than this become one


class Mark(NamedTuple):
    """One mark, or several that stand too close together.

    Attributes:
        first, last: fractions of the track, 0 to 1.
        level: the worst one of alerts; empty for gaps.
        words: what it says.
        many: how many they are.
    """

    first: float
    last: float
    level: str
    words: str
    many: int = 1


class Track(NamedTuple):
    """From when to when a recording is, and the zone of its times.

    Example:
        >>> from datetime import UTC, timedelta
        >>> start = datetime(2026, 9, 21, 8, tzinfo=UTC)
        >>> track = Track(start, start + timedelta(hours=1), ZoneInfo("UTC"))
        >>> [mark] = track.gaps([Silence(start + timedelta(minutes=15), start + timedelta(minutes=30), "disk")])
        >>> mark.first, mark.last, mark.words
        (0.25, 0.5, 'gap 08:15:00 to 08:30:00: left out by the disk')
    """

    start: datetime
    end: datetime
    zone: ZoneInfo

    def gaps(self, gaps: Iterable[Silence]) -> list[Mark]:
        """The marks of gaps."""
        marks = []
        for start, end, why in gaps:
            until = f"to {self.text(end)}" if end is not None else "until now"
            words = f"gap {self.text(start)} {until}: {gap_text(why)}"
            marks.append(Mark(self.place(start), self.place(end or self.end), "", words))
        return self._told_apart("gaps", marks)

    def alerts(self, events: Iterable[AlertEvent]) -> list[Mark]:
        """The marks of alerts that rose."""
        rose = (one for one in events if one.level.rank > one.before.rank and self.start <= one.at <= self.end)
        return self._told_apart(
            "alerts",
            (
                Mark(at := self.place(one.at), at, str(one.level), f"alert {self.text(one.at)}: {one.rule} {one.level}")
                for one in rose
            ),
        )

    def place(self, t: datetime) -> float:
        """The fraction of the track at which a moment is, 0 to 1."""
        span = (self.end - self.start).total_seconds()
        return round(min(max((t - self.start).total_seconds() / span, 0.0), 1.0), 4) if span > 0 else 0.0

    def _told_apart(self, noun: str, marks: Iterable[Mark]) -> list[Mark]:
        """Marks in order of time; those that would touch as one, with the worst level."""
        made: list[Mark] = []
        for mark in marks:
            if made and mark.first - made[-1].last < _APART:
                before = made.pop()
                many = before.many + 1
                first = before.words if before.many == 1 else before.words.partition("first ")[2]
                words = f"{many} {noun}, first {first}"
                level = max(before.level, mark.level)  # "red" comes after "orange", as both words and levels
                mark = Mark(before.first, max(before.last, mark.last), level, words, many)
            made.append(mark)
        return made

    def text(self, t: datetime) -> str:
        """A moment as people read it; with its day where the track has several."""
        days = {one.astimezone(self.zone).date() for one in (self.start, self.end)}
        return clock_text(t, self.zone, date=len(days) > 1)
