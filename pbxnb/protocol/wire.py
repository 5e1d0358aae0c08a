"""The quick way for the three messages that come by the thousand, in their usual spelling (protocol.md 6.1-6.3).

Typed Structs that forbid unknown fields are filled by msgspec; whatever does not fit is left to the tolerant way.
Lists are split into raw entries first, so one odd entry costs only itself, and a call that has not changed since the
last list is recognised by its bytes and comes back as the very same value.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .entries import read_account, read_call
from .fields import plain
from .messages import AccountEntry, CallEntry, CallState, DomainState, Message, UserState
from .raw import BadFrame, load, tidy

__all__ = ["quick"]

_CACHED = 2048  # bytes; a longer entry is read anew each time
_ROOM = 7  # bytes; no key of an envelope fits into so few

_Text = str | UnsetType
_Scalar = str | int | bool | None | UnsetType


class _Account(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    account: str
    type: _Text = UNSET
    domain: _Text = UNSET
    name: _Text = UNSET
    registered: bool | UnsetType = UNSET
    dnd: bool | UnsetType = UNSET
    chatstatus: _Text = UNSET
    code: _Scalar = UNSET
    calls: Raw | UnsetType = UNSET
    tag: _Scalar = UNSET


class _UserState(_Account, forbid_unknown_fields=True, gc=False, tag_field="action", tag="user-state"):
    pass


class _CallState(msgspec.Struct, forbid_unknown_fields=True, gc=False, tag_field="action", tag="call-state"):
    calls: Raw


class _DomainState(msgspec.Struct, forbid_unknown_fields=True, gc=False, tag_field="action", tag="domain-state"):
    accounts: Raw
    calls: Raw | UnsetType = UNSET
    messages: Raw | UnsetType = UNSET


_envelope = msgspec.json.Decoder(_UserState | _CallState | _DomainState).decode
_entries = msgspec.json.Decoder(list[Raw] | None).decode
_account = msgspec.json.Decoder(_Account).decode


def quick(raw: bytes) -> Message:
    """Reads a frame in the usual spelling.

    Raises:
        BadFrame, msgspec.DecodeError, UnicodeDecodeError, RecursionError: it is not; take the tolerant way.
    """
    wire = _envelope(raw)
    kind = type(wire)
    if kind is _UserState:
        if not tidy(raw, wire):
            raise BadFrame("A key may stand twice.")
        return UserState(entry=_make_account(wire))
    if not tidy(raw, wire, _ROOM):
        raise BadFrame("A key may stand twice.")
    if kind is _CallState:
        if bytes(wire.calls) == b"null":
            raise BadFrame("The calls are null.")
        return CallState(calls=_make_calls(wire.calls))
    return DomainState(
        accounts=tuple([_read_account(entry) for entry in _entries(wire.accounts) or ()]),
        calls=UNSET if wire.calls is UNSET else _make_calls(wire.calls),
        messages=UNSET if wire.messages is UNSET else plain(load(bytes(wire.messages))),
    )


def _make_calls(raw: Raw) -> tuple[CallEntry, ...]:
    return tuple([_read_call(bytes(entry)) for entry in _entries(raw) or ()])


def _read_account(entry: Raw) -> AccountEntry:
    text = bytes(entry)
    try:
        wire = _account(text)
    except msgspec.ValidationError:
        return read_account(_object(text))
    return _make_account(wire) if tidy(text, wire) else read_account(_object(text))


def _make_account(wire: _Account) -> AccountEntry:
    calls = wire.calls
    return AccountEntry(
        account=wire.account,
        name=wire.name,
        type=wire.type,
        domain=wire.domain,
        registered=wire.registered,
        dnd=wire.dnd,
        chatstatus=wire.chatstatus,
        code=wire.code,
        calls=UNSET if calls is UNSET else _make_calls(calls),
        tag=wire.tag,
    )


def _read_call(text: bytes) -> CallEntry:
    return _cached_call(text) if len(text) <= _CACHED else _fresh_call(text)


def _fresh_call(text: bytes) -> CallEntry:
    return read_call(_object(text))


_cached_call = lru_cache(maxsize=8192)(_fresh_call)


def _object(text: bytes) -> dict[str, Any]:
    value = load(text)
    if not isinstance(value, dict):
        raise BadFrame("An entry is no object.")
    return value
