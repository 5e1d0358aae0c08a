"""A frame made readable: its kind, whom it is about, one line of it, and every field explained. Pure; bounded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from pbxnb.model.changes import Frame
from pbxnb.model.derive import RULES
from pbxnb.model.entities import Evidence
from pbxnb.protocol.messages import (
    AccountEntry,
    CallEntry,
    CallState,
    DomainState,
    Malformed,
    Unknown,
    UserState,
)
from pbxnb.protocol.redact import redact
from pbxnb.protocol.registry import explain_field, row
from pbxnb.text import clean
from pbxnb.zones import clock_text

__all__ = ["Wish", "evidence_rows", "explained", "kind_of", "line", "matches"]

MOST_FIELDS = 400
_DEEP = 12
_LINE_OF = 1_000  # characters of a frame that its line is made of
_MOST_TEXT = 200_000  # characters of a frame that are looked at for display


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to see; empty means everything.

    Attributes:
        direction: ``in``, ``out`` or empty.
        kinds: names of messages.
        account: number of an account.
        call: id of a call.
        words: all of them must be in the text, whatever their case.
    """

    direction: str = ""
    kinds: frozenset[str] = frozenset()
    account: str = ""
    call: str = ""
    words: tuple[str, ...] = ()


def kind_of(frame: Frame) -> str:
    """Return the name of a frame's message: its action or key, ``malformed``, or ``?`` where it has none."""
    message = frame.message
    if isinstance(message, Malformed):
        return "malformed"
    if isinstance(message, Unknown):
        return clean(message.action, 40) or "?"
    if message is not None:
        return message.kind
    body = _object(frame.text)
    return clean(body.get("action"), 40) or "?" if body else "?"


def matches(frame: Frame, wish: Wish) -> bool:
    """Whether somebody wants to see this frame; the cheap questions come first."""
    if wish.direction and frame.direction != wish.direction:
        return False
    if wish.kinds and kind_of(frame) not in wish.kinds:
        return False
    if wish.words:
        text = frame.text.lower()
        if not all(word in text for word in wish.words):
            return False
    if not wish.account and not wish.call:
        return True
    accounts, calls = _about(frame)
    return (not wish.account or wish.account in accounts) and (not wish.call or wish.call in calls)


def line(frame: Frame, zone: ZoneInfo) -> list[Any]:
    """Return a frame as one line: number, direction, time in the zone, kind, size, the beginning of its text."""
    at = clock_text(frame.received, zone, "milliseconds")
    return [frame.seq, frame.direction, at, kind_of(frame), _size(frame), clean(redact(frame.text[:_LINE_OF]), 160)]


def explained(frame: Frame, zone: ZoneInfo) -> dict[str, Any]:
    """Return all there is to say of a frame: what its message is for, and each field with its meaning.

    ``rows`` holds ``[path, value, meaning, unit, certainty, section]`` for every leaf, at most 400; an empty meaning is
    a field the register does not know.
    """
    kind = kind_of(frame)
    entry = row(kind, "s2c" if frame.direction == "in" else "c2s")
    body = _object(frame.text)
    facts: dict[str, Any] = {
        "line": line(frame, zone),
        "text": redact(frame.text[:_MOST_TEXT]),
        "cut": _size(frame) > _MOST_TEXT,
        "meaning": entry.meaning if entry else "",
        "grade": entry.grade if entry else "",
        "section": entry.section if entry else "",
        "reason": frame.message.reason if isinstance(frame.message, Malformed) else "",
    }
    rows: list[list[str]] = []
    fields = {name.rstrip("?~"): type_ for name, type_ in entry.fields.items()} if entry else {}
    for path, value in _leaves(body, "", _DEEP):
        if len(rows) == MOST_FIELDS:
            facts["more"] = True
            break
        rows.append(
            [clean(path, 120), clean(redact(_shown(value)), 300), *_note(kind, frame.direction, path, fields, entry)]
        )
    return {**facts, "rows": rows}


def evidence_rows(
    evidence: tuple[Evidence, ...], received: Callable[[Evidence], datetime | None], zone: ZoneInfo
) -> list[list[Any]]:
    """Return why an account looks as it does: ``[axis, sentence, source, frame, inferred, detail, received]`` each.

    Args:
        evidence: what the model keeps.
        received: when one of them arrived, on the clock of the frames; None where that is not known.
        zone: of that time.
    """
    rows = []
    for one in evidence[:100]:
        rule = RULES.get(one.rule)
        sentence, source = (rule.sentence, rule.source) if rule else (clean(one.rule, 80), "")
        at = received(one)
        cells = [clean(one.axis, 20), sentence, source, one.seq, one.inferred, clean(one.detail, 200)]
        rows.append([*cells, "" if at is None else clock_text(at, zone, "milliseconds")])
    return rows


def _size(frame: Frame) -> int:
    """What it had; of a large one that could not be read only the beginning is kept."""
    return frame.message.size if isinstance(frame.message, Malformed) else len(frame.text)


def _note(kind: str, direction: str, path: str, fields: dict[str, str], entry: Any) -> list[str]:
    """Meaning, unit, certainty and section of a field; all empty where nothing is known of it."""
    note = explain_field(kind, path) if direction == "in" or path == "action" else None
    if note is not None:
        return [note.meaning, note.unit, note.certainty, note.section]
    if entry is not None and path.partition(".")[0].partition("[")[0] in fields and direction == "out":
        name = path.partition(".")[0].partition("[")[0]
        return [f"What we send: {fields[name]}.", "", entry.grade, entry.section]
    return ["", "", "", ""]


def _about(frame: Frame) -> tuple[set[str], set[str]]:
    """The accounts and calls a frame names."""
    message = frame.message
    if isinstance(message, UserState):
        return _entries((message.entry,), ())
    if isinstance(message, CallState):
        return _entries((), message.calls)
    if isinstance(message, DomainState):
        return _entries(message.accounts, message.calls if isinstance(message.calls, tuple) else ())
    body = _object(frame.text) or {}
    accounts = {str(body[name]) for name in ("account", "from", "to", "src", "dest", "number") if name in body}
    return accounts, {str(body[name]) for name in ("id", "id2", "callid") if name in body}


def _entries(accounts: tuple[AccountEntry, ...], calls: tuple[CallEntry, ...]) -> tuple[set[str], set[str]]:
    numbers, ids = {entry.account for entry in accounts}, set()
    for entry in accounts:
        calls += entry.calls if isinstance(entry.calls, tuple) else ()
    for call in calls:
        ids.add(call.id)
        numbers.update((call.from_.number, call.to.number, *call.extensions))
    return numbers, ids


def _object(text: str) -> dict[str, Any] | None:
    if len(text) > _MOST_TEXT:
        return None
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _leaves(value: Any, path: str, deep: int) -> Iterator[tuple[str, Any]]:
    """Every value with its path; an empty or a too deep container is a leaf."""
    if deep and isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key), deep - 1)
    elif deep and isinstance(value, list) and value:
        for at, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{at}]", deep - 1)
    elif value is not None or path:
        yield path, value


def _shown(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "too deep to show"
