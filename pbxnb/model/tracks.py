"""What the model remembers of one call and of one conversation besides their public values: times, parties, links.

The two lower levels of the ledger. A track adds up what it is given; which calls belong together is decided in
``links``, which entries of the wire to believe in ``calls``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from pbxnb.protocol.messages import CallEntry

from .derive import direction_of, identity, in_conversation
from .entities import Call, CallRecord, CallState, Conversation, Direction, Evidence, Phase
from .times import Times

__all__ = ["LIMIT", "CallTrack", "ConversationTrack", "pair_of"]

LIMIT = 500  # calls, links and agents of one conversation; beyond it a PBX, or somebody, is playing tricks
_STATES_KEPT = 1_000  # of one call, for timelines; the sums stay exact beyond it

# Looking up a member of an enum, and hashing one, costs more than all else that is done with it here.
_STATE_RINGING, _CONNECTED, _STATE_HELD, _STATE_PARKED = (
    CallState.RINGING,
    CallState.CONNECTED,
    CallState.HELD,
    CallState.PARKED,
)
_QUEUED, _MENU, _TALKING, _HELD, _ENDED = Phase.QUEUED, Phase.MENU, Phase.TALKING, Phase.HELD, Phase.ENDED
_UNKNOWN = Direction.UNKNOWN


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
        conversation: where it belongs in the ledger; set as soon as the call is known.
        joined: numbers that joined later than its state began, each with since and first seen.
        gained: numbers that joined at its last change of parties, at ``moved_at`` (kernel time).
        former, former_pair: all its numbers, and who spoke with whom, before that change.
        star: what stands behind the star of the code it dialled, such as ``85700``; empty when it dialled none.
        ended_at, ended_received: when it ended, on the PBX's clock and on the kernel's.
    """

    __slots__ = (
        "_states", "_unattended", "alone", "answered", "arrived", "call", "conversation", "ended_at", "ended_by",
        "ended_received", "ended_turn", "entry", "former", "former_pair", "gained", "gap", "inferred_end", "joined",
        "moved_at", "numbers", "order", "phase_seen", "phase_since", "seen_start", "star", "times", "waiting",
        "was_parked",
    )  # fmt: skip

    conversation: ConversationTrack

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
        self.call = call
        self.entry = entry
        self.numbers = numbers
        self.order = order
        self.phase_since = call.since
        self.phase_seen = call.first_seen
        self.times = Times(call.phase, call.since or call.first_seen)
        self.alone = alone
        self.waiting = self.arrived = waiting
        self.seen_start = seen_start
        self.gap = False
        self.joined: dict[str, tuple[datetime | None, datetime]] | None = None
        self.gained: tuple[str, ...] = ()
        self.former: tuple[str, ...] = ()
        self.former_pair: frozenset[str] = frozenset()
        self.moved_at: datetime | None = None
        to = call.to.number
        self.star = to[1:] if to.startswith("*") else ""
        self.was_parked = call.state is _STATE_PARKED
        self.answered = _is_answered(call)
        self.ended_at: datetime | None = None
        self.ended_received: datetime | None = None
        self.ended_turn = 0
        self.inferred_end = False
        self.ended_by = ""
        self._states: list[tuple[CallState, datetime, datetime]] = []
        self._unattended = False  # it was connected with nobody there

    def become(self, call: Call, since: datetime | None, seen: datetime, *, alone: bool, waiting: bool) -> None:
        """Take a new value; a change of state or of phase ends the running one.

        Args:
            since, seen: of the phase, where that changes.
        """
        state = call.state
        if state is not self.call.state or call.phase is not self.call.phase:
            if call.phase is not self.call.phase:
                self.phase_since, self.phase_seen = since, seen
            self._end_phase(call.phase, since or seen)
            self.was_parked = self.was_parked or state is _STATE_PARKED
            self.answered = self.answered or _is_answered(call)
        elif self.phase_since is None:
            self.phase_since = call.since  # the PBX told it only now
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

    def end(self, at: datetime, received: datetime, turn: int, *, inferred: bool) -> None:
        """The call is over, at ``at`` on the PBX's clock and ``received`` on the kernel's."""
        self._end_phase(_ENDED, at)
        self.ended_at = at
        self.ended_received = received
        self.ended_turn = turn
        self.inferred_end = inferred

    def state_of(self, number: str) -> tuple[datetime | None, datetime]:
        """Since when, and seen since when, one of its numbers is in its state."""
        since, seen = self.call.since, self.call.first_seen
        joined = self.joined.get(number) if self.joined else None
        if joined is None or (since or seen) >= (joined[0] or joined[1]):
            return since, seen
        return joined

    def pair(self) -> frozenset[str]:
        """Who speaks with whom."""
        return pair_of(self.call)

    def record(self) -> CallRecord:
        """The ended call with its times apart; None where a phase's bounds were not seen."""
        call, times, ended_at = self.call, self.times, self.ended_at
        assert ended_at is not None
        if call.conversation != self.conversation.id:
            call = replace(call, conversation=self.conversation.id)
        first = self._states[0][0] if self._states else call.state
        whole = not self.gap and (self.seen_start or first is _STATE_RINGING)
        ring: float | None = None
        if self._unattended:  # when somebody answered, the PBX may not say: its connect may be that of a menu
            ring = times.ring if self.seen_start and not self.gap else None
        elif call.connected_at is not None and call.started_at is not None:
            # both from the PBX: one clock, and known even for a call we met half-way
            ring = max(0.0, (call.connected_at - call.started_at).total_seconds())
        elif not self.gap and self.seen_start and first is _STATE_RINGING:
            ring = times.ring
        return CallRecord(
            call=call,
            ended_at=ended_at,
            ring=ring,
            talk=times.talk if whole else None,
            hold=times.hold if whole else None,
            phases=tuple(self._states),
            ended_by=self.ended_by,
            inferred=self.inferred_end,
            gap=self.gap,
        )

    def _end_phase(self, phase: Phase, at: datetime) -> None:
        times = self.times
        if times.phase is _QUEUED or times.phase is _MENU:
            self._unattended = self._unattended or self.call.state is _CONNECTED
        if len(self._states) < _STATES_KEPT:
            self._states.append((self.call.state, times.start, max(times.start, at)))
        times.turn(phase, at)


class ConversationTrack:
    """One conversation, open or lately ended: the calls that belong together, and the `Conversation` they add up to.

    Args:
        id: its key.
        first: its first call.
        type_of: the type of an account by number; empty when there is no such account.
    """

    __slots__ = (
        "_agents", "_answered", "_answered_by", "_call_ids", "_caller", "_direction", "_seen", "_shown", "_since",
        "_times", "_type_of", "calls", "ended_at", "evidence", "id", "inferred",
    )  # fmt: skip

    def __init__(self, id: str, first: CallTrack, type_of: Callable[[str], str]) -> None:  # noqa: A002 - the field's name
        self.id = id
        self.calls = [first]
        self._call_ids: tuple[str, ...] = (first.call.id,)
        self.evidence: list[Evidence] = []
        self.inferred = False
        self.ended_at: datetime | None = None
        self._caller = first.call.from_
        self._since, self._seen = first.phase_since, first.phase_seen
        self._times = Times(first.call.phase, self._since or self._seen)
        self._agents: dict[str, None] = {}
        self._answered = False  # somebody has taken the caller since he came to a queue
        self._answered_by = ""
        self._direction = _UNKNOWN
        self._shown = Conversation(id=id, calls=self._call_ids, since=self._since, first_seen=self._seen)
        self._type_of = type_of

    @property
    def answered_by(self) -> str:
        """The extension that answered; empty until then."""
        return self._answered_by

    def note(self, track: CallTrack) -> None:
        """Note who rings for a call, who answered it, and that it came to a queue."""
        call = track.call
        if track.arrived:
            track.arrived = self._answered = False
        if call.phase is _TALKING or call.phase is _HELD:
            self._answered = True
        if call.state is not _STATE_RINGING and (call.state is not _CONNECTED or self._answered_by):
            return
        inside = [
            number
            for number in call.extensions
            if number != call.from_.number and self._type_of(number) in ("", "extensions")
        ]
        if call.to.number not in inside and self._type_of(call.to.number) == "extensions":
            inside.append(call.to.number)
        if call.state is _STATE_RINGING:
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

    def absorb(self, other: ConversationTrack) -> None:
        """Take over a younger conversation. Its times ran beside ours, so they are not added."""
        self.calls = sorted(self.calls + other.calls, key=_order)
        self._call_ids = tuple([track.call.id for track in self.calls])
        self.evidence = (self.evidence + other.evidence)[:LIMIT]
        self.inferred = self.inferred or other.inferred
        self.ended_at = None
        self._agents.update(other._agents)
        self._answered = self._answered or other._answered
        self._answered_by = self._answered_by or other._answered_by
        for track in other.calls:
            track.conversation = self

    def value(self, at: datetime, *, seen: bool) -> Conversation:
        """Add up.

        Args:
            at: now, on the PBX's clock.
            seen: the line was up: what is other now became so now.
        """
        calls = self.calls
        last = calls[0]
        first = last.call
        open_ = waiting = False
        for track in calls:
            if track.ended_at is None:
                last, open_ = track, True
                waiting = waiting or track.waiting
        if not open_ and len(calls) > 1:
            last = max(calls, key=_end)
        call = last.call
        state = call.state if open_ else None
        phase = in_conversation(call, waiting and not self._answered) if open_ else _ENDED
        times = self._times
        if phase is not times.phase:
            if phase is call.phase and (last.phase_since or last.phase_seen) >= times.start:
                self._since, self._seen = last.phase_since, last.phase_seen
            else:  # it ended, or an older call is the newest again, or only the calls together say so
                self._since, self._seen = at if seen else None, at
            times.turn(phase, self._since or self._seen)
        elif self._since is None and phase is call.phase:
            self._since = last.phase_since
        if open_:
            self.ended_at = None
        elif self.ended_at is None:
            self.ended_at = at
        caller = self._caller
        if not caller.number:
            caller = self._caller = first.from_
        if self._direction is _UNKNOWN:
            self._direction = self._find_direction(first)
        queue, connected_at = first.queue, first.connected_at
        if len(calls) > 1:
            queue = queue or next((track.call.queue for track in calls if track.call.queue), "")
            connected_at = connected_at or next((t.call.connected_at for t in calls if t.call.connected_at), None)
        # From the value before, in two steps: CPython passes more than 15 keywords through a dictionary of their own,
        # and this constructor, with all of its 21, took 0.7 us where the two steps take 0.3.
        shown = replace(
            self._shown,
            calls=self._call_ids,
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
            phase=phase,
            direction=self._direction,
            answered_by=self._answered_by,
            started_at=first.started_at,
            connected_at=connected_at,
            ended_at=self.ended_at,
            since=self._since,
            first_seen=self._seen,
            ended_by=last.ended_by if state is None else "",
        )
        return shown

    def _find_direction(self, call: Call) -> Direction:
        inside = call.extensions
        from_inside = bool(self._type_of(call.from_.number)) or call.from_.number in inside
        to = call.to.number
        to_inside = bool(self._type_of(to)) or to in inside or to.startswith("*")
        return direction_of(from_inside, to_inside, bool(inside))


def pair_of(call: Call) -> frozenset[str]:
    """Who speaks with whom, as numbers that tell people apart."""
    return frozenset((identity(call.from_), identity(call.to))) - {""}


def _is_answered(call: Call) -> bool:
    return call.state is _CONNECTED or call.state is _STATE_HELD or call.state is _STATE_PARKED


def _order(track: CallTrack) -> tuple[datetime, int]:
    return track.order


def _end(track: CallTrack) -> tuple[int, tuple[datetime, int]]:
    return (track.ended_turn, track.order)
