"""The past of a recording, as `History` asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary
from zoneinfo import ZoneInfo

from pbxnb.errors import ConfigError
from pbxnb.history import History
from pbxnb.model.entities import Call, CallRecord, Presence, Snapshot
from pbxnb.model.kept.inputs import DateRead, Input, Resynced
from pbxnb.model.past.memory import Dropped, Taken
from pbxnb.progress import shown
from pbxnb.zones import zone_of

from ..past.history import Downtime
from ..waiting import in_own_thread

if TYPE_CHECKING:
    from pbxnb.journal import Journals

__all__ = ["RecordedPast"]

_AT_ONCE = 250  # inputs that a thread of ours takes without a look at whether it should wait
_LOOKED_AT = 1_000  # inputs in which the first snapshot is looked for


class RecordedPast:
    """What a recording tells: its tables by going through all of its inputs, once, when the first one is asked for.

    Args:
        journal: the recording.
        patient: called now and then while a thread of ours goes through it: it may wait.
    """

    def __init__(self, journal: Journals, patient: Callable[[], object] = lambda: None) -> None:
        from pbxnb.journal import Replayed

        self.about: Final = journal.about
        about = self.about
        self.domain: str = about.get("domain", "")
        self.tz: ZoneInfo = _zone(about.get("tz", ""))
        self._journal = journal
        self._parts: WeakValueDictionary[frozenset[str], RecordedPast] = WeakValueDictionary()
        self._patient = patient
        self._connection = f"{about.get('user', '')}@{self.domain}"
        self._replayed = Replayed(journal, self._shown)
        self._began: datetime | None = None
        self._ended = (-1, datetime.fromtimestamp(journal.path.stat().st_mtime, UTC))

    @property
    def dropped(self) -> Dropped:
        """What memory let go."""
        return self._replayed.store().dropped

    def within(self, a: datetime, b: datetime) -> RecordedPast:
        """What tells of a window as all of it does, out of no more files than that takes."""
        from pbxnb.journal import Journals

        without = self._journal.aside(a, b)
        if not without:
            return self
        part = self._parts.get(without)
        if part is None:
            journals = Journals(self._journal.path, self._journal.names, without=without)
            part = self._parts[without] = RecordedPast(journals)
        return part

    @property
    def own(self) -> str:
        """Our number, where its lists hold none but our own calls."""
        return self._replayed.store().own

    def window(self) -> tuple[datetime, datetime]:
        """From the first snapshot to the last input; of an empty recording the moment when it was written."""
        last = self._journal.last
        if self._ended[0] < last:
            clock = self._journal.store(last + 1).clock
            self._ended = last, next(clock.at(one.at) for _, one in self._journal.inputs(last, last))
        end = self._ended[1]
        if self._began is None and last >= 0:
            self._began = self._first()
        return min(self._began or end, end), end

    def ended(self, start: datetime | None = None, end: datetime | None = None) -> Taken[CallRecord]:
        """The calls that ended."""
        return self._replayed.store().closed_calls().during(start, end)

    def open_calls(self) -> list[Call]:
        """The calls that had not ended when the recording did."""
        return list(self._replayed.store().calls.values())

    def running(self) -> list[CallRecord]:
        """The same calls, as if they had ended with it."""
        return self._replayed.store().running_calls(self.window()[1])

    def presence(self, start: datetime | None = None, end: datetime | None = None) -> Taken[Presence]:
        """Intervals of presence."""
        return self._replayed.store().presence().during(start, end)

    def spans(self) -> History:
        """The spans and stories of its calls."""
        return self._replayed.history()

    def gaps(self) -> list[Downtime]:
        """When nothing was known."""
        return [Downtime(self._connection, gap.start, gap.end, gap.why) for gap in self._replayed.gaps()]

    def at(self, t: datetime) -> Snapshot:
        """The model at a moment; outside at the nearest end."""
        start, end = self.window()
        if t >= end:  # whatever a reading of the clock said of the last inputs before it was better known
            return self._journal.store(self._journal.last + 1).snapshot(end)
        return self._journal.at(max(t, start))

    def _shown(self, inputs: Iterable[tuple[int, Input]], total: int) -> Iterator[tuple[int, Input]]:
        """With progress where somebody waits for it, else with patience."""
        if not in_own_thread():
            yield from shown(inputs, total, f"Reading {self._journal.path.name}")
            return
        for seq, one in inputs:
            if seq % _AT_ONCE == 0:
                self._patient()
            yield seq, one

    def close(self) -> None:
        """Let go of the files."""
        self._journal.close()
        for part in list(self._parts.values()):
            part.close()

    def _first(self) -> datetime:
        """When the first snapshot came; where there is none near the beginning, the first input."""
        store = self._journal.store(0)
        began = None
        for _, one in self._journal.inputs(0, _LOOKED_AT):
            if isinstance(one, DateRead):
                one.apply_to(store)
            if began is None or isinstance(one, Resynced):
                began = one.at
            if isinstance(one, Resynced) or store.accounts:
                break
        assert began is not None
        return store.clock.at(began)


def _zone(name: str) -> ZoneInfo:
    try:
        return zone_of(name or "UTC")
    except ConfigError:
        return ZoneInfo("UTC")
