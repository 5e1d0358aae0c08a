"""The only writer of the model. Everything it writes is an `Input`, and whoever records gets each before it is applied.

Every write happens under the lock that readers in other threads take. The clock is the client's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Final, Literal

from msgspec.structs import replace

from pbxnb.model.changes import Changes, Event
from pbxnb.model.entities import Call, Gap, Orbit, Queue
from pbxnb.model.kept.inputs import (
    Applied,
    DateRead,
    Input,
    Lost,
    Opened,
    OrbitRead,
    QueueRead,
    Received,
    Resynced,
    Scoped,
    Sent,
    Ticked,
)
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
)
from pbxnb.signals import Signal

from .sync import Arrival, Sync

__all__ = ["Intake", "ModelWriter"]

_BIG = 64 * 2**10  # bytes of a frame of which every event tells the size: each holds its message
_MAY_CHANGE = {
    "": ("accounts", "calls"),  # a frame of which not even the action could be read
    "call-state": ("calls",),
    "domain-state": ("accounts", "calls"),
    "user-state": ("accounts",),
}


class Intake:
    """Makes the inputs of one client: stamps them and hands them to whoever records.

    Args:
        on_input: gets each `Input`, before it is applied.
        now: another clock than the kernel's that stamps the model.

    Attributes:
        connection: how many sockets were opened so far.
        by_kernel: the model is stamped by the kernel's clock: it need not be read again.
    """

    def __init__(self, on_input: Signal[Input], now: Callable[[], datetime] | None = None) -> None:
        self.connection: int = 0
        self.by_kernel: Final = now is None
        self._now = now
        self._on_input = on_input

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._on_input.listeners)

    def make(self, kind: Callable[..., Input], at: datetime, *fields: Any) -> Input:
        """An input of now.

        Args:
            at: the moment the model takes for it.
            fields: those of the kind.
        """
        utc, stamp = (at, None) if self.by_kernel else (datetime.now(UTC), at)
        return self.hand(kind(utc, time.monotonic(), self.connection, stamp, *fields))

    def dated(self, shown: datetime, sent: datetime, received: datetime) -> Input:
        """An answer told its time; ``sent`` and ``received`` are the kernel's."""
        stamp = None if self._now is None else self._now()
        return self.hand(DateRead(received, time.monotonic(), self.connection, stamp, shown, sent))

    def hand(self, made: Input) -> Input:
        """Give an input to whoever records, and back."""
        self._on_input(made)
        return made

    def came(self, arrival: Arrival, *, held: bool) -> None:
        """A frame came."""
        self.make(Received, arrival.received, arrival.seq, arrival.raw, held)

    def late(self, arrival: Arrival) -> None:
        """A frame that was held is applied."""
        self.hand(
            Applied(datetime.now(UTC), time.monotonic(), self.connection, arrival.received, arrival.seq, arrival.raw)
        )

    def sent(self, seq: int, raw: bytes, at: datetime) -> None:
        """A frame goes out."""
        if self.heard:
            self.make(Sent, at, seq, raw)

    def opened(self, at: datetime, version: str) -> None:
        """A socket is open."""
        self.connection += 1
        self.make(Opened, at, version)

    def lost(self, at: datetime, since: datetime | None, why: str) -> None:
        """The socket has ended.

        Args:
            since: the last sign of life, of a line that was live.
        """
        self.make(Lost, at, since, why)


class ModelWriter:
    """Writes what arrives into the store.

    While a line syncs, messages wait; then the snapshot is applied by difference, then what waited, then one message
    at a time.

    Args:
        lock: held during each write of the store.
        intake: makes the inputs.
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
        intake: Intake,
        on_event: Signal[Event],
        on_changes: Signal[Changes],
        applied: Callable[[Changes, Arrival | None], None],
    ) -> None:
        self.store = store
        self._lock = lock
        self._intake = intake
        self._on_event = on_event
        self._on_changes = on_changes
        self._applied = applied
        self._sync: Sync | None = None
        self._knew_accounts = False
        self._knew_calls = False
        self.missing: tuple[str, ...] = ()
        self.behind: tuple[str, ...] = ()
        self.presumes: bool = False

    def begin(self) -> Sync:
        """A new socket: from now on messages wait for the snapshot."""
        self._sync = Sync()
        self.behind = ()
        return self._sync

    def take(self, arrival: Arrival) -> bool:
        """Apply a message or let it wait; True when the snapshot it waits for is complete."""
        if self._sync is None:
            self._take(arrival, waited=False)
            return False
        if self._intake.heard:
            self._intake.came(arrival, held=True)
        return self._sync.offer(arrival)

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
            self._take(arrival, waited=True)

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
            self._write(Ticked, received)

    def narrow(self, received: datetime) -> None:
        """From now on only calls with our number exist."""
        self._write(Scoped, received, Scope.OWN)

    def put(self, value: Queue | Orbit, received: datetime) -> None:
        """Write what REST said of a queue or an orbit."""
        self._write(QueueRead if isinstance(value, Queue) else OrbitRead, received, value)

    def read_date(self, shown: datetime, sent: datetime, received: datetime) -> None:
        """Teach the clock by the ``Date`` of an answer; ``received`` is the kernel's."""
        made = self._intake.dated(shown, sent, received)
        with self._lock:
            made.apply_to(self.store)

    def _take(self, arrival: Arrival, *, waited: bool) -> None:
        message, received, seq = arrival.message, arrival.received, arrival.seq
        if isinstance(message, Malformed):
            self.behind = tuple(sorted({*self.behind, *_MAY_CHANGE.get(message.action, ())}))
        elif self.behind:
            self._brought(*_whole(message))
        part = bool(self.missing) and self._is_missing(message)
        if self._intake.heard:
            if not waited:
                self._intake.came(arrival, held=part)
            elif not part:
                self._intake.late(arrival)
        if part:  # a snapshot then too, not news
            self._on_event(Event(kind="message", message=message, received=received, seq=seq))
            self._resync(*_whole(message), received, seq=seq, arrays=isinstance(message, CallState))
            return
        with self._lock:
            changes = self.store.apply(message, received, seq=seq)
        if changes:
            self._on_changes(changes)
        if self._on_event.listeners:
            size, events = len(arrival.raw), changes.events
            if size > _BIG:
                events = tuple([replace(event, size=size) for event in events])
            self._on_event(Event(kind="message", message=message, received=received, seq=seq, size=size), *events)
        self._applied(changes, arrival)

    def _is_missing(self, message: Message) -> bool:
        """Whether a message brings a part the line went live without."""
        missing = self.missing
        self._brought(*_whole(message))
        return self.missing != missing

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
            some_accounts = accounts if accounts is not None and self._knew_accounts is not first else None
            some_calls = calls if calls is not None and self._knew_calls is not first else None
            if some_accounts is None and some_calls is None and (first or gap is None):
                continue
            self._write(
                Resynced,
                received,
                None if some_accounts is None else tuple(some_accounts),
                None if some_calls is None else tuple(some_calls),
                seq,
                accounts_seq,
                source,
                arrays,
                first,
                None if first else gap,
            )
        self._knew_accounts |= accounts is not None
        self._knew_calls |= calls is not None

    def _write(self, kind: Callable[..., Input], received: datetime, *fields: Any) -> None:
        """Write what changes the model without a message of its own."""
        made = self._intake.make(kind, received, *fields)
        with self._lock:
            changes = made.apply_to(self.store)
        if changes:
            self._on_changes(changes)
            self._on_event(*changes.events)
        self._applied(changes, None)


def _whole(message: Message) -> tuple[Sequence[AccountEntry] | None, Sequence[CallEntry] | None]:
    """All accounts and all calls, where a message brings them; a single call is no list."""
    if isinstance(message, DomainState):
        return message.accounts, None if message.calls is UNSET else message.calls
    return None, message.calls if isinstance(message, CallState) and message.whole else None
