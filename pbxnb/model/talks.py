"""A conversation in the making: the legs that belong together, and the `Conversation` they add up to.

It knows how to add up, not which legs belong together: that is decided by the rules in ``links``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from .derive import direction_of
from .entities import Call, CallState, Conversation, Direction, Evidence
from .legs import CONNECTED, RINGING, Leg
from .stopwatch import Stopwatch

__all__ = ["LIMIT", "Talk"]

_UNKNOWN = Direction.UNKNOWN

LIMIT = 500  # legs, links and agents of one conversation; beyond it a PBX, or somebody, is playing tricks


class Talk:
    """One conversation, open or lately ended. Written by the ledger only.

    Args:
        id: its key.
        leg: its first call.
        type_of: the type of an account by number; empty when there is no such account.
    """

    __slots__ = (
        "_agents",
        "_answered_by",
        "_caller",
        "_calls",
        "_direction",
        "_shown",
        "_state",
        "_times",
        "_type_of",
        "ended_at",
        "evidence",
        "id",
        "inferred",
        "legs",
        "since",
    )

    def __init__(self, id: str, leg: Leg, type_of: Callable[[str], str]) -> None:  # noqa: A002 - the field's name
        self.id = id
        self.legs = [leg]
        self._calls: tuple[str, ...] = (leg.call.id,)
        self.evidence: list[Evidence] = []
        self.inferred = False
        self.ended_at: datetime | None = None
        self.since = leg.call.since
        self._caller = leg.call.from_
        self._state: CallState | None = leg.call.state
        self._times = Stopwatch(leg.times.spends, self.since)
        self._agents: dict[str, None] = {}
        self._answered_by = ""
        self._direction = _UNKNOWN
        self._shown = Conversation(id=id, calls=self._calls, since=self.since)
        self._type_of = type_of

    @property
    def answered_by(self) -> str:
        """The extension that answered; empty until then."""
        return self._answered_by

    def hears(self, leg: Leg) -> None:
        """Note who rings for a call and who answered it."""
        call = leg.call
        if call.state is not RINGING and (call.state is not CONNECTED or self._answered_by):
            return
        inside = [
            number
            for number in call.extensions
            if number != call.from_.number and self._type_of(number) in ("", "extensions")
        ]
        if call.to.number not in inside and self._type_of(call.to.number) == "extensions":
            inside.append(call.to.number)
        if call.state is RINGING:
            for number in inside:
                if len(self._agents) < LIMIT:
                    self._agents[number] = None
        elif call.to.number in inside:
            self._answered_by = call.to.number
        elif len(inside) == 1:
            self._answered_by = inside[0]

    def add(self, evidence: Evidence) -> None:
        """Keep why the ledger says so."""
        if len(self.evidence) < LIMIT:
            self.evidence.append(evidence)

    def absorb(self, other: Talk) -> None:
        """Take over a younger conversation. Its times ran beside ours, so they are not added."""
        self.legs = sorted(self.legs + other.legs, key=_order)
        self._calls = tuple([leg.call.id for leg in self.legs])
        self.evidence = (self.evidence + other.evidence)[:LIMIT]
        self.inferred = self.inferred or other.inferred
        self.ended_at = None
        self._agents.update(other._agents)
        self._answered_by = self._answered_by or other._answered_by
        for leg in other.legs:
            leg.talk = self

    def value(self, received: datetime) -> Conversation:
        """Add up, as of now."""
        legs = self.legs
        last = legs[0]
        first = last.call
        state: CallState | None = None
        for leg in legs:
            if leg.ended_at is None:
                last, state = leg, leg.call.state
        if state is None and len(legs) > 1:
            last = max(legs, key=_end)
        times = self._times
        spends = last.times.spends if state is not None else CallState.OTHER
        if spends is not times.spends:
            times.turn(spends, received)
        if state is not self._state:
            self._state = state
            self.since = received
        if state is not None:
            self.ended_at = None
        elif self.ended_at is None:
            self.ended_at = received
        caller = self._caller
        if not caller.number:
            caller = self._caller = first.from_
        if self._direction is _UNKNOWN:
            self._direction = self._find_direction(first)
        call = last.call
        queue, connected_at = first.queue, first.connected_at
        if len(legs) > 1:
            queue = queue or next((leg.call.queue for leg in legs if leg.call.queue), "")
            connected_at = connected_at or next((leg.call.connected_at for leg in legs if leg.call.connected_at), None)
        # From the value before, in two steps: CPython passes more than 15 keywords through a dictionary of their own,
        # and this constructor, with all of its 19, took 0.7 us where the two steps take 0.3.
        shown = replace(
            self._shown,
            calls=self._calls,
            queue=queue,
            agents=tuple(self._agents),
            evidence=tuple(self.evidence),
            inferred=self.inferred,
            ring=times.ring,
            talk=times.talk,
            hold=times.hold,
        )
        self._shown = shown = replace(
            shown,
            from_=caller,
            to=call.from_ if call.to.number == caller.number and call.from_.number else call.to,
            state=state,
            direction=self._direction,
            answered_by=self._answered_by,
            started_at=first.started_at,
            connected_at=connected_at,
            ended_at=self.ended_at,
            since=self.since,
            ended_by=last.ended_by if state is None else "",
        )
        return shown

    def _find_direction(self, call: Call) -> Direction:
        inside = call.extensions
        from_inside = bool(self._type_of(call.from_.number)) or call.from_.number in inside
        to = call.to.number
        to_inside = bool(self._type_of(to)) or to in inside or to.startswith("*")
        return direction_of(from_inside, to_inside, bool(inside))


def _order(leg: Leg) -> tuple[datetime, int]:
    return leg.order


def _end(leg: Leg) -> tuple[datetime, tuple[datetime, int]]:
    assert leg.ended_at is not None
    return (leg.ended_at, leg.order)
