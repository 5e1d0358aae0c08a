"""Plans as data: who gives a command, what it sends, and what will prove it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

import msgspec

from ..parties import NOBODY, Party

__all__ = ["CallRef", "Context", "Effect", "Plan", "RestRequest", "StarCodes"]


class StarCodes(msgspec.Struct, frozen=True, kw_only=True):
    """The star codes of the PBX; an administrator may have changed them (protocol.md 8.6, rest.md 2.7)."""

    park: str = "*85"
    retrieve: str = "*86"
    pickup: str = "*87"


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Who gives a command, and in which vocabulary.

    Attributes:
        domain: our tenant.
        user: our extension.
        dialect: ``modern`` or ``2016``.
        account: the account that is to act; empty for us if we are a party, else the call's first extension.
        star: the PBX's star codes.
    """

    domain: str
    user: str
    dialect: Literal["modern", "2016"] = "modern"
    account: str = ""
    star: StarCodes = StarCodes()


class CallRef(msgspec.Struct, frozen=True, kw_only=True):
    """What a command needs to know of a call; the state is the model's word (``ringing``, ``connected``, ...)."""

    id: str
    from_: Party = NOBODY
    to: Party = NOBODY
    extensions: tuple[str, ...] = ()
    state: str = ""


class RestRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request of the REST interface; ``body`` is JSON to be."""

    method: str
    path: str
    body: Any = None


class Effect(StrEnum):
    """What on the model proves a command."""

    NEW_CALL = "new-call"
    CONNECTED = "connected"
    LEFT_RINGING = "left-ringing"
    GONE = "gone"
    HELD = "held"
    RESUMED = "resumed"
    MOVED = "moved"
    JOINED = "joined"
    PARKED = "parked"
    RECORDING = "recording"
    DND = "dnd"
    QUEUE_LOGIN = "queue-login"
    SETTING = "setting"
    ACCEPTED_ONLY = "accepted-only"
    NONE = "none"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One command, ready to be sent.

    Attributes:
        name: the command's name, as on the handle.
        args: its arguments after validation, calls by their id.
        frames: socket frames to send, in order.
        rest: REST requests to make after them, in order.
        read: the REST request whose answer shows the effect, where the model does not; None where it does.
        effect: what on the model will prove it.
        effect_text: the same as a sentence for people.
        destructive: it ends or gives away something that cannot be had back; panels ask first.
        certainty: how sure its form is, a grade of protocol.md 1.2.
        assumption: what is taken for granted, one sentence; empty when nothing is.
        deadline: seconds to wait for the effect.
        account: the number that acts.
        call: the call it is about; None when there is none.
        call2: the other call of an attended transfer.
        to: the number, orbit, extension or queue it is about; empty when there is none.
        on: for switches.
        star: it works by dialling a star code.
    """

    name: str
    args: dict[str, Any]
    frames: tuple[dict[str, Any], ...] = ()
    rest: tuple[RestRequest, ...] = ()
    read: RestRequest | None = None
    effect: Effect
    effect_text: str
    destructive: bool = False
    certainty: str
    assumption: str = ""
    deadline: float = 5.0
    account: str
    call: CallRef | None = None
    call2: CallRef | None = None
    to: str = ""
    on: bool | None = None
    star: bool = False
