"""The vocabulary of the embedded PBX, the variants of it that ``quirks=`` switches on, and what of it is invented.

A variant is one line of protocol.md 9 that concerns the server; lines about the client (10, 11, 13, 14, 18 to 24, 31,
32, 34, 35) need none, because both ways are always accepted or belong to the vocabulary. It knows no call and no
socket.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from pbxnb.arguments import nearest
from pbxnb.errors import SimulatorError

__all__ = ["INVENTED", "VARIANTS", "Dialect", "Variants"]


class Dialect(StrEnum):
    """The two vocabularies of protocol.md 4.0."""

    MODERN = "modern"
    OLD = "2016"

    @property
    def version(self) -> str:
        """A version of the PBX that speaks it."""
        return "70.1" if self is Dialect.MODERN else "5.4"


VARIANTS: Final[dict[str, tuple[int, str]]] = {
    "calls-object": (1, "A new or changed call comes as one object; an end still comes as an array."),
    "other-state-field": (2, "`callstate` where the vocabulary says `state`, and the other way round."),
    "ringing-word": (3, "Ringing is called `ringing`."),
    "split-parties": (4, "Parties come as `from-number`, `from-name` ... only, without `from` and `to`."),
    "sdp-object": (5, "An SDP comes as an object `{sdp, type}`."),
    "fresh-callid": (7, "The PBX answers a client's call under a callid of its own."),
    "callid-as-id": (8, "A call started over the socket has its WebRTC callid as its call-state id."),
    "cancel-swapped": (
        12,
        "A caller who gives up is `cancel` instead of `bye`, in 2016 the other way round.",
    ),
    "both-keys": (16, "Flat messages carry an `action` as well."),
    "root-path": (17, "The root path takes sockets too in the modern vocabulary."),
    "unasked": (19, "`domain-state` and `call-state` are sent at the opening, unasked."),
    "session-plain": (25, "The login token comes as plain text."),
    "session-object": (25, "The login token comes in an object."),
    "string-booleans": (27, "Booleans are the strings `true` and `false`."),
    "number-times": (28, "Times are JSON numbers instead of strings."),
    "padded-times": (28, "The fraction of a second is padded to three digits."),
    "star-marks": (29, "The caller's extension carries a `*`."),
    "national-numbers": (30, "`from-user` is in national form."),
    "partial-user-state": (33, "A `user-state` names `registered` and `dnd` only when they changed."),
    "reserved-keys": (
        15,
        "The reserved keys `response`, `info` and `change` are used (all invented).",
    ),
}
"""Name of each switch: the row of protocol.md 9, and what it does."""

SETTLED_AT_OPENING = frozenset({"root-path", "unasked", "session-plain", "session-object", "callid-as-id"})
"""Variants of the connection; ``all`` decides them once, the others anew for every frame."""

INVENTED: Final[dict[str, tuple[str, str]]] = {
    "orbit-calls": ("12.3", "The whole message: `orbits`, each with `number`, `name` and its parked `calls`."),
    "blf": ("12.3", "The whole message: `list` of `{account, state}` with idle, ringing, connected, offline."),
    "ringtones": ("12.3", "A list of `{name, file}`."),
    "response": ("12.3", "A status code and the callid; only with the quirk reserved-keys."),
    "info": ("12.3", "The word `muted` or `unmuted`, and the callid; only with the quirk reserved-keys."),
    "change": ("12.3", "The media direction, and the callid; only with the quirk reserved-keys."),
    "user-change": ("12.3", "Sent to the own sockets when a setting (DND) of the account changes; `account`."),
    "missed-calls": ("12.3", "A `count`."),
    "bye-response": ("12.3", "The `callid` of our `sip-bye`."),
    "cancel": ("12.3", "The value `true`."),
    "cancel.callid": ("12.3", "Modern names the leg."),
    "cancelresponse": ("12.3", "The value `true`."),
    "cancelresponse.callid": ("12.3", "Modern names the leg."),
    "rec-start.id": ("12.3", "The call's id; sources name no field."),
    "rec-stop.id": ("12.3", "The call's id; sources name no field."),
    "call-state.subscribe": ("12.4", "Subscribing answers with a list at once; `subscribe:false` ends it."),
    "blf.add": ("12.4", "A second request adds to the first; nothing unsubscribes."),
    "call-state.rec": ("12.3", "Modern sends `rec` as well as `rec-start` and `rec-stop`."),
    "call-state.group": ("12.7", "Number of the queue or hunt group the call came through."),
    "call-state.state.parked": ("12.7", "A parked call says `parked` and its `to` is the orbit."),
    "call-state.state.queued": ("12.7", "A waiting caller is `alerting` at the queue, with no extension."),
    "call-state.voicemail": ("12.7", "A caller in voicemail is `connected` to 8 and the extension's number."),
    "call-state.throttle": ("12.9", "Above 50 calls a list waits until 5,000 entries a second are kept."),
    "domain-state.messages": ("12.8", "Number of the own account's voicemails."),
    "domain-state.calls": ("12.8", "As in call-state."),
    "account.calls": ("12.8", "`id`, `to` and the state beside the `from` that is known."),
    "account.code": ("12.8", "The id of the account's first call."),
    "account.department": ("12.8", "The extension's department."),
    "domain-state.modern": ("12.9", "Modern answers get-users and get-calls, and sends user-state on every change."),
    "chat.modern": ("12.9", "Modern announces a chat text as 2016 did."),
    "upgrade.refused": ("12.12", "401 without a session, 403 for somebody else's account, 404 for none."),
    "upgrade.basic": ("12.12", "Basic authentication is accepted on the upgrade; the URL parameter `session` is not."),
    "domain-calls.right": ("12.12", "An extension without the right gets nothing."),
    "user_settings": ("12.18", "Strings; `cfa`, `cfb`, `cfn` and `cfr` hold numbers, and calls go on to them."),
    "user.supervises": ("12.12", "An extension with the right commands the tenant's calls by REST and by socket."),
}
"""What no source shows, by message or field: the item of protocol.md 12 that leaves it open, and our choice."""


class Variants:
    """Which variants hold: always the same, or for ``all`` a random mixture by seed.

    Args:
        quirks: names of `VARIANTS`, or ``"all"``.
        seed: of the mixture.

    Raises:
        SimulatorError: a quirk has no such name.
    """

    def __init__(self, quirks: str | Iterable[str] = (), *, seed: int = 1) -> None:
        names = [quirks] if isinstance(quirks, str) and quirks else list(quirks or ())
        self.mixed = "all" in names
        wrong = [n for n in names if n not in VARIANTS and n != "all"]
        if wrong:
            raise SimulatorError(f"There is no quirk {wrong[0]!r}{nearest(str(wrong[0]), ('all', *VARIANTS))}")
        self._random = random.Random(f"quirks {seed}")
        self._fixed = frozenset(n for n in names if n != "all")
        if self.mixed:
            self._fixed |= {n for n in sorted(SETTLED_AT_OPENING) if self._random.random() < 0.5}

    @property
    def fixed(self) -> frozenset[str]:
        """What holds for the connection as a whole."""
        return self._fixed

    def frame(self) -> frozenset[str]:
        """What holds for the next frame."""
        if not self.mixed:
            return self._fixed
        return self._fixed | {n for n in VARIANTS if n not in SETTLED_AT_OPENING and self._random.random() < 0.5}
