"""How a recording of a line stands, as the line's status says it."""

from __future__ import annotations

import msgspec

__all__ = ["RecordingState"]


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
