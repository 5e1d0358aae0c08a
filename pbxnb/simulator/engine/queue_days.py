"""What a queue remembers: the records of its calls, and their figures by the hour of the tenant's clock.

Each call is booked in the hour in which it entered the queue, so that records, days and months add up to the same.
Kept are today and the `DAYS_KEPT` days before it, and at most `MOST_RECORDS` records.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from .calls import SimCall, SimParty, SimPhase

__all__ = [
    "DAY", "DAYS_KEPT", "HOUR", "NOBODY", "AgentFigures", "QueueDays", "QueueFigures", "QueueReason", "QueueRecord",
    "QueueStay",
]  # fmt: skip

HOUR, DAY = 3_600, 86_400
DAYS_KEPT = 7
MOST_RECORDS = 10_000

NOBODY = ""
"""Stands for the agent of calls that none took."""


class QueueReason(StrEnum):
    """How a call left its queue, in the PBX's short words (rest.md 2.5)."""

    HANGUP_CONNECTED = "hc"
    SENT_ON = ""  # by the agent who had taken it; the word is ours
    HANGUP_WAITING = "hw"
    HANGUP_RINGING = "hr"
    REDIRECT_WAITING = "rw"
    REDIRECT_RINGING = "rr"
    REDIRECT_ANONYMOUS = "ra"
    USER = "ui"
    ADMIN = "ai"
    MAX_CALLS = "mc"
    APPLICATION = "soap"
    OTHER = "other"


class QueueRecord(NamedTuple):
    """A call that has left a queue; ``start`` in virtual seconds since 1970, durations in seconds.

    Attributes:
        start: when it entered the queue.
        dialled: the queue, as one end of the call.
        agent: who took it; without a number when nobody did.
        ivr: waiting without a phone ringing.
        ring: phones of agents ringing, the one that answered and those before.
        idle: how long the agent had been free before that phone rang.
    """

    call: str
    start: float
    caller: SimParty
    dialled: SimParty
    agent: SimParty
    reason: QueueReason
    ivr: float = 0.0
    ring: float = 0.0
    talk: float = 0.0
    hold: float = 0.0
    idle: float = 0.0

    @property
    def abandoned(self) -> bool:
        """The caller hung up before an agent answered."""
        return self.reason in (QueueReason.HANGUP_WAITING, QueueReason.HANGUP_RINGING)


@dataclass(slots=True)
class QueueStay:
    """A call inside a queue.

    Attributes:
        start: when it entered.
        before: the seconds it had spent in each phase by then.
        idle: how long the agent whose phone rang last had been free.
    """

    start: float
    before: dict[SimPhase, float]
    idle: float = 0.0

    def spent(self, call: SimCall, phase: SimPhase) -> float:
        """Seconds in a phase since it entered, booked so far."""
        return call.spent.get(phase, 0.0) - self.before.get(phase, 0.0)


@dataclass(slots=True)
class AgentFigures:
    """Calls that one agent took, or with `NOBODY` those that none did, and their sums in seconds.

    Attributes:
        sent_on: those of the calls that the agent sent on.
        missed: rings that the agent did not answer.
    """

    calls: int = 0
    sent_on: int = 0
    missed: int = 0
    ivr: float = 0.0
    ring: float = 0.0
    talk: float = 0.0
    hold: float = 0.0
    idle: float = 0.0

    def book(self, record: QueueRecord) -> None:
        """Count a call."""
        self.calls += 1
        self.sent_on += record.reason is QueueReason.SENT_ON
        self.ivr += record.ivr
        self.ring += record.ring
        self.talk += record.talk
        self.hold += record.hold
        self.idle += record.idle

    def add(self, other: AgentFigures) -> None:
        """Add those of another time."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class QueueFigures:
    """What happened in a queue in some time.

    Attributes:
        count: calls that entered it, those still inside too.
        reasons: how the others left it.
        agents: their figures by number; `NOBODY` has those of the calls that none took.
    """

    count: int = 0
    reasons: Counter[QueueReason] = field(default_factory=Counter)
    agents: dict[str, AgentFigures] = field(default_factory=dict)

    def agent(self, number: str) -> AgentFigures:
        """The figures of one agent, to read or to add to."""
        return self.agents.setdefault(number, AgentFigures())

    @property
    def completed(self) -> int:
        """Calls that have left it."""
        return self.reasons.total()

    @property
    def taken(self) -> AgentFigures:
        """All agents together."""
        return self._sum(number for number in self.agents if number != NOBODY)

    @property
    def everything(self) -> AgentFigures:
        """All calls that have left it."""
        return self._sum(iter(self.agents))

    def add(self, other: QueueFigures) -> None:
        """Add those of another time."""
        self.count += other.count
        self.reasons += other.reasons
        for number, figures in other.agents.items():
            self.agent(number).add(figures)

    def _sum(self, numbers: Iterator[str]) -> AgentFigures:
        total = AgentFigures()
        for number in numbers:
            total.add(self.agents[number])
        return total


class QueueDays:
    """The records and the figures of one queue.

    Args:
        utc_offset: seconds that the tenant's wall clock is ahead of UTC: its days begin by it.

    Attributes:
        records: of the calls that have left the queue, oldest first.
    """

    def __init__(self, utc_offset: float = 0.0) -> None:
        self.utc_offset = utc_offset
        self.records: deque[QueueRecord] = deque(maxlen=MOST_RECORDS)
        self._hours: dict[int, QueueFigures] = {}

    def hour(self, at: float) -> int:
        """The local hour of a moment, counted from 1970."""
        return int((at + self.utc_offset) // HOUR)

    def day(self, at: float) -> int:
        """The local day of a moment, counted from 1970."""
        return self.hour(at) // 24

    def begin(self, day: int) -> float:
        """When a local day begins, seconds since 1970 UTC."""
        return day * DAY - self.utc_offset

    def entered(self, at: float) -> None:
        """A call enters the queue."""
        self._at(at).count += 1

    def missed(self, number: str, at: float) -> None:
        """An agent did not take a call that had entered at that time."""
        self._at(at).agent(number).missed += 1

    def left(self, record: QueueRecord) -> None:
        """A call has left the queue."""
        self.records.append(record)
        figures = self._at(record.start)
        figures.reasons[record.reason] += 1
        figures.agent(record.agent.number).book(record)

    def figures(self, first: int, end: int) -> QueueFigures:
        """The figures from one local hour to before another."""
        total = QueueFigures()
        for hour, figures in self._hours.items():
            if first <= hour < end:
                total.add(figures)
        return total

    def today(self, now: float) -> QueueFigures:
        """The figures of the local day."""
        day = self.day(now)
        return self.figures(day * 24, day * 24 + 24)

    def _at(self, at: float) -> QueueFigures:
        """The figures of the hour of a moment; with a new hour go those that are too old."""
        hour = self.hour(at)
        found = self._hours.get(hour)
        if found is None:
            oldest = (hour // 24 - DAYS_KEPT) * 24
            self._hours = {each: figures for each, figures in self._hours.items() if each >= oldest}
            while self.records and self.hour(self.records[0].start) < oldest:
                self.records.popleft()
            found = self._hours[hour] = QueueFigures()
        return found
