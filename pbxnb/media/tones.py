"""Tones of telephony as samples: digits, the ringing tone and its like (ITU-T Q.23, E.180); how loud samples are."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .wire import RATE

__all__ = [
    "FREQUENCIES", "NAMES", "as_samples", "as_wave", "digits_as_sound", "level", "level_of", "named", "silence", "tone",
]  # fmt: skip

FREQUENCIES = {
    digit: (low, high)
    for low, row in zip((697, 770, 852, 941), ("123A", "456B", "789C", "*0#D"), strict=True)
    for high, digit in zip((1209, 1336, 1477, 1633), row, strict=True)
}
"""Low and high frequency of each digit, Hz."""
SILENT = -100.0
"""dB of silence."""
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


NAMES = {
    "ringback": "the other side rings: 425 Hz, 1 s on and 4 s off",
    "busy": "425 Hz, half a second on and off",
    "beep": "1000 Hz for 0.4 s: speak now",
    "menu": "two notes and a pause: press a digit",
    "music": "a melody of four bars, for those who wait",
    "tone:440": "a sine of that many Hz, 1 s",
    "dtmf:159#": "these digits as tones",
}
"""Every name, or an example of its kind, and what it is."""
_MELODY = (392, 494, 587, 494, 440, 523, 659, 523, 392, 494, 587, 784, 659, 587, 494, 440)


def named(name: str) -> bytes:
    """The sound of a name.

    Raises:
        ValueError: there is none of that name.

    Example:
        >>> len(named("tone:440")) // 2
        48000
    """
    kind, _, what = name.partition(":")
    match kind:
        case "ringback":
            return tone(425, seconds=1) + silence(4)
        case "busy":
            return tone(425, seconds=0.5) + silence(0.5)
        case "beep":
            return tone(1000, seconds=0.4)
        case "menu":
            return tone(660, seconds=0.25) + tone(880, seconds=0.25) + silence(2.5)
        case "music":
            return b"".join(tone(note, note / 2, seconds=0.3, loud=0.1) for note in _MELODY)
        case "tone" if what.isascii() and what.isdigit() and 0 < int(what[:6]) < RATE / 2:
            return tone(int(what))
        case "dtmf" if what and all(digit in FREQUENCIES for digit in what):
            return digits_as_sound(what)
    raise ValueError(f"There is no sound {name!r}. Known are {', '.join(NAMES)}.")


def silence(seconds: float) -> bytes:
    """Nothing."""
    return bytes(2 * round(seconds * RATE))


def digits_as_sound(digits: str, seconds: float = 0.1, gap: float = 0.07) -> bytes:
    """Digits as tones."""
    return b"".join(tone(*FREQUENCIES[each], seconds=seconds) + silence(gap) for each in digits)


def as_samples(wave: NDArray[np.floating]) -> bytes:
    """A wave between -1 and 1 as 16 bits."""
    return bytes((np.clip(wave, -1, 1) * 32767).astype("<i2").tobytes())


def as_wave(samples: bytes) -> NDArray[np.float32]:
    """16 bits as a wave between -1 and 1."""
    return np.frombuffer(samples, "<i2").astype(np.float32) / np.float32(32768)


def level(wave: NDArray[np.floating]) -> float:
    """How loud a wave is, dB below the loudest; -100 for silence."""
    power = float(np.mean(np.square(wave, dtype=np.float64))) if len(wave) else 0.0
    return max(SILENT, 10 * math.log10(power)) if power else SILENT


def level_of(samples: bytes) -> float:
    """How loud 16 bits are; see `level`."""
    return level(as_wave(samples))
