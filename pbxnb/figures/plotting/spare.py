"""A few plotly figures kept for use again. Knows nothing of what is drawn on them.

Each new ``FigureWidget`` costs 5 MB on the way to the page, which never forgets them.
"""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import plotly.graph_objects as go

from .widget import figure_widget

__all__ = ["SpareFigures"]

_CONFIG = {
    "displaylogo": False,
    "responsive": True,
    # A double click asks for everything, which a live picture can answer; "reset" would mean its first window.
    "doubleClick": "autosize",
    "modeBarButtonsToRemove": ["resetScale2d", "select2d", "lasso2d"],
}


class SpareFigures:
    """Figure widgets that nobody uses.

    Example:
        >>> figure = SpareFigures.take(go.Figure())
        >>> SpareFigures.put_back(figure)
    """

    MOST = 4
    _kept: ClassVar[list[Any]] = []
    _lock: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def take(cls, first: go.Figure) -> Any:
        """A ``FigureWidget`` that shows a figure: one that was put back, or a new one.

        Args:
            first: what it shows at first. A new widget must be born with its traces: what is sent to it before the page
                has loaded plotly, 0.2 s or more, is lost, and the page then reports its own defaults back (plotly 7.1).
        """
        with cls._lock:
            # Others may have closed one, as ipywidgets.Widget.close_all() does.
            cls._kept[:] = [figure for figure in cls._kept if figure.comm is not None]
            kept = cls._kept.pop() if cls._kept else None
        if kept is None:
            kept = figure_widget(first)
            kept._config = dict(_CONFIG)  # noqa: SLF001 - plotly's only way to set it
        else:
            kept.add_traces(first.data)
            kept.layout = first.layout
        return kept

    @classmethod
    def put_back(cls, figure: Any) -> None:
        """Empty a figure and keep it, or close it when enough are kept."""
        figure.layout._change_callbacks.clear()  # noqa: SLF001 - plotly offers no way to take all handlers off
        figure.data = ()
        figure.layout = {}
        # What a new page would be given: plotly keeps its own copies of what was sent.
        figure._widget_data, figure._widget_layout = [], {}  # noqa: SLF001
        with cls._lock:
            if len(cls._kept) < cls.MOST:
                cls._kept.append(figure)
                return
        figure.close()
