"""The server's messages as frozen Structs, already normalised: one shape whatever the PBX's era (protocol.md 5, 6, 9).

Nothing is dropped on the way: fields that no rule understands are kept, as decoded JSON, in ``extra``.
``UNSET`` means "the field was absent", which the model needs to tell from ``null`` (protocol.md 6.3).
"""

from __future__ import annotations

import copyreg
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, UnsetType

from .parties import NOBODY, Party
from .redact import redact
from .times import Moment

__all__ = [
    "UNSET",
    "AccountEntry",
    "Blf",
    "Bye",
    "ByeResponse",
    "CallEntry",
    "CallState",
    "CallerId",
    "Cancel",
    "CancelResponse",
    "Candidate",
    "Change",
    "Chat",
    "CrmContact",
    "DomainState",
    "Info",
    "InviteSdp",
    "Malformed",
    "Message",
    "MissedCalls",
    "RecStart",
    "RecStop",
    "Response",
    "Ringtones",
    "Sdp",
    "SipRegister",
    "Unknown",
    "UnsetType",
    "UserChange",
    "UserState",
]


def _read_only(values: dict[str, Any]) -> MappingProxyType[str, Any]:
    return MappingProxyType(values)


# What is read hangs on read-only mappings, which Python itself can neither copy nor pickle.
copyreg.pickle(MappingProxyType, lambda mapping: (_read_only, (dict(mapping),)))

NOTHING: Mapping[str, Any] = _read_only({})


class CallEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One entry of a call list, as the wire says it (protocol.md 6.1).

    Attributes:
        id: the id to use in commands; numbers become their decimal text. Empty when the wire had none.
        from_: the caller, from ``from`` or from ``from-number``/``from-name``.
        to: the called party, likewise.
        raw_state: ``state`` or ``callstate`` as received; empty when absent.
        start: when the call started; None when absent.
        connect: when it was answered; None until then.
        extensions: the extensions involved, marks stripped, in wire order.
        marked: those of them that carried a ``*`` (meaning unknown).
        recording: the ``rec`` field as received; empty when no recording runs.
        cmc: client matter code; empty when none.
        extra: every field not understood.
    """

    id: str
    from_: Party = NOBODY
    to: Party = NOBODY
    raw_state: str = ""
    start: Moment | None = None
    connect: Moment | None = None
    extensions: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()
    recording: str = ""
    cmc: str = ""
    extra: Mapping[str, Any] = NOTHING


class AccountEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One account of a ``domain-state``, or the body of a ``user-state`` (protocol.md 6.2, 6.3).

    Attributes:
        account: its number; empty when the wire had none (such a message changes nothing).
        calls: the account's own calls; UNSET when absent, empty when null or ``[]``.
        code: null and absent both mean "not in a call"; any other value means in a call.
        extra: every field not understood.
    """

    account: str
    name: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    domain: str | UnsetType = UNSET
    registered: bool | UnsetType = UNSET
    dnd: bool | UnsetType = UNSET
    chatstatus: str | UnsetType = UNSET
    code: Any = UNSET
    calls: tuple[CallEntry, ...] | UnsetType = UNSET
    tag: Any = UNSET
    extra: Mapping[str, Any] = NOTHING


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Anything the line delivered. ``kind`` is its name in the registry (protocol.md 13)."""

    kind: ClassVar[str] = "message"
    extra: Mapping[str, Any] = NOTHING

    def __repr__(self) -> str:
        return redact(super().__repr__())


class DomainState(Message, frozen=True, kw_only=True, gc=False):
    """A snapshot of the tenant's accounts, with or without its calls (protocol.md 6.2)."""

    kind: ClassVar[str] = "domain-state"
    accounts: tuple[AccountEntry, ...] = ()
    calls: tuple[CallEntry, ...] | UnsetType = UNSET
    messages: Any = UNSET


class UserState(Message, frozen=True, kw_only=True, gc=False):
    """A change of one account (protocol.md 6.3)."""

    kind: ClassVar[str] = "user-state"
    entry: AccountEntry


class CallState(Message, frozen=True, kw_only=True, gc=False):
    """The call list, or one call of it (protocol.md 6.1).

    Attributes:
        calls: the calls named.
        whole: True for an array, the whole list of its scope; False for a single object.
    """

    kind: ClassVar[str] = "call-state"
    calls: tuple[CallEntry, ...]
    whole: bool = True


class Sdp(Message, frozen=True, kw_only=True, gc=False):
    """SDP for a call this client started (protocol.md 5.1)."""

    kind: ClassVar[str] = "sdp"
    sdp: str
    code: int | None = None
    callid: str = ""
    cseq: Any = UNSET
    to: Party = NOBODY
    reason: str = ""


class InviteSdp(Message, frozen=True, kw_only=True, gc=False):
    """An inbound call offered to this socket (protocol.md 5.2)."""

    kind: ClassVar[str] = "invitesdp"
    sdp: str
    callid: str = ""
    cseq: Any = UNSET
    from_: Party = NOBODY
    to: Party = NOBODY
    group: str = ""
    alertinfo: str = ""


class Candidate(Message, frozen=True, kw_only=True, gc=False):
    """An ICE candidate of the PBX (protocol.md 5.3)."""

    kind: ClassVar[str] = "candidate"
    candidate: str
    adr: tuple[tuple[str, int], ...] = ()
    callid: str = ""


class Bye(Message, frozen=True, kw_only=True, gc=False):
    """The PBX ends a leg of this socket (protocol.md 5.4)."""

    kind: ClassVar[str] = "bye"
    callid: str = ""
    code: int | None = None
    cseq: Any = UNSET


class Cancel(Message, frozen=True, kw_only=True, gc=False):
    """The caller gave up before the answer (protocol.md 5.5)."""

    kind: ClassVar[str] = "cancel"
    callid: str = ""
    cseq: Any = UNSET


class CancelResponse(Message, frozen=True, kw_only=True, gc=False):
    """Our own unanswered call was cancelled (protocol.md 5.6)."""

    kind: ClassVar[str] = "cancelresponse"
    callid: str = ""


class Ringtones(Message, frozen=True, kw_only=True, gc=False):
    """The user's ringtone set; shape unknown (protocol.md 5.8)."""

    kind: ClassVar[str] = "ringtones"
    body: Any = None


class Response(Message, frozen=True, kw_only=True, gc=False):
    """Reserved key, meaning unknown (protocol.md 5.7)."""

    kind: ClassVar[str] = "response"
    body: Any = None


class Info(Message, frozen=True, kw_only=True, gc=False):
    """Reserved key, meaning unknown (protocol.md 5.7)."""

    kind: ClassVar[str] = "info"
    body: Any = None


class Change(Message, frozen=True, kw_only=True, gc=False):
    """Reserved key, meaning unknown (protocol.md 5.7)."""

    kind: ClassVar[str] = "change"
    body: Any = None


class SipRegister(Message, frozen=True, kw_only=True, gc=False):
    """The result of a registration of this socket (protocol.md 6.6)."""

    kind: ClassVar[str] = "sip-register"
    add: str = ""
    expires: float | None = None


class Blf(Message, frozen=True, kw_only=True, gc=False):
    """Busy lamps; shape unknown, all of it is in ``extra`` (protocol.md 6.5)."""

    kind: ClassVar[str] = "blf"


class CallerId(Message, frozen=True, kw_only=True, gc=False):
    """The other party's identity, sent apart from the SDP (protocol.md 6.7)."""

    kind: ClassVar[str] = "callerid"
    callid: str = ""
    party: Party = NOBODY


class RecStart(Message, frozen=True, kw_only=True, gc=False):
    """A recording began; of which call is not said (protocol.md 6.8)."""

    kind: ClassVar[str] = "rec-start"


class RecStop(Message, frozen=True, kw_only=True, gc=False):
    """A recording ended (protocol.md 6.8)."""

    kind: ClassVar[str] = "rec-stop"


class UserChange(Message, frozen=True, kw_only=True, gc=False):
    """Name only; no effect on calls (protocol.md 6.9)."""

    kind: ClassVar[str] = "user-change"


class MissedCalls(Message, frozen=True, kw_only=True, gc=False):
    """Name only; presumably a counter (protocol.md 6.9)."""

    kind: ClassVar[str] = "missed-calls"


class ByeResponse(Message, frozen=True, kw_only=True, gc=False):
    """Presumably confirms our ``sip-bye`` (protocol.md 6.9)."""

    kind: ClassVar[str] = "bye-response"


class Chat(Message, frozen=True, kw_only=True, gc=False):
    """Chat text; ``dest`` is the sender, seen from the receiver (protocol.md 6.10)."""

    kind: ClassVar[str] = "chat"
    dest: str = ""
    message: str = ""


class CrmContact(Message, frozen=True, kw_only=True, gc=False):
    """A CRM match for a call; ``data`` is JSON inside a string, kept as text (protocol.md 6.11)."""

    kind: ClassVar[str] = "crmcontact"
    data: str = ""
    direction: str = ""
    serverurl: str = ""


class Unknown(Message, frozen=True, kw_only=True, gc=False):
    """A well-formed object that no rule names; the whole object is in ``extra``.

    Attributes:
        action: its ``action`` as text, or empty when it had none.
    """

    kind: ClassVar[str] = "unknown"
    action: str = ""


class Malformed(Message, frozen=True, kw_only=True, gc=False):
    """Bytes that are no message: broken JSON, no object, too big, too deep, or a known kind misshapen.

    Attributes:
        reason: one sentence.
        action: the kind it claimed to be, where that could be read.
        size: bytes received.
    """

    kind: ClassVar[str] = "malformed"
    reason: str
    action: str = ""
    size: int = 0
