"""The figures of a window that ends now: calls of callers, counted once as they end, by queue, agent and five minutes.

A call is what `pbxnb.history.legs` makes of it, as in every table of `pbxnb.analysis`. One counts when it is over: an
answered call's wait is known for sure only then. Pure: told the moment, it reads no clock.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from pbxnb.model.entities import CallRecord
from pbxnb.zones import clock_text, times_in

from .coverage import AT_LEAST, share_up
from .history import History
from .legs import FORGOTTEN, Leg, Part, conversations, direction, extensions_in, legs_of, offered, part_of, whole_of

__all__ = ["SLOT", "Figures", "Served", "Today", "Window", "begin_of"]

Window = Literal["day", "hour"]
SLOT = 300
"""Seconds counted together; local days and hours begin with one in every zone of today."""


class Figures(msgspec.Struct):
    """What became of calls; times in seconds, each wait counted in whole milliseconds.

    Attributes:
        in_time: answered within the limit.
        short: abandoned within the limit.
        waits: how many of the answered have a known wait, and ``waited`` what these add up to.
        longest: the longest wait, answered or abandoned; None where none is known.
    """

    answered: int = 0
    abandoned: int = 0
    in_time: int = 0
    short: int = 0
    waits: int = 0
    waited: float = 0.0
    longest: float | None = None

    @property
    def offered(self) -> int:
        """Answered and abandoned."""
        return self.answered + self.abandoned

    @property
    def service_level(self) -> float | None:
        """Answered in time / (offered - short abandons), 0 to 1: definition 4 of `pbxnb.analysis.service_level`."""
        return self.in_time / base if (base := self.offered - self.short) else None

    @property
    def speed_of_answer(self) -> float | None:
        """Mean wait of answered calls, as `pbxnb.analysis.speed_of_answer`."""
        return self.waited / self.waits if self.waits else None

    def count(self, leg: Leg, within: float) -> None:
        """Count a call; one that is neither answered nor abandoned is left out."""
        if leg.outcome not in ("answered", "abandoned"):
            return
        wait = None if leg.wait is None else round(leg.wait * 1000) / 1000
        in_time = wait is not None and wait <= within
        if wait is not None:
            self.longest = wait if self.longest is None else max(self.longest, wait)
        if leg.outcome == "abandoned":
            self.abandoned += 1
            self.short += in_time
            return
        self.answered += 1
        self.in_time += in_time
        if wait is not None:
            self.waits += 1
            self.waited += wait

    def add(self, other: Figures) -> None:
        """Count what another has counted."""
        for name in ("answered", "abandoned", "in_time", "short", "waits", "waited"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        known = [wait for wait in (self.longest, other.longest) if wait is not None]
        self.longest = max(known, default=None)


class Served(msgspec.Struct):
    """What an agent did for a queue: calls taken, seconds of talk."""

    calls: int = 0
    talk: float = 0.0

    def add(self, other: Served) -> None:
        """Count what another has counted."""
        self.calls += other.calls
        self.talk += other.talk


class _Counts:
    """Figures by slot and queue, and what agents did by slot, queue and number."""

    def __init__(self) -> None:
        self.figures: dict[tuple[int, str], Figures] = {}
        self.served: dict[tuple[int, str, str], Served] = {}

    def count(self, group: list[Part], within: float) -> None:
        """Count a conversation that is over."""
        whole = whole_of(group)
        if not offered(whole.queue, direction(whole.call, whole.queue, extensions_in(group))):
            return
        slot = int(whole.started.timestamp() // SLOT)
        _at(self.figures, (slot, whole.queue), Figures).count(whole, within)
        for leg in legs_of(group) if whole.queue else ():
            if leg.queue and leg.outcome == "answered" and leg.ext not in ("", leg.call.from_.number):
                _at(self.served, (slot, leg.queue, leg.ext), Served).add(Served(1, leg.talk or 0.0))

    def forget(self, slot: int) -> None:
        """Let go what began before a slot."""
        self.figures = {key: one for key, one in self.figures.items() if key[0] >= slot}
        self.served = {key: one for key, one in self.served.items() if key[0] >= slot}


class Today:
    """The figures since local midnight. One thread asks it.

    Args:
        history: where calls end.
        zone: whose midnight.
        within: the limit of the service level, seconds.

    Example:
        >>> from pbxnb.ui.handle import handle_of
        >>> today = Today(handle_of(pbx).history, pbx.tz)
        >>> today.update(pbx.clock.now())
        >>> today.total().service_level is None or 0 <= today.total().service_level <= 1
        True
    """

    def __init__(self, history: History, zone: ZoneInfo, within: float = 20.0) -> None:
        self._history, self._zone, self.within = history, zone, within
        self._model: object = None
        self._settled, self._recent = _Counts(), _Counts()
        self._waiting: set[int] = set()  # numbers of ended calls whose conversation may go on
        self._next = 0
        self._lost = False  # whether calls had been let go before we read them

    def update(self, now: datetime) -> None:
        """Count what has ended; ``now`` is on the PBX's clock."""
        model = self._history.model
        if model is not self._model:
            self._model, self._settled, self._waiting, self._next = model, _Counts(), set(), 0
            self._lost = model.dropped.calls > 0
        start = begin_of("day", now, self._zone)
        self._settled.forget(int(start.timestamp() // SLOT))
        # Read first: what ends meanwhile is still open here, and counts the next time.
        going = {call.conversation or call.id for call in list(model.calls.values())}
        ended = model.closed_calls().during(start - FORGOTTEN)
        last = {_conversation(record): number for number, record in ended.numbered(self._next, self._waiting)}
        groups: dict[str, list[tuple[int, CallRecord]]] = {}
        recent = _Counts()
        waiting: set[int] = set()
        for number, record in ended.numbered(self._next, self._waiting):
            key = _conversation(record)
            groups.setdefault(key, []).append((number, record))
            if last.get(key) != number:
                continue
            calls = groups.pop(key)
            settled = key not in going and now - max(one.ended_at for _, one in calls) > FORGOTTEN
            if not settled:  # another call may yet become part of it
                waiting.update(number for number, _ in calls)
            if key not in going:
                for group in conversations(part_of(one.call, one, _as_is) for _, one in calls):
                    if group[0].leg.started >= start:
                        (self._settled if settled else recent).count(group, self.within)
        self._recent, self._next = recent, ended.next
        self._waiting = waiting

    def by_queue(self, since: datetime | None = None) -> dict[str, Figures]:
        """The figures by queue; those of calls through none stand under an empty number.

        Args:
            since: calls that began from then on, a full hour; None means all of the day.
        """
        found: dict[str, Figures] = {}
        for _, queue, one in self._figures(0 if since is None else int(since.timestamp() // SLOT)):
            _at(found, queue, Figures).add(one)
        return found

    def total(self, queues: Collection[str] = (), since: datetime | None = None) -> Figures:
        """The figures of some queues, or of all calls of callers.

        Args:
            queues: their numbers; empty means every call from outside or through a queue.
            since: as of `by_queue`.
        """
        total = Figures()
        for queue, one in self.by_queue(since).items():
            if not queues or queue in queues:
                total.add(one)
        return total

    def course(self, queues: Collection[str], now: datetime, points: int, since: datetime) -> list[Figures | None]:
        """How the figures came to be: `total` as of the begin of calls, every five minutes up to now.

        Args:
            points: how many, oldest first; None before anything was counted.
            since: from which full hour on calls count.
        """
        slots: dict[int, Figures] = {}
        for slot, queue, one in self._figures(int(since.timestamp() // SLOT)):
            if not queues or queue in queues:
                _at(slots, slot, Figures).add(one)
        last = int(now.timestamp() // SLOT)
        course: list[Figures | None] = []
        sum_, rest = Figures(), sorted(slots.items())
        for slot in range(last - points + 1, last + 1):
            while rest and rest[0][0] <= slot:
                sum_.add(rest.pop(0)[1])
            course.append(msgspec.structs.replace(sum_) if sum_.offered else None)
        return course

    def served(self) -> dict[str, dict[str, Served]]:
        """What was done for each queue today, by number of the agent."""
        found: dict[str, dict[str, Served]] = {}
        for counts in (self._settled, self._recent):
            for (_, queue, number), one in counts.served.items():
                _at(found.setdefault(queue, {}), number, Served).add(one)
        return found

    def known(self, window: Window, now: datetime) -> tuple[datetime, float]:
        """From when on everything in the window is counted, and the share of the time since that the line was up."""
        start = begin_of(window, now, self._zone).timestamp()
        since = min(max(start, self._history.began), now.timestamp())
        return datetime.fromtimestamp(since, UTC), share_up(self._history.gaps(), since, now.timestamp())

    def text(self, window: Window, now: datetime) -> str:
        """What the figures are of, as a phrase: the window, whose times it has, what may be missing.

        Example:
            >>> from pbxnb.ui.handle import handle_of
            >>> Today(handle_of(pbx).history, pbx.tz).text("day", pbx.clock.now())[:12]
            'Today, since'
        """
        since, up = self.known(window, now)
        said = f"{'Today' if window == 'day' else 'This hour'}, since {clock_text(since, self._zone, 'minutes')}"
        lacks = [f"line up {math.floor(up * 100)} % of it"] if up < 1 else []
        lacks += ["older calls let go"] if self._lost else []
        return f"{said} ({times_in(self._zone)})" + (f", {', '.join(lacks)}: {AT_LEAST}" if lacks else "")

    def _figures(self, first: int = 0) -> Iterable[tuple[int, str, Figures]]:
        for counts in (self._settled, self._recent):
            for (slot, queue), one in counts.figures.items():
                if slot >= first:
                    yield slot, queue, one


def begin_of(window: Window, now: datetime, zone: ZoneInfo) -> datetime:
    """When the local day, or the hour, of a moment began.

    Example:
        >>> begin_of("day", datetime(2026, 10, 25, 12, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
        datetime.datetime(2026, 10, 24, 22, 0, tzinfo=datetime.timezone.utc)
    """
    local = now.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    return (local.replace(hour=0, fold=0) if window == "day" else local).astimezone(UTC)


K = TypeVar("K")
V = TypeVar("V", Figures, Served)


def _at(found: dict[K, V], key: K, kind: type[V]) -> V:
    if key not in found:
        found[key] = kind()
    return found[key]


def _conversation(record: CallRecord) -> str:
    return record.call.conversation or record.call.id


def _as_is(moment: datetime) -> datetime:
    return moment
