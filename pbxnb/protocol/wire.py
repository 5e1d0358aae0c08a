"""The quick way for the three messages that come by the thousand, in their usual spelling (protocol.md 6.1-6.3).

Typed Structs are filled by msgspec; what they cannot hold is left to the tolerant way. Lists are split into raw
entries first, so one odd entry costs only itself, and a call that has not changed since the last list is recognised
by its bytes and comes back as the very same value.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .bounds import SMALL, bounded
from .entries import read_account, read_call, recording, side, split_marks
from .fields import plain
from .messages import NOTHING, AccountEntry, CallEntry, CallState, DomainState, Message, UserState
from .raw import BadFrame, exact, load, tidy
from .times import Moment, parse_moment

__all__ = ["FLAT_KEYS", "quick"]

FLAT_KEYS = (
    "sdp",
    "invitesdp",
    "candidate",
    "bye",
    "cancel",
    "cancelresponse",
    "ringtones",
    "response",
    "info",
    "change",
)
"""Keys that name a message by being there, before ``action`` does, in the order they are tried (protocol.md 3)."""

_ROOM = 4  # bytes; no key with its value fits into so few, the blanks of the usual print of a call-state do

_Text = str | UnsetType
_Scalar = str | int | bool | None | UnsetType


# Every field may be unset: what was not in the text must not be in its print, or `tidy` would count it.


class _Call(msgspec.Struct, gc=False):
    id: _Text = UNSET
    from_: _Text = msgspec.field(name="from", default=UNSET)
    to: _Text = UNSET
    state: _Text = UNSET
    callstate: _Text = UNSET
    from_number: _Text = msgspec.field(name="from-number", default=UNSET)
    from_name: _Text = msgspec.field(name="from-name", default=UNSET)
    to_number: _Text = msgspec.field(name="to-number", default=UNSET)
    to_name: _Text = msgspec.field(name="to-name", default=UNSET)
    extension: tuple[str, ...] | UnsetType = UNSET
    start: Any = UNSET
    connect: Any = UNSET
    cmc: _Text = UNSET
    rec: _Text = UNSET


class _Account(msgspec.Struct, gc=False):
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


class _UserState(_Account, gc=False, tag_field="action", tag="user-state"):
    pass


class _CallState(msgspec.Struct, gc=False, tag_field="action", tag="call-state"):
    calls: Raw


class _DomainState(msgspec.Struct, gc=False, tag_field="action", tag="domain-state"):
    accounts: Raw
    calls: Raw | UnsetType = UNSET
    messages: Raw | UnsetType = UNSET


_envelope = msgspec.json.Decoder(_UserState | _CallState | _DomainState).decode
_entries = msgspec.json.Decoder(list[Raw] | None).decode
_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_call = msgspec.json.Decoder(_Call, float_hook=exact).decode
_account = msgspec.json.Decoder(_Account).decode


def quick(raw: bytes) -> Message:
    """Reads a frame in the usual spelling.

    Raises:
        BadFrame, msgspec.DecodeError, UnicodeDecodeError, RecursionError: it is not; take the tolerant way.
    """
    wire = _envelope(raw)
    extra = _left_over(raw, wire, 0 if type(wire) is _UserState else _ROOM)
    if extra and not extra.keys().isdisjoint(FLAT_KEYS):
        raise BadFrame("A flat key may name the message.")
    if isinstance(wire, _UserState):
        entry = _make_account(wire, extra)
        return UserState(entry=entry if len(raw) <= SMALL else bounded(entry))
    if isinstance(wire, _CallState):
        calls = bytes(wire.calls)
        if calls == b"null":
            raise BadFrame("The calls are null.")
        return CallState(calls=_make_calls(calls), whole=not calls.startswith(b"{"), extra=extra)
    accounts = _entries(wire.accounts)
    if accounts is None:
        raise BadFrame("The accounts are null.")
    return DomainState(
        accounts=tuple([_read_account(bytes(entry)) for entry in accounts]),
        calls=UNSET if wire.calls is UNSET else _make_calls(bytes(wire.calls)),
        messages=UNSET if wire.messages is UNSET else plain(load(bytes(wire.messages))),
        extra=extra,
    )


def _left_over(text: bytes, wire: msgspec.Struct, room: int) -> Mapping[str, Any]:
    """The fields of the text that the Struct has no place for."""
    if tidy(text, wire, room):
        return NOTHING
    fields = _fields(text)
    if not tidy(text, fields):
        load(text)  # refuses repeated keys
    known = (*wire.__struct_encode_fields__, wire.__struct_config__.tag_field)
    return {key: plain(load(bytes(value))) for key, value in fields.items() if key not in known} or NOTHING


def _read_account(text: bytes) -> AccountEntry:
    try:
        wire = _account(text)
    except msgspec.ValidationError:
        return read_account(_object(text))
    entry = _make_account(wire, _left_over(text, wire, 0))
    return entry if len(text) <= SMALL else bounded(entry)


def _make_account(wire: _Account, extra: Mapping[str, Any]) -> AccountEntry:
    return AccountEntry(
        account=wire.account,
        name=wire.name,
        type=wire.type,
        domain=wire.domain,
        registered=wire.registered,
        dnd=wire.dnd,
        chatstatus=wire.chatstatus,
        code=wire.code,
        calls=UNSET if wire.calls is UNSET else _make_calls(bytes(wire.calls)),
        tag=wire.tag,
        extra=extra,
    )


def _make_calls(text: bytes) -> tuple[CallEntry, ...]:
    """The calls of a list, of null, or of a single call without a list around it."""
    texts = (text,) if text.startswith(b"{") else map(bytes, _entries(text) or ())
    return tuple([_cached_call(one) if len(one) <= SMALL else bounded(_fresh_call(one)) for one in texts])


def _fresh_call(text: bytes) -> CallEntry:
    try:
        wire = _call(text)
    except msgspec.ValidationError:
        return read_call(_object(text))
    extra = _left_over(text, wire, 0)
    from_, other_from_number, other_from_name = side(wire.from_ or "", wire.from_number or "", wire.from_name or "")
    to, other_to_number, other_to_name = side(wire.to or "", wire.to_number or "", wire.to_name or "")
    start, connect = _moment(wire.start), _moment(wire.connect)
    contradiction = other_from_number or other_from_name or other_to_number or other_to_name
    if contradiction or start is UNSET or connect is UNSET or (wire.state and wire.callstate):
        return read_call(_object(text))
    extensions, marked = split_marks(wire.extension) if wire.extension else ((), ())
    return CallEntry(
        id=wire.id or "",
        from_=from_,
        to=to,
        raw_state=wire.state or wire.callstate or "",
        start=start,
        connect=connect,
        extensions=extensions,
        marked=marked,
        recording=recording(wire.rec) if wire.rec else "",
        cmc=wire.cmc or "",
        extra=extra,
    )


_cached_call = lru_cache(maxsize=8192)(_fresh_call)


def _moment(value: Any) -> Moment | UnsetType | None:
    """A time, None for none, UNSET for what is no time."""
    if value is UNSET or value is None or value == "":
        return None
    return parse_moment(value) or UNSET


def _object(text: bytes) -> dict[str, Any]:
    value = load(text)
    if not isinstance(value, dict):
        raise BadFrame("An entry is no object.")
    return value
