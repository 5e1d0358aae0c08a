"""What a picture asks of a call of a phone, and how long each of its states lasted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeGuard

from .source import label
from .style import STATES

__all__ = ["PhoneCall", "Spell", "colour_of", "is_phone_call", "name_of", "spells"]


class Moment(Protocol):
    """As `pbxnb.phone.moments.Moment`."""

    @property
    def at(self) -> datetime:
        """When, on the PBX's clock."""

    @property
    def kind(self) -> str:
        """``sent``, ``received``, ``media``, ``state`` or ``sound``."""

    @property
    def text(self) -> str:
        """In a few words."""


class Quality(Protocol):
    """As `pbxnb.phone.quality.Quality`."""

    @property
    def samples(self) -> Sequence[Any]:
        """Every second, as `pbxnb.phone.samples.Sample`."""

    @property
    def notices(self) -> Iterable[Any]:
        """Warnings that began and ended."""


class PhoneCall(Protocol):
    """As `pbxnb.phone.call.PhoneCall`."""

    @property
    def party(self) -> Any:
        """The other side."""

    @property
    def call(self) -> Any:
        """The PBX's call that it is; None while not known."""

    @property
    def moments(self) -> Sequence[Moment]:
        """What happened to it."""

    @property
    def quality(self) -> Quality:
        """Of its sound."""


class Spell(NamedTuple):
    """A state that lasted; ``end`` None while it lasts. ``why`` is said of an end."""

    word: str
    start: datetime
    end: datetime | None
    why: str = ""


def is_phone_call(call: object) -> TypeGuard[PhoneCall]:
    """Whether it is a call of a phone."""
    return hasattr(call, "moments") and hasattr(call, "quality")


def name_of(call: PhoneCall) -> str:
    """The other side, as a label."""
    return label(call.party.number or call.party.name or "?")


def spells(moments: Iterable[Moment], kind: str) -> list[Spell]:
    """The states of a leg (``state``) or of its sound (``sound``), in order; what has ended lasts no time."""
    found: list[Spell] = []
    for moment in moments:
        word, _, why = moment.text.partition(": ")
        ended = moment.kind == "state" and word == "ended"
        if (moment.kind == kind or ended) and found and found[-1].end is None:
            found[-1] = found[-1]._replace(end=moment.at)
        if moment.kind == kind:
            found.append(Spell(word, moment.at, moment.at if ended else None, why))
    return found


_COLOURS = {
    "dialling": STATES["queued"],
    "early": STATES["ringing"],
    "connecting": STATES["menu"],
    "held_here": STATES["held"],
    "held_there": STATES["held"],
    "held_both": STATES["held"],
    "flowing": STATES["talking"],
    "one_way": STATES["queued"],
    "gathering": STATES["idle"],
    "checking": STATES["ringing"],
}


def colour_of(word: str) -> str:
    """The colour of a state of a leg or its sound."""
    return _COLOURS.get(word) or STATES.get(word, STATES["other"])
