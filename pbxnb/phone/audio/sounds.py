"""What can be played into a call: a WAV file, an array, or a sound that has a name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pbxnb.errors import SoundRefused
from pbxnb.media.tones import as_samples, named
from pbxnb.media.wire import RATE as WIRE_RATE

from .resampling import RATE, resample
from .wav import MOST_SECONDS, read_wav

__all__ = ["sound_of"]

LONGEST_NAME = 64


def sound_of(what: str | os.PathLike[str] | NDArray[Any], *, rate: int = RATE) -> bytes:
    """The samples of a sound as the media take them: 48,000 a second, 16 bits.

    Args:
        what: the path of a WAV file (a text that ends in ``.wav`` is one); a wave; or a name, such as ``"ringback"``,
            ``"busy"``, ``"beep"``, ``"music"``, ``"tone:440"``, ``"dtmf:159#"``.
        rate: samples a second of a wave.

    Raises:
        SoundRefused: no such file or name, nothing in it, or longer than an hour.

    Example:
        >>> len(sound_of("tone:440")) // 2
        48000
    """
    if isinstance(what, str) and not what.lower().endswith(".wav"):
        return _named(what)
    wave = _checked(what, rate) if isinstance(what, np.ndarray) else read_wav(Path(what), rate=WIRE_RATE)
    if not len(wave):
        raise SoundRefused("There is no sound in it.")
    return as_samples(wave)


def _named(name: str) -> bytes:
    try:
        if len(name) <= LONGEST_NAME:
            return named(name)
        why = f"A sound's name has at most {LONGEST_NAME} characters."
    except ValueError as error:
        why = str(error)
    raise SoundRefused(why, hint="The name of a file must end in .wav.")


def _checked(wave: NDArray[Any], rate: int) -> NDArray[np.float32]:
    if wave.ndim != 1 or wave.dtype.kind != "f" or not np.isfinite(wave).all():
        raise SoundRefused(
            f"A wave is a one-dimensional array of floats between -1 and 1, not {wave.dtype} of shape {wave.shape}.",
            hint="Divide 16-bit samples by 32768.",
        )
    if len(wave) > MOST_SECONDS * rate:
        raise SoundRefused(f"The sound lasts {len(wave) / rate:,.0f} s; at most {MOST_SECONDS:,} are played.")
    return resample(wave.astype(np.float32, copy=False), rate, WIRE_RATE)
