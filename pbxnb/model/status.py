"""What the status of a line says beside its state: when nothing was known, and how its recording stands."""

from __future__ import annotations

from datetime import datetime

import msgspec

__all__ = ["Gap", "RecordingState", "slept"]

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
