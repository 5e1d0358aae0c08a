"""What of the timeline is drawn in a window: at most about 600 marks, single blocks while they fit, density beyond.

Pure: from the timeline's memory, the running phases and a window to marks and a grid of densities.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from ..history import WIDTHS, Block, History
from ..stories import Story, span_text
from .bars import Key, Mark

__all__ = ["MOST", "Heat", "Scene", "scene", "text_limit"]

MOST = 600
MOST_RUNNING = 150
_STORIES = ((80, 700), (200, 200), (MOST * 10, 60))
"""Up to so many marks, so many characters of hover text each: a crowded window tells the phase, a sparse one all."""


class Heat(msgspec.Struct, frozen=True):
    """Busy shares as a grid, one row per lane: percent of each bin from ``start`` on, ``width`` seconds each."""

    start: float
    width: float
    rows: list[list[int]]


class Scene(msgspec.Struct, frozen=True):
    """Everything drawn in one window.

    Attributes:
        ended: marks of ended blocks.
        running: marks of what goes on, up to now.
        heat: instead of ``ended``, when the window holds more than single marks can show.
        links: ``(left, row, arrived, row)`` of each move between two visible lanes.
        selected: marks of the selected conversation.
        limit: characters of hover text each mark may have.
    """

    ended: dict[Key, Mark]
    running: list[Mark]
    heat: Heat | None
    links: list[tuple[float, int, float, int]]
    selected: list[Mark]
    limit: int = 0

    @property
    def marks(self) -> int:
        """How many marks in all; a grid counts as its cells."""
        cells = sum(len(row) for row in self.heat.rows) if self.heat else 0
        return len(self.ended) + len(self.running) + cells


def text_limit(marks: int, before: int = 0) -> int:
    """Characters of hover text per mark; stays at ``before`` near a border, where it would change to and fro."""
    limit = next(limit for most, limit in _STORIES if marks <= most)
    near = (
        next(limit for most, limit in _STORIES if marks <= 1.3 * most),
        next(limit for most, limit in _STORIES if 1.3 * marks <= most),
    )
    return before if before in near else limit


def scene(
    history: History,
    running: Sequence[Block],
    start: float,
    end: float,
    now: float,
    lanes: Sequence[str],
    *,
    selected: str = "",
    limit: int = 0,
    most: int = MOST,
) -> Scene:
    """Choose the marks of a window.

    Args:
        history: ended blocks.
        running: blocks without an end; drawn up to ``now``.
        start, end: the window, seconds since 1970.
        now: PBX time, seconds since 1970.
        lanes: the rows, top to bottom; an empty name is a row without blocks.
        selected: id of the selected conversation.
        limit: characters of hover text that the last scene had.
        most: marks at most.
    """
    rows = {lane: row for row, lane in enumerate(lanes) if lane}
    shown = [block for block in running if block.lane in rows and block.start < min(end, now)]
    # Counting is cheap and about right; only a promising window is looked through.
    begun = history.count(start, end, rows)
    blocks = (
        history.blocks(start, end, rows) if begun <= 1.5 * most and (history.complete(start) or not begun) else None
    )
    heat = None
    if blocks is None or len(blocks) > most:
        heat, blocks = _heat(history, start, end, lanes, rows, most), []
    limit = text_limit(len(blocks) + len(shown), limit)
    told = _Texts(limit)
    ended = {
        (block.call, block.state, block.lane, block.start): Mark(
            round(block.start, 1),
            round(block.end - block.start, 1),
            rows[block.lane],
            block.state,
            told.of(block),
            block.call,
        )
        for block in blocks
        if block.end is not None
    }
    going = _running(shown, now, rows, told)
    stories = {id(story): story for story in (block.story.whole for block in (*blocks, *shown))}
    chosen = [mark for mark in (*ended.values(), *going) if mark.call == selected] if selected else []
    return Scene(ended, going, heat, _links(stories.values(), rows, start, end), chosen, limit)


def _heat(history: History, start: float, end: float, lanes: Sequence[str], rows: dict[str, int], most: int) -> Heat:
    bins = history.density(start, end, rows, most)
    width = bins[0].width if bins else WIDTHS[-1]
    first = int(start // width)
    grid = [[0] * (int(end // width) - first + 1) for _ in lanes]
    for bin_ in bins:
        # a bin with little in it must still be seen
        grid[rows[bin_.lane]][int(bin_.start // width) - first] = (
            max(1, round(100 * bin_.share)) if bin_.blocks or bin_.share else 0
        )
    return Heat(first * width, width, grid)


def _running(blocks: Sequence[Block], now: float, rows: dict[str, int], told: _Texts) -> list[Mark]:
    if len(blocks) <= MOST_RUNNING:
        return [_mark(block, now, rows, told.of(block)) for block in blocks]
    # More than can be told apart: the longest of each lane stands for all of them, and says so.
    by_lane: dict[str, list[Block]] = {}
    for block in blocks:
        by_lane.setdefault(block.lane, []).append(block)
    return [_mark(many[0], now, rows, f"{len(many)} calls going on") for many in by_lane.values()]


def _mark(block: Block, now: float, rows: dict[str, int], text: str) -> Mark:
    return Mark(round(block.start, 1), round(now - block.start, 1), rows[block.lane], block.state, text, block.call)


def _links(
    stories: Iterable[Story], rows: dict[str, int], start: float, end: float
) -> list[tuple[float, int, float, int]]:
    return [
        (move.left, rows[move.lane], move.arrived, rows[move.to])
        for story in stories
        if len(story.phases) > 1
        for move in story.moves()
        if move.lane in rows and move.to in rows and move.left < end and move.arrived > start
    ]


class _Texts:
    """Hover texts within a limit; a story is told once, however many blocks it has."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._told: dict[int, str] = {}

    def of(self, block: Block) -> str:
        first = block.state if block.end is None else f"{block.state} {span_text(block.end - block.start)}"
        story = block.story.whole
        if self._limit < 100:
            return f"{first}\n{story.title}"[: self._limit]
        told = self._told.get(id(story))
        if told is None:
            told = self._told[id(story)] = story.tell()
        return f"{first}\n{told}"[: self._limit]
