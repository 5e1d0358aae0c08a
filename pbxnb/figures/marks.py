"""What of the timeline is drawn in a window: at most about 600 marks, single blocks while they fit, density beyond.

Pure: from the timeline's memory, the running phases and a window to columns of numbers, ready for one bar trace each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from .history import Block, Density, History

__all__ = ["MOST", "Column", "Scene", "scene"]

MOST = 600
FADE = ((0.55, 1.0), (0.2, 0.75), (0.15, 0.45), (0.1, 0.2))
"""How a running block fades at now: shares of its visible length with their opacities, the last at now."""


class Column(msgspec.Struct, frozen=True):
    """The marks of one trace, as parallel lists.

    Attributes:
        base: start of each mark, seconds since 1970.
        length: its length, seconds.
        row: its lane's row number.
        opacity: 0 to 1.
        call: the conversation's id, empty for density.
        text: the hover text, unescaped.
    """

    base: list[float]
    length: list[float]
    row: list[float]
    opacity: list[float]
    call: list[str]
    text: list[str]

    def add(self, start: float, end: float, row: float, opacity: float, call: str, text: str) -> None:
        """Append one mark; times in seconds, kept to a tenth."""
        self.base.append(round(start, 1))
        self.length.append(round(end - start, 1))
        self.row.append(row)
        self.opacity.append(opacity)
        self.call.append(call)
        self.text.append(text)


class Scene(msgspec.Struct, frozen=True):
    """Everything drawn in one window.

    Attributes:
        columns: marks per trace, by phase; ``density`` for bins.
        dense: True when the window holds more than single marks can show.
        marks: how many marks in all.
    """

    columns: dict[str, Column]
    dense: bool
    marks: int


def scene(
    history: History,
    running: Iterable[Block],
    start: float,
    end: float,
    now: float,
    lanes: Sequence[str],
    *,
    most: int = MOST,
) -> Scene:
    """Choose the marks of a window.

    Args:
        history: ended blocks.
        running: blocks without an end; drawn up to ``now``, fading.
        start, end: the window, seconds since 1970.
        now: PBX time, seconds since 1970.
        lanes: the visible lanes, top to bottom; a lane's place is its row.
        most: marks at most, the running ones' fading parts not counted.
    """
    rows = {lane: row for row, lane in enumerate(lanes)}
    columns: dict[str, Column] = {}
    # Counting over all lanes is cheap and never too low; only a promising window is looked through.
    blocks = history.blocks(start, end, rows) if history.count(start, end) <= 4 * most else None
    dense = blocks is None or len(blocks) > most
    if blocks is None or dense:
        for bin_ in history.density(start, end, lanes, most):
            text = f"{bin_.blocks} blocks, busy {bin_.share:.0%} of {_span(bin_.width)}"
            _column(columns, "density").add(
                bin_.start, bin_.start + bin_.width, rows[bin_.lane], _shade(bin_), "", text
            )
    else:
        for block in blocks:
            if block.end is not None:
                column = _column(columns, block.state)
                column.add(block.start, block.end, rows[block.lane], 1.0, block.call, _told(block, block.end))
    for block in running:
        if block.lane in rows and block.start < min(end, now):
            _fade(columns, block, max(block.start, start), min(now, end), rows[block.lane], now)
    return Scene(columns, dense, sum(len(column.base) for column in columns.values()))


def _fade(columns: dict[str, Column], block: Block, left: float, right: float, row: int, now: float) -> None:
    """A running block fades towards now; one that leaves the window on the right stays solid."""
    text = _told(block, now) + ", going on"
    if right < now:
        _column(columns, block.state).add(left, right, row, 1.0, block.call, text)
        return
    at = left
    for share, opacity in FADE:
        until = at + share * (right - left)
        _column(columns, block.state).add(at, until, row, opacity, block.call, text)
        at = until


def _column(columns: dict[str, Column], name: str) -> Column:
    if name not in columns:
        columns[name] = Column([], [], [], [], [], [])
    return columns[name]


def _shade(bin_: Density) -> float:
    """A bin with little in it must still be seen."""
    return round(0.15 + 0.85 * bin_.share, 2)


def _told(block: Block, end: float) -> str:
    return f"{block.state} {_span(end - block.start)} · {block.story}"


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes}:{rest:02d}"
