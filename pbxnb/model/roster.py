"""The accounts as the wire described them, field by field, before any call is looked at (protocol.md 6.2, 6.3).

It merges partial updates and doubts snapshots that lack accounts; what an account is doing is derived elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from pbxnb.protocol.messages import NOTHING, AccountEntry, CallEntry

from .presence import Axis, PresenceLog
from .tracks import CallTrack

__all__ = ["Record", "Roster"]

_EXTRA_KEPT = 64  # unknown fields of one account that survive messages which do not repeat them
_ACCOUNTS_KEPT = 100_000
_TRUTH = ("false", "true")
_REGISTERED, _DND, _CHAT_STATUS = Axis.REGISTERED, Axis.DND, Axis.CHAT_STATUS  # a look into an enum costs its time


class Record(msgspec.Struct, gc=False):
    """What the PBX said of one account.

    Attributes:
        code: it carries a ``code``, whatever that is.
        own: the calls in its own ``calls`` field.
    """

    number: str
    name: str = ""
    type: str = "extensions"
    domain: str = ""
    registered: bool | None = None
    dnd: bool | None = None
    chat_status: str = ""
    code: bool = False
    own: tuple[CallEntry, ...] = ()
    extra: Mapping[str, Any] = NOTHING

    def claims(self, call: str) -> bool:
        """Whether the account says that it is in the call: by its id, or, where it gives no ids, in any call."""
        ids = [entry.id for entry in self.own if entry.id]
        return call in ids if ids else self.code or bool(self.own)


class Roster:
    """The records by number.

    Args:
        log: where the values of the axes go.
    """

    def __init__(self, log: PresenceLog) -> None:
        self.records: dict[str, Record] = {}
        self._log = log
        self._named_by: dict[str, dict[str, None]] = {}  # call id -> accounts whose own calls have it
        self._missing: frozenset[str] = frozenset()  # accounts that the last snapshot lacked

    @property
    def missing(self) -> frozenset[str]:
        """Known accounts that the last snapshot lacked, and that have not shown themselves since."""
        return self._missing

    def parties(self, track: CallTrack) -> list[Record]:
        """The accounts in a call: those it names, and those that say so themselves."""
        numbers = dict.fromkeys((*track.numbers, *self.claimants(track.call.id)))
        return [self.records[number] for number in numbers if number in self.records]

    def claimants(self, call: str) -> Iterable[str]:
        """The accounts whose own calls have this id."""
        return self._named_by.get(call, ())

    def doubt(self, listed: Iterable[str]) -> tuple[list[str], bool]:
        """Compare a snapshot with what is known.

        Returns:
            the accounts that two snapshots running lack, and whether to ask once more because this one lacks others.
        """
        before = self._missing
        missing = self.records.keys() - set(listed)
        gone = [number for number in self.records if number in missing and number in before]
        self._missing = frozenset(missing.difference(gone))
        return gone, bool(self._missing) and not before

    def merge(self, entry: AccountEntry, rule: str, *, inferred: bool = False) -> tuple[Record | None, Record] | None:
        """Apply one entry, of a snapshot or a ``user-state``; both have two kinds of fields (protocol.md 6.3).

        Absence keeps name, type, domain, registered, dnd and tag, and clears chatstatus, code and calls.

        Returns:
            the record before (None when new) and after; None when nothing changed.
        """
        number = entry.account
        old = self.records.get(number)
        if number in self._missing:
            self._missing -= {number}  # it lives
        if old is None:
            if not number or len(self.records) >= _ACCOUNTS_KEPT:
                return None
            base = Record(number)
        else:
            base = old
        record = Record(
            number,
            base.name if entry.name is UNSET else entry.name,
            base.type if entry.type is UNSET or not entry.type else entry.type,
            base.domain if entry.domain is UNSET else entry.domain,
            base.registered if entry.registered is UNSET else entry.registered,
            base.dnd if entry.dnd is UNSET else entry.dnd,
            "" if entry.chatstatus is UNSET else entry.chatstatus,
            entry.code is not UNSET and entry.code is not None,
            () if entry.calls is UNSET else entry.calls,
            base.extra,
        )
        if entry.extra or entry.tag is not UNSET:
            record.extra = _merged(base.extra, entry)
        if record == old:
            return None
        self.records[number] = record
        log = self._log
        if record.registered is not None and (old is None or record.registered is not old.registered):
            log.put(number, _REGISTERED, _TRUTH[record.registered], rule, inferred)
        if record.dnd is not None and (old is None or record.dnd is not old.dnd):
            log.put(number, _DND, _TRUTH[record.dnd], rule, inferred)
        if record.chat_status != base.chat_status:
            cleared = "account.cleared" if entry.chatstatus is UNSET else rule
            log.put(number, _CHAT_STATUS, record.chat_status, cleared, inferred)
        if record.own or base.own:
            self._index(number, base.own, record.own)
        return old, record

    def remove(self, number: str) -> Record:
        """Take out an account that is gone."""
        record = self.records.pop(number)
        self._index(number, record.own, ())
        self._log.drop(number)
        return record

    def _index(self, number: str, before: Iterable[CallEntry], after: Iterable[CallEntry]) -> None:
        for entry in before:
            named = self._named_by.get(entry.id, {})
            named.pop(number, None)
            if not named:
                self._named_by.pop(entry.id, None)
        for entry in after:
            if entry.id:
                self._named_by.setdefault(entry.id, {})[number] = None


def _merged(old: Mapping[str, Any], entry: AccountEntry) -> Mapping[str, Any]:
    new = dict(entry.extra)
    if entry.tag is not UNSET:
        new["tag"] = entry.tag
    both = {**old, **new}
    return both if len(both) <= _EXTRA_KEPT else new
