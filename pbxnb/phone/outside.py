"""What a line needs of the world: the socket it stands on, and who carries the sound of its calls."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Protocol

from pbxnb.errors import PbxError
from pbxnb.media import wire
from pbxnb.media.leg import EngineLeg

from .leg import Signalling

__all__ = ["LegMedia", "LineSocket", "MakeMedia"]


class LineSocket(Protocol):
    """What a line needs of the connection it stands on."""

    @property
    def signalling(self) -> Signalling:
        """How the PBX of the open socket speaks."""

    @property
    def hosts(self) -> Collection[str]:
        """The addresses of the PBX."""

    def send(self, frame: dict[str, Any]) -> None:
        """Put a frame on the socket; where it is down, the frame is lost."""

    def later(self, seconds: float, fn: Callable[[], object]) -> Callable[[], None]:
        """As `registrar.Later`."""

    def now(self) -> float:
        """Seconds of a monotonic clock."""

    def at(self) -> datetime:
        """The time on the PBX's clock."""


class LegMedia(Protocol):
    """Who carries the sound of one leg: tells the `LineLeg` what it found by `described`, `found` and `sounds`."""

    here: str
    """Where the sound is, in words: ``this page``."""

    def make_offer(self) -> None:
        """Open a connection and describe it."""

    def answer_offer(self, sdp: str) -> None:
        """Open a connection, in place of one that is open, for this offer, and describe it."""

    def take_answer(self, sdp: str) -> None:
        """Complete the connection."""

    def take_candidates(self, lines: tuple[str, ...]) -> None:
        """Addresses of the other side that may be used: ``candidate:…``, all of the first media."""

    def flow(self, send: bool, hear: bool) -> None:
        """Whether sound is sent, and whether what comes is heard."""

    def close(self) -> None:
        """End the connection."""


class MakeMedia(Protocol):
    """Makes the media of a leg."""

    def __call__(
        self,
        *,
        described: Callable[[str], None],
        tell: Callable[[wire.Event], None],
        lost: Callable[[PbxError], None],
    ) -> EngineLeg:
        """Arguments as for `EngineLeg`."""
