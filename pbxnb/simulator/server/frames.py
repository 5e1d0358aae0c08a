"""The frames of the embedded PBX: its state in either vocabulary and with any variant (protocol.md 5, 6, 9).

Every function renders the state as it is now, so a frame can never disagree with the PBX inside. Long lists are joined
from parts encoded once per change and shared by all who see the same. It knows no socket and decides no
rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from pbxnb.protocol.parties import Party, format_party

from ..engine.accounts import SimAccount, SimExtension, SimOrbit
from ..engine.calls import Cause, SimCall, SimChange, SimParty, SimPhase
from ..engine.pbx import SimPbx
from .variants import Dialect, Variants

__all__ = ["FrameWriter", "print_time"]


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
        style = self.variants.frame()
        return encode({"action": "orbit-calls", "orbits": [self.orbit(o, style) for o in self.pbx.directory.orbits]})

    def orbit(self, orbit: SimOrbit, style: frozenset[str]) -> dict[str, Any]:
        """One orbit; REST says the same (rest.md 2.2)."""
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
