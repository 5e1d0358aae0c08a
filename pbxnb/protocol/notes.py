"""What the fields of the PBX's messages mean, with unit and certainty, for people who read raw frames.

All of it restates protocol.md; where that says "unknown", so does this.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

__all__ = ["FIELDS", "FieldNote", "explain_field"]

_INDEX = re.compile(r"\[\d*\]")


class FieldNote(msgspec.Struct, frozen=True):
    """The meaning of one field.

    Attributes:
        meaning: one sentence.
        certainty: a grade of protocol.md 1.2.
        section: where protocol.md describes it.
        unit: of its value; empty where it has none.
    """

    meaning: str
    certainty: str
    section: str
    unit: str = ""


_N = FieldNote
_SECONDS = "seconds since 1970 UTC; one or two fraction digits are milliseconds"

_CALL: dict[str, FieldNote] = {
    "id": _N("Names the call in commands.", "A", "6.1"),
    "from": _N("The caller, a name-addr.", "A", "6.1"),
    "to": _N("The called party, a name-addr.", "A", "6.1"),
    "state": _N("Where the call stands: alerting, ringback, connected, onhold, holding, or another word.", "B*", "7.1"),
    "callstate": _N("The older name of state.", "A", "6.1"),
    "from-number": _N("The caller's number or extension, perhaps in national form.", "B*", "6.1"),
    "from-name": _N("The caller's name.", "C", "6.1"),
    "to-number": _N("The called number.", "C", "6.1"),
    "to-name": _N("The called party's name.", "C", "6.1"),
    "extension": _N("The extensions involved; what a * before a number means is unknown.", "B*", "6.1"),
    "start": _N("When the call started.", "B", "6.1", _SECONDS),
    "connect": _N("When it was answered; empty until then.", "B*", "6.1", _SECONDS),
    "cmc": _N("Client matter code.", "B", "6.1"),
    "rec": _N("adhoc while an ad-hoc recording runs.", "B", "6.1"),
}

_ACCOUNT: dict[str, FieldNote] = {
    "account": _N("The account's number; without it the message changes nothing.", "A", "6.3"),
    "name": _N("Its display name.", "B", "6.2"),
    "type": _N("What it is: extensions, attendants, acds (queues), hunts, conferences, orbits ...", "A", "6.2"),
    "domain": _N("The tenant.", "B", "6.3"),
    "registered": _N("A phone is registered; in a user-state, absent keeps the old value.", "A", "6.3"),
    "dnd": _N("Do not disturb; in a user-state, absent keeps the old value.", "A", "6.3"),
    "chatstatus": _N("online or offline in the chat; in a user-state, absent clears it.", "A", "6.3"),
    "code": _N("Anything but null means in a call; in a user-state, absent means idle.", "B", "6.3"),
    "calls": _N("The account's own calls; in a user-state, absent means none.", "B", "6.3"),
    "tag": _N("Unknown; the portal copies it and never reads it.", "B", "6.3"),
}

_LEG: dict[str, FieldNote] = {
    "callid": _N("Ties the messages of one WebRTC leg together; absent in 2016.", "A", "7.4"),
    "cseq": _N("Sent back unchanged in the reply.", "A", "7.4"),
}

_CODE = _N("SIP status: 180 and 183 progress, 200 answered, from 400 on refused.", "B*", "5.1")

FIELDS: Mapping[str, Mapping[str, FieldNote]] = {
    "call-state": {
        "calls": _N("All calls of the subscription; a call that is missing has ended.", "A", "6.1"),
        **{f"calls.{name}": note for name, note in _CALL.items()},
    },
    "domain-state": {
        "accounts": _N("All accounts of the tenant.", "A", "6.2"),
        "calls": _N("The active calls.", "B", "6.2"),
        "messages": _N("Unknown; voicemail or chat, at a guess.", "B", "6.2"),
        **{f"accounts.{name}": note for name, note in _ACCOUNT.items()},
        **{f"accounts.calls.{name}": note for name, note in _CALL.items()},
        **{f"calls.{name}": note for name, note in _CALL.items()},
    },
    "user-state": {**_ACCOUNT, **{f"calls.{name}": note for name, note in _CALL.items()}},
    "sdp": {
        **_LEG,
        "sdp": _N("Media description: an offer from version 69 on, before that the answer to ours.", "A", "5.1"),
        "code": _CODE,
        "to-user": _N("The called number.", "C", "5.1"),
        "to-display": _N("The called party's name.", "C", "5.1"),
        "reason": _N("Why it was refused.", "C", "5.1"),
    },
    "invitesdp": {
        **_LEG,
        "invitesdp": _N("Media description, an offer.", "A", "5.2"),
        "from": _N("The caller, a name-addr, usually with the full number.", "A", "5.2"),
        "to": _N("The called party, a name-addr.", "B", "5.2"),
        "from-user": _N("The caller's number, perhaps in national form.", "B*", "5.2"),
        "from-display": _N("The caller's name.", "C", "5.2"),
        "from-number": _N("The caller's number, a last resort.", "C", "5.2"),
        "group": _N("The ring group or queue it came through, at a guess.", "C", "5.2"),
        "alertinfo": _N("Ring style, at a guess.", "C", "5.2"),
    },
    "candidate": {
        **_LEG,
        "candidate": _N("One way to reach the PBX's media, an ICE candidate line.", "A", "5.3"),
        "adr": _N("More addresses for the same line, each with its port.", "B*", "5.3"),
    },
    "bye": {
        **_LEG,
        "bye": _N("Names the message: the PBX ends the leg.", "B*", "5.4"),
        "code": _N("SIP status, only on an error; 415: the media was never agreed upon.", "B*", "5.4"),
    },
    "cancel": {**_LEG, "cancel": _N("Names the message: the caller gave up.", "B", "5.5")},
    "cancelresponse": {"cancelresponse": _N("Names the message: our call was cancelled.", "B", "5.6")},
    "ringtones": {"ringtones": _N("The ringtones; shape unknown.", "B", "5.8")},
    "response": {"response": _N("Reserved; unknown.", "B", "5.7")},
    "info": {"info": _N("Reserved; unknown.", "B", "5.7")},
    "change": {"change": _N("Reserved; unknown.", "B", "5.7")},
    "sip-register": {
        "add": _N("What was registered, a contact or an address.", "C", "6.6"),
        "expires": _N("How long the registration holds; 3600 where it is missing.", "C", "6.6", "seconds"),
    },
    "callerid": {
        "callid": _LEG["callid"],
        "name": _N("The other party's name.", "C", "6.7"),
        "number": _N("The other party's number.", "C", "6.7"),
    },
    "chat": {
        "dest": _N("Who sent it, although the name says the opposite.", "B", "6.10"),
        "message": _N("The text.", "B", "6.10"),
    },
    "crmcontact": {
        "data": _N("JSON inside a text: records with Name and attributes.url.", "B", "6.11"),
        "direction": _N("Outbound, or anything else for inbound.", "B", "6.11"),
        "serverurl": _N("Base address of the CRM.", "B", "6.11"),
    },
}
"""Notes by message kind and path; lists are written without their index: ``calls.start``."""


def explain_field(kind: str, path: str) -> FieldNote | None:
    """What a field of a message of the PBX means.

    Args:
        kind: the message's name in the register.
        path: within the message, with or without indexes: ``calls[3].start``, ``calls.start``.

    Returns:
        The note; None where nothing is known of such a field.

    Example:
        >>> explain_field("call-state", "calls[0].cmc").meaning
        'Client matter code.'
    """
    plain = _INDEX.sub("", path)
    if plain == "action":
        return FieldNote("Names the message.", "A", "3")
    return FIELDS.get(kind, {}).get(plain)
