"""The command bar: ipywidgets buttons and fields that act on what is selected. Every command goes through the handle.

Only the UI lane writes its widgets; a click, wherever the kernel runs it, is handed to the lane.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets
import msgspec
import traitlets

from pbxnb.errors import PbxError
from pbxnb.model.changes import Changes
from pbxnb.model.entities import Call
from pbxnb.model.status import LineState, Status
from pbxnb.ui.handle import Handle, PendingLike, handle_of
from pbxnb.ui.lane import Lane
from pbxnb.ui.static import Static, document
from pbxnb.ui.text import clean

from .attended import Attended
from .command_fields import CommandFields
from .command_notes import CommandNotes
from .command_words import asked, steps, subject, told
from .enabling import ACTS, CONSULTING, LABELS, Situation, why_not
from .grid.tiles import calls_of
from .orders import Order, describe, order, party_of

if TYPE_CHECKING:
    from .call_list import CallList
    from .grid import ExtensionGrid

__all__ = ["CommandBar"]

ASK_FOR = 10.0  # seconds a question waits for its answer
_OUTCOMES = 3  # shown at a time
_MARKS = {"confirmed": "✓", "accepted": "✓", "unconfirmed": "?", "refused": "✗", "unknown": "?"}
# Their button is the last of visible steps that say what it will do: that was the question.
_ASKED_ALREADY = frozenset({"complete", "cancel"})
_LIVE = (LineState.LIVE, LineState.STALE)


class CommandBar(ipywidgets.VBox):  # type: ignore[misc] # ipywidgets publishes no types
    """Buttons for everything that can be done with the selected call, extension, orbit and queue.

    Args:
        handle: the PBX.
        grid: its one selected tile gives the target of a transfer, the account of DND and queues, and without a
            selected call the call; keys and drops on its tiles ask here.
        calls: its selected row gives the call; keys and drops ask here.
        traits: any attribute below, and those of a VBox.

    Attributes:
        armed: whether a press sends. Cannot be switched on for a handle without control; on at first where the PBX is
            simulated, off where it is real.
        call: id of the call the buttons act on; empty when there is none.
        theme, density: as of every panel.

    Example:
        >>> bar = pbx.command_bar(calls=calls)  # doctest: +SKIP
        >>> bar.observe(lambda change: print(change.new), "call")  # doctest: +SKIP
    """

    armed = traitlets.Bool(False)
    call = traitlets.Unicode("", read_only=True)
    theme = traitlets.Enum(("auto", "light", "dark"), "auto")
    density = traitlets.Enum(("comfortable", "compact"), "comfortable")

    def __init__(
        self, handle: Handle, grid: ExtensionGrid | None = None, calls: CallList | None = None, **traits: Any
    ) -> None:
        self._handle = handle = handle_of(handle)
        self._grid, self._calls = grid, calls
        self._look = "hangup"
        self._busy: set[str] = set()
        self._asking: tuple[str, Order, float] | None = None
        self._attended: Attended | None = None
        self._outcomes: list[tuple[str, str]] = []
        self._shown: dict[str, Any] = {}
        self._closed = False
        self._stops: list[Callable[[], None]] = []
        self.notes = CommandNotes(handle, self._look_at)
        self.parts = CommandFields(self._pressed, self._answered, self._wake, own_call=calls is None)
        traits.setdefault("armed", handle.control and handle.simulated)
        super().__init__(
            [self.parts.arm, *self.parts.rows, self.notes], _dom_classes=("pbxnb", "pbx-command-bar"), **traits
        )
        self._ticket = Lane.get().register(self._paint)
        traitlets.link((self, "theme"), (self.notes, "theme"))
        traitlets.link((self, "density"), (self.notes, "density"))
        traitlets.link((self, "armed"), (self.parts.arm, "value"))
        self.parts.arm.disabled = not handle.control
        self._follow()
        self._paint(time.monotonic())
        self.parts.release_routes()

    @property
    def buttons(self) -> dict[str, ipywidgets.Button]:
        """The buttons by act: a command of the handle, or ``consult``, ``complete``, ``cancel``, ``queue_logout``."""
        return self.parts.buttons

    @traitlets.validate("armed")
    def _check_armed(self, proposal: Any) -> bool:
        return bool(proposal["value"]) and self._handle.control

    @traitlets.observe("armed")
    def _armed_changed(self, _change: Any) -> None:
        self._wake()

    def request(self, act: str, call: str = "", to: str = "") -> None:
        """Do as if the button of ``act`` were pressed, for a given call and target; how keys and drops come in.

        A destructive act still asks first. From any thread.

        Args:
            act: a key of `buttons`.
            call: id of a call; empty for the selected one.
            to: number or orbit; empty for the typed or chosen one.
        """
        self._ticket.call(partial(self._press, act, call, to))

    def report(self, error: BaseException | str) -> None:
        """Show an error in the bar's own strip; from any thread."""
        self.notes.report(error)

    def snapshot(self) -> Static:
        """Return a line of static, safe HTML that says what the bar stood at."""
        at = self._handle.clock.now().timestamp()
        return document("Command bar", clean(self._handle.name), "", at)

    def close(self) -> None:
        """Leave the page, the lane, the handle and the other panels for good; idempotent."""
        if getattr(self, "_closed", True):
            return
        self._closed = True
        for stop in self._stops:
            stop()
        self._ticket.close()
        self.notes.close()
        self.parts.close()
        layout = self.layout
        super().close()
        layout.close()

    # From other lanes: hand over, nothing else.

    def _follow(self) -> None:
        handle, grid, calls = self._handle, self._grid, self._calls
        self._stops += [handle.watch(self._changed), handle.watch_status(self._status_changed)]
        self._stops.append(handle.keep_read(queues=True, orbits=True))
        for panel in (grid, calls):
            if panel is not None:
                panel.observe(self._wake, "selected")
                self._stops.append(partial(panel.unobserve, self._wake, "selected"))
        if calls is not None:
            self._stops.append(calls.on_action(self._asked_by_row))
        if grid is not None:
            self._stops.append(grid.on_action(self._asked_by_tile))

    def _wake(self, *_: object) -> None:
        if hasattr(self, "_ticket"):
            self._ticket.nudge()

    def _changed(self, changes: Changes) -> None:
        if changes.calls or changes.conversations or changes.orbits or changes.queues or changes.accounts:
            self._ticket.wake()

    def _status_changed(self, _status: Status) -> None:
        self._ticket.wake()

    def _pressed(self, act: str) -> None:
        self._ticket.call(partial(self._press, act))

    def _answered(self, yes: bool) -> None:
        self._ticket.call(partial(self._answer, yes))

    # On the UI lane.

    def _look_at(self, act: str) -> None:
        self._look = act
        self._wake()

    def _asked_by_row(self, act: str, call: str, to: str) -> None:
        self._press(act, call, to)

    def _asked_by_tile(self, action: str, number: str, call: str) -> None:
        if action == "drop":
            self._press("park" if number in self._handle.orbits else "transfer", call, number)
        elif action == "dial":
            self._press("dial", "", number)
        elif action == "chat":
            self.parts.to.value = number
            self._focus("text")
        elif action in LABELS:
            act, call = self._meant(action, number)
            self._press(act, call, number if act == "park" and number in self._handle.orbits else "", number)

    def _meant(self, action: str, number: str) -> tuple[str, str]:
        """The act and the call that a key on a tile means: of its calls, as the tile tells them, the first it fits."""
        account = self._handle.accounts.get(number)
        mine = calls_of(account, self._handle.calls) if account is not None else []
        acts = [("resume" if action == "hold" and call.state == "held" else action, call.id) for call in mine]
        fitting = (found for found in acts if not why_not(self._situation(found[1], "", number))[found[0]])
        return next(fitting, acts[0] if acts else (action, ""))

    def _situation(self, call_id: str = "", to: str = "", on: str = "") -> Situation:
        handle, parts = self._handle, self.parts
        calls, accounts = handle.calls, handle.accounts
        tiles = [on] if on else self._grid.selected if self._grid is not None else []
        tile = accounts.get(tiles[0]) if len(tiles) == 1 else None
        picked = (parts.pick.value,) if parts.pick.value else ()
        chosen = picked if self._calls is None else self._calls.selected_calls
        found = [calls[id_] for id_ in chosen or (tile.calls if tile is not None else ()) if id_ in calls]
        call = calls.get(call_id) if call_id else found[0] if len(found) == 1 else None
        if self._attended is not None:
            self._attended = self._attended.advance(calls)
        target = to or parts.to.value.strip()
        if not target and tile is not None and (call is None or tile.number not in call.extensions):
            target = tile.number
        ours = not on and (tile is None or tile.type != "extensions")
        attended = self._attended if self._attended and not self._attended.over else None
        return Situation(
            control=handle.control,
            armed=self.armed,
            live=handle.status.state in _LIVE,
            user=handle.user,
            call=call,
            several=len(found) > 1 and not call_id,
            target=target,
            acts_as=accounts.get(handle.user) if ours else tile,
            orbit=handle.orbits.get(to or parts.orbit.value or ""),
            queue=handle.queues.get(parts.queue.value or ""),
            text=parts.text.value,
            frame=parts.frame.value,
            consulting=attended is not None,
            consulted=attended.consulted(calls) if attended else None,
            busy=frozenset(self._busy),
        )

    def _paint(self, now: float) -> float | None:
        if self._closed:
            return None
        try:
            self.parts.offer(self._handle.snapshot())
            situation = self._situation()
            reasons = why_not(situation)
            told = reasons if situation.consulting else {act: reasons[act] for act in ACTS if act not in CONSULTING}
            if self._asking is not None and (now > self._asking[2] or not self._still(self._asking[1])):
                self._asking = None
            self.set_trait("call", situation.call.id if situation.call else "")
            effect = self._effect_of(self._asking)
            self.parts.show(situation, reasons, self._asking[0] if self._asking else "", effect)
            self.notes.tell(
                subject=subject(situation, self._handle.accounts),
                reasons={LABELS[act]: why for act, why in told.items() if why},
                preview=self._preview(situation, reasons),
                outcomes=list(self._outcomes),
                attended=steps(self._attended, self._handle.calls),
                asking=[self._asking[0], asked(*self._asking[:2], self._handle), effect] if self._asking else None,
                armed=self.armed,
            )
        except Exception as error:  # noqa: BLE001 - shown in the strip; the next change tries again
            self.report(error)
        return self._asking[2] + 0.05 if self._asking else None

    def _press(self, act: str, call_id: str = "", to: str = "", on: str = "") -> None:
        situation = self._situation(call_id, to, on)
        if call_id and situation.call is None:
            situation = msgspec.structs.replace(situation, several=False)
        why = why_not(situation).get(act, "There is no such command.")
        wanted = None if why else order(act, situation, self._attended, self._handle.calls)
        if wanted is None:
            self._look = act if act in LABELS else self._look
            self._say("✗", f"{LABELS.get(act, act)}: {why}")
            if act in ("transfer", "park"):
                self._focus("to" if act == "transfer" else "orbit")
            return
        try:
            asks = self._handle.preview(wanted.name, *wanted.args, **wanted.kw).destructive
        except PbxError as error:
            self.report(error)
            return
        if asks and act not in _ASKED_ALREADY:
            self._asking = (act, wanted, time.monotonic() + ASK_FOR)
            self._look = act
        elif act == "consult" and situation.call is not None:
            self._consult(situation.call, situation.target, wanted)
        else:
            self._go(act, wanted)
        self._ticket.nudge()

    def _answer(self, yes: bool) -> None:
        asking, self._asking = self._asking, None
        if asking is not None and yes:
            # A minute may have passed in a blocked kernel: what was asked about must still be there.
            if time.monotonic() <= asking[2] and self._still(asking[1]) and self.armed:
                self._go(asking[0], asking[1])
            else:
                self._say("?", f"{LABELS[asking[0]]} was not sent: the question was too old, or its call has ended.")
        self._ticket.nudge()

    def _still(self, wanted: Order) -> bool:
        return not wanted.needs() or wanted.needs() in self._handle.calls

    def _consult(self, first: Call, target: str, dial: Order) -> None:
        account = party_of(first, self._handle.user)
        self._attended = Attended.begin(first, target, account, self._handle.snapshot().calls)
        if first.state == "connected":
            self._go("consult", Order("hold", (first.id,), {"account": account}), then=dial)
        else:
            self._go("consult", dial)

    def _go(self, act: str, wanted: Order, then: Order | None = None) -> None:
        try:
            pending = self._handle.command(wanted.name, *wanted.args, **wanted.kw)
        except PbxError as error:
            self.report(error)
            self._over(act)
            return
        self._busy.add(act)
        pending.add_done_callback(lambda done: self._ticket.call(partial(self._done, act, wanted, then, done)))

    def _done(self, act: str, wanted: Order, then: Order | None, pending: PendingLike) -> None:
        self._busy.discard(act)
        try:
            outcome = pending.result(0)
        except Exception as error:  # noqa: BLE001 - shown in the strip; a command that failed must not stop the lane
            self.report(error)
            self._over(act)
        else:
            good = str(outcome.status) in ("confirmed", "accepted")
            self._say(_MARKS.get(str(outcome.status), "?"), told(LABELS[act], outcome))
            if good and then is not None:
                self._go(act, then)
            elif not good:
                self._over(act)
            elif act == "complete":
                self._attended = None
            elif act == "cancel" and self._attended is not None:
                first, account, self._attended = self._attended.first, self._attended.account, None
                if (call := self._handle.calls.get(first)) is not None and call.state == "held":
                    self._go("resume", Order("resume", (first,), {"account": account}))
        self._ticket.nudge()

    def _over(self, act: str) -> None:
        """A consultation that could not begin is none."""
        if act == "consult" and self._attended is not None and not self._attended.second:
            self._attended = None

    # What it says.

    def _say(self, mark: str, text: str) -> None:
        self._outcomes = [(mark, clean(text, 300)), *self._outcomes][:_OUTCOMES]
        self._ticket.nudge()

    def _focus(self, field: str) -> None:
        count = (self.notes.told("focus") or [0])[0]
        self.notes.tell(focus=[count + 1, field])

    def _effect_of(self, asking: tuple[str, Order, float] | None) -> str:
        if asking is None:
            return ""
        wanted = asking[1]
        return clean(self._handle.preview(wanted.name, *wanted.args, **wanted.kw).effect, 200)

    def _preview(self, situation: Situation, reasons: dict[str, str]) -> dict[str, str]:
        act, wanted = self._look, order(self._look, situation, self._attended, self._handle.calls)
        if self._asking is not None:
            act, wanted, _ = self._asking
        if wanted is None:
            # The switch and the line do not matter here: what is missing does.
            free = msgspec.structs.replace(situation, control=True, armed=True, live=True, busy=frozenset())
            return {"act": act, "problem": why_not(free)[act] or reasons[act]}
        key = (wanted.name, repr(wanted.args), repr(wanted.kw))
        if self._shown.get("key") != key:
            try:
                texts = describe(self._handle.preview(wanted.name, *wanted.args, **wanted.kw))
            except PbxError as error:
                texts = {"problem": str(error)}
            self._shown = {"key": key, "texts": {name: text[:4000] for name, text in texts.items()}}
        return {"act": act, **self._shown["texts"]}

    def __repr__(self) -> str:
        armed = "armed" if self.armed else "not armed"
        return f"<Command bar of {clean(self._handle.name)}: {len(ACTS)} commands, {armed}>"
