"""The ledger: which calls make one conversation, what the conversation adds up to, and which calls have ended.

Which calls belong together is decided in ``links``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

from msgspec.structs import replace

from .calls import BY_ORDER, CallTable
from .changes import Batch
from .derive import direction_of, in_conversation
from .entities import Call, CallState, Conversation, Direction, Evidence, Phase
from .links import Link, Linker
from .past.memory import Memory
from .tracks import CallTrack, EndedCall, Times

__all__ = ["ConversationTrack", "Ledger"]

LIMIT = 500  # calls, links and agents of one conversation; beyond it a PBX, or somebody, is playing tricks
REMEMBERED = timedelta(seconds=60)  # how long an ended conversation stays visible
_MOST_REMEMBERED = 20_000  # ended conversations; of more the oldest go before their minute is over
_MOST_BYTES = 96 * 2**20  # that the ended conversations hold, about
_EVIDENCE = 300  # bytes of one piece of it, about
_DETAIL = 200  # characters of what a rule looked at that are kept

# Looking up a member of an enum costs more than all else that is done with it here.
_RINGING, _CONNECTED = CallState.RINGING, CallState.CONNECTED
_QUEUED, _MENU, _TALKING, _HELD, _ENDED = Phase.QUEUED, Phase.MENU, Phase.TALKING, Phase.HELD, Phase.ENDED
_UNKNOWN = Direction.UNKNOWN


class ConversationTrack:
    """One conversation, open or lately ended: the calls that belong together, and the `Conversation` they add up to.

    Args:
        id: its key.
        first: its first call.
        type_of: the type of an account by number; empty when there is no such account.
    """

    __slots__ = (
        "_agents", "_answered", "_answered_by", "_call_ids", "_caller", "_direction", "_seen", "_shown", "_since",
        "_times", "_type_of", "calls", "ended_at", "evidence", "id", "inferred", "size",
    )  # fmt: skip

    def __init__(self, id: str, first: CallTrack, type_of: Callable[[str], str]) -> None:  # noqa: A002 - the field's name
        self.id: Final = id
        self.calls = [first]
        self._call_ids: tuple[str, ...] = (first.call.id,)
        self.evidence: tuple[Evidence, ...] = ()
        self.inferred: bool = False
        self.ended_at: datetime | None = None
        self.size: int = 0  # bytes of its ended calls, about
        self._caller = first.call.from_
        self._since, self._seen = first.phase_since, first.phase_seen
        call = first.call
        self._times = Times(call.phase, self._since or self._seen)
        answered, started = call.connected_at, call.started_at
        if not first.seen_start and answered is not None and started is not None and call.phase is not _MENU:
            self._times.ring = max(0.0, (answered - started).total_seconds())  # before we met it
        self._agents: tuple[str, ...] = ()
        self._answered = False  # somebody has taken the caller since he came to a queue
        self._answered_by = ""
        self._direction = _UNKNOWN
        self._shown = Conversation(id=id, calls=self._call_ids, since=self._since, first_seen=self._seen)
        self._type_of = type_of

    @property
    def answered_by(self) -> str:
        """The extension that answered; empty until then."""
        return self._answered_by

    def follow(self, track: CallTrack) -> None:
        """Take in a change of one of its calls: who rings, who answered, whether it came to a queue."""
        call = track.call
        if track.arrived:
            track.arrived = self._answered = False
        if call.phase is _TALKING or call.phase is _HELD:
            self._answered = True
        if call.state is not _RINGING and (call.state is not _CONNECTED or self._answered_by):
            return
        inside = [
            number
            for number in call.extensions
            if number != call.from_.number and self._type_of(number) in ("", "extensions")
        ]
        if call.to.number not in inside and self._type_of(call.to.number) == "extensions":
            inside.append(call.to.number)
        if call.state is _RINGING:
            self._rang(inside)
        elif call.to.number in inside:
            self._answered_by = call.to.number
        elif len(inside) == 1:
            self._answered_by = inside[0]

    def add(self, *evidence: Evidence) -> None:
        """Keep why the ledger says so."""
        self.evidence = (*self.evidence, *evidence)[:LIMIT]

    def absorb(self, other: ConversationTrack) -> None:
        """Take over a younger conversation. Its times ran beside ours, so they are not added."""
        self.calls = sorted(self.calls + other.calls, key=BY_ORDER)
        self._call_ids = tuple([track.call.id for track in self.calls])
        self.add(*other.evidence)
        self.inferred = self.inferred or other.inferred
        self.ended_at = None
        self.size += other.size
        self._rang(other._agents)
        self._answered = self._answered or other._answered
        self._answered_by = self._answered_by or other._answered_by
        for track in other.calls:
            track.call = replace(track.call, conversation=self.id)

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
            last = max(calls, key=attrgetter("ended_turn", "order"))
        call = last.call
        state = call.state if open_ else None
        phase = call.phase if open_ else _ENDED
        if waiting or phase is _QUEUED:  # else the newest call decides
            phase = in_conversation(call, waiting and not self._answered)
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
            agents=self._agents,
            evidence=self.evidence,
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

    def _rang(self, numbers: Iterable[str]) -> None:
        new = [number for number in numbers if number not in self._agents]
        if new:
            self._agents = (*self._agents, *new)[:LIMIT]

    def _find_direction(self, call: Call) -> Direction:
        inside = call.extensions
        from_inside = bool(self._type_of(call.from_.number)) or call.from_.number in inside
        to = call.to.number
        to_inside = bool(self._type_of(to)) or to in inside or to.startswith("*")
        return direction_of(from_inside, to_inside, bool(inside))


class Ledger:
    """Conversations, open and lately ended, and the ended calls.

    Args:
        table: the open calls.
        type_of: the type of an account by number; empty when there is no such account.
        domain: the tenant that every record names.
        memory: where ended calls are kept.
        remembered: how many ended conversations are shown at most; the oldest go first.
        most_bytes: how much those may hold, about.

    Attributes:
        ended: the ended calls.
        conversations: the public mapping, by id, in order of their beginning.
        let_go: ended conversations that went before their minute was over.
    """

    def __init__(
        self,
        table: CallTable,
        type_of: Callable[[str], str],
        domain: str = "",
        memory: Memory | None = None,
        remembered: int = _MOST_REMEMBERED,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        self.let_go: int = 0
        self.conversations: dict[str, Conversation] = {}
        self.ended: Final = (memory or Memory()).rows(
            EndedCall, lambda row, conversation: row.record(conversation, domain)
        )
        self._table = table
        self._type_of = type_of
        self._linker = Linker(table, type_of, self.calls_of)
        self._tracks: dict[str, ConversationTrack] = {}
        # when, kernel and PBX time, and its bytes
        self._ended: deque[tuple[datetime, datetime, ConversationTrack, int]] = deque()
        self._ended_bytes = 0
        self._remembered, self._most_bytes = remembered, most_bytes
        self._turn = 0

    def name(self, call: str) -> str:
        """A free conversation id for a call that begins: its own id, unless a former call of that id is still shown."""
        name, count = call, 1
        while name in self._tracks:
            count += 1
            name = f"{call}~{count}"
        return name

    def open(self, track: CallTrack) -> None:
        """Begin a conversation with a new call; its id is the one that `name` gave."""
        name = track.call.conversation
        self._tracks[name] = ConversationTrack(name, track, self._type_of)

    def calls_of(self, track: CallTrack) -> list[CallTrack]:
        """The calls of a call's conversation, itself included, oldest first."""
        return self._tracks[track.call.conversation].calls

    def settle(self, batch: Batch) -> dict[str, None]:
        """Take in what one message changed: times, links, and calls that are in another conversation now.

        Returns:
            ids of the conversations that changed or went.
        """
        received, ended, fresh, changed = batch.received, batch.ended, batch.fresh, batch.changed
        dirty: dict[str, None] = {}
        if self._ended:
            self._forget(received, dirty)
        if not (ended or fresh or changed):
            return dirty
        self._turn += 1
        moved = []
        for track, rule in ended:
            self._close(track, rule, batch)
        tracks = self._tracks
        for track in fresh:
            tracks[track.call.conversation].follow(track)
        for track in changed:
            tracks[track.call.conversation].follow(track)
            # of the mere changes of state only these can tie calls together
            if track.moved_at == received or ((track.star or track.was_parked) and track.call.first_seen == batch.at):
                moved.append(track)
        if ended or fresh or moved:
            gone = [track for track, _ in ended]
            for link in self._linker.find(gone, [*fresh], moved, received, self._turn, continuous=batch.continuous):
                self._link(link, batch, dirty)
            for track in (*gone, *fresh):
                dirty[track.call.conversation] = None
        for track in changed:
            dirty[track.call.conversation] = None
        for key in dirty:
            self._publish(key, batch)
        return dirty

    def _forget(self, now: datetime, dropped: dict[str, None]) -> None:
        """Drop conversations that ended long enough ago, or are too many, and note their ids."""
        while self._ended:
            old = now - self._ended[0][0] >= REMEMBERED
            if not old and len(self._ended) <= self._remembered and self._ended_bytes <= self._most_bytes:
                return
            _, ended_at, conversation, size = self._ended.popleft()
            self._ended_bytes -= size
            if conversation.ended_at == ended_at and self._tracks.get(conversation.id) is conversation:
                del self._tracks[conversation.id], self.conversations[conversation.id]
                dropped[conversation.id] = None
                self.let_go += not old

    def _close(self, track: CallTrack, rule: str, batch: Batch) -> None:
        track.end(batch.at, self._turn, inferred=bool(rule))
        size = track.size()
        track.kept_as = self.ended.append(track.left(), size)
        conversation = self._tracks[track.call.conversation]
        conversation.size += size
        if rule:
            conversation.inferred = True
            conversation.add(Evidence("end", rule, batch.seq, batch.received, True, track.call.id[:_DETAIL]))

    def _link(self, link: Link, batch: Batch, dirty: dict[str, None]) -> None:
        one, two = self._tracks.get(link.old.call.conversation), self._tracks.get(link.new.call.conversation)
        if one is None or two is None or one is two or len(one.calls) + len(two.calls) > LIMIT:
            return  # forgotten already, or one already
        old, young = (one, two) if one.calls[0].order <= two.calls[0].order else (two, one)
        for track in young.calls:
            if track.ended_at is not None:
                self.ended.note(track.kept_as, old.id)
        moved = [track for track in young.calls if track.ended_at is None]
        old.absorb(young)
        old.add(Evidence("link", link.rule, batch.seq, batch.received, link.weak, link.detail[:_DETAIL]))
        old.inferred = old.inferred or link.weak
        del self._tracks[young.id]
        dirty[old.id] = dirty[young.id] = None
        for track in moved:
            if track not in batch.fresh:
                batch.changed.setdefault(track, track.call)
            self._table.calls[track.call.id] = track.call

    def _publish(self, key: str, batch: Batch) -> None:
        conversation = self._tracks.get(key)
        if conversation is None:
            self.conversations.pop(key, None)
            return
        was_over = conversation.ended_at
        self.conversations[key] = conversation.value(batch.at, seen=batch.continuous)
        if conversation.ended_at is not None and was_over is None:
            size = conversation.size + _EVIDENCE * len(conversation.evidence)
            self._ended.append((batch.received, conversation.ended_at, conversation, size))
            self._ended_bytes += size
