"""How people call a party, as text fit for a page."""

from __future__ import annotations

from pbxnb.protocol.parties import Party
from pbxnb.text import clean

from .handle import Handle

__all__ = ["party_text", "title_of"]


def party_text(party: Party, limit: int = 60) -> str:
    """Return how people call this party: number and name, whichever there is.

    Example:
        >>> party_text(Party(number="207", name="Ann Lee"))
        '207 Ann Lee'
    """
    number, name = clean(party.number, limit), clean(party.name, limit)
    return clean(f"{number} {name}".strip() if name != number else number, limit)


def title_of(handle: Handle) -> str:
    """Return what a panel calls its handle: the name, and the tenant where several are open and the name lacks it."""
    name, tenant = clean(handle.name), clean(handle.tenant)
    return name if tenant in name else f"{name} ({tenant})"
