"""A few plotly figures kept for use again: a closed ``FigureWidget`` is never freed by its libraries, an open one costs
5 MB on the way to the page. Knows nothing of what is drawn on them.
"""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import plotly.graph_objects as go

__all__ = ["Pool"]


class Pool:
    """Blank figures.

    Example:
        >>> figure = Pool.borrow()
        >>> Pool.give_back(figure)
    """

    MOST = 4
    _kept: ClassVar[list[Any]] = []
    _lock: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def borrow(cls) -> Any:
        """A figure without traces, layout and handlers: one that was given back, or a new one."""
        with cls._lock:
            kept = cls._kept.pop() if cls._kept else None
        if kept is None:
            kept = go.FigureWidget()
            kept._config = {"displaylogo": False, "responsive": True}  # noqa: SLF001 - plotly's only way to set it
        return kept

    @classmethod
    def give_back(cls, figure: Any) -> None:
        """Empty a figure and keep it, or close it when enough are kept."""
        figure.unobserve_all("_js2py_traceDeltas")
        figure.observe(figure._handler_js2py_traceDeltas, "_js2py_traceDeltas")  # noqa: SLF001 - plotly's own, gone with ours
        figure.layout._change_callbacks.clear()  # noqa: SLF001 - plotly offers no way to take all handlers off
        figure.data = ()
        figure.layout = {}
        # What a new page would be given: plotly keeps its own copies of the first state for as long as the figure lives.
        figure._widget_data, figure._widget_layout = [], {}  # noqa: SLF001
        with cls._lock:
            if len(cls._kept) < cls.MOST:
                cls._kept.append(figure)
                return
        figure.close()
