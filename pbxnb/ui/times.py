"""Times of entities as they go to a page: seconds since 1970 on the PBX's clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pbxnb.model.entities import Account, Call, Conversation, LineState, Status

__all__ = ["AtLeast", "began", "lasted", "stopped"]


class AtLeast(float):
    """Seconds that may be more: when they began is not known, only when that was first seen."""


def began(entity: Account | Call | Conversation) -> float:
    """Return when the state of an entity began, seconds since 1970.

    Negative where that is not known: then it was first seen at that moment, and is shown as "at least".
    """
    known = entity.since
    return known.timestamp() if known is not None else -entity.first_seen.timestamp()


def lasted(entity: Account | Call | Conversation, now: float) -> float:
    """Return how long an entity has been in its state, seconds; `AtLeast` so long where its begin is not known."""
    seconds = max(0.0, now - abs(began(entity)))
    return seconds if entity.since is not None else AtLeast(seconds)


def stopped(status: Status, at: Callable[[datetime], datetime]) -> float:
    """Return when the last message came, while the line is down; 0 while it is live, and once it has ended.

    Args:
        status: of the line.
        at: puts its times, which are the kernel's, on the PBX's clock.
    """
    last = status.last_message_at or status.since
    down = status.state not in (LineState.LIVE, LineState.CLOSED, LineState.REFUSED)
    return round(at(last).timestamp(), 1) if down else 0.0
