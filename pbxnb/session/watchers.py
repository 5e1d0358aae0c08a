"""Small lists of functions to call on the I/O lane: how painters and the journal-to-be look over its shoulder."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Watchers"]

logger = logging.getLogger("pbxnb")

T = TypeVar("T")


class Watchers(Generic[T]):
    """Functions that want to see each value; one that fails is reported and the others still see it."""

    def __init__(self) -> None:
        self._all: tuple[Callable[[T], None], ...] = ()
        self._lock = threading.Lock()

    def add(self, fn: Callable[[T], None]) -> Callable[[], None]:
        """Call ``fn(value)`` from now on; returns the stop, which may be called twice."""

        def call(value: T) -> None:  # its own identity: the same fn may watch twice
            fn(value)

        with self._lock:
            self._all = (*self._all, call)

        def remove() -> None:
            with self._lock:
                self._all = tuple(one for one in self._all if one is not call)

        return remove

    def __call__(self, value: T) -> None:
        """Show ``value`` to all of them."""
        for fn in self._all:
            try:
                fn(value)
            except Exception:
                logger.exception("A watcher failed; the line goes on.")
