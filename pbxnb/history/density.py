"""Busy time per lane in bins of one width: what a window shows when it holds more than single marks can.

Pure and bounded: only the newest bins are kept, so a fine level reaches a day back and a coarse one years.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

__all__ = ["Bins", "Density"]


class Density(msgspec.Struct, frozen=True, gc=False):
    """A bin of one lane: the share of its time that was busy, 0 to 1, and how many blocks began in it."""

    lane: str
    start: float
    width: float
    share: float
    blocks: int


class Bins:
    """One level of the density index.

    Args:
        width: of a bin, seconds.
        most: bins kept; a quarter more before the oldest go.
    """

    def __init__(self, width: float, most: int = 1500) -> None:
        self.width = width
        self.most = most
        # bin -> lane -> seconds busy, blocks begun
        self._cells: dict[int, dict[str, list[float]]] = {}
        self._floor: int | None = None

    def add(self, lane: str, start: float, end: float, times: int = 1) -> None:
        """Count an interval, or with ``times`` -1 take it away again; seconds since 1970."""
        first = self._bin(start)
        for bin_ in range(first, max(first + 1, -int(-end // self.width))):
            if self._floor is not None and bin_ < self._floor:
                continue
            cell = self._cells.setdefault(bin_, {}).setdefault(lane, [0.0, 0.0])
            cell[0] += times * (min(end, (bin_ + 1) * self.width) - max(start, bin_ * self.width))
            if bin_ == first:
                cell[1] += times
            if times < 0 and not cell[1] and abs(cell[0]) < 1e-6:
                del self._cells[bin_][lane]
        if len(self._cells) > 1.25 * self.most:
            for old in sorted(self._cells)[: -self.most]:
                del self._cells[old]
            self._floor = min(self._cells)

    def reaches(self, start: float) -> bool:
        """Whether everything from a moment on is still counted here."""
        return self._floor is None or self._bin(start) >= self._floor

    def within(self, start: float, end: float) -> Iterator[tuple[int, dict[str, list[float]]]]:
        """The bins that a window touches and that hold anything, in order."""
        for bin_ in range(self._bin(start), self._bin(end) + 1):
            if (cells := self._cells.get(bin_)) is not None:
                yield bin_, cells

    def density(self, start: float, end: float, lanes: Collection[str]) -> list[Density]:
        """The bins of some lanes in a window, in order."""
        return [
            Density(lane, bin_ * self.width, self.width, min(1.0, cells[lane][0] / self.width), int(cells[lane][1]))
            for bin_, cells in self.within(start, end)
            for lane in lanes
            if lane in cells
        ]

    def _bin(self, moment: float) -> int:
        return int(moment // self.width)
