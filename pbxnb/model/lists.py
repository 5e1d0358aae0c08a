"""What the call lists mean: which entries exist in this scope, and what ends a call (architecture.md 5.2)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from pbxnb.protocol.messages import CallEntry

from .accounts import WireAccounts
from .calls import CallTable, restarted
from .changes import Batch
from .derive import numbers_of
from .ledger import Ledger
from .tracks import CallTrack

__all__ = ["CallLists", "Scope"]

_CALLS_KEPT = 100_000


class Scope(StrEnum):
    """Whose calls the call lists of this connection hold (architecture.md 5.2)."""

    DOMAIN = "domain"
    OWN = "own"


_DOMAIN, _OWN = Scope.DOMAIN, Scope.OWN  # looking up a member of an enum costs more than comparing it


class CallLists:
    """Turns lists of entries into calls that begin, change and end.

    Args:
        table: the open calls.
        accounts: what they say of their own calls.
        ledger: opens a conversation for every call that begins.
        user: our own extension; in scope ``own`` only calls with this number exist.

    Attributes:
        scope: whose calls the lists hold.
        arrays: a ``call-state`` with an array was seen: absence from the list, and nothing else, ends a call.
    """

    def __init__(self, table: CallTable, accounts: WireAccounts, ledger: Ledger, user: str, scope: Scope) -> None:
        self.scope = scope
        self.arrays = False
        self._table = table
        self._accounts = accounts
        self._ledger = ledger
        self._user = user

    def whole(self, entries: Sequence[CallEntry], batch: Batch, rule: str) -> None:
        """An array: what it lacks has ended. ``rule`` says why that is inferred, empty when it is not."""
        listed, tracks = _by_id(entries), self._table.tracks
        if self.scope is _OWN:
            listed = {key: entry for key, entry in listed.items() if self._ours(entry)}
        if not tracks.keys() <= listed.keys():
            for gone in [track for key, track in tracks.items() if key not in listed]:
                self._end(gone, batch, rule or ("" if self._ours(gone.entry) else "end.foreign"))
        for key, entry in listed.items():
            track = tracks.get(key)
            if track is None or track.entry is not entry:  # most are the very ones of the list before
                self._put(entry, track, batch)

    def some(self, entries: Sequence[CallEntry], batch: Batch) -> None:
        """Calls by themselves: they are added or updated, and nothing ends."""
        for entry in _by_id(entries).values():
            if self._ours(entry):
                self._put(entry, self._table.tracks.get(entry.id), batch)
            elif entry.id in self._table.tracks:
                self._end(self._table.tracks[entry.id], batch, "")  # it went on without us

    def drop_foreign(self, batch: Batch) -> None:
        """The scope became our own calls: the others do not exist any more."""
        for track in [track for track in self._table.tracks.values() if not self._ours(track.entry)]:
            self._end(track, batch, "end.foreign")

    def retype(self, number: str, batch: Batch) -> None:
        """The type of a number became another: a call to it may now be parked, or come through a queue."""
        for track in self._table.naming(number):
            self._refresh(track, track.entry, batch, inferred=track.call.inferred)

    def own(self, batch: Batch) -> None:
        """Without a whole list ever, the accounts' own calls show which calls exist (architecture.md 5.2)."""
        if self.arrays:
            return
        for old, new in batch.released:
            kept = {entry.id for entry in new.own}
            dropped = [entry.id for entry in old.own if entry.id not in kept]
            for track in self._table.naming(new.number, dropped):
                key = track.call.id
                if old.claims(key) and not any(record.claims(key) for record in self._accounts.parties(track)):
                    self._end(track, batch, "end.cleared")
        for entry in self._unlisted(batch).values():
            if self._ours(entry):
                self._put(entry, self._table.tracks.get(entry.id), batch, inferred=True)

    def _unlisted(self, batch: Batch) -> dict[str, CallEntry]:
        """Calls that are in no list, but among the own calls of accounts; each names these accounts."""
        found: dict[str, CallEntry] = {}
        for number in batch.with_calls:
            record = self._accounts.tracks.get(number)
            for entry in record.own if record is not None else ():
                track = self._table.tracks.get(entry.id)
                if not entry.id or (track is not None and not track.call.inferred):
                    continue
                known: tuple[str, ...] = ()
                if entry.id in found:
                    known = found[entry.id].extensions
                elif track is not None and not restarted(track, entry):
                    known = track.entry.extensions
                extensions = tuple(dict.fromkeys((*known, *entry.extensions, number)))
                found[entry.id] = msgspec.structs.replace(entry, extensions=extensions)
        return found

    def _put(self, entry: CallEntry, track: CallTrack | None, batch: Batch, *, inferred: bool = False) -> None:
        """Add one call, or update the open one that has its id."""
        if track is not None:
            if track.entry == entry and track.call.inferred is inferred:
                return
            if not restarted(track, entry):
                self._refresh(track, entry, batch, inferred=inferred)
                return
            self._end(track, batch, "" if batch.continuous else "end.resync")
        elif len(self._table.tracks) >= _CALLS_KEPT:
            return
        track = self._table.add(entry, batch, self._ledger.name(entry.id), inferred=inferred)
        self._ledger.open(track)
        batch.fresh[track] = None
        self._touch(track, batch)

    def _refresh(self, track: CallTrack, entry: CallEntry, batch: Batch, *, inferred: bool) -> None:
        before, numbers = track.call, track.numbers
        if self._table.update(track, entry, batch, inferred=inferred):
            if track not in batch.fresh and track not in batch.changed:
                batch.changed[track] = before
            if numbers is not track.numbers:
                batch.touched.update(dict.fromkeys(numbers))
            self._touch(track, batch)

    def _end(self, track: CallTrack, batch: Batch, rule: str) -> None:
        if rule:
            track.call = msgspec.structs.replace(track.call, inferred=True)
        self._table.remove(track)
        batch.changed.pop(track, None)
        batch.ended.append((track, rule))
        self._touch(track, batch)

    def _touch(self, track: CallTrack, batch: Batch) -> None:
        touched = batch.touched
        for number in track.numbers:
            touched[number] = None
        for number in self._accounts.claimants(track.call.id):
            touched[number] = None

    def _ours(self, entry: CallEntry) -> bool:
        """Whether the call exists in this scope."""
        return self.scope is _DOMAIN or not self._user or self._user in numbers_of(entry)


def _by_id(entries: Sequence[CallEntry]) -> dict[str, CallEntry]:
    """Entries by id; of several with one id the last counts, one without an id is no call."""
    found = {entry.id: entry for entry in entries}
    found.pop("", None)
    return found
