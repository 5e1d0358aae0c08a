"""The sound of one call in a page: every order to it becomes a message."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["PageMedia"]


class PageMedia:
    """A `pbxnb.phone.line.LegMedia` that lives in a page.

    Args:
        tell: sends an order, given by its parts, to the page; from any thread.
        ice_servers: URLs of STUN and TURN servers for the page; none unless given.
    """

    here = "this page"

    def __init__(self, tell: Callable[..., None], ice_servers: tuple[str, ...] = ()) -> None:
        self._tell = tell
        self._ice = [{"urls": url} for url in ice_servers]

    def make_offer(self) -> None:
        """As `LegMedia.make_offer`."""
        self._tell(order="offer", ice=self._ice)

    def answer_offer(self, sdp: str) -> None:
        """As `LegMedia.answer_offer`."""
        self._tell(order="answer", sdp=sdp, ice=self._ice)

    def take_answer(self, sdp: str) -> None:
        """As `LegMedia.take_answer`."""
        self._tell(order="accept", sdp=sdp)

    def take_candidates(self, lines: tuple[str, ...]) -> None:
        """As `LegMedia.take_candidates`."""
        self._tell(order="candidates", lines=list(lines))

    def flow(self, send: bool, hear: bool) -> None:
        """As `LegMedia.flow`."""
        self._tell(order="flow", send=send, hear=hear)

    def close(self) -> None:
        """As `LegMedia.close`."""
        self._tell(order="close")
