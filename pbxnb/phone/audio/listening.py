"""What is heard: silence or not, a tone, digits as tones. Each takes a wave at `RATE` block by block."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from pbxnb.media.tones import FREQUENCIES, level

from .resampling import RATE, Wave

__all__ = ["Activity", "Digits", "HeardDigit", "ToneHeard", "digits_in"]

FRAME, HOP = RATE // 50, RATE // 100
"""20 ms that are looked at, every 10 ms."""


class Activity:
    """For how long it is silent, or not; speech is whatever is loud enough, a tone too.

    Args:
        threshold: dB below the loudest; what is above it is no silence.

    Attributes:
        silent, loud: seconds since the other was last heard; one of them is 0.

    Example:
        >>> import numpy as np
        >>> heard = Activity()
        >>> heard.feed(np.zeros(16_000, np.float32))
        >>> round(heard.silent, 3)
        1.0
    """

    def __init__(self, threshold: float = -45.0) -> None:
        self.threshold = threshold
        self.silent: float = 0.0
        self.loud: float = 0.0

    def feed(self, wave: Wave) -> None:
        """Hear more, in steps of at most 20 ms."""
        for start in range(0, len(wave), FRAME):
            block = wave[start : start + FRAME]
            seconds = len(block) / RATE
            if level(block) > self.threshold:
                self.silent, self.loud = 0.0, self.loud + seconds
            else:
                self.silent, self.loud = self.silent + seconds, 0.0


class ToneHeard:
    """Whether one tone is most of what is heard, over 0.2 s.

    Args:
        frequency: Hz.
        tolerance: Hz beside it that count as it (ITU-T E.180: 15).
        share: of the power that it must have.
        threshold: dB; below it nothing is heard.

    Example:
        >>> import numpy as np
        >>> wave = np.sin(2 * np.pi * 425 * np.arange(8_000) / 16_000).astype(np.float32)
        >>> ToneHeard(425).feed(wave), ToneHeard(1_000).feed(wave)
        (True, False)
    """

    def __init__(
        self, frequency: float, *, tolerance: float = 15.0, share: float = 0.4, threshold: float = -45.0
    ) -> None:
        self._threshold, self._share = threshold, share
        self._window = np.hanning(RATE // 5)
        places = np.fft.rfftfreq(len(self._window), 1 / RATE)
        self._mine = np.abs(places - frequency) <= tolerance + RATE / len(self._window)  # and what the window spreads
        self._kept = np.zeros(0, np.float32)

    def feed(self, wave: Wave) -> bool:
        """Hear more; whether the tone was there for the newest 0.2 s, or for any such time within this wave."""
        kept = np.concatenate((self._kept, wave))
        size, step = len(self._window), len(self._window) // 4
        heard, start = False, 0
        while len(kept) - start >= size and not heard:
            heard = self._is_tone(kept[start : start + size])
            start += step
        self._kept = kept[start:] if not heard else kept[-size + step :]
        return heard

    def _is_tone(self, wave: Wave) -> bool:
        if level(wave) <= self._threshold:
            return False
        power = np.abs(np.fft.rfft(wave * self._window)) ** 2
        return bool(power[self._mine].sum() >= self._share * power.sum())


class HeardDigit(NamedTuple):
    """A digit; ``at`` seconds since the beginning of what was heard."""

    digit: str
    at: float
    seconds: float


class Digits:
    """Digits as tones (ITU-T Q.23; times and twist after Q.24): of 40 ms and more, 30 ms apart and more.

    Example:
        >>> from pbxnb.media.tones import as_wave, digits_as_sound
        >>> from pbxnb.phone.audio import resample
        >>> [each.digit for each in Digits().feed(resample(as_wave(digits_as_sound("159#")), 48_000))]
        ['1', '5', '9', '#']
    """

    _ROWS = sorted({low for low, _ in FREQUENCIES.values()})
    _COLUMNS = sorted({high for _, high in FREQUENCIES.values()})
    _NAMES = {pair: digit for digit, pair in FREQUENCIES.items()}  # noqa: RUF012
    QUIETEST = -40.0
    """dB of the whole frame."""
    SHARE = 0.6
    """Of a frame's power that the two tones must have: speech has it elsewhere too."""
    OFF = 0.013
    """Share of a frequency that is looked for beside it."""
    TWIST = 8.0
    """dB that one of the two may be louder."""

    def __init__(self) -> None:
        places = np.outer((*self._ROWS, *self._COLUMNS), (1 - self.OFF, 1, 1 + self.OFF))
        turns = np.outer(places, np.arange(FRAME)) / RATE
        self._matrix = np.exp(-2j * np.pi * turns).T.astype(np.complex64) * (np.sqrt(2) / FRAME)
        self._kept = np.zeros(0, np.float32)
        self._hops = 0  # frames looked at
        self._digit, self._began, self._frames, self._without = "", 0, 0, 0

    def feed(self, wave: Wave) -> list[HeardDigit]:
        """Hear more; the digits that ended with it."""
        kept = np.concatenate((self._kept, wave))
        if len(kept) < FRAME:
            self._kept = kept
            return []
        frames = sliding_window_view(kept, FRAME)[::HOP]
        self._kept = kept[len(frames) * HOP :]
        ended = []
        for digit in self._look(frames):
            ended += self._step(digit)
        return ended

    def _look(self, frames: Wave) -> list[str]:
        """The digit in each frame, or none."""
        power = (np.abs(frames @ self._matrix) ** 2).reshape(len(frames), 8, 3).max(axis=2)
        whole = np.mean(np.square(frames), axis=1)
        lows, highs = power[:, :4], power[:, 4:]
        rows, columns = lows.argmax(axis=1), highs.argmax(axis=1)
        low, high = lows.max(axis=1), highs.max(axis=1)
        twist = 10 ** (self.TWIST / 10)
        good = (whole > 10 ** (self.QUIETEST / 10)) & (low + high > self.SHARE * whole)
        good &= (low < twist * high) & (high < twist * low)
        return [
            self._NAMES[self._ROWS[row], self._COLUMNS[column]] if sure else ""
            for row, column, sure in zip(rows, columns, good, strict=True)
        ]

    def _step(self, digit: str) -> list[HeardDigit]:
        """One frame more: a digit ends with the third frame without it, or with another."""
        ended = []
        if digit == self._digit:
            self._frames, self._without = self._frames + 1, 0
        else:
            self._without += 1
            if self._without == 3 or (digit and not self._digit):
                if self._digit and self._frames >= 3:
                    seconds = (self._frames * HOP + FRAME - HOP) / RATE
                    ended.append(HeardDigit(self._digit, self._began * HOP / RATE, seconds))
                self._digit, self._began, self._frames, self._without = digit, self._hops, 1, 0
        self._hops += 1
        return ended


def digits_in(wave: Wave) -> str:
    """The digits in a whole wave."""
    heard = Digits()
    return "".join(each.digit for each in (*heard.feed(wave), *heard.feed(np.zeros(5 * FRAME, np.float32))))
