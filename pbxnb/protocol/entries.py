"""Calls and accounts out of JSON objects, tolerantly: every spelling of protocol.md 6.1-6.3 and 9 becomes one shape.

The slow, complete way; `wire` holds the quick one for the usual spelling and comes back here for all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msgspec import UNSET, UnsetType

from .bounds import bounded
from .fields import Fields, as_text, shape
from .messages import AccountEntry, CallEntry
from .parties import Party, parse_party, split_party

__all__ = ["account_entry", "call_entry", "read_account", "read_call", "read_calls", "recording", "side", "split_marks"]

# What other resources call the same thing: the REST directory and the REST call list (rest.md 2.1, 2.2).
_NAME_KEYS = ("displayname", "display_name", "display")
_CACHED = 256  # characters, as for parties
_NO_RECORDING = frozenset(("", "false", "off", "0"))


def call_entry(obj: Mapping[str, Any]) -> CallEntry:
    """Reads a call from a dict: an entry of a call list, or a row of REST ``/calls`` (protocol.md 10.1).

    REST may call the state ``status``.

    Args:
        obj: the JSON object; not changed.
    """
    row = dict(obj)
    if "status" in row and not row.get("state") and not row.get("callstate"):
        row["state"] = row.pop("status")
    return read_call(row)


def account_entry(obj: Mapping[str, Any]) -> AccountEntry:
    """Reads an account from a dict: an entry of ``domain-state``, or a row of a REST directory (rest.md 2.1).

    REST calls the number ``account``, ``name`` or ``number``, and says ``regs`` (a count) for ``registered``.

    Args:
        obj: the JSON object; not changed.
    """
    row = dict(obj)
    if "account" not in row:
        number = next((key for key in ("number", "name") if as_text(row.get(key))), None)
        if number is not None:
            row["account"] = row.pop(number)
    for key in _NAME_KEYS:
        if not row.get("name") and isinstance(row.get(key), str):
            row["name"] = row.pop(key)
    if "usertype" in row:
        row.setdefault("type", row.pop("usertype"))
    regs = as_text(row.get("regs"))
    if regs is not None and regs.isdecimal():
        row.setdefault("registered", int(regs) > 0)
    return read_account(row)


def read_call(obj: dict[str, Any]) -> CallEntry:
    """Reads one call, by the names of the socket only; takes the object apart."""
    fields = Fields(obj)
    raw_state = fields.string("state")
    if not raw_state:
        raw_state = fields.string("callstate")
    elif as_text(obj.get("callstate")) in ("", raw_state):
        del obj["callstate"]
    extensions, marked = _extensions(fields)
    entry = CallEntry(
        id=fields.string("id"),
        from_=_party(fields, "from"),
        to=_party(fields, "to"),
        raw_state=raw_state,
        start=fields.moment("start"),
        connect=fields.moment("connect"),
        extensions=extensions,
        marked=marked,
        recording=_recording(fields),
        cmc=fields.string("cmc"),
        extra=fields.extra(),
    )
    return bounded(entry)


def read_calls(fields: Fields, key: str = "calls") -> tuple[CallEntry, ...] | UnsetType:
    """Reads a field that holds calls: an array, a single object, or null for none; UNSET when absent or unreadable."""
    objects = fields.objects(key)
    return UNSET if objects is None else tuple([read_call(dict(entry)) for entry in objects])


def read_account(obj: dict[str, Any]) -> AccountEntry:
    """Reads one account, by the names of the socket only; takes the object apart."""
    fields = Fields(obj)
    entry = AccountEntry(
        account=fields.string("account"),
        name=fields.text("name"),
        type=fields.text("type"),
        domain=fields.text("domain"),
        registered=fields.flag("registered"),
        dnd=fields.flag("dnd"),
        chatstatus=fields.text("chatstatus"),
        code=fields.take("code"),
        calls=read_calls(fields),
        tag=fields.take("tag"),
        extra=fields.extra(),
    )
    return bounded(entry)


def side(text: str, number: str, name: str) -> tuple[Party, str, str]:
    """One side of a call from its name-addr and from its split fields.

    The name-addr leads, because it carries the full number (protocol.md 9, no. 30); the split fields fill gaps.

    Returns:
        The party, then the split number and name where they say something else (to be kept in ``extra``), else "".
    """
    if len(text) + len(number) + len(name) <= _CACHED:
        return _cached_side(text, number, name)
    return _side(text, number, name)


def _side(text: str, number: str, name: str) -> tuple[Party, str, str]:
    party = parse_party(text)
    if not number and not name:
        return party, "", ""
    if not party.number:
        split = split_party(number, party.name or name)
        party = Party(split.number, split.name, split.domain or party.domain, split.uri or party.uri)
    elif not party.name:
        party = Party(party.number, name, party.domain, party.uri)
    other = split_party(number, "").number
    return party, number if other and other != party.number else "", name if name != party.name else ""


_cached_side = lru_cache(maxsize=16384)(_side)


def split_marks(entries: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Takes the ``*`` marks off extension numbers (protocol.md 9, no. 29).

    Returns:
        All the numbers in wire order, and those of them that were marked.
    """
    return _cached_marks(entries) if sum(map(len, entries)) <= _CACHED else _marks(entries)


def _marks(entries: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    numbers = tuple(entry.strip().lstrip("*") for entry in entries)
    marked = tuple(number for number, entry in zip(numbers, entries, strict=True) if entry.strip() != number)
    return tuple(filter(None, numbers)), tuple(filter(None, marked))


_cached_marks = lru_cache(maxsize=4096)(_marks)


def _party(fields: Fields, key: str) -> Party:
    number_key, name_key = f"{key}-number", f"{key}-name"
    text, number, name = fields.string(key), fields.string(number_key), fields.string(name_key)
    party, other_number, other_name = side(text, number, name)
    if other_number:
        fields.rest[number_key] = other_number
    if other_name:
        fields.rest[name_key] = other_name
    return party


def _extensions(fields: Fields) -> tuple[tuple[str, ...], tuple[str, ...]]:
    value = fields.rest.pop("extension", None)
    if value is None:
        return (), ()
    entries: list[str] = []
    for place, entry in enumerate(value if isinstance(value, list) else [value]):
        text = as_text(entry)
        if text is None:
            fields.note(f"extension[{place}] is {shape(entry)}, not a number")
        else:
            entries.append(text)
    return split_marks(tuple(entries))


def _recording(fields: Fields) -> str:
    if isinstance(fields.rest.get("rec"), bool):  # not the wire's habit, but clear enough
        fields.rest["rec"] = "true" if fields.rest["rec"] else ""
    return recording(fields.string("rec"))


def recording(text: str) -> str:
    """The ``rec`` field as received; empty for the values that say no recording runs."""
    return "" if text.lower() in _NO_RECORDING else text
