"""Accounts: what the wire said of each and the calls that name it, made into one `Account`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from pbxnb.protocol.bounds import merged_extra
from pbxnb.protocol.messages import NOTHING, AccountEntry, CallEntry

from .calls import CallTable
from .changes import AccountChange, Batch
from .derive import IDLE, OFFLINE, Activity, activity_in, activity_unlisted, number_order
from .entities import Account
from .past.memory import Memory
from .past.presence import Axis, PresenceLog
from .tracks import AccountTrack, CallTrack

__all__ = ["AccountTable", "WireAccounts"]

_EXTRA_KEPT = 64  # unknown fields of one account that survive messages which do not repeat them
_ACCOUNTS_KEPT = 100_000
_WORD = 80  # characters of a status that an interval keeps: it is a word of a vocabulary
_TRUTH = ("false", "true")
# Looking up a member of an enum, or its value, costs more than what is done with it here.
_REGISTERED, _DND, _CHAT_STATUS, _STATE = Axis


class WireAccounts:
    """The accounts as the wire described them, before any call is looked at (protocol.md 6.2, 6.3).

    It merges partial updates, and believes a snapshot that lacks accounts only when a second agrees.

    Args:
        log: where the values of the axes go.
    """

    def __init__(self, log: PresenceLog) -> None:
        self.tracks: dict[str, AccountTrack] = {}
        self._log = log
        self._named_by: dict[str, dict[str, None]] = {}  # call id -> accounts whose own calls have it
        self._missing: frozenset[str] = frozenset()  # accounts that the last snapshot lacked

    @property
    def missing(self) -> frozenset[str]:
        """Known accounts that the last snapshot lacked, and that have not shown themselves since."""
        return self._missing

    def parties(self, track: CallTrack) -> list[AccountTrack]:
        """The accounts in a call: those it names, and those that say so themselves."""
        numbers = dict.fromkeys((*track.numbers, *self.claimants(track.call.id)))
        return [self.tracks[number] for number in numbers if number in self.tracks]

    def claimants(self, call: str) -> Iterable[str]:
        """The accounts whose own calls have this id."""
        return self._named_by.get(call, ())

    def compare(self, listed: Iterable[str]) -> tuple[list[str], bool]:
        """Compare a snapshot with what is known.

        Returns:
            the accounts that two snapshots running lack, and whether to ask once more because this one lacks others.
        """
        before = self._missing
        missing = self.tracks.keys() - set(listed)
        gone = [number for number in self.tracks if number in missing and number in before]
        self._missing = frozenset(missing.difference(gone))
        return gone, bool(self._missing) and not before

    def merge(
        self, entry: AccountEntry, rule: str, *, inferred: bool = False
    ) -> tuple[AccountTrack | None, AccountTrack] | None:
        """Apply one entry, of a snapshot or a ``user-state``; both have two kinds of fields (protocol.md 6.3).

        Absence keeps name, type, domain, registered, dnd and tag, and clears chatstatus, code and calls.

        Returns:
            the record before (None when new) and after; None when nothing changed.
        """
        number = entry.account
        old = self.tracks.get(number)
        if number in self._missing:
            self._missing -= {number}  # it lives
        if old is None:
            if not number or len(self.tracks) >= _ACCOUNTS_KEPT:
                return None
            base = AccountTrack(number)
        else:
            base, number = old, old.number  # one text of it for all that is remembered
        record = AccountTrack(
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
        self.tracks[number] = record
        log = self._log
        if record.registered is not None and (old is None or record.registered is not old.registered):
            log.put(number, _REGISTERED, _TRUTH[record.registered], rule, inferred)
        if record.dnd is not None and (old is None or record.dnd is not old.dnd):
            log.put(number, _DND, _TRUTH[record.dnd], rule, inferred)
        if record.chat_status != base.chat_status:
            cleared = "account.cleared" if entry.chatstatus is UNSET else rule
            log.put(number, _CHAT_STATUS, record.chat_status[:_WORD], cleared, inferred)
        if record.own or base.own:
            self._index(number, base.own, record.own)
        return old, record

    def remove(self, number: str) -> AccountTrack:
        """Take out an account that is gone."""
        record = self.tracks.pop(number)
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
    return merged_extra(old if len(old.keys() | new.keys()) <= _EXTRA_KEPT else NOTHING, new)


class AccountTable:
    """The accounts by number, in order of number.

    Args:
        table: the open calls.
        domain: the tenant.
        memory: where ended intervals of presence are kept.

    Attributes:
        accounts: the public mapping; its order changes by swap only.
        log: presence and evidence.
    """

    def __init__(self, table: CallTable, domain: str = "", memory: Memory | None = None) -> None:
        self.accounts: dict[str, Account] = {}
        self.log: Final = PresenceLog(domain, memory)
        self.wire: Final = WireAccounts(self.log)
        self._table = table
        self._claims: dict[str, datetime] = {}  # extensions in a call that no list named, oldest claim first

    def merge(self, entry: AccountEntry, batch: Batch, rule: str) -> None:
        """Take in one entry, of a snapshot or of a ``user-state``."""
        merged = self.wire.merge(entry, rule, inferred=not batch.continuous)
        if entry.calls:
            batch.with_calls.append(entry.account)
        if merged is None:
            return
        old, new = merged
        number = new.number
        batch.touched[number] = None
        batch.merged.add(number)
        claimed = old is not None and (old.code or bool(old.own))
        claims = new.code or bool(new.own)
        if old is not None and claimed and (not claims or old.own != new.own):
            batch.released.append((old, new))
        if not claims:
            self._claims.pop(number, None)
        elif not claimed and new.type == "extensions":
            self._claims[number] = batch.received
        if old is None or old.type != new.type:
            batch.retyped.append(number)

    def snapshot(self, entries: Sequence[AccountEntry], batch: Batch, rule: str) -> None:
        """Take in a whole list of accounts."""
        gone, batch.ask_again = self.wire.compare([entry.account for entry in entries])
        for entry in entries:
            self.merge(entry, batch, rule)
        for number in gone:
            self.wire.remove(number)
            self._claims.pop(number, None)
            batch.touched[number] = None
            batch.retyped.append(number)

    def unlisted_for(self, now: datetime) -> timedelta:
        """How long an extension has been in a call, by its own word, without any list naming it."""
        oldest = next(iter(self._claims.values()), now)
        return now - oldest

    def derive(self, batch: Batch) -> dict[str, AccountChange]:
        """Bring every touched account up to date."""
        changes: dict[str, AccountChange] = {}
        records, accounts = self.wire.tracks, self.accounts
        last: tuple[int, int, str] | None = None  # order of the last account; asked for only where one is new
        out_of_order = False
        for number in batch.touched:
            record = records.get(number)
            before = accounts.get(number)
            if record is None:
                if before is not None:
                    del accounts[number]
                    changes[number] = (before, None)
                continue
            after = self._account(record, before, batch)
            if before is None:
                order = number_order(number)
                last = last or number_order(next(reversed(accounts), number))
                out_of_order = out_of_order or order < last
                last = order
            elif after == before:
                continue
            accounts[number] = after
            changes[number] = (before, after)
        if out_of_order:
            self.accounts = dict(sorted(accounts.items(), key=_by_number))
        return changes

    def _account(self, record: AccountTrack, before: Account | None, batch: Batch) -> Account:
        number = record.number
        own = record.own
        tracks = self._table.naming(number, [entry.id for entry in own] if own else ())
        ids: tuple[str, ...] = ()
        activity: Activity | None
        if tracks:
            if self._claims:
                self._claims.pop(number, None)
            # most are in one call, and a comprehension costs a call of its own before Python 3.12
            calls = [tracks[0].call] if len(tracks) == 1 else [track.call for track in tracks]
            activity = activity_in(number, calls)
            ids = (activity[3],) if len(calls) == 1 else tuple([call.id for call in calls])
        else:
            activity = activity_unlisted(number, own, record.code) if own or record.code else None
        if activity is None:
            # other accounts have no phone that could be registered; a portal shows them idle (protocol.md 6.2)
            activity = OFFLINE if record.registered is False and record.type == "extensions" else IDLE
        state, inferred, rule, detail = activity
        self.log.put(number, _STATE, state._value_, rule, inferred or not batch.continuous, detail)
        since: datetime | None
        if tracks:
            decides = tracks[0] if len(ids) == 1 else self._table.tracks[detail]
            since, seen = decides.call.since, decides.call.first_seen
            if decides.joined is not None:
                since, seen = decides.joined_since(number, since, seen)
        elif before is not None and before.state is state:
            since, seen = before.since, before.first_seen
        else:
            since, seen = batch.at if batch.continuous else None, batch.at
        if before is not None and number not in batch.merged:  # only its calls can be others than before
            return replace(before, calls=ids, state=state, inferred=inferred, since=since, first_seen=seen)
        return Account(
            number=number,
            name=record.name,
            type=record.type,
            registered=record.registered,
            dnd=record.dnd,
            chat_status=record.chat_status,
            calls=ids,
            state=state,
            inferred=inferred,
            since=since,
            first_seen=seen,
            domain=record.domain,
            extra=record.extra,
        )


def _by_number(item: tuple[str, Account]) -> tuple[int, int, str]:
    return number_order(item[0])
