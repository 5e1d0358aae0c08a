"""Any static picture as a live panel: drawn anew while somebody looks, so rarely that other panels keep their time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import ipywidgets
import plotly.graph_objects as go

from pbxnb.errors import ConfigError, PbxError
from pbxnb.model.status import LineState
from pbxnb.ui.handle import Handle, handle_of
from pbxnb.ui.kernel import release_route
from pbxnb.ui.lane import Lane
from pbxnb.ui.text import clean

from .plotting.box import CLASSES, Frame, style_sheet
from .plotting.pace import Pace
from .plotting.spare import Pool

__all__ = ["LivePicture", "live"]

_SHARE = 10
"""A picture may take a tenth of the lane that all panels share: one that takes longer comes less often."""
_log = logging.getLogger("pbxnb.ui")

Picture = Callable[..., go.Figure]


def live(picture: Picture, pbx: Handle, every: float = 2.0, **options: Any) -> LivePicture:
    """Show a picture of `pbxnb.figures` and draw it anew while it is viewed.

    Args:
        picture: a function of the module, or one of yours that takes a handle and returns a plotly figure.
        pbx: the handle it is drawn from.
        every: seconds between two pictures, at least 0.25; more where drawing or painting takes long.
        options: forwarded to ``picture``.

    Raises:
        ConfigError: ``picture`` is not a function, or ``every`` is too short.

    Example:
        >>> panel = live(pbxnb.figures.concurrency, pbx, every=5.0)
        >>> panel.close()
    """
    if not callable(picture):
        raise ConfigError(f"{picture!r} is no picture.", hint="Give a function, such as pbxnb.figures.concurrency.")
    if every < 0.25:
        raise ConfigError(f"A picture every {every:g} s is too often.", hint="Give every=0.25 or more.")
    return LivePicture(picture, pbx, every, options)


class LivePicture(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets publishes no types
    """The panel of `live`.

    Args:
        picture, handle, every: see `live`.
        options: forwarded to ``picture``.

    Attributes:
        figure: the plotly ``FigureWidget``; `pbxnb.figures.describe` reads its text twin.
    """

    _closed = True  # there is nothing to close yet

    def __init__(self, picture: Picture, handle: Handle, every: float, options: dict[str, Any]) -> None:
        self._picture, self._handle, self._every, self._options = picture, handle_of(handle), every, options
        self._lock = threading.RLock()  # between a picture and the close
        self._pace = Pace()
        self._loaded = False  # a page has loaded the figure; what is sent before is lost
        self._next = 0.0
        self._height = 380
        self._leave = ExitStack()
        self._closed = False
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        """Make the parts, each with how it leaves: what was made when one of them fails is undone."""
        leave = self._leave.callback
        leave(super().close)
        leave(lambda: self.layout.close())
        self._note = ipywidgets.Label("")
        self._note.add_class("pbxnb-note").add_class("mathjax_ignore")  # errors may quote callers
        self._sheet = ipywidgets.HTML(style_sheet())
        for widget in (self._note, self._sheet):
            for part in (widget, widget.style, widget.layout):
                leave(part.close)
        first = self._made() or go.Figure(layout={"template": "none", "autosize": True})
        self.figure: Any = Pool.borrow(first)
        leave(Pool.give_back, self.figure)
        self._frame = Frame(self.figure, self._height)
        leave(self._frame.close)
        if (first.layout.meta or {}).get("theme") == "print":
            self._frame.add_class("pbxnb-paper")  # it brings its own paper, and ink for it
        super().__init__([self._sheet, self._frame, self._note])
        leave(lambda: self.set_trait("children", ()))
        self._view_count = 0  # from now on the front end counts its views
        for name in CLASSES:
            self.add_class(name)
        self.figure.observe(self._answered, "_js2py_traceDeltas")
        leave(self.figure.unobserve, self._answered, "_js2py_traceDeltas")
        self._ticket = Lane.get().register(self._paint)
        leave(self._ticket.close)
        leave(self._handle.watch_status(lambda _status: self._ticket.nudge()))
        self._ticket.nudge()

    def snapshot(self) -> go.Figure:
        """The picture as it is now, for a saved notebook.

        Raises:
            AnalysisError: there is nothing to draw yet.
        """
        return self._picture(self._handle, **self._options)

    def close(self) -> None:
        """Leave the page; the figure is emptied and kept for another panel. Idempotent."""
        if self._closed:
            return
        with self._lock:
            self._closed = True
        self._leave.close()

    def _answered(self, change: Any) -> None:
        if change["new"] and change["new"].get("trace_edit_id") == self.figure._last_trace_edit_id:  # noqa: SLF001
            self._loaded = True
            self._pace.answered(time.monotonic())
            self._ticket.wake()

    def _paint(self, now: float) -> float | None:
        with self._lock:
            if self._closed:
                return None
            if not self._view_count or not self._loaded:
                return now + 1.0
            due = max(self._next, self._pace.due())
            if now < due:
                return due
            made = self._made()
            try:
                if made is not None and _redrawn(self.figure, made):
                    self._pace.sent(time.monotonic())
                    release_route(self.figure)
            except Exception as error:  # noqa: BLE001 - shown in the panel; the next beat tries again
                _log.exception("A live picture could not be shown.")
                self._say(f"Could not show: {error}")
            self._next = now + max(self._every, _SHARE * (time.monotonic() - now))
            return self._next

    def _made(self) -> go.Figure | None:
        """The picture now; None, with the reason on the page, where it cannot be drawn."""
        try:
            made = self._picture(self._handle, **self._options)
        except PbxError as error:  # such as no calls yet
            self._say(str(error))
            return None
        # The box gives it its height, see `Frame`.
        self._height = int(made.layout.height or self._height)
        made.layout.update(height=None, width=None, autosize=True)
        ended = self._handle.status.state in (LineState.CLOSED, LineState.REFUSED)
        self._say("closed; run this cell again" if ended else "")
        return made

    def _say(self, text: str) -> None:
        self._note.value = clean(text, 300)


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
