"""What the call lists mean: which entries exist in this scope, and what ends a call (design rule 5.2)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from pbxnb.protocol.messages import CallEntry

from .batch import Batch
from .calls import CallBook, restarted
from .derive import numbers_of
from .ledger import Ledger
from .legs import Leg
from .roster import Roster

__all__ = ["CallLists", "Scope"]

_CALLS_KEPT = 100_000


class Scope(StrEnum):
    """Whose calls the call lists of this connection hold (design rule 5.2)."""

    DOMAIN = "domain"
    OWN = "own"


_DOMAIN, _OWN = Scope.DOMAIN, Scope.OWN  # looking up a member of an enum costs more than comparing it


class CallLists:
    """Turns lists of entries into calls that begin, change and end.

    Args:
        book: the open calls.
        roster: what the accounts say of their own calls.
        ledger: told of every call that begins.
        user: our own extension; in scope ``own`` only calls with this number exist.

    Attributes:
        scope: whose calls the lists hold.
        arrays: a ``call-state`` with an array was seen: absence from the list, and nothing else, ends a call.
    """

    def __init__(self, book: CallBook, roster: Roster, ledger: Ledger, user: str, scope: Scope) -> None:
        self.scope = scope
        self.arrays = False
        self._book = book
        self._roster = roster
        self._ledger = ledger
        self._user = user

    def whole(self, entries: Sequence[CallEntry], batch: Batch, rule: str) -> None:
        """An array: what it lacks has ended. ``rule`` says why that is inferred, empty when it is not."""
        listed, legs = _by_id(entries), self._book.legs
        if self.scope is _OWN:
            listed = {key: entry for key, entry in listed.items() if self._ours(entry)}
        if not legs.keys() <= listed.keys():
            for gone in [leg for key, leg in legs.items() if key not in listed]:
                self._end(gone, batch, rule or ("" if self._ours(gone.entry) else "end.foreign"))
        for key, entry in listed.items():
            leg = legs.get(key)
            if leg is None or leg.entry is not entry:  # most are the very ones of the list before
                self._put(entry, leg, batch)

    def some(self, entries: Sequence[CallEntry], batch: Batch) -> None:
        """Calls by themselves: they are added or updated, and nothing ends."""
        for entry in _by_id(entries).values():
            if self._ours(entry):
                self._put(entry, self._book.legs.get(entry.id), batch)
            elif entry.id in self._book.legs:
                self._end(self._book.legs[entry.id], batch, "")  # it went on without us

    def drop_foreign(self, batch: Batch) -> None:
        """The scope became our own calls: the others do not exist any more."""
        for leg in [leg for leg in self._book.legs.values() if not self._ours(leg.entry)]:
            self._end(leg, batch, "end.foreign")

    def retype(self, number: str, batch: Batch) -> None:
        """The type of a number became another: a call to it may now be parked, or come through a queue."""
        for leg in self._book.naming(number):
            self._refresh(leg, leg.entry, batch, inferred=leg.call.inferred)

    def own(self, batch: Batch) -> None:
        """On a PBX that never sent a whole list, the accounts' own calls tell which calls exist (design rule 5.2)."""
        if self.arrays:
            return
        for old, new in batch.eased:
            kept = {entry.id for entry in new.own}
            dropped = [entry.id for entry in old.own if entry.id not in kept]
            for leg in self._book.naming(new.number, dropped):
                key = leg.call.id
                if old.claims(key) and not any(record.claims(key) for record in self._roster.parties(leg)):
                    self._end(leg, batch, "end.cleared")
        for entry in self._told(batch).values():
            if self._ours(entry):
                self._put(entry, self._book.legs.get(entry.id), batch, inferred=True)

    def _told(self, batch: Batch) -> dict[str, CallEntry]:
        """Calls that only accounts tell of; each names the accounts that tell."""
        told: dict[str, CallEntry] = {}
        for number in batch.tellers:
            record = self._roster.records.get(number)
            for entry in record.own if record is not None else ():
                leg = self._book.legs.get(entry.id)
                if not entry.id or (leg is not None and not leg.call.inferred):
                    continue
                known: tuple[str, ...] = ()
                if entry.id in told:
                    known = told[entry.id].extensions
                elif leg is not None and not restarted(leg, entry):
                    known = leg.entry.extensions
                extensions = tuple(dict.fromkeys((*known, *entry.extensions, number)))
                told[entry.id] = msgspec.structs.replace(entry, extensions=extensions)
        return told

    def _put(self, entry: CallEntry, leg: Leg | None, batch: Batch, *, inferred: bool = False) -> None:
        """Add one call, or update the open one that has its id."""
        if leg is not None:
            if leg.entry == entry and leg.call.inferred is inferred:
                return
            if not restarted(leg, entry):
                self._refresh(leg, entry, batch, inferred=inferred)
                return
            self._end(leg, batch, "" if batch.continuous else "end.resync")
        elif len(self._book.legs) >= _CALLS_KEPT:
            return
        leg = self._book.add(
            entry, batch.received, self._ledger.name(entry.id), inferred=inferred, seen_start=batch.continuous
        )
        self._ledger.open(leg)
        batch.fresh[leg] = None
        self._touch(leg, batch)

    def _refresh(self, leg: Leg, entry: CallEntry, batch: Batch, *, inferred: bool) -> None:
        before, numbers = leg.call, leg.numbers
        if self._book.update(leg, entry, batch.received, inferred=inferred):
            if leg not in batch.fresh and leg not in batch.changed:
                batch.changed[leg] = before
            if numbers is not leg.numbers:
                batch.touched.update(dict.fromkeys(numbers))
            self._touch(leg, batch)

    def _end(self, leg: Leg, batch: Batch, rule: str) -> None:
        if rule:
            leg.call = msgspec.structs.replace(leg.call, inferred=True)
        self._book.remove(leg)
        batch.changed.pop(leg, None)
        batch.ended.append((leg, rule))
        self._touch(leg, batch)

    def _touch(self, leg: Leg, batch: Batch) -> None:
        touched = batch.touched
        for number in leg.numbers:
            touched[number] = None
        for number in self._roster.claimants(leg.call.id):
            touched[number] = None

    def _ours(self, entry: CallEntry) -> bool:
        """Whether the call exists in this scope."""
        return self.scope is _DOMAIN or not self._user or self._user in numbers_of(entry)


def _by_id(entries: Sequence[CallEntry]) -> dict[str, CallEntry]:
    """Entries by id; of several with one id the last counts, one without an id is no call."""
    found = {entry.id: entry for entry in entries}
    found.pop("", None)
    return found
