"""What each message of a client does to the PBX (protocol.md 4): one function per action, in `HANDLERS`.

A client commands the calls of its own extension, a supervisor those of others too (`SimClient.acts_as`). It may send
anything: what a PBX would not understand or not allow has no effect and no answer (protocol.md 6.14), and no function
here raises for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pbxnb.protocol import requests as r

from ..engine.calls import SimPhase
from ..engine.clock import Timing
from ..engine.pbx import SimPbx
from .described import PhoneMedia
from .frames import Dialect, FrameWriter
from .sockets import SimSocket
from .webrtc import WebRtcPhone

__all__ = ["HANDLERS", "SimClient", "handle_request"]

MOST_LAMPS = 5_000
MOST_TEXT = 10_000
RINGTONES = [{"name": "Internal", "file": "internal.wav"}, {"name": "External", "file": "external.wav"}]
"""The shape is invented."""


class SimClient:
    """One client at work: its socket, its extension, its browser phone.

    Attributes:
        listed: which lists it has been sent: ``users``, ``calls``.
    """

    def __init__(
        self,
        pbx: SimPbx,
        frames: FrameWriter,
        socket: SimSocket,
        *,
        major: int,
        label: str,
        timing: Timing,
        media: PhoneMedia,
    ) -> None:
        self.pbx = pbx
        self.frames = frames
        self.socket = socket
        self.user: Final = socket.user
        self.phone: Final = WebRtcPhone(pbx, frames, self.user, socket.send, label, major, timing, media)
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


def blf(client: SimClient, request: r.BlfRequest) -> None:
    """Watch extensions; a second request adds (invented)."""
    lamps = client.socket.lamps
    known = [n for n in request.add if n in client.pbx.accounts][:MOST_LAMPS]
    lamps.update(dict.fromkeys(known))
    if known:
        client.send(client.frames.blf(known))


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


def hold_call(client: SimClient, request: r.HoldCall) -> None:
    """Hold, or resume: one toggle."""
    call, who = client.pbx.calls.get(request.id), client.acts_as(request.id)
    if call is not None and call.phase is SimPhase.HELD and (not who or who in call.held_by):
        client.pbx.resume(request.id, who)
    else:
        client.pbx.hold(request.id, who)


def bare(number: str) -> str:
    """``208@acme.example`` and ``208`` are the same number (protocol.md 4.18)."""
    return number.partition("@")[0]


def nothing(client: SimClient, request: object) -> None:
    """Understood, and of no visible consequence: keepalive, acknowledgements, ICE."""


BOTH, MODERN, OLD = frozenset(Dialect), frozenset({Dialect.MODERN}), frozenset({Dialect.OLD})
HANDLERS: dict[str, tuple[frozenset[Dialect], Callable[[SimClient, Any], object]]] = {
    "own-calls": (MODERN, own_calls),
    "orbit-calls": (MODERN, orbit_calls),
    "domain-calls": (MODERN, domain_calls),
    "ringtones": (MODERN, lambda client, _: client.send(client.frames.flat("ringtones", RINGTONES))),
    "blf": (MODERN, blf),
    "sip-register": (BOTH, lambda client, request: client.phone.register(request)),
    "get-users": (BOTH, lambda client, _: client.send_users()),
    "get-calls": (BOTH, get_calls),
    "avoid-disconnect": (BOTH, nothing),
    "sdp-packet": (BOTH, lambda client, request: client.phone.invite(request)),
    "sdp-200ok": (BOTH, lambda client, request: client.phone.accept(request)),
    "ice-candidate": (BOTH, lambda client, request: client.phone.found(request)),
    "sip-ringing": (BOTH, nothing),
    "sip-busy": (BOTH, lambda client, request: client.phone.refuse(request)),
    "sip-ack": (MODERN, nothing),
    "sip-bye": (BOTH, lambda client, request: client.phone.bye(request)),
    "bye-response": (BOTH, nothing),
    "cancel-response": (OLD, nothing),
    "wrtc-hold": (MODERN, lambda client, request: client.phone.hold(request)),
    "mute": (MODERN, lambda client, request: client.phone.mute(request)),
    "rec-call": (BOTH, rec_call),
    "blind-transfer2": (MODERN, blind_transfer),
    "blind-transfer": (OLD, blind_transfer),
    "att-transfer": (OLD, att_transfer),
    # The desk phone is taken to go off-hook by itself.
    "make-call": (OLD, lambda client, request: client.pbx.dial(client.user, bare(request.to))),
    "accept-call": (OLD, lambda client, request: client.pbx.answer(request.id, client.acts_as(request.id))),
    "hold-call": (OLD, hold_call),
    "clear-call": (OLD, lambda client, request: client.pbx.hangup(request.id, client.acts_as(request.id))),
    # Sent as ourselves, whatever `src` says.
    "chat": (OLD, lambda client, m: client.pbx.chat(client.user, bare(m.dest), m.message[:MOST_TEXT])),
    "add-to-crm": (OLD, lambda client, m: client.pbx.comment(m.id, f"{m.sub}: {m.des}", client.user)),
}
"""By action: who understands it, and what it does. Modern takes get-users and get-calls too (invented, 12.9)."""


def handle_request(client: SimClient, raw: str | bytes) -> None:
    """Do what a frame requests; what is no message of the vocabulary is passed over in silence."""
    request = r.decode_request(raw)
    if not isinstance(request, r.UnknownRequest | r.MalformedRequest):
        understood, handle = HANDLERS[request.action]
        if client.frames.dialect in understood:
            handle(client, request)
