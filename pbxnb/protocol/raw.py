"""JSON text to plain values, strictly: what JSON leaves open (repeated keys, any depth) is refused with a sentence.

Knows JSON, no message. Numbers with a fraction come as Decimal, because a time's trailing zeros mean something
(protocol.md 7.5).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from .fields import shape

__all__ = [
    "HEAD", "LARGE", "MAX_SIZE", "BadFrame", "as_bytes", "as_unicode", "dense", "exact", "in_memory", "load",
    "load_answer", "load_frame", "tidy",
]  # fmt: skip

MAX_SIZE = 64 * 2**20  # bytes of a frame
LARGE = 2**20  # bytes of JSON above which it is read only where it looks like a list of entities
HEAD = 64 * 2**10  # bytes that are kept of a larger one
_MOST_MEMORY = 12  # times its size that such a list may take; entities take four to eight
_CONTAINER, _VALUE = 100, 60  # bytes in memory of an array or object with its place, and of any other value, about
MAX_DEPTH = 64  # arrays and objects inside each other; the deepest real message has 6


def exact(literal: str) -> Decimal | float:
    """A number with a fraction or an exponent, exactly; one whose exponent no Decimal has, as a float."""
    try:
        return Decimal(literal)
    except ArithmeticError:
        return float(literal)


_DECODER = msgspec.json.Decoder(float_hook=exact)
_ZEROS = re.compile(r"\d{9,12}\.\d+0", re.ASCII)  # a time that its zeros tell from another


def _plain(literal: str) -> float | str:
    return literal if _ZEROS.fullmatch(literal) else float(literal)


_ANSWERS = msgspec.json.Decoder(float_hook=_plain)
_ENCODE = msgspec.json.Encoder().encode
_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)"
)


class BadFrame(Exception):
    """Text that is no usable JSON; ``reason`` is one sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def load_frame(raw: bytes | str, max_size: int) -> dict[str, Any]:
    """Reads a frame, which is one JSON object.

    Raises:
        BadFrame: as `load`, and for a frame above ``max_size`` bytes or one that is no object.
    """
    value = load(as_bytes(raw, max_size))
    if not isinstance(value, dict):
        raise BadFrame(f"The frame is {shape(value)}, not an object.")
    return value


def as_bytes(raw: bytes | str, max_size: int) -> bytes:
    """The frame as bytes, if it is small enough.

    Raises:
        BadFrame: it is not, or it holds characters that are no Unicode.
    """
    if isinstance(raw, str):
        try:
            raw = raw.encode()
        except UnicodeEncodeError:
            raise BadFrame("The text holds characters that are no Unicode.") from None
    if len(raw) > max_size:
        raise BadFrame(f"The frame has {len(raw):,} bytes, more than the {max_size:,} allowed.")
    return raw


def as_unicode(raw: bytes) -> bytes:
    """The same text with U+FFFD for what is no UTF-8."""
    return raw.decode("utf-8", "replace").encode()


def in_memory(text: str) -> int:
    """Bytes that the values of a JSON text take in memory, about: at most what its signs allow."""
    return len(text) + _CONTAINER * (text.count("{") + text.count("[")) + _VALUE * text.count(",")


def dense(raw: bytes) -> bool:
    """Whether reading it could take many times its size in memory: 30 MB of ``{},`` take 2 GB. Counts signs only."""
    containers, values = raw.count(b"{") + raw.count(b"["), raw.count(b",")
    return _CONTAINER * containers + _VALUE * values > _MOST_MEMORY * len(raw)


def load(raw: bytes) -> Any:
    """Reads JSON text.

    Raises:
        BadFrame: broken JSON, NaN or Infinity, invalid UTF-8, a repeated key, or nesting beyond `MAX_DEPTH`.
    """
    try:
        value = _decode(raw)
        if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _deeper(value):
            raise BadFrame(f"The JSON is nested more than {MAX_DEPTH} levels deep.")
        if not tidy(raw, value):
            json.loads(raw, object_pairs_hook=_no_repeats)
    except UnicodeDecodeError:  # which counts from the beginning of one string, not of the frame
        raise BadFrame("The text is not valid UTF-8.") from None
    except RecursionError:
        raise BadFrame(f"The JSON is nested more than {MAX_DEPTH} levels deep.") from None
    except msgspec.DecodeError as error:
        if re.search(rb"[:,\[\s]-?(NaN|Infinity)", raw):
            raise BadFrame("The JSON holds NaN or Infinity, which are no JSON numbers.") from None
        raise BadFrame(f"The JSON is broken: {error}.") from None
    return value


def load_answer(raw: bytes) -> Any:
    """Reads the JSON of an HTTP answer: as `load`, but with plain floats, and repeated keys are passed over.

    A time whose fraction ends with a zero stays as text (protocol.md 7.5).

    Raises:
        BadFrame: it is no JSON, nested beyond `MAX_DEPTH`, or above `LARGE` and no list of entities.
    """
    if len(raw) > LARGE and dense(raw):
        raise BadFrame(f"An answer of {len(raw):,} bytes is no list of entities.")
    try:
        try:
            value = _ANSWERS.decode(raw)
        except (msgspec.DecodeError, UnicodeError):
            value = _ANSWERS.decode(_ESCAPES.sub(_mend, as_unicode(raw)))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadFrame(f"The answer is no JSON: {error}.") from None
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _deeper(value):
        raise BadFrame(f"The JSON is nested more than {MAX_DEPTH} levels deep.")
    return value


def tidy(raw: bytes, value: Any, room: int | None = None) -> bool:
    """Whether the text holds no more keys than the value made from it: none repeated, none passed over.

    Quick and careful: True is certain, False means "look closer".

    Args:
        raw: the text.
        value: what was made of it.
        room: bytes by which the text may be longer than its shortest print and still have no place for another key;
            None where that says nothing, because numbers were made into longer texts.
    """
    again = _ENCODE(value)
    if room is not None and len(raw) <= len(again) + room:
        return True
    return raw.count(b":") == again.count(b":") and b"\\u" not in raw  # an escaped colon would make up for a key


def _decode(raw: bytes) -> Any:
    try:
        return _DECODER.decode(raw)
    except msgspec.DecodeError:
        # Half a surrogate pair is grammatical JSON, and a caller's broken name must not hide the whole list.
        if b"\\u" not in raw or (mended := _ESCAPES.sub(_mend, raw)) == raw:
            raise
        return _DECODER.decode(mended)


def _mend(match: re.Match[bytes]) -> bytes:
    text = match[0]
    return rb"\ufffd" if len(text) == 6 else text


def _deeper(value: Any) -> bool:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [child for node in level for child in _children(node)]
        if not level:
            return False
    return True


def _children(node: Any) -> Iterable[Any]:
    return node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise BadFrame(f"The key {twice[:60]!r} stands twice in one object.")
    return made
