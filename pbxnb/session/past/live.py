"""The past of a running session, as `History` asks for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from pbxnb.errors import ConfigError
from pbxnb.model.entities import Call, CallRecord, LineState, Presence, Snapshot, Status
from pbxnb.model.past.memory import Dropped, Taken
from pbxnb.signals import Signal

from ..clock import PbxClock
from ..feed import Feed
from .history import Downtime

__all__ = ["LivePast", "Lived"]

T = TypeVar("T")


class Lived(Protocol):
    """What is asked of a line; see `Line`."""

    domain: str
    feed: Feed
    on_status: Signal[Status]

    @property
    def status(self) -> Status: ...  # noqa: D102

    def read(self, fn: Callable[[], T]) -> T: ...  # noqa: D102


class LivePast:
    """What a line has seen since it was first live.

    Args:
        line: the connection.
        clock: the PBX's.
    """

    def __init__(self, line: Lived, clock: PbxClock) -> None:
        self._line = line
        self._clock = clock
        self._began: datetime | None = None
        line.on_status.add(self._note)

    @property
    def domain(self) -> str:
        """The tenant."""
        return self._line.domain

    @property
    def tz(self) -> ZoneInfo:
        """The handle's zone."""
        return self._clock.zone

    @property
    def dropped(self) -> Dropped:
        """What memory let go."""
        return self._line.feed.store.dropped

    @property
    def own(self) -> str:
        """Our number, where the lists hold none but our own calls."""
        return self._line.feed.store.own

    def window(self) -> tuple[datetime, datetime]:
        """From the first live moment to now, or to the end of the line."""
        end = self._clock.now()
        return min(end, end if self._began is None else self._clock.at(self._began)), end

    def ended(self, start: datetime | None = None, end: datetime | None = None) -> Taken[CallRecord]:
        """The calls that ended, as they are now."""
        return self._line.read(self._line.feed.store.closed_calls).during(start, end)

    def open_calls(self) -> list[Call]:
        """The calls that go on."""
        return self._line.read(lambda: list(self._line.feed.store.calls.values()))

    def running(self) -> list[CallRecord]:
        """The calls that go on, as if they ended now."""
        return self._line.read(lambda: self._line.feed.store.running_calls(self.window()[1]))

    def presence(self, start: datetime | None = None, end: datetime | None = None) -> Taken[Presence]:
        """Intervals of presence, as they are now."""
        return self._line.read(self._line.feed.store.presence).during(start, end)

    def gaps(self) -> list[Downtime]:
        """When the line was down."""
        account, at = self._line.feed.endpoint.account, self._clock.at
        gaps = self._line.status.gaps
        return [Downtime(account, at(gap.start), None if gap.end is None else at(gap.end), gap.why) for gap in gaps]

    def at(self, t: datetime) -> Snapshot:
        """The model at a moment: as it is, or as its recording tells it."""
        recording = self._line.status.recording
        if t < self.window()[1]:
            if recording is None:
                raise ConfigError(
                    "This session is not recorded, so only its present state is known.",
                    hint='Connect with record="monday.pbx", or begin with pbx.record_to("monday.pbx").',
                )
            from pbxnb.journal import Journal

            with Journal(recording.path) as journal:
                if journal.last >= 0:
                    return journal.at(t)
        return self._line.read(lambda: self._line.feed.store.snapshot(self._line.feed.now()))

    def _note(self, status: Status) -> None:
        if self._began is None and status.state == LineState.LIVE:
            self._began = status.since
