"""The model: messages in, state and changes out. The only writer of accounts, calls and conversations.

Deterministic: the same messages with the same times give the same state and the same changes. It reads no clock and
has no lock; the caller serialises the writers. Readers of other threads may read the mappings at any moment: values are
frozen, and an order changes by swapping the whole mapping, so take the mapping from the store anew each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar

from msgspec import UNSET
from msgspec.structs import replace

from pbxnb.protocol.messages import (
    AccountEntry,
    Bye,
    CallEntry,
    CallState,
    Cancel,
    CancelResponse,
    DomainState,
    Message,
    UserState,
)

from .accounts import AccountTable
from .calls import CallTable
from .changes import NO_CHANGES, Batch, Changes
from .clock import Clock
from .derive import number_order
from .entities import Account, Call, CallRecord, Conversation, Evidence, Gap, Orbit, Presence, Queue, Snapshot
from .ledger import Ledger
from .lists import CallLists, Scope
from .past.memory import MOST, Dropped, Memory, Taken

__all__ = ["Scope", "Store"]

_T = TypeVar("_T")

_MOST = 10_000  # queues, and orbits
_EVIDENCE_AFTER = timedelta(
    seconds=10
)  # architecture.md 5.2: when a claim without a call says that the scope is our own calls


class Store:
    """A live model of one tenant.

    Args:
        domain: the tenant.
        user: our own extension; in scope ``own`` only calls with this number exist.
        scope: whose calls the lists hold; may be set later, and takes effect with the next list or `tick`.
        clock: the PBX's; every time of an entity, an interval, a record and an event's ``at`` is on it. A new one,
            which knows nothing, unless given.
        memory: bytes that ended calls and intervals of presence may take; the oldest go first, counted in `dropped`.

    Attributes:
        seq: number of the last frame applied.

    Example:
        >>> from datetime import UTC, datetime
        >>> from pbxnb.protocol.decode import decode
        >>> store = Store(user="45")
        >>> call = '{"id": "7", "from": "<sip:45@acme.example>", "to": "<sip:41@acme.example>", "state": "alerting"}'
        >>> message = decode('{"action": "call-state", "calls": [' + call + "]}")
        >>> changes = store.apply(message, datetime.now(UTC), seq=1)
        >>> [event.kind for event in changes.events]
        ['call.new']
    """

    def __init__(
        self,
        *,
        domain: str = "",
        user: str = "",
        scope: Scope = Scope.DOMAIN,
        clock: Clock | None = None,
        memory: int = MOST,
    ) -> None:
        self.domain = domain
        self.user = user
        self.clock: Final = Clock() if clock is None else clock
        self.seq: int = 0
        self.queues: dict[str, Queue] = {}
        self.orbits: dict[str, Orbit] = {}
        self._calls = CallTable(self._type_of, self.clock)
        bound = Memory(memory)
        self._accounts = AccountTable(self._calls, domain, bound)
        self._ledger = Ledger(self._calls, self._type_of, domain, bound)
        self._lists = CallLists(self._calls, self._accounts.wire, self._ledger, user, scope)
        self._handlers: dict[type[Message], Callable[[Any, Batch], None]] = {
            CallState: self._call_state,
            UserState: self._user_state,
            DomainState: self._domain_state,
            Bye: self._bye,
            Cancel: self._cancel,
            CancelResponse: self._cancel,
        }

    @property
    def scope(self) -> Scope:
        """Whose calls the lists hold."""
        return self._lists.scope

    @scope.setter
    def scope(self, scope: Scope) -> None:
        self._lists.scope = scope

    @property
    def own(self) -> str:
        """Our number, where the lists hold none but our own calls; else empty."""
        return self.user if self.scope is Scope.OWN else ""

    @property
    def accounts(self) -> dict[str, Account]:
        """The accounts by number, in numeric order."""
        return self._accounts.accounts

    @property
    def calls(self) -> dict[str, Call]:
        """The open calls by id, in order of start."""
        return self._calls.calls

    @property
    def conversations(self) -> dict[str, Conversation]:
        """Open conversations by id, and those that ended within the last minute: the newest 20,000, or 96 MB."""
        return self._ledger.conversations

    @property
    def let_go(self) -> int:
        """Ended conversations that went before their minute was over, because there were too many."""
        return self._ledger.let_go

    # --- writing -----------------------------------------------------------------------------------------------------

    def apply(self, message: Message, received: datetime, *, seq: int = 0) -> Changes:
        """Take in one message.

        Args:
            message: from `pbxnb.protocol.decode`; kinds that carry no state change nothing.
            received: when it arrived, UTC. The store reads no clock.
            seq: number of its frame, kept as evidence.
        """
        if seq > self.seq:
            self.seq = seq
        handler = self._handlers.get(type(message))
        if handler is None:
            return NO_CHANGES
        at = self.clock.at(received)
        batch = Batch(message, received, seq, at)
        self._accounts.log.begin(at, received, seq)
        handler(message, batch)
        return self._commit(batch)

    def resync(
        self,
        accounts: Sequence[AccountEntry] | None,
        calls: Sequence[CallEntry] | None,
        received: datetime,
        *,
        seq: int = 0,
        accounts_seq: int | None = None,
        source: Literal["snapshot", "rest"] = "snapshot",
        arrays: bool = False,
        first: bool = False,
        gap: Gap | None = None,
    ) -> Changes:
        """Take in a snapshot after an interruption: by difference, its events marked inferred, nothing fired again.

        Args:
            accounts: all accounts; None when not read. Known ones that it lacks go when a second snapshot lacks
                them too: ``Changes.ask_again`` says that one more should be read.
            calls: all calls of the scope; None when not read. What it lacks has ended.
            received, seq: as in `apply`.
            accounts_seq: number of the frame with the accounts, where that is another than the one with the calls.
            source: where it was read.
            arrays: the calls came as the array of a ``call-state``: from now on absence from such a list ends a call.
            first: the first of its connection's life: the state is set, no event comes out.
            gap: the interval without news that it closes; marks the calls that lived in it.
        """
        batch = self._begin(received, seq, continuous=False, silent=first)
        if gap is not None:
            self._mark_gap()
        if accounts is not None:
            self._accounts.log.begin(batch.at, received, seq if accounts_seq is None else accounts_seq)
            self._accounts.snapshot(accounts, batch, "account.rest" if source == "rest" else "account.snapshot")
            self._accounts.log.begin(batch.at, received, seq)
        self._lists.arrays |= arrays
        if calls is not None:
            self._lists.whole(calls, batch, "end.resync")
        elif accounts is not None:
            self._lists.own(batch)
        if gap is not None:
            self._mark_gap()  # those that began in it, too
        return self._commit(batch)

    def beside(self, accounts: Sequence[AccountEntry], asked: int) -> list[AccountEntry]:
        """A list of accounts read by REST while frames went on, as `resync` may take it.

        It carries neither chat status nor calls, and what it lacks of those stays. Frames are newer: an account that
        one told of since is left alone. A list without any account of a type says nothing of that type.

        Args:
            asked: number of the last frame applied when the list was asked for.
        """
        known, log = self._accounts.wire.tracks, self._accounts.log
        listed = {entry.account: entry for entry in accounts}
        types = {entry.type or getattr(known.get(entry.account), "type", "") for entry in accounts}
        for number, old in known.items():
            entry = listed.get(number)
            if entry is None and old.type in types:
                continue  # it may be gone
            if entry is None or any(mark.seq > asked for mark in log.explain(number)):
                entry = AccountEntry(account=number)
            listed[number] = replace(
                entry,
                chatstatus=old.chat_status if entry.chatstatus is UNSET else entry.chatstatus,
                code=(old.code or None) if entry.code is UNSET else entry.code,
                calls=old.own if entry.calls is UNSET else entry.calls,
            )
        return list(listed.values())

    def tick(self, received: datetime) -> Changes:
        """Let time pass: forget conversations that ended a minute ago, drop calls outside the scope."""
        batch = self._begin(received, 0)
        self._lists.drop_foreign(batch)
        return self._commit(batch)

    def put_queue(self, queue: Queue, received: datetime) -> Changes:
        """Replace what is known of a queue."""
        batch = self._begin(received, 0)
        known = self.queues.get(queue.number)
        if known != queue and (known is not None or len(self.queues) < _MOST):
            batch.queues.append(queue.number)
            if known is None:
                batch.retyped.append(queue.number)
            self.queues = _with(self.queues, queue.number, queue)
        return self._commit(batch)

    def put_orbit(self, orbit: Orbit, received: datetime) -> Changes:
        """Replace what is known of a park orbit."""
        batch = self._begin(received, 0)
        known = self.orbits.get(orbit.number)
        if known != orbit and (known is not None or len(self.orbits) < _MOST):
            batch.orbits.append(orbit.number)
            if known is None:
                batch.retyped.append(orbit.number)
            self.orbits = _with(self.orbits, orbit.number, orbit)
        return self._commit(batch)

    # --- reading -----------------------------------------------------------------------------------------------------

    def scope_evidence(self, now: datetime) -> bool:
        """Whether the lists seem to hold our own calls only: an extension has been in a call for 10 s, unlisted."""
        if self.scope is Scope.OWN:
            return False
        return self._accounts.unlisted_for(now) >= _EVIDENCE_AFTER

    def snapshot(self, taken_at: datetime) -> Snapshot:
        """One consistent moment of the whole model; to be taken while no writer writes."""
        return Snapshot(
            accounts=MappingProxyType(self.accounts.copy()),
            calls=MappingProxyType(self.calls.copy()),
            conversations=MappingProxyType(self.conversations.copy()),
            orbits=MappingProxyType(self.orbits.copy()),
            queues=MappingProxyType(self.queues.copy()),
            seq=self.seq,
            taken_at=taken_at,
        )

    def closed_calls(self) -> Taken[CallRecord]:
        """The calls that ended, oldest first."""
        return self._ledger.ended.taken()

    def running_calls(self, at: datetime) -> list[CallRecord]:
        """The open calls, as they would be kept if they ended at a moment, on the PBX's clock; in order of start."""
        return [self._calls.tracks[key].so_far(at).record("", self.domain) for key in self.calls]

    def presence(self) -> Taken[Presence]:
        """Intervals of each axis of all accounts: ended ones in order of their end, then running ones."""
        return self._accounts.log.intervals()

    @property
    def dropped(self) -> Dropped:
        """What memory had to let go."""
        return Dropped(self._ledger.ended.dropped, self._accounts.log.ended.dropped)

    def explain(self, number: str) -> tuple[Evidence, ...]:
        """Which frame and which rule set each axis of an account."""
        return self._accounts.log.explain(number)

    # --- one message each --------------------------------------------------------------------------------------------

    def _call_state(self, message: CallState, batch: Batch) -> None:
        if message.whole:
            self._lists.arrays = True
            self._lists.whole(message.calls, batch, "")
        else:
            self._lists.some(message.calls, batch)

    def _user_state(self, message: UserState, batch: Batch) -> None:
        self._accounts.merge(message.entry, batch, "account.user-state")
        self._lists.own(batch)

    def _domain_state(self, message: DomainState, batch: Batch) -> None:
        self._accounts.snapshot(message.accounts, batch, "account.snapshot")
        if message.calls is UNSET:
            self._lists.own(batch)
        elif self._accounts.wire.missing:
            self._lists.some(message.calls, batch)  # a snapshot that lacks accounts may lack calls as well
        else:
            self._lists.whole(message.calls, batch, "")

    def _bye(self, message: Bye, batch: Batch) -> None:
        """The far end of our own call said goodbye; the call's end follows in the list (protocol.md 5.4, 7.4)."""
        track = self._calls.tracks.get(message.callid)
        if track is not None and self.user:
            track.ended_by = "called" if track.call.from_.number == self.user else "caller"

    def _cancel(self, message: Cancel | CancelResponse, batch: Batch) -> None:
        """The caller gave up (protocol.md 5.5, 5.6)."""
        track = self._calls.tracks.get(message.callid)
        if track is not None:
            track.ended_by = "caller"

    # --- the outcome -------------------------------------------------------------------------------------------------

    def _mark_gap(self) -> None:
        for track in self._calls.tracks.values():
            track.gap = True

    def _begin(self, received: datetime, seq: int, *, continuous: bool = True, silent: bool = False) -> Batch:
        self.seq = max(seq, self.seq)
        at = self.clock.at(received)
        self._accounts.log.begin(at, received, seq)
        return Batch(None, received, seq, at, continuous, silent)

    def _commit(self, batch: Batch) -> Changes:
        """Settle the ledger and the accounts, and say what changed."""
        if batch.retyped and self._calls.tracks:
            for number in batch.retyped:
                self._lists.retype(number, batch)
        conversations = self._ledger.settle(batch)
        self._calls.settle()
        if batch.fresh:  # the start of one may have taught the clock
            self._accounts.log.at = batch.at
        accounts = self._accounts.derive(batch) if batch.touched else {}
        if accounts or conversations or batch.queues or batch.orbits:
            return batch.changes(accounts, conversations)
        return Changes(ask_again=True) if batch.ask_again else NO_CHANGES

    def _type_of(self, number: str) -> str:
        """What an account is in a call, where one of no told type is taken for a phone; empty when there is none."""
        record = self._accounts.wire.tracks.get(number)
        if record is not None and record.type:
            return record.type
        return (
            "orbits" if number in self.orbits else "acds" if number in self.queues else "extensions" if record else ""
        )


def _with(known: dict[str, _T], number: str, value: _T) -> dict[str, _T]:
    """The mapping with one value more, or another one, in order of number; a new mapping where the order changes."""
    if number in known or not known or number_order(next(reversed(known))) < number_order(number):
        known[number] = value
        return known
    return dict(sorted({**known, number: value}.items(), key=lambda item: number_order(item[0])))
