"""Anonymised frames: no name and no number of the original, and still the same story.

Keys, times and the words that the register knows (protocol.md 6, 7, 13) stay; every other run of letters or digits is
replaced by its pseudonym, wherever it stands. Of a number in JSON that is no time the digits are, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, unquote

from pbxnb.errors import OriginalsLeft
from pbxnb.model.derive import NOBODY_IN_PARTICULAR
from pbxnb.protocol.registry import FIELDS, KNOWN_VALUES, REGISTRY

from .pseudonyms import Pseudonyms

__all__ = ["Anonymiser"]

Keep = Callable[[str], bool]

_KEYS = frozenset(
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
_NUMBERS = frozenset(("cseq", "code", "sdpMLineIndex", "priority"))
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
}
_OF_MEDIA = (
    "candidate udp tcp typ host srflx prflx relay raddr rport generation ufrag network cost id in ip4 ip6 audio"
    " video rtp avp savp savpf avpf tls application rtpmap fmtp rtcp mux rsize fb nack pli ccm fir transport cc"
    " setup actpass active passive holdconn mid group bundle ice options trickle pwd fingerprint sha secret"
    " sendrecv sendonly recvonly inactive extmap urn ietf params rtp hdrext ssrc cname msid ls ptime maxptime"
    " minptime useinbandfec opus pcmu pcma cn red telephone event end of candidates lite level crypto 8000 16000"
    " 24000 32000 48000 90000 111 110 126 127 96 101 256 10 0 1 2 9 8 13 63 lrtp"
)
_MEDIA_WORDS = frozenset(_OF_MEDIA.split())
_MEDIA = re.compile(r"\s*(v=0\b|(a=)?candidate:|[\w+/]{1,32} [12] udp \d)", re.IGNORECASE)
_APART = re.compile(
    r"(?P<quoted>[\w.~+-]*(?:%[0-9A-Fa-f]{2}[\w.~+-]*)+)"
    rf"|\b(?:sips?|tel|https?|wss?|mailto|urn|uuid)(?=:)"
    rf"(?::(?:{'|'.join(filter(None, NOBODY_IN_PARTICULAR))})(?=[@>;]|$))?"
    r"|;(?:user=phone|transport=(?:udp|tcp|tls|wss?)|lr|ob)(?=[;>]|$)",
    re.IGNORECASE,
)
"""In free text: a word in the spelling of URLs; the words of an address (protocol.md 3)."""
_NAME = re.compile(r"[A-Za-z_$-]*")


class _Number(str):
    """A number of JSON as it is written: the zeros of a time mean something."""

    __slots__ = ()


class Anonymiser:
    """Makes frames, and other values, anonymous; reads everything once before it writes.

    Args:
        key: as for `Pseudonyms`.

    Example:
        >>> made = Anonymiser(key=b"an example")
        >>> frame = '{"action": "callerid", "name": "Beatrix Orne", "number": "+15550100"}'
        >>> made.learn(frame)
        >>> made.settle()
        >>> made.frame(frame).startswith('{"action": "callerid", "name": ')
        True
        >>> "Orne" in made.frame(frame)
        False
    """

    def __init__(self, key: bytes | None = None) -> None:
        self.names = Pseudonyms(key)

    def learn(self, frame: str) -> None:
        """Take in a frame that will be written later."""
        self._frame(frame, self.names.learn)

    def learn_value(self, value: Any, key: str = "") -> None:
        """As `learn`, of a value of JSON that stands under a key."""
        self._value(value, key, self.names.learn)

    def settle(self) -> None:
        """Everything was taken in."""
        self.names.settle()

    def check(self, frame: str) -> None:
        """Look for originals in what was written.

        Raises:
            OriginalsLeft: there is one, or something that tells one.
        """
        self._frame(frame, self._look)

    def _look(self, text: str, keep: Keep) -> str:
        left = self.names.originals_in(text, keep)
        if left:
            raise OriginalsLeft(
                f"{left} of the originals would have been left in the anonymised recording; nothing was written.",
                hint="A shorter slice has fewer names and numbers to avoid; please report it otherwise.",
            )
        return text

    def frame(self, frame: str) -> str:
        """A frame's text, anonymous; one that is no JSON is taken for free text."""
        return self._frame(frame, self.names.of_text)

    def value(self, value: Any, key: str = "") -> Any:
        """A value of JSON, anonymous."""
        return self._value(value, key, self.names.of_text)

    # -- the walk ------------------------------------------------------------------------------------------------------

    def _frame(self, frame: str, texts: Callable[[str, Keep], str]) -> str:
        known = _loaded(frame)
        if known is None:
            return _text(frame, texts)
        return _written(self._value(known, "", texts))

    def _value(self, value: Any, key: str, texts: Callable[[str, Keep], str]) -> Any:
        if isinstance(value, dict):
            return {self._key(name, texts): self._value(each, str(name), texts) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(each, key, texts) for each in value]
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int | float | _Number):
            return self._number(value, key, texts)
        if not isinstance(value, str) or stays(value, key):
            return value
        if value[:1] in ("{", "[") and (inner := _loaded(value)) is not None:
            return _written(self._inner(inner, texts), escape=False)
        return _text(value, texts)

    def _inner(self, value: Any, texts: Callable[[str, Keep], str]) -> Any:
        """JSON inside a text: nobody knows its fields, so its keys are texts like others."""
        if isinstance(value, dict):
            return {_text(name, texts): self._inner(each, texts) for name, each in value.items()}
        if isinstance(value, list):
            return [self._inner(each, texts) for each in value]
        return self._value(value, "", texts)

    def _key(self, name: str, texts: Callable[[str, Keep], str]) -> str:
        """A key stays, unless it is no name of a field, or an unknown one that tells an original."""
        if name in _KEYS or (_NAME.fullmatch(name) and not self.names.originals_in(name, _nothing)):
            return name
        return _text(name, texts)

    def _number(self, value: Any, key: str, texts: Callable[[str, Keep], str]) -> Any:
        if key in _NUMBERS or stays(str(value), key) or not str(value)[-1:].isdigit():
            return value
        made = texts(str(value), lambda run: len(run) < 3)
        return _Number(made) if isinstance(value, _Number) else type(value)(made)


def stays(value: str, key: str) -> bool:
    """Whether a value under a key is a time, or a word of the protocol."""
    if key in _TIMES and _A_TIME.fullmatch(value):
        return True
    lowered = value.lower()
    return lowered in _ALWAYS or lowered in _WORDS.get(key, ())


def _text(text: str, texts: Callable[[str, Keep], str]) -> str:
    """Free text, an address, or a description of media."""
    if _MEDIA.match(text):
        return texts(text, lambda run: run.casefold() in _MEDIA_WORDS)
    parts, end = [], 0
    for found in _APART.finditer(text):
        word = quote(texts(unquote(found[0]), _nothing), safe="+~") if found["quoted"] else found[0]
        parts += [texts(text[end : found.start()], _nothing), word]
        end = found.end()
    return "".join((*parts, texts(text[end:], _nothing)))


def _nothing(run: str) -> bool:
    return False


def _loaded(text: str) -> Any:
    """An object or array of JSON with its numbers as they stand; None for anything else."""
    try:
        value = json.loads(text, parse_float=_Number, parse_int=_Number, parse_constant=_Number)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _written(value: Any, *, escape: bool = True) -> str:
    """JSON of what `_loaded` gave."""
    write = partial(_written, escape=escape)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{write(name)}: {write(each)}' for name, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(write, value))}]"
    return str(value) if isinstance(value, _Number) else json.dumps(value, ensure_ascii=escape)
