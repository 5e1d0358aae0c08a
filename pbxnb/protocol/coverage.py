"""What of the protocol a line has shown so far: actions, fields and values, which of them known. Counts, keeps no text.

Names only: values are counted for the few fields that are vocabularies (states, types), never for numbers or names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from .messages import AccountEntry, CallEntry, CallState, DomainState, Malformed, Message, Unknown, UserState
from .parties import NOBODY
from .registry import KNOWN_VALUES

__all__ = ["Coverage", "CoverageReport", "Seen"]

MOST_NAMES = 2000  # different actions, fields or values counted; a stranger may send a million
LONGEST_NAME = 80  # characters of an unknown name that are kept
_OTHERS = "(others)"
_ACCOUNT_FIELDS = ("type", "chatstatus", "name", "domain", "registered", "dnd", "code", "calls", "tag")
_CALL_FIELDS = ("state", "rec", "id", "from", "to", "extension", "start", "connect", "cmc")
_Names = Counter[tuple[str, bool]]  # (name, known)
_Shapes = dict[tuple[Any, ...], int]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One name that was seen: how often, and whether any rule knows it."""

    name: str
    count: int
    known: bool


class CoverageReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen, the commonest first.

    Attributes:
        messages: frames counted.
        actions: kinds of messages; unknown ones by the action they gave.
        fields: ``kind.path`` of each field, unknown ones as they stood in ``extra``.
        values: ``field=value`` of the fields that are vocabularies.
        malformed: what was wrong with frames, in sentences: those that could not be read, and those with broken bytes.
    """

    messages: int
    actions: tuple[Seen, ...]
    fields: tuple[Seen, ...]
    values: tuple[Seen, ...]
    malformed: tuple[Seen, ...]

    @property
    def unknown(self) -> tuple[Seen, ...]:
        """Everything that no rule knows."""
        return tuple(seen for group in (self.actions, self.fields, self.values) for seen in group if not seen.known)

    def __str__(self) -> str:
        lines = [f"{self.messages:,} messages"]
        for title, group in (("actions", self.actions), ("fields", self.fields), ("values", self.values)):
            lines += ["", title]
            lines += [f"{seen.count:>9,}  {seen.name!a}{'' if seen.known else '  unknown'}" for seen in group]
        return "\n".join(lines)


class Coverage:
    """Counts what messages show. Written by one thread; `report` may be called where that thread is not at work.

    A call that comes again unchanged, in list after list, is counted once.
    """

    def __init__(self) -> None:
        self._messages = 0
        self._kinds: dict[str, int] = {}
        self._unknown: _Names = Counter()
        self._extras: _Names = Counter()
        self._malformed: _Names = Counter()
        # Fields are counted by the shape of the entry that holds them, one step per entry; `report` unfolds them.
        self._accounts: _Shapes = {}
        self._calls: _Shapes = {}
        self._counted: dict[int, CallEntry] = {}  # by identity; holding the entry keeps its identity its own

    def add(self, message: Message, *, broken: bool = False) -> None:
        """Counts one message; ``broken``: bytes of it were no UTF-8 and were read as U+FFFD."""
        self._messages += 1
        if broken:
            _count(self._malformed, "Some bytes are no UTF-8.", known=False)
        kind = message.kind
        if isinstance(message, UserState):
            self._account(kind, message.entry)
        elif isinstance(message, CallState):
            self._call_list(kind, message.calls)
        elif isinstance(message, DomainState):
            for account in message.accounts:
                self._account("domain-state.accounts[]", account)
            self._call_list(kind, message.calls or ())
        elif isinstance(message, Malformed):
            _count(self._malformed, message.reason, known=False)
            return
        elif isinstance(message, Unknown):
            kind = message.action or "(none)"
            _count(self._unknown, kind, known=False)
            self._extra(kind, message.extra)
            return
        self._kinds[kind] = self._kinds.get(kind, 0) + 1
        if message.extra:
            self._extra(kind, message.extra)

    def report(self) -> CoverageReport:
        """What was seen so far, the commonest first."""
        fields: _Names = Counter(self._extras)
        values: _Names = Counter()
        for shapes, names in ((self._accounts, _ACCOUNT_FIELDS), (self._calls, _CALL_FIELDS)):
            for (place, *shape), count in shapes.items():
                for name, part in zip(names, shape, strict=True):
                    if part is False or part is UNSET or part == "":
                        continue
                    fields[f"{place}.{name}", True] += count
                    if name in KNOWN_VALUES:
                        values[f"{name}={part}", str(part).lower() in KNOWN_VALUES[name]] += count
        return CoverageReport(
            messages=self._messages,
            actions=_listed(self._unknown + Counter({(kind, True): count for kind, count in self._kinds.items()})),
            fields=_listed(fields),
            values=_listed(values),
            malformed=_listed(self._malformed),
        )

    def _account(self, place: str, entry: AccountEntry) -> None:
        calls = entry.calls
        shape = (
            place,
            entry.type,
            entry.chatstatus,
            entry.name is not UNSET,
            entry.domain is not UNSET,
            entry.registered is not UNSET,
            entry.dnd is not UNSET,
            entry.code is not UNSET,
            calls is not UNSET,
            entry.tag is not UNSET,
        )
        _count_shape(self._accounts, shape)
        if calls:
            self._call_list(place, calls)
        if entry.extra:
            self._extra(place, entry.extra)

    def _call_list(self, place: str, calls: Iterable[CallEntry]) -> None:
        counted = self._counted
        for call in calls:
            if id(call) in counted:
                continue
            if len(counted) >= MOST_NAMES:
                counted.clear()
            counted[id(call)] = call
            self._call(f"{place}.calls[]", call)

    def _call(self, place: str, call: CallEntry) -> None:
        shape = (
            place,
            call.raw_state,
            call.recording,
            bool(call.id),
            call.from_ != NOBODY,
            call.to != NOBODY,
            bool(call.extensions),
            call.start is not None,
            call.connect is not None,
            bool(call.cmc),
        )
        _count_shape(self._calls, shape)
        if call.extra:
            self._extra(place, call.extra)

    def _extra(self, place: str, extra: Mapping[str, Any]) -> None:
        for name in extra:
            _count(self._extras, f"{place}.{name}", known=False)


def _count_shape(shapes: _Shapes, shape: tuple[Any, ...]) -> None:
    """Counts a shape, unless there are too many, or one of its texts is too long to be a word."""
    count = shapes.get(shape, 0)
    if count or (len(shapes) < MOST_NAMES and all(len(text) <= LONGEST_NAME for text in shape if type(text) is str)):
        shapes[shape] = count + 1


def _count(names: _Names, name: str, *, known: bool) -> None:
    key = (name[:LONGEST_NAME], known)
    names[key if key in names or len(names) < MOST_NAMES else (_OTHERS, known)] += 1


def _listed(names: _Names) -> tuple[Seen, ...]:
    ordered = sorted(names.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Seen(name=name, count=count, known=known) for (name, known), count in ordered)
