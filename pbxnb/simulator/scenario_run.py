"""Plays a scenario on the PBX inside, step by step on the virtual clock.

The numbers a scenario names belong to it while it plays: their users do nothing by themselves, and they begin without
calls. A step that the PBX does not carry out ends the scenario with an error that names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

from pbxnb.arguments import nearest
from pbxnb.errors import PbxError, ScenarioError
from pbxnb.signals import Signal
from pbxnb.text import clean_logger

from .engine.accounts import SimAccount, SimAttendant, SimExtension, SimHuntGroup, SimOrbit, SimQueue
from .engine.calls import ChangeKind, SimChange
from .engine.clock import SimTimer
from .engine.pbx import SimPbx
from .scenarios import VERBS, Scenario, ScenarioStep
from .traffic import SimUsers

__all__ = ["ScenarioRun", "Stage", "StartFault"]

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
ON_NUMBER = ("retrieve", "dnd", "status", "register", "unregister", "login", "logout", "pause", "unpause")


class Stage(NamedTuple):
    """A tenant, as a scenario finds it.

    Attributes:
        pbx: what it plays on.
        users: who leave its numbers alone meanwhile; ``me`` is their ``user``. None when nobody acts anyway.
    """

    pbx: SimPbx
    users: SimUsers | None = None


class ScenarioRun:
    """One scenario being played on one PBX.

    Args:
        scenario: what to play.
        stages: the tenants by domain.
        domain: the tenant of every step that names none; by default the first.
        fault: what the verb ``fault`` calls; without it such a scenario cannot be played.

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
        stages: Mapping[str, Stage],
        domain: str = "",
        *,
        fault: StartFault | None = None,
    ) -> None:
        self.scenario = scenario
        self.calls: dict[str, str] = {}
        self.log: list[tuple[float, str]] = []
        self.done: bool = False
        self.error: ScenarioError | None = None
        self._stages = stages
        self._domain = domain or next(iter(stages))
        self._fault = fault
        self._clock = stages[self._domain].pbx.clock
        self._begin = self._clock.now
        self._ended: Signal[ScenarioRun] = Signal()
        self._labels: dict[str, str] = {}  # the domain of each label's call
        self._names = self._resolve()
        self._leave = ExitStack()
        numbers: dict[str, set[str]] = {where: set() for where in (self._domain, *self._labels.values())}
        for (where, _), number in self._names.items():
            numbers.setdefault(where, set()).add(number)
        for where, its in numbers.items():
            pbx, users = stages[where]
            if users:
                self._leave.callback(users.reserve(*its))
            self._leave.callback(pbx.changed.add(self._on_change))
        self._successor = ""
        for where, its in numbers.items():
            _clear(stages[where].pbx, its)
        self._timers: list[SimTimer] = [self._clock.at(step.at, partial(self._play, step)) for step in scenario.steps]
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
        self._leave.close()

    # -- preparing -----------------------------------------------------------------------------------------------

    def _resolve(self) -> dict[tuple[str, str], str]:
        """Every number that a step names, as the PBX knows it, by domain and word."""
        names: dict[tuple[str, str], str] = {}
        for step in self.scenario.steps:
            where = self._where(step)
            if step.verb == "call":
                self._labels[step.word] = where
        for step in self.scenario.steps:
            if step.verb == "fault" and self._fault is None:
                raise self._wrong(step, "cannot be played here, where nothing can break")
            words = [step.word] if step.verb in ON_NUMBER else []
            if step.verb not in ("status", "fault"):
                words += [step.text(option) for option in NUMBERS if option in step.options]
            where = self._where(step)
            for word in words:
                if self._labels.get(word, where) != where:
                    raise self._wrong(step, f"is in {where}, and the call {word!r} in {self._labels[word]}")
                if word not in self._labels:
                    names[where, word] = self._number(step, word)
            self._check(step, names)
        return names

    def _where(self, step: ScenarioStep) -> str:
        """The domain of a step."""
        where = step.domain or self._domain
        if where not in self._stages:
            raise self._wrong(step, f"names the domain {where!r}, which this PBX has not{nearest(where, self._stages)}")
        if not VERBS[step.verb].on_call:
            return where
        label = self._labels[step.word]
        if step.domain not in ("", label):
            raise self._wrong(step, f"is in {where}, and its call in {label}")
        return label

    def _pbx(self, step: ScenarioStep) -> SimPbx:
        return self._stages[self._where(step)].pbx

    def _check(self, step: ScenarioStep, names: Mapping[tuple[str, str], str]) -> None:
        """What is done to an extension, a queue or an orbit needs one."""
        needs: list[tuple[str, type[SimAccount]]] = []
        if step.verb in ON_NUMBER:
            needs.append((step.word, SimOrbit if step.verb == "retrieve" else SimExtension))
        needs += [(step.text(o), kind) for o, kind in (("queue", SimQueue), ("orbit", SimOrbit)) if o in step.options]
        for word, kind in needs:
            number = names.get((self._where(step), word), word)
            if step.verb != "fault" and not isinstance(self._pbx(step).accounts.get(number), kind):
                raise self._wrong(step, f"names {word!r}, which is no {kind.__name__[3:].lower()} of this PBX")

    def _number(self, step: ScenarioStep, word: str) -> str:
        pbx, users = self._stages[self._where(step)]
        number = word.partition(" ")[0]
        if number == "me":
            number = (users.user if users else "") or "ext1"
        role = ROLE.fullmatch(number)
        if role is None:
            return number
        kind, place = role[1], int(role[2])
        there = [a.number for a in pbx.accounts.values() if isinstance(a, ROLES[kind])]
        if place > len(there):
            raise self._wrong(step, f"needs {place} of {kind!r}, and this PBX has {len(there)}")
        return there[place - 1]

    def _name(self, step: ScenarioStep, word: str) -> str:
        """The number that a word of a step means; a label is none, and stands for itself."""
        return self._names.get((self._where(step), word), word)

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
            self.log.append((self._clock.now - self._begin, self._line(step)))
        if self.error is not None:
            _log.warning("%s", self.error)
            self.stop()
        elif len(self.log) == len(self.scenario.steps):
            self._finish()
            self._on_change(None)

    @staticmethod
    def _line(step: ScenarioStep) -> str:
        options = "".join(f", {key} {value}" for key, value in step.options.items())
        options += f", domain {step.domain}" if step.domain else ""
        return f"{step.verb} {step.word}{options}"

    def _act(self, step: ScenarioStep) -> None:
        pbx, word, text = self._pbx(step), step.word, step.text
        name = partial(self._name, step)
        by = self._names.get((self._where(step), text("by")), "")
        to = name(text("to"))
        call = self.calls.get(word, word)
        on = text("on").lower() not in ("false", "off", "no", "0")
        ok: object = True
        match step.verb:
            case "call":
                caller = text("from")
                ok = self.calls[word] = pbx.dial(name(caller), to, name=caller.partition(" ")[2].strip())
            case "answer" | "reject" | "hangup" | "hold" | "resume" | "pickup":
                ok = getattr(pbx, step.verb)(call, by)
            case "transfer":
                other = self.calls.get(text("to"))
                ok = pbx.attended_transfer(call, other, by) if other else pbx.transfer(call, to, by)
            case "park":
                ok = pbx.park(call, name(text("orbit")), by)
            case "retrieve":
                ok = self._retrieve(pbx, name(word), by)
            case "press":
                ok = pbx.press(call, text("digits"))
            case "record":
                ok = pbx.record(call, on, by)
            case "dnd":
                pbx.dnd(name(word), on)
            case "status":
                pbx.set_chat_status(name(word), text("to"))
            case "register" | "unregister":
                getattr(pbx, step.verb)(name(word))
            case "login" | "logout":
                pbx.queue_login(name(text("queue")), name(word), step.verb == "login")
            case "pause" | "unpause":
                ok = pbx.queue_pause(name(text("queue")), name(word), step.verb == "pause", text("reason"))
            case "chat":
                ok = pbx.chat(name(text("from")), to, word)
            case "expect":
                self._expect(step, call)
            case "fault":
                assert self._fault is not None
                self._fault(word, {**step.options, **({"domain": step.domain} if step.domain else {})})
        if not ok and not step.maybe:
            raise self._wrong(step, f"was not carried out{self._because(step, call)}")

    def _retrieve(self, pbx: SimPbx, orbit: str, by: str) -> bool:
        """Take the call out; whichever label it has follows it."""
        place = pbx.accounts.get(orbit)
        parked = place.call if isinstance(place, SimOrbit) else ""
        done = pbx.retrieve(orbit, by)
        for label, call in self.calls.items():
            if call == parked and self._successor:
                self.calls[label] = self._successor
        return done

    def _expect(self, step: ScenarioStep, call: str) -> None:
        there = self._pbx(step).calls.get(call)
        phase = str(there.phase) if there else "ended"
        if phase != step.text("is"):
            raise self._wrong(step, f"does not hold: the call is {phase}, not {step.text('is')}")

    def _because(self, step: ScenarioStep, call: str) -> str:
        if not VERBS[step.verb].on_call:
            return ""
        there = self._pbx(step).calls.get(call)
        return f": the call is {there.phase}" if there else ": the call has ended"

    # -- ending --------------------------------------------------------------------------------------------------

    def _on_change(self, change: SimChange | None) -> None:
        """Follow a call to its new id; when the play is over and its calls too, its users act by themselves again."""
        if change is not None and change.kind is ChangeKind.CALL_NEW and change.call is not None:
            self._successor = change.call.id
        places = ((call, self._stages[self._labels[label]]) for label, call in self.calls.items())
        if self.done and not any(call in stage.pbx.calls for call, stage in places):
            self._leave.close()

    def _finish(self) -> None:
        if self.done:
            return
        self.done = True
        self._ended(self)


def _clear(pbx: SimPbx, numbers: set[str]) -> None:
    """No calls, no DND, a phone registered."""
    for number in sorted(numbers):
        for call in pbx.calls_of(number):
            pbx.hangup(call.id)
        if (extension := pbx.extension(number)) is not None:
            pbx.dnd(number, False)
            if not extension.registered:
                pbx.register(number)
