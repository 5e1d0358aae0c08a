"""What the timeline remembers: phases of calls on lanes, kept so that a window costs the same whatever lies behind it.

Two indexes, both filled as phases arrive: blocks on shelves by start and length, for windows with few of them, and
busy time per lane in ever coarser bins, for windows with many. Pure: times are seconds since 1970, no clock, no plotly.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import msgspec

from .density import Bins, Density
from .stories import Story

__all__ = ["WIDTHS", "Block", "Density", "History"]

WIDTHS = (60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0)
"""Bin widths of the density index, seconds, finest first."""
SHELVES = (300.0, 4800.0, 86_400.0)
"""Blocks up to this long stand on the same shelf, in compartments of the same width: a window has to look only one
compartment back, and an hour-long call does not make every window look an hour back."""


class Block(msgspec.Struct, frozen=True, gc=False):
    """One phase of one call on one lane.

    Attributes:
        lane: the lane's name, such as an extension's number.
        state: the phase: ringing, connected, held, parked, queued ...
        start: seconds since 1970, UTC.
        end: likewise; None while it lasts.
        story: of the conversation it belongs to.
    """

    lane: str
    state: str
    start: float
    end: float | None
    story: Story

    @property
    def call(self) -> str:
        """Id of the conversation."""
        return self.story.whole.call


class History:
    """Ended blocks, bounded, found by window in time proportional to what is found.

    Args:
        most: blocks kept; beyond it the oldest go, their density stays.
        widths: bin widths of the density index, seconds, finest first. Where lanes come and go by the million, as when
            each call is one, leave the coarse ones out: they would remember every name.
    """

    def __init__(self, most: int = 300_000, widths: Sequence[float] = WIDTHS) -> None:
        self.most = most
        self.size = 0
        # one a shelf: compartment -> lane -> blocks
        self._shelves: list[dict[int, dict[str, list[Block]]]] = [{} for _ in SHELVES]
        self._levels = [Bins(width) for width in widths]
        self._forgotten = float("-inf")

    def add(self, block: Block) -> None:
        """Remember an ended block; one without an end, or that ends before it starts, is left out."""
        if block.end is None or block.end < block.start:
            return
        shelf = next((n for n, most in enumerate(SHELVES) if block.end - block.start <= most), len(SHELVES) - 1)
        # What lasts longer than the longest compartment is found by its last day.
        start = max(block.start, block.end - SHELVES[-1])
        self._shelves[shelf].setdefault(int(start // SHELVES[shelf]), {}).setdefault(block.lane, []).append(block)
        for level in self._levels:
            level.add(block.lane, block.start, block.end)
        self.size += 1
        while self.size > self.most and self._forget():
            pass

    def complete(self, start: float) -> bool:
        """Whether every block that touches a time from ``start`` on is still there."""
        return start >= self._forgotten

    def count(self, start: float, end: float, lanes: Collection[str] | None = None) -> int:
        """How many blocks began in a window, exact to the nearest bin; never walks the blocks."""
        return sum(
            int(cell[1])
            for _, cells in self._level(start, end, 60).within(start, end)
            for lane, cell in cells.items()
            if lanes is None or lane in lanes
        )

    def blocks(self, start: float, end: float, lanes: Collection[str] | None = None) -> list[Block]:
        """The ended blocks that touch a window, in order of start.

        Args:
            start, end: seconds since 1970.
            lanes: only these; None for all.
        """
        found = [
            block
            for shelf, width in zip(self._shelves, SHELVES, strict=True)
            for place in range(int(start // width) - 1, int(end // width) + 1)
            for block in _some(shelf.get(place, {}), lanes)
            if block.start < end and block.end is not None and block.end > start
        ]
        return sorted(found, key=lambda block: (block.start, block.lane, block.story.call))

    def lanes(self, start: float, end: float, most: int = 5000) -> set[str]:
        """The lanes on which anything was busy in a window, to the nearest bin; the newest ``most`` or so."""
        found: set[str] = set()
        for _, cells in reversed(list(self._level(start, end, 1500).within(start, end))):
            found |= cells.keys()
            if len(found) >= most:
                break
        return found

    def density(self, start: float, end: float, lanes: Collection[str], most: int = 600) -> list[Density]:
        """Busy share of each lane in bins, coarse enough that there are at most ``most`` of them."""
        return self._level(start, end, max(1, most // max(1, len(lanes)) - 2)).density(start, end, lanes)

    def _level(self, start: float, end: float, bins: int) -> Bins:
        """The finest level that covers a window in at most ``bins`` bins and reaches back to it; else the coarsest."""
        return next(
            (level for level in self._levels if (end - start) / level.width <= bins and level.reaches(start)),
            self._levels[-1],
        )

    def _forget(self) -> bool:
        """Drop the oldest compartment; compartments were begun in about the order of time."""
        if sum(len(shelf) for shelf in self._shelves) <= 1:
            return False
        _, n, place = min(
            (next(iter(shelf)) * SHELVES[n], n, next(iter(shelf))) for n, shelf in enumerate(self._shelves) if shelf
        )
        gone = self._shelves[n].pop(place)
        self.size -= sum(len(blocks) for blocks in gone.values())
        self._forgotten = max(self._forgotten, (place + 2) * SHELVES[n])
        return True


def _some(lanes: dict[str, list[Block]], wanted: Collection[str] | None) -> Iterator[Block]:
    """The blocks of some lanes of a compartment, whichever of the two lists is the shorter one to walk."""
    for lane in lanes if wanted is None or len(lanes) < len(wanted) else wanted:
        if wanted is None or lane in wanted:
            yield from lanes.get(lane, ())
