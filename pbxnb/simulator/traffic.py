"""Calls and presence changes that happen by themselves, as a preset says: arrivals, and what users do with a call.

Arrivals are Poisson within each hour, follow the preset's day, and each day has its own level. Every kind of arrival
has a generator of its own, so that a change to one rate leaves the other streams as they were. Users listen to the
engine and act after randomly drawn times, always from a timer and never inside a change; numbers that belong to a
scenario, or to the user of the notebook, do nothing by themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final

from .distributions import DAY, day_level
from .engine.accounts import SimAttendant, SimOrbit, SimQueue
from .engine.calls import TALKING, ChangeKind, SimCall, SimChange, SimPhase
from .engine.clock import SimTimer
from .engine.pbx import SimPbx
from .presets import Habits, Preset

__all__ = ["KINDS", "SimUsers", "Traffic", "outside_caller"]


class SimUsers:
    """Everybody who has a phone on one PBX, and the callers outside.

    Args:
        pbx: whose extensions they use.
        habits: how they behave.
        seed: of everything they leave to chance.
        user: the extension of the notebook: it is called, but never acts by itself.

    Attributes:
        user: as given.
        extensions: the numbers there were at the start; those added later do nothing.
    """

    def __init__(self, pbx: SimPbx, habits: Habits, *, seed: int = 1, user: str = "") -> None:
        self._pbx = pbx
        self._habits = habits
        self._random = Random(f"people {seed}")
        self.user = user
        self._scripted: Counter[str] = Counter()
        self._doing: dict[str, tuple[object, ...]] = {}
        self._timers: dict[str, list[SimTimer]] = {}
        self._patience: dict[str, SimTimer] = {}
        self._alone: set[str] = set()
        self.extensions: Final = [extension.number for extension in pbx.extensions]
        self.leave: Final = pbx.changed.add(self._on_change)

    # -- who may act ---------------------------------------------------------------------------------------------

    def reserve(self, *numbers: str) -> Callable[[], None]:
        """Leave these numbers to a scenario until the function returned is called: they do nothing by themselves."""
        self._scripted.update(numbers)

        def release() -> None:
            nonlocal numbers
            self._scripted.subtract(numbers)
            numbers = ()

        return release

    def leave_alone(self, call_id: str) -> None:
        """Nobody does anything with this call by themselves, from before it is placed to its end."""
        self._alone.add(call_id)

    def acts(self, number: str) -> bool:
        """True when this number does something by itself."""
        return bool(number) and number != self.user and self._scripted[number] <= 0

    def somebody(self, rng: Random, *but: str, free: bool = True) -> str:
        """A random extension that no scenario has reserved; empty when a few tries find none.

        Args:
            rng: the generator.
            but: numbers not wanted.
            free: it must be able to make a call now, and act by itself.
        """
        pbx = self._pbx
        for _ in range(25 if self.extensions else 0):
            number = rng.choice(self.extensions)
            if number in but or self._scripted[number] > 0:
                continue
            if not free or (self.acts(number) and pbx.switch.free_for_queue(number)):
                return number
        return ""

    # -- changes -------------------------------------------------------------------------------------------------

    def _on_change(self, change: SimChange) -> None:
        """Plan anew when a call has come into a new situation; forget it when it has ended."""
        call = change.call
        if call is None or change.kind not in (ChangeKind.CALL_NEW, ChangeKind.CALL_CHANGED, ChangeKind.CALL_ENDED):
            return
        if change.kind is ChangeKind.CALL_ENDED:
            self._forget(call.id)
            self._doing.pop(call.id, None)
            self._stop_waiting(call.id)
            self._alone.discard(call.id)
            return
        if call.id in self._alone:
            return
        situation = self._situation(call)
        if self._doing.get(call.id) == situation:
            return
        self._doing[call.id] = situation
        self._forget(call.id)
        match call.phase:
            case SimPhase.RINGING:
                self._answer_later(call)
            case SimPhase.QUEUED:
                self._wait(call)
            case SimPhase.MENU:
                self._press_later(call)
            case SimPhase.CONNECTED:
                self._stop_waiting(call.id)
                self._talk(call)
            case SimPhase.PARKED:
                self._fetch(call)
            case _:  # held from the start, voicemail: nothing to decide
                self._stop_waiting(call.id)

    @staticmethod
    def _situation(call: SimCall) -> tuple[object, ...]:
        """What users react to; a hold is part of the conversation and makes no new situation."""
        phase = SimPhase.CONNECTED if call.phase is SimPhase.HELD else call.phase
        return phase, call.caller.number, call.called.number, call.ringing, call.connected

    def _later(self, call: SimCall, delay: float, do: Callable[[], object]) -> None:
        """Do something in the present situation, unless it has changed by then."""
        self._timers.setdefault(call.id, []).append(self._pbx.clock.at(delay, do))

    def _forget(self, call_id: str) -> None:
        for timer in self._timers.pop(call_id, ()):
            timer.cancel()

    def _stop_waiting(self, call_id: str) -> None:
        if timer := self._patience.pop(call_id, None):
            timer.cancel()

    # -- ringing and waiting -------------------------------------------------------------------------------------

    def _answer_later(self, call: SimCall) -> None:
        """Somebody picks up, unless nobody will; a direct caller then gives up at last."""
        pbx, habits, rng = self._pbx, self._habits, self._random
        direct = not call.group
        if direct and rng.random() < habits.unanswered:
            if self.acts(call.caller.number):
                delay = habits.no_answer.sample(rng)
                self._later(call, delay, lambda: pbx.hangup(call.id, call.caller.number))
            return
        who = [n for n in call.ringing if self.acts(n)]
        if call.ringing and not who:
            return
        if not call.ringing and not self.acts(call.called.number):
            return
        by = rng.choice(who) if who else ""
        self._later(call, habits.ring.sample(rng), lambda: self._pick_up(call, by))

    def _pick_up(self, call: SimCall, by: str) -> None:
        """Answer, unless this person is talking already: then it rings on, as a second call does."""
        if by and any(other is not call and other.phase in TALKING for other in self._pbx.calls_of(by)):
            return
        self._pbx.answer(call.id, by)

    def _wait(self, call: SimCall) -> None:
        """The caller's patience runs from joining the queue, also while agents ring."""
        if call.id in self._patience or not self.acts(call.caller.number):
            return
        patience = self._habits.patience.sample(self._random)
        self._patience[call.id] = self._pbx.clock.at(patience, lambda: self._pbx.hangup(call.id, call.caller.number))

    def _press_later(self, call: SimCall) -> None:
        """A caller who came for a queue presses its number after listening a while."""
        attendant = self._pbx.accounts.get(call.called.number)
        if not isinstance(attendant, SimAttendant) or not self.acts(call.caller.number):
            return
        queues = [to for to in attendant.menu.values() if isinstance(self._pbx.accounts.get(to), SimQueue)]
        choice = queues or [to for to in attendant.menu.values() if to in self._pbx.accounts]
        if choice:
            delay = self._habits.menu.sample(self._random)
            self._later(call, delay, lambda: self._pbx.press(call.id, choice[0]))

    # -- talking -------------------------------------------------------------------------------------------------

    def _talk(self, call: SimCall) -> None:
        """One conversation: its length, who ends it, and at most one thing that happens in the middle of it."""
        pbx, habits, rng = self._pbx, self._habits, self._random
        ends = [end.number for end in (call.caller, call.called) if self.acts(end.number)]
        length = habits.talk.sample(rng)
        if not ends:
            return
        ender = rng.choice(ends)
        self._later(call, length, lambda: pbx.hangup(call.id, ender))
        moment = rng.uniform(0.2, 0.8) * length
        if rng.random() < habits.recorded:
            self._later(call, moment * rng.random(), lambda: pbx.record(call.id, True))
        ours = next((e.number for e in (call.called, call.caller) if e.extension and self.acts(e.number)), "")
        chance = rng.random()
        if not ours:
            return
        if chance < habits.held:
            until = min(moment + habits.hold.sample(rng), (moment + length) / 2)
            self._later(call, moment, lambda: pbx.hold(call.id, ours))
            self._later(call, until, lambda: pbx.resume(call.id, ours))
        elif chance < habits.held + habits.transferred and ours == call.called.number:
            self._later(call, moment, lambda: self._pass_on(call, ours))
        elif chance < habits.held + habits.transferred + habits.parked and ours == call.called.number:
            self._later(call, moment, lambda: self._park(call, ours))

    def _pass_on(self, call: SimCall, ours: str) -> None:
        if to := self.somebody(self._random, ours, call.other(ours).number):
            self._pbx.transfer(call.id, to, ours)

    def _park(self, call: SimCall, ours: str) -> None:
        if orbit := next(
            (a for a in self._pbx.accounts.values() if isinstance(a, SimOrbit) and not a.call and self.acts(a.number)),
            None,
        ):
            self._pbx.park(call.id, orbit.number, ours)

    def _fetch(self, call: SimCall) -> None:
        """Somebody else fetches a parked call after a while, unless a script parked it."""
        if not self.acts(call.parked_by) or not self.acts(call.caller.number):
            return
        orbit = call.orbit

        def fetch() -> None:
            if by := self.somebody(self._random, call.caller.number):
                self._pbx.retrieve(orbit, by)

        self._later(call, self._habits.hold.sample(self._random), fetch)


KINDS = ("internal", "outbound", "inbound", "queued", "presence", "breaks")
BREAKS = ("lunch", "coffee", "training")
RESTING = 0.25
"""No break begins that leaves more than this share of a queue's agents resting."""

FIRST = "Ana Ben Chloé Dmitri Esra Finn Grace Hiro Inès Jonas Kofi Léa Miguel Noor"
LAST = "Adeyemi Brandt Costa Dvořák Eriksen Fischer García Haddad Ito Jansen Keller O'Neil"


def outside_caller(rng: Random) -> tuple[str, str]:
    """A caller outside: a number set aside for fiction (555-01xx) and, three times in four, a name."""
    number = f"+1{rng.randrange(201, 990)}55501{rng.randrange(100):02d}"
    name = f"{rng.choice(FIRST.split())} {rng.choice(LAST.split())}" if rng.random() < 0.75 else ""
    return number, name


class Traffic:
    """The load of one PBX.

    Args:
        pbx: where the calls go; its extensions must have been added.
        preset: how much of what.
        seed: the same seed on the same PBX from the same start makes the same calls.
        user: the extension of the notebook; it is called but never acts.
        utc_offset: seconds that the PBX's wall clock is ahead of UTC; the day's profile follows it.
        share: of the preset's arrival rates; 0.5 halves the traffic. May be changed at any time, also to 0; a rise is
            felt after the arrivals that were already drawn.

    Attributes:
        offered: arrivals so far by kind.
        users: who answers, talks and hangs up.
    """

    def __init__(
        self, pbx: SimPbx, preset: Preset, *, seed: int = 1, user: str = "", utc_offset: float = 0.0, share: float = 1.0
    ) -> None:
        self.pbx = pbx
        self.preset = preset
        self.share = share
        self.offered: Counter[str] = Counter()
        self.users: Final = SimUsers(pbx, preset.habits, seed=seed, user=user)
        if not preset.people:
            self.users.leave()
        self._seed = seed
        self._offset = utc_offset
        self._random = {kind: Random(f"traffic {seed} {kind}") for kind in KINDS}
        self._next: dict[str, SimTimer] = {}
        self._arrive: dict[str, Callable[[Random], object]] = {
            "internal": self._internal,
            "outbound": self._outbound,
            "inbound": self._inbound,
            "queued": self._queued,
            "presence": self._presence,
            "breaks": self._break,
        }

    def start(self) -> None:
        """Let the first arrivals be drawn; calling it again changes nothing."""
        for kind in KINDS:
            if kind not in self._next:
                self._draw(kind)

    def stop(self) -> None:
        """No more arrivals. Calls in progress go on and end by themselves."""
        for timer in self._next.values():
            timer.cancel()
        self._next.clear()

    @property
    def running(self) -> bool:
        """True while arrivals are being drawn."""
        return bool(self._next)

    # -- when ----------------------------------------------------------------------------------------------------

    def _level(self, kind: str) -> float:
        """Arrivals of a kind in today's busy hour."""
        day = int((self.pbx.clock.now + self._offset) // DAY)
        level = day_level(Random(f"day {self._seed} {day}"), self.preset.day_spread)
        per_hour = self.preset.load.per_hour(kind, len(self.users.extensions))
        # A presence change comes back by itself, which is the second of the two changes.
        return self.share * level * per_hour * (0.5 if kind == "presence" else 1.0)

    def _draw(self, kind: str) -> None:
        """Draw the next arrival. At midnight draw again: the new day has its own level, and Poisson has no memory."""
        second = (self.pbx.clock.now + self._offset) % DAY
        wait = self.preset.profile.wait(self._random[kind], second, self._level(kind))
        if wait < DAY - second:
            self._next[kind] = self.pbx.clock.at(wait, lambda: self._arrived(kind))
        else:
            self._next[kind] = self.pbx.clock.at(DAY - second, lambda: self._draw(kind))

    def _arrived(self, kind: str) -> None:
        self._draw(kind)
        self.offered[kind] += 1
        self._arrive[kind](self._random[kind])

    # -- what ----------------------------------------------------------------------------------------------------

    def _internal(self, rng: Random) -> None:
        caller = self.users.somebody(rng)
        called = self.users.somebody(rng, caller, free=False)
        if caller and called:
            self.pbx.dial(caller, called)

    def _outbound(self, rng: Random) -> None:
        number, _ = outside_caller(rng)
        if caller := self.users.somebody(rng):
            self.pbx.dial(caller, number)

    def _inbound(self, rng: Random) -> None:
        number, name = outside_caller(rng)
        if called := self.users.somebody(rng, free=False):
            self.pbx.dial(number, called, name=name)

    def _queued(self, rng: Random) -> None:
        number, name = outside_caller(rng)
        if queues := self.pbx.queues:
            self.pbx.dial(number, self._door(rng.choice(queues)), name=name)

    def _door(self, queue: SimQueue) -> str:
        """Where callers of a queue come in: the attendant that leads there, else the queue itself."""
        for account in self.pbx.accounts.values():
            if isinstance(account, SimAttendant) and queue.number in account.menu.values():
                return account.number
        return queue.number

    def _break(self, rng: Random) -> None:
        """An agent goes on a break, if enough others stay, and comes back."""
        pbx, length = self.pbx, self.preset.habits.rest.sample(rng)
        if not pbx.queues:
            return
        queue = rng.choice(pbx.queues)
        resting = sum(agent.paused for agent in queue.agents.values())
        here = [a.number for a in queue.agents.values() if a.logged_in and not a.paused and self.users.acts(a.number)]
        if here and resting + 1 <= RESTING * len(queue.agents):
            number = rng.choice(here)
            pbx.queue_pause(queue.number, number, True, rng.choice(BREAKS))
            pbx.clock.at(length, lambda: pbx.queue_pause(queue.number, number, False))

    def _presence(self, rng: Random) -> None:
        """Somebody's chat status, DND or registration changes, and changes back after a while."""
        pbx = self.pbx
        number = self.users.somebody(rng)
        extension = pbx.extension(number)
        if extension is None:
            return
        back = self.preset.habits.away.sample(rng)
        what = rng.random()
        if what < 0.85:
            before = extension.chat_status
            if pbx.set_chat_status(number, rng.choice([s for s in ("online", "away", "offline") if s != before])):
                pbx.clock.at(back, lambda: pbx.set_chat_status(number, before))
        elif what < 0.95:
            if pbx.dnd(number, True):
                pbx.clock.at(back, lambda: pbx.dnd(number, False))
        elif phone := next(iter(extension.phones), ""):
            pbx.unregister(number, phone)
            pbx.clock.at(back, lambda: pbx.register(number, phone))
