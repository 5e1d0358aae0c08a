"""The state of the line to a PBX: where it is in its life, when nothing was known, and how its recording stands."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from pbxnb.shown import Shown, counted, said, since

__all__ = ["Gap", "LineState", "RecordingState", "Status", "slept"]

_SLEPT = 5.0  # seconds that the wall clock may go ahead of the monotonic one while the computer is awake


class Gap(msgspec.Struct, frozen=True, gc=False):
    """An interval without news. ``end`` is None while it lasts.

    Attributes:
        why: ``line``: it dropped, or was silent. ``sleep``: the computer slept, or its clock was set forward, which
            looks the same. Of a recording also ``kernel``: the session ended, and another one went on; ``disk``: it
            did not take what came, some was left out; ``off``: nothing was recorded until it was begun again;
            ``file``: a file of the folder is not there.
    """

    start: datetime
    end: datetime | None = None
    why: str = "line"


def slept(wall: float, mono: float) -> bool:
    """Whether a computer slept while its wall clock went on by so many seconds and its monotonic one by so many.

    The monotonic clock of Linux and of macOS stands still meanwhile; where it does not, as on Windows, a sleep is a
    line that dropped.

    Example:
        >>> slept(3600.0, 0.2), slept(2.0, 2.0)
        (True, False)
    """
    return wall - mono > _SLEPT


class RecordingState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a recording stands.

    Attributes:
        path: the file.
        written: inputs of the model that were handed to it.
        acknowledged: those that are on the disk and visible to other processes.
        behind: seconds since the oldest one that is not.
        why: what is wrong, one sentence; empty when all is well.
    """

    path: str
    written: int = 0
    acknowledged: int = 0
    behind: float = 0.0
    why: str = ""


class LineState(StrEnum):
    """Where the line is in its life."""

    CONNECTING = "connecting"
    SYNCING = "syncing"
    LIVE = "live"
    STALE = "stale"
    RECONNECTING = "reconnecting"
    REFUSED = "refused"
    CLOSED = "closed"


class Status(Shown, frozen=True, kw_only=True, gc=False):
    """The line, now.

    Attributes:
        state: where it is in its life.
        since: when that state began, UTC.
        reconnects: how often a live line was set up again.
        last_message_at: when the last frame came, UTC.
        gaps: intervals without news, oldest first.
        pbx_version: from the ``Server`` header, such as ``70.1``; empty when there was none.
        latency: seconds of the last ping; None before the first.
        missing: what the line is live without: ``accounts``, ``calls``.
        dropped_events: ``message`` events that a slow handler made us drop.
        unreadable: frames that could not be read; after one of them accounts and calls may be old, which ``why`` says.
        recording: how the recording stands; None while there is none.
        why: one sentence: the reason of this state and what to try next; empty when all is well.
        failed: whether a failure ended it; a close on purpose, a newer connection in its place and the end of the
            program are none.
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
    unreadable: int = 0
    recording: RecordingState | None = None
    why: str = ""
    failed: bool = False

    @property
    def known_until(self) -> datetime:
        """Of a line that has ended: up to when it told what was, UTC."""
        gap = self.gaps[-1] if self.gaps else None
        return self.since if gap is None or gap.end is not None else gap.start

    def _sentence(self) -> str:
        missing = f"without {' and '.join(self.missing)}" if self.missing else ""
        gaps, recording = counted(self.gaps, "gap"), "recording" if self.recording else ""
        return said("Status", f"{self.state}{since(self.since)}", missing, gaps, recording, self.why)
