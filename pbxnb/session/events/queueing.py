"""A queue of events for a slow reader: old `message` events go, counted; state events never go unsaid."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final, Generic, TypeVar

from pbxnb.forks import free_in_child
from pbxnb.text import clean_logger

__all__ = ["LIMIT", "EventQueue", "Tally"]

logger: Final = clean_logger("pbxnb")

T = TypeVar("T")

LIMIT = 100_000
"""Entries beyond which the oldest `message` events go."""
MOST_BYTES = 64 * 2**20
"""Bytes of their frames beyond which they do."""


class Tally:
    """How many events one handle has dropped, over all its queues."""

    def __init__(self) -> None:
        self.count = 0


class EventQueue(Generic[T]):
    """First in, first out, over two shelves: what must stay, and what may go when too much lies here.

    Where what must stay goes beyond the limit, the log says so, once.

    Args:
        tally: counts what goes; only the I/O lane puts, so one writer counts.
        late: begins the sentence of the log that says who is too slow.
        limit: entries, both shelves together, beyond which the oldest that may go, goes.
        most_bytes: bytes that they hold, likewise.
    """

    def __init__(
        self,
        tally: Tally,
        late: str = "A reader of events is late",
        limit: int = LIMIT,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.limit = limit
        self._most_bytes = most_bytes
        self._kept_bytes = self._droppable_bytes = 0
        self._late = late
        self._said = False
        self._tally = tally
        self._kept: deque[tuple[int, T, int]] = deque()
        self._droppable: deque[tuple[int, T, int]] = deque()
        self._order = 0
        self._lock = free_in_child(threading.Lock())

    def put(self, item: T, *, may_go: bool = False, size: int = 0) -> None:
        """Append ``item``, which holds ``size`` bytes; ``may_go`` marks it as one that can be dropped."""
        with self._lock:
            self._order += 1
            if may_go:
                self._droppable.append((self._order, item, size))
                self._droppable_bytes += size
            else:
                self._kept.append((self._order, item, size))
                self._kept_bytes += size
            while self._droppable and (
                len(self._kept) + len(self._droppable) > self.limit
                or (self._kept_bytes + self._droppable_bytes > self._most_bytes and len(self) > 1)
            ):
                self._droppable_bytes -= self._droppable.popleft()[2]
                self._tally.count += 1
            say = len(self._kept) > self.limit and not self._said
            self._said = self._said or say
        if say:
            logger.error("%s: more than %d events wait that may not be dropped.", self._late, self.limit)

    @property
    def full(self) -> bool:
        """Whether what must stay has reached the limit."""
        return len(self._kept) >= self.limit or self._kept_bytes >= self._most_bytes

    def get(self) -> T | None:
        """Take the oldest entry; None when nothing lies here."""
        with self._lock:
            kept, droppable = self._kept, self._droppable
            if kept and (not droppable or kept[0][0] < droppable[0][0]):
                _, item, size = kept.popleft()
                self._kept_bytes -= size
                return item
            if not droppable:
                return None
            _, item, size = droppable.popleft()
            self._droppable_bytes -= size
            return item

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._droppable.clear()
            self._kept_bytes = self._droppable_bytes = 0

    def __len__(self) -> int:
        return len(self._kept) + len(self._droppable)
