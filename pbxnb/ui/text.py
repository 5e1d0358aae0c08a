"""How people call a party, as text fit for a page."""

from __future__ import annotations

from pbxnb.protocol.parties import party_text
from pbxnb.text import clean

from .handle import Handle

__all__ = ["party_text", "title_of"]


def title_of(handle: Handle) -> str:
    """Return what a panel calls its handle: the name, and the tenant where several are open and the name lacks it."""
    name, tenant = clean(handle.name), clean(handle.tenant)
    return name if tenant in name else f"{name} ({tenant})"
