"""The model once more, slow and obvious: everything is worked out anew from all that is known, after every message.

It shares no code with `pbxnb.model` but the entity types. It has no ledger; conversations are checked by invariants.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from pbxnb.model.entities import Account, AccountState, Call, CallState, Orbit, Phase, Queue
from pbxnb.protocol.messages import UNSET, AccountEntry, CallEntry, DomainState, Message, UserState
from pbxnb.protocol.messages import CallState as CallStateMessage

WORDS = {
    "alerting": CallState.RINGING,
    "ringback": CallState.RINGING,
    "ringing": CallState.RINGING,
    "connected": CallState.CONNECTED,
    "onhold": CallState.HELD,
    "holding": CallState.HELD,
    "parked": CallState.PARKED,
}
PHASES = {
    CallState.RINGING: Phase.RINGING,
    CallState.CONNECTED: Phase.TALKING,
    CallState.HELD: Phase.HELD,
    CallState.PARKED: Phase.PARKED,
    CallState.OTHER: Phase.OTHER,
}
STRONGEST_FIRST = ["ringing", "dialling", "busy", "other", "held", "parked"]


@dataclass
class Known:
    """What the wire said of an account."""

    name: str = ""
    type: str = ""
    domain: str = ""
    registered: bool | None = None
    dnd: bool | None = None
    chat: str = ""
    code: bool = False
    own: tuple[CallEntry, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def claims_something(self) -> bool:
        return self.code or bool(self.own)

    def claims(self, key: str) -> bool:
        ids = {entry.id for entry in self.own if entry.id}
        return key in ids if ids else self.claims_something


@dataclass
class Line:
    """A call in the list."""

    entry: CallEntry
    first: tuple[datetime, int]
    inferred: bool
    started: datetime | None = None
    queue: str = ""
    shown: Call | None = None
    alone: bool = True
    waiting: bool = False
    phase_seen: datetime | None = None
    joined: dict[str, tuple[datetime | None, datetime]] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)

    def numbers(self) -> set[str]:
        return ({*self.entry.extensions, self.entry.from_.number, self.entry.to.number}) - {""}


class Reference:
    def __init__(self, user: str, offset: float | None = None) -> None:
        self.user = user
        self.offset = offset
        self.own_scope = False
        self.arrays = False
        self.known: dict[str, Known] = {}
        self.lines: dict[str, Line] = {}
        self.missing: set[str] = set()
        self.orbits: dict[str, Orbit] = {}
        self.queues: dict[str, Queue] = {}
        self.accounts: dict[str, Account] = {}
        self.calls: dict[str, Call] = {}
        self.presence: list[list[Any]] = []  # number, axis, value, start, end
        self.count = 0
        self.claims: dict[str, datetime] = {}

    # one step = some changes to what is known, then everything anew

    def apply(self, message: Message, now: datetime) -> list[tuple[Any, ...]]:
        self._begin(now, resync=False)
        if isinstance(message, CallStateMessage):
            if message.whole:
                self.arrays = True
                self._whole(message.calls)
            else:
                self._some(message.calls)
        elif isinstance(message, UserState):
            self._account(message.entry)
            self._own_calls()
        elif isinstance(message, DomainState):
            self._accounts(message.accounts)
            if message.calls is UNSET:
                self._own_calls()
            elif self.missing:
                self._some(message.calls)
            else:
                self._whole(message.calls)
        return self._work_out()

    def resync(self, accounts: Any, calls: Any, now: datetime) -> list[tuple[Any, ...]]:
        self._begin(now, resync=True)
        if accounts is not None:
            self._accounts(accounts)
        if calls is not None:
            self._whole(calls)
        elif accounts is not None:
            self._own_calls()
        return self._work_out()

    def tick(self, now: datetime) -> list[tuple[Any, ...]]:
        self._begin(now, resync=False)
        for key in [key for key, line in self.lines.items() if not self._ours(line.numbers())]:
            self._end(key, inferred=True)
        return self._work_out()

    def put(self, value: Queue | Orbit, now: datetime) -> list[tuple[Any, ...]]:
        self._begin(now, resync=False)
        (self.queues if isinstance(value, Queue) else self.orbits)[value.number] = value  # type: ignore[index]
        return self._work_out()

    # what is known

    def _begin(self, now: datetime, *, resync: bool) -> None:
        self.received = now
        self.now = now + timedelta(seconds=self.offset or 0)
        self.is_resync = resync
        self.events: list[tuple[Any, ...]] = []
        self.before = {number: replace(known) for number, known in self.known.items()}
        self.said: set[str] = set()
        self.ask_again = False

    def _accounts(self, entries: Any) -> None:
        listed = {entry.account for entry in entries}
        lacking = self.known.keys() - listed
        gone = lacking & self.missing
        self.ask_again = bool(lacking - gone) and not self.missing
        self.missing = lacking - gone
        for entry in entries:
            self._account(entry)
        for number in gone:
            del self.known[number]
            self.claims.pop(number, None)

    def _account(self, entry: AccountEntry) -> None:
        if not entry.account:
            return
        self.missing.discard(entry.account)
        self.said.add(entry.account)
        known = self.known.setdefault(entry.account, Known())
        claimed = known.claims_something
        # absence keeps these ...
        known.name = known.name if entry.name is UNSET else entry.name
        known.type = entry.type or known.type if entry.type is not UNSET else known.type
        known.domain = known.domain if entry.domain is UNSET else entry.domain
        known.registered = known.registered if entry.registered is UNSET else entry.registered
        known.dnd = known.dnd if entry.dnd is UNSET else entry.dnd
        known.extra = known.extra | dict(entry.extra) | ({} if entry.tag is UNSET else {"tag": entry.tag})
        # ... and clears these
        known.chat = "" if entry.chatstatus is UNSET else entry.chatstatus
        known.code = entry.code is not UNSET and entry.code is not None
        known.own = () if entry.calls is UNSET else entry.calls
        if not known.claims_something:
            self.claims.pop(entry.account, None)
        elif not claimed and known.type == "extensions":
            self.claims[entry.account] = self.received

    def _ours(self, numbers: set[str]) -> bool:
        return not self.own_scope or self.user in numbers

    def _whole(self, entries: Any) -> None:
        listed = {e.id: e for e in entries if e.id}
        listed = {key: e for key, e in listed.items() if self._ours(Line(e, (self.now, 0), False).numbers())}
        for key in [key for key in self.lines if key not in listed]:
            self._end(key, inferred=self.is_resync or not self._ours(self.lines[key].numbers()))
        for entry in listed.values():
            self._put(entry, inferred=False)

    def _some(self, entries: Any) -> None:
        for entry in {e.id: e for e in entries if e.id}.values():
            if self._ours(Line(entry, (self.now, 0), False).numbers()):
                self._put(entry, inferred=False)
            elif entry.id in self.lines:
                self._end(entry.id, inferred=False)

    def _own_calls(self) -> None:
        if self.arrays:
            return
        for number in sorted(self.said):
            was = self.before.get(number, Known())
            for key, line in list(self.lines.items()):
                others = [k for n, k in self.known.items() if n in line.numbers() or key in {e.id for e in k.own}]
                named = number in line.numbers() or key in {e.id for e in was.own}
                if named and was.claims(key) and not any(k.claims(key) for k in others):
                    self._end(key, inferred=True)
        told: dict[str, CallEntry] = {}
        for number in self.said_in_order:
            for entry in self.known[number].own if number in self.known else ():
                line = self.lines.get(entry.id)
                if entry.id and (line is None or line.inferred):
                    same = line is not None and not self._restarts(line, entry)
                    before = told.get(entry.id) or (line.entry if line is not None and same else None)
                    extensions = (*(before.extensions if before else ()), *entry.extensions, number)
                    told[entry.id] = msgspec.structs.replace(entry, extensions=tuple(dict.fromkeys(extensions)))
        for entry in told.values():
            if self._ours(Line(entry, (self.now, 0), True).numbers()):
                self._put(entry, inferred=True)

    def _restarts(self, line: Line, entry: CallEntry) -> bool:
        both = line.started is not None and entry.start is not None
        return both and abs((entry.start.at - line.started).total_seconds()) >= 1  # type: ignore[union-attr,operator]

    said_in_order: list[str]

    def _put(self, entry: CallEntry, *, inferred: bool) -> None:
        line = self.lines.get(entry.id)
        if line is not None and self._restarts(line, entry):
            self._end(entry.id, inferred=self.is_resync)
            line = None
        if line is None:
            self.count += 1
            start = entry.start.at if entry.start is not None else None
            self.lines[entry.id] = Line(entry, (start or self.now, self.count), inferred, start)
            return
        line.entry, line.inferred = entry, inferred
        if line.started is None and entry.start is not None:
            line.started = entry.start.at
            line.first = (entry.start.at, line.first[1])

    def _end(self, key: str, *, inferred: bool) -> None:
        shown = self.lines.pop(key).shown
        if shown is not None:
            self.events.append(("call.ended", key, inferred, bare(shown, inferred=shown.inferred or inferred)))

    # everything anew

    def _work_out(self) -> list[tuple[Any, ...]]:
        for key, line in self.lines.items():
            call = self._call(line)
            if line.shown is None:
                self.events.append(("call.new", key, self.is_resync or call.inferred, call))
            elif call != line.shown:
                self.events.append(("call.changed", key, self.is_resync or call.inferred, call))
            line.shown = call
        ordered = sorted(self.lines.items(), key=lambda item: item[1].first)
        self.calls = {key: line.shown for key, line in ordered if line.shown is not None}
        accounts = {number: self._show(number, known) for number, known in self.known.items()}
        for number in accounts.keys() | self.accounts.keys():
            old, new = self.accounts.get(number), accounts.get(number)
            if new is None:
                self.events.append(("account.changed", number, True, None))
            elif new != old:
                self.events.append(("account.changed", number, self.is_resync or new.inferred, new))
            self._intervals(number, old, new)
            if new is not None and new.calls:
                self.claims.pop(number, None)
        self.accounts = dict(sorted(accounts.items(), key=lambda item: (not item[0].isdecimal(), item[0].zfill(20))))
        return self.events

    def _type(self, number: str) -> str:
        if number in self.known and self.known[number].type:
            return self.known[number].type
        untold = "extensions" if number in self.known else ""
        return "orbits" if number in self.orbits else "acds" if number in self.queues else untold

    def _call(self, line: Line) -> Call:
        entry, shown = line.entry, line.shown
        state = self._phase(entry)
        if state is not CallState.RINGING and self._type(entry.to.number) == "orbits":
            state = CallState.PARKED
        if not line.queue and self._type(entry.to.number) == "acds":
            line.queue = entry.to.number
        since, seen = self._since(line, state)
        line.waiting = self._waits(line, state)
        phase = self._where(line, state)
        self._join(line, since, state, phase)
        line.alone = self._alone(entry)
        if shown is None or shown.phase is not phase:
            line.phase_seen = self.now if shown is not None and shown.state is state else seen
        return Call(
            id=entry.id,
            from_=entry.from_,
            to=entry.to,
            state=state,
            raw_state=entry.raw_state,
            started_at=line.started,
            connected_at=entry.connect and entry.connect.at,
            since=since,
            first_seen=seen,
            phase=phase,
            extensions=entry.extensions,
            recording=entry.recording not in ("", "off", "false"),
            queue=line.queue,
            inferred=line.inferred,
            extra=dict(entry.extra) | ({"cmc": entry.cmc} if entry.cmc else {}),
        )

    def _since(self, line: Line, state: CallState) -> tuple[datetime | None, datetime]:
        """Since when a call is in its state, and since when we know it."""
        shown = line.shown
        connect = line.entry.connect and line.entry.connect.at
        word = None
        if state is CallState.CONNECTED:
            word = connect
        elif state is CallState.RINGING and connect is None:
            word = line.started
        if shown is None:
            return self._began(word, None), self.now
        if shown.state is not state:
            told = state is CallState.CONNECTED and connect != shown.connected_at
            return self._began(connect if told else None, shown.first_seen), self.now
        told_now = (shown.connected_at if state is CallState.CONNECTED else shown.started_at) is None
        if shown.since is None and told_now and self._possible(word, None):
            return word, shown.first_seen
        return shown.since, shown.first_seen

    def _possible(self, word: datetime | None, after: datetime | None) -> bool:
        two = timedelta(seconds=2)
        return word is not None and word <= self.now + two and (after is None or word >= after - two)

    def _began(self, word: datetime | None, after: datetime | None) -> datetime | None:
        """What we saw begin: when the PBX says, else now; what we did not see: when the PBX says, else unknown."""
        if self._possible(word, after) and (self.is_resync or self.offset is not None):
            return word
        return None if self.is_resync else self.now

    def _alone(self, entry: CallEntry) -> bool:
        return not {*entry.extensions} - {entry.from_.number, entry.to.number}

    def _waits(self, line: Line, state: CallState) -> bool:
        """Whether the call came to a queue and nobody answered it since."""
        entry, shown = line.entry, line.shown
        at_queue = self._type(entry.to.number) == "acds"
        came = at_queue and (
            shown is None
            or shown.to.number != entry.to.number
            or not shown.queue
            or (self._alone(entry) and not line.alone)
        )
        answered = state in (CallState.CONNECTED, CallState.HELD) and not (at_queue and self._alone(entry))
        return (line.waiting or came) and not answered and state is not CallState.PARKED

    def _where(self, line: Line, state: CallState) -> Phase:
        kind = self._type(line.entry.to.number)
        if line.waiting and (kind == "acds" or state is CallState.RINGING):
            return Phase.QUEUED
        if state is CallState.CONNECTED and kind in ("attendants", "ivrnodes") and self._alone(line.entry):
            return Phase.MENU
        return PHASES[state]

    def _join(self, line: Line, since: datetime | None, state: CallState, phase: Phase) -> None:
        """Note who came into a call that was there before."""
        shown, numbers = line.shown, line.numbers()
        if shown is not None:
            if shown.state is state:
                connect = line.entry.connect and line.entry.connect.at
                told = phase is Phase.TALKING and connect != shown.connected_at
                since = self._began(connect if told else None, line.phase_seen)
            line.joined = {n: when for n, when in line.joined.items() if n in numbers}
            line.joined |= dict.fromkeys(numbers - line.named, (since, self.now))
        line.named = numbers

    def _phase(self, entry: CallEntry) -> CallState:
        if not entry.raw_state:
            return CallState.CONNECTED if entry.connect is not None else CallState.OTHER
        return WORDS.get(entry.raw_state.lower(), CallState.OTHER)

    def _show(self, number: str, known: Known) -> Account:
        ours = {e.id for e in known.own}
        calls = [call for key, call in self.calls.items() if number in self.lines[key].numbers() or key in ours]
        state, inferred, decides = self._doing(number, known, calls)
        old = self.accounts.get(number)
        if decides is not None:
            since, seen = decides.since, decides.first_seen
            since_joined, seen_joined = self.lines[decides.id].joined.get(number, (since, seen))
            if (since_joined or seen_joined) > (since or seen):
                since, seen = since_joined, seen_joined
        elif old is not None and old.state is state:
            since, seen = old.since, old.first_seen
        else:
            since, seen = None if self.is_resync else self.now, self.now
        return Account(
            number=number,
            name=known.name,
            type=known.type,
            registered=known.registered,
            dnd=known.dnd,
            chat_status=known.chat,
            calls=tuple(call.id for call in calls),
            state=state,
            inferred=inferred,
            since=since,
            first_seen=seen,
            domain=known.domain,
            extra=known.extra,
        )

    def _doing(self, number: str, known: Known, calls: list[Call]) -> tuple[AccountState, bool, Call | None]:
        """What an account does, whether that is concluded, and the call that decides it."""
        found: list[tuple[CallState, str, Call | None]] = [(call.state, call.from_.number, call) for call in calls]
        found = found or [(self._phase(entry), entry.from_.number, None) for entry in known.own]
        does: dict[str, Call | None] = {}
        for state, caller, call in found:
            if state is CallState.RINGING:
                does.setdefault("dialling" if caller == number else "ringing", call)
            else:
                does.setdefault("busy" if state is CallState.CONNECTED else state.value, call)
        for name in STRONGEST_FIRST:
            if name in does:
                if name == "other":
                    return AccountState.BUSY, True, does[name]
                return AccountState(name), False, does[name]
        if known.code:
            return AccountState.BUSY, True, None
        offline = known.registered is False and known.type == "extensions"
        return (AccountState.OFFLINE if offline else AccountState.IDLE), False, None

    def _intervals(self, number: str, old: Account | None, new: Account | None) -> None:
        for axis in ("registered", "dnd", "chat_status", "state"):
            was, now = text(old, axis), text(new, axis)
            running = next((p for p in self.presence if p[:2] == [number, axis] and p[4] is None), None)
            if running is not None and (new is None or was != now):
                running[4] = self.now
                running = None
            if (
                running is None
                and now is not None
                and (was != now or old is None)
                and not (axis == "chat_status" and now == "" and not was)
            ):
                self.presence.append([number, axis, now, self.now, None])


def text(account: Account | None, axis: str) -> str | None:
    value = getattr(account, axis, None)
    return str(value).lower() if isinstance(value, bool) else value if value is None else str(value)


def bare(call: Call, **more: Any) -> Call:
    """Without what the ledger adds."""
    return msgspec.structs.replace(call, conversation="", **more)
