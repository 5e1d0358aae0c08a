"""The one place with memory across cells: which lines are open, and what each cell made.

A line is replaced by a newer one with its key; handlers and panels made in a cell go when that same cell runs again.
A front end that gives its cells no id (nbclient, papermill, a console) leaves only their text to know them by: cells of
one text count as one. Outside a kernel nothing is dropped by cell but what has an id. The registry survives
`importlib.reload`, and closes what is still open at exit, so that the PBX sees a close frame.
"""

from __future__ import annotations

import atexit
import sys
import threading
from collections.abc import Callable, Hashable
from typing import Any, Final, Protocol

from pbxnb.forks import end_in_child, free_in_child

__all__ = ["REGISTRY", "Cells", "Entry", "Registry"]

REPLACED = "Replaced by a newer connection with the same name: closed; run this cell again."
AT_EXIT = "The program ended."


class Cells:
    """Remembers how to undo what each cell made. It hooks into IPython the first time a cell makes something."""

    def __init__(self) -> None:
        self._made: dict[str, dict[object, Callable[[], object]]] = {}
        self._lock = free_in_child(threading.Lock())
        self._shell: Any = None
        self._running = ""

    def remember(self, undo: Callable[[], object]) -> Callable[[], None]:
        """Call ``undo()`` when the cell that runs now runs again. Returns the way to forget about it."""
        cell = self._current()
        if not cell:
            return lambda: None
        token = object()
        with self._lock:
            self._made.setdefault(cell, {})[token] = undo

        def forget() -> None:  # without the lock: the garbage collector may call it where the lock is held
            self._made.get(cell, {}).pop(token, None)

        return forget

    def rerun(self, cell: str) -> None:
        """The cell ``cell`` begins to run: undo what its last run made."""
        with self._lock:
            made = self._made.pop(cell, {})
        for undo in made.values():
            undo()

    def forget(self) -> None:
        """Undo nothing of what was made until now."""
        self._made = {}

    def _current(self) -> str:
        """What the cell whose code is calling is known by, or empty."""
        ipython = sys.modules.get("IPython")
        shell = ipython.get_ipython() if ipython is not None else None
        if shell is None or threading.current_thread().name.startswith("pbxnb-"):
            return ""
        if self._shell is not shell:
            self._shell = shell
            shell.events.register("pre_run_cell", self._before)
            shell.events.register("post_run_cell", self._after)
        if hasattr(shell, "get_parent"):
            # A kernel also knows it in a task that outlives its cell, and that a click is none.
            return _cell_of(shell.get_parent())
        return self._running  # a bare shell knows only the cell that runs

    def _before(self, info: Any) -> None:
        self._running = cell = str(getattr(info, "cell_id", None) or "")
        request = self._shell.get_parent() if hasattr(self._shell, "get_parent") else None
        if not cell and request and request.get("content", {}).get("code") == info.raw_cell:
            cell = _cell_of(request)  # else it is a cell that runs this, as %rerun does: no cell begins
        self.rerun(cell)

    def _after(self, result: Any) -> None:  # IPython calls by position
        self._running = ""


def _cell_of(request: dict[str, Any] | None) -> str:
    """What the cell of a request to a kernel is known by: its id, else its text; empty for what is no cell."""
    request = request or {}
    metadata = request.get("metadata", {})
    # Jupyter and VS Code; Colab.
    known = metadata.get("cellId") or metadata.get("colab", {}).get("cell_id")
    return str(known or request.get("content", {}).get("code") or "")


class Entry(Protocol):
    """An open line, as far as the registry cares."""

    key: Hashable
    """Equal keys replace each other."""
    domain: str
    """Its tenant."""

    def begin_close(self, why: str) -> None:
        """Start to close; does not wait."""

    def join(self, timeout: float) -> bool:
        """Wait for its threads to be gone."""


class Registry:
    """Open lines by key, oldest first."""

    def __init__(self) -> None:
        self.cells: Final = Cells()
        self._lines: dict[Hashable, list[Entry]] = {}
        self._live: dict[Hashable, Entry] = {}
        self._lock = free_in_child(threading.Lock())
        self._hooked = False

    def enter(self, line: Entry) -> None:
        """A line begins; those with the same key go on for now."""
        with self._lock:
            if not self._hooked:
                self._hooked = True
                atexit.register(self.close_all)
                end_in_child(self)
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

    def forked(self) -> None:
        """In a forked child: what is open, and what its cells made, is the parent's."""
        self._lines, self._live = {}, {}
        self.cells.forget()

    def lines(self) -> tuple[Entry, ...]:
        """All that are open, in order of key and age."""
        with self._lock:
            return tuple(line for lines in self._lines.values() for line in lines)

    @property
    def several(self) -> bool:
        """Whether there are lines to more than one tenant."""
        return len({line.domain for line in self.lines()}) > 1

    def close_all(self, within: float = 1.0) -> None:
        """Close everything, and wait a moment for the close frames to go out."""
        lines = self.lines()
        for line in lines:
            line.begin_close(AT_EXIT)
        for line in lines:
            line.join(within)


# A reloaded module runs in its old dictionary: what is open stays known.
REGISTRY: Registry = globals().get("REGISTRY") or Registry()
