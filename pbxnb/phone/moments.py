"""What happened to one leg, moment by moment: for the pictures of a call, and for who asks why it went as it did."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, NamedTuple

from pbxnb.model.words import words_of_body, words_of_message, words_of_sdp
from pbxnb.protocol import messages as m
from pbxnb.protocol import requests as r

from .leg import AnswerOffer, Close, Flow, Leg, MakeOffer, Step, TakeAnswer, TakeCandidates

__all__ = ["Kind", "Moment", "Moments"]

Kind = Literal["sent", "received", "media", "state", "sound"]
FIRST, NEWEST = 400, 600


class Moment(NamedTuple):
    """One thing that happened.

    Attributes:
        at: when, on the PBX's clock.
        kind: ``sent`` to the PBX, ``received`` from it, ``media``: what the media were told or found, ``state``: where
            the leg stands from now on (`leg.LegState`), ``sound``: how its sound is from now on (`leg.MediaState`).
        text: in a few words, without secrets of the media.
    """

    at: datetime
    kind: Kind
    text: str


class Moments:
    """The moments of one leg: the first 400 and the newest 600.

    Args:
        now: gives the time on the PBX's clock.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._first: list[Moment] = []
        self._newest: deque[Moment] = deque(maxlen=NEWEST)
        self._state = self._sound = ""

    def __call__(self) -> tuple[Moment, ...]:
        """All that are kept, in order."""
        return (*self._first, *self._newest.copy())  # the second in one step, while another thread adds

    def step(self, step: Step) -> None:
        """A step of the leg is carried out."""
        if isinstance(step, r.Request):
            self._add("sent", words_of_body(step.frame()))
        else:
            self._add("media", _order(step))

    def message(self, message: m.Message) -> None:
        """The PBX said something about the leg."""
        self._add("received", words_of_message(message))

    def described(self, text: str) -> None:
        """The media described themselves."""
        self._add("media", f"described: {words_of_sdp(text)}")

    def follow(self, leg: Leg) -> None:
        """The leg may have moved."""
        if leg.state != self._state:
            self._state = leg.state
            self._add("state", f"{leg.state}{f': {leg.cause}' if leg.cause else ''}")
        if leg.media != self._sound:
            self._sound = leg.media
            self._add("sound", leg.media)

    def _add(self, kind: Kind, text: Any) -> None:
        kept = self._first if len(self._first) < FIRST else self._newest
        kept.append(Moment(self._now(), kind, str(text)))


def _order(step: Step) -> str:
    match step:
        case MakeOffer():
            return "make an offer"
        case AnswerOffer():
            return "answer the offer"
        case TakeAnswer():
            return "take the answer"
        case TakeCandidates(candidates=found):
            return f"take {len(found)} address{'' if len(found) == 1 else 'es'}"
        case Flow(send=send, hear=hear):
            return f"{'send' if send else 'send nothing'}, {'hear' if hear else 'hear nothing'}"
        case Close():
            return "close"
    return str(step)
