"""Reads single fields of a JSON object tolerantly: booleans as strings, numbers as text, an object for a list.

A value that cannot be read is not lost: it stays, under its own name, in what becomes ``extra``.
Knows JSON values only, no message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from msgspec import UNSET, UnsetType

from .messages import NOTHING
from .times import Moment, parse_moment

__all__ = ["NOTES", "Fields", "as_flag", "as_text", "plain", "truthy"]

NOTES = "malformed"  # the key of ``extra`` under which unreadable list entries are noted
MOST_NOTES = 20  # notes kept per object; a stranger may send a million bad entries

_NUMBER = re.compile(r"\d{1,15}(?:\.\d{0,15})?", re.ASCII)
_TRUE = frozenset(("true", "1", "yes", "on"))
_FALSE = frozenset(("false", "0", "no", "off", ""))


class Fields:
    """The fields of one object, taken out one by one; what is left over is its ``extra``.

    Args:
        rest: the object; it is emptied as fields are taken, so pass a copy of what is still needed.
    """

    __slots__ = ("notes", "rest")

    def __init__(self, rest: dict[str, Any]) -> None:
        self.rest: Final = rest
        self.notes: list[str] = []

    def take(self, key: str) -> Any:
        """The field as it is, UNSET where it is absent."""
        value = self.rest.pop(key, UNSET)
        return value if value is UNSET else plain(value)

    def text(self, key: str) -> str | UnsetType:
        """The field as text: a string, or the decimal text of a number. UNSET when absent, null or neither."""
        value = self.rest.pop(key, None)
        if value is None:
            return UNSET
        text = as_text(value)
        if text is None:
            self.rest[key] = value
            return UNSET
        return text

    def string(self, key: str) -> str:
        """As `text`, with the empty string for UNSET."""
        text = self.text(key)
        return "" if text is UNSET else text

    def flag(self, key: str) -> bool | UnsetType:
        """The field as a boolean, also from ``"true"``/``"false"`` and 1/0."""
        value = self.rest.pop(key, None)
        if value is None:
            return UNSET
        flag = as_flag(value)
        if flag is None:
            self.rest[key] = value
            return UNSET
        return flag

    def integer(self, key: str) -> int | None:
        """The field as an integer, also from text; None when absent or unreadable."""
        value = self.rest.pop(key, None)
        if value is None:
            return None
        text = as_text(value)
        if text is None or len(text) > 20 or not text.strip().removeprefix("-").isdecimal():
            self.rest[key] = value
            return None
        return int(text)

    def number(self, key: str) -> float | None:
        """The field as a finite number of at least zero, also from text; None when absent or unreadable."""
        value = self.rest.pop(key, None)
        if value is None:
            return None
        text = as_text(value)
        number = float(text) if text is not None and _NUMBER.fullmatch(text.strip()) else None
        if number is None:
            self.rest[key] = value
        return number

    def moment(self, key: str) -> Moment | None:
        """The field as a time; None for ``""`` and null, and for what cannot be read (which stays in ``extra``)."""
        value = self.rest.pop(key, None)
        if value is None or value == "":
            return None
        moment = parse_moment(value) if isinstance(value, (str, int, float, Decimal)) else None
        if moment is None:
            self.rest[key] = value
        return moment

    def objects(self, key: str) -> list[dict[str, Any]] | None:
        """The field as a list of objects: an array, a single object, or null for none.

        Entries that are no objects are noted and left out. None when the field is absent or unreadable.
        """
        value = self.rest.pop(key, UNSET)
        if value is UNSET:
            return None
        if value is None:
            return []
        if isinstance(value, dict):
            return [value]
        if not isinstance(value, list):
            self.rest[key] = value
            return None
        good = [entry for entry in value if isinstance(entry, dict)]
        if len(good) != len(value):
            for place, entry in enumerate(value):
                if not isinstance(entry, dict):
                    self.note(f"{key}[{place}] is {shape(entry)}, not an object")
        return good

    def note(self, sentence: str) -> None:
        """Records that a part could not be read."""
        if len(self.notes) < MOST_NOTES:
            self.notes.append(sentence)
        elif len(self.notes) == MOST_NOTES:
            self.notes.append("... and more")

    def extra(self) -> Mapping[str, Any]:
        """What was not taken, as plain JSON values, with the notes under ``malformed``."""
        if self.notes:
            self.rest[NOTES] = self.notes
        if not self.rest:
            return NOTHING
        return {key: plain(value) for key, value in self.rest.items()}


def as_text(value: Any) -> str | None:
    """A string, or a number as its text; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return str(value)
    return None


def as_flag(value: Any) -> bool | None:
    """A boolean as JSON or as text (protocol.md 3); None for anything else."""
    if isinstance(value, bool):
        return value
    text = value if isinstance(value, str) else as_text(value)
    word = None if text is None else text.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def truthy(value: Any) -> bool:
    """JavaScript's idea of truth, by which the flat keys are told (protocol.md 3): ``[]`` and ``{}`` count."""
    return bool(value) or isinstance(value, (list, dict))


def plain(value: Any) -> Any:
    """The value with every exact number literal (Decimal) turned into a float, as JSON readers have it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    return value


def shape(value: Any) -> str:
    """The JSON type of a value, with its article, for sentences."""
    if value is None:
        return "null"
    names: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "a boolean"),
        (str, "a string"),
        ((int, float, Decimal), "a number"),
        (list, "an array"),
        (dict, "an object"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "no JSON value")
