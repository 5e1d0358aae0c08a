"""Parties of a call: SIP name-addr strings taken apart and put together (protocol.md 3).

Every text is a stranger's: nothing here raises, and only what is made to be shown (`party_text`) is cleaned.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote

import msgspec

from pbxnb.shown import Shown
from pbxnb.text import clean

__all__ = ["NOBODY", "Party", "format_party", "parse_party", "party_text", "split_party"]

CACHED = 256  # characters; longer texts are read anew each time, so that strangers cannot fill the memory
_SCHEME = re.compile(r"(sips?|tel):", re.IGNORECASE)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = re.compile(r'(?:[^"\\]|\\.)*\\?', re.DOTALL)  # a last backslash escapes nothing
_DIALLED = re.compile(r"[+*#(\d][\d*#+().\-\s]*|[^\s<>\"]+")  # a number as people write it, or any single word
_DIGITS = re.compile(r"[+*#]*\d[\d*#]*|\*+")
_SEPARATORS = str.maketrans("", "", "-.() ")  # what RFC 3966 lets people put into a tel: number
_SAFE_USER = "-_.!~*'()&=+$,/"  # what RFC 3261 lets stand in a user part as it is (";" and "?" start other parts)


class Party(Shown, frozen=True, gc=False):
    """One side of a call.

    Attributes:
        number: the user part of the address: an extension, a number with its ``+``, a star code; may be empty.
        name: the display name, unquoted; may be empty. Text of a stranger: show it, never trust it.
        domain: the host part; may be empty.
        uri: the address as received, without the display name; empty when only a number was given.
    """

    number: str = ""
    name: str = ""
    domain: str = ""
    uri: str = ""

    def _sentence(self) -> str:
        return party_text(self)


def party_text(party: Party, limit: int = 60) -> str:
    """How people call this party, as one safe line: number and name, whichever there is.

    Example:
        >>> party_text(Party(number="207", name="Ann Lee"))
        '207 Ann Lee'
    """
    number, name = clean(party.number, limit), clean(party.name, limit)
    return clean(f"{number} {name}".strip() if name != number else number, limit)


NOBODY = Party()


def parse_party(text: str) -> Party:
    """Reads one party from any of the forms the PBX writes.

    Args:
        text: a name-addr (``"Jo Field" <sip:204@acme.example>``), an address, a bare number, or only a name.

    Returns:
        The party; `NOBODY` for an empty text. Never raises.

    Example:
        >>> parse_party('"Jo Field" <sip:+15550100@acme.example;user=phone>').number
        '+15550100'
    """
    return _cached_party(text) if len(text) <= CACHED else _parse(text)


def format_party(party: Party) -> str:
    """Writes a party so that `parse_party` reads the same number, name and domain again.

    Args:
        party: whom to write; its ``uri``, where it has one, is written as it stands.

    Returns:
        A name-addr, or a bare number where there is neither name nor domain; empty for `NOBODY`.
    """
    address = party.uri
    if not address and party.domain:
        address = f"sip:{quote(party.number, safe=_SAFE_USER, errors='replace')}@{party.domain}"
    if not party.name:
        if address:
            return f"<{address}>"
        return party.number if parse_party(party.number) == party else _bare(party.number)
    escaped = party.name.replace("\\", "\\\\").replace('"', '\\"')
    if not address and not party.number:
        return f'"{escaped}"'
    return f'"{escaped}" <{address}>' if address else f'"{escaped}" {_bare(party.number)}'


def split_party(number: str, name: str) -> Party:
    """Builds a party from the split fields some versions send (``from-number``, ``from-name``).

    Args:
        number: the number; an address or a name-addr is taken apart.
        name: the display name; wins over a name found in ``number``.
    """
    party = parse_party(number)
    if not party.number and not party.domain:
        party = Party(number=number.strip())  # it stands in the number's field, so it is one, whatever it looks like
    return msgspec.structs.replace(party, name=name) if name and name != party.name else party


def _parse(text: str) -> Party:
    text = text.strip()
    if quoted := _QUOTED.match(text):
        rest = text[quoted.end() :].strip()
        if not rest:
            return Party(name=_name(quoted[0]))
        if rest.startswith("<"):  # a parameter behind the address may hold brackets too
            return _address(rest[1:], _name(quoted[0]))
        if '"' in rest.partition("<")[0]:
            quoted = None  # a quote inside the name that its writer did not escape: only the last one closes it
    name, rest = (_name(quoted[0]), rest) if quoted else ("", text)
    head, bracket, tail = rest.rpartition("<")
    if bracket:
        return _address(tail, _joined(name, _name(head.strip())))
    if _SCHEME.match(rest) or "@" in rest:
        return _address(rest, name)
    if _DIALLED.fullmatch(rest):
        return Party(number=rest, name=name)
    return Party(name=_joined(name, _name(rest)))


def _name(text: str) -> str:
    """A display name without its quotes; where one is missing or not escaped as it should be, no text is lost."""
    if not text.startswith('"'):
        return text
    inner = text[1:].removesuffix('"')
    return _ESCAPE.sub(r"\1", inner) if _ESCAPED.fullmatch(inner) else inner


_cached_party = lru_cache(maxsize=16384)(_parse)


def _joined(name: str, rest: str) -> str:
    return f"{name} {rest}" if name and rest else name or rest


def _address(text: str, name: str) -> Party:
    uri = text.partition(">")[0].strip()
    scheme = _SCHEME.match(uri)
    rest = uri[scheme.end() :] if scheme else uri
    if scheme and scheme[1].lower() == "tel":
        return Party(number=_unquote(rest.partition(";")[0]).translate(_SEPARATORS), name=name, uri=uri)
    user, at, host = rest.rpartition("@")
    if at:
        user = user.partition(":")[0].partition(";")[0]  # neither a password nor parameters belong to the number
    elif scheme:
        user, host = _lone(rest)
    else:
        user, host = rest.partition(";")[0], ""
    return Party(number=_unquote(user), name=name, domain=_host(host), uri=uri if scheme or at else "")


def _lone(rest: str) -> tuple[str, str]:
    """Tells a number from a host where an address has no ``@``."""
    text = rest.partition(";")[0].partition("?")[0]
    return (text, "") if _DIGITS.fullmatch(text) else ("", rest)


def _host(text: str) -> str:
    host = text.partition(";")[0].partition("?")[0].strip()
    end = host.find("]") + 1  # an IPv6 address keeps its brackets and its colons
    return (host[:end] + host[end:].partition(":")[0]).rstrip(".")


def _unquote(user: str) -> str:
    return unquote(user, errors="replace") if "%" in user else user


def _bare(number: str) -> str:
    return f"<{quote(number, safe=_SAFE_USER, errors='replace')}>"
