"""What of the history is drawn in a window: at most about 600 marks, single blocks while they fit, density beyond.

Pure: from the history, the running blocks and a window to marks and a grid of densities.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

import msgspec

from pbxnb.history import WIDTHS, Block, Index, LaneBy, Story, span_text

from .bars import Key, Mark

__all__ = ["MOST", "Heat", "Marks", "marks_of", "text_limit"]

MOST = 600
MOST_RUNNING = 150
_TEXTS = ((80, 700), (200, 200), (MOST * 10, 60))
"""Up to so many marks, so many characters of hover text each: a crowded window tells the phase, a sparse one all."""


class Heat(msgspec.Struct, frozen=True):
    """Busy shares as a grid, one row per lane: percent of each bin from ``start`` on, ``width`` seconds each."""

    start: float
    width: float
    rows: list[list[int]]


class Marks(msgspec.Struct, frozen=True):
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

    def __len__(self) -> int:
        """How many marks in all; a grid counts as its cells."""
        cells = sum(len(row) for row in self.heat.rows) if self.heat else 0
        return len(self.ended) + len(self.running) + cells


def text_limit(marks: int, before: int = 0) -> int:
    """Characters of hover text per mark; stays at ``before`` near a border, where it would change to and fro."""
    limit = next(limit for most, limit in _TEXTS if marks <= most)
    near = (
        next(limit for most, limit in _TEXTS if marks <= 1.3 * most),
        next(limit for most, limit in _TEXTS if 1.3 * marks <= most),
    )
    return before if before in near else limit


def marks_of(
    index: Index,
    running: Sequence[Block],
    start: float,
    end: float,
    now: float,
    lanes: Sequence[str],
    *,
    zone: ZoneInfo,
    selected: str = "",
    limit: int = 0,
    most: int = MOST,
) -> Marks:
    """Choose the marks of a window.

    Args:
        index: ended blocks.
        running: blocks without an end; drawn up to ``now``.
        start, end: the window, seconds since 1970.
        now: PBX time, seconds since 1970.
        lanes: the rows, top to bottom; an empty name is a row without blocks.
        zone: of the times in hover texts.
        selected: id of the selected conversation.
        limit: characters of hover text that the last window had.
        most: marks at most.
    """
    rows = {lane: row for row, lane in enumerate(lanes) if lane}
    shown = [block for block in running if block.lane in rows and block.span.start < min(end, now)]
    # Counting is cheap and about right; only a promising window is looked through.
    begun = index.count(start, end, rows)
    blocks = index.blocks(start, end, rows) if begun <= 1.5 * most and (index.complete(start) or not begun) else None
    heat = None
    if blocks is None or len(blocks) > most:
        heat, blocks = _heat(index, start, end, lanes, rows, most), []
    limit = text_limit(len(blocks) + len(shown), limit)
    texts = _Texts(limit, zone)
    ended: dict[Key, Mark] = {}
    for block in blocks:
        span = block.span
        key = (block.call, block.phase, block.lane, span.start)
        ended[key] = _mark(block, span.end or now, rows, texts.of(block))
    going = _running(shown, now, rows, texts)
    stories = {id(story): story for story in (block.story.whole for block in (*blocks, *shown))}
    chosen = [mark for mark in (*ended.values(), *going) if mark.call == selected] if selected else []
    return Marks(ended, going, heat, _links(stories.values(), rows, start, end, index.by), chosen, limit)


def _heat(index: Index, start: float, end: float, lanes: Sequence[str], rows: dict[str, int], most: int) -> Heat:
    bins = index.density(start, end, rows, most)
    width = bins[0].width if bins else WIDTHS[-1]
    first = int(start // width)
    grid = [[0] * (int(end // width) - first + 1) for _ in lanes]
    for bin_ in bins:
        # a bin with little in it must still be seen
        grid[rows[bin_.lane]][int(bin_.start // width) - first] = (
            max(1, round(100 * bin_.share)) if bin_.blocks or bin_.share else 0
        )
    return Heat(first * width, width, grid)


def _running(blocks: Sequence[Block], now: float, rows: dict[str, int], texts: _Texts) -> list[Mark]:
    if len(blocks) <= MOST_RUNNING:
        return [_mark(block, now, rows, texts.of(block)) for block in blocks]
    # More than can be told apart: the longest of each lane stands for all of them, and says so.
    by_lane: dict[str, list[Block]] = {}
    for block in blocks:
        by_lane.setdefault(block.lane, []).append(block)
    return [_mark(many[0], now, rows, f"{len(many)} calls going on") for many in by_lane.values()]


def _mark(block: Block, end: float, rows: dict[str, int], text: str) -> Mark:
    span = block.span
    return Mark(round(span.start, 1), round(end - span.start, 1), rows[block.lane], block.phase, text, block.call)


def _links(
    stories: Iterable[Story], rows: dict[str, int], start: float, end: float, by: LaneBy
) -> list[tuple[float, int, float, int]]:
    return [
        (move.left, rows[move.lane], move.arrived, rows[move.to])
        for story in stories
        if len(story.spans) + len(story.running) > 1
        for move in story.moves(by)
        if move.lane in rows and move.to in rows and move.left < end and move.arrived > start
    ]


class _Texts:
    """Hover texts within a limit; a story is written once, however many blocks it has."""

    def __init__(self, limit: int, zone: ZoneInfo) -> None:
        self._limit, self._zone = limit, zone
        self._written: dict[int, str] = {}

    def of(self, block: Block) -> str:
        span = block.span
        first = str(block.phase) if span.end is None else f"{block.phase} {span_text(span.end - span.start)}"
        story = block.story.whole
        if self._limit < 100:
            return f"{first}\n{story.title}"[: self._limit]
        text = self._written.get(id(story))
        if text is None:
            text = self._written[id(story)] = story.text(self._zone)
        return f"{first}\n{text}"[: self._limit]
