"""The timeline's figure: a fixed set of traces that are filled again and again, never added or removed.

The time axis counts seconds from an origin of ours and carries our own labels: numbers stay short on the way, the
labels are in the zone of the handle, and plotly's widget cannot lose a date axis' type between two updates (seen with
7.1).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
from plotly.basedatatypes import Undefined

from pbxnb.model.entities import Phase
from pbxnb.zones import clock_text, day_text, offset_of

from ..plotting.widget import SpareFigures
from ..source import label
from ..style import NO_UPLOAD, STATES
from .background import BACKS
from .bars import BarTraces, Mark
from .lanes import Row
from .marks import Heat, Marks

__all__ = ["COLOURS", "PHASES", "TimelineFigure", "View", "empty_figure", "height_of"]

PHASES = (Phase.RINGING, Phase.QUEUED, Phase.MENU, Phase.TALKING, Phase.HELD, Phase.PARKED, Phase.OTHER)
NEUTRAL = "#757575"  # readable on white and on black alike, where the page's own colours cannot be had
ACCENT = "#d1006c"
ROW = 22
"""Pixels a lane is high."""
FEWEST = 4
"""Rows there is room for at least."""
_TOP, _BOTTOM = 26, 40
TRACES = 14
_THIN = {"ringing": 0.34, "queued": 0.34, "menu": 0.34, "held": 0.5, "parked": 0.5}
"""Phases differ in height as well as in colour; all others are 0.66 of a lane high."""
_FADE = ((1 / 3, 0.33), (2 / 3, 0.5), (1.0, 1.0))
"""A running bar is drawn to now at a quarter, and again, darker, up to these shares of its fading tail before now."""
_TAIL = 0.03  # of the window
_STEPS = (5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 43_200, 86_400, 7 * 86_400, 30 * 86_400)
COLOURS = {"offline": STATES["offline"], "dnd": "#c0392b", "gap": STATES["gap"]}


class View(NamedTuple):
    """What is to be seen.

    Attributes:
        marks: what is drawn of the calls.
        backs: background marks: ``offline``, ``dnd``, ``gap``.
        rows: the rows, top to bottom.
        window: seconds since 1970.
        now: where the line of now stands.
        moves: whether the axis is set to the window; otherwise it is the user's own.
    """

    marks: Marks
    backs: Mapping[str, Sequence[Mark]]
    rows: Sequence[Row]
    window: tuple[float, float]
    now: float
    moves: bool = True


class TimelineFigure:
    """One figure on the page, written by the UI lane only.

    Args:
        first: what it shows at first.
        zone: of the times on its axis.
        still: no page will see it; it is an ordinary figure.

    Attributes:
        figure: the plotly ``FigureWidget``, or the still figure.
        origin: where the time axis counts from, seconds since 1970.
    """

    def __init__(self, first: View, zone: ZoneInfo, *, still: bool = False) -> None:
        self._zone = zone
        self.origin: Final = float(round(first.now))
        self._bars_of = BarTraces(TRACES)
        self._shown: dict[tuple[str, str], Any] = {}
        self._whole = False
        # Marks by trace as last sent, to know what was clicked.
        self._marks: dict[int, tuple[Mark, ...]] = {}
        bare = empty_figure()
        self._place = {trace.name: place for place, trace in enumerate(bare.data)}
        self._shown = self._wanted(first)
        _write(bare, self._place, self._shown)
        self.figure: Any = bare if still else SpareFigures.take(bare)

    def draw(self, view: View) -> bool:
        """Show a view in one batch of changes; what stays as it is sends nothing. Returns whether anything was sent."""
        wanted = self._wanted(view)
        changed = {key: value for key, value in wanted.items() if key not in self._shown or value != self._shown[key]}
        self._shown.update(changed)
        if self._whole:
            self._whole = False
            self._send_whole()
        elif changed:
            with self.figure.batch_update():
                _write(self.figure, self._place, changed)
        else:
            return False
        return True

    def forget(self) -> None:
        """A page may have missed what was sent: the next picture is sent whole."""
        self._whole = True

    def _send_whole(self) -> None:
        """Send everything shown, which plotly would not: it leaves out what its own copy says already."""
        names = list(self._place)
        keys = sorted({key for name, key in self._shown if name})
        style = {key: [self._shown.get((name, key), Undefined) for name in names] for key in keys}
        layout = {key: value for (name, key), value in self._shown.items() if not name}
        figure, places = self.figure, list(self._place.values())
        figure._perform_plotly_update(style, layout, places)  # noqa: SLF001 - there is no public way
        figure._send_update_msg(style, layout, places)  # noqa: SLF001 - as above

    def _wanted(self, view: View) -> dict[tuple[str, str], Any]:
        """Every property that changes, by trace (none: the layout) and name; bars only where they changed."""
        marks, rows, now = view.marks, view.rows, view.now
        traces: dict[str, dict[str, Any]] = {}
        for number in self._bars_of.put(marks.ended, view.window, tuple(row.lane for row in rows)):
            traces[f"page{number}"] = self._bars(f"page{number}", self._bars_of.marks(number))
        traces["running"] = self._bars("running", marks.running)
        traces["fade"] = self._fade(marks.running, now, view.window)
        traces["selected"] = self._bars("selected", marks.selected, grow=0.12)
        for name in (*BACKS, "gap"):
            traces[name] = self._back(name, view.backs.get(name, ()), len(rows))
        traces["density"] = self._heat(marks.heat)
        traces["links"] = self._links(marks.links)
        traces["now"] = {"x": [self._x(now)] * 2, "y": [-0.5, len(rows) - 0.5]}
        traces[""] = self._layout(rows, view.window, moves=view.moves)
        return {(name, key): value for name, trace in traces.items() for key, value in trace.items()}

    def clicked(self, trace: int, point: int) -> str:
        """The conversation under a click; empty when there is none."""
        marks = self._marks.get(trace, ())
        return marks[point].call if point < len(marks) else ""

    def moved_away(self) -> None:
        """The page has a window of its own now: the next one of ours is news whatever it is."""
        self._shown.pop(("", "xaxis.range"), None)

    def close(self) -> None:
        """Empty the figure and keep it for use again."""
        SpareFigures.put_back(self.figure)

    def _x(self, moment: float) -> float:
        return round(moment - self.origin, 1)

    def _bars(self, name: str, marks: Iterable[Mark], grow: float = 0.0) -> dict[str, Any]:
        listed = self._marks[self._place[name]] = tuple(marks)
        bars = {
            "base": [self._x(mark.start) for mark in listed],
            "x": [mark.length for mark in listed],
            "y": [mark.row for mark in listed],
            "width": [_THIN.get(mark.kind, 0.66) + grow for mark in listed],
        }
        if name == "selected":
            return bars
        return bars | {"marker.color": _codes(listed), "hovertext": [_hover(mark.text) for mark in listed]}

    def _fade(self, running: Sequence[Mark], now: float, view: tuple[float, float]) -> dict[str, Any]:
        """The darker parts of the running bars, without hover texts of their own."""
        marks, opacities = [], []
        for mark in running:
            tail = min(0.6 * mark.length, _TAIL * (view[1] - view[0]))
            for share, opacity in _FADE:
                if mark.length - share * tail > 0:
                    marks.append(mark._replace(length=round(mark.length - share * tail, 1)))
                    opacities.append(opacity)
        return {
            "base": [self._x(mark.start) for mark in marks],
            "x": [mark.length for mark in marks],
            "y": [mark.row for mark in marks],
            "width": [_THIN.get(mark.kind, 0.66) for mark in marks],
            "marker.color": _codes(marks),
            "marker.opacity": opacities,
        }

    def _back(self, name: str, marks: Sequence[Mark], rows: int) -> dict[str, Any]:
        return {
            "base": [self._x(mark.start) for mark in marks],
            "x": [mark.length for mark in marks],
            "y": [(rows - 1) / 2 if name == "gap" else mark.row for mark in marks],
            "width": [rows if name == "gap" else 0.96] * len(marks),
            "hovertext": [_hover(mark.text) for mark in marks],
        }

    def _heat(self, heat: Heat | None) -> dict[str, Any]:
        if heat is None:
            return {"z": [], "x0": 0.0, "dx": 1.0}
        return {"z": heat.rows, "x0": self._x(heat.start + heat.width / 2), "dx": heat.width}

    def _links(self, links: Sequence[tuple[float, int, float, int]]) -> dict[str, Any]:
        x: list[float | None] = []
        y: list[int | None] = []
        for left, row, arrived, to in links:
            x += (self._x(left), self._x(arrived), None)
            y += (row, to, None)
        return {"x": x, "y": y}

    def _layout(self, rows: Sequence[Row], view: tuple[float, float], *, moves: bool) -> dict[str, Any]:
        ticks = _ticks(*view, self._zone)
        layout: dict[str, Any] = {
            "yaxis.tickvals": list(range(len(rows))),
            "yaxis.ticktext": [_row_label(row) for row in rows],
            "yaxis.range": [max(len(rows), FEWEST) - 0.5, -0.5],
            "xaxis.tickvals": [round(moment - self.origin, 1) for moment, _ in ticks],
            "xaxis.ticktext": [text for _, text in ticks],
        }
        if moves:
            layout["xaxis.range"] = [self._x(moment) for moment in view]
        return layout


def height_of(rows: int) -> int:
    """Pixels that so many rows need, with the axis."""
    return _TOP + _BOTTOM + ROW * max(FEWEST, rows)


def _write(figure: Any, place: Mapping[str, int], wanted: Mapping[tuple[str, str], Any]) -> None:
    for (name, key), value in wanted.items():
        (figure.data[place[name]] if name else figure.layout)[key] = value


def _codes(marks: Sequence[Mark]) -> list[int]:
    return [PHASES.index(mark.kind) if mark.kind in PHASES else len(PHASES) - 1 for mark in marks]


def _hover(text: str) -> str:
    return "<br>".join(label(line, 160) for line in text.split("\n"))


def _row_label(row: Row) -> str:
    return label(row.label, 24) if row.lane else f"<b>{label(row.label, 24)}</b>"


def _ticks(start: float, end: float, zone: ZoneInfo) -> list[tuple[float, str]]:
    """About six round times in a window, with their labels; the first names the day and the zone."""
    span = end - start
    step = next((step for step in _STEPS if span / step <= 7), _STEPS[-1])
    moments: list[float] = []
    # Where clocks change within the window, other moments are round from then on.
    for ahead in {offset_of(start + span * n / 8, zone).total_seconds() for n in range(9)} if span > 0 else ():
        first = math.ceil((start + ahead) / step) * step - ahead
        round_ones = (first + n * step for n in range(int((end - first) / step) + 1))
        moments += [moment for moment in round_ones if offset_of(moment, zone).total_seconds() == ahead]
    texts = [clock_text(moment, zone, "seconds" if step < 60 else "minutes") for moment in sorted(moments)]
    if texts:
        texts[0] += f"<br>{day_text(min(moments), zone)}, {zone.key}"
    return list(zip(sorted(moments), texts, strict=True))


def empty_figure() -> go.Figure:
    """The figure with its traces, from back to front, all empty."""
    blue = ",".join(str(int(STATES[Phase.TALKING][n : n + 2], 16)) for n in (1, 3, 5))
    heat = go.Heatmap(
        name="density",
        z=[],
        x0=0,
        dx=1,
        y0=0,
        dy=1,
        zmin=0,
        zmax=100,
        ygap=4,
        colorscale=[[0, f"rgba({blue},0)"], [0.005, f"rgba({blue},0.2)"], [1, f"rgba({blue},1)"]],
        showscale=False,
        hovertemplate="busy %{z} % of the time<extra></extra>",
    )
    backs = [_bar(name, {"color": COLOURS[name], "opacity": 0.4 if name == "gap" else 0.2}) for name in ("gap", *BACKS)]
    backs[0].marker.pattern = {"shape": "/", "size": 7, "solidity": 0.35, "fillmode": "overlay"}
    last = max(1, len(PHASES) - 1)
    scale = [[place / last, STATES[name]] for place, name in enumerate(PHASES)]
    marker = {"colorscale": scale, "cmin": 0, "cmax": last, "showscale": False, "line": {"width": 0}}
    bars = [_bar(f"page{number}", marker) for number in range(TRACES)]
    bars += [_bar("running", marker | {"opacity": 0.25}), _bar("fade", marker, hoverinfo="skip")]
    # How long it has lasted is the bar's own length, which moves anyway.
    bars[-2].hovertemplate = "%{hovertext}<br>%{x:,.0f} s so far<extra></extra>"
    outline = {"color": "rgba(0,0,0,0)", "line": {"color": ACCENT, "width": 2.5}}
    links = {"mode": "lines+markers", "line": {"color": NEUTRAL, "width": 2, "dash": "dot"}, "hoverinfo": "skip"}
    links["marker"] = {"symbol": "arrow", "angleref": "previous", "size": 8, "color": NEUTRAL}
    now = {"mode": "lines", "line": {"color": ACCENT, "width": 1}, "hoverinfo": "skip", "opacity": 0.6}
    figure = go.Figure(
        [
            heat,
            *backs,
            *bars,
            _bar("selected", outline, hoverinfo="skip"),
            go.Scatter(name="links", x=[], y=[], **links),
            go.Scatter(name="now", x=[], y=[], **now),
        ]
    )
    grid = "rgba(128,128,128,0.25)"
    figure.update_layout(
        template="none",
        barmode="overlay",
        hovermode="closest",
        showlegend=False,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": NEUTRAL, "size": 12},
        margin={"l": 150, "r": 12, "t": _TOP, "b": _BOTTOM},
        hoverlabel={"align": "left"},
        dragmode="pan",
        modebar=NO_UPLOAD | {"bgcolor": "rgba(0,0,0,0)", "color": NEUTRAL, "activecolor": ACCENT},
        xaxis={"type": "linear", "tickmode": "array", "gridcolor": grid, "zeroline": False},
        yaxis={"fixedrange": True, "gridcolor": grid, "griddash": "dot", "zeroline": False},
    )
    return figure


def _bar(name: str, marker: dict[str, Any], hoverinfo: str = "text") -> Any:
    return go.Bar(name=name, orientation="h", base=[], x=[], y=[], marker=marker, hoverinfo=hoverinfo)
