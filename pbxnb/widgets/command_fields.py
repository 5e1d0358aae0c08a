"""The ipywidgets of the command bar: buttons, fields, the arm switch and the question in place. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import ipywidgets

from pbxnb.model.entities import Snapshot
from pbxnb.ui.kernel import release_route
from pbxnb.ui.text import clean, party_text

from .enabling import CONSULTING, LABELS, Situation

__all__ = ["CommandFields"]

_ON_CALL = ("answer", "reject", "hold", "resume", "pickup", "record", "hangup")
_TO = ("dial", "transfer", "consult", "complete", "cancel")
_MORE = ("dnd", "queue_login", "queue_logout", "chat", "send")
_DANGER = frozenset({"hangup", "reject", "confirm"})
_MOST = 200  # entries of a menu


class CommandFields:
    """Makes and changes the widgets; every write happens where the owner calls from: the UI lane.

    Args:
        press: called with the act of a pressed button, in whatever thread the kernel serves clicks.
        answer: called with True or False when the question was answered.
        typed: called when a field changed.
        own_call: offer a menu of calls, because no call list says which one is meant.
    """

    def __init__(
        self,
        press: Callable[[str], None],
        answer: Callable[[bool], None],
        typed: Callable[..., None],
        *,
        own_call: bool,
    ) -> None:
        self._made: list[ipywidgets.DOMWidget] = []
        self._options: dict[str, list[tuple[str, str]]] = {}
        self._descriptions = dict(LABELS)
        self.buttons = {act: self._button(act, partial(press, act)) for act in LABELS}
        self.keep = self._button("keep", partial(answer, False))
        self.confirm = self._button("confirm", partial(answer, True))
        self.arm = self._made_here(ipywidgets.ToggleButton(icon="", _dom_classes=("pbx-arm",)))
        self.more = self._made_here(ipywidgets.ToggleButton(description="More", _dom_classes=("pbx-more",)))
        self.to = self._field(ipywidgets.Text, "to", "Number or extension")
        self.text = self._field(ipywidgets.Text, "text", "Message")
        self.frame = self._field(ipywidgets.Textarea, "frame", '{"action": "get-calls"}')
        self.pick = self._menu("pick")
        self.orbit = self._menu("orbit")
        self.queue = self._menu("queue")
        for field in (self.to, self.text, self.frame, self.pick, self.orbit, self.queue, self.more):
            field.observe(typed, "value")
        pick = (self.pick,) if own_call else ()
        by = self.buttons
        self._lines: list[list[ipywidgets.DOMWidget]] = [
            [*pick, *(by[act] for act in _ON_CALL)],
            [self.to, *(by[act] for act in _TO), self.orbit, by["park"], by["retrieve"], self.more],
            [
                by["dnd"],
                self.queue,
                by["queue_login"],
                by["queue_logout"],
                self.text,
                by["chat"],
                self.frame,
                by["send"],
            ],
        ]
        self.rows = [self._made_here(ipywidgets.HBox(line, _dom_classes=("pbx-cmd-row",))) for line in self._lines]

    def offer(self, model: Snapshot) -> None:
        """Fill the menus with the calls, orbits and queues there are; what was chosen stays chosen."""
        calls = [
            (clean(f"{party_text(c.from_, 30) or '?'} → {party_text(c.to, 30) or '?'} · {c.state}", 90), c.id)
            for c in model.calls.values()
        ]
        orbits = [
            (clean(f"{_label('Orbit', o.number, o.name)} · {'taken' if o.parked else 'free'}", 60), o.number)
            for o in model.orbits.values()
        ]
        queues = [(clean(_label("Queue", q.number, q.name), 60), q.number) for q in model.queues.values()]
        self._fill(self.pick, "pick", [("No call", ""), *calls])
        self._fill(self.orbit, "orbit", orbits or [("No orbit", "")])
        self._fill(self.queue, "queue", queues or [("No queue", "")])

    def show(self, situation: Situation, reasons: dict[str, str], asking: str, effect: str) -> None:
        """Bring every button to what can be done now.

        Args:
            situation: what is selected.
            reasons: why each act cannot be done; empty where it can.
            asking: the act that waits for a yes; empty when none does.
            effect: what a yes will do.
        """
        call, acts_as = situation.call, situation.acts_as
        self._descriptions["record"] = "Stop recording" if call is not None and call.recording else "Record"
        self._descriptions["dnd"] = "DND off" if acts_as is not None and acts_as.dnd else "DND on"
        for act, button in self.buttons.items():
            busy = act in situation.busy
            button.disabled = bool(reasons[act])
            button.tooltip = reasons[act] or self._tip(act, situation)
            button.description = self._descriptions[act] + (" …" if busy else "")
            (button.add_class if busy else button.remove_class)("pbx-busy")
        for act in CONSULTING:
            self.buttons[act].layout.display = "" if situation.consulting else "none"
        self.confirm.description = f"Yes, {LABELS[asking].lower()}" if asking else ""
        self.confirm.tooltip = effect
        self.keep.description = "No"
        self.arm.description = "Armed" if situation.armed else "Not armed"
        self.arm.tooltip = "" if situation.control else reasons["hangup"]
        self.rows[2].layout.display = "" if self.more.value else "none"
        for row, line in zip(self.rows, self._lines, strict=True):
            children = tuple(line)
            if asking and (button := self.buttons[asking]) in children:
                at = children.index(button)
                # "No" takes the button's place: a double click must not say yes.
                children = (*children[:at], self.keep, self.confirm, *children[at + 1 :])
            if row.children != children:
                row.children = children

    def release_routes(self) -> None:
        """Let clicks be served while a cell blocks (see `pbxnb.ui.kernel`)."""
        for widget in self._made:
            release_route(widget)

    def close(self) -> None:
        """Close every widget with its layout and style."""
        for widget in self._made:
            parts = [part for part in (getattr(widget, "style", None), widget.layout) if part is not None]
            widget.close()
            for part in parts:
                part.close()

    def _tip(self, act: str, situation: Situation) -> str:
        number = situation.acts_as.number if situation.acts_as is not None else ""
        if act in ("dnd", "queue_login", "queue_logout"):
            return f"For {number}"
        if act in ("dial", "transfer", "consult", "chat"):
            return f"To {clean(situation.target, 40)}"
        return ""

    def _fill(self, menu: ipywidgets.Dropdown, name: str, options: list[tuple[str, str]]) -> None:
        options = options[:_MOST]
        if self._options.get(name) == options:
            return
        self._options[name] = options
        chosen, values = menu.value, [value for _, value in options]
        with menu.hold_sync():
            menu.options = options
            menu.value = chosen if chosen in values else values[0]

    def _button(self, act: str, press: Callable[[], None]) -> ipywidgets.Button:
        danger = ("pbx-danger",) if act in _DANGER else ()
        classes = ("pbx-cmd", f"pbx-cmd-{act}", *danger)
        button = ipywidgets.Button(description=LABELS.get(act, act), _dom_classes=classes)
        button.on_click(lambda _button: press())
        return self._made_here(button)

    def _field(self, kind: Any, name: str, placeholder: str) -> Any:
        return self._made_here(kind(placeholder=placeholder, _dom_classes=("pbx-field", f"pbx-field-{name}")))

    def _menu(self, name: str) -> ipywidgets.Dropdown:
        empty = [("", "")]
        return self._made_here(ipywidgets.Dropdown(options=empty, _dom_classes=("pbx-field", f"pbx-field-{name}")))

    def _made_here(self, widget: Any) -> Any:
        self._made.append(widget)
        return widget


def _label(kind: str, number: str, name: str) -> str:
    """Number and name, said once: many a PBX names orbit 71 "Orbit 71"."""
    return name if number in name else f"{kind} {number} {name}".rstrip()
