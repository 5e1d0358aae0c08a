"""From messages to the model and to whoever listens: the only writer of the store.

While a line syncs, messages wait; then the snapshot is applied by difference, then what waited, then life goes on one
message at a time. Every write happens under the lock that readers in other threads take.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Literal

from pbxnb.model.changes import Changes, Event
from pbxnb.model.entities import Orbit, Queue
from pbxnb.model.status import Gap
from pbxnb.model.store import Scope, Store
from pbxnb.protocol.messages import UNSET, AccountEntry, CallEntry, CallState, DomainState

from .board import Listeners, nobody, tell
from .sync import Arrival, Sync

__all__ = ["Feed"]


class Feed:
    """Applies what arrives.

    Args:
        lock: held during each write of the store.
        heard: called with every `Changes` (empty ones too) and the arrival that caused it, after the listeners.
    """

    def __init__(
        self,
        store: Store,
        listeners: Listeners,
        lock: AbstractContextManager[object],
        heard: Callable[[Changes, Arrival | None], None],
    ) -> None:
        self._store = store
        self._listeners = listeners
        self._lock = lock
        self._heard = heard
        self._sync: Sync | None = None
        self._knew_accounts = False
        self._knew_calls = False
        self.missing: tuple[str, ...] = ()

    def begin(self) -> Sync:
        """A new socket: from now on messages wait for the snapshot."""
        self._sync = Sync()
        return self._sync

    @property
    def syncing(self) -> bool:
        """Whether messages wait."""
        return self._sync is not None

    def take(self, arrival: Arrival) -> bool:
        """Apply a message or let it wait; True when the snapshot it waits for is complete."""
        if self._sync is not None:
            return self._sync.offer(arrival)
        self._apply(arrival)
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
            tell(self._listeners.on_event, Event(kind="gap", gap=gap, inferred=True, received=received))
        source: Literal["snapshot", "rest"] = "snapshot" if sync.domain_state_heard else "rest"
        self._resync(
            accounts,
            calls,
            received,
            seq=sync.calls_seq or sync.accounts_seq,
            accounts_seq=sync.accounts_seq,
            source=source,
            arrays=sync.arrays_heard,
            gap=gap,
        )
        for arrival in after:
            self._apply(arrival)

    def late_accounts(self, accounts: Sequence[AccountEntry], received: datetime) -> None:
        """Accounts read by REST after the line was declared live, or to check a doubtful snapshot."""
        self._resync(accounts, None, received, source="rest")
        self.missing = tuple(part for part in self.missing if part != "accounts")

    def tick(self, received: datetime) -> None:
        """Run the model's time-driven rules."""
        if self._sync is None:
            with self._lock:
                changes = self._store.tick(received)
            self._emit(changes, None)

    def narrow(self) -> None:
        """From now on only calls with our number exist."""
        with self._lock:
            self._store.scope = Scope.OWN

    def put(self, value: Queue | Orbit, received: datetime) -> None:
        """Write what REST said of a queue or an orbit."""
        with self._lock:
            if isinstance(value, Queue):
                changes = self._store.put_queue(value, received)
            else:
                changes = self._store.put_orbit(value, received)
        self._emit(changes, None)

    def _apply(self, arrival: Arrival) -> None:
        message, received, seq = arrival.message, arrival.received, arrival.seq
        if self.missing and self._completes(arrival):
            return
        with self._lock:
            changes = self._store.apply(message, received, seq=seq)
        if self._listeners.on_event is not nobody:
            tell(self._listeners.on_event, Event(kind="message", message=message, received=received, seq=seq))
        self._emit(changes, arrival)

    def _completes(self, arrival: Arrival) -> bool:
        """Whether a message brings a part the line went live without: a snapshot then too, not news."""
        message = arrival.message
        accounts = calls = None
        if isinstance(message, DomainState):
            accounts = message.accounts
            calls = None if message.calls is UNSET else message.calls
        elif isinstance(message, CallState) and message.whole:
            calls = message.calls
        brought = [part for part, got in (("accounts", accounts), ("calls", calls)) if got is not None]
        if not set(brought) & set(self.missing):
            return False
        tell(
            self._listeners.on_event,
            Event(kind="message", message=message, received=arrival.received, seq=arrival.seq),
        )
        self.missing = tuple(part for part in self.missing if part not in brought)
        self._resync(accounts, calls, arrival.received, seq=arrival.seq, arrays=isinstance(message, CallState))
        return True

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
                changes = self._store.resync(
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
            self._emit(changes, None)
        self._knew_accounts |= accounts is not None
        self._knew_calls |= calls is not None

    def _emit(self, changes: Changes, arrival: Arrival | None) -> None:
        if changes:
            tell(self._listeners.on_changes, changes)
            if self._listeners.on_event is not nobody:
                tell(self._listeners.on_event, *changes.events)
        self._heard(changes, arrival)
