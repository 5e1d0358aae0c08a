"""Ended spans by window: a window costs the same whatever lies behind it.

Two indexes: spans on shelves by start and length, for windows with few of them, and busy time per lane in ever coarser
bins, for windows with many. The writer only notes what has ended; whoever reads takes it in.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Collection, Iterator
from contextlib import suppress

import msgspec

from pbxnb.forks import free_in_child
from pbxnb.model.entities import Phase

from .stories import LaneBy, Span, Story

__all__ = ["WIDTHS", "Bins", "Block", "Density", "Index", "Joined"]

WIDTHS = (60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0)
"""Bin widths of the density index, seconds, finest first."""
SHELVES = (300.0, 4800.0, 86_400.0)
"""Spans up to this long stand on the same shelf, in compartments of the same width: a window has to look only one
compartment back, and an hour-long call does not make every window look an hour back."""

_RUN = 32  # bins


class Block(msgspec.Struct, frozen=True, gc=False):
    """A span on one lane.

    Attributes:
        lane: the lane's name, such as an extension's number.
        phase: on this lane.
        span: from when to when, and of which call.
        story: of the conversation it belongs to.
    """

    lane: str
    phase: Phase
    span: Span
    story: Story

    @property
    def call(self) -> str:
        """Id of the conversation."""
        return self.story.whole.id


class Joined(msgspec.Struct, frozen=True, gc=False):
    """A conversation that became part of another: what lay on the one's lane lies on the other's."""

    old: str
    new: str
    spans: tuple[Span, ...]


class Density(msgspec.Struct, frozen=True, gc=False):
    """A bin of one lane: the share of its time that was busy, 0 to 1, and how many blocks began in it."""

    lane: str
    start: float
    width: float
    share: float
    blocks: int


class Bins:
    """One level of the density index.

    Of an interval over many bins only both ends are in bins; what is between is kept as a run, so that a call that
    began in 1970 costs no more than others.

    Args:
        width: of a bin, seconds.
        most: bins kept; a quarter more before the oldest go.
        most_runs: runs kept; the oldest go.
    """

    def __init__(self, width: float, most: int = 1500, most_runs: int = 100_000) -> None:
        self.width = width
        self.most = most
        self.most_runs = most_runs
        # bin -> lane -> seconds busy, blocks begun
        self._cells: dict[int, dict[str, list[float]]] = {}
        self._runs: dict[str, list[tuple[int, int]]] = {}  # lane -> first bin and last bin that are wholly busy
        self._order: deque[str] = deque()  # the lane of each run, oldest first
        self._floor: int | None = None

    def add(self, lane: str, start: float, end: float, times: int = 1) -> None:
        """Count an interval, or with ``times`` -1 take it away again; seconds since 1970."""
        first = self._bin(start)
        last = max(first, -int(-end // self.width) - 1)
        between: range = range(first + 1, last)
        if len(between) > _RUN:
            self._run(lane, (between[0], between[-1]), times)
            between = range(0)
        for bin_ in {first, *between, last}:
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

    def begun(self, start: float, end: float) -> Iterator[tuple[str, int]]:
        """Each lane with the number of blocks that began on it, bin by bin of a window."""
        for bin_ in self._held(start, end):
            for lane, cell in self._cells[bin_].items():
                yield lane, int(cell[1])

    def lanes(self, start: float, end: float, most: int) -> set[str]:
        """The lanes on which anything was busy in a window; the newest ``most`` or so."""
        first, last = self._bin(start), self._bin(end)
        found: set[str] = set()
        for bin_ in reversed(self._held(start, end)):
            found |= self._cells[bin_].keys()
            if len(found) >= most:
                return found
        return found.union(lane for lane, runs in self._runs.items() if any(a <= last and b >= first for a, b in runs))

    def density(self, start: float, end: float, lanes: Collection[str]) -> list[Density]:
        """The bins of some lanes in a window, in order."""
        first, last = max(self._bin(start), self._floor or 0), self._bin(end)
        wanted = frozenset(lanes)
        busy: dict[tuple[int, str], list[float]] = {}
        for bin_ in self._held(start, end):
            cells = self._cells[bin_]
            busy.update(((bin_, lane), [*cells[lane]]) for lane in wanted & cells.keys())
        for lane in wanted & self._runs.keys():
            change: Counter[int] = Counter()  # of the number of runs, by bin
            for a, b in self._runs[lane]:
                if a <= last and b >= first:
                    change[max(a, first)] += 1
                    change[b + 1] -= 1
            runs = 0
            for bin_ in range(first, last + 1) if change else ():
                runs += change[bin_]
                if runs:
                    busy.setdefault((bin_, lane), [0.0, 0.0])[0] += runs * self.width
        return [
            Density(lane, bin_ * self.width, self.width, min(1.0, seconds / self.width), int(blocks))
            for (bin_, lane), (seconds, blocks) in sorted(busy.items())
        ]

    def _held(self, start: float, end: float) -> list[int]:
        """The bins of a window that hold anything, in order."""
        first, last = self._bin(start), self._bin(end)
        if last - first > len(self._cells):
            return sorted(bin_ for bin_ in self._cells if first <= bin_ <= last)
        return [bin_ for bin_ in range(first, last + 1) if bin_ in self._cells]

    def _run(self, lane: str, bins: tuple[int, int], times: int) -> None:
        if times < 0:
            with suppress(KeyError, ValueError):  # it may have gone
                self._runs[lane].remove(bins)
            return
        self._runs.setdefault(lane, []).append(bins)
        self._order.append(lane)
        if len(self._order) > self.most_runs and (runs := self._runs.get(oldest := self._order.popleft())):
            del runs[0]
            if not runs:
                del self._runs[oldest]

    def _bin(self, moment: float) -> int:
        return int(moment // self.width)


class Index:
    """Ended spans on lanes, bounded, found by window in time proportional to what is found. Any thread may read it.

    Args:
        by: what a lane stands for.
        most: spans kept; beyond it the oldest go, their density stays.

    Attributes:
        lost: what ended before is not known at all: more came unread than is kept. Seconds since 1970.
    """

    def __init__(self, by: LaneBy = "extension", most: int = 300_000) -> None:
        self.by = by
        self.most = most
        self.lost: float = float("-inf")
        self._inbox: deque[tuple[Span, Story] | Joined] = deque(maxlen=most)  # not yet taken in
        self._lock = free_in_child(threading.Lock())
        self._size = 0
        # one a shelf: compartment -> lane -> blocks
        self._shelves: list[dict[int, dict[str, list[Block]]]] = [{} for _ in SHELVES]
        # where each call is a lane, coarse bins would remember the names of millions
        self._levels = [Bins(width) for width in (WIDTHS[:2] if by == "call" else WIDTHS)]
        self._forgotten = float("-inf")

    def put(self, item: tuple[Span, Story] | Joined) -> None:
        """Note an ended span with its story, or that conversations were joined; from one thread only."""
        if len(self._inbox) == self.most:
            with suppress(IndexError):  # it is being read this very moment
                if not isinstance(oldest := self._inbox[0], Joined):
                    self.lost = max(self.lost, oldest[0].end or 0.0)
        self._inbox.append(item)

    def complete(self, start: float) -> bool:
        """Whether every span that touches a time from ``start`` on is still there."""
        with self._lock:
            self._take_in()
            return start >= max(self._forgotten, self.lost)

    def count(self, start: float, end: float, lanes: Collection[str] | None = None) -> int:
        """How many blocks began in a window, exact to the nearest bin; never walks the blocks."""
        with self._lock:
            self._take_in()
            level = self._level(start, end, 60)
            return sum(count for lane, count in level.begun(start, end) if lanes is None or lane in lanes)

    def blocks(self, start: float, end: float, lanes: Collection[str] | None = None) -> list[Block]:
        """The ended spans that touch a window, by lane, in order of start.

        Args:
            start, end: PBX time, seconds since 1970.
            lanes: only these; None for all.
        """
        with self._lock:
            self._take_in()
            found = [
                block
                for shelf, width in zip(self._shelves, SHELVES, strict=True)
                for place in range(int(start // width) - 1, int(end // width) + 1)
                for block in _some(shelf.get(place, {}), lanes)
                if block.span.start < end and (block.span.end or 0.0) > start
            ]
        return sorted(found, key=lambda block: (block.span.start, block.lane, block.story.id))

    def lanes(self, start: float, end: float, most: int = 5000) -> set[str]:
        """The lanes on which anything was busy in a window, to the nearest bin; the newest ``most`` or so."""
        with self._lock:
            self._take_in()
            return self._level(start, end, 1500).lanes(start, end, most)

    def density(self, start: float, end: float, lanes: Collection[str], most: int = 600) -> list[Density]:
        """Busy share of each lane in bins, coarse enough that there are at most ``most`` of them."""
        with self._lock:
            self._take_in()
            return self._level(start, end, max(1, most // max(1, len(lanes)) - 2)).density(start, end, lanes)

    def _take_in(self) -> None:
        """Sort what has come since the last reading."""
        while self._inbox:
            item = self._inbox.popleft()
            if isinstance(item, Joined):
                if self.by == "call":
                    self._join(item)
            elif item[0].end is not None and item[0].end >= item[0].start:
                for lane, phase in item[1].lanes(item[0], self.by):
                    self._add(Block(lane, phase, *item))
        while self._size > self.most and self._forget():
            pass

    def _add(self, block: Block) -> None:
        self._size += 1
        shelf, place = _place(block.span)
        self._shelves[shelf].setdefault(place, {}).setdefault(block.lane, []).append(block)
        for level in self._levels:
            level.add(block.lane, block.span.start, block.span.end or 0.0)

    def _join(self, joined: Joined) -> None:
        for span in joined.spans:
            shelf, place = _place(span)
            lanes = self._shelves[shelf].get(place, {})
            for block in [block for block in lanes.get(joined.old, ()) if block.span is span]:
                lanes[joined.old].remove(block)
                self._size -= 1
                for level in self._levels:
                    level.add(joined.old, span.start, span.end or 0.0, -1)
                self._add(Block(joined.new, span.phase, span, block.story))

    def _level(self, start: float, end: float, bins: int) -> Bins:
        """The finest level that covers a window in at most ``bins`` bins and reaches back to it; else the coarsest."""
        return next(
            (level for level in self._levels if (end - start) / level.width <= bins and level.reaches(start)),
            self._levels[-1],
        )

    def _forget(self) -> bool:
        """Drop the oldest compartment."""
        if sum(len(shelf) for shelf in self._shelves) <= 1:
            return False
        _, n, place = min((min(shelf) * SHELVES[n], n, min(shelf)) for n, shelf in enumerate(self._shelves) if shelf)
        self._size -= sum(len(blocks) for blocks in self._shelves[n].pop(place).values())
        self._forgotten = max(self._forgotten, (place + 2) * SHELVES[n])
        return True


def _place(span: Span) -> tuple[int, int]:
    """Shelf and compartment of a span; what lasts longer than the longest compartment is found by its last day."""
    end = span.end or span.start
    shelf = next((n for n, most in enumerate(SHELVES) if end - span.start <= most), len(SHELVES) - 1)
    return shelf, int(max(span.start, end - SHELVES[-1]) // SHELVES[shelf])


def _some(lanes: dict[str, list[Block]], wanted: Collection[str] | None) -> Iterator[Block]:
    """The blocks of some lanes of a compartment, whichever of the two lists is the shorter one to walk."""
    for lane in lanes if wanted is None or len(lanes) < len(wanted) else wanted:
        if wanted is None or lane in wanted:
            yield from lanes.get(lane, ())
