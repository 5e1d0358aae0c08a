"""What an applied message changed: events for people, dirty keys for painters, and how both are collected."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from pbxnb.protocol.messages import Message
from pbxnb.protocol.redact import redact

from .entities import Account, Call, Gap
from .tracks import AccountTrack, CallTrack

__all__ = ["NO_CHANGES", "AccountChange", "Batch", "Changes", "Event", "Frame"]


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One WebSocket frame, in or out.

    Attributes:
        seq: 1, 2, 3 ... on one handle, both directions counted together.
        direction: ``in`` from the PBX, ``out`` to it.
        received: UTC, when it was read or sent.
        mono: monotonic seconds of the same moment; differences of it are durations.
        connection: number of the socket connection on this handle, from 1.
        text: exactly as received or sent (invalid UTF-8 replaced); of a frame above 1 MiB that could not be read, the
            first 64 kB. How many bytes it had says ``message.size``.
        message: the decoded message of an incoming frame; None for an outgoing one.
    """

    seq: int
    direction: Literal["in", "out"]
    received: datetime
    mono: float
    connection: int
    text: str
    message: Message | None = None

    def __repr__(self) -> str:
        return redact(super().__repr__())


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something that happened.

    Attributes:
        kind: ``message``, ``call.new``, ``call.changed``, ``call.ended``, ``account.changed``, ``connection``, ``gap``.
        call: the call, for ``call.*``; at its end, its last state.
        account: the account, for ``account.changed``; when it was removed, its last value.
        message: the message, for ``message``; the one that caused the change, elsewhere, where there was one.
        before: the entity before the change; None when it is new. For ``connection``, the state before.
        state: for ``connection``, the state now.
        gap: for ``gap``, the interval without news, with both its ends.
        removed: True when the account is gone.
        inferred: concluded (resync, timeout), not read from a message.
        at: PBX time of a change of a call or an account: as the PBX says it, else when we saw it. None elsewhere.
        received: kernel time, UTC.
        seq: number of the frame, 0 when none was involved.
        size: bytes of the frame whose ``message`` it holds, where they are told.
    """

    kind: str
    call: Call | None = None
    account: Account | None = None
    message: Message | None = None
    before: Account | Call | str | None = None
    state: str = ""
    gap: Gap | None = None
    removed: bool = False
    inferred: bool = False
    at: datetime | None = None
    received: datetime
    seq: int = 0
    size: int = 0


class Changes(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The outcome of one `Store.apply` or `Store.resync`; false when nothing changed.

    Attributes:
        events: in order of happening.
        accounts, calls, conversations, queues, orbits: keys whose value changed or went.
        ask_again: a snapshot lacked known accounts; ask for one more before believing it (architecture.md 5.3).
    """

    events: tuple[Event, ...] = ()
    accounts: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    conversations: frozenset[str] = frozenset()
    queues: frozenset[str] = frozenset()
    orbits: frozenset[str] = frozenset()
    ask_again: bool = False

    def __bool__(self) -> bool:
        return bool(self.events or self.accounts or self.calls or self.conversations or self.queues or self.orbits)


NO_CHANGES = Changes()


AccountChange = tuple[Account | None, Account | None]
"""Value before (None when new), value after (None when gone)."""

_NONE: frozenset[str] = frozenset()


class Batch(msgspec.Struct):
    """One message, or one snapshot, on its way through the store.

    Attributes:
        message: the message; None for a snapshot or a timer.
        received, seq: when it came, on the kernel's clock, and the number of its frame.
        at: when it came, on the PBX's clock.
        continuous: the line was up; False in a snapshot after an interruption, whose events are inferred.
        silent: no events come of it.
        touched: numbers whose account may be doing something else now.
        merged: those of them of which the PBX itself said something new.
        ended: calls that are over, with the rule that concluded it or an empty text.
        fresh: calls that are new.
        changed: calls that have another value, with the value before.
        with_calls: accounts that came with calls of their own.
        released: accounts that no longer claim to be in a call: track before and after.
        retyped: numbers that have another type now: a call to one may be parked, or come through a queue.
        queues, orbits: keys of queues and orbits that changed.
        ask_again: a snapshot lacked known accounts.
    """

    message: Message | None
    received: datetime
    seq: int
    at: datetime
    continuous: bool = True
    silent: bool = False
    touched: dict[str, None] = {}
    merged: set[str] = set()
    ended: list[tuple[CallTrack, str]] = []
    fresh: dict[CallTrack, None] = {}
    changed: dict[CallTrack, Call] = {}
    with_calls: list[str] = []
    released: list[tuple[AccountTrack, AccountTrack]] = []
    retyped: list[str] = []
    queues: list[str] = []
    orbits: list[str] = []
    ask_again: bool = False

    def changes(self, accounts: dict[str, AccountChange], conversations: dict[str, None]) -> Changes:
        """All of it, as it leaves the store.

        Args:
            accounts: by number, what became of the accounts touched.
            conversations: ids of those that changed or went.
        """
        calls = [track.call.id for track in (*self.fresh, *self.changed)]
        if self.ended:
            calls += [track.call.id for track, _ in self.ended]
        return Changes(
            events=() if self.silent else self._events(accounts),
            accounts=frozenset(accounts) if accounts else _NONE,
            calls=frozenset(calls) if calls else _NONE,
            conversations=frozenset(conversations) if conversations else _NONE,
            queues=frozenset(self.queues) if self.queues else _NONE,
            orbits=frozenset(self.orbits) if self.orbits else _NONE,
            ask_again=self.ask_again,
        )

    def _events(self, accounts: dict[str, AccountChange]) -> tuple[Event, ...]:
        """What happened: ends first, so that an id used again ends before it begins; then news; then the accounts."""
        message, received, seq, inferred, at = self.message, self.received, self.seq, not self.continuous, self.at
        events = []
        for track, rule in self.ended:
            call = track.call
            events.append(
                Event(
                    kind="call.ended",
                    call=call,
                    before=call,
                    message=message,
                    inferred=inferred or bool(rule),
                    at=at,
                    received=received,
                    seq=seq,
                )
            )
        for track in self.fresh:
            call = track.call
            events.append(
                Event(
                    kind="call.new",
                    call=call,
                    message=message,
                    inferred=inferred or call.inferred,
                    at=call.started_at or at,
                    received=received,
                    seq=seq,
                )
            )
        for track, before in self.changed.items():
            call = track.call
            events.append(
                Event(
                    kind="call.changed",
                    call=call,
                    before=before,
                    message=message,
                    inferred=inferred or call.inferred,
                    at=(call.connected_at if before.connected_at is None else None) or at,
                    received=received,
                    seq=seq,
                )
            )
        for was, now in accounts.values():
            events.append(
                Event(
                    kind="account.changed",
                    account=now or was,
                    before=was,
                    message=message,
                    removed=now is None,
                    inferred=inferred or now is None or now.inferred,
                    at=at,
                    received=received,
                    seq=seq,
                )
            )
        return tuple(events)
