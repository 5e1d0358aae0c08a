"""What a call may wait for in what it hears: each takes blocks and gives something when it is there."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np

from .listening import Activity, ToneHeard
from .resampling import RATE, Wave

__all__ = ["Collected", "Loudness", "Tone"]


class Block(Protocol):
    """20 ms, as `pbxnb.phone.hearing.HeardBlock`."""

    @property
    def wave(self) -> Wave:
        """Its samples."""

    @property
    def lost(self) -> bool:
        """Whether nothing came for it."""


class Collected:
    """So many seconds of sound."""

    def __init__(self, seconds: float) -> None:
        self._wanted = round(seconds * RATE)
        self._blocks: list[Wave] = []
        self._have = 0

    def __call__(self, block: Block) -> Wave | None:
        """One more block; the whole, once it is there."""
        self._blocks.append(block.wave)
        self._have += len(block.wave)
        if self._have < self._wanted:
            return None
        whole: Wave = np.concatenate(self._blocks)[: self._wanted]
        return whole


class Loudness:
    """So many seconds of silence, or of sound; what was lost is neither."""

    def __init__(self, kind: Literal["silent", "loud"], seconds: float) -> None:
        self._kind = kind
        self._seconds = seconds
        self._activity = Activity()

    def __call__(self, block: Block) -> bool | None:
        """One more block; True once it lasted."""
        if not block.lost:
            self._activity.feed(block.wave)
        # Seconds are added up block by block: half of one is allowed for.
        return True if getattr(self._activity, self._kind) >= self._seconds - 0.01 else None


class Tone:
    """A tone of so many Hz."""

    def __init__(self, frequency: float) -> None:
        self._heard = ToneHeard(frequency)

    def __call__(self, block: Block) -> bool | None:
        """One more block; True once it was there."""
        return True if self._heard.feed(block.wave) else None
