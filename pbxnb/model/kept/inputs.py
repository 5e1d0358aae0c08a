"""The inputs of the store: everything that writes the model or teaches its clock, as values that can be kept.

The same inputs in the same order give the same model, bit for bit: frames as the bytes that came, before they are
decoded, and everything else as what the store was given. ``apply_to`` is how each changes a store, live and replayed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from pbxnb.protocol.decode import decode
from pbxnb.protocol.messages import AccountEntry, CallEntry, Message

from ..changes import NO_CHANGES, Changes
from ..entities import Gap, Orbit, Queue
from ..store import Scope, Store

__all__ = [
    "Applied", "DateRead", "Input", "Lost", "Opened", "OrbitRead", "QueueRead", "Received", "Resynced", "Scoped",
    "Sent", "Ticked", "writes",
]  # fmt: skip


class Input(msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False):
    """One thing that happened to the model or to its line.

    Attributes:
        utc: when, on the kernel's clock.
        mono: monotonic seconds of the same moment.
        connection: number of the socket on its handle, from 1.
        stamp: the moment the model took for it, where that is another than ``utc``: that of an embedded PBX whose time
            has its own speed, or of a frame that waited.
    """

    utc: datetime
    mono: float
    connection: int
    stamp: datetime | None

    @property
    def at(self) -> datetime:
        """The moment the model took for it."""
        return self.stamp or self.utc

    def apply_to(self, _store: Store, _message: Message | None = None) -> Changes:
        """Change a store as it was changed then.

        Args:
            message: of a frame, where it has been read already.
        """
        return NO_CHANGES


class Received(Input, frozen=True, array_like=True, tag="in", gc=False):
    """A frame came.

    Attributes:
        seq: number of the frame on its handle.
        raw: its bytes.
        held: the model did not take it now: it waited for a snapshot, or is part of one.
    """

    seq: int
    raw: bytes
    held: bool

    @property
    def message(self) -> Message:
        """The frame, read; how large it may be was decided when it came."""
        return decode(self.raw, max_size=len(self.raw))

    def apply_to(self, store: Store, message: Message | None = None) -> Changes:
        """Apply the frame, unless it was held."""
        return NO_CHANGES if self.held else store.apply(message or self.message, self.at, seq=self.seq)


class Applied(Input, frozen=True, array_like=True, tag="late", gc=False):
    """A frame that was held is applied now, as of the moment it came."""

    seq: int
    raw: bytes

    @property
    def message(self) -> Message:
        """The frame, read."""
        return decode(self.raw, max_size=len(self.raw))

    def apply_to(self, store: Store, message: Message | None = None) -> Changes:
        """Apply the frame."""
        return store.apply(message or self.message, self.at, seq=self.seq)


class Sent(Input, frozen=True, array_like=True, tag="out", gc=False):
    """A frame went out; it changes nothing."""

    seq: int
    raw: bytes


class Opened(Input, frozen=True, array_like=True, tag="opened", gc=False):
    """A socket is open.

    Attributes:
        version: of the PBX; empty where it hides that.
    """

    version: str


class Lost(Input, frozen=True, array_like=True, tag="lost", gc=False):
    """A socket has ended.

    Attributes:
        since: the last sign of life of a line that was live, at which a gap begins; None also where we closed it.
        why: one sentence; empty where we closed it.
    """

    since: datetime | None
    why: str


class Ticked(Input, frozen=True, array_like=True, tag="tick", gc=False):
    """Time passed: see `Store.tick`."""

    def apply_to(self, store: Store, _message: Message | None = None) -> Changes:
        """Let time pass."""
        return store.tick(self.at)


class Scoped(Input, frozen=True, array_like=True, tag="scope", gc=False):
    """The lists hold another scope's calls from now on."""

    scope: Scope

    def apply_to(self, store: Store, _message: Message | None = None) -> Changes:
        """Set the scope."""
        store.scope = self.scope
        return NO_CHANGES


class Resynced(Input, frozen=True, array_like=True, tag="resync", gc=False):
    """A snapshot, whole or in part: the arguments of `Store.resync`."""

    accounts: tuple[AccountEntry, ...] | None
    calls: tuple[CallEntry, ...] | None
    seq: int
    accounts_seq: int | None
    source: Literal["snapshot", "rest"]
    arrays: bool
    first: bool
    gap: Gap | None

    def apply_to(self, store: Store, _message: Message | None = None) -> Changes:
        """Take in the snapshot."""
        return store.resync(
            self.accounts,
            self.calls,
            self.at,
            seq=self.seq,
            accounts_seq=self.accounts_seq,
            source=self.source,
            arrays=self.arrays,
            first=self.first,
            gap=self.gap,
        )


class QueueRead(Input, frozen=True, array_like=True, tag="queue", gc=False):
    """REST told of a queue."""

    queue: Queue

    def apply_to(self, store: Store, _message: Message | None = None) -> Changes:
        """Put the queue."""
        return store.put_queue(self.queue, self.at)


class OrbitRead(Input, frozen=True, array_like=True, tag="orbit", gc=False):
    """REST told of a park orbit."""

    orbit: Orbit

    def apply_to(self, store: Store, _message: Message | None = None) -> Changes:
        """Put the orbit."""
        return store.put_orbit(self.orbit, self.at)


class DateRead(Input, frozen=True, array_like=True, tag="date", gc=False):
    """An HTTP answer told the PBX's time; it came at ``utc``.

    Attributes:
        shown: its ``Date``.
        sent: when it was asked for, kernel time.
    """

    shown: datetime
    sent: datetime

    def apply_to(self, store: Store, _message: Message | None = None) -> Changes:
        """Teach the clock."""
        store.clock.read_date(self.shown, self.sent, self.utc)
        return NO_CHANGES


def writes(one: Input) -> bool:
    """Whether an input may change the model; the others tell of the line and of the clock."""
    return not (isinstance(one, Sent | Opened | Lost | DateRead) or (isinstance(one, Received) and one.held))
