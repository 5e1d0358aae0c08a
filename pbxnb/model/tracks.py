"""What the model remembers of one call and of one account besides their public values.

The lowest level of the store: times, parties, what the wire last said. A track adds up what it is given; which
entries of the wire to believe is decided in ``lists``, which calls belong together in ``links``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from pbxnb.protocol.bounds import size_of
from pbxnb.protocol.messages import NOTHING, CallEntry

from .derive import identity
from .entities import Call, CallRecord, CallState, Phase

__all__ = ["AccountTrack", "CallTrack", "EndedCall", "Times", "pair_of"]

_SPANS_KEPT = 1_000  # of one call, for timelines, or fewer with many phones; the sums stay exact beyond it
_PHONES = 10  # extensions that a span may have without counting as several

# Looking up a member of an enum, and hashing one, costs more than all else that is done with it here.
_STATE_RINGING, _CONNECTED, _STATE_HELD, _STATE_PARKED = (
    CallState.RINGING,
    CallState.CONNECTED,
    CallState.HELD,
    CallState.PARKED,
)
_RINGING, _QUEUED, _MENU, _TALKING = Phase.RINGING, Phase.QUEUED, Phase.MENU, Phase.TALKING
_HELD, _PARKED, _ENDED = Phase.HELD, Phase.PARKED, Phase.ENDED


CallSpan = tuple[CallState, Phase, tuple[str, ...], str, str, datetime]
"""What a call was and with whom: state, phase, extensions, caller, called, until when; each begins as one ends."""


class Times:
    """The seconds a call or a conversation spent ringing (or queued), talking and held (or parked).

    Args:
        phase: the running one.
        start: from when on.

    Attributes:
        ring, talk, hold: seconds, up to ``start``.
    """

    __slots__ = ("hold", "phase", "ring", "start", "talk")

    def __init__(self, phase: Phase, start: datetime) -> None:
        self.phase: Phase = phase
        self.start: datetime = start
        self.ring: float = 0.0
        self.talk: float = 0.0
        self.hold: float = 0.0

    def turn(self, phase: Phase, at: datetime) -> None:
        """End the running phase at ``at`` and begin another."""
        # a clock may have been set back: no time is known to have passed, and none is taken away
        before, spent = self.phase, (at - self.start).total_seconds() if at > self.start else 0.0
        if before is _RINGING or before is _QUEUED:
            self.ring += spent
        elif before is _TALKING:
            self.talk += spent
        elif before is _HELD or before is _PARKED:
            self.hold += spent
        self.phase = phase
        self.start = at


class CallTrack:
    """One call id from its first sight to its end.

    Attributes:
        call: its public value; replaced at every change.
        entry: what the wire last said of it.
        numbers: every number it names.
        order: sort key: when it started, then when we saw it.
        phase_since, phase_seen: as ``since`` and ``first_seen`` of `Call`, of its phase.
        times: its ring, talk and hold.
        alone: no extension is in it besides caller and called party.
        waiting: nobody has answered since it came to a queue.
        arrived: it came to a queue, and its conversation has not taken notice yet.
        answered, was_parked: it was connected, held or parked; it was parked.
        seen_start: it began before our eyes, not before the line was up.
        gap: the line was down during some of it.
        joined: numbers that joined later than its state began, each with since and first seen.
        gained: numbers that joined at its last change of parties, at ``moved_at`` (kernel time).
        former, former_pair: all its numbers, and who spoke with whom, before that change.
        kept_as: once it has ended, the number of its row.
        star: what stands behind the star of the code it dialled, such as ``85700``; empty when it dialled none.
    """

    __slots__ = (
        "_spans", "_spans_from", "_spans_room", "_start", "alone", "answered", "arrived", "call", "ended_at",
        "ended_by", "ended_turn", "entry", "former", "former_pair", "gained", "gap", "inferred_end", "joined",
        "kept_as", "moved_at", "numbers", "order", "phase_seen", "phase_since", "seen_start", "star", "times",
        "waiting", "was_parked",
    )  # fmt: skip

    def __init__(
        self,
        call: Call,
        entry: CallEntry,
        numbers: tuple[str, ...],
        order: tuple[datetime, int],
        *,
        alone: bool,
        waiting: bool,
        seen_start: bool,
    ) -> None:
        self.call: Call = call
        self.entry: CallEntry = entry
        self.numbers: tuple[str, ...] = numbers
        self.order: tuple[datetime, int] = order
        self.phase_since = call.since
        self.phase_seen: datetime = call.first_seen
        self.times: Final = Times(call.phase, call.since or call.first_seen)
        self.alone: bool = alone
        self.waiting: bool = waiting
        self.arrived: bool = waiting
        self.seen_start: Final = seen_start
        self.gap: bool = False
        self.joined: dict[str, tuple[datetime | None, datetime]] | None = None
        self.gained: tuple[str, ...] = ()
        self.former: tuple[str, ...] = ()
        self.former_pair: frozenset[str] = frozenset()
        self.moved_at: datetime | None = None
        to = call.to.number
        self.star: Final = to[1:] if to.startswith("*") else ""
        self.was_parked: bool = call.state is _STATE_PARKED
        self.answered: bool = _is_answered(call)
        self.ended_at: datetime | None = None
        self.ended_turn: int = 0
        self.inferred_end: bool = False
        self.kept_as: int = -1
        self.ended_by: str = ""
        self._spans: list[CallSpan] = []
        self._start = self._spans_from = self.times.start
        self._spans_room = _SPANS_KEPT

    def become(self, call: Call, since: datetime | None, seen: datetime, *, alone: bool, waiting: bool) -> None:
        """Take a new value; a change of state or of phase ends the running one.

        Args:
            since, seen: of the phase, where that changes.
        """
        state, phase, was = call.state, call.phase, self.call
        if state is not was.state or phase is not was.phase:
            if phase is not was.phase:
                self.phase_since, self.phase_seen = since, seen
            self._end_span(since or seen)
            self.times.turn(phase, since or seen)
            self.was_parked = self.was_parked or state is _STATE_PARKED
            self.answered = self.answered or _is_answered(call)
        else:
            if self.phase_since is None:
                self.phase_since = call.since  # the PBX says it only now
            if call.extensions != was.extensions:
                self._end_span(since or seen)
        self.call = call
        self.alone = alone
        self.arrived = self.arrived or (waiting and not self.waiting)
        self.waiting = waiting

    def reinterpret(self, call: Call, *, alone: bool, waiting: bool) -> None:
        """Take a value that is other only because the type of an account became known: its phase was that all along."""
        self.call = call
        self.times.phase = call.phase
        self.alone = alone
        self.arrived = self.arrived or (waiting and not self.waiting)
        self.waiting = waiting

    def move(
        self, call: Call, numbers: tuple[str, ...], received: datetime, since: datetime | None, seen: datetime
    ) -> None:
        """Take other parties; to be called before `become`.

        Args:
            received: kernel time.
            since, seen: from when on the new numbers are in it.
        """
        self.former, self.numbers = self.numbers, numbers
        self.former_pair = pair_of(self.call)
        joined = [n for n in numbers if n not in self.former]
        if joined or self.joined:
            kept = {n: when for n, when in (self.joined or {}).items() if n in numbers}
            self.joined = kept | dict.fromkeys(joined, (since, seen))
        self.gained = tuple(dict.fromkeys([*joined, *sorted(pair_of(call) - self.former_pair)]))
        self.moved_at = received
        self.ended_by = ""  # whoever said goodbye left a call that goes on

    def end(self, at: datetime, turn: int, *, inferred: bool) -> None:
        """The call is over."""
        self._end_span(at)
        self.times.turn(_ENDED, at)
        self.ended_at = at
        self.ended_turn = turn
        self.inferred_end = inferred

    def joined_since(self, number: str, since: datetime | None, seen: datetime) -> tuple[datetime | None, datetime]:
        """Since when, and seen since when, a number is in the call's state, which began at ``since`` or ``seen``."""
        joined = self.joined.get(number) if self.joined else None
        if joined is None or (since or seen) >= (joined[0] or joined[1]):
            return since, seen
        return joined

    def size(self) -> int:
        """Bytes of memory it takes, about."""
        call, entry = self.call, self.entry
        from_, to = entry.from_, entry.to
        texts = len(call.id) + len(from_.uri) + len(from_.name) + len(to.uri) + len(to.name) + len(call.raw_state)
        size = 1_500 + 2 * texts + 60 * len(call.extensions) + 300 * (_SPANS_KEPT - self._spans_room)
        return size + size_of(call.extra) if call.extra else size

    def pair(self) -> frozenset[str]:
        """Who speaks with whom."""
        return pair_of(self.call)

    def left(self) -> EndedCall:
        """What is kept of it when it has ended."""
        assert self.ended_at is not None
        return self._as_of(self.ended_at, self._spans)

    def so_far(self, at: datetime) -> EndedCall:
        """What would be kept of it if it ended then."""
        at = max(self._spans_from, at)
        return self._as_of(at, [*self._spans, self._span(at)])

    def _as_of(self, at: datetime, spans: list[CallSpan]) -> EndedCall:
        times = self.times
        return EndedCall(
            self.call, at, times.ring, times.talk, times.hold,
            self.seen_start, self.gap, self.inferred_end, self.ended_by, self._start, spans,
        )  # fmt: skip

    def _end_span(self, at: datetime) -> None:
        call, at = self.call, max(self._spans_from, at)
        if self._spans_room > 0:
            self._spans_room -= 1 + len(call.extensions) // _PHONES
            self._spans.append(self._span(at))
        self._spans_from = at

    def _span(self, at: datetime) -> CallSpan:
        call = self.call
        return call.state, call.phase, call.extensions, call.from_.number, call.to.number, at


class EndedCall(msgspec.Struct, array_like=True, gc=False):
    """A call that has ended, as its track left it.

    Attributes:
        call: its last state.
        end: when it ended.
        ring, talk, hold: seconds that were counted.
        seen_start: it began before our eyes, not before the line was up.
        gap: the line was down during some of it.
        inferred: its end was concluded.
        ended_by: ``caller``, ``called`` or empty.
        start: when the first of its spans began.
        spans: what it was and with whom, in order.
    """

    call: Call
    end: datetime
    ring: float
    talk: float
    hold: float
    seen_start: bool
    gap: bool
    inferred: bool
    ended_by: str
    start: datetime
    spans: list[CallSpan]

    def record(self, conversation: str, domain: str) -> CallRecord:
        """The record; None where a phase's bounds were not seen.

        Args:
            conversation: the one it was found to belong to later; empty for none.
            domain: the tenant.
        """
        call = replace(self.call, conversation=conversation) if conversation else self.call
        rang = self.spans[0][0] is _STATE_RINGING
        whole = not self.gap and (self.seen_start or rang)
        ring: float | None = None
        if any(state is _CONNECTED and (phase is _QUEUED or phase is _MENU) for state, phase, *_ in self.spans):
            # nobody was there: when somebody answered, the PBX may not say, its connect may be that of a menu
            ring = self.ring if self.seen_start and not self.gap else None
        elif call.connected_at is not None and call.started_at is not None:
            # both from the PBX: one clock, and known even for a call we met half-way
            ring = max(0.0, (call.connected_at - call.started_at).total_seconds())
        elif not self.gap and self.seen_start and rang:
            ring = self.ring
        phases, stays = self._course()
        return CallRecord(
            call=call,
            ended_at=self.end,
            ring=ring,
            talk=self.talk if whole else None,
            hold=self.hold if whole else None,
            phases=phases,
            stays=stays,
            ended_by=self.ended_by,
            inferred=self.inferred,
            gap=self.gap,
            domain=domain,
        )

    def _course(self) -> tuple[Any, Any]:
        """Its states in order (one that goes on in another phase begins anew), and who was with it in which phase."""
        phases, stays = [], []
        in_state = in_stay = self.start
        for (state, phase, phones, caller, called, end), after in zip(self.spans, (*self.spans[1:], None), strict=True):
            if after is None or after[0] is not state or after[1] is not phase:
                phases.append((state, in_state, end))
                in_state = end
            if after is None or after[1] is not phase or after[2] != phones:
                if state is not _STATE_RINGING and called in phones:  # others may stay listed that only rang
                    phones = tuple([number for number in phones if number in (caller, called)])
                stays.append((phase, phones, in_stay, end))
                in_stay = end
        return tuple(phases), tuple(stays)


class AccountTrack(msgspec.Struct, gc=False):
    """What the PBX said of one account, field by field.

    Attributes:
        code: it carries a ``code``, whatever that is.
        own: the calls in its own ``calls`` field.
    """

    number: str
    name: str = ""
    type: str = ""
    domain: str = ""
    registered: bool | None = None
    dnd: bool | None = None
    chat_status: str = ""
    code: bool = False
    own: tuple[CallEntry, ...] = ()
    extra: Mapping[str, Any] = NOTHING

    def claims(self, call: str) -> bool:
        """Whether the account says that it is in the call: by its id, or, where it gives no ids, in any call."""
        ids = [entry.id for entry in self.own if entry.id]
        return call in ids if ids else self.code or bool(self.own)


def pair_of(call: Call) -> frozenset[str]:
    """Who speaks with whom, as numbers that tell people apart."""
    return frozenset((identity(call.from_), identity(call.to))) - {""}


def _is_answered(call: Call) -> bool:
    return call.state is _CONNECTED or call.state is _STATE_HELD or call.state is _STATE_PARKED
