"""What is said on the line, in a few words: its kind, the calls or the account it is about, never a secret of media."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from pbxnb.errors import SdpRefused
from pbxnb.protocol.decode import decode
from pbxnb.protocol.redact import redact
from pbxnb.protocol.sdp import read, read_candidates

__all__ = ["words_of_body", "words_of_message", "words_of_sdp", "words_of_text"]

LONGEST = 300
MOST_FIELDS = 20


def words_of_message(message: Any) -> str:
    """A message of the PBX (`pbxnb.protocol.messages`)."""
    match message.kind:
        case "call-state":
            calls = "; ".join(
                f"{entry.id} {entry.raw_state} {entry.from_.number}→{entry.to.number}" for entry in message.calls
            )
            return f"call-state {calls or 'no calls'}"
        case "user-state":
            entry = message.entry
            return f"user-state {entry.account}" + (" in a call" if entry.code not in (None, UNSET) else "")
        case "domain-state":
            return f"domain-state {len(message.accounts)} accounts"
        case "sdp":
            code = f" {message.code}" if message.code else ""
            return f"sdp{code} {words_of_sdp(message.sdp)}"
        case "invitesdp":
            return f"invitesdp from {message.from_.number or message.from_.name or '?'}: {words_of_sdp(message.sdp)}"
        case "candidate":
            return f"candidate {_address(message.candidate, message.adr)}"
        case "bye":
            return f"bye {message.code or ''}".strip()
        case kind:
            return str(getattr(message, "action", "") or kind)


def words_of_text(text: str) -> str:
    """A frame of the PBX, as it came."""
    return words_of_message(decode(text))


def words_of_body(body: Mapping[str, Any]) -> str:
    """A frame of ours, as the object it is."""
    said = [str(body.get("action", ""))]
    for name, value in list(body.items())[:MOST_FIELDS]:
        match name:
            case "action":
                continue
            case "sdp":
                value = words_of_sdp(value.get("sdp") if isinstance(value, Mapping) else value)
            case "candidate":
                value = _address(value.get("candidate") if isinstance(value, Mapping) else value)
        said.append(f"{name} {value},")
    return redact(" ".join(said).strip(" ,"))[:LONGEST]


def words_of_sdp(text: object) -> str:
    """An SDP: codecs, direction, how many addresses.

    Example:
        >>> words_of_sdp("v=0")
        'an SDP that cannot be used'
    """
    try:
        sdp = read(str(text), "offer")
    except SdpRefused:
        return "an SDP that cannot be used" if text else "no SDP"
    count = len(sdp.candidates)
    addresses = f", {count} address{'' if count == 1 else 'es'}" if count else ""
    return f"{' '.join(dict.fromkeys(codec.name for codec in sdp.codecs))} {sdp.direction}{addresses}"


def _address(text: object, adr: Any = ()) -> str:
    found = [f"{each.address}:{each.port} {each.kind}" for each in read_candidates(text, adr)]
    return " ".join(found) or ("none that can be used" if text else "no more")
