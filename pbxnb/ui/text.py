"""Text from the wire made fit for a page: bounded, one line, its direction contained. Never markup, never trusted.

The page sets it with ``textContent``; what must become HTML (a static snapshot) is escaped there, after this.
"""

from __future__ import annotations

import unicodedata

from pbxnb.protocol.parties import Party

__all__ = ["clean", "party_text"]

_MARKS_IN_A_ROW = 4
# Characters that steer the direction of everything after them; in a name they can only mislead (protocol.md 3).
_STEERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


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


def party_text(party: Party, limit: int = 60) -> str:
    """Return how people call this party: number and name, whichever there is.

    Example:
        >>> party_text(Party(number="207", name="Ann Lee"))
        '207 Ann Lee'
    """
    number, name = clean(party.number, limit), clean(party.name, limit)
    return clean(f"{number} {name}".strip() if name != number else number, limit)
