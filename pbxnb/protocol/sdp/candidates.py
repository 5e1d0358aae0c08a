"""ICE candidates of the other side: each is an order to send UDP to an address, so each is read strictly and allowed.

A stack that is given them as they come sends its first packets wherever a stranger points.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator

import msgspec

__all__ = ["CandidateGate", "IceCandidate", "candidates_in", "read_candidates"]

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

MOST_AT_ONCE = 16
MOST_A_CALL = 64
PER_SECOND = 4
LOWEST_PORT = 1_024
MOST_LINE = 512

_CANDIDATE = re.compile(
    r"(?:a=)?(?:candidate:)?([\w+/]{1,32}) (\d{1,3}) (\w{3,4}) (\d{1,10}) ([\w.:%-]{1,64}) (\d{1,5}) typ (\w{4,5})"
    r"(?: raddr [\w.:%-]{1,64} rport \d{1,5})?(?: [\x21-\x7e]{1,256})*",
    re.ASCII | re.IGNORECASE,
)
_KINDS = ("host", "srflx", "prflx", "relay")
_THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")


class IceCandidate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One address where the other side can be reached by UDP (RFC 8839 5.1).

    Attributes:
        address: an IP address, never a name.
        kind: ``host``, ``srflx``, ``prflx`` or ``relay``.
    """

    foundation: str
    component: int
    priority: int
    address: str
    port: int
    kind: str = "host"

    @property
    def line(self) -> str:
        """As browsers take it: ``candidate:...``."""
        where = f"{self.foundation} {self.component} udp {self.priority} {self.address} {self.port} typ {self.kind}"
        if self.kind == "host":
            return f"candidate:{where}"
        # Where it was seen from is for diagnosis only, and is left out; the grammar wants the words.
        return f"candidate:{where} raddr 0.0.0.0 rport 9"


def read_candidates(text: object, adr: Iterable[tuple[str, int]] = ()) -> tuple[IceCandidate, ...]:
    """The addresses in a candidate of the PBX (protocol.md 5.3).

    Args:
        text: with or without ``candidate:`` in front; empty where there are no more.
        adr: further addresses and ports, each with all else as in the text.

    Returns:
        Those by UDP at an IP address; of a text that is none, nothing.

    Example:
        >>> [found] = read_candidates("1 1 udp 2130706431 192.0.2.1 40000 typ host")
        >>> found.line
        'candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host'
    """
    base = next(candidates_in((text,) if isinstance(text, str) else ()), None)
    if base is None:
        return ()
    found = [base]
    for address, port in list(adr)[:MOST_AT_ONCE]:
        if _is_address(address) and 0 < port < 65_536:
            found.append(msgspec.structs.replace(base, address=address, port=port))
    return tuple(found)


class CandidateGate:
    """Which addresses of the other side a media stack may send to, for one call.

    Args:
        pbx: the addresses of the PBX; loopback is allowed only where one of them is loopback.
        media_hosts: addresses that may be used beside the PBX's own; None for any.

    Attributes:
        foreign: addresses let through that are not the PBX's: worth a warning.

    Example:
        >>> gate = CandidateGate(["192.0.2.1"])
        >>> [first] = read_candidates("1 1 udp 1 192.0.2.1 40000 typ host")
        >>> gate.allows(first, now=0.0), gate.allows(msgspec.structs.replace(first, address="127.0.0.1"), now=0.0)
        (True, False)
    """

    def __init__(self, pbx: Collection[str], media_hosts: Collection[str] | None = None) -> None:
        self.foreign: set[str] = set()
        self._pbx = {_plain(each) for each in pbx}
        self._hosts = None if media_hosts is None else {_plain(each) for each in media_hosts}
        self._allowed: set[tuple[str, int]] = set()
        self._left = float(MOST_AT_ONCE)
        self._asked = 0.0

    @property
    def allowed(self) -> tuple[str, ...]:
        """What was let through, as ``address:port``."""
        return tuple(f"{address}:{port}" for address, port in sorted(self._allowed))

    def allows(self, candidate: IceCandidate, now: float) -> bool:
        """Whether it may be used: a unicast address, a port of no system service, and few a call.

        Args:
            now: seconds of a monotonic clock; after the first 16 candidates 4 a second are let through, 64 in all.
        """
        where = candidate.address, candidate.port
        if where in self._allowed:
            return True
        address = _plain(candidate.address)
        at_home = address in self._pbx or (address.is_loopback and any(each.is_loopback for each in self._pbx))
        known = at_home or self._hosts is None or address in self._hosts
        if not known or candidate.port < LOWEST_PORT or not (at_home or _is_unicast(address)):
            return False
        refilled = min(PER_SECOND, self._left + (now - self._asked) * PER_SECOND)
        self._left, self._asked = max(self._left, refilled), now
        if self._left < 1 or len(self._allowed) >= MOST_A_CALL:
            return False
        self._left -= 1
        self._allowed.add(where)
        if not at_home:
            self.foreign.add(candidate.address)
        return True


def candidates_in(values: Iterable[str]) -> Iterator[IceCandidate]:
    """The addresses in lines of SDP, those by TCP or by name left out."""
    for value in list(values)[:MOST_AT_ONCE]:
        found = _CANDIDATE.fullmatch(value.strip()) if len(value) <= MOST_LINE else None
        if found is None or found[3].lower() != "udp" or not _is_address(found[5]):
            continue
        component, priority, port, kind = int(found[2]), int(found[4]), int(found[6]), found[7].lower()
        if component in (1, 2) and 0 < priority < 2**32 and 0 < port < 2**16 and kind in _KINDS:
            yield IceCandidate(
                foundation=found[1], component=component, priority=priority, address=found[5], port=port, kind=kind
            )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _plain(text: str) -> IpAddress:
    """An address; one of IPv4 that is written as IPv6 is that of IPv4."""
    address = ipaddress.ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_unicast(address: IpAddress) -> bool:
    """An address of one machine, and not this one."""
    special = address.is_multicast or address.is_unspecified or address.is_reserved
    return not (special or address.is_link_local or address.is_loopback or address in _THIS_NETWORK)
