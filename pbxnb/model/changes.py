"""What an applied message changed: events for people, dirty keys for painters."""

from __future__ import annotations

from datetime import datetime

import msgspec

from pbxnb.protocol.messages import Message

from .entities import Account, Call
from .status import Gap

__all__ = ["NO_CHANGES", "Changes", "Event"]


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
