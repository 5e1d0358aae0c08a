"""The ledger of calls: legs -> calls -> conversations, with their times and the evidence for every link.

It keeps books; which calls belong together is decided in ``links``, what a conversation adds up to in ``talks``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from .batch import Batch
from .calls import CallTable
from .entities import CallRecord, Conversation, Evidence
from .links import Link, Linker
from .tracks import LIMIT, CallTrack, ConversationTrack

__all__ = ["Ledger"]

REMEMBERED = timedelta(seconds=60)  # how long an ended conversation stays visible


class Ledger:
    """Conversations, open and lately ended, and the records of ended calls.

    Args:
        table: the open calls.
        type_of: the type of an account by number; empty when there is no such account.
        limit: how many records of ended calls are kept; the oldest go first.

    Attributes:
        conversations: the public mapping, by id, in order of their beginning.
    """

    def __init__(self, table: CallTable, type_of: Callable[[str], str], limit: int = 20_000) -> None:
        self.conversations: dict[str, Conversation] = {}
        self._table = table
        self._type_of = type_of
        self._linker = Linker(table, type_of)
        self._tracks: dict[str, ConversationTrack] = {}
        self._ended: deque[tuple[datetime, datetime, ConversationTrack]] = deque()  # when, kernel and PBX time
        self._closed: deque[CallTrack] = deque(maxlen=limit)
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
        track.conversation = self._tracks[name] = ConversationTrack(name, track, self._type_of)

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
        for track in fresh:
            track.conversation.note(track)
        for track in changed:
            track.conversation.note(track)
            # of the mere changes of state only these can tie calls together
            if track.moved_at == received or ((track.star or track.was_parked) and track.call.first_seen == batch.at):
                moved.append(track)
        if ended or fresh or moved:
            gone = [track for track, _ in ended]
            for link in self._linker.find(gone, [*fresh], moved, received, self._turn, continuous=batch.continuous):
                self._link(link, batch, dirty)
            for track in (*gone, *fresh):
                dirty[track.conversation.id] = None
        for track in changed:
            dirty[track.conversation.id] = None
        for key in dirty:
            self._publish(key, batch)
        return dirty

    def _forget(self, now: datetime, dropped: dict[str, None]) -> None:
        """Drop conversations that ended long enough ago, and note their ids."""
        while self._ended and now - self._ended[0][0] >= REMEMBERED:
            _, ended_at, conversation = self._ended.popleft()
            if conversation.ended_at == ended_at and self._tracks.get(conversation.id) is conversation:
                del self._tracks[conversation.id], self.conversations[conversation.id]
                dropped[conversation.id] = None

    def closed_calls(self) -> tuple[CallRecord, ...]:
        """The ended calls, oldest first."""
        return tuple([track.record() for track in list(self._closed)])

    def _close(self, track: CallTrack, rule: str, batch: Batch) -> None:
        track.end(batch.at, batch.received, self._turn, inferred=bool(rule))
        self._closed.append(track)
        conversation = track.conversation
        if rule:
            conversation.inferred = True
            conversation.add(Evidence("end", rule, batch.seq, batch.received, True, track.call.id))

    def _link(self, link: Link, batch: Batch, dirty: dict[str, None]) -> None:
        one, two = link.old.conversation, link.new.conversation
        if one is two or len(one.calls) + len(two.calls) > LIMIT:
            return
        if self._tracks.get(one.id) is not one or self._tracks.get(two.id) is not two:
            return  # already forgotten
        old, young = (one, two) if one.calls[0].order <= two.calls[0].order else (two, one)
        moved = [track for track in young.calls if track.ended_at is None]
        old.absorb(young)
        old.add(Evidence("link", link.rule, batch.seq, batch.received, link.weak, link.detail))
        old.inferred = old.inferred or link.weak
        del self._tracks[young.id]
        dirty[old.id] = dirty[young.id] = None
        for track in moved:
            if track not in batch.fresh:
                batch.changed.setdefault(track, track.call)
            self._table.relabel(track, old.id)

    def _publish(self, key: str, batch: Batch) -> None:
        conversation = self._tracks.get(key)
        if conversation is None:
            self.conversations.pop(key, None)
            return
        was_over = conversation.ended_at
        self.conversations[key] = conversation.value(batch.at, seen=batch.continuous)
        if conversation.ended_at is not None and was_over is None:
            self._ended.append((batch.received, conversation.ended_at, conversation))
