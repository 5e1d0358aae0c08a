"""The base of every panel: how it begins, how it follows its handle, and how it leaves. Draws nothing itself.

A panel is an ipywidget bound to a `Handle`. One that draws itself in the page is a `LivePanel`; one that is composed
of other widgets is written ``class Board(Panel, ipywidgets.VBox)`` and makes its parts in ``_begin``.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, ClassVar, Final

import ipywidgets

from pbxnb.arguments import unknown_keyword
from pbxnb.forks import free_in_child

from .handle import Handle, handle_of
from .lane import Lane
from .options import explain, signature
from .static import show_twin
from .text import title_of
from .timing import Timing

__all__ = ["Panel"]


class _Signature:
    """The signature of a panel's class."""

    def __get__(self, _panel: object, kind: type[Panel]) -> inspect.Signature:
        return signature(kind, lambda one: issubclass(one, Panel))


class Panel(ipywidgets.DOMWidget):  # type: ignore[misc]  # ipywidgets publishes no types
    """A widget that shows a handle.

    A subclass sets its own fields before ``super().__init__(handle, **traits)`` and implements what it needs of
    ``_follow`` (listen; a listener runs on the I/O lane and may only mark and wake), ``_begin`` (make parts, each with
    `_own`) and ``_paint`` (on the UI lane). Whatever has to be undone is a callback of ``self._leave``.

    Args:
        handle: what it shows; see `pbxnb.ui.handle.Handle`.
        traits: values of traits; one that the class does not have is an error that names the nearest.
    """

    timing: ClassVar[Timing] = Timing()
    __signature__: Final = _Signature()

    _closed = True  # there is nothing to close yet

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        explain(cls)

    def __init__(self, handle: Handle, **traits: Any) -> None:
        for name in traits:
            if not self.has_trait(name):  # ipywidgets would drop it without a word
                known = [*inspect.signature(type(self)).parameters, "layout"]
                raise unknown_keyword(type(self).__name__, name, known)
        self._handle = handle = handle_of(handle)
        self._lock = free_in_child(threading.RLock())  # between a paint and the close
        self._leave = ExitStack()  # undone in reverse, once
        self._ticket = Lane.get().register(self._paint)
        self._closed = False
        try:
            self._leave.callback(self._leave_page, super().close)
            self._leave.callback(self._ticket.close)
            self._leave.callback(handle.until_rerun(self.close))
            self._follow(handle)  # first: what changes while the panel is made must not be lost
            super().__init__(**traits)
            self._begin()
        except BaseException:
            self.close()
            raise

    def _follow(self, handle: Handle) -> None:
        """Listen to the handle; each stop goes to ``self._leave``."""

    def _begin(self) -> None:
        """Make the parts; the widget itself is open."""

    def _own(self, part: Any) -> Any:
        """Close this part, and its layout, when the panel closes."""
        self._leave.callback(lambda: part.layout.close())
        self._leave.callback(part.close)
        return part

    def _paint(self, now: float) -> float | None:
        """Write what is new; ``now`` is monotonic. Returns when to be called again even if nobody wakes the panel."""
        return None

    def expect_view(self) -> None:
        """A page is about to show this panel: send before it says so, which a blocking cell may hold back."""

    def close(self) -> None:
        """Leave the page, the lane and the handle for good; idempotent, from any thread."""
        if self._closed:
            return
        with self._lock:
            self._closed = True
        self._leave.close()

    def _leave_page(self, close: Callable[[], None]) -> None:
        close()
        if "layout" in self._trait_values:  # else it was never made
            self.layout.close()

    def _plain(self) -> str:
        """One readable line, or a few, for hosts without a front end."""
        return f"{type(self).__name__} of {title_of(self._handle)}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        made = super()._repr_mimebundle_(**kwargs)
        if made is None:
            return None
        self.expect_view()
        (made[0] if isinstance(made, tuple) else made)["text/plain"] = lines = self._plain()
        drawn = (getattr(part, "uid", "") for part in (self, *getattr(self, "children", ())))
        show_twin(lines, self._saved, next(filter(None, drawn), ""))
        return made

    def _saved(self) -> str:
        """The panel as it is now for the notebook that a program runs, escaped HTML; empty where its lines say all."""
        return ""

    def __repr__(self) -> str:
        return f"<{self._plain()}>"
