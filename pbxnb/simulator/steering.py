"""The steering of an embedded PBX, from any thread: calls, people, time, scenarios.

Every method runs on the simulator's loop and returns when it has had effect; what the PBX would pass over in silence
is an error here, because a person asked for it. How the simulator lives is in `run`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pbxnb.arguments import nearest
from pbxnb.errors import SimulatorError

from .building import Plant
from .clock import Pace
from .faults import Faults
from .scenarios import Scenario, scenario
from .stage import Performance

__all__ = ["SimulatorClock", "Steering"]

T = TypeVar("T")


class SimulatorClock:
    """The simulator's virtual clock, to read and to steer from any thread."""

    def __init__(self, simulator: Steering, pace: Pace) -> None:
        self._simulator = simulator
        self._pace = pace

    def now(self) -> datetime:
        """The PBX's time, UTC; cheap, it crosses no thread."""
        return self._pace.moment

    @property
    def speed(self) -> float:
        """Virtual seconds per real second, 0.1 to 1000; settable."""
        return self._pace.speed

    @speed.setter
    def speed(self, value: float) -> None:
        self._simulator.run(lambda: setattr(self._pace, "speed", value))

    @property
    def rate(self) -> float:
        """As ``speed``, but 0 while paused."""
        return self._pace.rate

    @property
    def paused(self) -> bool:
        """Time stands still."""
        return self._pace.paused

    def pause(self) -> None:
        """Let time stand still."""
        self._simulator.pause()

    def resume(self) -> None:
        """Let time run on."""
        self._simulator.resume_clock()

    def advance(self, seconds: float) -> None:
        """Let so many virtual seconds pass at once, with everything that happens in them."""
        self._simulator.advance(seconds)

    def __repr__(self) -> str:
        return f"<clock {self._pace.clock.moment:%Y-%m-%d %H:%M:%S} UTC, x{self._pace.rate:g}>"


class Steering(ABC):
    """What a person does to the PBX inside; `run.Simulator` gives it a life."""

    plant: Plant
    faults: Faults
    user: str

    @abstractmethod
    def run(self, act: Callable[[], T]) -> T:
        """Run ``act`` on the simulator's loop and give its result."""

    def place_call(self, from_: str, to: str, *, name: str = "", people: bool = False) -> str:
        """Somebody dials; a number that is no extension is a stranger outside, called ``name``.

        Args:
            from_: who.
            to: whom.
            name: a stranger's display name.
            people: those concerned answer, talk and hang up by themselves; otherwise the call waits for your orders.

        Returns:
            The call's id; also when it was refused at once, as in `Pbx.place_call`.

        Raises:
            SimulatorError: nothing comes of it: the phone is not registered, all its lines are in use.
        """

        def act() -> str:
            call = self.plant.pbx.next_id()
            if not people:
                self.plant.traffic.people.leave_alone(call)
            return self.plant.pbx.place_call(str(from_), str(to), name=name, call_id=call)

        call = self.run(act)
        if not call:
            raise SimulatorError(
                f"{from_!r} cannot call {to!r}.",
                hint="The caller needs a registered phone with a free line, or has to be outside and call an account.",
            )
        return call

    def answer(self, call: str, by: str = "") -> None:
        """A ringing phone is picked up, the first one unless ``by`` says which."""
        self._must("answered", call, lambda: self.plant.pbx.answer(call, by))

    def reject(self, call: str, by: str = "") -> None:
        """A ringing phone says no."""
        self._must("rejected", call, lambda: self.plant.pbx.reject(call, by))

    def hangup(self, call: str, by: str = "") -> None:
        """An end hangs up: the caller unless ``by`` says who."""
        self._must("ended", call, lambda: self.plant.pbx.hangup(call, by))

    def hold(self, call: str, by: str = "") -> None:
        """An end puts the other on hold."""
        self._must("held", call, lambda: self.plant.pbx.hold(call, by))

    def resume(self, call: str, by: str = "") -> None:
        """A held conversation goes on."""
        self._must("resumed", call, lambda: self.plant.pbx.resume(call, by))

    def transfer(self, call: str, to: str, by: str = "") -> None:
        """Blind to a number, attended to another call's id."""
        self._must(
            "transferred",
            call,
            lambda: (
                self.plant.pbx.attended_transfer(call, to, by)
                if to in self.plant.pbx.calls
                else self.plant.pbx.blind_transfer(call, str(to), by)
            ),
        )

    def park(self, call: str, orbit: str, by: str = "") -> None:
        """Lay a call into an orbit."""
        self._must("parked", call, lambda: self.plant.pbx.park(call, str(orbit), by))

    def retrieve(self, orbit: str, by: str) -> None:
        """Take a call out of an orbit."""
        self._must("retrieved", f"in orbit {orbit}", lambda: self.plant.pbx.retrieve(str(orbit), by))

    def pickup(self, call: str, by: str) -> None:
        """Take a call that rings elsewhere: its id, or the extension that rings."""
        self._must("picked up", call, lambda: self.plant.pbx.pickup(call, by))

    def record(self, call: str, on: bool = True) -> None:
        """Start or stop a recording."""
        self._must("recorded" if on else "no longer recorded", call, lambda: self.plant.pbx.record(call, on))

    def press(self, call: str, digits: str) -> None:
        """The caller dials digits in the menu."""
        self._must("sent on by these digits", call, lambda: self.plant.pbx.press(call, digits))

    def set_dnd(self, number: str, on: bool = True) -> bool:
        """Do not disturb; False when it already was so."""
        return self.run(lambda: self.plant.pbx.set_dnd(self._extension(number), on))

    def set_chat_status(self, number: str, status: str) -> bool:
        """The chat status; False when it already was so."""
        return self.run(lambda: self.plant.pbx.set_chat_status(self._extension(number), status))

    def register(self, number: str, phone: str = "desk phone") -> bool:
        """A phone registers; False when it already was."""
        return self.run(lambda: self.plant.pbx.register(self._extension(number), phone))

    def unregister(self, number: str, phone: str = "") -> bool:
        """One phone, or all of the extension's, go away; False when there was none."""
        return self.run(lambda: self.plant.pbx.unregister(self._extension(number), phone))

    def queue_login(self, queue: str, number: str, on: bool = True) -> bool:
        """An agent logs in or out; False when it already was so."""
        return self.run(lambda: self.plant.pbx.queue_login(str(queue), self._extension(number), on))

    def chat(self, sender: str, receiver: str, text: str) -> bool:
        """A chat text; False when there is no such extension."""
        return self.run(lambda: self.plant.pbx.chat(sender, receiver, text))

    def scenario(self, what: str | Path | Mapping[str, Any] | Sequence[Any] | Scenario) -> Performance:
        """Play a scenario: a name, a YAML or JSON text or file, a list of steps. Returns at once, what plays.

        Raises:
            ScenarioError: it cannot be read, or this PBX lacks something it names.
        """
        script = scenario(what)

        def act() -> Performance:
            return Performance(
                script,
                self.plant.pbx,
                people=self.plant.traffic.people,
                fault=lambda name, options: self.faults.start(name, **options),
                user=self.user,
            )

        return self.run(act)

    def pause(self) -> None:
        """Let time stand still."""

        def act() -> None:
            self.plant.server.held = False
            self.plant.pace.pause()

        self.run(act)

    def resume_clock(self) -> None:
        """Let time run on; also before the first client, where ``start`` was given."""

        def act() -> None:
            self.plant.server.release()
            self.plant.pace.resume()

        self.run(act)

    @abstractmethod
    def advance(self, seconds: float) -> None:
        """Let so many virtual seconds pass at once, with everything that happens in them.

        From another thread the clients are taken along: each has what was sent before time goes on.

        Raises:
            SimulatorError: it is no number from 0 up, or the simulator is closed.
        """

    def _extension(self, number: str) -> str:
        """The number, as text, of an extension there is."""
        if self.plant.pbx.extension(str(number)) is None:
            known = (each.number for each in self.plant.pbx.extensions)
            raise SimulatorError(f"There is no extension {number!r}{nearest(str(number), known)}")
        return str(number)

    def _must(self, what: str, call: str, act: Callable[[], bool]) -> None:
        if not self.run(act):
            raise SimulatorError(
                f"Call {call!s} cannot be {what}.", hint="It does not exist, or its state does not allow it.", call=call
            )
