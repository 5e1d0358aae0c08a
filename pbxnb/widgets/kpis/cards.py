"""The numbers that a card may show: what each means, its value now, its words, and where it stands. Pure."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from pbxnb.errors import ConfigError
from pbxnb.history import Figures
from pbxnb.history.stories import span_text
from pbxnb.model.entities import Phase, Snapshot
from pbxnb.ui.queues import by_queue, is_free, waiting_in

__all__ = ["CARDS", "Card", "Now", "card_row", "checked", "level_of"]

Limits = tuple[float, float]


class Now(NamedTuple):
    """What goes on: calls, who waits, agents that are free and agents in all; since when the first waits, 0: nobody."""

    calls: int
    waiting: int
    longest: float
    free: int
    agents: int

    @classmethod
    def of(cls, model: Snapshot, queues: Collection[str] = ()) -> Now:
        """Read it off the model.

        Args:
            model: at one moment.
            queues: those that count; empty means all, and calls through none.
        """
        open_ = [one for one in model.conversations.values() if one.state is not None]
        its = by_queue(model.conversations.values())
        shown = [queue for number, queue in model.queues.items() if not queues or number in queues]
        callers = [caller for queue in shown for caller in waiting_in(queue, its.get(queue.number, ()))]
        others = [one for one in open_ if one.phase is Phase.QUEUED and one.queue not in model.queues]
        agents = {agent.number: agent for queue in shown for agent in queue.agents}
        return cls(
            calls=sum(not queues or one.queue in queues for one in open_),
            waiting=len(callers) + sum(not queues or one.queue in queues for one in others),
            longest=min((caller.since for caller in callers), key=abs, default=0.0),
            free=sum(is_free(agent, model.accounts.get(number)) for number, agent in agents.items()),
            agents=len(agents),
        )


class Card(NamedTuple):
    """One number.

    Attributes:
        title: in a word or two.
        definition: what it counts; ``{within}`` stands for the limit, seconds.
        value: of the figures, or of what goes on; None where there is none.
        text: it as people read it.
        now: whether it is of now, not of the window.
    """

    title: str
    definition: str
    value: Callable[[Figures, Now], float | None]
    text: Callable[[float], str]
    now: bool = False


def _share(value: float) -> str:
    return f"{value:.0%}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


CARDS: Mapping[str, Card] = {
    "service_level": Card(
        "Service level",
        "Calls answered within {within} s / (calls offered - those abandoned within {within} s).",
        lambda figures, _: figures.service_level,
        _share,
    ),
    "answered": Card(
        "Answered", "Calls of callers that an extension answered.", lambda figures, _: figures.answered, _count
    ),
    "abandoned": Card(
        "Abandoned", "Calls whose caller gave up before anybody answered.", lambda figures, _: figures.abandoned, _count
    ),
    "speed_of_answer": Card(
        "Speed of answer",
        "Mean wait of answered calls, from the first ringing or from joining the queue.",
        lambda figures, _: figures.speed_of_answer,
        span_text,
    ),
    "longest_wait": Card(
        "Longest wait",
        "The longest wait of a call that is over, answered or abandoned.",
        lambda figures, _: figures.longest,
        span_text,
    ),
    "calls": Card("Calls now", "Conversations that go on.", lambda _, now: now.calls, _count, now=True),
    "waiting": Card(
        "Waiting now", "Callers of queues whom nobody has answered.", lambda _, now: now.waiting, _count, now=True
    ),
    "agents_free": Card(
        "Agents free",
        "Agents of the queues who are logged in, on no break and in no call.",
        lambda _, now: now.free if now.agents else None,
        _count,
        now=True,
    ),
}
"""By name, in no particular order. The figures are of calls of callers that began in the window and are over."""


def checked(thresholds: Mapping[str, Any]) -> dict[str, Limits]:
    """The thresholds, each as two numbers.

    Raises:
        ConfigError: of a number that is not there, or not two different numbers.
    """
    for name, limits in thresholds.items():
        if name not in CARDS:
            raise ConfigError(
                f"There is no number {name!r} to set thresholds for.", hint=f"Choose of {', '.join(CARDS)}."
            )
        two = isinstance(limits, tuple | list) and len(limits) == 2
        if not two or not all(isinstance(one, int | float) for one in limits) or limits[0] == limits[1]:
            raise ConfigError(
                f"The thresholds of {name!r} must be two different numbers, not {limits!r}.",
                hint='Beyond which it is a warning, and an alarm: {"service_level": (0.8, 0.7), "waiting": (3, 6)}.',
            )
    return {name: (float(limits[0]), float(limits[1])) for name, limits in thresholds.items()}


def level_of(value: float | None, limits: Limits | None) -> str:
    """Where a number stands: ``ok``, ``orange`` or ``red``, as of alerts; empty where nobody says.

    Args:
        value: the number.
        limits: beyond which it is a warning, and an alarm; the higher number first where more is better.

    Example:
        >>> level_of(0.75, (0.8, 0.7)), level_of(0.8, (0.8, 0.7)), level_of(70.0, (20.0, 60.0))
        ('orange', 'ok', 'red')
    """
    if value is None or limits is None:
        return ""
    warning, alarm = limits
    beyond = operator.lt if warning > alarm else operator.gt
    return "red" if beyond(value, alarm) else "orange" if beyond(value, warning) else "ok"


def card_row(name: str, figures: Figures, now: Now, limits: Limits | None, within: float) -> list[Any]:
    """What the page is told of a card: value as text, level, more words, and a begin that ticks, or 0."""
    card = CARDS[name]
    value = card.value(figures, now)
    return [
        "–" if value is None else card.text(value),
        level_of(value, limits),
        _more(name, figures, now, within),
        round(now.longest, 1) if name == "waiting" else 0.0,
    ]


def _more(name: str, figures: Figures, now: Now, within: float) -> str:
    offered = f"{figures.offered:,}"
    match name:
        case "service_level":
            return f"{figures.in_time:,} of {offered} within {within:g} s"
        case "answered" | "abandoned":
            return f"of {offered} offered"
        case "speed_of_answer":
            return f"of {figures.waits:,} answered"
        case "agents_free":
            return f"of {now.agents:,} agents" if now.agents else "No agents are known."
        case "waiting":
            return "the first for" if now.longest else "nobody"
    return ""
