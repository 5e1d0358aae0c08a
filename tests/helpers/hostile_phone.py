"""A PBX that goes mad on the socket of a phone, in all its dialects, and what the media may be told in spite of it."""

from __future__ import annotations

import ipaddress
import json
import random
import re
import zlib
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from pbxnb.phone.leg import MediaState, Signalling
from pbxnb.phone.line import LineLeg, PhoneLine
from pbxnb.protocol import messages as m
from pbxnb.protocol.decode import decode
from tests.protocol.test_protocol_sdp import BROWSER

__all__ = ["PHONE_FRAMES", "Phones", "addresses_in", "candidate_line", "may_be_sent_to"]

PBX = "192.0.2.1"
ADDRESSES = (
    PBX, "192.0.2.7", "198.51.100.9", "127.0.0.1", "127.0.0.53", "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.1.1.1",  # noqa: S104 - named, not bound
    "255.255.255.255", "240.0.0.1", "169.254.1.1", "::1", "::ffff:127.0.0.1", "::ffff:192.0.2.1", "fe80::1", "ff02::1",
    "::", "2001:db8::7", "phone.local", "localhost", "010.0.0.1", "1e3", "192.0.2.1%eth0",
)  # fmt: skip
PORTS = (0, 1, 22, 53, 443, 1023, 1024, 5060, 40_000, 65_535, 65_536, 99_999)


def candidate_line(address: str, port: int, protocol: str = "udp") -> str:
    return f"candidate:1 1 {protocol} 2130706431 {address} {port} typ host"


def _frames() -> list[bytes]:
    lines = [candidate_line(address, port) for address in ADDRESSES for port in (40_000, 22)]
    lines += [candidate_line(PBX, port) for port in PORTS] + [candidate_line(PBX, 9, "tcp")]
    told: list[dict[str, Any]] = [{"candidate": line, "callid": "9@pbx"} for line in lines]
    every = [[address, 40_000] for address in ADDRESSES] + [[PBX, port] for port in PORTS]
    told += [{"candidate": lines[0], "adr": every[at : at + 9], "callid": "9@pbx"} for at in range(0, 36, 9)]
    for text in (BROWSER, BROWSER + "".join(f"a={line}\r\n" for line in lines[:16]), BROWSER + f"a={lines[3]}\r\n"):
        told += [{"invitesdp": text, "callid": "9@pbx", "cseq": 101, "from": "<sip:41@acme.example>"}]
        told += [{"sdp": text, "code": code, "callid": "9@pbx", "cseq": 101} for code in (183, 200, 486)]
    told += [{"bye": True, "callid": "9@pbx", "code": 415}, {"cancel": "true", "callid": "9@pbx"}]
    told += [
        {"action": "bye-response", "callid": "9@pbx"},
        {"action": "sip-register", "expires": 60, "add": "sip:40@x"},
    ]
    return [json.dumps(frame).encode() for frame in told]


PHONE_FRAMES = _frames()
_ADDRESS = re.compile(r"candidate:\S+ \d+ \S+ \d+ (\S+) (\d+)")


def addresses_in(text: str) -> set[tuple[str, int]]:
    """Every address that a text tells a media stack to send to."""
    return {(address, int(port)) for address, port in _ADDRESS.findall(text)}


def may_be_sent_to(address: str, port: int, pbx: Collection[str], hosts: Collection[str] | None) -> bool:
    """The rule, written once more: one machine, a port of no system service; loopback only with such a PBX."""
    one = ipaddress.ip_address(address)
    one = getattr(one, "ipv4_mapped", None) or one
    known = {ipaddress.ip_address(each) for each in (*pbx, *(hosts or ()))}
    if one in known:
        return 1024 <= port <= 65_535
    if hosts is not None or not 1024 <= port <= 65_535:
        return False
    if one.is_loopback:
        return any(each.is_loopback for each in known)
    several = one.is_multicast or one.is_reserved or one.is_unspecified or one.is_link_local
    return not several and not str(one).startswith("0.")


class Media:
    """Media that check every address that they are given, and describe themselves at once."""

    here = "this page"

    def __init__(self, one: LineLeg, hosts: Collection[str] | None) -> None:
        self._one = one
        self._hosts = hosts

    def make_offer(self) -> None:
        self._one.described("v=0\r\n")

    def answer_offer(self, sdp: str) -> None:
        self.take_candidates((sdp,))
        self._one.described("v=0\r\n")

    def take_answer(self, sdp: str) -> None:
        self.take_candidates((sdp,))

    def take_candidates(self, lines: tuple[str, ...]) -> None:
        for address, port in addresses_in("\n".join(lines)):
            assert may_be_sent_to(address, port, (PBX,), self._hosts), f"{address}:{port} would be sent to"

    def flow(self, send: bool, hear: bool) -> None:
        pass

    def close(self) -> None:
        pass


class Phones:
    """Phones of every dialect, strict about addresses and not: whatever comes and is done, nothing breaks."""

    def __init__(self) -> None:
        self.count = 0
        self._lines: list[PhoneLine] = []

    def __call__(self, raw: bytes) -> None:
        if self.count % 500 == 0:
            self._lines = [self._line(one, hosts) for one in Signalling for hosts in (None, ())]
        self.count += 1
        chance = random.Random(zlib.crc32(raw))
        line = self._lines[self.count % len(self._lines)]
        if line.calls:
            self._act(line.calls[0], chance)
        elif chance.random() < 0.5:
            line.dial("41", lambda one: Media(one, line.media_hosts))
        line.told(decode(raw))
        repr(line.calls)

    def _act(self, one: LineLeg, chance: random.Random) -> None:
        media = Media(one, one._line.media_hosts)
        acts: tuple[Callable[[], object], ...] = (
            lambda: one.answer(media), lambda: one.answer(media), lambda: one.hold(chance.random() < 0.5),
            lambda: one.mute(chance.random() < 0.5), lambda: one.sounds(chance.choice(list(MediaState))),
            lambda: one.found({"candidate": candidate_line("192.0.2.50", 5000)}), lambda: one.found(None),
            one.hangup, lambda: one.reject(603), lambda: one.gone("the test"),
        )  # fmt: skip
        if chance.random() < 0.3:
            chance.choice(acts)()

    def _line(self, signalling: Signalling, hosts: Collection[str] | None) -> PhoneLine:
        line = PhoneLine("40", _Socket(signalling, self), media_hosts=hosts)
        line.connected()
        line.told(m.SipRegister(add="sip:40@acme.example", expires=3600.0))
        return line


class _Socket:
    """Where frames go to nowhere, and time passes with the inputs."""

    hosts = (PBX,)

    def __init__(self, signalling: Signalling, phones: Phones) -> None:
        self.signalling = signalling
        self._phones = phones

    def send(self, frame: dict[str, Any]) -> None:
        json.dumps(frame)

    def later(self, seconds: float, fn: Callable[[], object]) -> Callable[[], None]:
        return lambda: None

    def now(self) -> float:
        return self._phones.count / 100

    def at(self) -> datetime:
        return datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
