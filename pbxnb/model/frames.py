"""A frame as it passed the one place every frame passes: the seam for the journal, the console and ``recent``."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from pbxnb.protocol.messages import Message

__all__ = ["Frame"]


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One WebSocket frame, in or out.

    Attributes:
        seq: 1, 2, 3 ... on one handle, both directions counted together.
        direction: ``in`` from the PBX, ``out`` to it.
        received: UTC, when it was read or sent.
        mono: monotonic seconds of the same moment; differences of it are durations.
        connection: number of the socket connection on this handle, from 1.
        text: exactly as received or sent (invalid UTF-8 replaced).
        message: the decoded message of an incoming frame; None for an outgoing one.
    """

    seq: int
    direction: Literal["in", "out"]
    received: datetime
    mono: float
    connection: int
    text: str
    message: Message | None = None
