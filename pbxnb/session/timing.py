"""Every time of a handle's behaviour in one frozen value, so that tests run the same rules on a quick clock."""

from __future__ import annotations

import msgspec

__all__ = ["SessionTiming"]


class SessionTiming(msgspec.Struct, frozen=True, kw_only=True):
    """The handle's clockwork; all are seconds.

    Attributes:
        close_within: a polite close may take so long before the socket is dropped: threads are gone within a second.
        phones_within: phones may take so long to hang up and to end their media.
        last_words: after the end the handlers have so long for the events already queued.
        join_within: `Pbx.close` waits at most so long for the threads, which a handler of the user's may block.
        settle: the loop goes on for so long after its last task.
        unread_after: a failure before the first *live* waits so long for a reader before it is logged.
        pending_unread_after: the failure of a command or a wait waits so long for a reader before it is logged.
    """

    close_within: float = 0.5
    phones_within: float = 1.5
    last_words: float = 0.3
    join_within: float = 1.5
    settle: float = 0.02
    unread_after: float = 0.4
    pending_unread_after: float = 0.5
