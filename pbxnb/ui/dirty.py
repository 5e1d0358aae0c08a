"""What has changed since the last paint: marked on the I/O lane, taken on the UI lane. Knows keys, not entities."""

from __future__ import annotations

import threading
from collections.abc import Iterable

__all__ = ["DirtySet"]


class DirtySet:
    """A bounded set of keys shared by two lanes; last value wins because it holds keys, not values.

    Args:
        limit: beyond this many keys it forgets them and only knows that everything has to be sent.
    """

    def __init__(self, limit: int = 20_000) -> None:
        self._lock = threading.Lock()
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
