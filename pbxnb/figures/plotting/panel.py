"""The life of a live figure: a plotly figure in its box with its tools, drawn at the pace of the page's answers."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import ipywidgets

from pbxnb.ui.kernel import release_route
from pbxnb.ui.panel import Panel

from .box import CLASSES, FigureBox
from .pace import FigureTiming, Pace
from .tools import FigureTools

__all__ = ["FigurePanel"]


class FigurePanel(Panel, ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets publishes no types
    """A panel around a plotly ``FigureWidget``.

    A subclass calls `_show` in its ``_begin`` and says in `_loaded` what it does when a page has drawn the figure.
    """

    timing: ClassVar[FigureTiming] = FigureTiming()

    @property
    def figure(self) -> Any:
        """The plotly ``FigureWidget``."""
        return self._figure

    def _show(self, figure: Any, height: int, tools: FigureTools) -> None:
        """Put a figure and its tools on the page; both leave with the panel."""
        self._figure = figure
        self._pace = Pace(self.timing)
        self._tools: FigureTools = self._own(tools)
        self._box: FigureBox = self._own(FigureBox(figure, height))
        self.children = (tools, self._box)
        self._leave.callback(self.set_trait, "children", ())
        self._view_count = 0  # from now on the front end counts its views
        for name in CLASSES:
            self.add_class(name)
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
