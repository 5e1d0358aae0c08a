"""The ledger of calls: legs -> calls -> conversations, with their times and the evidence for every link.

It keeps books; which calls belong together is decided in ``links``, what a conversation adds up to in ``talks``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from .batch import Batch
from .calls import CallBook
from .entities import CallRecord, Conversation, Evidence
from .legs import Leg
from .links import Link, Linker
from .talks import LIMIT, Talk

__all__ = ["Ledger"]

REMEMBERED = timedelta(seconds=60)  # how long an ended conversation stays visible


class Ledger:
    """Conversations, open and lately ended, and the records of ended calls.

    Args:
        book: the open calls.
        type_of: the type of an account by number; empty when there is no such account.
        limit: how many records of ended calls are kept; the oldest go first.

    Attributes:
        conversations: the public mapping, by id, in order of their beginning.
    """

    def __init__(self, book: CallBook, type_of: Callable[[str], str], limit: int = 20_000) -> None:
        self.conversations: dict[str, Conversation] = {}
        self._book = book
        self._type_of = type_of
        self._linker = Linker(book, type_of)
        self._talks: dict[str, Talk] = {}
        self._ended: deque[tuple[datetime, Talk]] = deque()
        self._closed: deque[Leg] = deque(maxlen=limit)
        self._turn = 0

    def name(self, call: str) -> str:
        """A free conversation id for a call that begins: its own id, unless a former call of that id is still shown."""
        name, count = call, 1
        while name in self._talks:
            count += 1
            name = f"{call}~{count}"
        return name

    def open(self, leg: Leg) -> None:
        """Begin a conversation with a new call; its id is the one that `name` gave."""
        name = leg.call.conversation
        leg.talk = self._talks[name] = Talk(name, leg, self._type_of)

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
        for leg, rule in ended:
            self._close(leg, rule, batch)
        for leg in fresh:
            leg.conversation.hears(leg)
        for leg in changed:
            leg.conversation.hears(leg)
            # of the mere changes of state only these can tie calls together
            if leg.moved_at == received or ((leg.star or leg.was_parked) and leg.call.since == received):
                moved.append(leg)
        if ended or fresh or moved:
            gone = [leg for leg, _ in ended]
            for link in self._linker.find(gone, [*fresh], moved, received, self._turn, continuous=batch.continuous):
                self._link(link, batch, dirty)
            for leg in (*gone, *fresh):
                dirty[leg.conversation.id] = None
        for leg in changed:
            dirty[leg.conversation.id] = None
        for key in dirty:
            self._publish(key, received)
        return dirty

    def _forget(self, now: datetime, dropped: dict[str, None]) -> None:
        """Drop conversations that ended long enough ago, and note their ids."""
        while self._ended and now - self._ended[0][0] >= REMEMBERED:
            ended_at, talk = self._ended.popleft()
            if talk.ended_at == ended_at and self._talks.get(talk.id) is talk:
                del self._talks[talk.id], self.conversations[talk.id]
                dropped[talk.id] = None

    def closed_calls(self) -> tuple[CallRecord, ...]:
        """The ended calls, oldest first."""
        return tuple([leg.record() for leg in list(self._closed)])

    def _close(self, leg: Leg, rule: str, batch: Batch) -> None:
        leg.end(batch.received, self._turn, inferred=bool(rule))
        self._closed.append(leg)
        talk = leg.conversation
        if rule:
            talk.inferred = True
            talk.add(Evidence("end", rule, batch.seq, batch.received, True, leg.call.id))

    def _link(self, link: Link, batch: Batch, dirty: dict[str, None]) -> None:
        one, two = link.old.conversation, link.new.conversation
        if one is two or len(one.legs) + len(two.legs) > LIMIT:
            return
        if self._talks.get(one.id) is not one or self._talks.get(two.id) is not two:
            return  # already forgotten
        old, young = (one, two) if one.legs[0].order <= two.legs[0].order else (two, one)
        moved = [leg for leg in young.legs if leg.ended_at is None]
        old.absorb(young)
        old.add(Evidence("link", link.rule, batch.seq, batch.received, link.weak, link.detail))
        old.inferred = old.inferred or link.weak
        del self._talks[young.id]
        dirty[old.id] = dirty[young.id] = None
        for leg in moved:
            if leg not in batch.fresh:
                batch.changed.setdefault(leg, leg.call)
            self._book.relabel(leg, old.id)

    def _publish(self, key: str, received: datetime) -> None:
        talk = self._talks.get(key)
        if talk is None:
            self.conversations.pop(key, None)
            return
        was_over = talk.ended_at
        self.conversations[key] = talk.value(received)
        if talk.ended_at is not None and talk.ended_at != was_over:
            self._ended.append((talk.ended_at, talk))
