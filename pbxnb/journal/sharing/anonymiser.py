"""Anonymised values: no name and no number of the original, and still the same story.

Keys, times and the words of the protocol stay (`vocabulary`); every other run of letters or digits is replaced by its
pseudonym, wherever it stands. Of a number in JSON that is no time the digits are, too. One walk serves three ways: to
learn the originals, to replace them, and to search what was written for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote, unquote

import msgspec

from pbxnb.errors import OriginalsLeft

from .pseudonyms import RUN, Pseudonyms
from .vocabulary import APART, IDS, KEYS, MEDIA, MEDIA_WORDS, NUMBERS, OURS, SAID, WIRE, stays

__all__ = ["Anonymiser"]

T = TypeVar("T")
Keep = Callable[[str], bool]
MOST_KNOWN, LONGEST_KNOWN = 100_000, 200  # texts that are remembered, and characters of the longest
_NAME = re.compile(r"[A-Za-z_$-]*")
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)")


class _Way(NamedTuple):
    """What is done with a text of which some runs stay, and with one that stays as it is; ``known``: what came out."""

    text: Callable[[str, Keep], str]
    stay: Callable[[str], object] | None
    known: dict[str, str]


class _Number(str):
    """A number of JSON as it is written: the zeros of a time mean something."""

    __slots__ = ()


class Anonymiser:
    """Makes values anonymous: frames, JSON, and the inputs and states of a model; reads all of them before it writes.

    Args:
        key: as for `Pseudonyms`.

    Example:
        >>> made = Anonymiser(key=b"an example")
        >>> frame = '{"action": "callerid", "name": "Beatrix Orne", "number": "+15550100"}'
        >>> made.learn(frame)
        >>> made.settle()
        >>> made.frame(frame).startswith('{"action": "callerid", "name": ')
        True
        >>> "Orne" in made.frame(frame)
        False
    """

    def __init__(self, key: bytes | None = None) -> None:
        self.names: Final = Pseudonyms(key)
        self._stayed: set[str] = set()  # runs that hold a piece of an original and stay all the same
        self._learning = _Way(self.names.learn, None, {})
        self._writing = _Way(self.names.of_text, None, {})
        self._checking = _Way(self._look, self._note, {})

    def learn(self, frame: str) -> None:
        """Take in a frame that will be written later."""
        self._frame(frame, self._learning)

    def learn_value(self, value: object, key: str = "") -> None:
        """As `learn`, of an input, a state or a text that stands under a key."""
        self._typed(value, key, self._learning)

    def settle(self) -> None:
        """Everything was taken in."""
        self.names.settle()

    def frame(self, frame: str) -> str:
        """A frame's text, anonymous; one that is no JSON is taken for free text."""
        return self._frame(frame, self._writing)

    def value(self, value: T, key: str = "") -> T:
        """An input, a state or a text, anonymous."""
        made: T = self._typed(value, key, self._writing)
        return made

    def check(self, frame: str) -> None:
        """Look for originals in a frame that was written.

        Raises:
            OriginalsLeft: there is one, or something that tells one.
        """
        self._frame(frame, self._checking)

    def check_value(self, value: object, key: str = "") -> None:
        """As `check`, of an input, a state or a text."""
        self._typed(value, key, self._checking)

    def check_bytes(self, raw: bytes) -> None:
        """Look for pieces of originals anywhere in bytes whose values have all been checked.

        Raises:
            OriginalsLeft: there is one in what is no time, key or word of the protocol.
        """
        text = _ESCAPE.sub(" ", raw.decode("utf-8", "replace"))
        self._refuse(len(self.names.telling(text) - self._stayed))

    def _look(self, text: str, keep: Keep) -> str:
        self._refuse(self.names.originals_in(text, keep))
        if keep is not _nothing:
            self._note(" ".join(run[0] for run in RUN.finditer(text) if keep(run[0])))
        return text

    def _note(self, text: str) -> None:
        self._stayed |= self.names.telling(text)

    def _refuse(self, left: int) -> None:
        if left:
            raise OriginalsLeft(
                f"{left} of the originals would have been left in the anonymised recording; nothing was written.",
                hint="A shorter slice has fewer names and numbers to avoid; please report it otherwise.",
            )

    # -- the walk: values of the model ---------------------------------------------------------------------------------

    def _typed(self, value: Any, key: str, way: _Way) -> Any:
        if isinstance(value, str) and not isinstance(value, Enum):
            if key == "star":  # what stands behind the star of a code
                return self._words(f"*{value}", key, way)[1:]
            return self._stay(value, way) if key in OURS else self._words(value, key, way)
        if isinstance(value, bytes):
            return self._frame(value.decode("utf-8", "replace"), way).encode()
        if isinstance(value, msgspec.Struct):
            fields = {name: getattr(value, name) for name in value.__struct_fields__}
            walked = {
                self._stay(name, way): (self._value if name in WIRE else self._typed)(field, name, way)
                for name, field in fields.items()
            }
            return msgspec.structs.replace(value, **walked)
        if isinstance(value, Mapping):
            return {self._words(name, "", way): self._typed(each, key, way) for name, each in value.items()}
        if isinstance(value, list | tuple | frozenset):
            return type(value)([self._typed(each, key, way) for each in value])
        return self._stay(value, way)

    def _stay(self, value: T, way: _Way) -> T:
        if way.stay is not None:
            way.stay(str(value))
        return value

    # -- the walk: JSON ------------------------------------------------------------------------------------------------

    def _frame(self, frame: str, way: _Way) -> str:
        known = _loaded(frame)
        if known is None:
            return _text(frame, way)
        return _written(self._value(known, "", way))

    def _value(self, value: Any, key: str, way: _Way) -> Any:
        if isinstance(value, Mapping):
            return {self._key(name, way): self._value(each, str(name), way) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(each, key, way) for each in value]
        if isinstance(value, int | float | _Number) and not isinstance(value, bool):
            return self._number(value, key, way)
        return self._words(value, key, way) if isinstance(value, str) else value

    def _inner(self, value: Any, way: _Way) -> Any:
        """JSON inside a text: nobody knows its fields, so its keys are texts like others."""
        if isinstance(value, dict):
            return {_text(name, way): self._inner(each, way) for name, each in value.items()}
        if isinstance(value, list):
            return [self._inner(each, way) for each in value]
        return self._value(value, "", way)

    def _key(self, name: str, way: _Way) -> str:
        """A key stays, unless it is no name of a field, or an unknown one that tells an original."""
        if name in KEYS or (_NAME.fullmatch(name) and not self.tells(name)):
            return self._stay(name, way)
        return _text(name, way)

    def _words(self, value: str, key: str, way: _Way) -> str:
        if stays(value, key):
            return self._stay(value, way)
        if value[:1] in ("{", "[") and (inner := _loaded(value)) is not None:
            return _written(self._inner(inner, way), escape=False)
        if key not in SAID:
            return _text(value, way)
        parts = enumerate(SAID[key].split(value))
        return "".join(self._stay(part, way) if number % 2 else _text(part, way) for number, part in parts)

    def _number(self, value: Any, key: str, way: _Way) -> Any:
        if key in NUMBERS or stays(str(value), key) or not str(value)[-1:].isdigit():
            return self._stay(value, way)
        made = way.text(str(value), _nothing if key in IDS else _short)
        return _Number(made) if isinstance(value, _Number) else type(value)(made)

    def tells(self, text: str) -> bool:
        """Whether a text holds an original."""
        return self.names.originals_in(text, _nothing) > 0


def _text(text: str, way: _Way) -> str:
    """Free text, an address, or a description of media."""
    made = way.known.get(text)
    if made is None:
        made = _text_anew(text, way)
        if len(text) <= LONGEST_KNOWN and len(way.known) < MOST_KNOWN:
            way.known[text] = made
    return made


def _text_anew(text: str, way: _Way) -> str:
    if MEDIA.match(text):
        return way.text(text, lambda run: run.casefold() in MEDIA_WORDS)
    parts, end = [], 0
    for found in APART.finditer(text):
        if found["quoted"]:
            word = quote(way.text(unquote(found[0]), _nothing), safe="+~")
        else:
            word = found[0]
            if way.stay is not None:
                way.stay(word)
        parts += [way.text(text[end : found.start()], _nothing), word]
        end = found.end()
    return "".join((*parts, way.text(text[end:], _nothing)))


def _nothing(run: str) -> bool:
    return False


def _short(run: str) -> bool:
    return len(run) < 3


def _loaded(text: str) -> Any:
    """An object or array of JSON with its numbers as they stand; None for anything else."""
    try:
        value = json.loads(text, parse_float=_Number, parse_int=_Number, parse_constant=_Number)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _written(value: Any, *, escape: bool = True) -> str:
    """JSON of what `_loaded` gave."""
    write = partial(_written, escape=escape)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{write(name)}: {write(each)}' for name, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(write, value))}]"
    return str(value) if isinstance(value, _Number) else json.dumps(value, ensure_ascii=escape)
