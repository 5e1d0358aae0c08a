"""`LineTold`: the status of a recorded line, as its inputs tell it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pbxnb.model.entities import Gap, LineState, Status
from pbxnb.model.kept.inputs import Applied, Input, Lost, Opened, Received, Resynced, Scoped, Ticked
from pbxnb.protocol.messages import Malformed, Message

if TYPE_CHECKING:
    from pbxnb.journal import Journal

__all__ = ["LineTold", "told_before"]

_AT_ONCE = 1_000  # inputs that are looked at in one go


class LineTold:
    """Follows the inputs of a line; its times are those of the clock that stamped them.

    Args:
        state: what it was before the first of them, since when.
        gaps: those before it, oldest first.

    Attributes:
        status: as of the last input.
    """

    def __init__(self, state: LineState, since: datetime, gaps: tuple[Gap, ...] = ()) -> None:
        self.status = Status(state=state, since=since, gaps=gaps)

    def take(self, one: Input, message: Message | None = None) -> None:
        """Take in the next input, and its message where it is a frame."""
        status, at = self.status, one.at
        if isinstance(one, Opened):
            status = replace(status, pbx_version=one.version)
        elif isinstance(one, Lost):
            status = replace(status, why=one.why)
            if one.since is not None:
                status = replace(status, gaps=(*status.gaps, Gap(one.since, None)))
        elif isinstance(one, Received):
            status = replace(status, last_message_at=at, unreadable=status.unreadable + isinstance(message, Malformed))
        elif isinstance(one, Resynced) and one.gap is not None:
            down = bool(status.gaps) and status.gaps[-1].end is None
            gaps = (*(status.gaps[:-1] if down else status.gaps), one.gap)
            status = replace(status, gaps=gaps, reconnects=status.reconnects + down)
        state = _state_after(one)
        if state is not None and state is not status.state:
            status = replace(status, state=state, since=at, why=status.why if isinstance(one, Lost) else "")
        self.status = status


def _state_after(one: Input) -> LineState | None:
    """The state of a line after an input; None where that tells nothing of it."""
    if isinstance(one, Opened):
        return LineState.SYNCING
    if isinstance(one, Lost):
        return LineState.RECONNECTING
    if isinstance(one, Received):
        return None if one.held else LineState.LIVE
    return LineState.LIVE if isinstance(one, Applied | Resynced | Scoped | Ticked) else None


def told_before(journal: Journal, seq: int, at: datetime) -> LineTold:
    """The line as it was before an input.

    Args:
        at: a moment on the clock that stamped the recording, for what is not known.
    """
    first = max((one.seq for one in journal.breaks() if one.seq <= seq), default=0)
    until = seq
    while until > first:
        since = max(first, until - _AT_ONCE)
        for _, one in reversed([*journal.inputs(since, until - 1)]):
            if (state := _state_after(one)) is not None:
                return LineTold(state, one.at)
        until = since
    for _, one in journal.inputs(seq, seq + _AT_ONCE):  # a recording begins: what comes first tells what was before
        if isinstance(one, Opened):
            return LineTold(LineState.CONNECTING, at)
        if isinstance(one, Received) and one.held:
            return LineTold(LineState.SYNCING, at)
        if _state_after(one) is not None:
            break
    return LineTold(LineState.LIVE, at)
