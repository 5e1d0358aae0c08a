"""What was made in a cell goes when that same cell runs again: handlers and panels, never connections.

Without IPython, or in a front end that gives cells no id, nothing is ever dropped.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["Cells"]


class Cells:
    """Remembers how to undo what each cell made. It hooks into IPython the first time a cell makes something."""

    def __init__(self) -> None:
        self._made: dict[str, dict[object, Callable[[], object]]] = {}
        self._lock = threading.Lock()
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

        def forget() -> None:
            with self._lock:
                self._made.get(cell, {}).pop(token, None)

        return forget

    def rerun(self, cell: str) -> None:
        """The cell ``cell`` begins to run: undo what its last run made."""
        with self._lock:
            made = self._made.pop(cell, {})
        for undo in made.values():
            undo()

    def _current(self) -> str:
        """Id of the cell whose code is calling, or empty."""
        ipython = sys.modules.get("IPython")
        shell = ipython.get_ipython() if ipython is not None else None
        if shell is None or threading.current_thread().name.startswith("pbxnb-"):
            return ""
        if self._shell is not shell:
            self._shell = shell
            shell.events.register("pre_run_cell", self._before)
            shell.events.register("post_run_cell", self._after)
        get_parent = getattr(shell, "get_parent", None)
        if get_parent is None:  # a bare shell knows only the cell that runs
            return self._running
        # A kernel also knows it in a task that outlives its cell, and that a click is none.
        return str((get_parent() or {}).get("metadata", {}).get("cellId") or "")

    def _before(self, info: Any) -> None:
        self._running = str(getattr(info, "cell_id", None) or "")
        self.rerun(self._running)

    def _after(self, result: Any) -> None:  # IPython calls by position
        self._running = ""
