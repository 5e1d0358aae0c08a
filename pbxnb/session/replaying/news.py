"""What is said of a recording that plays: frames and messages as the client told of them, and a jump."""

from __future__ import annotations

from typing import Literal

from pbxnb.model.changes import Changes, Event, Frame
from pbxnb.model.kept.inputs import Applied, Received, Sent
from pbxnb.model.store import Store
from pbxnb.protocol.messages import Malformed, Message
from pbxnb.protocol.raw import HEAD, LARGE

__all__ = ["all_of", "frame_of", "message_of"]


def message_of(one: Received | Applied, message: Message) -> Event:
    """The event of a message."""
    return Event(kind="message", message=message, received=one.at, seq=one.seq, size=len(one.raw))


def frame_of(one: Received | Sent, message: Message | None) -> Frame:
    """The frame as the client told of it."""
    raw = one.raw[:HEAD] if isinstance(message, Malformed) and len(one.raw) > LARGE else one.raw
    way: Literal["in", "out"] = "out" if isinstance(one, Sent) else "in"
    return Frame(one.seq, way, one.utc, one.mono, one.connection, raw.decode("utf-8", "replace"), message)


def all_of(before: Store, after: Store) -> Changes:
    """All that is shown is another, and none of it is news."""
    return Changes(
        accounts=frozenset(before.accounts) | frozenset(after.accounts),
        calls=frozenset(before.calls) | frozenset(after.calls),
        conversations=frozenset(before.conversations) | frozenset(after.conversations),
        queues=frozenset(before.queues) | frozenset(after.queues),
        orbits=frozenset(before.orbits) | frozenset(after.orbits),
    )
