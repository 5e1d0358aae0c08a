"""Parties of a call: SIP name-addr strings taken apart and put together (protocol.md 3)."""

from __future__ import annotations

import msgspec

__all__ = ["NOBODY", "Party"]


class Party(msgspec.Struct, frozen=True, gc=False):
    """One side of a call.

    Attributes:
        number: the user part of the address: an extension, a number with its ``+``, a star code; may be empty.
        name: the display name, unquoted; may be empty. Text of a stranger: show it, never trust it.
        domain: the host part; may be empty.
        uri: the address as received, without the display name; empty when only a number was given.
    """

    number: str = ""
    name: str = ""
    domain: str = ""
    uri: str = ""


NOBODY = Party()
