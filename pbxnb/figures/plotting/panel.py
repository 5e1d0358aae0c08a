"""The life of a live figure: a plotly figure in its box with its tools, drawn at the pace of the page's answers.

plotly cannot be told a height and left to find its width: changing ``layout.height`` fixes the width as well, to the
700 pixels a figure has before it is in the page. So our live figures have neither; they fill a box of our height, and
`widget` tells them when it changes.
"""

from __future__ import annotations

import time
from typing import Any, ClassVar

import ipywidgets

from pbxnb.ui.kernel import release_route
from pbxnb.ui.panel import Panel

from .pace import FigureTiming, Pace
from .tools import FigureTools

__all__ = ["FigureBox", "FigurePanel"]


class FigureBox(ipywidgets.Box):  # type: ignore[misc]  # ipywidgets publishes no types
    """The box around a figure.

    Args:
        figure: a plotly ``FigureWidget`` with ``autosize`` and neither width nor height.
        height: pixels.
    """

    def __init__(self, figure: Any, height: int) -> None:
        super().__init__([figure], layout={"height": f"{height}px", "width": "100%", "overflow": "hidden"})
        self.add_class("pbxnb-frame")

    def set_height(self, height: int) -> None:
        """Change the height, pixels."""
        wanted = f"{height}px"
        if self.layout.height != wanted:
            self.layout.height = wanted

    def close(self) -> None:
        """Close the box, not the figure."""
        self.children = ()
        super().close()


class FigurePanel(Panel, ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets publishes no types
    """A panel around a plotly ``FigureWidget``.

    A subclass calls `_show` in its ``_begin`` and says in `_loaded` what it does when a page has drawn the figure.
    """

    timing: ClassVar[FigureTiming] = FigureTiming()

    @property
    def figure(self) -> Any:
        """The plotly ``FigureWidget``."""
        return self._figure

    def _display_(self) -> Any:
        """The figure in marimo, which shows no boxes around it, and does not count who looks."""
        import marimo

        self._view_count = 1
        return marimo.ui.anywidget(self._figure)

    def _show(self, figure: Any, height: int, tools: FigureTools) -> None:
        """Put a figure and its tools on the page; both leave with the panel."""
        self._figure = figure
        self._pace = Pace(self.timing)
        self._tools: FigureTools = self._own(tools)
        self._box: FigureBox = self._own(FigureBox(figure, height))
        self.children = (tools, self._box)
        self._leave.callback(self.set_trait, "children", ())
        self._view_count = 0  # from now on the front end counts its views
        self.add_class("pbxnb").add_class("pbxnb-figure")
        # plotly's on_edits_completed never fires for an update of traces and layout together (7.1): the page answers
        # the traces' part only, so that answer is what paces us.
        figure.observe(self._answered, "_js2py_traceDeltas")
        self._leave.callback(figure.unobserve, self._answered, "_js2py_traceDeltas")

    def _answered(self, change: Any) -> None:
        figure = self.figure
        if change["new"] and change["new"].get("trace_edit_id") == figure._last_trace_edit_id:  # noqa: SLF001 - see `_show`
            self._loaded()
            self._pace.answered(time.monotonic())
            self._ticket.wake()

    def _loaded(self) -> None:
        """A page has loaded the figure, and says what it has drawn."""

    def _sent(self) -> None:
        """A picture has gone out."""
        self._pace.sent(time.monotonic())
        release_route(self.figure)
