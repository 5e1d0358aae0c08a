"""Times as the PBX prints them (protocol.md 7.5): seconds since 1970, a fraction without padding, text or number."""

from __future__ import annotations

from datetime import datetime

import msgspec

__all__ = ["Moment"]


class Moment(msgspec.Struct, frozen=True, gc=False):
    """A point in time with both readings of its fraction.

    Attributes:
        at: the likely reading, UTC; a fraction of fewer than three digits counts milliseconds (``.88`` is 88 ms).
        decimal: the other reading, UTC; the fraction as a decimal (``.88`` is 880 ms). Equal to ``at`` when unambiguous.
        raw: the text as received.
    """

    at: datetime
    decimal: datetime
    raw: str
