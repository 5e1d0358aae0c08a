"""Any static picture as a live panel: drawn anew while somebody looks, so rarely that other panels keep their time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import plotly.graph_objects as go

from pbxnb.arguments import helpful_keywords
from pbxnb.errors import ConfigError, PbxError
from pbxnb.text import clean_logger
from pbxnb.ui.handle import Handle

from .plotting.panel import FigurePanel
from .plotting.tools import FigureTools
from .plotting.widget import SpareFigures

__all__ = ["LivePicture", "live"]

_log = clean_logger("pbxnb.ui")

Picture = Callable[..., go.Figure]


@helpful_keywords
def live(picture: Picture, pbx: Handle, every: float = 2.0, options: Mapping[str, Any] | None = None) -> LivePicture:
    """Show a picture of `pbxnb.figures` and draw it anew while it is viewed.

    Args:
        picture: a function of the module, or one of yours that takes a handle and returns a plotly figure.
        pbx: the handle it is drawn from.
        every: seconds between two pictures, at least 0.25; more where drawing or painting takes long.
        options: what else ``picture`` takes, by name.

    Raises:
        ConfigError: ``picture`` is not a function, or ``every`` is too short.
        TypeError: ``picture`` takes no such option.

    Example:
        >>> panel = live(pbxnb.figures.concurrency, pbx, every=5.0, options={"capacity": 30})
        >>> panel.close()
    """
    if not callable(picture):
        raise ConfigError(f"{picture!r} is no picture.", hint="Give a function, such as pbxnb.figures.concurrency.")
    if every < 0.25:
        raise ConfigError(f"A picture every {every:g} s is too often.", hint="Give every=0.25 or more.")
    return LivePicture(picture, pbx, every, options or {})


class LivePicture(FigurePanel):
    """The panel of `live`.

    Args:
        picture, handle, every, options: see `live`.

    Attributes:
        figure: the plotly ``FigureWidget``; `pbxnb.figures.describe` reads its text twin.
    """

    def __init__(self, picture: Picture, handle: Handle, every: float, options: Mapping[str, Any]) -> None:
        self._picture, self._every, self._options = picture, every, options
        self._ready = False  # a page has loaded the figure; what is sent before is lost
        self._next = 0.0
        self._height = 380
        self._problem = ""
        super().__init__(handle)

    def _follow(self, handle: Handle) -> None:
        self._leave.callback(handle.watch_status(lambda _status: self._ticket.nudge()))

    def _begin(self) -> None:
        first = self._made() or go.Figure(layout={"template": "none", "autosize": True})
        figure = SpareFigures.take(first)
        self._leave.callback(SpareFigures.put_back, figure)
        self._show(figure, self._height, FigureTools(self._handle, self))
        self._tools.say(self._problem)
        if (first.layout.meta or {}).get("theme") == "print":
            self._box.add_class("pbxnb-paper")  # it brings its own paper, and ink for it
        self._ticket.nudge()

    def snapshot(self) -> go.Figure:
        """The picture as it is now, for a saved notebook.

        Raises:
            AnalysisError: there is nothing to draw yet.
        """
        return self._picture(self._handle, **self._options)

    def _loaded(self) -> None:
        self._ready = True

    def _paint(self, now: float) -> float | None:
        with self._lock:
            if self._closed:
                return None
            if not self._view_count or not self._ready:
                return now + 1.0
            due = max(self._next, self._pace.due())
            if now < due:
                return due
            made = self._made()
            try:
                if made is not None and _redrawn(self.figure, made):
                    self._sent()
            except BaseException as error:  # noqa: BLE001 - shown in the panel; the next beat tries again
                _log.exception("A live picture could not be shown.")
                self._problem = f"Could not show: {error}"
            self._tools.say(self._problem)
            self._next = now + max(self._every, self.timing.lane * (time.monotonic() - now))
            return self._next

    def _made(self) -> go.Figure | None:
        """The picture now; None, with the reason for the page, where it cannot be drawn."""
        self._problem = ""
        try:
            made = self._picture(self._handle, **self._options)
        except PbxError as error:  # such as no calls yet
            self._problem = str(error)
            return None
        # The box gives it its height, see `FigureBox`.
        self._height = int(made.layout.height or self._height)
        made.layout.update(height=None, width=None, autosize=True)
        return made


def _redrawn(figure: Any, made: go.Figure) -> bool:
    """Turn a figure into another, keeping the user's zoom; where their traces differ in kind, they are exchanged."""
    before = figure._last_trace_edit_id  # noqa: SLF001 - whether plotly found anything to send
    layout = made.layout.to_plotly_json()
    if [trace.type for trace in figure.data] != [trace.type for trace in made.data]:
        figure.data = ()
        figure.add_traces(made.data)
        figure.layout = made.layout
        return True
    with figure.batch_update():
        for mine, theirs in zip(figure.data, made.data, strict=True):
            mine.update({key: value for key, value in theirs.to_plotly_json().items() if key != "type"}, overwrite=True)
        for name, value in layout.items():
            axis = name.startswith(("xaxis", "yaxis"))
            figure.layout.update({name: value}, overwrite=not axis)
    return bool(figure._last_trace_edit_id != before)  # noqa: SLF001 - as above
