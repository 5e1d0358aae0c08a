"""SDP of one audio call: read strictly, repaired, and written again from what was understood (RFC 8866, 8839, 8842).

A media stack trusts the text it is given, and a few hostile kilobytes cost its parser seconds. So no stack sees a text
of the other side: `read` bounds and reads it, `Sdp.text` writes a new one. Addresses are the business of `candidates`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Literal, NamedTuple

import msgspec

from pbxnb.errors import SdpRefused
from pbxnb.text import clean

from ..redact import redact
from .candidates import IceCandidate, candidates_in

__all__ = ["Codec", "Kind", "Sdp", "read"]

Kind = Literal["offer", "answer"]

MOST_TEXT = 16_384
MOST_LINES = 300
MOST_CODECS = 32
MOST_MEDIA = 4
MOST_PAYLOAD = 127

_TEXT = re.compile(r"[\t\n\r\x20-\x7e]*")
_LINE = re.compile(r"([a-z])=(.*)")
_ICE_NAME = re.compile(r"[A-Za-z0-9+/]{4,256}")
_ICE_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_TOKEN = re.compile(r"[\w.+-]{1,32}", re.ASCII)
_RTPMAP = re.compile(r"(\d{1,3}) ([\w.-]{1,32})/([1-9]\d{0,5})(?:/([12]))?", re.ASCII)
_FMTP = re.compile(r"(\d{1,3}) (.*)", re.ASCII)
_PARAMETER = re.compile(r"[\w.,/+-]{1,64}(?:=[\w.,/+-]{1,64})?", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)

_DIGEST_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_PROFILES = ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP")
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_STATIC = {0: "PCMU", 3: "GSM", 8: "PCMA", 9: "G722", 13: "CN"}
"""Payload types that need no ``a=rtpmap``, all of 8000 Hz (RFC 3551)."""
_WHOLE = frozenset({"apt", "max-fr", "max-fs", "maxplaybackrate", "minptime", "stereo", "useinbandfec"})
"""Parameters of ``a=fmtp`` that are whole numbers; a parser may read them as such."""


class Codec(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One codec of an audio line; ``clock`` in Hz, ``parameters`` as in ``a=fmtp``."""

    payload: int
    name: str
    clock: int
    channels: int = 1
    parameters: str = ""


class Sdp(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One side of an audio call, complete: every field is there, whatever the text lacked.

    Attributes:
        kind: ``offer`` or ``answer``.
        ufrag, password: of ICE; secrets of this one call.
        fingerprints: algorithm and value of its certificate.
        setup: who begins DTLS: ``actpass``, ``active``, ``passive``.
        mid: name of the audio line.
        direction: seen from the side that wrote it.
        codecs: in order of preference.
        candidates: that came with it, not yet allowed by anybody.
        others: kinds of its other media lines with their mid, in order; ``audio`` marks the place of the audio line.
        repaired: what was missing or wrong, in words.
    """

    kind: Kind
    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    setup: str
    mid: str
    direction: str
    codecs: tuple[Codec, ...]
    candidates: tuple[IceCandidate, ...] = ()
    others: tuple[tuple[str, str], ...] = (("audio", ""),)
    ice_lite: bool = False
    repaired: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Sdp {self.kind}: {', '.join(codec.name for codec in self.codecs)}; {self.direction}>"

    def text(self, candidates: Iterable[IceCandidate] = ()) -> str:
        """The SDP for a media stack: audio only, nothing in it that was not understood.

        Args:
            candidates: those that may be used, see `candidates.CandidateGate`.
        """
        return "".join(f"{line}\r\n" for line in self._lines(candidates))

    def _lines(self, candidates: Iterable[IceCandidate]) -> Iterator[str]:
        yield from ("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {self.mid}")
        if self.ice_lite:
            yield "a=ice-lite"
        for kind, mid in self.others:
            if kind != "audio":
                yield from (f"m={kind} 0 UDP/TLS/RTP/SAVPF 0", "c=IN IP4 0.0.0.0", f"a=mid:{mid}", "a=inactive")
                continue
            payloads = " ".join(str(codec.payload) for codec in self.codecs)
            yield from (f"m=audio 9 UDP/TLS/RTP/SAVPF {payloads}", "c=IN IP4 0.0.0.0")
            yield from (f"a=mid:{self.mid}", f"a={self.direction}", "a=rtcp-mux")
            yield from (f"a=ice-ufrag:{self.ufrag}", f"a=ice-pwd:{self.password}")
            yield from (f"a=fingerprint:{algorithm} {value}" for algorithm, value in self.fingerprints)
            yield f"a=setup:{self.setup}"
            for codec in self.codecs:
                channels = f"/{codec.channels}" if codec.channels > 1 else ""
                yield f"a=rtpmap:{codec.payload} {codec.name}/{codec.clock}{channels}"
                if codec.parameters:
                    yield f"a=fmtp:{codec.payload} {codec.parameters}"
            yield from (f"a={candidate.line}" for candidate in candidates)


class _Media(NamedTuple):
    """One media line and the attributes below it; those of the session stand in all of them."""

    kind: str
    port: str
    profile: str
    payloads: list[str]
    attributes: dict[str, list[str]]

    def first(self, name: str) -> str:
        return self.attributes.get(name, [""])[0]


def read(text: object, kind: Kind, *, mid: str = "0") -> Sdp:
    """Read the SDP of a PBX, and mend what PBXs leave out (protocol.md 5.1, 5.2).

    Args:
        text: as it came; at most 16 kB and 300 lines.
        kind: what it is: an answer that claims ``actpass`` is taken as ``passive``, as the one before version 69 means
            it (protocol.md 5.1).
        mid: name of the audio line where the text has none; of an answer always, as it must be the offer's.

    Returns:
        Its content: missing ``mid``, direction, ``rtpmap`` of well-known payload types, ``rtcp-mux`` and ``setup`` are
        filled in, other media than audio are switched off, and candidates by TCP or by name are left out.

    Raises:
        SdpRefused: it is no SDP of an encrypted audio call, or larger than any is.

    Example:
        >>> read("v=0", "offer")
        Traceback (most recent call last):
            ...
        SdpRefused: The SDP of the PBX is not used: it has no audio line.
    """
    session, media = _sections(_checked(text))
    audio = [each for each in media if each.kind == "audio"]
    if len(audio) != 1:
        raise _refused("it has no audio line" if not audio else "it has more than one audio line")
    line, repaired = audio[0], list[str]()
    if line.port == "0":
        raise _refused("its audio is switched off")
    if line.profile not in _PROFILES:
        raise _refused("its audio is not encrypted", f"m=audio {line.profile}")
    ufrag, password = line.first("ice-ufrag"), line.first("ice-pwd")
    if not _ICE_NAME.fullmatch(ufrag) or not _ICE_PASSWORD.fullmatch(password):
        raise _refused("it has no name and password of ICE")
    fingerprints = tuple(_fingerprints(line.attributes.get("fingerprint", ())))
    if not fingerprints:
        raise _refused("it has no fingerprint of SHA-256 or better")

    def mended(value: str, known: Collection[str], instead: str, what: str) -> str:
        if value in known:
            return value
        repaired.append(what)
        return instead

    wanted = ("active", "passive", "actpass") if kind == "offer" else ("active", "passive")
    direction = next((each for each in _DIRECTIONS if each in line.attributes), "")
    if "rtcp-mux" not in line.attributes:
        repaired.append("rtcp-mux")
    found = line.first("mid")
    if kind == "offer":
        mid = found if _TOKEN.fullmatch(found) else mid
    if found != mid:
        repaired.append("mid")
    return Sdp(
        kind=kind,
        ufrag=ufrag,
        password=password,
        fingerprints=fingerprints,
        setup=mended(line.first("setup"), wanted, "actpass" if kind == "offer" else "passive", "setup"),
        mid=mid,
        direction=mended(direction, _DIRECTIONS, "sendrecv", "direction"),
        codecs=_codecs(line, repaired),
        candidates=tuple(candidates_in(line.attributes.get("candidate", ()))),
        others=_order(media, mid),
        ice_lite="ice-lite" in session,
        repaired=tuple(repaired),
    )


def _refused(why: str, line: str = "") -> SdpRefused:
    """The error: ``why`` ends its sentence; of the line nothing secret is kept."""
    line = clean(redact(line))
    about = f": {line}" if line else ""
    return SdpRefused(f"The SDP of the PBX is not used: {why}{about}.", why=why, line=line)


def _checked(text: object) -> list[str]:
    """The lines of a text that is small and plain enough to be read."""
    if not isinstance(text, str) or not text:
        raise _refused("it is no text")
    if len(text) > MOST_TEXT:
        raise _refused(f"it is {len(text)} characters long, and {MOST_TEXT} are read")
    if not _TEXT.fullmatch(text):
        raise _refused("it has control or foreign characters")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    if len(lines) > MOST_LINES:
        raise _refused(f"it has {len(lines)} lines, and {MOST_LINES} are read")
    if lines[0] != "v=0":
        raise _refused("it does not begin with v=0", lines[0])
    return lines


def _sections(lines: Iterable[str]) -> tuple[dict[str, list[str]], list[_Media]]:
    """The attributes of the session, and its media; a media line has those of the session where it has none."""
    session: dict[str, list[str]] = {}
    media: list[_Media] = []
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None:
            raise _refused("it has a line that is none of an SDP", line)
        letter, value = found.groups()
        if letter == "m":
            kind, port, profile, *payloads = [*value.split(" "), "", "", ""][: 3 + MOST_CODECS]
            media.append(_Media(kind, port.partition("/")[0], profile, payloads, {}))
            if len(media) > MOST_MEDIA:
                raise _refused(f"it has more than {MOST_MEDIA} media lines")
        elif letter == "a":
            name, _, rest = value.partition(":")
            (media[-1].attributes if media else session).setdefault(name, []).append(rest.strip())
    for each in media:
        for name, values in session.items():
            each.attributes.setdefault(name, values)
    return session, media


def _fingerprints(values: Iterable[str]) -> Iterator[tuple[str, str]]:
    for value in list(values)[:MOST_MEDIA]:
        algorithm, _, digest = value.partition(" ")
        size = _DIGEST_BYTES.get(algorithm.lower())
        if size is not None and re.fullmatch(rf"(?:[0-9A-Fa-f]{{2}}:){{{size - 1}}}[0-9A-Fa-f]{{2}}", digest):
            yield algorithm.lower(), digest.upper()


def _codecs(line: _Media, repaired: list[str]) -> tuple[Codec, ...]:
    """The codecs of the payload types on the line, in its order."""
    named = {payload: found.groups() for payload, found in _by_payload(line, "rtpmap", _RTPMAP)}
    parameters = {payload: _parameters(found[2]) for payload, found in _by_payload(line, "fmtp", _FMTP)}
    codecs: dict[int, Codec] = {}
    for text in line.payloads:
        payload = int(text) if _NUMBER.fullmatch(text) else MOST_PAYLOAD + 1
        if payload > MOST_PAYLOAD or payload in codecs:
            continue
        if (found := named.get(payload)) is not None:
            _, name, clock, channels = found
        elif payload in _STATIC:
            repaired.append("rtpmap")
            name, clock, channels = _STATIC[payload], "8000", None
        else:
            continue
        codecs[payload] = Codec(
            payload=payload,
            name=name,
            clock=int(clock),
            channels=int(channels or 1),
            parameters=parameters.get(payload, ""),
        )
    if not codecs:
        raise _refused("it names no codec")
    return tuple(codecs.values())


def _by_payload(line: _Media, name: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, re.Match[str]]]:
    for value in line.attributes.get(name, ())[:MOST_CODECS]:
        if (found := pattern.fullmatch(value)) is not None:
            yield int(found[1]), found


def _parameters(text: str) -> str:
    """Those of a codec that every parser can read."""
    kept = []
    for each in text.split(";")[:MOST_CODECS]:
        parameter = each.strip()
        name, _, value = parameter.partition("=")
        if _PARAMETER.fullmatch(parameter) and (name not in _WHOLE or _NUMBER.fullmatch(value)):
            kept.append(parameter)
    return ";".join(kept)


def _order(media: Iterable[_Media], mid: str) -> tuple[tuple[str, str], ...]:
    """The kinds of media in their order; a name that is missing, doubled or no name is made up."""
    taken, order = {mid}, list[tuple[str, str]]()
    for number, each in enumerate(media):
        if each.kind == "audio":
            order.append(("audio", mid))
            continue
        name = each.first("mid")
        if not _TOKEN.fullmatch(name) or name in taken:
            name = next(f"m{n}" for n in range(number, number + MOST_MEDIA + 1) if f"m{n}" not in taken)
        taken.add(name)
        order.append((each.kind if each.kind in ("video", "application") else "video", name))
    return tuple(order)
