"""Who describes the media of a browser phone's legs: without media one fixed text, which no media stack would take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from ..engine.pbx import SimPbx

__all__ = ["Description", "FixedMedia", "LegMedia", "PhoneMedia"]

SDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 40000 UDP/TLS/RTP/SAVPF 0\r\na=setup:{setup}\r\n"
CANDIDATE = "candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host"


class Description(NamedTuple):
    """What the PBX says of a leg's media.

    Attributes:
        candidate: its address, as a line.
        adr: further addresses of the same (protocol.md 5.3).
    """

    sdp: str
    candidate: str
    adr: tuple[tuple[str, int], ...]


class LegMedia(Protocol):
    """The media of one leg."""

    def describe(self, offer: object, passive: bool, then: Callable[[Description], None]) -> None:
        """Describe our side: the answer to an offer, or with None our own offer.

        Args:
            passive: of an answer: wait for the other side to begin DTLS.
            then: gets it, now or later; never, where the offer cannot be used.
        """

    def answered(self, sdp: object) -> None:
        """The other side's answer to our offer."""

    def found(self, candidate: object) -> None:
        """An address of the other side."""

    def moved(self) -> None:
        """The leg belongs to another call now."""

    def close(self) -> None:
        """The leg is over."""


class PhoneMedia(Protocol):
    """Gives every leg its media."""

    def open(self) -> None:
        """Begin what takes time, on the loop, before there is a call."""

    async def aclose(self) -> None:
        """End all of them."""

    def leg(self, pbx: SimPbx, user: str, call_of: Callable[[], str], lost: Callable[[], None]) -> LegMedia:
        """The media of a new leg.

        Args:
            pbx: the tenant.
            user: the extension whose leg it is.
            call_of: gives the id of its call, which transfers change.
            lost: to be called when its media fail.
        """


class FixedLeg:
    """A leg without media."""

    def describe(self, offer: object, passive: bool, then: Callable[[Description], None]) -> None:
        """The fixed text."""
        setup = "passive" if offer is not None else "actpass"
        then(Description(SDP.format(setup=setup), CANDIDATE, (("198.51.100.1", 40002),)))

    def answered(self, sdp: object) -> None:
        """Nothing."""

    def found(self, candidate: object) -> None:
        """Nothing."""

    def moved(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class FixedMedia:
    """No media at all."""

    def open(self) -> None:
        """Nothing."""

    async def aclose(self) -> None:
        """Nothing."""

    def leg(self, *_: Any) -> FixedLeg:
        """A leg without media."""
        return FixedLeg()
