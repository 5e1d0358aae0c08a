"""The command bar: buttons and fields that act on what is selected. Every command goes through the handle."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec
import traitlets

from pbxnb.errors import PbxError
from pbxnb.model.changes import Changes
from pbxnb.model.entities import Status
from pbxnb.protocol.commands import ACTIONS, CallRef, Situation, general
from pbxnb.text import clean
from pbxnb.ui.handle import Handle, PendingLike
from pbxnb.ui.text import title_of

from ..armed import ArmedPanel
from .attended import Attended, Prepared
from .choices import ABOUT, CHOICES, LABELS, ROWS, Typed, in_sight, meant, missing, prepared, situation
from .page import begin_in_page, page_phone, page_texts
from .words import MOST, call_text, orbit_menu, outcome_text, preview_texts, question_text, queue_menu, steps, subject

if TYPE_CHECKING:
    from ..call_list import CallList
    from ..grid import ExtensionGrid

__all__ = ["CommandBar"]

_QUESTION_SECONDS = 10.0  # seconds a question waits for its answer
_OUTCOMES = 3  # shown at a time
_MARKS = {"confirmed": "✓", "accepted": "✓", "unconfirmed": "?", "refused": "✗", "unknown": "?"}
_NO_QUESTION = frozenset({"complete", "cancel"})  # last of visible steps that say what they do: that was the question
_FACTS = ""  # the key of everything but the entries of the menu of calls, whose keys are ids


class CommandBar(ArmedPanel):
    """Buttons for everything that can be done with the selected call, extension, orbit and queue.

    Args:
        handle: the PBX.
        grid: its selected tile is the target of a transfer and the account of DND and queues; keys and drops ask here.
        calls: its selected row gives the call; keys and drops ask here. Without it the bar has a menu of calls.
        traits: any attribute below, and those of every panel.

    Attributes:
        armed: as of `pbxnb.widgets.armed.ArmedPanel`: whether a press sends.
        call: id of the call the buttons act on; empty when there is none.
        to: the number that is typed.
        text: the chat message that is typed.
        frame: the free frame that is typed.
        orbit: number of the orbit that is chosen.
        queue: number of the queue that is chosen.
        picked: id of the second call that is chosen.
        when: which calls are forwarded: ``all``, ``busy``, ``no_answer`` or ``unregistered``.

    Example:
        >>> bar = pbx.command_bar(calls=pbx.call_list())
        >>> bar.observe(lambda change: print(change.new), "call")
    """

    scripts: ClassVar[tuple[str, ...]] = (
        "ui/clipboard.js",
        "widgets/command_bar/bar_state.js",
        "widgets/command_bar/command_bar.js",
    )
    sheets: ClassVar[tuple[str, ...]] = ("widgets/command_bar/command_bar.css",)

    call: Final = traitlets.Unicode("", read_only=True)
    to = traitlets.Unicode("").tag(sync=True)
    text: Final = traitlets.Unicode("").tag(sync=True)
    frame: Final = traitlets.Unicode("").tag(sync=True)
    orbit: Final = traitlets.Unicode("").tag(sync=True)
    queue: Final = traitlets.Unicode("").tag(sync=True)
    picked: Final = traitlets.Unicode("").tag(sync=True)
    when: Final = traitlets.Enum([word for word, _ in CHOICES["when"]], "all").tag(sync=True)

    def __init__(
        self, handle: Handle, grid: ExtensionGrid | None = None, calls: CallList | None = None, **traits: Any
    ) -> None:
        self._grid, self._calls = grid, calls
        self._previewed, self._certain = "hangup", True
        self._busy: set[str] = set()
        self._question: tuple[str, Prepared, float] | None = None
        self._attended: Attended | None = None
        self._outcomes: list[tuple[str, str]] = []
        self._focused = (0, "")
        self._described: tuple[Any, dict[str, str]] = (None, {})
        self._sent: dict[str, Any] = {}  # what every page has, where that is certain
        self._menu: dict[str, str] = {}  # of that, the entries of the menu of calls
        super().__init__(handle, **traits)

    def _begin(self) -> None:
        super()._begin()
        self._leave.callback(self._handle.keep_read(queues=True, orbits=True))
        for panel in (self._grid, self._calls):
            if panel is not None:
                panel.observe(self._wake, "selected")
                self._leave.callback(panel.unobserve, self._wake, "selected")
        if self._calls is not None:
            self._leave.callback(self._calls.on_action(self._press))
        if self._grid is not None:
            self._leave.callback(self._grid.on_action(self._tile_action))

    @traitlets.observe("armed", "to", "text", "frame", "orbit", "queue", "picked", "when")
    def _wake(self, _change: object) -> None:
        self.refresh((_FACTS,))

    @property
    def reasons(self) -> dict[str, str]:
        """Why each button cannot be pressed now, one sentence; empty where it can. The keys are the buttons."""
        return self._reasons(self._situation())

    def request(self, action: str, call: str = "", to: str = "") -> None:
        """Do as if a button were pressed, for a given call and target; how keys and drops come in.

        A destructive one still asks first. From any thread.

        Args:
            action: a key of `reasons`.
            call: id of a call; empty for the selected one.
            to: number or orbit; empty for the typed or chosen one.
        """
        self._ticket.call(partial(self._press, action, call, to))

    # What the base asks.
    def _mark(self, changes: Changes) -> Iterable[str]:
        keys = set(changes.calls) if self._calls is None else set()
        if changes.calls or changes.conversations or changes.orbits or changes.queues or changes.accounts:
            keys.add(_FACTS)
        return keys

    def _status_changed(self, status: Status) -> None:
        super()._status_changed(status)
        self.refresh((_FACTS,))

    def _state(self) -> dict[str, Any]:
        self._sent = self._facts()
        calls = list(self._handle.snapshot().calls.values())[:MOST] if self._calls is None else []
        self._menu = {call.id: call_text(call) for call in calls}
        fixed = {"labels": LABELS, "rows": ROWS, "about": ABOUT, "choices": CHOICES, "own": self._calls is None}
        return {**fixed, **self._sent, "calls": self._menu}

    def _unsure(self) -> None:
        self._certain = False

    def _batch(self, keys: set[str], whole: bool) -> dict[str, Any] | None:
        part: dict[str, Any] = {}
        whole, self._certain = whole or not self._certain, True
        if _FACTS in keys:
            facts, known = self._facts(), {} if whole else self._sent
            for name, value in facts.items():
                old = known.get(name)
                if name == "why" and old is not None:
                    value = {button: why for button, why in value.items() if old.get(button) != why}
                if value != old and not (name == "why" and not value):
                    part[name] = value
            self._sent = facts
        entries = {}
        for id_ in keys - {_FACTS}:
            call = self._handle.calls.get(id_)
            text = call_text(call) if call is not None and (id_ in self._menu or len(self._menu) < MOST) else None
            if whole or self._menu.get(id_) != text:
                entries[id_] = text
            if text is None:
                self._menu.pop(id_, None)
            else:
                self._menu[id_] = text
        return part | ({"calls": entries} if entries else {}) or None

    def _read_inbox(self, now: float) -> bool:
        lost = super()._read_inbox(now)
        chosen = self._situation().call  # also while nobody looks
        self.set_trait("call", chosen.id if chosen is not None else "")
        return lost

    def _tick(self, now: float) -> float | None:
        if self._question is None:
            return None
        if now > self._question[2]:
            self._question = None
            self._dirty.mark((_FACTS,))
            return None
        return self._question[2] + 0.05

    def _receive(self, message: dict[str, Any]) -> None:
        match message:
            case {"press": str(name)} if name in LABELS:
                self._press(name)
            case {"answer": bool(yes)}:
                self._answer(yes)
            case {"preview": str(name)} if name in LABELS:
                self._previewed = name
                self._dirty.mark((_FACTS,))

    def _plain(self) -> str:
        return f"Command bar of {title_of(self._handle)}: {len(LABELS)} commands, {'' if self.armed else 'not '}armed"

    def _static(self) -> str:
        return ""

    # What there is and what it allows.

    def _situation(self, call: str = "", to: str = "", on: str = "") -> Situation:
        """What is selected and typed; a call, a target and a tile that are named stand before it."""
        tiles = [on] if on else self._grid.selected if self._grid is not None else []
        calls = ((self.picked,) if self.picked else ()) if self._calls is None else self._calls.selected_calls
        typed = Typed(**{name: getattr(self, name) for name in Typed.__struct_fields__})
        if self._attended is not None:
            self._attended = self._attended.advance(self._handle.calls)
        return situation(self._handle, typed, tiles, calls, call=call, to=to, own=not on)

    def _reasons(self, s: Situation) -> dict[str, str]:
        return {name: self._why_not(name, s) for name in LABELS}

    def _why_not(self, name: str, s: Situation) -> str:
        on_its_way = f"{LABELS[name]} is on its way." if name in self._busy else ""
        return general(s) or on_its_way or missing(name, s, self._attended, self._handle.calls)

    # Pressing.

    def _tile_action(self, action: str, number: str, call: str) -> None:
        if action == "drop":
            self._press("park" if number in self._handle.orbits else "transfer", call, number)
        elif action == "dial":
            self._press("dial", "", number)
        elif action == "chat":
            self.to = number
            self._focus("text")
        elif action in LABELS:
            action, call = meant(action, number, self._handle, self._fits)
            self._press(action, call, number if action == "park" and number in self._handle.orbits else "", number)

    def _fits(self, name: str, call: str, number: str) -> bool:
        return not self._why_not(name, self._situation(call, "", number))

    def _press(self, name: str, call_id: str = "", to: str = "", on: str = "") -> None:
        s = self._situation(call_id, to, on)
        if call_id and s.call is None:
            s = msgspec.structs.replace(s, several=False)
        why = self._why_not(name, s) if name in LABELS else "There is no such command."
        wanted = None if why else prepared(name, s, self._attended, self._handle.calls)
        if wanted is None:
            self._previewed = name if name in LABELS else self._previewed
            self._note_outcome("✗", f"{LABELS.get(name, name)}: {why}")
            if name in ("transfer", "park"):
                self._focus("to" if name == "transfer" else "orbit")
            return
        try:
            asks = self._handle.preview(wanted.name, *wanted.args, **wanted.kw).destructive
        except PbxError as error:
            self.report(error)
            return
        if asks and name not in _NO_QUESTION:
            self._question = (name, wanted, time.monotonic() + _QUESTION_SECONDS)
            self._previewed = name
        elif name == "consult" and s.call is not None:
            self._consult(s.call, s.target, wanted)
        else:
            self._start(name, wanted)
        self.refresh((_FACTS,))

    def _answer(self, yes: bool) -> None:
        question, self._question = self._question, None
        if question is not None and yes:
            # A minute may have passed in a blocked kernel: what was asked about must still be there.
            if time.monotonic() <= question[2] and self._still(question[1]) and self.armed:
                self._start(question[0], question[1])
            else:
                self._note_outcome(
                    "?", f"{LABELS[question[0]]} was not sent: too late, disarmed, or its call has ended."
                )
        self.refresh((_FACTS,))

    def _still(self, wanted: Prepared) -> bool:
        return not wanted.call or wanted.call in self._handle.calls

    def _consult(self, first: CallRef, target: str, dial: Prepared) -> None:
        account = dial.kw["account"]
        self._attended = Attended.begin(first, target, account, self._handle.snapshot().calls)
        if first.state == "connected":
            self._start("consult", Prepared("hold", (first.id,), {"account": account}), then=dial)
        else:
            self._start("consult", dial)

    def _start(self, name: str, wanted: Prepared, then: Prepared | None = None) -> None:
        if (phone := page_phone(self._handle, wanted)) is not None:
            begin_in_page(phone, wanted)
            if then is not None:
                self._start(name, then)
            return
        try:
            pending = self._handle.command(wanted.name, *wanted.args, **wanted.kw)
        except PbxError as error:
            self.report(error)
            self._give_up(name)
            return
        self._busy.add(name)
        pending.add_done_callback(lambda done: self._ticket.call(partial(self._done, name, wanted, then, done)))

    def _done(self, name: str, wanted: Prepared, then: Prepared | None, pending: PendingLike) -> None:
        self._busy.discard(name)
        try:
            outcome = pending.result(0)
        except Exception as error:  # noqa: BLE001 - shown in the strip; a command that failed must not stop the lane
            self.report(error)
            self._give_up(name)
        else:
            good = str(outcome.status) in ("confirmed", "accepted")
            self._note_outcome(_MARKS.get(str(outcome.status), "?"), outcome_text(LABELS[name], outcome))
            if good and then is not None:
                self._start(name, then)
            elif not good:
                self._give_up(name)
            elif name == "complete":
                self._attended = None
            elif name == "cancel" and self._attended is not None:
                first, account, self._attended = self._attended.first, self._attended.account, None
                if (call := self._handle.calls.get(first)) is not None and call.state == "held":
                    self._start("resume", Prepared("resume", (first,), {"account": account}))
        self.refresh((_FACTS,))

    def _give_up(self, name: str) -> None:
        """A consultation that could not begin is none."""
        if name == "consult" and self._attended is not None and not self._attended.second:
            self._attended = None

    # What it says.

    def _note_outcome(self, mark: str, text: str) -> None:
        self._outcomes = [(mark, clean(text, 300)), *self._outcomes][:_OUTCOMES]
        self.refresh((_FACTS,))

    def _focus(self, field: str) -> None:
        self._focused = (self._focused[0] + 1, field)
        self.refresh((_FACTS,))

    def _facts(self) -> dict[str, Any]:
        """Everything the page shows but the menu of calls, by name."""
        handle = self._handle
        if self._question is not None and not self._still(self._question[1]):
            self._question = None
        s = self._situation()
        reasons = self._reasons(s)
        question = None
        if self._question is not None:
            name, wanted, _ = self._question
            effect = handle.preview(wanted.name, *wanted.args, **wanted.kw).effect
            question = [name, question_text(LABELS[name], wanted, handle), clean(effect, 200)]
        return {
            "subject": subject(s, handle.accounts),
            "why": reasons,
            "sight": in_sight(s, self._attended, handle.calls),
            "words": {
                name: action.command.labels[1 if getattr(s, action.command.turns) else 0]
                for name, action in ACTIONS.items()
                if action.command.turns
            },
            "target": clean(s.target, 40),
            "account": clean(s.account, 40),
            "busy": sorted(self._busy),
            "preview": self._preview(s, reasons),
            "outcomes": list(self._outcomes),
            "attended": steps(self._attended, handle.calls),
            "question": question,
            "orbits": orbit_menu(handle.orbits.values()),
            "queues": queue_menu(handle.queues.values()),
            "locked": "" if handle.control else general(s),
            "focus": self._focused,
        }

    def _preview(self, s: Situation, reasons: dict[str, str]) -> dict[str, str]:
        name, wanted = self._previewed, prepared(self._previewed, s, self._attended, self._handle.calls)
        if self._question is not None:
            name, wanted, _ = self._question
        if wanted is None:
            # The switch and the line do not matter here: what is missing does.
            return {"name": name, "problem": missing(name, s, self._attended, self._handle.calls) or reasons[name]}
        if page_phone(self._handle, wanted) is not None:
            return {"name": name, **page_texts(wanted)}
        key = (wanted.name, repr(wanted.args), repr(wanted.kw))
        if self._described[0] != key:
            try:
                texts = preview_texts(self._handle.preview(wanted.name, *wanted.args, **wanted.kw))
            except PbxError as error:
                texts = {"problem": str(error)[:4000]}
            self._described = (key, texts)
        return {"name": name, **self._described[1]}
