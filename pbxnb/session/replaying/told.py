"""`LineTold`: the status of a recorded line, as its inputs tell it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from pbxnb.model.entities import Gap, LineState, Status
from pbxnb.model.kept.inputs import Applied, Input, Lost, Opened, Received, Resynced, Scoped, Ticked
from pbxnb.protocol.messages import Malformed, Message

__all__ = ["LineTold", "state_after"]


class LineTold:
    """Follows the inputs of a line; its times are those of the clock that stamped them.

    Args:
        state: what it was before the first of them, since when.

    Attributes:
        status: as of the last input.
    """

    def __init__(self, state: LineState, since: datetime) -> None:
        self.status: Status = Status(state=state, since=since)

    def recall(self, gaps: Sequence[Gap], start: datetime) -> None:
        """Take in all gaps up to now, and when the recording began."""
        since = self.status.since
        if self.status.state is LineState.LIVE:
            since = min(since, max([start, *(gap.end for gap in gaps if gap.end is not None)]))
        self.status = replace(self.status, gaps=tuple(gaps), since=since)

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
        state = state_after(one)
        if state is not None and state is not status.state:
            status = replace(status, state=state, since=at, why=status.why if isinstance(one, Lost) else "")
        self.status = status


def state_after(one: Input) -> LineState | None:
    """The state of a line after an input; None where that tells nothing of it."""
    if isinstance(one, Opened):
        return LineState.SYNCING
    if isinstance(one, Lost):
        return LineState.RECONNECTING if one.why else None  # else the recording ended with its line
    if isinstance(one, Received):
        return None if one.held else LineState.LIVE
    return LineState.LIVE if isinstance(one, Applied | Resynced | Scoped | Ticked) else None
