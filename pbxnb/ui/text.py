"""How people call a party, as text fit for a page."""

from __future__ import annotations

from pbxnb.protocol.parties import Party
from pbxnb.text import clean

__all__ = ["party_text"]


def party_text(party: Party, limit: int = 60) -> str:
    """Return how people call this party: number and name, whichever there is.

    Example:
        >>> party_text(Party(number="207", name="Ann Lee"))
        '207 Ann Lee'
    """
    number, name = clean(party.number, limit), clean(party.name, limit)
    return clean(f"{number} {name}".strip() if name != number else number, limit)
