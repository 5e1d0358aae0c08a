"""Ended blocks spread over a fixed number of pages, so that one more block sends one page again, not all of them.

A page is one trace of the figure. Marks stay on their page while they are shown; those that have slid out of the window
stay there too, behind the edge of the axis, until their page is sent again anyway. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

__all__ = ["Key", "Mark", "Pages"]

Key = tuple[str, str, str, float]


class Mark(NamedTuple):
    """A bar: where it starts and how long it is (seconds), its row, its phase, its hover text, its conversation."""

    start: float
    length: float
    row: int
    state: str
    text: str
    call: str


class Pages:
    """The marks by page.

    Args:
        count: pages.
        size: marks on a page.
    """

    def __init__(self, count: int = 14, size: int = 50) -> None:
        self._size = size
        self._pages: list[dict[Key, Mark]] = [{} for _ in range(count)]
        self._place: dict[Key, int] = {}
        self._rows: tuple[str, ...] = ()

    def page(self, number: int) -> Iterable[Mark]:
        """The marks of a page, in the order in which they are drawn."""
        return self._pages[number].values()

    def put(self, wanted: Mapping[Key, Mark], window: tuple[float, float], rows: tuple[str, ...]) -> set[int]:
        """Show these marks.

        Args:
            wanted: at most ``count * size`` marks by their keys.
            window: the visible window; what lies outside may stay.
            rows: the lanes; when they change, a mark behind the edge would be on the wrong one.

        Returns:
            The pages that changed.
        """
        dirty = {n for n, page in enumerate(self._pages) if self._outdated(page, wanted, window, rows != self._rows)}
        self._rows = rows
        for n in dirty:
            self._sweep(n, wanted)
        new = [key for key in wanted if key not in self._place]
        room = sum(self._size - len(page) for page in self._pages)
        if len(new) > room:
            for n, page in enumerate(self._pages):
                if any(key not in wanted for key in page):
                    self._sweep(n, wanted)
                    dirty.add(n)
        # Pages that are sent anyway first, then the fullest that has room: as few as possible change.
        order = sorted(range(len(self._pages)), key=lambda n: (n not in dirty, -len(self._pages[n]), n))
        for n in order:
            while new and len(self._pages[n]) < self._size:
                key = new.pop(0)
                self._pages[n][key] = wanted[key]
                self._place[key] = n
                dirty.add(n)
        return dirty

    def _outdated(
        self, page: Mapping[Key, Mark], wanted: Mapping[Key, Mark], window: tuple[float, float], moved: bool
    ) -> bool:
        for key, mark in page.items():
            new = wanted.get(key)
            if new is None:
                if moved or (mark.start < window[1] and mark.start + mark.length > window[0]):
                    return True
            elif new != mark:
                return True
        return False

    def _sweep(self, number: int, wanted: Mapping[Key, Mark]) -> None:
        page = self._pages[number]
        for key in [key for key in page if key not in wanted]:
            del page[key]
            del self._place[key]
        for key in page:
            page[key] = wanted[key]
