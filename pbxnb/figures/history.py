"""What the timeline remembers: phases of calls on lanes, kept so that a window costs the same whatever lies behind it.

Two indexes, both filled as phases arrive: blocks by the minute they touch, for windows with few of them, and busy time
per lane in ever coarser bins, for windows with many. Pure: times are seconds since 1970, no clock, no plotly.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterator

import msgspec

__all__ = ["Block", "Density", "History"]

MINUTE = 60.0
WIDTHS = (60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0)
"""Bin widths of the density index, seconds, finest first; each divides the next."""


class Block(msgspec.Struct, frozen=True, gc=False):
    """One phase of one call on one lane.

    Attributes:
        lane: the lane's name, such as an extension's number.
        state: the phase: ringing, connected, held, parked, queued ...
        start: seconds since 1970, UTC.
        end: likewise; None while it lasts.
        call: id of the conversation it belongs to.
        story: one line for the hover text.
    """

    lane: str
    state: str
    start: float
    end: float | None
    call: str
    story: str = ""


class Density(msgspec.Struct, frozen=True, gc=False):
    """A bin of one lane: the share of its time that was busy, 0 to 1, and how many blocks began in it."""

    lane: str
    start: float
    width: float
    share: float
    blocks: int


class History:
    """Ended blocks, bounded, found by window in time proportional to what is found.

    Args:
        most: blocks kept; beyond it the oldest minutes go, their density stays.
    """

    def __init__(self, most: int = 500_000) -> None:
        self.most = most
        self.size = 0
        self._minutes: dict[int, list[Block]] = defaultdict(list)
        self._order: deque[int] = deque()
        # Longest block that started in each minute, in minutes: how far back a window must look for it.
        self._longest = 0
        self._busy: list[dict[tuple[str, int], list[float]]] = [defaultdict(lambda: [0.0, 0.0]) for _ in WIDTHS]
        self._lanes: list[dict[int, set[str]]] = [defaultdict(set) for _ in WIDTHS]
        self._begun: list[dict[int, int]] = [defaultdict(int) for _ in WIDTHS]

    def add(self, block: Block) -> None:
        """Remember an ended block; one without an end, or that ends before it starts, is left out."""
        if block.end is None or block.end < block.start:
            return
        first, last = int(block.start // MINUTE), int(block.end // MINUTE)
        if first not in self._minutes:
            self._order.append(first)
        self._minutes[first].append(block)
        self._longest = max(self._longest, min(last - first, 24 * 60))
        self.size += 1
        for level, width in enumerate(WIDTHS):
            self._begun[level][int(block.start // width)] += 1
            for bin_, busy in _slices(block.start, block.end, width):
                cell = self._busy[level][block.lane, bin_]
                cell[0] += busy
                self._lanes[level][bin_].add(block.lane)
            self._busy[level][block.lane, int(block.start // width)][1] += 1
        while self.size > self.most and len(self._order) > 1:
            self.size -= len(self._minutes.pop(self._order.popleft()))

    def count(self, start: float, end: float) -> int:
        """About how many blocks began in a window; exact at bin edges, never walks the blocks."""
        level = _level(end - start, 400)
        width = WIDTHS[level]
        return sum(self._begun[level].get(bin_, 0) for bin_ in range(int(start // width), int(end // width) + 1))

    def blocks(self, start: float, end: float, lanes: Collection[str] | None = None) -> list[Block]:
        """The ended blocks that touch a window, in order of start.

        Args:
            start, end: seconds since 1970.
            lanes: only these; None for all.
        """
        first = int(start // MINUTE) - self._longest
        found = [
            block
            for minute in range(first, int(end // MINUTE) + 1)
            for block in self._minutes.get(minute, ())
            if block.start < end
            and block.end is not None
            and block.end > start
            and (lanes is None or block.lane in lanes)
        ]
        return sorted(found, key=lambda block: (block.start, block.lane, block.call))

    def lanes(self, start: float, end: float) -> set[str]:
        """The lanes on which anything was busy in a window, to the nearest bin."""
        level = _level(end - start, 12)
        width = WIDTHS[level]
        return set().union(
            *(self._lanes[level].get(bin_, ()) for bin_ in range(int(start // width), int(end // width) + 1))
        )

    def density(self, start: float, end: float, lanes: Collection[str], most: int = 600) -> list[Density]:
        """Busy share of each lane in bins, coarse enough that there are at most ``most`` of them."""
        level = _level(end - start, max(1, most // max(1, len(lanes)) - 2))
        width = WIDTHS[level]
        busy = self._busy[level]
        return [
            Density(lane, bin_ * width, width, min(1.0, cell[0] / width), int(cell[1]))
            for lane in lanes
            for bin_ in range(int(start // width), int(end // width) + 1)
            if (cell := busy.get((lane, bin_))) is not None
        ]


def _level(span: float, bins: int) -> int:
    """The finest level that covers a span in at most ``bins`` bins; the coarsest, where none does."""
    return next((level for level, width in enumerate(WIDTHS) if span / width <= bins), len(WIDTHS) - 1)


def _slices(start: float, end: float, width: float) -> Iterator[tuple[int, float]]:
    """The bins an interval touches, with the seconds spent in each."""
    bin_ = int(start // width)
    while bin_ * width < end:
        yield bin_, min(end, (bin_ + 1) * width) - max(start, bin_ * width)
        bin_ += 1
