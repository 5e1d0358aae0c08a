"""The one place with memory across cells: which lines are open, so that a re-run cell replaces and never piles up.

It survives `importlib.reload`, and closes what is still open at exit, so that the PBX sees a close frame.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Hashable
from typing import Protocol

from .cells import Cells

__all__ = ["REGISTRY", "Entry", "Registry"]

REPLACED = "Replaced by a newer connection with the same name: closed; run this cell again."
AT_EXIT = "The program ended."


class Entry(Protocol):
    """An open line, as far as the registry cares."""

    key: Hashable
    """Equal keys replace each other."""

    def begin_close(self, why: str) -> None:
        """Start to close; does not wait."""

    def join(self, timeout: float) -> bool:
        """Wait for its threads to be gone."""


class Registry:
    """Open lines by key, oldest first."""

    def __init__(self) -> None:
        self.cells = Cells()
        self._lines: dict[Hashable, list[Entry]] = {}
        self._live: dict[Hashable, Entry] = {}
        self._lock = threading.Lock()
        self._hooked = False

    def enter(self, line: Entry) -> None:
        """A line begins; those with the same key go on for now."""
        with self._lock:
            if not self._hooked:
                self._hooked = True
                atexit.register(self.close_all)
            self._lines.setdefault(line.key, []).append(line)

    def went_live(self, line: Entry) -> None:
        """A line is live for the first time: the older ones close. One that is itself out of date closes instead."""
        with self._lock:
            lines = self._lines.get(line.key, [])
            if line not in lines:
                return
            newest = self._live.get(line.key)
            if newest in lines and lines.index(newest) > lines.index(line):
                outdated = [line]
            else:
                self._live[line.key] = line
                outdated = lines[: lines.index(line)]
        for old in outdated:
            old.begin_close(REPLACED)

    def vacate(self, key: Hashable, within: float = 2.0) -> None:
        """Close what is open under ``key`` and wait for it to be gone: the newer needs something only one can have."""
        with self._lock:
            lines = tuple(self._lines.get(key, ()))
        for line in lines:
            line.begin_close(REPLACED)
        for line in lines:
            line.join(within)

    def leave(self, line: Entry) -> None:
        """A line has ended."""
        with self._lock:
            lines = self._lines.get(line.key, [])
            if line in lines:
                lines.remove(line)
            if self._live.get(line.key) is line:
                del self._live[line.key]
            if not lines:
                self._lines.pop(line.key, None)

    def lines(self) -> tuple[Entry, ...]:
        """All that are open, in order of key and age."""
        with self._lock:
            return tuple(line for lines in self._lines.values() for line in lines)

    def close_all(self, within: float = 1.0) -> None:
        """Close everything, and wait a moment for the close frames to go out."""
        lines = self.lines()
        for line in lines:
            line.begin_close(AT_EXIT)
        for line in lines:
            line.join(within)


# A reloaded module runs in its old dictionary: what is open stays known.
REGISTRY: Registry = globals().get("REGISTRY") or Registry()
