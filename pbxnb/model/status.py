"""The state of the line, as a frozen value."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

__all__ = ["Gap", "LineState", "Status"]


class LineState(StrEnum):
    """Where the line is in its life."""

    CONNECTING = "connecting"
    SYNCING = "syncing"
    LIVE = "live"
    STALE = "stale"
    RECONNECTING = "reconnecting"
    REFUSED = "refused"
    CLOSED = "closed"


class Gap(msgspec.Struct, frozen=True, gc=False):
    """An interval without news: the line was down. ``end`` is None while it lasts."""

    start: datetime
    end: datetime | None = None


class Status(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The line, now.

    Attributes:
        state: where it is in its life.
        since: when that state began, UTC.
        reconnects: how often a live line was set up again.
        last_message_at: when the last frame came, UTC.
        gaps: intervals without news, oldest first.
        pbx_version: from the ``Server`` header, such as ``70.1``; empty when not told.
        latency: seconds of the last ping; None before the first.
        missing: what the line is live without: ``accounts``, ``calls``.
        dropped_events: ``message`` events that a slow handler made us drop.
        why: one sentence: the reason of this state and what to try next; empty when all is well.
    """

    state: LineState
    since: datetime
    reconnects: int = 0
    last_message_at: datetime | None = None
    gaps: tuple[Gap, ...] = ()
    pbx_version: str = ""
    latency: float | None = None
    missing: tuple[str, ...] = ()
    dropped_events: int = 0
    why: str = ""
