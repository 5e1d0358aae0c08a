"""Checks the arguments of commands: what cannot be sent is refused here, with a sentence and what to write instead."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Any, Literal

import msgspec

from pbxnb.arguments import check_number, nearest
from pbxnb.errors import BadCommand

from ..parties import Party, parse_party
from .plans import CallRef

__all__ = ["Argument", "as_shown", "check", "dialable", "parse_frame"]

LONGEST_TEXT = 10_000  # characters of a chat message
_NUMBER = re.compile(r"[\w+*#@.!~'-]{1,128}", re.ASCII)
_SEPARATED = re.compile(r"[+*#\d][\d*# ()./-]*", re.ASCII)
_BROKEN = re.compile(r"\ufffd|\.\.\.$")  # where a byte was no UTF-8, or a text was cut
_SEPARATORS = str.maketrans("", "", " ()./-")

Kind = Literal[
    "call", "number", "number or call", "orbit", "queue", "switch", "text", "word", "count", "choice", "frame"
]


class Argument(msgspec.Struct, frozen=True):
    """One argument of a command.

    Attributes:
        name: as in the signature.
        kind: what may be given; ``word`` is a text that may be empty, ``count`` a number from 0 up.
        default: what holds where nothing is given; without one it has to be given.
        by_name: given by name only.
        optional: None may be given, and means that nothing is set any more.
        choices: what a ``choice`` may be, each with its words for people.
    """

    name: str
    kind: Kind
    default: Any = Parameter.empty
    by_name: bool = False
    optional: bool = False
    choices: Mapping[str, str] = {}

    @property
    def parameter(self) -> Parameter:
        """It as part of a signature."""
        kind = Parameter.KEYWORD_ONLY if self.by_name else Parameter.POSITIONAL_OR_KEYWORD
        return Parameter(self.name, kind, default=self.default)


def check(argument: Argument, value: Any, command: str) -> Any:
    """The value as the command uses it.

    Raises:
        BadCommand: it cannot be sent.
    """
    if value is None and (argument.optional or argument.default is None):
        return None
    if argument.kind == "choice":
        if value not in argument.choices:
            wrong = nearest(str(value), argument.choices)
            raise BadCommand(f"{argument.name}= of {command} cannot be {_short(value)}{wrong}", command=command)
        return value
    if argument.kind == "count":
        check_number(f"{argument.name}= of {command}", value, error=BadCommand)
        return int(value)
    return _CHECKS[argument.kind](value, command)


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


def parse_frame(text: str) -> dict[str, Any]:
    """The JSON object of a free frame.

    Raises:
        ValueError: with the sentence why it is none.
    """
    if not text.strip():
        raise ValueError("Write the frame to send, one JSON object.")
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"The frame is no JSON: {error}.") from None
    if not isinstance(frame, dict) or not frame:
        raise ValueError("The frame must be one JSON object with an action.")
    return frame


def as_shown(value: Any) -> Any:
    """An argument as a plan shows it: calls by their id, parties by their number."""
    return value.id if isinstance(value, CallRef) else value.number if isinstance(value, Party) else value


def _call(value: Any, command: str) -> CallRef:
    """The call, if it is one that can be named on the wire."""
    if not isinstance(value, CallRef):
        hint = "Take one from the handle: pbx.calls[...]."
        raise BadCommand(f"{command} needs a call, not {_short(value)}.", hint=hint, command=command)
    if any(map(_BROKEN.search, (value.id, *value.extensions))):
        hint = "The PBX sent bytes there that are no UTF-8, or a text longer than any id."
        raise BadCommand(f"{command} cannot name this call: its id or a number of it is broken.", hint=hint)
    if not value.id:
        hint = "Wait until it is in pbx.calls."
        raise BadCommand(f"{command} needs a call with an id; this one has none.", hint=hint, command=command)
    return value


def _number_or_call(value: Any, command: str) -> str | CallRef:
    return _call(value, command) if isinstance(value, CallRef) else dialable(value, command)


def _switch(value: Any, command: str) -> bool:
    """The value of a switch, which is True or False and nothing else."""
    if not isinstance(value, bool):
        raise BadCommand(f"{command} needs True or False, not {_short(value)}.", hint="Write on=True or on=False.")
    return value


def _text(value: Any, command: str) -> str:
    """The text, if it is one: not empty, and not too long."""
    if not isinstance(value, str) or not value.strip():
        raise BadCommand(f"{command} needs a text, not {_short(value)}.", hint="An empty message is not sent.")
    if len(value) > LONGEST_TEXT:
        raise BadCommand(f"The text for {command} has {len(value):,} characters, more than {LONGEST_TEXT:,}.")
    return value


def _word(value: Any, command: str) -> str:
    return "" if value == "" else _text(value, command)


def _frame(value: Any, command: str) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not value or not all(isinstance(key, str) for key in value):
        raise BadCommand(f"{command} takes one JSON object.", hint='For example {"action": "get-calls"}.')
    try:
        frame: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(dict(value)))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise BadCommand(
            f"The frame cannot be written as JSON: {error}.", hint="Use texts, numbers and lists."
        ) from None
    return frame


_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "call": _call,
    "number": dialable,
    "number or call": _number_or_call,
    "orbit": dialable,
    "queue": dialable,
    "switch": _switch,
    "text": _text,
    "word": _word,
    "frame": _frame,
}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
