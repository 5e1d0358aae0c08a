"""Frames of the server, tolerantly, into one shape (protocol.md 3, 5, 6, 9). Never raises.

Flat keys are looked for before ``action``, in the order of the official reference, by JavaScript's idea of truth.
What no rule understands is kept: unknown kinds whole in ``Unknown.extra``, unknown fields in ``extra``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
from msgspec import UNSET

from . import messages as m
from .entries import account_entry, call_entry, read_account, read_calls, side
from .fields import Fields, as_flag, as_text, shape, truthy
from .parties import parse_party, split_party
from .raw import LARGE, MAX_SIZE, BadFrame, as_bytes, as_unicode, dense, load_frame
from .wire import FLAT_KEYS, quick

__all__ = ["MAX_SIZE", "account_entry", "call_entry", "decode"]

_Reader = Callable[[Fields], m.Message]
_LISTS = {"call-state": b'"id"', "domain-state": b'"account"'}  # what may be large, and what each entity of it has
_INSIDE, _FIELDS = 16, 40  # arrays and objects, and fields, that an entity has at most, all its calls included
_LONGEST_ACTION = 200  # characters of an unknown action that name it; the object itself is kept whole


def decode(raw: bytes | str, *, max_size: int = MAX_SIZE) -> m.Message:
    """Reads one frame of the server.

    Args:
        raw: the frame as it came.
        max_size: bytes; a larger frame is not looked into.

    Returns:
        The message; `messages.Unknown` for what no rule names, `messages.Malformed` with the reason for what is no
        message. Bytes that are no UTF-8 are read as U+FFFD, which no command accepts: a caller's broken name must not
        hide the whole list. Of a frame above 1 MiB that is no list of accounts or calls only the action is read, and it
        is `messages.Malformed`. Calls and parties that were seen before may be the very same objects again.

    Example:
        >>> decode(b'{"action":"call-state","calls":[]}')
        CallState(extra=mappingproxy({}), calls=(), whole=True)
    """
    try:
        text = as_bytes(raw.encode(errors="surrogatepass") if isinstance(raw, str) else raw, max_size)
        if len(text) > LARGE and (action := _no_list(text)) is not None:
            reason = f"A frame of {len(text):,} bytes is no list of accounts or calls."
            return m.Malformed(reason=reason, action=action, size=_size(raw))
        try:
            return quick(text)
        except (BadFrame, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if (mended := as_unicode(text)) != text:
                return decode(mended, max_size=3 * max_size)  # a broken byte is printed in three
            value = load_frame(text, max_size)  # not the usual spelling, or broken: the tolerant way finds out
    except BadFrame as bad:
        return m.Malformed(reason=bad.reason, size=_size(raw))
    action = value.get("action")
    flat = next((key for key in FLAT_KEYS if truthy(value.get(key))), None)
    name, reader = (flat, _FLAT[flat]) if flat else (action, _ACTIONS.get(action) if isinstance(action, str) else None)
    if reader is None:
        return m.Unknown(action=(as_text(action) or "")[:_LONGEST_ACTION], extra=Fields(value).extra())
    try:
        fields = Fields(value)
        if not flat:
            del value["action"]
        return reader(fields)
    except BadFrame as bad:
        return m.Malformed(reason=bad.reason, action=str(name), size=_size(raw))


class _Head(msgspec.Struct, gc=False):
    action: str = "(none)"


_BEGIN = re.compile(rb'\s*\{\s*"action"\s*:\s*"([\w-]{1,200})"', re.ASCII)
_head = msgspec.json.Decoder(_Head).decode


def _no_list(text: bytes) -> str | None:
    """The action of a large frame that is no list of known entities, empty where it cannot be read; None of a list."""
    try:
        action = _head(text).action
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        begin = _BEGIN.match(text)
        action = begin[1].decode() if begin else ""
    sign = _LISTS.get(action)
    if sign is None:
        return action[:_LONGEST_ACTION]
    entities = text.count(sign)
    many = text.count(b"{") + text.count(b"[") > _INSIDE * entities or text.count(b":") > _FIELDS * entities
    return action if many or dense(text) else None


def _size(raw: bytes | str) -> int:
    return len(raw.encode(errors="surrogatepass")) if isinstance(raw, str) else len(raw)


def _call_state(fields: Fields) -> m.Message:
    whole = not isinstance(fields.rest.get("calls"), dict)
    if fields.rest.get("calls") is None:
        raise BadFrame("A call-state without calls says nothing.")
    calls = read_calls(fields)
    if calls is UNSET:
        raise BadFrame(f"The calls of a call-state are {shape(fields.rest['calls'])}, not an array.")
    return m.CallState(calls=calls, whole=whole, extra=fields.extra())


def _domain_state(fields: Fields) -> m.Message:
    accounts = fields.rest.get("accounts", UNSET)
    if not isinstance(accounts, list):
        what = "missing" if accounts is UNSET else f"{shape(accounts)}, not an array"
        raise BadFrame(f"The accounts of a domain-state are {what}.")
    return m.DomainState(
        accounts=tuple(map(read_account, fields.objects("accounts") or ())),
        calls=read_calls(fields),
        messages=fields.take("messages"),
        extra=fields.extra(),
    )


def _user_state(fields: Fields) -> m.Message:
    return m.UserState(entry=read_account(fields.rest))


def _sdp(fields: Fields) -> m.Message:
    return m.Sdp(
        sdp=_described(fields, "sdp"),
        code=fields.integer("code"),
        callid=fields.string("callid"),
        cseq=fields.take("cseq"),
        to=split_party(fields.string("to-user"), fields.string("to-display")),
        reason=fields.string("reason"),
        extra=fields.extra(),
    )


def _invite(fields: Fields) -> m.Message:
    number, name = fields.string("from-user"), fields.string("from-display")
    last_resort = fields.string("from-number")
    from_, other_number, other_name = side(fields.string("from"), number or last_resort, name)
    for key, value in (("from-user" if number else "from-number", other_number), ("from-display", other_name)):
        if value:
            fields.rest[key] = value
    if number and last_resort not in ("", number):
        fields.rest["from-number"] = last_resort
    return m.InviteSdp(
        sdp=_described(fields, "invitesdp"),
        callid=fields.string("callid"),
        cseq=fields.take("cseq"),
        from_=from_,
        to=parse_party(fields.string("to")),
        group=fields.string("group"),
        alertinfo=fields.string("alertinfo"),
        extra=fields.extra(),
    )


def _candidate(fields: Fields) -> m.Message:
    return m.Candidate(
        candidate=_described(fields, "candidate"),
        adr=_addresses(fields),
        callid=fields.string("callid"),
        extra=fields.extra(),
    )


def _bye(fields: Fields) -> m.Message:
    _drop_marker(fields, "bye")
    return m.Bye(
        callid=fields.string("callid"), code=fields.integer("code"), cseq=fields.take("cseq"), extra=fields.extra()
    )


def _cancel(fields: Fields) -> m.Message:
    _drop_marker(fields, "cancel")
    return m.Cancel(callid=fields.string("callid"), cseq=fields.take("cseq"), extra=fields.extra())


def _cancel_response(fields: Fields) -> m.Message:
    _drop_marker(fields, "cancelresponse")
    return m.CancelResponse(callid=fields.string("callid"), extra=fields.extra())


def _sip_register(fields: Fields) -> m.Message:
    add, expires = fields.string("add"), fields.number("expires")
    return m.SipRegister(add=add, expires=expires, extra=fields.extra())


def _caller_id(fields: Fields) -> m.Message:
    callid = fields.string("callid")
    party = split_party(fields.string("number"), fields.string("name"))
    return m.CallerId(callid=callid, party=party, extra=fields.extra())


def _chat(fields: Fields) -> m.Message:
    return m.Chat(dest=fields.string("dest"), message=fields.string("message"), extra=fields.extra())


def _crm_contact(fields: Fields) -> m.Message:
    data, direction, url = fields.string("data"), fields.string("direction"), fields.string("serverurl")
    return m.CrmContact(data=data, direction=direction, serverurl=url, extra=fields.extra())


def _named(kind: type[m.Message]) -> _Reader:
    """A message of which only the name is known: everything it holds goes to ``extra``."""
    return lambda fields: kind(extra=fields.extra())


def _reserved(kind: type[m.Ringtones | m.Response | m.Info | m.Change]) -> _Reader:
    """A flat key of unknown meaning: its value is the body."""

    def read(fields: Fields) -> m.Message:
        body = fields.take(kind.kind)
        return kind(body=body, extra=fields.extra())

    return read


def _described(fields: Fields, key: str) -> str:
    """A text, or the same text inside a browser's description object (protocol.md 9, no. 5)."""
    value = fields.rest.pop(key)
    if isinstance(value, dict):
        inner = value.pop("sdp" if key != "candidate" else key, None)
        fields.rest.update({name: entry for name, entry in value.items() if name not in fields.rest})
        value = inner
    if not isinstance(value, str):
        raise BadFrame(f"The {key} is {shape(value)}, not a text.")
    return value


def _addresses(fields: Fields) -> tuple[tuple[str, int], ...]:
    value = fields.rest.pop("adr", None)
    pairs: list[tuple[str, int]] = []
    for entry in value if isinstance(value, list) else ():
        address, port = entry if isinstance(entry, list) and len(entry) == 2 else (None, None)
        number = as_text(port)
        if isinstance(address, str) and number is not None and number.isdecimal() and len(number) <= 5:
            pairs.append((address, int(number)))
    if value is not None and (not isinstance(value, list) or len(pairs) != len(value)):
        fields.rest["adr"] = value
    return tuple(pairs)


def _drop_marker(fields: Fields, key: str) -> None:
    """Takes the key that only names the message; a value beyond "yes" is kept."""
    if as_flag(fields.rest[key]) is True:
        del fields.rest[key]


_FLAT: dict[str, _Reader] = {
    "sdp": _sdp,
    "invitesdp": _invite,
    "candidate": _candidate,
    "bye": _bye,
    "cancel": _cancel,
    "cancelresponse": _cancel_response,
    "ringtones": _reserved(m.Ringtones),
    "response": _reserved(m.Response),
    "info": _reserved(m.Info),
    "change": _reserved(m.Change),
}
_ACTIONS: dict[str, _Reader] = {
    "call-state": _call_state,
    "domain-state": _domain_state,
    "user-state": _user_state,
    "sip-register": _sip_register,
    "callerid": _caller_id,
    "chat": _chat,
    "crmcontact": _crm_contact,
    **{kind.kind: _named(kind) for kind in (m.Blf, m.RecStart, m.RecStop, m.UserChange, m.MissedCalls, m.ByeResponse)},
}
