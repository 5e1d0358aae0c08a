"""How much of a stranger's text an entity holds: what is longer is cut, and ``extra["_cut"]`` names what was.

The frame it came in is kept as it came. Knows JSON values and entries, no message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from sys import getsizeof
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from .messages import AccountEntry, CallEntry
from .parties import Party

__all__ = [
    "CUT", "MAX_EXTRA", "MAX_TEXT", "SMALL", "as_many", "bounded", "bounded_extra", "cut_text", "merged_extra",
    "size_of",
]  # fmt: skip

MAX_TEXT = 4096  # bytes of one text, as UTF-8
MAX_EXTRA = 64 * 2**10  # bytes that the ``extra`` of one entity holds in memory, with all that is inside
SMALL = 2048  # bytes of JSON that are not looked into: no text in them is long, and in memory they hold 80 kB at most
CUT = "_cut"
"""The key of ``extra`` that lists the names of what was cut."""

_MOST_NAMED = 20  # names listed under ``_cut``
_LONGEST_NAME = 80
_DOTS = "..."  # end a text that was cut, so that a command tells it; a sign beyond ASCII would double its bytes
_FIELD = 100  # bytes in memory of one key's place, about
_NUMBER = 4  # what a short text counts besides its length: 500 extensions of four digits are as many as a call names
_WIRE = {"from_": "from", "raw_state": "state", "extensions": "extension", "marked": "extension", "recording": "rec"}

_E = TypeVar("_E", AccountEntry, CallEntry)


def cut_text(text: str) -> str:
    """The text, or as much of it as fits into 4 kB with three dots at its end.

    Example:
        >>> cut_text("Jo"), len(cut_text("x" * 1_000_000))
        ('Jo', 4096)
    """
    if len(text) <= MAX_TEXT // 4 or (len(text) <= MAX_TEXT and len(text.encode(errors="surrogatepass")) <= MAX_TEXT):
        return text
    room = MAX_TEXT - len(_DOTS)
    return text[:room].encode(errors="surrogatepass")[:room].decode(errors="ignore") + _DOTS


def bounded(entry: _E) -> _E:
    """The entry, or one in which no text is longer than 4 kB, no list endless, and ``extra`` within 64 kB."""
    cut: dict[str, Any] = {}
    for name in entry.__struct_fields__:
        value = getattr(entry, name)
        kept = (
            cut_text(value) if type(value) is str
            else _party(value) if type(value) is Party
            else as_many(value) if type(value) is tuple
            else value
        )  # fmt: skip
        if kept is not value:
            cut[name] = kept
    extra = bounded_extra(entry.extra, [_WIRE.get(name, name) for name in cut]) if entry.extra or cut else entry.extra
    if extra is not entry.extra:
        cut["extra"] = extra
    return replace(entry, **cut) if cut else entry


def bounded_extra(extra: Mapping[str, Any], cut: Iterable[str] = ()) -> Mapping[str, Any]:
    """Unknown fields within 64 kB of memory: long texts are cut; a field for which no room is left is left out.

    Args:
        extra: plain JSON values.
        cut: names of other fields that were.

    Example:
        >>> bounded_extra({"n": 1, "picture": ["x"] * 1_000_000})
        {'n': 1, '_cut': ['picture']}
    """
    names: dict[str, None] = dict.fromkeys(cut)
    before, kept = len(names), dict[str, Any]()
    room = MAX_EXTRA
    for name, value in extra.items():
        if name == CUT:
            continue
        key = cut_text(name)
        meter = _Meter(room - _FIELD - getsizeof(key))
        try:
            kept[key] = meter.take(value)
        except _Full:
            meter.cut = True
        else:
            room = meter.room
        if (meter.cut or key is not name) and len(names) <= _MOST_NAMED:
            names[name[:_LONGEST_NAME]] = None
    if not before and not names:
        return extra
    listed = [*dict.fromkeys([*_cut_of(extra), *names])]
    return {**kept, CUT: [*listed[:_MOST_NAMED], *([_DOTS] if len(listed) > _MOST_NAMED else [])]}


def merged_extra(old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
    """Unknown fields of an entity with those that came now, within 64 kB."""
    both = {**old, **new}
    if both == old:
        return old
    both.pop(CUT, None)
    return bounded_extra(both, [*_cut_of(new), *(name for name in _cut_of(old) if name not in new)])


def _cut_of(extra: Mapping[str, Any]) -> list[str]:
    """What was cut before."""
    value = extra.get(CUT)
    return [name for name in value[: _MOST_NAMED + 1] if type(name) is str] if type(value) is list else []


def size_of(value: Any) -> int:
    """Bytes that a JSON value, an entry or an entity holds in memory, with all that is inside."""
    size = getsizeof(value)
    if type(value) is list or type(value) is tuple:
        return size + sum(map(size_of, value))
    if isinstance(value, Mapping):
        return size + sum(map(size_of, value)) + sum(map(size_of, value.values())) if value else 0
    if isinstance(value, Struct):
        return size + sum([size_of(getattr(value, name)) for name in value.__struct_fields__])
    return size


class _Full(Exception):
    """There is no room left."""


class _Meter:
    """Copies values as long as there is room, by what they hold in memory; their nesting is bounded by the reader."""

    __slots__ = ("cut", "room")

    def __init__(self, room: int) -> None:
        self.room = room
        self.cut = False

    def take(self, value: Any) -> Any:
        if type(value) is str:
            text = cut_text(value)
            self.cut = self.cut or text is not value
            self._spend(getsizeof(text))
            return text
        self._spend(getsizeof(value))
        if type(value) is list:
            return [self.take(entry) for entry in value]
        if type(value) is dict:
            return {self.take(key): self.take(entry) for key, entry in value.items()}
        return value

    def _spend(self, size: int) -> None:
        self.room -= size
        if self.room < 0:
            raise _Full


def _party(party: Party) -> Party:
    kept = [cut_text(text) for text in (party.number, party.name, party.domain, party.uri)]
    return Party(*kept) if kept != [party.number, party.name, party.domain, party.uri] else party


def as_many(values: tuple[Any, ...], room: int = MAX_EXTRA) -> tuple[Any, ...]:
    """As many of the values, the first ones, as there is room for: texts within 4 kB, others within ``room`` bytes."""
    kept: list[Any] = []
    room = MAX_TEXT if values and type(values[0]) is str else room
    for value in values:
        room -= len(value) + _NUMBER if type(value) is str else size_of(value)
        if room < 0:
            break
        kept.append(value)
    return values if len(kept) == len(values) else tuple(kept)
