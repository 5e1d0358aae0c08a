"""The registration of a socket as a phone: asked for, kept fresh, asked for again after every interruption.

Protocol.md 4.4 and 6.6. It has no clock and no socket; whoever owns it gives it both.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from pbxnb.protocol import messages as m
from pbxnb.protocol import requests as r
from pbxnb.signals import Signal

__all__ = ["Later", "Registrar", "Registration"]

Later = Callable[[float, Callable[[], object]], Callable[[], None]]
"""Calls a function after so many seconds; gives the way to call it off."""

EXPIRES = 3600.0  # seconds, where the PBX says none
EARLIEST = 30.0
BEFORE_THE_END = 15.0
UNANSWERED = 10.0  # how a failure looks is unknown: without an answer it is asked again


class Registration(StrEnum):
    """Whether the PBX rings this socket; ``lost``: it did, and the line is down."""

    UNREGISTERED = "unregistered"
    REGISTERING = "registering"
    REGISTERED = "registered"
    LOST = "lost"
    CLOSED = "closed"


class Registrar:
    """Keeps one socket registered as a phone.

    Args:
        send: puts a request on the socket.
        later: a timer.
        useragent: how the PBX shall name the device; empty for none.

    Attributes:
        state: where it stands.
        changed: gets every new state.

    Example:
        >>> registrar = Registrar(print, lambda seconds, fn: lambda: None)
        >>> registrar.connected()
        SipRegisterRequest(useragent='pbxnb')
        >>> registrar.told(m.SipRegister(expires=60.0))
        >>> registrar.state
        <Registration.REGISTERED: 'registered'>
    """

    def __init__(self, send: Callable[[r.Request], object], later: Later, *, useragent: str = "pbxnb") -> None:
        self.state: Registration = Registration.UNREGISTERED
        self.changed: Signal[Registration] = Signal()
        self._send = send
        self._later = later
        self._useragent = useragent
        self._call_off: Callable[[], None] = _nothing

    def connected(self, *, answers: bool = True) -> None:
        """The socket is open.

        Args:
            answers: whether the PBX answers; one of 2016 does not, and has registered whoever asked.
        """
        if self.state is Registration.CLOSED:
            return
        self._turn(Registration.REGISTERING)
        self._ask()
        if not answers:
            self._call_off()
            self._turn(Registration.REGISTERED)

    def dropped(self) -> None:
        """The socket is gone; another one may come."""
        self._call_off()
        if self.state is not Registration.CLOSED:
            known = self.state in (Registration.REGISTERED, Registration.LOST)
            self._turn(Registration.LOST if known else Registration.UNREGISTERED)

    def told(self, message: m.SipRegister) -> None:
        """The PBX's answer."""
        if self.state not in (Registration.REGISTERING, Registration.REGISTERED):
            return
        expires = EXPIRES if message.expires is None else message.expires
        self._call_off()
        self._call_off = self._later(max(EARLIEST, min(expires / 2, expires - BEFORE_THE_END)), self._ask)
        self._turn(Registration.REGISTERED)

    def close(self) -> None:
        """Ask no more; the PBX forgets a phone with its socket."""
        self._call_off()
        self._turn(Registration.CLOSED)

    def _ask(self) -> None:
        self._call_off = self._later(UNANSWERED, self._unanswered)
        self._send(r.SipRegisterRequest(useragent=self._useragent))

    def _unanswered(self) -> None:
        self._turn(Registration.REGISTERING)
        self._ask()

    def _turn(self, state: Registration) -> None:
        if state is not self.state:
            self.state = state
            self.changed(state)


def _nothing() -> None:
    """There is no timer yet."""
