"""From an open socket to a live line: which questions are asked, what makes it live, what waits, what is written.

`Sync` is pure: it collects one snapshot (accounts, calls) and keeps every frame that arrives around it, so that the
frames are applied after the snapshot and in order (telephony.md 4.1). `ModelWriter` is the only writer of
the store; every write happens under the lock that readers in other threads take. The clock is the client's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from pbxnb.errors import ConfigError
from pbxnb.model.changes import Changes, Event
from pbxnb.model.entities import Call, Gap, Orbit, Queue
from pbxnb.model.store import Scope, Store
from pbxnb.protocol.fields import as_flag
from pbxnb.protocol.messages import (
    UNSET,
    AccountEntry,
    CallEntry,
    CallState,
    DomainState,
    Malformed,
    Message,
    UserState,
)
from pbxnb.protocol.requests import AvoidDisconnect, DomainCalls, GetCalls, GetUsers, OwnCalls
from pbxnb.signals import Signal

__all__ = [
    "GET_ALL", "KEEPALIVE", "Arrival", "Dialect", "ModelWriter", "Sync", "dialect_of", "opening_frames",
    "switch_frames",
]  # fmt: skip

Dialect = Literal["modern", "2016"]
Frames = tuple[dict[str, Any], ...]

GET_ALL: Frames = (GetUsers().frame(), GetCalls().frame())
KEEPALIVE = AvoidDisconnect().frame()
_SUBSCRIPTION = {Scope.DOMAIN: DomainCalls, Scope.OWN: OwnCalls}
_FIRST_MODERN_MAJOR = 60
_MOST_WAITING, _MOST_BYTES = 100_000, 64 * 2**20  # frames, and their bytes, that wait for a snapshot
_BIG = 64 * 2**10  # bytes of a frame of which every event tells the size: each holds its message
_MAY_CHANGE = {
    "": ("accounts", "calls"),  # a frame of which not even the action could be read
    "call-state": ("calls",),
    "domain-state": ("accounts", "calls"),
    "user-state": ("accounts",),
}


def dialect_of(dialect: str, version: str) -> Dialect:
    """Which vocabulary to speak.

    The portal whose code shows only ``get-users`` and ``get-calls`` belongs to the 5.x releases of 2016; the oldest
    release on which ``domain-calls`` was seen working is 67 (protocol.md 2.7, 4.1). Nothing is known between. The line
    is drawn at 60: a PBX that old gets the old words, anyone else, or one that hides its version, the modern ones,
    and the questions of 2016 follow anyway where no ``domain-state`` comes.

    Args:
        dialect: ``auto``, or the answer.
        version: from the ``Server`` header; may be empty.
    """
    if dialect == "modern" or dialect == "2016":
        return "modern" if dialect == "modern" else "2016"
    if dialect != "auto":
        raise ConfigError(f"There is no dialect {dialect!r}.", hint='Give "auto", "modern" or "2016".')
    major = re.match(r"\d+", version)
    return "2016" if major and int(major[0]) < _FIRST_MODERN_MAJOR else "modern"


def opening_frames(dialect: Dialect, scope: Scope) -> Frames:
    """What a monitor sends once on every new socket: one call subscription, never two (protocol.md 6.1).

    ``orbit-calls`` is left out: the shape of what it brings is unknown (protocol.md 6.4), and if that is a
    ``call-state`` it would pass for the scope's whole list. Orbits are read by REST.
    """
    if dialect == "2016":
        return GET_ALL
    return (_SUBSCRIPTION[scope]().frame(),)


def switch_frames() -> Frames:
    """From the tenant's calls to our own, once there is evidence that the tenant's are not shown to us."""
    return (DomainCalls(subscribe=False).frame(), OwnCalls().frame())


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A decoded frame of so many bytes, waiting to be applied; ``seq`` is 0 for an answer by REST."""

    message: Message
    received: datetime
    seq: int
    size: int = 0


class Sync:
    """One snapshot in the making."""

    def __init__(self) -> None:
        self._waiting: list[Arrival] = []
        self._bytes = 0
        self._rest_position = -1  # of the last frame that came before the accounts were asked for by REST
        self._rest: tuple[AccountEntry, ...] | None = None
        self._got_calls = False
        self.got_domain_state = False
        self.got_arrays = False  # call lists of this PBX are arrays: what such a list lacks has ended
        self.accounts_seq = self.calls_seq = 0  # frames that the two parts of `result` came in; 0: none, or REST

    @property
    def missing(self) -> tuple[str, ...]:
        """What is needed and not there yet: ``accounts``, ``calls``."""
        accounts = self.got_domain_state or self._rest is not None
        return (() if accounts else ("accounts",)) + (() if self._got_calls else ("calls",))

    def offer(self, arrival: Arrival) -> bool:
        """Keep a frame; True once nothing is missing, or so much waits that the snapshot cannot be waited for."""
        self._waiting.append(arrival)
        self._bytes += arrival.size
        message = arrival.message
        if isinstance(message, DomainState):
            self.got_domain_state = True
            self._got_calls |= message.calls is not UNSET
        elif isinstance(message, CallState):
            self._got_calls = True
            self.got_arrays |= message.whole
        return not self.missing or self._bytes > _MOST_BYTES or len(self._waiting) >= _MOST_WAITING

    def rest_requested(self) -> None:
        """The accounts are being read by REST: whatever arrives from now on is applied on top of the answer."""
        self._rest_position = len(self._waiting) - 1

    def rest_answered(self, accounts: Sequence[AccountEntry]) -> bool:
        """The answer is here; True once nothing is missing."""
        self._rest = tuple(accounts)
        return not self.missing

    def result(self) -> tuple[Sequence[AccountEntry] | None, Sequence[CallEntry] | None, list[Arrival]]:
        """The snapshot's two parts (None: not known), and the frames to apply after it, in order.

        The newest ``domain-state`` wins. A call list of its own is the first array, unless a newer one came inside the
        ``domain-state``; a single call is no list and ends nothing. Left out is only what the snapshot covers.
        """
        accounts: Sequence[AccountEntry] | None = self._rest
        accounts_at = self._rest_position
        calls: Sequence[CallEntry] | None = None
        calls_at = -1
        for position, arrival in enumerate(self._waiting):
            message = arrival.message
            if isinstance(message, DomainState):
                accounts, accounts_at, self.accounts_seq = message.accounts, position, arrival.seq
                if message.calls is not UNSET:
                    calls, calls_at, self.calls_seq = message.calls, position, arrival.seq
            elif isinstance(message, CallState) and message.whole and calls is None:
                calls, calls_at, self.calls_seq = message.calls, position, arrival.seq
        named = {entry.account for entry in accounts or ()}
        after = [
            arrival
            for position, arrival in enumerate(self._waiting)
            if not _covered(arrival.message, position, accounts_at, calls_at, named)
        ]
        return accounts, calls, after


def _covered(message: Message, position: int, accounts_at: int, calls_at: int, named: set[str]) -> bool:
    """Whether the snapshot already says what this frame says."""
    if isinstance(message, DomainState):
        return position <= accounts_at
    if isinstance(message, CallState):
        return position <= calls_at
    if isinstance(message, UserState):
        return position <= accounts_at and message.entry.account in named
    if isinstance(message, Malformed):
        return position <= min(accounts_at, calls_at)
    return False


def _whole(message: Message) -> tuple[Sequence[AccountEntry] | None, Sequence[CallEntry] | None]:
    """All accounts and all calls, where a message brings them; a single call is no list."""
    if isinstance(message, DomainState):
        return message.accounts, None if message.calls is UNSET else message.calls
    return None, message.calls if isinstance(message, CallState) and message.whole else None


class ModelWriter:
    """Writes what arrives into the store.

    While a line syncs, messages wait; then the snapshot is applied by difference, then what waited, then one message
    at a time.

    Args:
        lock: held during each write of the store.
        on_event: gets every event, messages included.
        on_changes: gets every `Changes` that is not empty, before the message that made it and its events.
        applied: called last with every `Changes`, empty ones too, and the arrival that caused it.

    Attributes:
        store: the model.
        missing: what the line is live without: ``accounts``, ``calls``.
        behind: what a frame that could not be read may have changed, until the PBX sends it whole.
        presumes: accounts are shown as busy because REST says so; only REST can say when that is over.
    """

    def __init__(
        self,
        store: Store,
        lock: AbstractContextManager[object],
        on_event: Signal[Event],
        on_changes: Signal[Changes],
        applied: Callable[[Changes, Arrival | None], None],
    ) -> None:
        self.store = store
        self._lock = lock
        self._on_event = on_event
        self._on_changes = on_changes
        self._applied = applied
        self._sync: Sync | None = None
        self._knew_accounts = False
        self._knew_calls = False
        self.missing: tuple[str, ...] = ()
        self.behind: tuple[str, ...] = ()
        self.presumes = False

    def begin(self) -> Sync:
        """A new socket: from now on messages wait for the snapshot."""
        self._sync = Sync()
        self.behind = ()
        return self._sync

    def take(self, arrival: Arrival) -> bool:
        """Apply a message or let it wait; True when the snapshot it waits for is complete."""
        if self._sync is not None:
            return self._sync.offer(arrival)
        message, received, seq = arrival.message, arrival.received, arrival.seq
        if isinstance(message, Malformed):
            self.behind = tuple(sorted({*self.behind, *_MAY_CHANGE.get(message.action, ())}))
        elif self.behind:
            accounts, calls = _whole(message)
            self._brought(accounts, calls)
        if self.missing and self._completes(arrival):
            return False
        with self._lock:
            changes = self.store.apply(message, received, seq=seq)
        if changes:
            self._on_changes(changes)
        if self._on_event.listeners:
            size, events = arrival.size, changes.events
            if size > _BIG:
                events = tuple([replace(event, size=size) for event in events])
            self._on_event(Event(kind="message", message=message, received=received, seq=seq, size=size), *events)
        self._applied(changes, arrival)
        return False

    def finish(self, received: datetime, gap: Gap | None) -> None:
        """The snapshot is as complete as it gets: apply it, then what waited.

        Args:
            gap: the interval without news before it; None at the first start.
        """
        sync = self._sync
        if sync is None:
            return
        accounts, calls, after = sync.result()
        self._sync = None
        self.missing = sync.missing
        if gap is not None:
            self._on_event(Event(kind="gap", gap=gap, inferred=True, received=received))
        source: Literal["snapshot", "rest"] = "snapshot" if sync.got_domain_state else "rest"
        if source == "rest" and accounts is not None:
            accounts = self._presumed(accounts, calls or ())
        self._resync(
            accounts,
            calls,
            received,
            seq=sync.calls_seq or sync.accounts_seq,
            accounts_seq=sync.accounts_seq,
            source=source,
            arrays=sync.got_arrays,
            gap=gap,
        )
        for arrival in after:
            self.take(arrival)

    def late_accounts(self, accounts: Sequence[AccountEntry], received: datetime, asked: int) -> None:
        """Accounts read by REST after the line was declared live, or to check a doubtful snapshot.

        Args:
            asked: number of the last frame that was applied when they were asked for.
        """
        self._brought(accounts, None)
        with self._lock:
            listed = tuple(self.store.calls.values())
            accounts = self.store.beside(self._presumed(accounts, listed), asked)
        self._resync(accounts, None, received, source="rest")

    def was_silent(self, gap: Gap | None, received: datetime) -> None:
        """A silence is over: the frames held back come now; the calls of that time are marked."""
        if gap is not None:
            self._on_event(Event(kind="gap", gap=gap, inferred=True, received=received))
            self._resync(None, None, received, gap=gap)

    def tick(self, received: datetime) -> None:
        """Run the model's time-driven rules."""
        if self._sync is None:
            with self._lock:
                changes = self.store.tick(received)
            self._publish(changes)

    def narrow(self) -> None:
        """From now on only calls with our number exist."""
        with self._lock:
            self.store.scope = Scope.OWN

    def put(self, value: Queue | Orbit, received: datetime) -> None:
        """Write what REST said of a queue or an orbit."""
        with self._lock:
            if isinstance(value, Queue):
                changes = self.store.put_queue(value, received)
            else:
                changes = self.store.put_orbit(value, received)
        self._publish(changes)

    def _completes(self, arrival: Arrival) -> bool:
        """Whether a message brings a part the line went live without: a snapshot then too, not news."""
        message, missing = arrival.message, self.missing
        accounts, calls = _whole(message)
        self._brought(accounts, calls)
        if self.missing == missing:
            return False
        self._on_event(Event(kind="message", message=message, received=arrival.received, seq=arrival.seq))
        self._resync(accounts, calls, arrival.received, seq=arrival.seq, arrays=isinstance(message, CallState))
        return True

    def _presumed(self, accounts: Sequence[AccountEntry], listed: Sequence[CallEntry | Call]) -> Sequence[AccountEntry]:
        """REST says of each phone whether it is ``connected``: that counts where no list shows us others' calls."""
        us, before = self.store.user, self.presumes
        others = any(us not in (call.from_.number, call.to.number, *call.extensions) for call in listed)
        busy = [not others and as_flag(entry.extra.get("connected")) is True for entry in accounts]
        self.presumes = any(busy)
        return [
            replace(entry, code=one or None) if entry.code is UNSET and (one or before) else entry
            for entry, one in zip(accounts, busy, strict=True)
        ]

    def _brought(self, accounts: Sequence[AccountEntry] | None, calls: Sequence[CallEntry] | None) -> None:
        """A part came whole: it is neither missing nor old any more."""
        brought = [part for part, got in (("accounts", accounts), ("calls", calls)) if got is not None]
        self.missing = tuple(part for part in self.missing if part not in brought)
        self.behind = tuple(part for part in self.behind if part not in brought)

    def _resync(
        self,
        accounts: Sequence[AccountEntry] | None,
        calls: Sequence[CallEntry] | None,
        received: datetime,
        *,
        seq: int = 0,
        accounts_seq: int | None = None,
        source: Literal["snapshot", "rest"] = "snapshot",
        arrays: bool = False,
        gap: Gap | None = None,
    ) -> None:
        """Apply a snapshot: what was never known becomes state without news, the rest comes out as differences."""
        for first in (True, False):
            some_accounts = accounts if self._knew_accounts is not first else None
            some_calls = calls if self._knew_calls is not first else None
            if some_accounts is None and some_calls is None and (first or gap is None):
                continue
            with self._lock:
                changes = self.store.resync(
                    some_accounts,
                    some_calls,
                    received,
                    seq=seq,
                    accounts_seq=accounts_seq,
                    source=source,
                    arrays=arrays,
                    first=first,
                    gap=None if first else gap,
                )
            self._publish(changes)
        self._knew_accounts |= accounts is not None
        self._knew_calls |= calls is not None

    def _publish(self, changes: Changes) -> None:
        """What changed without a message of its own."""
        if changes:
            self._on_changes(changes)
            self._on_event(*changes.events)
        self._applied(changes, None)
