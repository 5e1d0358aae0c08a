"""Checks the arguments of commands: what cannot be sent is refused here, with a sentence and what to write instead."""

from __future__ import annotations

import re
from typing import Any

from pbxnb.errors import BadCommand

from .parties import Party, parse_party
from .plans import CallRef

__all__ = ["as_shown", "dialable", "message_text", "switch", "the_call"]

LONGEST_TEXT = 10_000  # characters of a chat message
_NUMBER = re.compile(r"[\w+*#@.!~'-]{1,128}", re.ASCII)
_SEPARATED = re.compile(r"[+*#\d][\d*# ()./-]*", re.ASCII)
_SEPARATORS = str.maketrans("", "", " ()./-")


def the_call(call: Any, command: str) -> CallRef:
    """The call, if it is one that can be named on the wire."""
    if not isinstance(call, CallRef):
        hint = "Take one from the handle: pbx.calls[...]."
        raise BadCommand(f"{command} needs a call, not {_short(call)}.", hint=hint, command=command)
    if not call.id:
        raise BadCommand(
            f"{command} needs a call with an id; this one has none.", hint="Wait until it is in pbx.calls."
        )
    return call


def dialable(value: Any, command: str) -> str:
    """The number, without separators, if it can be dialled: also from a party, a name-addr or a URI."""
    text = value.number if isinstance(value, Party) else value
    if not isinstance(text, str):
        hint = f"Write it as text: {str(value)!r}." if isinstance(value, int) else "Give it as text."
        raise BadCommand(f"{command} needs a number as text, not {_short(value)}.", hint=hint, command=command)
    text = text.strip()
    if "<" in text or text.lower().startswith(("sip:", "sips:", "tel:")):
        text = parse_party(text).number
    if _SEPARATED.fullmatch(text):
        text = text.translate(_SEPARATORS)
    if not _NUMBER.fullmatch(text):
        what = "is empty" if not text else f"cannot be dialled: {_short(text)}"
        hint = "Use digits, letters and + * # only, for example '207' or '+15550100'."
        raise BadCommand(f"The number for {command} {what}.", hint=hint, command=command)
    return text


def switch(value: Any, command: str) -> bool:
    """The value of a switch, which is True or False and nothing else."""
    if not isinstance(value, bool):
        raise BadCommand(f"{command} needs True or False, not {_short(value)}.", hint="Write on=True or on=False.")
    return value


def message_text(value: Any, command: str) -> str:
    """The text, if it is one: not empty, and not too long."""
    if not isinstance(value, str) or not value.strip():
        raise BadCommand(f"{command} needs a text, not {_short(value)}.", hint="An empty message is not sent.")
    if len(value) > LONGEST_TEXT:
        raise BadCommand(f"The text for {command} has {len(value):,} characters, more than {LONGEST_TEXT:,}.")
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def as_shown(value: Any) -> Any:
    """An argument as a plan shows it: calls by their id, parties by their number."""
    return value.id if isinstance(value, CallRef) else value.number if isinstance(value, Party) else value
