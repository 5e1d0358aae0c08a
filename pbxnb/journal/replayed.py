"""`Replayed`: the model that has taken in a whole recording, with all that has ended in it, and when nothing was known.

`Journals.store` gives the model at a place, without what had ended before. Here every input goes into one store. Where
the inputs have a break, that store goes on as over a line that dropped: what is known after it comes in by difference,
and the time between is a gap.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec.structs import replace

from pbxnb.forks import free_in_child
from pbxnb.history import History
from pbxnb.model.changes import Changes
from pbxnb.model.kept.inputs import Applied, Input, Lost, Received, Resynced
from pbxnb.model.kept.state import go_on
from pbxnb.model.status import Gap, slept
from pbxnb.model.store import Store

from .journals import Journals
from .reader import Break

__all__ = ["Replayed"]

Numbered = Iterable[tuple[int, Input]]


def _as_they_are(inputs: Numbered, _total: int) -> Numbered:
    return inputs


def _read_on(_store: Store, _history: History, _since: datetime, _until: datetime) -> bool:
    return True


class _Past(History):
    """The spans and stories of a recording; its gaps are on the PBX's clock already."""

    def __init__(self, model: Store, known: Callable[[], list[Gap]]) -> None:
        super().__init__(model)
        self._known = known

    def unknown(self) -> list[Gap]:
        return self._known()


class Replayed:
    """The model of a recording with its past; reads on as the recording grows. From any thread.

    Args:
        journals: the recording.
        shown: passes inputs on, and shows how many of so many they are.
        still: is called with the model and its history, and from when to when, PBX time, they stood still and all was
            known, before the input that ended that is taken in; False puts off the rest.

    Example:
        >>> from pbxnb.journal import Recorder
        >>> recorder = Recorder("monday.pbx", Store())
        >>> recorder.start().result(10)
        >>> recorder.stop().result(10)
        >>> with Journals("monday.pbx") as journals:
        ...     len(Replayed(journals).store().closed_calls())
        0
    """

    def __init__(
        self,
        journals: Journals,
        shown: Callable[[Numbered, int], Numbered] = _as_they_are,
        still: Callable[[Store, History, datetime, datetime], bool] = _read_on,
    ) -> None:
        self._journals = journals
        self._shown, self._still = shown, still
        self._next = 0
        self._begin(journals.store(0))
        self._last: Input | None = None
        self._gaps: list[Gap] = []  # PBX time, one after the other
        self._down: Gap | None = None  # the one that lasts
        self._crossed: datetime | None = None  # since when, kernel time, before the session that is read
        self._lock = free_in_child(threading.Lock())

    def store(self) -> Store:
        """The model after all that is written; to be read, not written."""
        self._read_on()
        return self._store

    def gaps(self) -> list[Gap]:
        """When nothing was known of the PBX, PBX time; they do not overlap, and the last one may go on."""
        self._read_on()
        return [*self._gaps, *([self._down] if self._down else [])]

    def history(self) -> History:
        """The spans and stories of calls, and the conditions of accounts, as a live line has them; to be read."""
        self._read_on()
        return self._history

    def _begin(self, store: Store) -> None:
        self._store = store
        self._history = _Past(store, self.gaps)
        known = frozenset(store.accounts), frozenset(store.calls), frozenset(store.conversations)
        self._history.feed(Changes(accounts=known[0], calls=known[1], conversations=known[2]))

    def _read_on(self) -> None:
        with self._lock:
            last, begin = self._journals.last, self._next
            if last < begin:
                return
            breaks = {one.seq: one for one in self._journals.breaks() if one.seq >= begin}
            for seq, one in self._shown(self._journals.inputs(begin, last), last + 1 - begin):
                if self._last is None:
                    self._begin(self._journals.store(seq))
                elif seq in breaks:
                    self._cross(breaks[seq], self._last)
                elif not self._stood_still(one, self._last):
                    return
                else:
                    self._watch(one, self._last)
                self._take(one)
                self._last, self._next = one, seq + 1

    def _cross(self, place: Break, last: Input) -> None:
        """Come to where the inputs before do not lead to what follows, unless the model says that they do."""
        known, store = self._journals.store(place.seq), self._store
        if known.snapshot(place.at) == store.snapshot(place.at):
            return
        if self._down is not None:
            self._note(replace(self._down, end=self._at(last.at)))
        anew = not (known.accounts or known.calls)
        why = {"hole": "disk", "file": "file"}.get(place.why, "kernel" if anew else "off")
        self._down, self._crossed = Gap(self._at(last.at), None, why), last.at
        self._history.feed(go_on(store, known, Gap(last.at, place.utc)))
        if not anew:
            self._up(place.at)

    def _stood_still(self, one: Input, last: Input) -> bool:
        """Say that nothing came between two inputs; whether to read on."""
        if self._down is not None or _slept(one, last):
            return True
        return self._still(self._store, self._history, self._at(last.at), self._at(one.at))

    def _watch(self, one: Input, last: Input) -> None:
        """Notice a sleep, and a line that dropped."""
        if self._down is None and _slept(one, last):
            self._note(Gap(self._at(last.at), self._at(one.at), "sleep"))
        if self._down is None and isinstance(one, Lost) and one.since is not None:
            self._down = Gap(self._at(one.since))

    def _take(self, one: Input) -> None:
        """Take in an input; what a session of before has left comes to its end with the first snapshot after it."""
        end = one.at
        if isinstance(one, Resynced) and one.first and self._crossed is not None:
            one = replace(one, first=False, gap=Gap(self._crossed, end))
        elif isinstance(one, Resynced) and one.gap is not None:
            end = one.gap.end or end
            self._down = Gap(self._at(one.gap.start), None, one.gap.why)
        changes = one.apply_to(self._store)
        if changes:
            self._history.feed(changes)
        if self._down is not None and (isinstance(one, Resynced) or (changes and isinstance(one, Received | Applied))):
            self._up(self._at(end))

    def _up(self, end: datetime) -> None:
        """The gap that lasts is over."""
        assert self._down is not None
        self._note(replace(self._down, end=max(end, self._down.start)))
        self._down = None

    def _note(self, gap: Gap) -> None:
        """Keep a gap that is over. One that it overlaps is the same one: the line dropped because of a sleep."""
        start, end, why = gap.start, gap.end, gap.why
        while self._gaps and start < (self._gaps[-1].end or start):
            before = self._gaps.pop()
            start, end = min(before.start, start), max(filter(None, (before.end, end)))
            why = before.why if why == "line" else why
        self._gaps.append(Gap(start, end, why))

    def _at(self, moment: datetime) -> datetime:
        return self._store.clock.at(moment)


def _slept(one: Input, last: Input) -> bool:
    return slept((one.utc - last.utc).total_seconds(), one.mono - last.mono)
