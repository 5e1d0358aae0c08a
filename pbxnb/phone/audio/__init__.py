"""Sound as numbers: WAV files, rates, what to play, and what is heard. Needs numpy, so it is imported inside functions.

A wave is an array of float32 between -1 and 1, `RATE` samples a second unless something else is said.
"""

from pbxnb.errors import MissingExtra, install_hint

try:
    import numpy  # noqa: F401 - what every module of this folder stands on
except ImportError:
    raise MissingExtra(
        "The sound of calls needs numpy, not installed here.", hint=install_hint("pbxnb[phone]")
    ) from None

from .listening import Activity, Digits, HeardDigit, ToneHeard, digits_in
from .resampling import RATE, Resampler, resample
from .sounds import sound_of
from .wav import read_wav, write_wav

__all__ = [
    "RATE",
    "Activity",
    "Digits",
    "HeardDigit",
    "Resampler",
    "ToneHeard",
    "digits_in",
    "read_wav",
    "resample",
    "sound_of",
    "write_wav",
]
