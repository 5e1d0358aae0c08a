"""Choosing entities and events by fields: ``where(state="busy")``, ``wait_for("call.ended", call=call)``.

A field holding an entity is compared by what names it: a party and an account by number, a call by id, a message by
kind. So ``to="204"`` fits a party, and a call fits its own later self.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import EnumType
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from pbxnb.arguments import nearest
from pbxnb.errors import ConfigError
from pbxnb.model.changes import Event
from pbxnb.model.entities import Account, Call, Conversation, Party
from pbxnb.protocol.messages import Message

__all__ = ["KINDS", "check_fields", "event_matcher", "fits"]


KINDS = ("message", "call.new", "call.changed", "call.ended", "account.changed", "connection", "gap")

SUBJECTS: Mapping[str, type[Call | Account]] = {"call": Call, "account": Account}
"""The first word of an event's kind names the field of the event that holds its subject."""


def natural(value: Any) -> Any:
    """What names ``value`` when it is an entity; otherwise the value itself."""
    if isinstance(value, Party | Account):
        return value.number
    if isinstance(value, Call | Conversation):
        return value.id
    if isinstance(value, Message):
        return value.kind
    return value


def fits(entity: object, fields: Mapping[str, Any]) -> bool:
    """Whether every field of ``entity`` has the value wanted."""
    return all(natural(getattr(entity, name, None)) == natural(wanted) for name, wanted in fields.items())


def check_fields(match: Mapping[str, Any], what: str, *types: type[msgspec.Struct]) -> None:
    """Refuse a field that none of the ``types`` has, and a word that its field can never hold.

    Raises:
        TypeError: with the nearest name there is.
        ConfigError: with the nearest word there is.
    """
    known = {field.name: field.type for type_ in types for field in msgspec.structs.fields(type_)}
    for name, wanted in match.items():
        if name not in known:
            raise TypeError(f"{what} has no field {name!r}{nearest(name, sorted(known))}")
        words = known[name]
        if isinstance(words, EnumType) and wanted not in [*words]:
            raise ConfigError(f"{what} never has {name}={wanted!r}{nearest(str(wanted), map(str, words))}")


def event_matcher(kind: str, match: Mapping[str, Any]) -> Callable[[Event], bool]:
    """A test for events of ``kind`` whose call, account, message or own fields have the values of ``match``.

    Raises:
        TypeError: a name that neither such events nor their entities have.
        ConfigError: a word that such a field never holds.
    """
    families = {known.partition(".")[0] for known in KINDS if fnmatchcase(known, kind)}
    if "message" not in families:  # what fields a message has, depends on the message
        check_fields(match, f"An event {kind!r}", Event, *(SUBJECTS[family] for family in families & SUBJECTS.keys()))

    def test(event: Event) -> bool:
        family = event.kind.partition(".")[0]
        subject = getattr(event, family, event)
        return all(
            natural(getattr(subject if hasattr(subject, name) else event, name, None)) == natural(wanted)
            for name, wanted in match.items()
        )

    return test
