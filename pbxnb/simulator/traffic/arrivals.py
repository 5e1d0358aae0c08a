"""Calls and presence changes that arrive by themselves on the embedded PBX, as a preset says.

Arrivals are Poisson within each hour, follow the preset's day, and each day has its own level. Every kind of arrival
has a generator of its own, so that a change to one rate leaves the other streams as they were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

from ..engine.accounts import SimAttendant, SimQueue
from ..engine.clock import SimTimer
from ..engine.pbx import SimPbx
from .distributions import DAY, day_level
from .presets import Preset
from .users import SimUsers

__all__ = ["KINDS", "Traffic", "stranger"]

KINDS = ("internal", "outbound", "inbound", "queued", "presence")

FIRST = "Ana Ben Chloé Dmitri Esra Finn Grace Hiro Inès Jonas Kofi Léa Miguel Noor"
LAST = "Adeyemi Brandt Costa Dvořák Eriksen Fischer García Haddad Ito Jansen Keller O'Neil"


def stranger(rng: Random) -> tuple[str, str]:
    """Somebody outside: a number set aside for fiction (555-01xx) and, three times in four, a name."""
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
        self.users = SimUsers(pbx, preset.habits, seed=seed, user=user)
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
        number, _ = stranger(rng)
        if caller := self.users.somebody(rng):
            self.pbx.dial(caller, number)

    def _inbound(self, rng: Random) -> None:
        number, name = stranger(rng)
        if called := self.users.somebody(rng, free=False):
            self.pbx.dial(number, called, name=name)

    def _queued(self, rng: Random) -> None:
        number, name = stranger(rng)
        if queues := self.pbx.queues:
            self.pbx.dial(number, self._door(rng.choice(queues)), name=name)

    def _door(self, queue: SimQueue) -> str:
        """Where callers of a queue come in: the attendant that leads there, else the queue itself."""
        for account in self.pbx.accounts.values():
            if isinstance(account, SimAttendant) and queue.number in account.menu.values():
                return account.number
        return queue.number

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
