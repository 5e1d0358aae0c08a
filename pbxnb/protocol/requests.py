"""The client's messages as frozen Structs: what pbxnb sends, and what the embedded PBX reads (protocol.md 4, 13).

``frame()`` gives the wire form; `decode_request` reads one, from a friend or a stranger, and never raises.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from msgspec import UNSET

from .fields import as_text, plain
from .raw import MAX_SIZE, BadFrame, load_frame
from .redact import redact

__all__ = ["REQUESTS", "MalformedRequest", "Request", "UnknownRequest", "decode_request"]


class Request(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="kebab", omit_defaults=True):
    """Anything a client sends. ``action`` is its name on the wire."""

    action: ClassVar[str] = ""

    def frame(self) -> dict[str, Any]:
        """The JSON object to send."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        return {"action": self.action} | {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}

    def __repr__(self) -> str:
        return redact(super().__repr__())


class Subscription(Request, frozen=True, kw_only=True, gc=False, omit_defaults=False):
    """A subscription; ``subscribe=False`` presumably ends it (protocol.md 4.1, 12.4)."""

    subscribe: bool = True


class OwnCalls(Subscription, frozen=True, kw_only=True, gc=False):
    """The socket's own extension's calls (protocol.md 4.1)."""

    action: ClassVar[str] = "own-calls"


class OrbitCalls(Subscription, frozen=True, kw_only=True, gc=False):
    """The park orbits (protocol.md 4.1)."""

    action: ClassVar[str] = "orbit-calls"


class DomainCalls(Subscription, frozen=True, kw_only=True, gc=False):
    """All calls of the tenant (protocol.md 4.1)."""

    action: ClassVar[str] = "domain-calls"


class BlfRequest(Request, frozen=True, kw_only=True, gc=False):
    """Busy lamps of the extensions named (protocol.md 4.2); how one unsubscribes is unknown."""

    action: ClassVar[str] = "blf"
    add: tuple[str, ...] = ()


class RingtonesRequest(Request, frozen=True, kw_only=True, gc=False):
    """The user's ringtones (protocol.md 4.3)."""

    action: ClassVar[str] = "ringtones"


class SipRegisterRequest(Request, frozen=True, kw_only=True, gc=False):
    """Make this socket a phone; a monitor never sends it (protocol.md 4.4)."""

    action: ClassVar[str] = "sip-register"
    useragent: str = ""


class GetUsers(Request, frozen=True, kw_only=True, gc=False):
    """Ask for the accounts (protocol.md 4.5)."""

    action: ClassVar[str] = "get-users"


class GetCalls(Request, frozen=True, kw_only=True, gc=False):
    """Ask for the calls (protocol.md 4.5)."""

    action: ClassVar[str] = "get-calls"


class AvoidDisconnect(Request, frozen=True, kw_only=True, gc=False):
    """Keepalive (protocol.md 2.8, 4.6)."""

    action: ClassVar[str] = "avoid-disconnect"


class Leg(Request, frozen=True, kw_only=True, gc=False, rename=None):
    """A message about one WebRTC leg; 2016 has no ``callid``; ``cseq`` echoes what was received."""

    callid: str = ""
    cseq: Any = UNSET


class SdpPacket(Leg, frozen=True, kw_only=True, gc=False):
    """Start an outbound WebRTC call (protocol.md 4.7)."""

    action: ClassVar[str] = "sdp-packet"
    to: str
    sdp: Any


class Sdp200Ok(Leg, frozen=True, kw_only=True, gc=False):
    """Answer an ``invitesdp``, or the PBX's own offer (protocol.md 4.8)."""

    action: ClassVar[str] = "sdp-200ok"
    sdp: Any


class IceCandidate(Leg, frozen=True, kw_only=True, gc=False):
    """One ICE candidate; null ends them in the 2016 vocabulary (protocol.md 4.9)."""

    action: ClassVar[str] = "ice-candidate"
    candidate: Any


class SipRinging(Leg, frozen=True, kw_only=True, gc=False):
    """The inbound call rings here (protocol.md 4.10)."""

    action: ClassVar[str] = "sip-ringing"


class SipBusy(Leg, frozen=True, kw_only=True, gc=False):
    """Refuse an inbound call; ``code`` is a SIP status (protocol.md 4.11)."""

    action: ClassVar[str] = "sip-busy"
    code: int | None = None


class SipAck(Leg, frozen=True, kw_only=True, gc=False):
    """Acknowledge a final answer (protocol.md 4.12)."""

    action: ClassVar[str] = "sip-ack"


class SipBye(Leg, frozen=True, kw_only=True, gc=False):
    """End the WebRTC leg; ``caller`` is ``"true"`` or ``"false"`` (protocol.md 4.13)."""

    action: ClassVar[str] = "sip-bye"
    caller: str = ""


class ByeReply(Leg, frozen=True, kw_only=True, gc=False):
    """Reply to a flat ``bye`` (protocol.md 4.14)."""

    action: ClassVar[str] = "bye-response"


class CancelReply(Leg, frozen=True, kw_only=True, gc=False):
    """Reply to a flat ``cancel`` (protocol.md 4.14)."""

    action: ClassVar[str] = "cancel-response"


class WrtcHold(Leg, frozen=True, kw_only=True, gc=False):
    """Hold (``sendonly``) or resume (``sendrecv``) the WebRTC leg (protocol.md 4.15)."""

    action: ClassVar[str] = "wrtc-hold"
    holdcmd: str


class Mute(Leg, frozen=True, kw_only=True, gc=False):
    """Mute the WebRTC leg (protocol.md 4.16)."""

    action: ClassVar[str] = "mute"
    muted: bool


class RecCall(Request, frozen=True, kw_only=True, gc=False):
    """Ad-hoc recording, ``startstop`` is ``on`` or ``off`` (protocol.md 4.17)."""

    action: ClassVar[str] = "rec-call"
    id: str
    startstop: str


class BlindTransfer2(Request, frozen=True, kw_only=True, gc=False, rename={"from_": "from"}):
    """Blind transfer, modern; ``from_`` is our extension (protocol.md 4.18)."""

    action: ClassVar[str] = "blind-transfer2"
    id: str
    from_: str
    to: str


class BlindTransfer(Request, frozen=True, kw_only=True, gc=False, rename={"from_": "from"}):
    """Blind transfer, 2016; ``from_`` is the other party (protocol.md 4.18)."""

    action: ClassVar[str] = "blind-transfer"
    id: str
    from_: str
    to: str


class AttTransfer(Request, frozen=True, kw_only=True, gc=False, rename={"from_": "from"}):
    """Join two calls, 2016: ``id2`` is dropped onto ``id`` (protocol.md 4.18)."""

    action: ClassVar[str] = "att-transfer"
    id: str
    from_: str
    id2: str
    to: str


class MakeCall(Request, frozen=True, kw_only=True, gc=False):
    """Ring our desk phone, then dial (protocol.md 4.19)."""

    action: ClassVar[str] = "make-call"
    to: str


class AcceptCall(Request, frozen=True, kw_only=True, gc=False):
    """Answer a ringing call on the desk phone (protocol.md 4.19)."""

    action: ClassVar[str] = "accept-call"
    id: str


class HoldCall(Request, frozen=True, kw_only=True, gc=False):
    """Hold or resume: one message that toggles (protocol.md 4.19)."""

    action: ClassVar[str] = "hold-call"
    id: str


class ClearCall(Request, frozen=True, kw_only=True, gc=False):
    """Hang up; ``connected`` tells whether a WebRTC call of ours is up (protocol.md 4.19)."""

    action: ClassVar[str] = "clear-call"
    id: str
    connected: str = ""


class ChatRequest(Request, frozen=True, kw_only=True, gc=False):
    """Chat text to another extension, 2016 (protocol.md 4.20)."""

    action: ClassVar[str] = "chat"
    src: str
    dest: str
    message: str


class AddToCrm(Request, frozen=True, kw_only=True, gc=False):
    """Note a call in the CRM, 2016 (protocol.md 4.21)."""

    action: ClassVar[str] = "add-to-crm"
    id: str
    sub: str = ""
    des: str = ""


class UnknownRequest(Request, frozen=True, kw_only=True, gc=False):
    """A well-formed object whose action nobody knows."""

    name: str = ""
    body: dict[str, Any] = {}


class MalformedRequest(Request, frozen=True, kw_only=True, gc=False):
    """No request: broken JSON, no object, too big, or a known action misshapen."""

    reason: str
    name: str = ""


REQUESTS: dict[str, type[Request]] = {
    kind.action: kind
    for kind in (
        OwnCalls,
        OrbitCalls,
        DomainCalls,
        RingtonesRequest,
        BlfRequest,
        SipRegisterRequest,
        GetUsers,
        GetCalls,
        AvoidDisconnect,
        SdpPacket,
        Sdp200Ok,
        IceCandidate,
        SipRinging,
        SipBusy,
        SipAck,
        SipBye,
        ByeReply,
        CancelReply,
        WrtcHold,
        Mute,
        RecCall,
        BlindTransfer2,
        BlindTransfer,
        AttTransfer,
        MakeCall,
        AcceptCall,
        HoldCall,
        ClearCall,
        ChatRequest,
        AddToCrm,
    )
}
"""Every client message of the registry, by action (protocol.md 13)."""


_TEXT_FIELDS = frozenset(("id", "id2", "to", "from", "callid", "src", "dest", "connected", "caller"))


def decode_request(raw: bytes | str, *, max_size: int = MAX_SIZE) -> Request:
    """Reads one frame of a client. Never raises.

    Args:
        raw: the frame as received.
        max_size: bytes; a larger frame is not looked into.

    Returns:
        The request; `UnknownRequest` or `MalformedRequest` where it is none.

    Example:
        >>> decode_request('{"action":"hold-call","id":7711}')
        HoldCall(id='7711')
    """
    try:
        body = load_frame(raw, max_size)
    except BadFrame as bad:
        return MalformedRequest(reason=bad.reason)
    action = body.pop("action", None)
    if not isinstance(action, str):
        return MalformedRequest(reason="The frame names no action.")
    kind = REQUESTS.get(action)
    if kind is None:
        return UnknownRequest(name=action, body=plain(body))
    try:
        # Not strict: ids may be numbers, booleans may be text (protocol.md 3, value habits).
        return msgspec.convert({key: _value(key, value) for key, value in body.items()}, kind, strict=False)
    except msgspec.ValidationError as error:
        return MalformedRequest(reason=f"The {action} is misshapen: {error}.", name=action)


def _value(key: str, value: Any) -> Any:
    if key in _TEXT_FIELDS and isinstance(value, bool):
        return "true" if value else "false"
    if key in _TEXT_FIELDS and as_text(value) is not None:
        return as_text(value)
    return plain(value)
