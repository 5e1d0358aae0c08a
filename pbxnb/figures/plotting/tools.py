"""What stands around a live figure: its choices, the way back to now, the legend above it, and a line of text below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import traitlets

from pbxnb.text import clean
from pbxnb.ui.handle import Handle
from pbxnb.ui.live_panel import LivePanel

__all__ = ["Choice", "FigureTools"]


class Choice(NamedTuple):
    """A field bound to a trait.

    Attributes:
        name: of the trait.
        title: what it is for.
        options: words with their values, for a list to choose from; None for a field of text, or a switch.
    """

    name: str
    title: str
    options: dict[str, Any] | None = None


class FigureTools(LivePanel):
    """The tools of a figure: one row, the legend, and a note. Holds nothing but the note.

    Args:
        handle: the PBX.
        owner: whose traits the choices are.
        choices: in the order shown.
        legend: words with the paint and the height in pixels of their chips.
        back: called when somebody wants to go back to now; None for no such button.
    """

    scripts: ClassVar[tuple[str, ...]] = ("figures/plotting/tools.js",)
    sheets: ClassVar[tuple[str, ...]] = ("figures/plotting/tools.css",)

    def __init__(
        self,
        handle: Handle,
        owner: traitlets.HasTraits,
        choices: Sequence[Choice] = (),
        *,
        legend: Sequence[tuple[str, str, int]] = (),
        back: Callable[[], None] | None = None,
        **traits: Any,
    ) -> None:
        self._owner, self._choices, self._legend, self._back = owner, choices, legend, back
        self._names = [choice.name for choice in choices] + (["following"] if back else [])
        self.text: str = ""
        super().__init__(handle, _dom_classes=("pbxnb-host", "pbxnb-figure-tools"), **traits)

    def say(self, text: str) -> None:
        """Show a line below the figure."""
        if (cleaned := clean(text, 400)) != self.text:
            self.text = cleaned
            self.refresh(["note"])

    def _begin(self) -> None:
        super()._begin()
        if self._names:
            self._owner.observe(self._changed_trait, self._names)
            self._leave.callback(self._owner.unobserve, self._changed_trait, self._names)

    def _changed_trait(self, change: Any) -> None:
        self.refresh([change["name"]])

    def _state(self) -> dict[str, Any]:
        choices = [
            {"name": one.name, "title": one.title, "options": one.options and list(one.options.items())}
            for one in self._choices
        ]
        return {"choices": choices, "legend": self._legend, "note": self.text, **self._values(self._names)}

    def _batch(self, keys: set[str], whole: bool) -> dict[str, Any] | None:
        return ({"note": self.text} if "note" in keys else {}) | self._values(keys & {*self._names})

    def _values(self, names: Any) -> dict[str, Any]:
        return {"values": {name: getattr(self._owner, name) for name in names}}

    def _receive(self, message: dict[str, Any]) -> None:
        match message:
            case {"set": str(name), "to": value} if name in self._names:
                self._owner.set_trait(name, value)
            case {"back": True} if self._back is not None:
                self._back()
