"""The timeline's figure: a fixed set of traces that are filled again and again, never added or removed.

The time axis counts seconds from an origin of ours and carries our own labels: numbers stay short on the way, the labels
are local times, and plotly's widget cannot lose a date axis' type between two updates (seen with 7.1).

Also the pool: a closed figure cannot be freed by its library, so it is emptied and used again (a few are kept).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import plotly.graph_objects as go

from .marks import Column, Scene
from .source import label
from .style import STATES

__all__ = ["PHASES", "Canvas"]

PHASES = ("ringing", "queued", "connected", "held", "parked", "other")
BACK = ("density", "offline", "dnd", "gap")
NEUTRAL = "#757575"  # readable on white and on black alike: a figure cannot follow the page's theme
_STEPS = (5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 43_200, 86_400, 7 * 86_400, 30 * 86_400)
EMPTY = Column([], [], [], [], [], [])
_COLOURS = {**STATES, "density": STATES["connected"], "offline": STATES["offline"], "dnd": "#c0392b"}


class Canvas:
    """One figure on the page, written by the UI lane only.

    Args:
        height: pixels.
        origin: where the time axis counts from, seconds since 1970.

    Attributes:
        figure: the plotly ``FigureWidget``.
    """

    _pool: ClassVar[list[go.FigureWidget]] = []
    _pool_lock: ClassVar[threading.Lock] = threading.Lock()
    _POOLED = 4

    def __init__(self, height: int, origin: float) -> None:
        self.origin = origin
        with self._pool_lock:
            pooled = self._pool.pop() if self._pool else None
        self.figure: Any = pooled or _empty_figure()
        self._place = {trace.name: place for place, trace in enumerate(self.figure.data)}
        self._shown: dict[str, Column] = dict.fromkeys(self._place, EMPTY)
        self._links: tuple[list[Any], list[Any]] = ([], [])
        self._rows: tuple[str, ...] = ()
        self._ticks: tuple[tuple[float, str], ...] = ()
        self.figure.layout.height = height

    def draw(
        self,
        scene: Scene,
        backs: dict[str, Column],
        selected: Column,
        links: tuple[list[Any], list[Any]],
        lanes: Sequence[str],
        names: Sequence[str],
        view: tuple[float, float],
        moves: bool,
    ) -> bool:
        """Show a scene in one batch of changes; traces that stay as they are send nothing.

        Args:
            scene: the marks.
            backs: background marks: ``offline``, ``dnd``, ``gap``.
            selected: marks to outline.
            links: x and y of the transfer lines, None between two of them.
            lanes: the visible lanes, for what changed.
            names: their labels.
            view: the visible window, seconds since 1970.
            moves: whether the axis is set to it; otherwise it is the user's own.

        Returns:
            Whether anything was sent.
        """
        wanted = {name: scene.columns.get(name, EMPTY) for name in (*PHASES, "density")}
        wanted |= {name: backs.get(name, EMPTY) for name in BACK[1:]} | {"selected": selected}
        changed = {name: column for name, column in wanted.items() if column != self._shown[name]}
        rows = tuple(names)
        ticks = _ticks(*view)
        if not changed and links == self._links and rows == self._rows and not moves and ticks == self._ticks:
            return False
        with self.figure.batch_update():
            for name, column in changed.items():
                self._fill(self.figure.data[self._place[name]], column, name, len(lanes))
            if links != self._links:
                lines = self.figure.data[self._place["links"]]
                lines.x = [None if x is None else round(x - self.origin, 1) for x in links[0]]
                lines.y = links[1]
            if rows != self._rows:
                axis = self.figure.layout.yaxis
                axis.tickvals = list(range(len(rows)))
                axis.ticktext = [label(name, 24) for name in rows]
                axis.range = [len(rows) - 0.5, -0.5]
            axis = self.figure.layout.xaxis
            if ticks != self._ticks:
                axis.tickvals = [moment - self.origin for moment, _ in ticks]
                axis.ticktext = [text for _, text in ticks]
            if moves:
                axis.range = [round(moment - self.origin, 1) for moment in view]
        self._shown.update(changed)
        self._links, self._rows, self._ticks = links, rows, ticks
        return True

    def close(self) -> None:
        """Empty the figure and keep it for the next canvas."""
        empty = dict.fromkeys(PHASES, EMPTY)
        self.draw(Scene(empty, False, 0), {}, EMPTY, ([], []), (), (), (0.0, 0.0), False)
        self.figure.unobserve_all("_js2py_traceDeltas")
        for trace in self.figure.data:
            trace._click_callbacks = []  # noqa: SLF001 - plotly offers no way to take a click handler off
        self.figure.layout._change_callbacks.clear()  # noqa: SLF001 - nor one that takes off all change handlers
        with self._pool_lock:
            if len(self._pool) < self._POOLED:
                self._pool.append(self.figure)
                return
        self.figure.close()

    def _fill(self, trace: Any, column: Column, name: str, rows: int) -> None:
        trace.base = [round(start - self.origin, 1) for start in column.base]
        trace.x, trace.y = column.length, column.row
        if name == "gap":
            trace.width = [rows] * len(column.base)
        elif name not in ("offline", "dnd"):
            trace.customdata = column.call
        if name in ("density", *PHASES):
            trace.marker.opacity = column.opacity
        trace.hovertext = [label(text, 200) for text in column.text]


def _ticks(start: float, end: float) -> tuple[tuple[float, str], ...]:
    """About six round local times in a window, with their labels; the first names the day or the zone."""
    span = end - start
    step = next((step for step in _STEPS if span / step <= 7), _STEPS[-1])
    offset = datetime.fromtimestamp(start, UTC).astimezone().utcoffset() or timedelta()
    first = math.ceil((start + offset.total_seconds()) / step) * step - offset.total_seconds()
    moments = [first + n * step for n in range(int((end - first) / step) + 1)] if span > 0 else []
    shown = [(moment, datetime.fromtimestamp(moment, UTC).astimezone()) for moment in moments]
    text = "%H:%M:%S" if step < 60 else "%H:%M"
    return tuple(
        (moment, f"{local:{text}}" + (f"<br>{local:%a %d %b, %Z}" if place == 0 else ""))
        for place, (moment, local) in enumerate(shown)
    )


def _empty_figure() -> Any:
    figure = go.FigureWidget()
    for name in BACK[1:]:
        figure.add_trace(_bar(name, width=0.96 if name != "gap" else None, opacity=0.16 if name != "gap" else 0.5))
    for name in (BACK[0], *PHASES):
        figure.add_trace(_bar(name, width=0.62))
    selected = _bar("selected", width=0.74)
    selected.marker = {"color": "rgba(0,0,0,0)", "line": {"color": "#d1006c", "width": 2.5}}
    figure.add_trace(selected)
    figure.add_trace(
        go.Scatter(
            name="links",
            x=[],
            y=[],
            mode="lines+markers",
            line={"color": NEUTRAL, "width": 1.5, "dash": "dot"},
            marker={"symbol": "arrow-bar-up", "size": 6, "color": NEUTRAL},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    figure.update_layout(
        template="none",
        barmode="overlay",
        uirevision="pbxnb",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": NEUTRAL, "size": 12},
        margin={"l": 130, "r": 12, "t": 28, "b": 44},
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "itemclick": False, "itemdoubleclick": False},
        hoverlabel={"align": "left"},
        dragmode="pan",
        xaxis={"type": "linear", "tickmode": "array", "gridcolor": "rgba(128,128,128,0.25)", "showspikes": False},
        yaxis={"fixedrange": True, "showgrid": True, "gridcolor": "rgba(128,128,128,0.15)", "zeroline": False},
    )
    return figure


def _bar(name: str, *, width: float | None, opacity: float = 1.0) -> Any:
    pattern = {"shape": {"gap": "/", "dnd": "."}.get(name, ""), "size": 6}
    return go.Bar(
        name=name,
        orientation="h",
        base=[],
        x=[],
        y=[],
        width=width,
        opacity=opacity,
        marker={"color": _COLOURS.get(name, STATES["other"]), "pattern": pattern, "line": {"width": 0}},
        hoverinfo="text",
        showlegend=name != "selected",
    )
