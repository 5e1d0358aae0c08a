"""The row of tools above the timeline: choices, the way back to now, the legend. Holds no state but its widgets'."""

from __future__ import annotations

from typing import Any

import ipywidgets
import traitlets

from ..plotting.box import style_sheet
from ..style import STATES
from .figure import PHASES

__all__ = ["WINDOWS", "Tools"]

WINDOWS = {"1 min": 60.0, "5 min": 300.0, "15 min": 900.0, "1 h": 3600.0, "4 h": 14_400.0, "24 h": 86_400.0}
_WORDS = {"queued": "waiting"}


class Tools(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets publishes no types
    """Widgets bound to the traits of a timeline.

    Attributes:
        now: the button that leads back to now.
        note: a line of text, to be put below the picture.

    Args:
        timeline: whose traits ``window``, ``lane_by``, ``sort``, ``group_by``, ``filter``, ``collapse_idle`` are shown.
    """

    def __init__(self, timeline: Any) -> None:
        self.now = ipywidgets.Button(description="Back to now", layout={"width": "110px"}, disabled=True)
        self.note = ipywidgets.Label("", layout={"width": "auto"})
        self.note.add_class("pbxnb-note").add_class("mathjax_ignore")  # names of callers are no formulas
        self._unlinks: list[Any] = []
        self._parts = [
            self._choice(
                timeline, "window", {**WINDOWS, **_odd(timeline.window)}, "Window shown while following now", 90
            ),
            self._choice(
                timeline, "lane_by", {"extensions": "extension", "calls": "call", "queues": "queue"}, "Lanes", 110
            ),
            self._choice(
                timeline, "group_by", {"no groups": "", "by department": "department", "by type": "type"}, "Groups", 130
            ),
            self._choice(
                timeline, "sort", {"by number": "number", "by name": "name", "busy first": "busy"}, "Order", 110
            ),
            self._find(timeline),
            self._idle(timeline),
            self.now,
        ]
        self._row = ipywidgets.HBox(self._parts, layout={"flex_flow": "row wrap"})
        self._legend = ipywidgets.HTML(style_sheet() + _legend())
        super().__init__([self._row, self._legend])

    def close(self) -> None:
        """Close every widget, each with its layout and style; again, when it is collected, does nothing more."""
        while self._unlinks:
            self._unlinks.pop()()
        for widget in (*self._parts, self._row, self._legend, self.note):
            for part in (widget.layout, getattr(widget, "style", None)):
                if part is not None:
                    part.close()
            widget.close()
        self.layout.close()
        super().close()

    def _choice(self, timeline: Any, name: str, options: dict[str, Any], tip: str, width: int) -> Any:
        made = ipywidgets.Dropdown(
            options=list(options.items()), value=getattr(timeline, name), tooltip=tip, layout={"width": f"{width}px"}
        )

        def shown(change: Any) -> None:
            if change["new"] in options.values():
                made.value = change["new"]

        def chosen(change: Any) -> None:
            timeline.set_trait(name, change["new"])

        made.observe(chosen, "value")
        timeline.observe(shown, name)
        self._unlinks.append(lambda: timeline.unobserve(shown, name))
        return made

    def _find(self, timeline: Any) -> Any:
        made = ipywidgets.Text(
            timeline.filter, placeholder="Find lane", continuous_update=False, layout={"width": "130px"}
        )
        self._unlinks.append(traitlets.link((timeline, "filter"), (made, "value")).unlink)
        return made

    def _idle(self, timeline: Any) -> Any:
        made = ipywidgets.ToggleButton(bool(timeline.collapse_idle), description="Hide idle", layout={"width": "90px"})
        made.observe(lambda change: timeline.set_trait("collapse_idle", change["new"]), "value")
        return made


def _odd(window: float) -> dict[str, float]:
    """An entry for a window that is none of the usual ones."""
    return {} if window in WINDOWS.values() else {f"{window:g} s": window}


def _legend() -> str:
    chips = "".join(
        f'<span><i style="background:{STATES[name]};height:{5 if name in ("ringing", "queued") else 11}px"></i>'
        f"{_WORDS.get(name, name)}</span>"
        for name in PHASES
        if name != "other"
    )
    backs = (
        ("not registered", "#6f778255"),
        ("do not disturb", "#c0392b44"),
        ("line down", "repeating-linear-gradient(135deg,#9994 0 3px,#999b 3px 5px)"),
    )
    chips += "".join(f'<span><i style="background:{paint};height:11px"></i>{name}</span>' for name, paint in backs)
    return f'<div class="pbxnb-legend">{chips}</div>'
