"""Plays a scenario on the PBX inside, step by step on the virtual clock.

The numbers a scenario names belong to it while it plays: their users do nothing by themselves, and they begin without
calls. A step that the PBX does not carry out ends the scenario with an error that names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from pbxnb.errors import PbxError, ScenarioError
from pbxnb.signals import Signal
from pbxnb.text import clean_logger

from .engine.accounts import SimAccount, SimAttendant, SimExtension, SimHuntGroup, SimOrbit, SimQueue
from .engine.calls import ChangeKind, SimChange
from .engine.clock import SimTimer
from .engine.pbx import SimPbx
from .scenarios import VERBS, Scenario, ScenarioStep
from .traffic import SimUsers

__all__ = ["ScenarioRun", "StartFault"]

_log = clean_logger("pbxnb.simulator")

StartFault = Callable[[str, Mapping[str, str | float | bool]], object]
"""Makes something break: the fault's name and its options."""

ROLES: dict[str, type[SimAccount]] = {
    "ext": SimExtension,
    "queue": SimQueue,
    "orbit": SimOrbit,
    "group": SimHuntGroup,
    "menu": SimAttendant,
}
ROLE = re.compile(r"(ext|queue|orbit|group|menu)([1-9]\d{0,5})")
NUMBERS = ("from", "to", "by", "orbit", "queue")
ON_NUMBER = ("retrieve", "dnd", "status", "register", "unregister", "login", "logout")


class ScenarioRun:
    """One scenario being played on one PBX.

    Args:
        scenario: what to play.
        pbx: where.
        users: who leave its numbers alone meanwhile; None when nobody acts anyway.
        fault: what the verb ``fault`` calls; without it such a scenario cannot be played.
        user: the number that ``me`` means; by default the first extension.

    Attributes:
        calls: the id of each label's call; a call that goes on under another id keeps its label.
        log: what was done: pairs of seconds from the start and a line.
        done: the last step is over, or an error or `stop` ended it.
        error: why it ended early; None while all is well.

    Raises:
        ScenarioError: the PBX lacks something the scenario names; nothing has happened then.
    """

    def __init__(
        self,
        scenario: Scenario,
        pbx: SimPbx,
        *,
        users: SimUsers | None = None,
        fault: StartFault | None = None,
        user: str = "",
    ) -> None:
        self.scenario = scenario
        self.calls: dict[str, str] = {}
        self.log: list[tuple[float, str]] = []
        self.done = False
        self.error: ScenarioError | None = None
        self._pbx = pbx
        self._fault = fault
        self._user = user
        self._begin = pbx.clock.now
        self._ended: Signal[ScenarioRun] = Signal()
        self._names = self._resolve()
        numbers = set(self._names.values())
        self._release = users.reserve(*numbers) if users else lambda: None
        self._leave = pbx.changed.add(self._on_change)
        self._successor = ""
        self._clear(numbers)
        self._timers: list[SimTimer] = [pbx.clock.at(step.at, partial(self._play, step)) for step in scenario.steps]
        if not self._timers:
            self._finish()

    def __repr__(self) -> str:
        state = f"failed: {self.error}" if self.error else "done" if self.done else "playing"
        return f"<ScenarioRun of {self.scenario.name!r}: {len(self.log)} of {len(self.scenario.steps)} steps, {state}>"

    def when_done(self, fn: Callable[[ScenarioRun], object]) -> None:
        """Call ``fn`` with this run at its end; at once when it has ended."""
        if self.done:
            fn(self)
        else:
            self._ended.add(fn)

    def stop(self) -> None:
        """Play no further step. Calls in progress stay, and their users act by themselves again."""
        for timer in self._timers:
            timer.cancel()
        self._finish()
        self._let_go()

    # -- preparing -----------------------------------------------------------------------------------------------

    def _resolve(self) -> dict[str, str]:
        """Every number that a step names, as the PBX knows it."""
        names: dict[str, str] = {}
        labels = {step.word for step in self.scenario.steps if step.verb == "call"}
        for step in self.scenario.steps:
            if step.verb == "fault" and self._fault is None:
                raise self._wrong(step, "cannot be played here, where nothing can break")
            words = [step.word] if step.verb in ON_NUMBER else []
            if step.verb not in ("status", "fault"):
                words += [step.text(option) for option in NUMBERS if option in step.options]
            for word in words:
                if word not in labels:
                    names[word] = self._number(step, word)
            self._check(step, names)
        return names

    def _check(self, step: ScenarioStep, names: Mapping[str, str]) -> None:
        """What is done to an extension, a queue or an orbit needs one."""
        needs: list[tuple[str, type[SimAccount]]] = []
        if step.verb in ON_NUMBER:
            needs.append((step.word, SimOrbit if step.verb == "retrieve" else SimExtension))
        needs += [(step.text(o), kind) for o, kind in (("queue", SimQueue), ("orbit", SimOrbit)) if o in step.options]
        for word, kind in needs:
            if step.verb != "fault" and not isinstance(self._pbx.accounts.get(names.get(word, word)), kind):
                raise self._wrong(step, f"names {word!r}, which is no {kind.__name__[3:].lower()} of this PBX")

    def _number(self, step: ScenarioStep, word: str) -> str:
        number = word.partition(" ")[0]
        if number == "me":
            number = self._user or "ext1"
        role = ROLE.fullmatch(number)
        if role is None:
            return number
        kind, place = role[1], int(role[2])
        there = [a.number for a in self._pbx.accounts.values() if isinstance(a, ROLES[kind])]
        if place > len(there):
            raise self._wrong(step, f"needs {place} of {kind!r}, and this PBX has {len(there)}")
        return there[place - 1]

    def _name(self, word: str) -> str:
        """The number that a word of a step means; a label is none, and stands for itself."""
        return self._names.get(word, word)

    def _clear(self, numbers: set[str]) -> None:
        """No calls, no DND, a phone registered."""
        for number in sorted(numbers):
            for call in self._pbx.calls_of(number):
                self._pbx.hangup(call.id)
            if (extension := self._pbx.extension(number)) is not None:
                self._pbx.dnd(number, False)
                if not extension.registered:
                    self._pbx.register(number)

    def _wrong(self, step: ScenarioStep, why: str) -> ScenarioError:
        end = "" if why[-1] in ".?" else "."
        return ScenarioError(
            f"In scenario {self.scenario.name!r}, {step} {why}{end}",
            hint=VERBS[step.verb].text,
            scenario=self.scenario.name,
            step=step.number,
        )

    # -- playing -------------------------------------------------------------------------------------------------

    def _play(self, step: ScenarioStep) -> None:
        if self.done:
            return
        self._successor = ""
        try:
            self._act(step)
        except ScenarioError as error:
            self.error = error
        except PbxError as error:  # a fault's options, found out only now
            self.error = self._wrong(step, f"failed: {error}")
        else:
            if self._successor and VERBS[step.verb].on_call:
                self.calls[step.word] = self._successor
            self.log.append((self._pbx.clock.now - self._begin, self._line(step)))
        if self.error is not None:
            _log.warning("%s", self.error)
            self.stop()
        elif len(self.log) == len(self.scenario.steps):
            self._finish()
            self._on_change(None)

    @staticmethod
    def _line(step: ScenarioStep) -> str:
        options = "".join(f", {key} {value}" for key, value in step.options.items())
        return f"{step.verb} {step.word}{options}"

    def _act(self, step: ScenarioStep) -> None:
        pbx, word, text = self._pbx, step.word, step.text
        by = self._names.get(text("by"), "")
        to = self._names.get(text("to"), text("to"))
        call = self.calls.get(word, word)
        on = text("on").lower() not in ("false", "off", "no", "0")
        ok: object = True
        match step.verb:
            case "call":
                caller = text("from")
                ok = self.calls[word] = pbx.dial(self._name(caller), to, name=caller.partition(" ")[2].strip())
            case "answer" | "reject" | "hangup" | "hold" | "resume" | "pickup":
                ok = getattr(pbx, step.verb)(call, by)
            case "transfer":
                other = self.calls.get(text("to"))
                ok = pbx.attended_transfer(call, other, by) if other else pbx.transfer(call, to, by)
            case "park":
                ok = pbx.park(call, self._name(text("orbit")), by)
            case "retrieve":
                ok = self._retrieve(self._name(word), by)
            case "press":
                ok = pbx.press(call, text("digits"))
            case "record":
                ok = pbx.record(call, on, by)
            case "dnd":
                pbx.dnd(self._name(word), on)
            case "status":
                pbx.set_chat_status(self._name(word), text("to"))
            case "register" | "unregister":
                getattr(pbx, step.verb)(self._name(word))
            case "login" | "logout":
                pbx.queue_login(self._name(text("queue")), self._name(word), step.verb == "login")
            case "chat":
                ok = pbx.chat(self._name(text("from")), to, word)
            case "expect":
                self._expect(step, call)
            case "fault":
                assert self._fault is not None
                self._fault(word, step.options)
        if not ok and not step.maybe:
            raise self._wrong(step, f"was not carried out{self._because(step, call)}")

    def _retrieve(self, orbit: str, by: str) -> bool:
        """Take the call out; whichever label it has follows it."""
        place = self._pbx.accounts.get(orbit)
        parked = place.call if isinstance(place, SimOrbit) else ""
        done = self._pbx.retrieve(orbit, by)
        for label, call in self.calls.items():
            if call == parked and self._successor:
                self.calls[label] = self._successor
        return done

    def _expect(self, step: ScenarioStep, call: str) -> None:
        there = self._pbx.calls.get(call)
        phase = str(there.phase) if there else "ended"
        if phase != step.text("is"):
            raise self._wrong(step, f"does not hold: the call is {phase}, not {step.text('is')}")

    def _because(self, step: ScenarioStep, call: str) -> str:
        if not VERBS[step.verb].on_call:
            return ""
        there = self._pbx.calls.get(call)
        return f": the call is {there.phase}" if there else ": the call has ended"

    # -- ending --------------------------------------------------------------------------------------------------

    def _on_change(self, change: SimChange | None) -> None:
        """Follow a call to its new id; when the play is over and its calls too, its users act by themselves again."""
        if change is not None and change.kind is ChangeKind.CALL_NEW and change.call is not None:
            self._successor = change.call.id
        if self.done and not any(call in self._pbx.calls for call in self.calls.values()):
            self._let_go()

    def _let_go(self) -> None:
        self._leave()
        self._release()

    def _finish(self) -> None:
        if self.done:
            return
        self.done = True
        self._ended(self)
