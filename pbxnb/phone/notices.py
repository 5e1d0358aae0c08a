"""Warnings about the sound of a call, each with its end: when, by which rule, and in which words (telephony.md 6.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from .samples import Sample

__all__ = ["LOOKED_AT", "MICROPHONE", "RULES", "Notice", "Rule"]

LOOKED_AT = 10
"""Seconds that the rules look back at most."""


class Notice(NamedTuple):
    """A warning that began, or one that is cleared.

    Attributes:
        name: ``round_trip``, ``jitter``, ``mos``, ``loss`` or ``level``.
        at: when, on the PBX's clock.
        cleared: whether it is over.
        text: a sentence for people.
    """

    name: str
    at: datetime
    cleared: bool
    text: str


class Rule(NamedTuple):
    """When to warn, and when no more, by the newest samples (telephony.md 6.2)."""

    name: str
    begins: Callable[[Sequence[Sample]], bool]
    ends: Callable[[Sequence[Sample]], bool]
    text: str
    over: str


def _often(name: str, bad: Callable[[Sample], bool], text: str, over: str) -> Rule:
    """Bad in 3 of the newest 5 seconds; cleared when in none of them."""

    def how_often(samples: Sequence[Sample]) -> int:
        return sum(map(bad, samples[-5:]))

    return Rule(name, lambda samples: how_often(samples) >= 3, lambda samples: not how_often(samples), text, over)


def _loss(samples: Sequence[Sample]) -> float:
    """Share lost over the newest 7 seconds; 0 before there are so many."""
    expected = sum(each.received + each.lost for each in samples[-7:])
    return sum(each.lost + each.late for each in samples[-7:]) / expected if expected and len(samples) >= 7 else 0.0


def _constant(samples: Sequence[Sample]) -> bool:
    """Whether what is sent was equally loud for 10 seconds, within 1 dB."""
    levels = [each.level_out for each in samples[-10:] if each.level_out is not None]
    return len(levels) == 10 and max(levels) - min(levels) < 1


RULES = (
    _often(
        "round_trip",
        lambda each: each.round_trip is not None and each.round_trip > 0.4,
        "The way there and back takes more than 400 ms: people will interrupt each other.",
        "The way there and back is below 400 ms again.",
    ),
    _often(
        "jitter",
        lambda each: each.jitter > 0.03,
        "Packets come unevenly (jitter above 30 ms): words will be cut.",
        "Packets come evenly again.",
    ),
    _often(
        "mos",
        lambda each: each.mos is not None and each.mos < 3.5,
        "The call sounds bad (MOS below 3.5).",
        "The call sounds well again.",
    ),
    Rule(
        "loss",
        lambda samples: _loss(samples) > 0.03,
        lambda samples: _loss(samples) < 0.01,
        "More than 3 % of the sound is lost on its way here.",
        "Less than 1 % of the sound is lost again.",
    ),
)
MICROPHONE = Rule(
    "level",
    _constant,
    lambda samples: not _constant(samples),
    "The microphone has given the same level for 10 s: is it the right one, and switched on?",
    "The microphone hears something again.",
)
