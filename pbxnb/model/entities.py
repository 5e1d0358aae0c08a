"""What a PBX holds, as frozen values: accounts, calls, conversations, queues, orbits.

Frozen and cheap: a change makes a new value, so a reader in any thread always holds one that is consistent.
Times are timezone-aware UTC datetimes on the PBX's clock (`pbxnb.model.clock`); durations are seconds as float.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pbxnb.protocol.messages import NOTHING
from pbxnb.protocol.parties import NOBODY, Party, party_text
from pbxnb.shown import Shown, counted, said, since, told

from .status import Gap, LineState, Status

__all__ = [
    "Account", "AccountState", "Agent", "Call", "CallRecord", "CallState", "Conversation", "Direction", "Evidence",
    "Gap", "LineState", "Orbit", "Parked", "Party", "Phase", "Presence", "Queue", "Snapshot", "Status", "Waiting",
]  # fmt: skip


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AccountState(StrEnum):
    """What an account is doing, the strongest of its calls first (architecture.md 5.7)."""

    RINGING = "ringing"
    DIALLING = "dialling"
    BUSY = "busy"
    HELD = "held"
    PARKED = "parked"
    OFFLINE = "offline"
    IDLE = "idle"


class CallState(StrEnum):
    """The state of a call as the PBX says it; the exact word stands in ``Call.raw_state``."""

    RINGING = "ringing"
    CONNECTED = "connected"
    HELD = "held"
    PARKED = "parked"
    OTHER = "other"


class Phase(StrEnum):
    """Where a call or a conversation is in its life, by one rule (`pbxnb.model.derive.phase_of`).

    A caller who is with a queue and not yet with one of its agents is *queued*, whatever the PBX plays meanwhile; one
    who is alone with a menu is in the *menu*. Neither is talk.
    """

    RINGING = "ringing"
    QUEUED = "queued"
    MENU = "menu"
    TALKING = "talking"
    HELD = "held"
    PARKED = "parked"
    ENDED = "ended"
    OTHER = "other"


class Direction(StrEnum):
    """A conversation seen from the PBX."""

    IN = "in"
    OUT = "out"
    INTERNAL = "internal"
    UNKNOWN = "unknown"


class Evidence(Shown, frozen=True, gc=False):
    """Why the model says what it says.

    Attributes:
        axis: what was set: ``state``, ``registered``, ``dnd``, ``chat_status``, ``link`` ...
        rule: the rule's name, one of the ``RULES`` of ``pbxnb.model.derive``, each with a sentence and its source.
        seq: number of the frame on this handle, 0 when no frame was involved (REST, a timer).
        received: when that frame arrived, on the kernel's clock.
        inferred: True when the rule concludes rather than reads.
        detail: the values the rule looked at, short.
    """

    axis: str
    rule: str
    seq: int
    received: datetime
    inferred: bool = False
    detail: str = ""

    def _sentence(self) -> str:
        return said(f"Evidence of {self.axis}", self.rule, f"frame {self.seq}" if self.seq else "", self.detail)


class Account(Shown, frozen=True, kw_only=True, gc=False):
    """One account of the domain: an extension, a queue, a hunt group, an orbit ...

    Attributes:
        number: the account's number, its key.
        type: ``extensions``, ``acds``, ``hunts``, ``attendants``, ``conferences``, ``orbits`` ... as on the wire;
            empty when the PBX has not said, which is no extension.
        registered: a phone is registered; None when the PBX has not said.
        dnd: do not disturb; an axis of its own, never part of ``state``. None when the PBX has not said.
        chat_status: ``online``, ``offline`` or as on the wire; empty when cleared.
        calls: ids of its calls, keys of ``calls``, in order of start.
        state: what it is doing.
        inferred: True when ``state`` is concluded (a ``code`` without a call) rather than read.
        since: when ``state`` began: that of the call which decides it, else the change we saw; None when not known.
        first_seen: from when on we know ``state``: it has lasted at least since then.
        extra: every field not understood.
    """

    number: str
    name: str = ""
    type: str = "extensions"
    registered: bool | None = None
    dnd: bool | None = None
    chat_status: str = ""
    calls: tuple[str, ...] = ()
    state: AccountState = AccountState.IDLE
    inferred: bool = False
    since: datetime | None = None
    first_seen: datetime = _EPOCH
    domain: str = ""
    extra: Mapping[str, Any] = NOTHING

    def _sentence(self) -> str:
        kind = "Extension" if self.type == "extensions" else "Account"
        marks = ("do not disturb" if self.dnd else "", "not registered" if self.registered is False else "")
        state = f"{self.state}{since(self.since)}"
        return said(f"{kind} {self.number} {self.name}", state, *marks, counted(self.calls, "call"))


class Call(Shown, frozen=True, kw_only=True, gc=False):
    """One entry of the PBX's call list, keyed by ``id``.

    Attributes:
        from_: the caller.
        to: the called party.
        raw_state: the state as on the wire.
        started_at: PBX time; None when the wire did not say.
        connected_at: PBX time of the answer; None until then, or when the PBX never says.
        since: when ``state`` began: as the PBX says it, else the change we saw; None when not known.
        first_seen: from when on we know ``state``: it has lasted at least since then.
        phase: of this call alone; an agent that rings for a queued caller is *ringing*.
        extensions: numbers of the extensions involved, marks stripped.
        recording: True while a recording runs.
        queue: number of the queue it came through; empty when none is known.
        conversation: id of its conversation in the ledger.
        inferred: True when the call itself is concluded (known only from a ``user-state``, or ended by inference).
        extra: every field not understood.
    """

    id: str
    from_: Party = NOBODY
    to: Party = NOBODY
    state: CallState = CallState.OTHER
    raw_state: str = ""
    started_at: datetime | None = None
    connected_at: datetime | None = None
    since: datetime | None = None
    first_seen: datetime = _EPOCH
    phase: Phase = Phase.OTHER
    extensions: tuple[str, ...] = ()
    recording: bool = False
    queue: str = ""
    conversation: str = ""
    inferred: bool = False
    extra: Mapping[str, Any] = NOTHING

    def _sentence(self) -> str:
        return said(f"Call {self.id} {_between(self)}", f"{self.state}{since(self.since)}")


class Conversation(Shown, frozen=True, kw_only=True, gc=False):
    """What the people on the line would call one call, however many ids the PBX gave it.

    Attributes:
        id: id of its first call.
        calls: ids of its calls, oldest first; the last is the newest.
        from_: who began it.
        to: with whom it is now.
        state: state of its newest open call; None once it has ended.
        phase: where it is in its life.
        direction: seen from the PBX.
        queue: number of the queue it came through; empty when none.
        agents: extensions that rang for it, in order.
        answered_by: extension that answered; empty until then.
        started_at, connected_at, ended_at: UTC; None when not known or not yet.
        since: when ``phase`` began: as the PBX says it, else the change we saw; None when not known.
        first_seen: from when on we know ``phase``: it has lasted at least since then.
        ring, talk, hold: seconds spent so far, up to ``since`` (``first_seen`` where that is None); of the running
            phase the rest goes on from there. Waiting in a queue counts as ring, a menu as none of the three.
        ended_by: ``caller``, ``called`` or empty when it cannot be known.
        evidence: one for every link between its calls.
        inferred: True when its end or a link was concluded.
    """

    id: str
    calls: tuple[str, ...]
    from_: Party = NOBODY
    to: Party = NOBODY
    state: CallState | None = None
    phase: Phase = Phase.OTHER
    direction: Direction = Direction.UNKNOWN
    queue: str = ""
    agents: tuple[str, ...] = ()
    answered_by: str = ""
    started_at: datetime | None = None
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    since: datetime | None = None
    first_seen: datetime = _EPOCH
    ring: float = 0.0
    talk: float = 0.0
    hold: float = 0.0
    ended_by: str = ""
    evidence: tuple[Evidence, ...] = ()
    inferred: bool = False

    def _sentence(self) -> str:
        queue = f"by queue {self.queue}" if self.queue else ""
        return said(f"Conversation {self.id} {_between(self)}", f"{self.phase}{since(self.since)}", queue)


class CallRecord(Shown, frozen=True, kw_only=True, gc=False):
    """A call that has ended, with its times apart.

    Attributes:
        call: its last state.
        ended_at: UTC.
        ring, talk, hold: seconds; None when the phase's bounds are not known.
        phases: ``(state, from, to)`` in order, for timelines.
        stays: ``(phase, phones, from, to)`` in order: the extensions that rang for it or were in it, and when.
        ended_by: ``caller``, ``called`` or empty.
        inferred: the end was concluded (a resync, a timeout), not seen.
        gap: the line was down during some of it.
        domain: the tenant, as the connection names it.
    """

    call: Call
    ended_at: datetime
    ring: float | None = None
    talk: float | None = None
    hold: float | None = None
    phases: tuple[tuple[CallState, datetime, datetime], ...] = ()
    stays: tuple[tuple[Phase, tuple[str, ...], datetime, datetime], ...] = ()
    ended_by: str = ""
    inferred: bool = False
    gap: bool = False
    domain: str = ""

    def _sentence(self) -> str:
        return said(f"Ended call {self.call.id} {_between(self.call)}", f"at {told(self.ended_at)}")


class Presence(Shown, frozen=True, kw_only=True, gc=False):
    """One interval of one axis of one account; ``end`` is None while it lasts.

    Attributes:
        axis: ``registered``, ``dnd``, ``chat_status`` or ``state``.
        value: the axis' value as text during the interval.
        domain: the tenant, as the connection names it.
    """

    number: str
    axis: str
    value: str
    start: datetime
    end: datetime | None = None
    inferred: bool = False
    domain: str = ""

    def _sentence(self) -> str:
        end = f" to {told(self.end)}" if self.end else ""
        return said(f"Presence of {self.number}", f"{self.axis} {self.value}{since(self.start)}{end}")


class Agent(Shown, frozen=True, kw_only=True, gc=False):
    """One agent of a queue; None where the PBX does not say.

    Attributes:
        paused: on a break, or on do not disturb.
        reason: of the break that lasts, where the PBX tells it.
        since: when the break that lasts began, PBX time.
    """

    number: str
    name: str = ""
    logged_in: bool | None = None
    paused: bool | None = None
    reason: str = ""
    state: str = ""
    since: datetime | None = None

    def _sentence(self) -> str:
        logged = {True: "logged in", False: "logged out", None: ""}[self.logged_in]
        paused = f"paused {self.reason}".strip() + since(self.since) if self.paused else ""
        return said(f"Agent {self.number} {self.name}", logged, self.state, paused)


class Waiting(Shown, frozen=True, kw_only=True, gc=False):
    """A caller who waits in a queue.

    Attributes:
        call: id of the call among ``calls``; empty where the model knows no such call.
        position: from 1, who comes next.
        since: when the caller came to the queue, PBX time.
    """

    call: str = ""
    party: Party = NOBODY
    position: int = 1
    since: datetime | None = None

    def _sentence(self) -> str:
        return said(f"Waiting {party_text(self.party)}", f"number {self.position}{since(self.since)}")


class Queue(Shown, frozen=True, kw_only=True, gc=False):
    """A queue as REST last described it.

    Attributes:
        callers: who waits, in order of position.
        waiting: how many wait; None when unknown.
        longest_wait: seconds; None when unknown or nobody waits.
        stats: the PBX's own figures of today, as received.
        source: ``rest`` or ``unavailable`` (403, 404: ``why`` says it).
    """

    number: str
    name: str = ""
    agents: tuple[Agent, ...] = ()
    callers: tuple[Waiting, ...] = ()
    waiting: int | None = None
    longest_wait: float | None = None
    stats: Mapping[str, Any] = NOTHING
    read_at: datetime | None = None
    source: str = "rest"
    why: str = ""

    def _sentence(self) -> str:
        told = self.why or self.source if self.source != "rest" else ""
        waiting = "" if self.waiting is None else f"{self.waiting:,} waiting"
        waiting += "" if self.longest_wait is None else f" for {self.longest_wait:.0f} s at most"
        return said(f"Queue {self.number} {self.name}", told, waiting, counted(self.agents, "agent"))


class Parked(Shown, frozen=True, kw_only=True, gc=False):
    """A call lying in an orbit: the call's id (or empty), the party, who parked it, since when."""

    call: str = ""
    party: Party = NOBODY
    by: str = ""
    since: datetime | None = None

    def _sentence(self) -> str:
        return said(f"Parked {party_text(self.party)}", f"by {self.by}" if self.by else "", since(self.since).strip())


class Orbit(Shown, frozen=True, kw_only=True, gc=False):
    """A park orbit as REST last described it; ``source`` as in `Queue`."""

    number: str
    name: str = ""
    parked: tuple[Parked, ...] = ()
    read_at: datetime | None = None
    source: str = "rest"
    why: str = ""

    def _sentence(self) -> str:
        told = self.why or self.source if self.source != "rest" else ""
        return said(f"Orbit {self.number} {self.name}", told, counted(self.parked, "parked call") or "free")


class Snapshot(Shown, frozen=True, kw_only=True, gc=False):
    """One consistent moment of the whole model; the mappings are read-only copies."""

    accounts: Mapping[str, Account]
    calls: Mapping[str, Call]
    conversations: Mapping[str, Conversation]
    orbits: Mapping[str, Orbit]
    queues: Mapping[str, Queue]
    seq: int
    taken_at: datetime

    def _sentence(self) -> str:
        kinds = (("account", self.accounts), ("call", self.calls), ("queue", self.queues), ("orbit", self.orbits))
        return said(f"Snapshot of {told(self.taken_at)}", *(counted(kept, name) for name, kept in kinds))


def _between(call: Call | Conversation) -> str:
    return f"{party_text(call.from_) or 'unknown'} → {party_text(call.to) or 'unknown'}"
