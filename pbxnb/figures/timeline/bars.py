"""Ended blocks spread over a fixed number of traces, so that one more block sends one trace again, not all of them.

Marks stay in their trace while they are shown; those that have slid out of the window stay there too, behind the edge
of the axis, until their trace is sent again anyway. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

__all__ = ["BarTraces", "Key", "Mark"]

Key = tuple[str, str, str, float]


class Mark(NamedTuple):
    """A bar: its start and length (seconds), its row, its phase or kind, its hover text, its conversation."""

    start: float
    length: float
    row: int
    kind: str
    text: str
    call: str


class BarTraces:
    """The marks by trace.

    Args:
        count: traces.
        size: marks in a trace.
    """

    def __init__(self, count: int = 14, size: int = 50) -> None:
        self._size = size
        self._traces: list[dict[Key, Mark]] = [{} for _ in range(count)]
        self._place: dict[Key, int] = {}
        self._rows: tuple[str, ...] = ()

    def marks(self, number: int) -> Iterable[Mark]:
        """The marks of a trace, in the order in which they are drawn."""
        return self._traces[number].values()

    def put(self, wanted: Mapping[Key, Mark], window: tuple[float, float], rows: tuple[str, ...]) -> set[int]:
        """Show these marks.

        Args:
            wanted: at most ``count * size`` marks by their keys.
            window: the visible window; what lies outside may stay.
            rows: the lanes; when they change, a mark behind the edge would be on the wrong one.

        Returns:
            The traces that changed.
        """
        dirty = {n for n, trace in enumerate(self._traces) if self._outdated(trace, wanted, window, rows != self._rows)}
        self._rows = rows
        for n in dirty:
            self._sweep(n, wanted)
        new = [key for key in wanted if key not in self._place]
        room = sum(self._size - len(trace) for trace in self._traces)
        if len(new) > room:
            for n, trace in enumerate(self._traces):
                if any(key not in wanted for key in trace):
                    self._sweep(n, wanted)
                    dirty.add(n)
        # BarTraces that are sent anyway first, then the fullest that has room: as few as possible change.
        order = sorted(range(len(self._traces)), key=lambda n: (n not in dirty, -len(self._traces[n]), n))
        for n in order:
            while new and len(self._traces[n]) < self._size:
                key = new.pop(0)
                self._traces[n][key] = wanted[key]
                self._place[key] = n
                dirty.add(n)
        return dirty

    def _outdated(
        self, trace: Mapping[Key, Mark], wanted: Mapping[Key, Mark], window: tuple[float, float], moved: bool
    ) -> bool:
        for key, mark in trace.items():
            new = wanted.get(key)
            if new is None:
                if moved or (mark.start < window[1] and mark.start + mark.length > window[0]):
                    return True
            elif new != mark:
                return True
        return False

    def _sweep(self, number: int, wanted: Mapping[Key, Mark]) -> None:
        trace = self._traces[number]
        for key in [key for key in trace if key not in wanted]:
            del trace[key]
            del self._place[key]
        for key in trace:
            trace[key] = wanted[key]
