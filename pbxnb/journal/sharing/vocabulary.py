"""What stays in an anonymised recording: keys, times, and the words of the protocol (protocol.md 3, 6, 7, 13)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pbxnb.model.derive import NOBODY_IN_PARTICULAR
from pbxnb.model.entities import AccountState
from pbxnb.protocol.registry import FIELDS, KNOWN_VALUES, REGISTRY

__all__ = ["APART", "IDS", "KEYS", "MEDIA", "MEDIA_WORDS", "NUMBERS", "OURS", "SAID", "WIRE", "stays"]

KEYS = frozenset(
    part
    for names in (*FIELDS.values(), *(row.fields for row in REGISTRY))
    for name in names
    for part in name.rstrip("?~").split(".")
) | frozenset(row.name for row in REGISTRY)
_TIME_FIELDS = (
    "at start connect begin end since until expires date time timestamp received recv_us created modified"
    " duration ring talk hold wait login logout read_at started_at connected_at ended_at first_seen taken_at"
)
_TIMES = frozenset(_TIME_FIELDS.split())
_A_TIME = re.compile(r"-?\d{0,20}(\.\d{0,9})?|\d{4}-\d\d-\d\d([T ][\d:.]{4,15})?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
NUMBERS = frozenset(("cseq", "code", "sdpMLineIndex", "priority"))
"""Keys of numbers that stay."""
IDS = frozenset(
    ("account", "id", "callid", "number", "extension", "extensions", "from", "to", "from-number", "to-number")
)
"""Keys of numbers that name somebody, however short."""
_ALWAYS = frozenset(("true", "false", "yes", "no", "on", "off", "null", "none")) | NOBODY_IN_PARTICULAR
_WORDS: Mapping[str, frozenset[str]] = {
    **KNOWN_VALUES,
    "state": KNOWN_VALUES["state"] | {"held", "parked"},
    "callstate": KNOWN_VALUES["state"] | {"held", "parked"},
    "type": KNOWN_VALUES["type"] | {"offer", "answer", "pranswer"},
    "usertype": KNOWN_VALUES["type"],
    "action": frozenset(row.name for row in REGISTRY),
    "holdcmd": frozenset(("sendonly", "sendrecv")),
    "direction": frozenset(("in", "out", "inbound", "outbound")),
    "malformed": frozenset(),
    "why": frozenset(("line", "sleep", "kernel", "disk", "off", "file")),
    # and as attributes of the model
    "raw_state": KNOWN_VALUES["state"],
    "chat_status": KNOWN_VALUES["chatstatus"],
    "recording": KNOWN_VALUES["rec"],
    "value": KNOWN_VALUES["chatstatus"] | frozenset(AccountState),
}
OURS = frozenset(("axis", "rule", "source", "ended_by", "raw"))
"""Attributes of the model that hold words of pbxnb, or a time as it came."""
WIRE = frozenset(("extra", "stats", "tag", "code"))
"""Attributes of the model that hold JSON as it came."""
_OF_MEDIA = (
    "candidate udp tcp typ host srflx prflx relay raddr rport generation ufrag network cost id in ip4 ip6 audio"
    " video rtp avp savp savpf avpf tls application rtpmap fmtp rtcp mux rsize fb nack pli ccm fir transport cc"
    " setup actpass active passive holdconn mid group bundle ice options trickle pwd fingerprint sha secret"
    " sendrecv sendonly recvonly inactive extmap urn ietf params rtp hdrext ssrc cname msid ls ptime maxptime"
    " minptime useinbandfec opus pcmu pcma cn red telephone event end of candidates lite level crypto 8000 16000"
    " 24000 32000 48000 90000 111 110 126 127 96 101 256 10 0 1 2 9 8 13 63 lrtp"
)
MEDIA_WORDS = frozenset(_OF_MEDIA.split())
MEDIA = re.compile(r"\s*(v=0\b|(a=)?candidate:|[\w+/]{1,32} [12] udp \d)", re.IGNORECASE)
"""How a description of media begins."""
SAID = {
    "why": re.compile(
        r"(The PBX closed the line with code \d+|The connection to the PBX broke"
        r"|The PBX sent a frame larger than max_size|The PBX neither sent anything nor answered a ping)"
    ),
    "detail": re.compile(r"( and | met through | went on(?: to )?| joined through | dialled )"),
}
"""By attribute, what pbxnb says of the end of a line and of evidence; around it stands what the PBX said."""
APART = re.compile(
    r"(?P<quoted>[\w.~+-]*(?:%[0-9A-Fa-f]{2}[\w.~+-]*)+)"
    rf"|\b(?:sips?|tel|https?|wss?|mailto|urn|uuid)(?=:)"
    rf"(?::(?:{'|'.join(filter(None, NOBODY_IN_PARTICULAR))})(?=[@>;]|$))?"
    r"|;(?:user=phone|transport=(?:udp|tcp|tls|wss?)|lr|ob)(?=[;>]|$)",
    re.IGNORECASE,
)
"""In free text: a word in the spelling of URLs; the words of an address (protocol.md 3)."""
_VERSION = re.compile(r"\d{1,2}(\.\d{1,2}){1,2}", re.ASCII)


def stays(value: str, key: str) -> bool:
    """Whether a value under a key is a time, a version, or a word of the protocol."""
    if (key in _TIMES and _A_TIME.fullmatch(value)) or (key == "version" and _VERSION.fullmatch(value)):
        return True
    lowered = value.lower()
    return lowered in _ALWAYS or lowered in _WORDS.get(key, ())
