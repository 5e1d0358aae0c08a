"""Text of the other side made fit for a sentence, a page, a log or a terminal: the one cleaning, for everything here.

Bounded, one line, its direction contained, no control codes. Never markup, never trusted: what becomes HTML is escaped
there, after this. Everything may import it.
"""

from __future__ import annotations

import logging
import re
import unicodedata

__all__ = ["LONGEST", "clean", "clean_lines", "clean_logger", "escaped"]

LONGEST = 2_000
"""Characters of a sentence or of a line of a log."""
_MOST_LINES = 400
_MARKS_IN_A_ROW = 4
# Characters that steer the direction of everything after them; in a name they can only mislead (protocol.md 3).
_STEERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: object, limit: int = 80) -> str:
    r"""Return ``text`` as one safe line.

    Control characters become spaces, direction overrides go (the page isolates each field with ``dir=auto``), stacks of
    combining marks are cut to 4, and what is longer than ``limit`` ends in an ellipsis.

    Args:
        text: anything; None is empty.
        limit: characters kept at most.

    Example:
        >>> clean("Ann\u202e\nLee")
        'Ann Lee'
    """
    if text is None:
        return ""
    value = text if isinstance(text, str) else str(text)
    if len(value) <= limit and value.isascii() and value.isprintable():
        return value
    kept: list[str] = []
    marks = 0
    # A hostile name may be 100 kB long: look at no more than can matter.
    for char in value[: limit * (_MARKS_IN_A_ROW + 1) + 1]:
        kind = unicodedata.category(char)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if marks > _MARKS_IN_A_ROW or char in _STEERING or kind == "Cs":
            continue
        kept.append(" " if kind in ("Cc", "Zl", "Zp") else char)
    line = "".join(kept).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def clean_lines(text: str, indent: str = "") -> str:
    """A text of ours with lines of its own, such as a traceback: each cleaned, where it is indented it stays so."""
    lines = text.split("\n")[-_MOST_LINES:]
    return "\n".join(
        f"{indent}{line[: len(line) - len(line.lstrip(' '))][:LONGEST]}{clean(line, LONGEST)}" for line in lines
    )


def escaped(json: str) -> str:
    r"""A JSON text with what no terminal should get written as ``\uXXXX``, which reads back as the same.

    Example:
        >>> print(escaped('{"name": "Ann\u202e"}'))
        {"name": "Ann\u202e"}
    """
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json)


class CleanRecord(logging.Filter):
    """Cleans a record before any handler sees it; a traceback is indented, so that no line of it passes for another."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record, and keep it."""
        told = record.getMessage()
        if (cleaned := clean(told, LONGEST)) != told:
            record.msg, record.args = cleaned, ()
        if record.exc_info:
            # A formatter prints this text instead of formatting the exception itself.
            record.exc_text = clean_lines(logging.Formatter().formatException(record.exc_info), "    ")
        return True


def clean_logger(name: str) -> logging.Logger:
    """The logger of that name, whose records are cleaned: every log of pbxnb is made here."""
    logger = logging.getLogger(name)
    if not any(isinstance(each, CleanRecord) for each in logger.filters):
        logger.addFilter(CleanRecord())
    return logger
