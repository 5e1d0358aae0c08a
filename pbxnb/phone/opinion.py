"""What listeners would think of a call: the E-model in its short form (telephony.md 6.1)."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Opinion", "opinion"]


class Opinion(NamedTuple):
    """What listeners would think.

    Attributes:
        rating: R of the E-model, 0 to 93.2.
        mos: mean opinion score, 1 to 4.5.
        estimated: whether the values of the codec are not the ITU's, as for opus.
    """

    rating: float
    mos: float
    estimated: bool


ITU = {"PCMU": (0.0, 25.1), "PCMA": (0.0, 25.1)}
"""Impairment by a codec, and its robustness to loss."""
NOT_ITU = {"G722": (4.0, 15.7), "": (0.0, 25.1)}
"""The same from elsewhere; the empty name stands for opus and all others."""


def opinion(codec: str, *, round_trip: float | None, jitter: float, loss: float) -> Opinion:
    """The E-model in its short form (telephony.md 6.1).

    Args:
        codec: as SDP names it; case does not matter.
        round_trip: seconds; None, where it is not known, counts as none: the opinion is then at most so good.
        jitter: seconds.
        loss: share of packets that nobody heard, 0 to 1.

    Example:
        >>> opinion("PCMU", round_trip=0.150, jitter=0.020, loss=0.01)
        Opinion(rating=86.32..., mos=4.23..., estimated=False)
    """
    name = codec.upper()
    impairment, robustness = ITU.get(name) or NOT_ITU.get(name, NOT_ITU[""])
    delay = (round_trip or 0.0) * 500 + 2 * jitter * 1000 + 20  # ms, one way
    by_delay = 0.024 * delay + 0.11 * max(0.0, delay - 177.3)
    percent = 100 * loss
    rating = max(0.0, 93.2 - by_delay - impairment - (95 - impairment) * percent / (percent + robustness))
    mos = max(1.0, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6)
    return Opinion(rating, mos, name not in ITU)
