"""One client at work: its socket, its extension, its browser phone, and what it has been told."""

from __future__ import annotations

from .pbx import Pbx
from .phone import Phone
from .sockets import Socket
from .wire import Wire

__all__ = ["Desk"]


class Desk:
    """What the orders of one client act on.

    Attributes:
        listed: which lists it has had: ``users``, ``calls``.
    """

    def __init__(self, pbx: Pbx, wire: Wire, socket: Socket, *, major: int, label: str) -> None:
        self.pbx = pbx
        self.wire = wire
        self.socket = socket
        self.user = socket.user
        self.phone = Phone(pbx, wire, self.user, socket.send, label, major)
        self.listed: set[str] = set()

    @property
    def sees_domain(self) -> bool:
        """The extension may see the tenant's calls."""
        extension = self.pbx.extension(self.user)
        return extension is not None and extension.sees_domain

    def acts_as(self, *ids: str) -> str:
        """Who commands these calls: the extension; for a supervisor who is no party, their own end (``""``)."""
        extension = self.pbx.extension(self.user)
        if extension is None or not extension.supervises:
            return self.user
        calls = [call for id_ in ids if (call := self.pbx.calls.get(id_)) is not None]
        return self.user if any(call.involves(self.user) for call in calls) else ""

    def send(self, text: str) -> None:
        """Put a frame into the outbox."""
        self.socket.send(text)

    def send_calls(self, viewer: str = "") -> None:
        """Send the whole list of the tenant, or of ``viewer``."""
        self.send(self.wire.call_state(viewer))
        self.listed.add("calls")

    def send_users(self) -> None:
        """Send the snapshot of the accounts; their changes follow from now on."""
        self.socket.users = True
        self.send(self.wire.domain_state(self.user, sees_domain=self.sees_domain))
        self.listed.add("users")

    def call(self, id_: str) -> str:
        """The call meant by a call-state id or by a callid of this phone (protocol.md 9, row 8)."""
        return self.phone.call_of(id_)
