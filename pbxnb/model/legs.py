"""A leg: one entry of the call list with everything the model remembers of it besides the public `Call`.

The lowest of the three levels leg -> call -> conversation. It knows its own times, nothing of other legs.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from pbxnb.protocol.messages import CallEntry

from .derive import identity
from .entities import Call, CallRecord, CallState
from .stopwatch import Stopwatch

if TYPE_CHECKING:
    from .talks import Talk

__all__ = ["Leg"]

_PHASES_KEPT = 1_000  # of one call, for timelines; the sums stay exact beyond it

# Looking up a member of an enum, and hashing one, costs more than all else that is done with it here.
RINGING, CONNECTED, HELD, PARKED = CallState.RINGING, CallState.CONNECTED, CallState.HELD, CallState.PARKED


class Leg:
    """One call id from its first sight to its end. Written by the store only.

    Attributes:
        call: its public value; replaced at every change.
        entry: what the wire last said of it.
        numbers: every number it names.
        order: sort key: when it started, then when we saw it.
        times: its ring, talk and hold; see `derive.spent_on`.
        answered, was_parked: it was connected, held or parked; it was parked.
        seen_start: it began before our eyes, not before the line was up.
        gap: the line was down during some of it.
        talk: its conversation in the ledger.
        gained: numbers that joined at its last change of parties, at ``moved_at``.
        former, former_pair: all its numbers, and who spoke with whom, before that change.
        star: what stands behind the star of the code it dialled, such as ``85700``; empty when it dialled none.
    """

    __slots__ = (
        "_phases",
        "_unattended",
        "answered",
        "call",
        "ended_at",
        "ended_by",
        "ended_turn",
        "entry",
        "former",
        "former_pair",
        "gained",
        "gap",
        "inferred_end",
        "moved_at",
        "numbers",
        "order",
        "seen_start",
        "star",
        "talk",
        "times",
        "was_parked",
    )

    def __init__(
        self,
        call: Call,
        entry: CallEntry,
        numbers: tuple[str, ...],
        order: tuple[datetime, int],
        *,
        spends: CallState,
        seen_start: bool,
    ) -> None:
        self.call = call
        self.times = Stopwatch(spends, call.since)
        self.entry = entry
        self.numbers = numbers
        self.order = order
        self.seen_start = seen_start
        self.gap = False
        self.talk: Talk | None = None
        self.gained: tuple[str, ...] = ()
        self.former: tuple[str, ...] = ()
        self.former_pair: frozenset[str] = frozenset()
        self.moved_at: datetime | None = None
        to = call.to.number
        self.star = to[1:] if to.startswith("*") else ""
        self.was_parked = call.state is PARKED
        self.answered = _is_answered(call)
        self.ended_at: datetime | None = None
        self.ended_turn = 0
        self.inferred_end = False
        self.ended_by = ""
        self._phases: list[tuple[CallState, datetime, datetime]] = []
        self._unattended = False  # it was connected with nobody there

    def become(self, call: Call, received: datetime, spends: CallState) -> None:
        """Take a new value; a change of state, or of what its time is, ends the running phase."""
        state = call.state
        if state is not self.call.state or spends is not self.times.spends:
            self._end_phase(received, spends)
            self.was_parked = self.was_parked or state is PARKED
            self.answered = self.answered or _is_answered(call)
        self.call = call

    def move(self, call: Call, numbers: tuple[str, ...], received: datetime) -> None:
        """Take other parties; to be told before `become`."""
        self.former, self.numbers = self.numbers, numbers
        self.former_pair = pair_of(self.call)
        new = dict.fromkeys([*(n for n in numbers if n not in self.former), *sorted(pair_of(call) - self.former_pair)])
        self.gained = tuple(new)
        self.moved_at = received
        self.ended_by = ""  # whoever said goodbye left a call that goes on

    def end(self, received: datetime, turn: int, *, inferred: bool) -> None:
        """The call is over."""
        self._end_phase(received, CallState.OTHER)
        self.ended_at = received
        self.ended_turn = turn
        self.inferred_end = inferred

    @property
    def conversation(self) -> Talk:
        """Its conversation; the ledger opens one for every leg."""
        assert self.talk is not None
        return self.talk

    def pair(self) -> frozenset[str]:
        """Who speaks with whom."""
        return pair_of(self.call)

    def record(self) -> CallRecord:
        """The ended call with its times apart; None where a phase's bounds were not seen."""
        call, times, ended_at = self.call, self.times, self.ended_at
        assert ended_at is not None
        if call.conversation != self.conversation.id:
            call = msgspec.structs.replace(call, conversation=self.conversation.id)
        first = self._phases[0][0] if self._phases else call.state
        whole = not self.gap and (self.seen_start or first is RINGING)
        ring: float | None = None
        if self._unattended:  # when somebody answered, the PBX may not say: its connect may be that of a menu
            ring = times.ring if self.seen_start and not self.gap else None
        elif call.connected_at is not None and call.started_at is not None:
            # both from the PBX: one clock, and known even for a call we met half-way
            ring = max(0.0, (call.connected_at - call.started_at).total_seconds())
        elif not self.gap and self.seen_start and first is RINGING:
            ring = times.ring
        return CallRecord(
            call=call,
            ended_at=ended_at,
            ring=ring,
            talk=times.talk if whole else None,
            hold=times.hold if whole else None,
            phases=tuple(self._phases),
            ended_by=self.ended_by,
            inferred=self.inferred_end,
            gap=self.gap,
        )

    def _end_phase(self, received: datetime, spends: CallState) -> None:
        state, times = self.call.state, self.times
        if times.spends is not state:
            self._unattended = True
        if len(self._phases) < _PHASES_KEPT:
            self._phases.append((state, times.since, max(times.since, received)))
        times.turn(spends, received)


def _is_answered(call: Call) -> bool:
    return call.state is CONNECTED or call.state is HELD or call.state is PARKED


def pair_of(call: Call) -> frozenset[str]:
    """Who speaks with whom, as numbers that tell people apart."""
    return frozenset((identity(call.from_), identity(call.to))) - {""}
