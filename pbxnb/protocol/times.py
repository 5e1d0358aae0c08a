"""Times as the PBX prints them (protocol.md 7.5): seconds since 1970, a fraction without padding, text or number.

Pure: this module never asks what time it is.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

import msgspec

__all__ = ["Moment", "parse_millis", "parse_moment"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END = 253_402_300_799  # the last second of the year 9999, where datetime ends
LONGEST = 40  # characters; no printed time is longer
_PLAIN = re.compile(r"(\d{1,12})(?:\.(\d*))?", re.ASCII)


class Moment(msgspec.Struct, frozen=True, gc=False):
    """A point in time with both readings of its fraction.

    Attributes:
        at: the likely reading, UTC; a fraction of fewer than three digits counts milliseconds (``.88`` is 88 ms).
        decimal: the other reading, UTC; the fraction as a decimal (``.88`` is 880 ms). Equal to ``at`` if unambiguous.
        raw: the text as received.
    """

    at: datetime
    decimal: datetime
    raw: str


def parse_moment(value: str | int | float | Decimal | None) -> Moment | None:
    """Reads a time in seconds since 1970 UTC (protocol.md 7.5).

    A float has lost the zeros at its end; pass the literal as text or Decimal where it is still known.

    Args:
        value: seconds, as text or number.

    Returns:
        The moment, or None for nothing (``None``, ``""``, zero), for what is no number, and for times before 1970
        or after 9999.

    Example:
        >>> parse_moment("1790000000.88").at.microsecond, parse_moment("1790000000.88").decimal.microsecond
        (88000, 880000)
    """
    if isinstance(value, str):
        text = value.strip()
    elif value is None or isinstance(value, bool) or (isinstance(value, int) and not 0 < value <= END):
        return None  # the bounds also keep int -> str away from absurdly long numbers
    else:
        text = str(value)
    return _moment(text) if 0 < len(text) <= LONGEST else None


@lru_cache(maxsize=8192)
def _moment(text: str) -> Moment | None:
    plain = _PLAIN.fullmatch(text)
    if plain is None:  # an exponent, perhaps
        at = _since_epoch(text, per_second=1)
        return None if at is None else Moment(at, at, text)
    whole, digits = int(plain[1]), plain[2] or ""
    if not 0 < whole <= END:
        return None
    decimal = EPOCH + timedelta(0, whole, int(digits[:6].ljust(6, "0")))
    if len(digits) in (1, 2) and digits[0] != "0":  # a printer that does not pad never starts with a zero
        return Moment(EPOCH + timedelta(0, whole, int(digits) * 1000), decimal, text)
    return Moment(decimal, decimal, text)


def parse_millis(value: str | int | float | Decimal | None) -> datetime | None:
    """Reads a time in milliseconds since 1970 UTC, as the REST chat prints it (protocol.md 7.5).

    Args:
        value: milliseconds, as text or number.

    Returns:
        The time in UTC, or None by the rules of `parse_moment`.
    """
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int) and not 0 < value <= END * 1000:
        return None
    text = value.strip() if isinstance(value, str) else str(value)
    return _since_epoch(text, per_second=1000) if 0 < len(text) <= LONGEST else None


def _since_epoch(text: str, per_second: int) -> datetime | None:
    try:
        seconds = Decimal(text) / per_second
    except ArithmeticError:  # not a number
        return None
    if not seconds.is_finite() or not 0 < seconds <= END:
        return None
    return EPOCH + timedelta(microseconds=int(seconds * 1_000_000))
