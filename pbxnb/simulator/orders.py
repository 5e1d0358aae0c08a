"""What each message of a client does to the PBX (protocol.md 4): one function per action, in one table.

A client commands the calls of its own extension, a supervisor those of others too (`Desk.acts_as`). It may say
anything: what a PBX would not understand or not allow has no effect and no answer (protocol.md 6.14); none of these
functions raises for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pbxnb.protocol import requests as r

from .calls import Phase
from .quirks import Dialect

if TYPE_CHECKING:
    from .desk import Desk

__all__ = ["ORDERS", "Order", "obey"]

Order = Callable[["Desk", Any], object]
MOST_LAMPS = 5_000
MOST_TEXT = 10_000


def own_calls(desk: Desk, request: r.OwnCalls) -> None:
    """Subscribe to the calls of the socket's extension; answered with a list at once (invented)."""
    desk.socket.own = request.subscribe
    if request.subscribe:
        desk.send_calls(desk.user)


def domain_calls(desk: Desk, request: r.DomainCalls) -> None:
    """Subscribe to the tenant's calls, with the right to see them."""
    desk.socket.everyone = request.subscribe and desk.sees_domain
    if desk.socket.everyone:
        desk.send_calls()


def orbit_calls(desk: Desk, request: r.OrbitCalls) -> None:
    """Subscribe to the orbits."""
    desk.socket.orbits = request.subscribe
    if request.subscribe:
        desk.send(desk.wire.orbits())


def ringtones(desk: Desk, request: r.RingtonesRequest) -> None:
    """The ringtone set; its shape is invented."""
    tones = [{"name": "Internal", "file": "internal.wav"}, {"name": "External", "file": "external.wav"}]
    desk.send(desk.wire.flat("ringtones", tones))


def blf(desk: Desk, request: r.BlfRequest) -> None:
    """Watch extensions; a second request adds (invented)."""
    lamps = desk.socket.lamps
    known = [n for n in request.add if n in desk.pbx.accounts][:MOST_LAMPS]
    lamps.update(dict.fromkeys(known))
    if known:
        desk.send(desk.wire.blf(known))


def get_users(desk: Desk, request: r.GetUsers) -> None:
    """The snapshot; and in 2016 the changes from now on."""
    desk.send_users()


def get_calls(desk: Desk, request: r.GetCalls) -> None:
    """The list of calls the extension may see; in 2016 it is repeated whenever it changes."""
    if desk.wire.dialect is Dialect.OLD:
        desk.socket.everyone, desk.socket.own = desk.sees_domain, not desk.sees_domain
    desk.send_calls("" if desk.sees_domain else desk.user)


def rec_call(desk: Desk, request: r.RecCall) -> None:
    """Record or stop."""
    if request.startstop in ("on", "off"):
        call = desk.call(request.id)
        desk.pbx.record(call, request.startstop == "on", desk.acts_as(call))


def blind_transfer(desk: Desk, request: r.BlindTransfer | r.BlindTransfer2) -> None:
    """Move a call; ``from`` means different things to different clients and decides nothing (row 9)."""
    call = desk.call(request.id)
    desk.pbx.blind_transfer(call, bare(request.to), desk.acts_as(call))


def att_transfer(desk: Desk, request: r.AttTransfer) -> None:
    """Join two calls of one extension."""
    call, other = desk.call(request.id), desk.call(request.id2)
    desk.pbx.attended_transfer(call, other, desk.acts_as(call, other))


def make_call(desk: Desk, request: r.MakeCall) -> None:
    """Dial from the desk phone, which is taken to go off-hook by itself."""
    desk.pbx.place_call(desk.user, bare(request.to))


def accept_call(desk: Desk, request: r.AcceptCall) -> None:
    """Answer what rings."""
    desk.pbx.answer(request.id, desk.acts_as(request.id))


def hold_call(desk: Desk, request: r.HoldCall) -> None:
    """Hold, or resume: one toggle."""
    call, who = desk.pbx.calls.get(request.id), desk.acts_as(request.id)
    if call is not None and call.phase is Phase.HELD and (not who or who in call.held_by):
        desk.pbx.resume(request.id, who)
    else:
        desk.pbx.hold(request.id, who)


def clear_call(desk: Desk, request: r.ClearCall) -> None:
    """Hang up or refuse."""
    desk.pbx.hangup(request.id, desk.acts_as(request.id))


def chat(desk: Desk, request: r.ChatRequest) -> None:
    """Send a text as ourselves, whatever ``src`` says."""
    desk.pbx.chat(desk.user, bare(request.dest), request.message[:MOST_TEXT])


def add_to_crm(desk: Desk, request: r.AddToCrm) -> None:
    """File a call in the CRM: kept as the call's comment."""
    desk.pbx.comment(request.id, f"{request.sub}: {request.des}", desk.user)


def nothing(desk: Desk, request: object) -> None:
    """Understood, and of no visible consequence: keepalive, acknowledgements, ICE."""


ORDERS: dict[str, Order] = {
    "own-calls": own_calls,
    "orbit-calls": orbit_calls,
    "domain-calls": domain_calls,
    "ringtones": ringtones,
    "blf": blf,
    "sip-register": lambda desk, request: desk.phone.register(request),
    "get-users": get_users,
    "get-calls": get_calls,
    "avoid-disconnect": nothing,
    "sdp-packet": lambda desk, request: desk.phone.invite(request),
    "sdp-200ok": lambda desk, request: desk.phone.accept(request),
    "ice-candidate": nothing,
    "sip-ringing": nothing,
    "sip-busy": lambda desk, request: desk.phone.refuse(request),
    "sip-ack": nothing,
    "sip-bye": lambda desk, request: desk.phone.bye(request),
    "bye-response": nothing,
    "cancel-response": nothing,
    "wrtc-hold": lambda desk, request: desk.phone.hold(request),
    "mute": lambda desk, request: desk.phone.mute(request),
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
    Dialect.MODERN: frozenset(ORDERS)
    - {"cancel-response", "blind-transfer", "att-transfer", "make-call", "accept-call", "hold-call", "clear-call"}
    - {"chat", "add-to-crm"},
    Dialect.OLD: frozenset(ORDERS)
    - {"own-calls", "orbit-calls", "domain-calls", "ringtones", "blf", "sip-ack", "wrtc-hold", "mute"}
    - {"blind-transfer2"},
}
"""What each vocabulary understands. Modern takes get-users and get-calls too (invented, protocol.md 12.9)."""


def obey(desk: Desk, raw: str | bytes) -> None:
    """Do what a frame says; anything else than a message of the vocabulary is passed over in silence."""
    request = r.decode_request(raw)
    action = getattr(request, "action", "")
    if isinstance(request, r.UnknownRequest | r.MalformedRequest) or action not in ERA[desk.wire.dialect]:
        return
    ORDERS[action](desk, request)


def bare(number: str) -> str:
    """``208@acme.example`` and ``208`` are the same number (protocol.md 4.18)."""
    return number.partition("@")[0]
