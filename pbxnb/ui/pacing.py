"""What goes to the page next, and when: keys that have changed, numbered batches. Knows no widget, comm or lane.

Acknowledgements pace, they never gate: they are comm messages and queue behind a blocking cell, so a sender that waited
for them would paint nothing just when somebody stares at the board.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from pbxnb.forks import free_in_child

from .timing import Timing

__all__ = ["DirtySet", "Pacer"]


class DirtySet:
    """A bounded set of keys shared by two lanes; last value wins because it holds keys, not values.

    Args:
        limit: beyond this many keys it forgets them and only knows that everything has to be sent.
    """

    def __init__(self, limit: int = 20_000) -> None:
        self._lock = free_in_child(threading.Lock())
        self._keys: set[str] = set()
        self._all = False
        self._limit = limit

    def __bool__(self) -> bool:
        return self._all or bool(self._keys)

    def mark(self, keys: Iterable[str]) -> bool:
        """Add keys; return whether there is anything to paint."""
        with self._lock:
            if not self._all:
                self._keys.update(keys)
                if len(self._keys) > self._limit:
                    self._all = True
                    self._keys.clear()
            return self._all or bool(self._keys)

    def mark_all(self) -> None:
        """Everything has to be sent."""
        with self._lock:
            self._all = True
            self._keys.clear()

    def take(self) -> set[str] | None:
        """Empty the set; return its keys, or None for everything."""
        with self._lock:
            keys, everything = self._keys, self._all
            self._keys, self._all = set(), False
            return None if everything else keys


class Pacer:
    """Numbers the batches of one panel and says when the next may go.

    Up to 8 batches may be unacknowledged while acknowledgements return within 0.5 s, else 2. Beyond that one batch goes
    every 0.5 s, and from 30 unacknowledged on one every 5 s, until an acknowledgement returns. Such a late batch is
    *merged*: it repeats everything that is not acknowledged yet, so the page needs only the newest one and may drop
    those before it.

    Example:
        >>> pacer = Pacer(Timing())
        >>> pacer.sent({"45"}, now=10.0)
        (1, 0)
        >>> pacer.acknowledge(1)
        >>> pacer.outstanding
        0
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self.number: int = 0
        self.acknowledged: int = 0
        self._full = 0
        self._last = float("-inf")
        self._window = timing.ahead
        self._waiting = float("-inf")  # since then for an acknowledgement
        # Keys sent but not acknowledged, with the number of the batch that carried them last.
        self._flying: dict[str, int] = {}

    @property
    def outstanding(self) -> int:
        """How many batches the page has not acknowledged."""
        return self.number - self.acknowledged

    @property
    def unpainted(self) -> frozenset[str]:
        """The keys that were sent and not acknowledged."""
        return frozenset(self._flying)

    def due(self) -> float:
        """The monotonic time from which the next batch may go."""
        timing = self._timing
        if not self.merging:
            return float("-inf")
        return self._last + (timing.slow if self.outstanding < timing.patience else timing.asleep)

    @property
    def merging(self) -> bool:
        """Whether the next batch has to repeat what is not acknowledged."""
        return self.outstanding >= self._window

    @property
    def base(self) -> int:
        """The number a page must have reached to be helped by a merged batch; below it needs the whole state."""
        return max(self.acknowledged, self._full)

    def merged(self, keys: set[str]) -> set[str]:
        """Return ``keys``, and while merging also every key that is not acknowledged."""
        return keys | self._flying.keys() if self.merging else keys

    def sent(self, keys: Iterable[str], *, now: float) -> tuple[int, int]:
        """Note that a batch goes out.

        Args:
            keys: what it carries; while merging, the result of `merged`.
            now: monotonic seconds.

        Returns:
            Its number, and the number a page must have reached to use it.
        """
        since = self.base if self.merging else self.number
        if not self.outstanding:
            self._waiting = now
        self.number += 1
        self._last = now
        self._flying.update(dict.fromkeys(keys, self.number))
        return self.number, since

    def sent_full(self, *, now: float) -> tuple[int, int]:
        """Note that the whole state goes out: a page needs no batch before it."""
        self.number += 1
        self._full = self.number
        self._last = now
        self._flying.clear()
        return self.number, 0

    def acknowledge(self, number: int, *, now: float | None = None) -> None:
        """Note that the page painted batch ``number``; stale or impossible numbers are ignored.

        Args:
            number: of the batch.
            now: monotonic seconds, of an answer to a batch: how long it took says how far ahead the next may go.
        """
        if not self.acknowledged < number <= self.number:
            return
        self.acknowledged = number
        if now is not None:
            prompt = now - self._waiting <= self._timing.slow
            self._window = self._timing.far_ahead if prompt else self._timing.ahead
            self._waiting = now
        if number == self.number:
            self._flying.clear()
        else:
            self._flying = {key: sent for key, sent in self._flying.items() if sent > number}
