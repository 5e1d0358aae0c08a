"""Entities and events as plain dicts: for ``.records()``, ``.df`` and JSON lines. A party becomes number and name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from pbxnb.protocol.parties import Party

__all__ = ["plain", "record"]


def record(entity: msgspec.Struct) -> dict[str, Any]:
    """One entity; nested ones too."""
    record: dict[str, Any] = {}
    for name in entity.__struct_fields__:
        value = getattr(entity, name)
        if value is msgspec.UNSET:
            continue  # the message did not say
        if isinstance(value, Party):
            stem = name.rstrip("_")
            record[f"{stem}_number"], record[f"{stem}_name"] = value.number, value.name
        else:
            record[name] = plain(value)
    return record


def plain(value: Any) -> Any:
    """Any value: string enums become text, mappings and sequences become dicts and lists, times stay times."""
    if value is None or type(value) in (str, int, float, bool, datetime):
        return value
    if isinstance(value, str):
        return str(value)  # a string enum becomes its text
    if isinstance(value, msgspec.Struct):
        return record(value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(item) for item in value]
    return value
