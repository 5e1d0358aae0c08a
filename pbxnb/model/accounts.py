"""Accounts: what the wire said of each (the roster) and the calls that name it, made into one `Account`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from pbxnb.protocol.messages import AccountEntry

from .batch import AccountChange, Batch
from .calls import CallTable
from .derive import IDLE, OFFLINE, Doing, doing_in, doing_unlisted, number_order
from .entities import Account, AccountState
from .presence import Axis, PresenceLog
from .roster import Record, Roster

__all__ = ["AccountBook"]

# Looking up a member of an enum, or its value, costs more than what is done with it here.
_STATE = Axis.STATE
_WORDS = {state: state.value for state in AccountState}


class AccountBook:
    """The accounts by number, in order of number.

    Args:
        table: the open calls.

    Attributes:
        accounts: the public mapping; its order changes by swap only.
        log: presence and evidence.
    """

    def __init__(self, table: CallTable) -> None:
        self.accounts: dict[str, Account] = {}
        self.log = PresenceLog()
        self.roster = Roster(self.log)
        self._table = table
        self._claims: dict[str, datetime] = {}  # extensions in a call that no list named, oldest claim first

    def merge(self, entry: AccountEntry, batch: Batch, rule: str) -> None:
        """Take in one entry, of a snapshot or of a ``user-state``."""
        merged = self.roster.merge(entry, rule, inferred=not batch.continuous)
        if entry.calls:
            batch.tellers.append(entry.account)
        if merged is None:
            return
        old, new = merged
        number = new.number
        batch.touched[number] = None
        batch.merged.add(number)
        claimed = old is not None and (old.code or bool(old.own))
        claims = new.code or bool(new.own)
        if old is not None and claimed and (not claims or old.own != new.own):
            batch.eased.append((old, new))
        if not claims:
            self._claims.pop(number, None)
        elif not claimed and new.type == "extensions":
            self._claims[number] = batch.received
        if old is None or old.type != new.type:
            batch.retyped.append(number)

    def snapshot(self, entries: Sequence[AccountEntry], batch: Batch, rule: str) -> None:
        """Take in a whole list of accounts."""
        gone, batch.ask_again = self.roster.doubt([entry.account for entry in entries])
        for entry in entries:
            self.merge(entry, batch, rule)
        for number in gone:
            self.roster.remove(number)
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
        records, accounts = self.roster.records, self.accounts
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

    def _account(self, record: Record, before: Account | None, batch: Batch) -> Account:
        number = record.number
        own = record.own
        tracks = self._table.naming(number, [entry.id for entry in own] if own else ())
        ids: tuple[str, ...] = ()
        doing: Doing | None
        if tracks:
            if self._claims:
                self._claims.pop(number, None)
            doing = doing_in(number, [track.call for track in tracks])
            ids = (doing[3],) if len(tracks) == 1 else tuple([track.call.id for track in tracks])
        else:
            doing = doing_unlisted(number, own, record.code) if own or record.code else None
        if doing is None:
            # other accounts have no phone that could be registered; a portal shows them idle (protocol.md 6.2)
            doing = OFFLINE if record.registered is False and record.type == "extensions" else IDLE
        state, inferred, rule, detail = doing
        self.log.put(number, _STATE, _WORDS[state], rule, inferred or not batch.continuous, detail)
        since: datetime | None
        if tracks:
            since, seen = self._table.tracks[detail].state_of(number)
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
