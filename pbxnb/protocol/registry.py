"""The register of messages: every name, direction, era, certainty and field of protocol.md 13, as data.

The console explains frames by it, the coverage report tells known from unknown by it, the tests hold the code to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from .notes import FIELDS, FieldNote, explain_field

__all__ = ["FIELDS", "KNOWN_VALUES", "REGISTRY", "FieldNote", "Row", "explain_field", "row"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the register.

    Attributes:
        dir: ``c2s``, sent by clients, or ``s2c``, sent by the PBX.
        kind: ``action``: named by its ``action``; ``flat``: named by the presence of a key.
        name: the action or the key.
        era: ``2016``, ``modern`` or ``both``.
        grade: certainty of protocol.md 1.2.
        fields: name to type, ``?`` for optional or era-dependent, ``~`` for an uncertain shape.
        section: where protocol.md describes it.
        meaning: what it is for, one sentence.
        invented: its real shape is unknown, so what the simulator sends under this name is made up.
    """

    dir: Literal["c2s", "s2c"]
    kind: Literal["action", "flat"]
    name: str
    era: Literal["2016", "modern", "both"]
    grade: str
    fields: Mapping[str, str]
    section: str
    meaning: str
    invented: bool = False


def _row(head: str, fields: str, section: str, meaning: str, *, invented: bool = False) -> Row:
    direction, kind, name, era, grade = head.split()
    parts = (part.partition(": ") for part in fields.split("; ") if part)
    return msgspec.convert(
        {
            "dir": direction,
            "kind": kind,
            "name": name,
            "era": era,
            "grade": grade,
            "fields": {key: kind_of for key, _, kind_of in parts},
            "section": section,
            "meaning": meaning,
            "invented": invented,
        },
        Row,
    )


_SDP = "str|{type,sdp}"
_LEG = "callid?: str; cseq?: echo"

REGISTRY: tuple[Row, ...] = (
    _row("c2s action own-calls modern A", "subscribe: bool", "4.1", "Subscribes to our own extension's calls."),
    _row("c2s action orbit-calls modern B", "subscribe: bool", "4.1", "Subscribes to the park orbits."),
    _row("c2s action domain-calls modern A", "subscribe: bool", "4.1", "Subscribes to all calls of the tenant."),
    _row("c2s action ringtones modern B", "", "4.3", "Asks for the user's ringtones."),
    _row("c2s action blf modern B", "add?: list[str]", "4.2", "Subscribes to the busy lamps of extensions."),
    _row("c2s action sip-register both A", "useragent?: str", "4.4", "Makes the socket a phone; a monitor never does."),
    _row("c2s action get-users 2016 B", "", "4.5", "Asks for the accounts."),
    _row("c2s action get-calls 2016 B", "", "4.5", "Asks for the calls."),
    _row("c2s action avoid-disconnect modern B*", "", "4.6", "Keeps the socket alive."),
    _row("c2s action sdp-packet both A", f"to: str; sdp: {_SDP}; callid?: str", "4.7", "Starts a WebRTC call."),
    _row("c2s action sdp-200ok both A", "sdp: {type,sdp}|str; " + _LEG, "4.8", "Answers an offer of the PBX."),
    _row("c2s action ice-candidate both A", "candidate: obj|null; callid?: str", "4.9", "One way to reach our media."),
    _row("c2s action sip-ringing both A", _LEG, "4.10", "Says that the inbound call rings here."),
    _row("c2s action sip-busy both A", f"{_LEG}; code?: int 486|488|603", "4.11", "Refuses an inbound call."),
    _row("c2s action sip-ack modern B*", "callid: str", "4.12", "Acknowledges the final answer to our call."),
    _row("c2s action sip-bye both A", "callid?: str; caller?: 'true'|'false'", "4.13", "Ends the WebRTC leg."),
    _row("c2s action bye-response both B", _LEG, "4.14", "Replies to a bye of the PBX."),
    _row("c2s action cancel-response 2016 B", "", "4.14", "Replies to a cancel of the PBX."),
    _row(
        "c2s action wrtc-hold modern B*", "callid: str; holdcmd: sendonly|sendrecv", "4.15", "Holds or resumes the leg."
    ),
    _row("c2s action mute modern C", "callid: str; muted: bool", "4.16", "Mutes the leg."),
    _row("c2s action rec-call both B", "id: str; startstop: on|off", "4.17", "Starts or stops an ad-hoc recording."),
    _row("c2s action blind-transfer2 modern B*", "id: str; from: str; to: str", "4.18", "Gives a call away unasked."),
    _row("c2s action blind-transfer 2016 B", "id: str; from: str; to: str", "4.18", "Gives a call away unasked."),
    _row("c2s action att-transfer 2016 B", "id: str; from: str; id2: str; to: str", "4.18", "Joins two calls."),
    _row("c2s action make-call 2016 B", "to: str", "4.19", "Rings our desk phone, then dials."),
    _row("c2s action accept-call 2016 B", "id: str", "4.19", "Answers a ringing call on the desk phone."),
    _row("c2s action hold-call 2016 B", "id: str", "4.19", "Holds or resumes, by the call's state."),
    _row("c2s action clear-call 2016 B", "id: str; connected: 'true'|'false'", "4.19", "Hangs up."),
    _row("c2s action chat 2016 B", "src: str; dest: str; message: str", "4.20", "Sends a text to an extension."),
    _row("c2s action add-to-crm 2016 B", "id: str; sub: str; des: str", "4.21", "Notes a call in the CRM."),
    _row(
        "s2c flat sdp both A",
        "sdp: str|obj; code?: int; callid?: str; cseq?: ~; to-user?: str; to-display?: str; reason?: str",
        "5.1",
        "Media description for a call this socket started.",
    ),
    _row(
        "s2c flat invitesdp both A",
        "invitesdp: str; callid?: str; cseq?: ~; from: name-addr; to?: name-addr; from-user?: str; from-display?: str; "
        "from-number?: str; group?: str; alertinfo?: str",
        "5.2",
        "An inbound call offered to this socket.",
    ),
    _row("s2c flat candidate both A", "candidate: str; adr?: list[[str,int]]; callid?: str", "5.3", "A media address."),
    _row("s2c flat bye both A", "bye: 'true'; callid?: str; code?: int; cseq?: ~", "5.4", "The PBX ends the leg."),
    _row("s2c flat cancel both B", "cancel: ~", "5.5", "The caller gave up before the answer."),
    _row("s2c flat cancelresponse both B", "cancelresponse: ~", "5.6", "Our own unanswered call was cancelled."),
    _row("s2c flat ringtones modern B", "ringtones: ~", "5.8", "The user's ringtones.", invented=True),
    _row("s2c flat response modern B", "response: ~", "5.7", "Reserved; its meaning is unknown.", invented=True),
    _row("s2c flat info modern B", "info: ~", "5.7", "Reserved; its meaning is unknown.", invented=True),
    _row("s2c flat change modern B", "change: ~", "5.7", "Reserved; its meaning is unknown.", invented=True),
    _row("s2c action call-state both A", "calls: list[call]|call", "6.1", "The calls, all of them each time."),
    _row(
        "s2c action domain-state both A",
        "accounts: list[account]; calls?: list; messages?: ~",
        "6.2",
        "All accounts of the tenant.",
    ),
    _row(
        "s2c action user-state both A",
        "type: str; account: str; domain?: str; registered?: bool; dnd?: bool; chatstatus?: online|offline; code?: ~; "
        "calls?: list; tag?: ~",
        "6.3",
        "A change of one account.",
    ),
    _row("s2c action sip-register modern C", "add?: str; expires?: int|str", "6.6", "The result of a registration."),
    _row("s2c action blf modern B", "~: unknown", "6.5", "Busy lamps.", invented=True),
    _row("s2c action callerid modern C", "callid?: str; name?: str; number?: str", "6.7", "Who is on the other side."),
    _row("s2c action rec-start modern C", "", "6.8", "A recording began; of which call is not said."),
    _row("s2c action rec-stop modern C", "", "6.8", "A recording ended."),
    _row("s2c action user-change modern C", "~: unknown", "6.9", "Unknown; no effect on calls.", invented=True),
    _row("s2c action missed-calls modern C", "~: unknown", "6.9", "Presumably a counter.", invented=True),
    _row("s2c action bye-response modern C", "~: unknown", "6.9", "Presumably confirms our hang-up.", invented=True),
    _row("s2c action chat 2016 B", "dest: str (peer); message: str", "6.10", "A text; dest is who sent it."),
    _row(
        "s2c action crmcontact 2016 B",
        "data: json-str; direction: str; serverurl: str",
        "6.11",
        "What the CRM knows of a caller.",
    ),
)

_SOCKET_TYPES = frozenset(("extensions", "attendants", "acds", "hunts", "conferences"))
_REST_TYPES = frozenset(("orbits", "hoots", "srvflags", "ivrnodes", "callingcards", "colines"))

KNOWN_VALUES: Mapping[str, frozenset[str]] = {
    "state": frozenset(("alerting", "ringback", "ringing", "connected", "onhold", "holding")),
    "type": _SOCKET_TYPES | _REST_TYPES,
    "chatstatus": frozenset(("online", "offline")),
    "rec": frozenset(("adhoc",)),
}
"""Values with a known meaning, in lower case, of the fields that are vocabularies (protocol.md 6.1, 6.2, 7.1)."""


def row(name: str, direction: Literal["c2s", "s2c"] = "s2c") -> Row | None:
    """The row of one message; None where the register has none."""
    return next((entry for entry in REGISTRY if entry.name == name and entry.dir == direction), None)
