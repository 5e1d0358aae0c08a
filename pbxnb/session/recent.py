"""`Recent`: what passed on the line lately, kept in memory and bounded. The durable journal is another matter."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from pbxnb.model.entities import CallRecord
from pbxnb.model.frames import Frame

__all__ = ["Recent"]


class Recent:
    """The newest frames, both directions, and the calls of the session that have ended.

    Args:
        closed_calls: reads the ended calls.
        max_frames: frames kept at most.
        max_bytes: bytes of their text kept at most, as UTF-8 counts ASCII: one a character.

    Example:
        >>> [frame.text for frame in pbx.frames() if frame.direction == "out"]  # doctest: +SKIP
    """

    MAX_FRAMES = 100_000
    MAX_BYTES = 32 * 2**20

    def __init__(
        self,
        closed_calls: Callable[[], tuple[CallRecord, ...]] = tuple,
        *,
        max_frames: int = MAX_FRAMES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.max_frames = max_frames
        self.max_bytes = max_bytes
        self._closed_calls = closed_calls
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    def add(self, frame: Frame) -> None:
        """Keep ``frame``, and let the oldest go where there are too many; called on the I/O lane."""
        with self._lock:
            self._frames.append(frame)
            self._bytes += len(frame.text)
            while len(self._frames) > self.max_frames or (self._bytes > self.max_bytes and len(self._frames) > 1):
                self._bytes -= len(self._frames.popleft().text)

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The frames, oldest first."""
        with self._lock:
            return tuple(self._frames)

    @property
    def closed_calls(self) -> tuple[CallRecord, ...]:
        """The calls that have ended in this session, oldest first."""
        return self._closed_calls()

    def __iter__(self) -> Iterator[Frame]:
        return iter(self.frames)

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: Any) -> Any:
        return self.frames[index]

    def __repr__(self) -> str:
        return f"<recent: {len(self)} frames, {len(self.closed_calls)} closed calls>"
