"""Tones of telephony as samples: digits, the ringing tone and its like (ITU-T Q.23, E.180)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .wire import RATE

__all__ = ["FREQUENCIES", "digits_as_sound", "silence", "tone"]

FREQUENCIES = {
    digit: (low, high)
    for low, row in zip((697, 770, 852, 941), ("123A", "456B", "789C", "*0#D"), strict=True)
    for high, digit in zip((1209, 1336, 1477, 1633), row, strict=True)
}
"""Low and high frequency of each digit, Hz."""
LOUD = 0.25
EDGE = 0.004
"""Seconds of fading in and out, against clicks."""


def tone(*frequencies: float, seconds: float = 1.0, loud: float = LOUD) -> bytes:
    """Sines together.

    Args:
        frequencies: Hz.
        loud: of each, the loudest is 1.

    Example:
        >>> len(tone(440, seconds=0.02))
        1920
    """
    time = np.arange(round(seconds * RATE)) / RATE
    wave = np.sum([loud * np.sin(2 * np.pi * each * time) for each in frequencies], axis=0)
    edge = min(round(EDGE * RATE), len(time) // 2)
    if edge:
        fade = np.linspace(0, 1, edge)
        wave[:edge] *= fade
        wave[-edge:] *= fade[::-1]
    return as_samples(wave)


def silence(seconds: float) -> bytes:
    """Nothing."""
    return bytes(2 * round(seconds * RATE))


def digits_as_sound(digits: str, seconds: float = 0.1, gap: float = 0.07) -> bytes:
    """Digits as tones."""
    return b"".join(tone(*FREQUENCIES[each], seconds=seconds) + silence(gap) for each in digits)


def as_samples(wave: NDArray[np.floating]) -> bytes:
    """A wave between -1 and 1 as 16 bits."""
    return bytes((np.clip(wave, -1, 1) * 32767).astype("<i2").tobytes())
