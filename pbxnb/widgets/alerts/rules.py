"""Rules of alerts: a measure of the PBX, two levels, hysteresis. Pure: knows a `Handle`, no widget, no thread."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from numbers import Real
from typing import Any, Final, Self

import msgspec

from pbxnb.arguments import check_number, helpful_keywords
from pbxnb.errors import ConfigError
from pbxnb.model.entities import Account, Conversation, Direction, Phase, Queue
from pbxnb.text import clean
from pbxnb.ui.handle import Handle
from pbxnb.ui.queues import idle
from pbxnb.ui.times import AtLeast, lasted

__all__ = ["AlertEvent", "Level", "Rule", "Standing", "rules_of"]

Measure = Callable[[Any], float]  # `Any`: a rule written for a `Pbx` may ask more of it than a `Handle` has


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    ORANGE = "orange"
    RED = "red"

    @property
    def rank(self) -> int:
        """0 for ok, 1 for orange, 2 for red."""
        return _ORDER.index(self)


_ORDER = (Level.OK, Level.ORANGE, Level.RED)


class AlertEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A rule came to another level; back to ok is an event too.

    Attributes:
        at: PBX time, UTC.
        rule: the rule's name.
        level: what it came to.
        before: what it came from.
        value: the measure that did it.
    """

    at: datetime
    rule: str
    level: Level
    before: Level
    value: float


class Standing(msgspec.Struct, frozen=True):
    """Where a rule stands, since when (PBX time), and what its measure raised last; empty where that was a value."""

    level: Level = Level.OK
    value: float = math.nan
    since: datetime | None = None
    error: str = ""

    def failed(self, error: BaseException) -> Standing:
        """Where it stands when its measure has raised an error."""
        text = clean(f"{type(error).__name__}: {error}", 200)
        return msgspec.structs.replace(self, error=text, value=math.nan)


class Rule:
    """A level is raised when the measure reaches it, and left only when the measure falls well below it.

    Args:
        name: shown on the board and in the log.
        measure: a function of the handle; a bool counts as 0 or 1, None and NaN mean that it is not known now.
        orange: value from which it is a warning.
        red: value from which it is an alarm. Without any level: 1, which makes a predicate an alarm.
        hysteresis: how far below a level the measure must fall to leave it, in units of the measure; by default a
            tenth of the level.
        unit: shown after the value; ``s`` is shown as minutes and seconds.

    Raises:
        ConfigError: a level that is no number, orange above red, a hysteresis below zero, or a measure that is
            no function.

    Example:
        >>> Rule("phones", lambda pbx: sum(a.registered is False for a in pbx.accounts.values()), orange=1, red=5)
        Rule('phones', orange=1, red=5)
    """

    @helpful_keywords
    def __init__(
        self,
        name: str,
        measure: Measure,
        *,
        orange: float | None = None,
        red: float | None = None,
        hysteresis: float | None = None,
        unit: str = "",
    ) -> None:
        if not callable(measure):
            raise ConfigError(f"The measure of rule {name!r} cannot be called.", hint="Give a function of the handle.")
        if orange is None and red is None:
            red = 1
        for value in (orange, red):
            if value is not None and not (isinstance(value, Real) and math.isfinite(value)):
                raise ConfigError(f"Rule {name!r} has {value!r} as a level.", hint="Levels are finite numbers.")
        if hysteresis is not None:
            check_number("hysteresis", hysteresis)
        if orange is not None and red is not None and orange > red:
            raise ConfigError(f"In rule {name!r} orange ({orange}) lies above red ({red}).", hint="Swap them.")
        self.name: Final = clean(name, 60)
        self.measure = measure
        self.orange: Final = orange
        self.red: Final = red
        self.hysteresis: Final = hysteresis
        self.unit: Final = clean(unit, 12)

    def read(self, handle: Handle) -> float:
        """Return the measure now; NaN when it is not known. Raises what the function raises."""
        value = self.measure(handle)
        return math.nan if value is None else value if isinstance(value, float) else float(value)

    def judge(self, value: float, before: Level) -> Level:
        """Return the level of a value, for a rule that stood at ``before``.

        Example:
            >>> rule = Rule("queue", len, orange=5, red=10, hysteresis=2)
            >>> [str(rule.judge(value, Level.ORANGE)) for value in (10, 5, 3, 2)]
            ['red', 'orange', 'orange', 'ok']
        """
        if math.isnan(value):
            return before
        for level, bound in ((Level.RED, self.red), (Level.ORANGE, self.orange)):
            if bound is not None and value >= bound - (self._slack(bound) if before.rank >= level.rank else 0):
                return level
        return Level.OK

    def look(self, handle: Handle, before: Standing) -> tuple[Standing, AlertEvent | None]:
        """Where it stands now, and the event if that is another level. Raises what the measure raises."""
        value, now = self.read(handle), handle.clock.now()
        level = self.judge(value, before.level)
        if level is before.level:
            return Standing(level, value, before.since or now), None
        event = AlertEvent(at=now, rule=self.name, level=level, before=before.level, value=value)
        return Standing(level, value, now), event

    def told(self, value: float) -> str:
        """Return a value as people read it."""
        if isinstance(value, AtLeast):
            return f"at least {self.told(float(value))}"
        if math.isnan(value):
            return "–"
        if self.unit == "s" and math.isfinite(value):
            return f"{int(value) // 60}:{int(value) % 60:02d}"
        if self.unit == "yes":
            return "yes" if value else "no"
        return f"{value:.6g}{' ' if self.unit else ''}{self.unit}"

    def _slack(self, bound: float) -> float:
        return abs(bound) / 10 if self.hysteresis is None else self.hysteresis

    def __repr__(self) -> str:
        levels = ((name, getattr(self, name)) for name in ("orange", "red"))
        return f"Rule({self.name!r}{''.join(f', {name}={value:g}' for name, value in levels if value is not None)})"

    # Presets.

    @classmethod
    @helpful_keywords
    def waiting(cls, *, orange: float | None = None, red: float | None = None, queue: str = "") -> Self:
        """The longest wait of a caller nobody has answered, seconds; of one queue, or of all calls from outside."""

        def measure(handle: Handle) -> float:
            now = handle.clock.now().timestamp()
            return max((_wait(c, now) for c in _waiting(handle, queue)), default=0.0)

        return cls(_named("longest wait", queue), measure, orange=orange, red=red, unit="s")

    @classmethod
    @helpful_keywords
    def queued(cls, *, orange: float | None = None, red: float | None = None, queue: str = "") -> Self:
        """How many callers wait in a queue, or in all of them."""

        def measure(handle: Handle) -> float:
            return sum(c.phase is Phase.QUEUED for c in _waiting(handle, queue))

        return cls(_named("callers waiting", queue), measure, orange=orange, red=red)

    @classmethod
    @helpful_keywords
    def held(cls, *, orange: float | None = None, red: float | None = None) -> Self:
        """The longest time somebody is on hold or parked without a break, seconds."""

        def measure(handle: Handle) -> float:
            now = handle.clock.now().timestamp()
            still = (c for c in _open(handle) if c.phase in (Phase.HELD, Phase.PARKED))
            return max((lasted(c, now) for c in still), default=0.0)

        return cls("longest hold", measure, orange=orange, red=red, unit="s")

    @classmethod
    @helpful_keywords
    def peak(cls, *, orange: float | None = None, red: float | None = None) -> Self:
        """How many calls are open at once."""
        return cls("calls at once", lambda handle: sum(1 for _ in _open(handle)), orange=orange, red=red)

    @classmethod
    def nobody_registered(cls) -> Self:
        """An alarm when no extension has a phone registered, as far as the PBX has said."""

        def measure(handle: Handle) -> float:
            known = [a.registered for a in _accounts(handle) if a.type == "extensions" and a.registered is not None]
            return math.nan if not known else not any(known)

        return cls("nobody registered", measure, red=1, unit="yes")

    @classmethod
    @helpful_keywords
    def all_agents_busy(cls, queue: str = "") -> Self:
        """A warning when a queue, or one of all, has agents logged in and none of them is free."""

        def measure(handle: Handle) -> float:
            queues = list(handle.snapshot().queues.values())
            busy = [_all_busy(handle, q) for q in queues if (not queue or q.number == queue) and q.agents]
            return math.nan if not busy else any(busy)

        return cls(_named("all agents busy", queue), measure, orange=1, unit="yes")


def rules_of(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules that were given.

    Raises:
        ConfigError: something is no `Rule`.
    """
    found = tuple(rules)
    for rule in found:
        if not isinstance(rule, Rule):
            raise ConfigError(f"{rule!r} is no rule.", hint="Give Rule(name, measure, orange=, red=), or a preset.")
    return found


def _named(name: str, queue: str) -> str:
    return f"{name}, queue {queue}" if queue else name


def _accounts(handle: Handle) -> list[Account]:
    return list(handle.snapshot().accounts.values())


def _open(handle: Handle) -> Iterator[Conversation]:
    return (c for c in handle.snapshot().conversations.values() if c.state is not None)


def _waiting(handle: Handle, queue: str) -> Iterator[Conversation]:
    """Callers nobody has answered: in a queue, or ringing from outside."""
    for c in _open(handle):
        rings = c.phase is Phase.RINGING and c.direction is Direction.IN and not c.answered_by
        if (c.phase is Phase.QUEUED or rings) and queue in ("", c.queue):
            yield c


def _wait(conversation: Conversation, now: float) -> float:
    """Seconds a caller has waited; since the call began, or since somebody had it last."""
    before = 0.0 if conversation.answered_by else conversation.ring + conversation.talk + conversation.hold
    here = lasted(conversation, now)
    return type(here)(before + here)


def _all_busy(handle: Handle, queue: Queue) -> bool:
    here = [agent for agent in queue.agents if agent.logged_in is not False and not agent.paused]
    accounts = handle.accounts
    return bool(here) and not any(idle(accounts.get(agent.number)) for agent in here)
