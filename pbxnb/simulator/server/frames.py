"""The frames of the embedded PBX: its state in either vocabulary and with any variant (protocol.md 5, 6, 9).

A variant is one line of protocol.md 9 that concerns the server; lines about the client (10, 11, 13, 14, 18 to 24, 31,
32, 34, 35) need none, because both ways are always accepted or belong to the vocabulary. Every function renders the
state as it is now, so a frame can never disagree with the PBX inside. Long lists are joined from parts encoded once per
change and shared by all who see the same.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

import msgspec

from pbxnb.arguments import nearest
from pbxnb.errors import SimulatorError
from pbxnb.protocol.parties import Party, format_party

from ..engine.accounts import SimAccount, SimExtension, SimOrbit
from ..engine.calls import Cause, SimCall, SimChange, SimParty, SimPhase
from ..engine.pbx import SimPbx

__all__ = ["INVENTED", "VARIANTS", "Dialect", "FrameWriter", "Variants", "print_time"]


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
    "sdp-actpass": (6, "An answer is labelled `a=setup:actpass` and really passive, as before version 69."),
    "sdp-no-mid": (6, "An SDP has no `a=mid`."),
    "fresh-callid": (7, "The PBX answers a client's call under a callid of its own."),
    "callid-as-id": (8, "A call started over the socket has its WebRTC callid as its call-state id."),
    "cancel-swapped": (12, "A caller who gives up is `cancel` instead of `bye`, in 2016 the other way round."),
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
    "call-state.id": ("12.6", "Unique over all tenants of the PBX: it has one counter."),
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
    "upgrade.refused": ("12.12", "401 without a session, 403 for another's account or tenant, there or not, else 404."),
    "upgrade.basic": ("12.12", "Basic authentication is accepted on the upgrade; the URL parameter `session` is not."),
    "domain-calls.right": ("12.12", "An extension without the right gets nothing."),
    "user_settings": ("12.18", "Strings; `cfa`, `cfb`, `cfn` and `cfr` hold numbers, and calls go on to them."),
    "queue.break": ("12.19", "An agent begins a break by the simulator only; it is of one queue, and has a reason."),
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
        self.mixed: Final = "all" in names
        wrong = [n for n in names if n not in VARIANTS and n != "all"]
        if wrong:
            raise SimulatorError(f"There is no quirk {wrong[0]!r}{nearest(str(wrong[0]), ('all', *VARIANTS))}")
        self._seed = seed
        self._random = random.Random(f"quirks {seed}")
        self._fixed = frozenset(n for n in names if n != "all")
        if self.mixed:
            self._fixed |= {n for n in sorted(SETTLED_AT_OPENING) if self._random.random() < 0.5}

    @property
    def fixed(self) -> frozenset[str]:
        """What holds for the connection as a whole."""
        return self._fixed

    def of_tenant(self, place: int) -> Variants:
        """Those of the PBX's further tenants: the same, but a mixture of its own, whatever the others are sent."""
        if not self.mixed or not place:
            return self
        other = Variants("all", seed=self._seed)
        other._random, other._fixed = random.Random(f"quirks {self._seed} {place}"), self._fixed
        return other

    def frame(self) -> frozenset[str]:
        """What holds for the next frame."""
        if not self.mixed:
            return self._fixed
        return self._fixed | {n for n in VARIANTS if n not in SETTLED_AT_OPENING and self._random.random() < 0.5}


def print_time(at: float, *, padded: bool = False) -> str:
    """Seconds since 1970 as the PBX prints them: the fraction counts milliseconds, without padding (protocol.md 7.5).

    Example:
        >>> print_time(1790000000.088), print_time(1790000000.088, padded=True)
        ('1790000000.88', '1790000000.088')
    """
    seconds, millis = divmod(round(at * 1000), 1000)
    return f"{seconds}.{millis:03d}" if padded else f"{seconds}.{millis}"


def encode(value: object) -> str:
    """JSON text."""
    return msgspec.json.encode(value).decode()


class FrameWriter:
    """The frames of one tenant.

    Args:
        pbx: the state to render.
        dialect: the vocabulary.
        variants: those of protocol.md 9 that are switched on.
    """

    def __init__(self, pbx: SimPbx, dialect: Dialect, variants: Variants) -> None:
        self.pbx = pbx
        self.dialect = dialect
        self.variants = variants
        self._call_parts: dict[str, tuple[int, str]] = {}
        self._account_parts: dict[str, str] = {}
        self._skew = 0.0
        self._last_user_states: dict[str, tuple[bool, bool]] = {}
        # First of all observers, so that no other renders from a part that is out of date.
        pbx.changed.add(self._forget)

    def _forget(self, change: SimChange) -> None:
        for number in change.accounts:
            self._account_parts.pop(number, None)
        if change.call is not None and not change.call.open:
            self._call_parts.pop(change.call.id, None)

    def skew_by(self, seconds: float) -> None:
        """Print every time so many seconds later, on top of what is so already (the fault ``clock-skew``)."""
        self._skew += seconds
        self._call_parts.clear()

    # -- calls ---------------------------------------------------------------------------------------------------

    def call_state(self, viewer: str = "") -> str:
        """The whole list: of the tenant, or with a ``viewer`` of that extension."""
        calls = self.pbx.calls_of(viewer) if viewer else self.pbx.calls.values()
        if not viewer and not self.variants.mixed:
            return f'{{"action":"call-state","calls":[{",".join(map(self._call_part, calls))}]}}'
        style = self.variants.frame()
        return encode({"action": "call-state", "calls": [self.call(c, style, viewer) for c in calls]})

    def one_call(self, call: SimCall, viewer: str = "") -> str:
        """One new or changed call as an object (protocol.md 9, row 1)."""
        return encode({"action": "call-state", "calls": self.call(call, self.variants.frame(), viewer)})

    def _call_part(self, call: SimCall) -> str:
        part = self._call_parts.get(call.id)
        if part is None or part[0] != call.version:
            part = self._call_parts[call.id] = (call.version, encode(self.call(call, self.variants.fixed)))
        return part[1]

    def call(self, call: SimCall, style: frozenset[str], viewer: str = "") -> dict[str, Any]:
        """One entry of a list."""
        entry: dict[str, Any] = {"id": call.id}
        modern = self.dialect is Dialect.MODERN
        split = "split-parties" in style
        if not split:
            entry |= {"from": self.address(call.caller), "to": self.address(call.called)}
        if modern or split:
            entry |= {"from-number": call.caller.number, "from-name": call.caller.name}
            entry |= {"to-number": call.called.number, "to-name": call.called.name}
        entry[self.state_field(style)] = self.state(call, style, viewer)
        mark = "*" if "star-marks" in style else ""
        entry["extension"] = [
            f"{mark}{n}" if n == call.caller.number and call.caller.extension else n for n in call.extensions
        ]
        entry["start"] = self.time(call.started, style)
        entry["connect"] = "" if call.connected is None else self.time(call.connected, style)
        entry["cmc"] = ""
        if call.recording:
            entry["rec"] = "adhoc"
        if call.through:
            entry["group"] = call.through
        return entry

    def state_field(self, style: frozenset[str]) -> str:
        """``state`` or ``callstate`` (row 2)."""
        return "state" if (self.dialect is Dialect.MODERN) != ("other-state-field" in style) else "callstate"

    def state(self, call: SimCall, style: frozenset[str], viewer: str = "") -> str:
        """The state's word, as seen by the viewer where the sides differ (protocol.md 7.1)."""
        match call.phase:
            case SimPhase.RINGING | SimPhase.QUEUED:
                if "ringing-word" in style:
                    return "ringing"
                return "ringback" if self.dialect is Dialect.OLD and viewer == call.caller.number else "alerting"
            case SimPhase.HELD:
                return "holding" if viewer in call.held_by else "onhold"
            case SimPhase.PARKED:
                return "parked"
            case _:
                return "connected"

    def address(self, end: SimParty) -> str:
        """An end as a name-addr."""
        uri = f"sip:{end.number}@{self.pbx.domain}"
        return format_party(Party(end.number, end.name, self.pbx.domain, uri + ";user=phone" if end.external else uri))

    def time(self, at: float, style: frozenset[str]) -> str | float:
        """A time (row 28)."""
        text = print_time(at + self._skew, padded="padded-times" in style)
        return float(text) if "number-times" in style else text

    # -- accounts ------------------------------------------------------------------------------------------------

    def domain_state(self, viewer: str, *, sees_domain: bool) -> str:
        """The snapshot: all accounts, and the calls that the viewer may see."""
        pbx = self.pbx
        style = self.variants.frame()
        extension = pbx.extension(viewer)
        calls = pbx.calls.values() if sees_domain else pbx.calls_of(viewer)
        if self.variants.mixed:
            accounts = ",".join(encode(self.account(a, style)) for a in pbx.accounts.values())
            entries = ",".join(encode(self.call(c, style, "" if sees_domain else viewer)) for c in calls)
        else:
            accounts = ",".join(map(self._account_part, pbx.accounts.values()))
            entries = ",".join(map(self._call_part, calls))
        messages = extension.voicemails if extension else 0
        return f'{{"action":"domain-state","messages":{messages},"calls":[{entries}],"accounts":[{accounts}]}}'

    def _account_part(self, account: SimAccount) -> str:
        part = self._account_parts.get(account.number)
        if part is None:
            part = self._account_parts[account.number] = encode(self.account(account, self.variants.fixed))
        return part

    def account(self, account: SimAccount, style: frozenset[str]) -> dict[str, Any]:
        """One account of the snapshot; what does not apply now is null."""
        entry: dict[str, Any] = {"account": account.number, "name": account.name, "type": account.type}
        if isinstance(account, SimExtension):
            entry |= {
                "registered": self.boolean(account.registered, style),
                "dnd": self.boolean(account.dnd, style),
                "chatstatus": account.chat_status,
                "department": account.department,
            }
        calls = self.pbx.calls_of(account.number)
        entry["code"] = calls[0].id if calls and isinstance(account, SimExtension) else None
        entry["calls"] = self._own_calls(account.number, calls, style) or None
        return entry

    def user_state(self, number: str) -> str:
        """A change of one account: what is absent from ``code`` and ``calls`` is over (protocol.md 6.3)."""
        account = self.pbx.accounts[number]
        style = self.variants.frame()
        entry = {"action": "user-state", **self.account(account, style), "domain": self.pbx.domain}
        entry = {k: v for k, v in entry.items() if v is not None and k not in ("name", "department")}
        if isinstance(account, SimExtension):
            now = (account.registered, account.dnd)
            if "partial-user-state" in style and self._last_user_states.get(number) == now:
                del entry["registered"], entry["dnd"]
            self._last_user_states[number] = now
        return encode(entry)

    def _own_calls(self, number: str, calls: Iterable[SimCall], style: frozenset[str]) -> list[dict[str, Any]]:
        field = self.state_field(style)
        return [
            {
                "id": c.id,
                "from": self.address(c.caller),
                "to": self.address(c.called),
                field: self.state(c, style, number),
            }
            for c in calls
        ]

    @staticmethod
    def boolean(value: bool, style: frozenset[str]) -> bool | str:
        """A boolean (row 27)."""
        return ("true" if value else "false") if "string-booleans" in style else value

    # -- the rest ------------------------------------------------------------------------------------------------

    def orbits(self) -> str:
        """Every orbit with what is parked there. Invented, see ``INVENTED``."""
        return encode({"action": "orbit-calls", "orbits": self.orbit_list(self.variants.frame())})

    def orbit_list(self, style: frozenset[str] | None = None) -> list[dict[str, Any]]:
        """Every orbit, as REST gives it too (rest.md 2.2)."""
        fixed = self.variants.fixed if style is None else style
        return [self._orbit(orbit, fixed) for orbit in self.pbx.directory.orbits]

    def _orbit(self, orbit: SimOrbit, style: frozenset[str]) -> dict[str, Any]:
        call = self.pbx.calls.get(orbit.call)
        calls = [] if call is None else [self.call(call, style) | {"by": call.parked_by}]
        return {"number": orbit.number, "name": orbit.name, "calls": calls}

    def blf(self, numbers: Iterable[str]) -> str:
        """Busy lamps. Invented, see ``INVENTED``."""
        return encode({"action": "blf", "list": [{"account": n, "state": self.lamp(n)} for n in numbers]})

    def lamp(self, number: str) -> str:
        """``offline``, ``idle``, ``ringing`` or ``connected``."""
        extension, calls = self.pbx.extension(number), self.pbx.calls_of(number)
        if any(number in c.ringing for c in calls):
            return "ringing"
        if calls:
            return "connected"
        return "offline" if extension is not None and not extension.registered else "idle"

    def action(self, name: str, /, **fields: object) -> str:
        """A small message with an ``action``; underscores in field names become hyphens."""
        return encode({"action": name} | {k.replace("_", "-"): v for k, v in fields.items()})

    def flat(self, key: str, value: object, /, **fields: object) -> str:
        """A small message known by a reserved key; fields that are None stay away, callids too in 2016 (row 7)."""
        style = self.variants.frame()
        if key == "sdp" and "sdp-object" in style:
            value = {"sdp": value, "type": "offer"}
        frame: dict[str, object] = {"action": f"sip-{key}"} if "both-keys" in style else {}
        frame[key] = value
        if "national-numbers" in style and re.match(r"\+\d", number := str(fields.get("from_user"))):
            fields["from_user"] = number[2:] if number[1] == "1" else number[3:]
        if self.dialect is Dialect.OLD:
            fields = {k: v for k, v in fields.items() if k in ("from_", "to", "candidate", "adr", "code")}
        frame |= {k.rstrip("_").replace("_", "-"): v for k, v in fields.items() if v is not None}
        return encode(frame)

    def given_up(self, callid: str, cause: Cause, cseq: int | None) -> str:
        """A leg of this client is over: ``bye``, or ``cancel`` for a caller who gave up (row 12)."""
        cancel = cause is Cause.CANCELLED
        swapped = "cancel-swapped" in self.variants.frame()
        if cancel and (self.dialect is Dialect.OLD) != swapped:
            return self.flat("cancel", "true", callid=callid)
        return self.flat("bye", "true", callid=callid, code=cause.code, cseq=cseq)
