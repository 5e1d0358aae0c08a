"""What each message of a client does to the PBX (protocol.md 4): one function per action, in `HANDLERS`.

A client commands the calls of its own extension, a supervisor those of others too (`SimClient.acts_as`). It may send
anything: what a PBX would not understand or not allow has no effect and no answer (protocol.md 6.14), and no function
here raises for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pbxnb.protocol import requests as r

from ..engine.calls import SimPhase
from ..engine.pbx import SimPbx
from .frames import FrameWriter
from .sockets import SimSocket
from .timing import Timing
from .variants import Dialect
from .webrtc import WebRtcPhone

__all__ = ["ERA", "HANDLERS", "SimClient", "handle_request"]

MOST_LAMPS = 5_000
MOST_TEXT = 10_000


class SimClient:
    """One client at work: its socket, its extension, its browser phone.

    Attributes:
        listed: which lists it has been sent: ``users``, ``calls``.
    """

    def __init__(
        self, pbx: SimPbx, frames: FrameWriter, socket: SimSocket, *, major: int, label: str, timing: Timing
    ) -> None:
        self.pbx = pbx
        self.frames = frames
        self.socket = socket
        self.user = socket.user
        self.phone = WebRtcPhone(pbx, frames, self.user, socket.send, label, major, timing)
        self.listed: set[str] = set()

    @property
    def sees_domain(self) -> bool:
        """The extension may see the tenant's calls."""
        return self.pbx.directory.sees_domain(self.user)

    def acts_as(self, *ids: str) -> str:
        """Who commands these calls: the extension; for a supervisor who is no party, their own end (``""``)."""
        if not self.pbx.directory.supervises(self.user):
            return self.user
        calls = [call for id_ in ids if (call := self.pbx.calls.get(id_)) is not None]
        return self.user if any(call.involves(self.user) for call in calls) else ""

    def send(self, text: str) -> None:
        """Put a frame into the outbox."""
        self.socket.send(text)

    def send_calls(self, viewer: str = "") -> None:
        """Send the whole list of the tenant, or of ``viewer``."""
        self.send(self.frames.call_state(viewer))
        self.listed.add("calls")

    def send_users(self) -> None:
        """Send the snapshot of the accounts; their changes follow from now on."""
        self.socket.users = True
        self.send(self.frames.domain_state(self.user, sees_domain=self.sees_domain))
        self.listed.add("users")

    def call(self, id_: str) -> str:
        """The call meant by a call-state id or by a callid of this phone (protocol.md 9, row 8)."""
        return self.phone.call_of(id_)


def own_calls(client: SimClient, request: r.OwnCalls) -> None:
    """Subscribe to the calls of the socket's extension; answered with a list at once (invented)."""
    client.socket.own = request.subscribe
    if request.subscribe:
        client.send_calls(client.user)


def domain_calls(client: SimClient, request: r.DomainCalls) -> None:
    """Subscribe to the tenant's calls, with the right to see them."""
    client.socket.everyone = request.subscribe and client.sees_domain
    if client.socket.everyone:
        client.send_calls()


def orbit_calls(client: SimClient, request: r.OrbitCalls) -> None:
    """Subscribe to the orbits."""
    client.socket.orbits = request.subscribe
    if request.subscribe:
        client.send(client.frames.orbits())


def ringtones(client: SimClient, request: r.RingtonesRequest) -> None:
    """The ringtone set; its shape is invented."""
    tones = [{"name": "Internal", "file": "internal.wav"}, {"name": "External", "file": "external.wav"}]
    client.send(client.frames.flat("ringtones", tones))


def blf(client: SimClient, request: r.BlfRequest) -> None:
    """Watch extensions; a second request adds (invented)."""
    lamps = client.socket.lamps
    known = [n for n in request.add if n in client.pbx.accounts][:MOST_LAMPS]
    lamps.update(dict.fromkeys(known))
    if known:
        client.send(client.frames.blf(known))


def get_users(client: SimClient, request: r.GetUsers) -> None:
    """The snapshot; and in 2016 the changes from now on."""
    client.send_users()


def get_calls(client: SimClient, request: r.GetCalls) -> None:
    """The list of calls the extension may see; in 2016 it is repeated whenever it changes."""
    if client.frames.dialect is Dialect.OLD:
        client.socket.everyone, client.socket.own = client.sees_domain, not client.sees_domain
    client.send_calls("" if client.sees_domain else client.user)


def rec_call(client: SimClient, request: r.RecCall) -> None:
    """Record or stop."""
    if request.startstop in ("on", "off"):
        call = client.call(request.id)
        client.pbx.record(call, request.startstop == "on", client.acts_as(call))


def blind_transfer(client: SimClient, request: r.BlindTransfer | r.BlindTransfer2) -> None:
    """Move a call; ``from`` means different things to different clients and decides nothing (row 9)."""
    call = client.call(request.id)
    client.pbx.transfer(call, bare(request.to), client.acts_as(call))


def att_transfer(client: SimClient, request: r.AttTransfer) -> None:
    """Join two calls of one extension."""
    call, other = client.call(request.id), client.call(request.id2)
    client.pbx.attended_transfer(call, other, client.acts_as(call, other))


def make_call(client: SimClient, request: r.MakeCall) -> None:
    """Dial from the desk phone, which is taken to go off-hook by itself."""
    client.pbx.dial(client.user, bare(request.to))


def accept_call(client: SimClient, request: r.AcceptCall) -> None:
    """Answer what rings."""
    client.pbx.answer(request.id, client.acts_as(request.id))


def hold_call(client: SimClient, request: r.HoldCall) -> None:
    """Hold, or resume: one toggle."""
    call, who = client.pbx.calls.get(request.id), client.acts_as(request.id)
    if call is not None and call.phase is SimPhase.HELD and (not who or who in call.held_by):
        client.pbx.resume(request.id, who)
    else:
        client.pbx.hold(request.id, who)


def clear_call(client: SimClient, request: r.ClearCall) -> None:
    """Hang up or refuse."""
    client.pbx.hangup(request.id, client.acts_as(request.id))


def chat(client: SimClient, request: r.ChatRequest) -> None:
    """Send a text as ourselves, whatever ``src`` says."""
    client.pbx.chat(client.user, bare(request.dest), request.message[:MOST_TEXT])


def add_to_crm(client: SimClient, request: r.AddToCrm) -> None:
    """File a call in the CRM: kept as the call's comment."""
    client.pbx.comment(request.id, f"{request.sub}: {request.des}", client.user)


def nothing(client: SimClient, request: object) -> None:
    """Understood, and of no visible consequence: keepalive, acknowledgements, ICE."""


HANDLERS: dict[str, Callable[[SimClient, Any], object]] = {
    "own-calls": own_calls,
    "orbit-calls": orbit_calls,
    "domain-calls": domain_calls,
    "ringtones": ringtones,
    "blf": blf,
    "sip-register": lambda client, request: client.phone.register(request),
    "get-users": get_users,
    "get-calls": get_calls,
    "avoid-disconnect": nothing,
    "sdp-packet": lambda client, request: client.phone.invite(request),
    "sdp-200ok": lambda client, request: client.phone.accept(request),
    "ice-candidate": nothing,
    "sip-ringing": nothing,
    "sip-busy": lambda client, request: client.phone.refuse(request),
    "sip-ack": nothing,
    "sip-bye": lambda client, request: client.phone.bye(request),
    "bye-response": nothing,
    "cancel-response": nothing,
    "wrtc-hold": lambda client, request: client.phone.hold(request),
    "mute": lambda client, request: client.phone.mute(request),
    "rec-call": rec_call,
    "blind-transfer2": blind_transfer,
    "blind-transfer": blind_transfer,
    "att-transfer": att_transfer,
    "make-call": make_call,
    "accept-call": accept_call,
    "hold-call": hold_call,
    "clear-call": clear_call,
    "chat": chat,
    "add-to-crm": add_to_crm,
}

ERA: dict[Dialect, frozenset[str]] = {
    Dialect.MODERN: frozenset(HANDLERS)
    - {"cancel-response", "blind-transfer", "att-transfer", "make-call", "accept-call", "hold-call", "clear-call"}
    - {"chat", "add-to-crm"},
    Dialect.OLD: frozenset(HANDLERS)
    - {"own-calls", "orbit-calls", "domain-calls", "ringtones", "blf", "sip-ack", "wrtc-hold", "mute"}
    - {"blind-transfer2"},
}
"""What each vocabulary understands. Modern takes get-users and get-calls too (invented, protocol.md 12.9)."""


def handle_request(client: SimClient, raw: str | bytes) -> None:
    """Do what a frame asks for; anything else than a message of the vocabulary is passed over in silence."""
    request = r.decode_request(raw)
    action = getattr(request, "action", "")
    if isinstance(request, r.UnknownRequest | r.MalformedRequest) or action not in ERA[client.frames.dialect]:
        return
    HANDLERS[action](client, request)


def bare(number: str) -> str:
    """``208@acme.example`` and ``208`` are the same number (protocol.md 4.18)."""
    return number.partition("@")[0]
