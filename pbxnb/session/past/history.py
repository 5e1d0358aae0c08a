"""`History`: ended calls, their states, presence and gaps of a window, as tables, with what may be missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from pbxnb.errors import AnalysisError, ConfigError
from pbxnb.history import coverage_text, share_up
from pbxnb.model.entities import Call, CallRecord, Phase, Presence, Snapshot
from pbxnb.model.past.memory import Dropped
from pbxnb.model.status import Gap
from pbxnb.zones import clock_text, zone_of

from .table import Kind, Table

__all__ = ["Downtime", "History", "Source", "aware"]

_KINDS: dict[str, Kind] = {"dow": "small", "hour": "small", "seq": "whole"}
_BOOLS = ("end_inferred", "gap", "inferred")
_TIMES = ("at", "start", "end")


class Downtime(NamedTuple):
    """A gap: of which connection, from when to when (None while it lasts), PBX time; ``why`` as in `Gap`."""

    connection: str
    start: datetime
    end: datetime | None
    why: str


class Source(Protocol):
    """Whatever can tell what was: a running session, or a recording. Times are PBX time.

    Attributes:
        domain: the tenant.
        tz: the zone of weekday and hour.
        dropped: what was let go.
        own: our number, where none but our own calls were told of (architecture.md 5.2); else empty.
    """

    @property
    def domain(self) -> str: ...  # noqa: D102
    @property
    def tz(self) -> ZoneInfo: ...  # noqa: D102
    @property
    def dropped(self) -> Dropped: ...  # noqa: D102
    @property
    def own(self) -> str: ...  # noqa: D102

    def window(self) -> tuple[datetime, datetime]:
        """From when to when it can tell."""

    def ended(self, start: datetime | None = None, end: datetime | None = None) -> Iterable[CallRecord]:
        """The calls that ended, as they are now; may be walked again and again.

        Those that did not last at any time from one moment to another may be left out; None means no bound.
        """

    def open_calls(self) -> Iterable[Call]:
        """The calls that go on."""

    def running(self) -> Iterable[CallRecord]:
        """The calls that go on, as they would be kept if they ended with the window."""

    def presence(self, start: datetime | None = None, end: datetime | None = None) -> Iterable[Presence]:
        """Intervals of presence, likewise."""

    def gaps(self) -> Iterable[Downtime]:
        """When nothing was known."""

    def at(self, t: datetime) -> Snapshot:
        """The model at a moment; outside of the window at its nearest end."""


class History:
    """What was, from `start` to `end`, on the PBX's clock.

    Args:
        source: tells it.
        start: of the window; None for all that there is. What is outside is cut to the nearest end.
        end: of the window; as ``start``.

    Example:
        >>> from datetime import timedelta
        >>> last_hour = pbx.history.between(pbx.history.end - timedelta(hours=1), pbx.history.end)
        >>> last_hour.coverage
        1.0
    """

    def __init__(self, source: Source, start: datetime | None = None, end: datetime | None = None) -> None:
        self._source = source
        self._begin, self._until = start, end

    @property
    def start(self) -> datetime:
        """Where it begins, on the PBX's clock."""
        return self._inside(self._begin, 0)

    @property
    def end(self) -> datetime:
        """Where it ends: so far, while it goes on."""
        return self._inside(self._until, 1)

    @property
    def calls(self) -> Table:
        """The calls that began in the window, a row a conversation (see `pbxnb.analysis.calls`)."""
        return self.calls_table()

    @property
    def legs(self) -> Table:
        """The same calls, a row a phone."""
        return self.calls_table(legs=True)

    @property
    def call_states(self) -> Table:
        """Each change of a call in the window: its state from ``at`` on, and at last ``ended`` where it has.

        ``seq`` counts the changes of a call, ``ext`` is the extension it was with, or that rang for it.
        """
        columns = ("domain", "call_id", "seq", "at", "state", "from_num", "to_num", "ext")
        records, running = self._source.ended(self._begin, self._until), [*self._source.running()]
        domain = self._source.domain
        return self._table(
            "call states",
            columns,
            lambda: (
                row
                for some, over in ((records, True), (running, False))
                for record in some
                for row in _states(record, domain, over)
                if self._has(row["at"])
            ),
        )

    @property
    def presence(self) -> Table:
        """Intervals of each axis of an account that touch the window; the end of one that lasts is null."""
        intervals, domain = self._source.presence(self._begin, self._until), self._source.domain
        return self._table(
            "presence",
            ("domain", "account", "axis", "start", "end", "value", "inferred"),
            lambda: (
                {
                    "domain": domain,
                    "account": one.number,
                    "axis": one.axis,
                    "start": _naive(one.start),
                    "end": _naive(one.end),
                    "value": one.value,
                    "inferred": one.inferred,
                }
                for one in intervals
                if self._touches(one.start, one.end)
            ),
        )

    @property
    def gaps(self) -> Table:
        """When nothing was known of the PBX, as far as that touches the window; the end of one that lasts is null.

        ``why`` is ``line``, ``sleep``, ``kernel``, ``disk``, ``off`` or ``file``: see `pbxnb.model.status.Gap`.
        """
        gaps, domain = [*self._source.gaps()], self._source.domain
        return self._table(
            "gaps",
            ("domain", "connection", "start", "end", "why"),
            lambda: (
                {"domain": domain, **gap._asdict(), "start": _naive(gap.start), "end": _naive(gap.end)}
                for gap in gaps
                if self._touches(gap.start, gap.end)
            ),
        )

    @property
    def dropped(self) -> Dropped:
        """How many ended calls and intervals of presence memory has let go, the oldest ones."""
        return self._source.dropped

    @property
    def own(self) -> str:
        """Our number, where none but our own calls could be seen; else empty."""
        return self._source.own

    @property
    def coverage(self) -> float:
        """Share of the window that the line was up, 0 to 1."""
        return share_up(self._intervals(), self.start.timestamp(), self.end.timestamp())

    def between(self, a: datetime, b: datetime) -> History:
        """The part from ``a`` to ``b``: calls that began in it, states and gaps that touch it. ``b`` is not in it.

        Raises:
            ConfigError: a time has no zone, or ``b`` is before ``a``.
        """
        if aware("b", b) < aware("a", a):
            raise ConfigError(f"b must not be before a: {b} is.", argument="b")
        begin = a if self._begin is None else max(a, self._begin)
        until = b if self._until is None else min(b, self._until)
        begin, until = begin.astimezone(UTC), max(begin, until).astimezone(UTC)
        return History(self._of(begin, until), begin, until)

    def at(self, t: datetime) -> Snapshot:
        """The whole model as it was at a moment, on the PBX's clock; outside of the window at its nearest end.

        Of a running session it is read from its recording, as far as that is on the disk.

        Raises:
            ConfigError: the moment has no zone, or the session is not recorded.

        Example:
            >>> await pbx.record_to("monday.pbx")
            >>> began = (await pbx.wait_for("call.new")).call.started_at
            >>> pbx.history.at(began).accounts.keys() == pbx.accounts.keys()
            True
            >>> await pbx.stop_recording()
        """
        t = aware("t", t).astimezone(UTC)
        return self._source.at(min(max(t, self._begin or t), self._until or t))

    def __repr__(self) -> str:
        start, end = (clock_text(moment, self._source.tz, "minutes", date=True) for moment in (self.start, self.end))
        return f"<History of {self._source.domain}: {start} to {end} {self._source.tz.key}, {self.coverage_text}>"

    @property
    def coverage_text(self) -> str:
        """What may be missing, as the phrase that stands under pictures."""
        start, end = self.start, self.end
        cut = (Gap(max(gap.start, start), min(gap.end or end, end), gap.why) for gap in self._source.gaps())
        return coverage_text([gap for gap in cut if gap.start < (gap.end or end)], self.dropped, end)

    def _intervals(self) -> list[tuple[float, float | None]]:
        return [
            (gap.start.timestamp(), None if gap.end is None else gap.end.timestamp()) for gap in self._source.gaps()
        ]

    def _of(self, _begin: datetime, _until: datetime) -> Source:
        """What tells of a part of it."""
        return self._source

    def calls_table(self, *, legs: bool = False, tz: str | ZoneInfo | None = None) -> Table:
        """``calls``, or ``legs``, with weekday and hour in another zone.

        Args:
            legs: a row a phone.
            tz: the zone; None for the handle's own.

        Raises:
            AnalysisError: no known zone has this name.
        """
        from pbxnb.analysis.calls import COLUMNS, walk_rows
        from pbxnb.history.legs import FORGOTTEN

        source = self._source
        # What had ended longer ago belongs to a conversation that began before the window (`FORGOTTEN`).
        ended = source.ended(None if self._begin is None else self.start - FORGOTTEN)
        running = [*source.open_calls()]
        zone = zone_of(source.tz if tz is None else tz, error=AnalysisError)
        key = ("domain", "call_id", "started_at", *(["ext"] if legs else []))
        columns = (*key, *(column for column in COLUMNS if column not in key))
        return self._table(
            "legs" if legs else "calls",
            columns,
            lambda: walk_rows(ended, running, tz=zone, domain=source.domain, legs=legs, began=self._holds),
        )

    def _table(self, name: str, columns: tuple[str, ...], rows: Callable[[], Iterable[dict[str, Any]]]) -> Table:
        return Table(name, {column: _kind(column) for column in columns}, rows)

    def _inside(self, moment: datetime | None, side: int) -> datetime:
        window = self._source.window()
        return window[side] if moment is None else min(max(moment, window[0]), window[1])

    def _holds(self, moment: datetime) -> bool:
        return (self._begin is None or self._begin <= moment) and (self._until is None or moment < self._until)

    def _has(self, naive: datetime) -> bool:
        return self._holds(naive.replace(tzinfo=UTC))

    def _touches(self, start: datetime, end: datetime | None) -> bool:
        begin, until = self._begin, self._until
        return (begin is None or end is None or end > begin) and (until is None or start < until)


def _states(record: CallRecord, domain: str, over: bool) -> Iterator[dict[str, Any]]:
    call, last = record.call, () if over else record.stays[-1][1]
    changes = [(start, str(state)) for state, start, _ in record.phases]
    for seq, (at, state) in enumerate([*changes, *([(record.ended_at, str(Phase.ENDED))] if over else [])]):
        phones = next((phones for _, phones, _, end in record.stays if at < end), last)
        yield {
            "domain": domain,
            "call_id": call.id,
            "seq": seq,
            "at": _naive(at),
            "state": state,
            "from_num": call.from_.number,
            "to_num": call.to.number,
            "ext": phones[-1] if phones else "",
        }


def aware(name: str, moment: datetime) -> datetime:
    """The moment, or `ConfigError` where it has no zone."""
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ConfigError(
            f"{name} must be a datetime with a zone, not {moment!r}.",
            hint="datetime(2026, 9, 21, 8, tzinfo=pbx.tz)",
            argument=name,
        )
    return moment


def _kind(column: str) -> Kind:
    if column in _TIMES or column.endswith("_at"):
        return "time"
    if column in _BOOLS:
        return "bool"
    return _KINDS.get(column, "whole" if column.endswith("_ms") else "text")


def _naive(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
