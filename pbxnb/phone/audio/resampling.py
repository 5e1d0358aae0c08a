"""From one rate of samples to another, all at once or block by block."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pbxnb.errors import SoundRefused

__all__ = ["RATE", "RATES", "Resampler", "Wave", "joined", "resample"]

Wave = NDArray[np.float32]
RATE = 16_000
"""Samples a second of a wave."""
RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000)
CROSSINGS = 24
"""Zeros of the filter on each side, at the lower of the two rates."""
PASSES = 0.9
"""Share of the lower rate's band that passes."""
KAISER = 8.0
BLOCK = 2**16


class Resampler:
    """Changes the rate of a stream: what comes out is whole blocks for whole blocks, `delay` samples later.

    Args:
        rate: samples a second that come, of `RATES`.
        to: that go.

    Attributes:
        delay: samples that come out before the first one that came in.

    Raises:
        SoundRefused: no common rate.

    Example:
        >>> import numpy as np
        >>> slower = Resampler(48_000)
        >>> slower.feed(np.zeros(960, np.float32)).shape, slower.delay
        ((320,), 24)
    """

    def __init__(self, rate: int, to: int = RATE) -> None:
        for each in (rate, to):
            if each not in RATES:
                raise SoundRefused(f"{each} samples a second are no common rate.", hint=f"Common are {RATES}.")
        common = math.gcd(rate, to)
        self._up, self._down = to // common, rate // common
        self._filter = _phases(self._up, self._down)
        wing = self._filter.shape[1] // 2
        # So many silent samples before the first that as many come out as went in at any time, the delay being whole.
        ahead = -(-wing // self._down) * self._down
        self.delay: Final = ahead * self._up // self._down
        self._slack = ahead - wing
        self._kept = np.zeros(wing + ahead, np.float32)
        self._first = 0  # the sample, counted with those ahead, that the first whole window of what is kept is about
        self._given = 0

    def feed(self, wave: Wave) -> Wave:
        """What comes out for the samples that come now."""
        parts = [self._some(wave[start : start + BLOCK]) for start in range(0, len(wave), BLOCK)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _some(self, wave: Wave) -> Wave:
        kept = np.concatenate((self._kept, wave.astype(np.float32, copy=False)))
        taps = self._filter.shape[1]
        windows = sliding_window_view(kept, taps) if len(kept) >= taps else np.zeros((0, taps), np.float32)
        up, down = self._up, self._down
        end = max(self._given, -(-(self._first + len(windows) - self._slack) * up // down))
        out = np.empty(end - self._given, np.float32)
        for lane in range(min(up, len(out))):
            about, phase = divmod((self._given + lane) * down, up)
            mine = out[lane::up]
            mine[:] = windows[about - self._first :: down][: len(mine)] @ self._filter[phase]
        self._given = end
        first = end * down // up
        self._kept = kept[first - self._first :]
        self._first = first
        return out


def resample(wave: Wave, rate: int, to: int = RATE) -> Wave:
    """A whole wave at another rate, without delay.

    Args:
        wave: shape ``(n,)``.
        rate: its samples a second, of `RATES`.
        to: those wanted.

    Raises:
        SoundRefused: no common rate.

    Example:
        >>> import numpy as np
        >>> len(resample(np.zeros(44_100, np.float32), 44_100))
        16000
    """
    return joined([wave], rate, to)


def joined(parts: Iterable[Wave], rate: int, to: int = RATE) -> Wave:
    """As `resample`, of a wave that comes in parts."""
    stream = Resampler(rate, to)
    came, out = 0, []
    for part in parts:
        came += len(part)
        out.append(stream.feed(part))
    wanted = -(-came * to // rate)
    ahead = -(-(stream.delay + 1) * rate // to) if came else 0
    whole = np.concatenate((*out, stream.feed(np.zeros(ahead, np.float32))))
    return whole[stream.delay : stream.delay + wanted]


@lru_cache(maxsize=8)
def _phases(up: int, down: int) -> Wave:
    """A low-pass filter cut into lanes, one for each place that a sample can have between two others: (up, taps)."""
    widest = max(up, down)
    centre = CROSSINGS * widest
    wing = -(-centre // up)
    places = np.arange(-wing, wing + 1)[None, :] * -up + np.arange(up)[:, None]
    inside = np.abs(places) <= centre
    shape = np.sinc(places * PASSES / widest) * PASSES * up / widest
    edge = np.sqrt(np.clip(1 - (places / centre) ** 2, 0, None))
    return np.where(inside, shape * np.i0(KAISER * edge) / np.i0(KAISER), 0).astype(np.float32)
