"""A call inside the embedded PBX, the record it leaves, and the change that listeners receive.

The rules that move calls are in `switch`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from .clock import SimTimer

__all__ = ["TALKING", "Cause", "ChangeKind", "SimCall", "SimCallRecord", "SimChange", "SimParty", "SimPhase"]


class SimPhase(StrEnum):
    """Where a call is; `server.frames` has the word for each (protocol.md 7.1)."""

    RINGING = "ringing"
    CONNECTED = "connected"
    HELD = "held"
    PARKED = "parked"
    QUEUED = "queued"
    MENU = "menu"
    VOICEMAIL = "voicemail"
    ENDED = "ended"


TALKING = (SimPhase.CONNECTED, SimPhase.HELD)


class Cause(StrEnum):
    """Why a call ended, and the code a phone gets (protocol.md 5.4, SIP's numbers)."""

    NORMAL = "normal"
    CANCELLED = "cancelled"
    NO_ANSWER = "no-answer"
    BUSY = "busy"
    REJECTED = "rejected"
    UNKNOWN_NUMBER = "unknown-number"
    NO_CHANNEL = "no-channel"
    NO_MEDIA = "no-media"
    TRANSFERRED = "transferred"

    @property
    def code(self) -> int | None:
        """SIP status for the caller's phone; None when the end is a normal one."""
        return _CODES.get(self)


_CODES = {
    Cause.NO_ANSWER: 480,
    Cause.BUSY: 486,
    Cause.REJECTED: 603,
    Cause.UNKNOWN_NUMBER: 404,
    Cause.NO_CHANNEL: 503,
    Cause.NO_MEDIA: 415,
}


class SimParty(NamedTuple):
    """One end of a call.

    Attributes:
        external: it is reached over a trunk and takes a channel there.
        extension: it is an extension of the tenant (and not a group, an orbit, a mailbox).
    """

    number: str
    name: str = ""
    external: bool = False
    extension: bool = False


@dataclass(slots=True, eq=False)
class SimCall:
    """One call; ``id`` is what clients use.

    Attributes:
        caller: who began it; changes when the caller hands it on.
        called: what was dialled, and once answered who answered.
        ringing: extensions ringing now.
        held_by: numbers of the ends that hold it.
        connected: start of the present conversation; None while it rings (again).
        first_connected: first answer of all, by a person, a menu or a mailbox.
        group: number of the queue or hunt group it is with now, else empty.
        through: number of the queue or hunt group it last came through, kept to its end.
        parked_by: extension that parked it.
        forwarded_by: extensions, and groups with nobody free, that sent it on, each once: a circle of them ends.
        then_dial: what is dialled for who is rung, once it picks up (click to dial); the caller's end is that number.
        channels: trunk channels in use; ``trunked`` once it has used any.
        since: when ``phase`` began.
        spent: seconds in the phases that are over.
        rang: every extension that rang for it, in order.
        talked: every extension that was connected to it, in order.
        version: grows with every change.
        accounts: numbers of the accounts that show it now; kept by the switch.
        timer: what happens if nobody does anything.
    """

    id: str
    caller: SimParty
    called: SimParty
    started: float
    phase: SimPhase = SimPhase.RINGING
    ringing: tuple[str, ...] = ()
    held_by: frozenset[str] = frozenset()
    connected: float | None = None
    first_connected: float | None = None
    recording: bool = False
    group: str = ""
    through: str = ""
    orbit: str = ""
    parked_by: str = ""
    forwarded_by: tuple[str, ...] = ()
    comment: str = ""
    then_dial: str = ""
    channels: int = 0
    trunked: bool = False
    since: float = 0.0
    spent: dict[SimPhase, float] = field(default_factory=dict)
    rang: list[str] = field(default_factory=list)
    talked: list[str] = field(default_factory=list)
    version: int = 0
    accounts: tuple[str, ...] = ()
    timer: SimTimer | None = None
    max_wait: SimTimer | None = None

    @property
    def extensions(self) -> tuple[str, ...]:
        """Extensions involved now: the caller, who is connected, who rings."""
        ends = [end.number for end in (self.caller, self.called) if end.extension]
        return tuple(dict.fromkeys([*ends, *self.ringing]))

    @property
    def open(self) -> bool:
        """It has not ended."""
        return self.phase is not SimPhase.ENDED

    def involves(self, number: str) -> bool:
        """True when ``number`` is an end of it or rings for it."""
        return number in (self.caller.number, self.called.number) or number in self.ringing

    def other(self, number: str) -> SimParty:
        """The end that ``number`` talks to."""
        return self.called if number == self.caller.number else self.caller

    @property
    def our_end(self) -> str:
        """The extension that acts when nobody is named: who was called, else the caller; else empty."""
        return next((end.number for end in (self.called, self.caller) if end.extension), "")

    def stop_ringing(self) -> None:
        """No phone rings, and nothing more happens by itself."""
        self.ringing = ()
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def answered(self, now: float) -> None:
        """Somebody, a menu or a mailbox, answers now."""
        self.connected = now
        self.first_connected = self.first_connected or now

    def book(self, now: float) -> None:
        """Count the time since the last booking for the present phase."""
        self.spent[self.phase] = self.spent.get(self.phase, 0.0) + now - self.since
        self.since = now

    def record(self, now: float, cause: Cause, ended_by: str) -> SimCallRecord:
        """The record of the call, which ends now."""
        spent = self.spent
        return SimCallRecord(
            id=self.id,
            caller=self.caller,
            called=self.called,
            started=self.started,
            connected=self.first_connected,
            ended=now,
            cause=cause,
            ended_by=ended_by,
            through=self.through,
            rang=tuple(self.rang),
            talked=tuple(self.talked),
            trunked=self.trunked,
            wait=spent.get(SimPhase.QUEUED, 0.0),
            ring=spent.get(SimPhase.RINGING, 0.0),
            talk=spent.get(SimPhase.CONNECTED, 0.0),
            hold=spent.get(SimPhase.HELD, 0.0) + spent.get(SimPhase.PARKED, 0.0),
        )


class SimCallRecord(NamedTuple):
    """A call that is over; times are virtual seconds since 1970, durations seconds."""

    id: str
    caller: SimParty
    called: SimParty
    started: float
    connected: float | None
    ended: float
    cause: Cause
    ended_by: str
    through: str
    rang: tuple[str, ...]
    talked: tuple[str, ...]
    trunked: bool
    wait: float
    ring: float
    talk: float
    hold: float


class ChangeKind(StrEnum):
    """What has changed."""

    CALL_NEW = "call-new"
    CALL_CHANGED = "call-changed"
    CALL_ENDED = "call-ended"
    CALL_REFUSED = "call-refused"
    ACCOUNT = "account"
    RECORDING = "recording"
    CHAT = "chat"
    MISSED = "missed"


class SimChange(NamedTuple):
    """One change, sent to the listeners after the state has changed.

    Attributes:
        accounts: numbers of the accounts that changed.
        call: the call concerned; for ``CALL_ENDED`` and ``CALL_REFUSED`` in its last state.
        record: the finished record, with ``CALL_ENDED`` and ``CALL_REFUSED``.
        text: for ``CHAT`` the text, whose receiver and sender are ``accounts``.
    """

    kind: ChangeKind
    accounts: tuple[str, ...] = ()
    call: SimCall | None = None
    record: SimCallRecord | None = None
    text: str = ""
