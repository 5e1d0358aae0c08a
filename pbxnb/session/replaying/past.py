"""The past of a replayed handle: what the recording tells of the time before the position."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from pbxnb.model.entities import Call, CallRecord, Presence, Snapshot
from pbxnb.model.past.memory import Dropped

from ..past.history import Downtime
from ..recordings.past import RecordedPast
from .playback import Playback

__all__ = ["PlayedPast", "as_of"]

T = TypeVar("T")


class _Each(Generic[T]):
    """Of each value what is made of it, and it is left out where that is None; may be walked again and again."""

    def __init__(self, values: Iterable[T], make: Callable[[T], T | None]) -> None:
        self._values, self._make = values, make

    def __iter__(self) -> Iterator[T]:
        return (made for one in self._values if (made := self._make(one)) is not None)


class PlayedPast:
    """What a recording tells, up to where it is played.

    Args:
        whole: all of it.
        playback: where it is played.
    """

    def __init__(self, whole: RecordedPast, playback: Playback) -> None:
        self._whole = whole
        self._playback = playback
        self.domain: str = whole.domain
        self.tz: ZoneInfo = whole.tz

    @property
    def dropped(self) -> Dropped:
        """What memory let go."""
        return self._whole.dropped

    @property
    def own(self) -> str:
        """Our number, where the lists hold none but our own calls."""
        return self._playback.store.own

    def window(self) -> tuple[datetime, datetime]:
        """From the first snapshot to the position."""
        end = self._playback.position
        return min(self._whole.window()[0], end), end

    def ended(self, start: datetime | None = None, end: datetime | None = None) -> Iterable[CallRecord]:
        """The calls that had ended."""
        position = self._playback.position
        return _Each(self._whole.ended(start, end), lambda record: record if record.ended_at <= position else None)

    def open_calls(self) -> list[Call]:
        """The calls that went on."""
        return list(self._playback.store.calls.values())

    def running(self) -> list[CallRecord]:
        """The same calls, as if they had ended at the position."""
        return self._playback.running()

    def presence(self, start: datetime | None = None, end: datetime | None = None) -> Iterable[Presence]:
        """Intervals of presence: those that had ended, and those that went on."""
        position = self._playback.position
        return _Each(self._whole.presence(start, end), lambda one: as_of(position, one))

    def gaps(self) -> list[Downtime]:
        """When nothing was known."""
        position = self._playback.position
        return [
            gap._replace(end=None) if gap.end is not None and gap.end > position else gap
            for gap in self._whole.gaps()
            if gap.start <= position
        ]

    def at(self, t: datetime) -> Snapshot:
        """The model at a moment, the position at the latest."""
        return self._whole.at(min(t, self._playback.position))


def as_of(moment: datetime, interval: Presence) -> Presence | None:
    """An interval as it was known at a moment: what ended later went on, what began later was not."""
    if interval.start > moment:
        return None
    return interval if interval.end is not None and interval.end <= moment else replace(interval, end=None)
