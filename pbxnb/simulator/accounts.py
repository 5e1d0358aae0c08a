"""Who has a number on the embedded PBX: extensions, queues, hunt groups, attendants, orbits, conferences; and trunks.

Plain records; the rules that move calls between them are in `pbx` and `acd`. They know nothing of the wire.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from .clock import Timer

__all__ = ["Account", "Agent", "Attendant", "Conference", "Extension", "HuntGroup", "Orbit", "Queue", "QueueStats"]


@dataclass(slots=True, eq=False)
class Account:
    """Anything with a number inside the tenant; ``type`` is its name on the wire (protocol.md 6.2)."""

    type: ClassVar[str] = "other"
    number: str
    name: str


@dataclass(slots=True, eq=False)
class Extension(Account):
    """A person or a room with phones.

    Attributes:
        phones: user agents registered, oldest first; empty when none is.
        lines: how many calls it can have at once; above that it is busy.
        mailbox: unanswered calls go to voicemail.
        sees_domain: may subscribe to ``domain-calls`` and read the tenant's lists.
        supervises: may command calls of others, and set their DND and queue login: the group right of supervision
            (rest.md 4.2). How a PBX checks it is invented, see ``INVENTED``.
        dnd_end: when DND goes off by itself; None for never.
        voicemails: messages left and not heard.
        missed: calls not answered since the last look.
    """

    type: ClassVar[str] = "extensions"
    department: str = ""
    phones: list[str] = field(default_factory=list)
    lines: int = 2
    mailbox: bool = True
    sees_domain: bool = True
    supervises: bool = False
    dnd: bool = False
    dnd_reason: str = ""
    dnd_end: Timer | None = None
    chat_status: str = "offline"
    voicemails: int = 0
    missed: int = 0

    @property
    def registered(self) -> bool:
        """At least one phone is registered."""
        return bool(self.phones)


@dataclass(slots=True, eq=False)
class HuntGroup(Account):
    """Rings all its free members at once; who answers first has the call."""

    type: ClassVar[str] = "hunts"
    members: tuple[str, ...] = ()
    ring_for: float = 30.0
    then: str = ""


@dataclass(slots=True, eq=False)
class Attendant(Account):
    """An auto attendant: a menu of digits to numbers; after ``timeout`` silent seconds ``menu["0"]``, or the end."""

    type: ClassVar[str] = "attendants"
    menu: dict[str, str] = field(default_factory=dict)
    timeout: float = 30.0


@dataclass(slots=True, eq=False)
class Conference(Account):
    """A room; a call to it is connected at once."""

    type: ClassVar[str] = "conferences"


@dataclass(slots=True, eq=False)
class Orbit(Account):
    """A place where one call can lie parked; ``call`` is its id or empty."""

    type: ClassVar[str] = "orbits"
    call: str = ""


@dataclass(slots=True, eq=False)
class Agent:
    """One agent of one queue.

    Attributes:
        idle_since: virtual time; the agent idle longest rings first.
        wrap_up_until: no calls before that virtual time.
    """

    number: str
    logged_in: bool = True
    paused: bool = False
    idle_since: float = 0.0
    wrap_up_until: float = 0.0
    login_at: float = 0.0
    calls: int = 0
    missed: int = 0
    talk: float = 0.0
    hold: float = 0.0


@dataclass(slots=True)
class QueueStats:
    """Today's counters of a queue, the words of ``rest.md`` 2.5; seconds."""

    count: int = 0
    completed: int = 0
    hangup_waiting: int = 0
    hangup_ringing: int = 0
    redirect_waiting: int = 0
    exit_user: int = 0
    ivr: float = 0.0
    ring: float = 0.0
    talk: float = 0.0
    hold: float = 0.0


@dataclass(slots=True, eq=False)
class Queue(Account):
    """An agent group (ACD).

    Attributes:
        ring_for: seconds one agent rings before the next is tried.
        wrap_up: seconds an agent rests after each call.
        max_wait: seconds until a waiting caller is sent to ``then`` (or hung up); None for never.
        waiting: ids of the calls waiting or ringing at an agent, first come first.
    """

    type: ClassVar[str] = "acds"
    agents: dict[str, Agent] = field(default_factory=dict)
    ring_for: float = 15.0
    wrap_up: float = 10.0
    max_wait: float | None = None
    then: str = ""
    waiting: list[str] = field(default_factory=list)
    stats: QueueStats = field(default_factory=QueueStats)
    wake: Timer | None = None
