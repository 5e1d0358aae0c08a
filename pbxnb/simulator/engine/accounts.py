"""Everything with a number on the embedded PBX: extensions, queues, groups, orbits.

The rules that move calls between them are in `switch`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from .calls import SimCall, SimParty, SimPhase
from .clock import SimTimer
from .queue_days import NOBODY, QueueDays, QueueReason, QueueRecord, QueueStay

__all__ = [
    "SimAccount", "SimAgent", "SimAttendant", "SimBreak", "SimConference", "SimExtension",
    "SimHuntGroup", "SimOrbit", "SimQueue", "SimRegistration", "SimServiceFlag",
    "SimSoundService",
]  # fmt: skip

MOST_REGISTRATIONS = 50
MOST_BREAKS = 1_000
"""Breaks of one agent that are kept."""
NO_AGENT = SimParty(NOBODY)


@dataclass(slots=True, eq=False)
class SimAccount:
    """Anything with a number inside the tenant; ``type`` is its name on the wire (protocol.md 6.2).

    Attributes:
        id: the PBX's own, given when it is added.
        settings: what was set and has no effect here, as texts.
    """

    type: ClassVar[str] = "other"
    number: str
    name: str
    id: int = field(default=0, kw_only=True)
    settings: dict[str, str] = field(default_factory=dict, kw_only=True)


class SimRegistration(NamedTuple):
    """A phone came or went at a virtual time; ``phones`` is how many were there then."""

    at: float
    phone: str
    on: bool
    phones: int


@dataclass(slots=True, eq=False)
class SimExtension(SimAccount):
    """A person or a room with phones.

    Attributes:
        phones: user agents registered, oldest first; empty when none is.
        lines: how many calls it can have at once; above that it is busy.
        mailbox: calls that are not answered, busy or rejected go to voicemail; without it they end with their code.
        sees_domain: may subscribe to ``domain-calls`` and read the tenant's lists.
        supervises: may command calls of others, and set their DND and queue login: the group right of supervision
            (rest.md 4.2). How a PBX checks it is invented, see ``INVENTED``.
        forwards: where its calls go on to: by ``all``, ``busy``, ``no_answer``, ``unregistered``.
        dnd_end: when DND goes off by itself; None for never.
        voicemails: messages not listened to.
        missed: calls not answered.
        registrations: which phones came and went, the newest last; not those there were at the start.
        seen: ids of missed calls and messages marked as read.
    """

    type: ClassVar[str] = "extensions"
    department: str = ""
    phones: list[str] = field(default_factory=list)
    lines: int = 2
    mailbox: bool = True
    sees_domain: bool = True
    supervises: bool = False
    forwards: dict[str, str] = field(default_factory=dict)
    dnd: bool = False
    dnd_reason: str = ""
    dnd_end: SimTimer | None = None
    chat_status: str = "offline"
    voicemails: int = 0
    missed: int = 0
    registrations: list[SimRegistration] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def keep_phones(self, phones: list[str], now: float) -> None:
        """Have these phones from now on."""
        changes = [(p, False) for p in self.phones if p not in phones]
        changes += [(p, True) for p in phones if p not in self.phones]
        self.phones = phones
        self.registrations += [SimRegistration(now, phone, on, len(phones)) for phone, on in changes]
        del self.registrations[:-MOST_REGISTRATIONS]

    @property
    def registered(self) -> bool:
        """At least one phone is registered."""
        return bool(self.phones)


@dataclass(slots=True, eq=False)
class SimHuntGroup(SimAccount):
    """Rings all its free members at once; who answers first has the call."""

    type: ClassVar[str] = "hunts"
    members: tuple[str, ...] = ()
    ring_for: float = 30.0
    then: str = ""


@dataclass(slots=True, eq=False)
class SimAttendant(SimAccount):
    """An auto attendant: a menu of digits to numbers; after ``timeout`` silent seconds ``menu["0"]``, or the end."""

    type: ClassVar[str] = "attendants"
    menu: dict[str, str] = field(default_factory=dict)
    timeout: float = 30.0


@dataclass(slots=True, eq=False)
class SimConference(SimAccount):
    """A room; a call to it is connected at once."""

    type: ClassVar[str] = "conferences"


@dataclass(slots=True, eq=False)
class SimSoundService(SimAccount):
    """A number that answers at once and does something with the sound; only a PBX with media has any."""

    type: ClassVar[str] = "ivrnodes"


@dataclass(slots=True, eq=False)
class SimOrbit(SimAccount):
    """A place where one call can lie parked; ``call`` is its id or empty."""

    type: ClassVar[str] = "orbits"
    call: str = ""


class SimBreak(NamedTuple):
    """A break of an agent, virtual seconds since 1970."""

    begin: float
    end: float
    reason: str = ""


@dataclass(slots=True, eq=False)
class SimServiceFlag(SimAccount):
    """A switch such as night mode, set by hand; calls do not ask it here."""

    type: ClassVar[str] = "srvflags"
    on: bool = False


@dataclass(slots=True, eq=False)
class SimAgent:
    """One agent of one queue.

    Attributes:
        since: when the break that lasts began; None without one. ``reason`` is its reason.
        breaks: those that are over, oldest first.
        idle_since: virtual time; the agent idle longest rings first.
        wrap_up_until: no calls before that virtual time.
    """

    number: str
    logged_in: bool = True
    since: float | None = None
    reason: str = ""
    breaks: deque[SimBreak] = field(default_factory=lambda: deque(maxlen=MOST_BREAKS))
    idle_since: float = 0.0
    wrap_up_until: float = 0.0

    @property
    def paused(self) -> bool:
        """On a break."""
        return self.since is not None

    def breaks_between(self, begin: float, end: float) -> list[SimBreak]:
        """The breaks that are over, as far as they lie in that time."""
        return [
            SimBreak(max(b.begin, begin), min(b.end, end), b.reason)
            for b in self.breaks
            if b.begin < end and b.end > begin
        ]

    def state(self, now: float, busy: bool) -> str:
        """``off``, ``busy`` (with a call), ``paused``, ``wrap-up`` or ``idle``."""
        if not self.logged_in:
            return "off"
        if busy:
            return "busy"
        if self.paused:
            return "paused"
        return "wrap-up" if self.wrap_up_until > now else "idle"


@dataclass(slots=True, eq=False)
class SimQueue(SimAccount):
    """An agent group (ACD): agents ring longest idle first, one per caller; no skills (telephony.md 2).

    Attributes:
        ring_for: seconds one agent rings before the next is tried.
        wrap_up: seconds an agent rests after each call.
        max_wait: seconds until a waiting caller is sent to ``then`` (or hung up); None for never.
        managers: extensions that may read its statistics and log its agents in and out (rest.md 2.5).
        max_calls: how many may wait; who comes then goes to ``then`` (or is hung up). None for any number.
        anonymous: where callers go who hide their number; empty: they are served like all others.
        exits: what a waiting caller may press, and where that leads.
        waiting: ids of the calls waiting or ringing at an agent, first come first.
        inside: the calls that entered and have not left, those being talked too, by id.
        days: records and figures.
    """

    type: ClassVar[str] = "acds"
    agents: dict[str, SimAgent] = field(default_factory=dict)
    ring_for: float = 15.0
    wrap_up: float = 10.0
    max_wait: float | None = None
    then: str = ""
    managers: tuple[str, ...] = ()
    max_calls: int | None = None
    anonymous: str = ""
    exits: dict[str, str] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    inside: dict[str, QueueStay] = field(default_factory=dict)
    days: QueueDays = field(default_factory=QueueDays)
    wake: SimTimer | None = None

    def login(self, number: str, on: bool, now: float) -> bool:
        """Log an agent in or out, which ends its break; False when it already was so. A new agent joins the queue."""
        agent = self.agents.get(number)
        if agent is None:
            if not on:
                return False
            agent = self.agents[number] = SimAgent(number, logged_in=False)
        if agent.logged_in == on:
            return False
        self.pause(number, False, now)
        agent.logged_in = on
        agent.idle_since = now
        return True

    def pause(self, number: str, on: bool, now: float, reason: str = "") -> bool:
        """Begin a break, for a reason, or end it; False when the agent is not logged in or it already is so."""
        agent = self.agents.get(number)
        if agent is None or not agent.logged_in or (agent.paused, agent.reason) == (on, reason if on else ""):
            return False
        if agent.since is not None:
            agent.breaks.append(SimBreak(agent.since, now, agent.reason))
        agent.since, agent.reason = (now, reason) if on else (None, "")
        agent.idle_since = now
        return True

    def enter(self, call: SimCall, now: float) -> None:
        """A call enters the queue."""
        self.inside[call.id] = QueueStay(now, dict(call.spent))
        self.days.entered(now)

    def leave(self, call: SimCall, reason: QueueReason, agent: SimParty = NO_AGENT) -> None:
        """A call leaves the queue for good; its time up to now must have been booked."""
        stay = self.inside.pop(call.id, None)
        if stay is None:
            return
        self.answered(call)
        spent = {phase: stay.spent(call, phase) for phase in SimPhase}
        self.days.left(
            QueueRecord(
                call=call.id,
                start=stay.start,
                caller=call.caller,
                dialled=SimParty(self.number, self.name),
                agent=agent,
                reason=reason,
                ivr=spent[SimPhase.QUEUED],
                ring=spent[SimPhase.RINGING],
                talk=spent[SimPhase.CONNECTED],
                hold=spent[SimPhase.HELD],
                idle=stay.idle if agent.number else 0.0,
            )
        )

    def answered(self, call: SimCall) -> None:
        """A call no longer waits."""
        if call.id in self.waiting:
            self.waiting.remove(call.id)
        if call.max_wait is not None:
            call.max_wait.cancel()

    def missed(self, call: SimCall, number: str, now: float) -> None:
        """An agent did not answer."""
        if (agent := self.agents.get(number)) is not None:
            self.days.missed(number, self.inside[call.id].start)
            agent.idle_since = now

    def free_agents(self, now: float, available: Callable[[str], bool]) -> tuple[list[SimAgent], float | None]:
        """The agents that can be rung now, longest idle first; and when the next wrap-up ends, None without one."""
        ready = [a for a in self.agents.values() if a.logged_in and not a.paused and available(a.number)]
        free = sorted((a for a in ready if a.wrap_up_until <= now), key=lambda a: (a.idle_since, a.number))
        return free, min((a.wrap_up_until for a in ready if a.wrap_up_until > now), default=None)
