"""The numbers of the day as big cards: value, trend, meaning, window, and where each stands."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

import traitlets

from pbxnb.history import Figures, Today
from pbxnb.history.today import SLOT, Window, begin_of
from pbxnb.model.changes import Changes
from pbxnb.ui.handle import Handle
from pbxnb.ui.live_panel import LivePanel
from pbxnb.ui.static import table
from pbxnb.ui.text import title_of
from pbxnb.ui.times import stopped

from .cards import CARDS, Card, Now, card_row, checked

__all__ = ["Kpis"]

_FIRST = ("service_level", "abandoned", "speed_of_answer", "longest_wait")
_TREND = 36  # points of five minutes
_LEVELS = {"orange": " (warning)", "red": " (alarm)"}
_FACTS, _TRENDS = "facts", "trends"


class Kpis(LivePanel):
    """A big card per number: the value, its trend over three hours, what it means, of which window, where it stands.

    Service level, answered, abandoned, speed of answer and longest wait are of calls that began in the window and are
    over, counted as `pbxnb.analysis` counts them; calls, waiting callers and free agents are of now.

    Args:
        handle: the PBX.
        traits: any attribute below, and those of every panel.

    Attributes:
        names: the cards, in this order: ``service_level``, ``answered``, ``abandoned``, ``speed_of_answer``,
            ``longest_wait``, ``calls``, ``waiting``, ``agents_free``.
        queues: numbers of the queues whose calls count; empty means every call from outside or through a queue.
        within: the limit of the service level, seconds.
        window: ``day``, since local midnight, or ``hour``, since the full hour.
        thresholds: by name two numbers, beyond which a card is a warning and an alarm; the higher one first where more
            is better, as in ``{"service_level": (0.8, 0.7), "waiting": (3, 6)}``. None sets none.

    Example:
        >>> cards = pbx.kpis(thresholds={"service_level": (0.8, 0.7)})
        >>> cards.names = ["service_level", "waiting"]
    """

    scripts: ClassVar[tuple[str, ...]] = ("ui/levels.js", "widgets/sparklines/spark.js", "widgets/kpis/kpis.js")
    sheets: ClassVar[tuple[str, ...]] = ("widgets/sparklines/spark.css", "widgets/kpis/kpis.css")

    names: Final = traitlets.List(traitlets.Enum(tuple(CARDS)), list(_FIRST))
    queues: Final = traitlets.List(traitlets.Unicode())
    within: Final = traitlets.Float(20.0, min=0.0)
    window: Final = traitlets.Enum(("day", "hour"), "day")
    thresholds: Final = traitlets.Dict(allow_none=True, default_value=None)

    def __init__(self, handle: Handle, **traits: Any) -> None:
        self._sent: dict[str, Any] = {}  # what every page has, where that is certain
        self._due = self._trends_due = 0.0
        super().__init__(handle, **traits)

    def _follow(self, handle: Handle) -> None:
        super()._follow(handle)
        self._today = Today(handle.history, handle.tz)
        self._leave.callback(handle.keep_read(queues=True, orbits=False))

    @traitlets.validate("thresholds")
    def _check_thresholds(self, proposal: Any) -> Mapping[str, Any] | None:
        return None if proposal["value"] is None else checked(proposal["value"])

    @traitlets.observe("names", "queues", "within", "window", "thresholds")
    def _wish_changed(self, _change: Any) -> None:
        if self.comm is not None:  # not while it is made
            self.refresh()

    # What the base calls.

    def _mark(self, changes: Changes) -> Iterable[str]:
        return (_FACTS,) if changes.conversations or changes.queues or changes.accounts else ()

    def _tick(self, now: float) -> float | None:
        if now >= self._due:
            self._due = now + self.timing.recheck
            self._dirty.mark((_FACTS,))
        if now >= self._trends_due:
            self._trends_due = now + self.timing.resample
            self._dirty.mark((_TRENDS,))
        return self._due

    def _state(self) -> dict[str, Any]:
        self._sent = {
            "titles": [[name, CARDS[name].title, self._meaning(name)] for name in self.names],
            **self._facts(),
            **self._trends(),
        }
        return self._sent

    def _batch(self, keys: set[str], whole: bool) -> dict[str, Any] | None:
        facts = (self._facts() if _FACTS in keys else {}) | (self._trends() if _TRENDS in keys else {})
        changed = {name: value for name, value in facts.items() if whole or value != self._sent.get(name)}
        self._sent |= changed
        return changed or None

    def _unsure(self) -> None:
        self._sent = {}

    def _facts(self) -> dict[str, Any]:
        now = self._handle.clock.now()
        if self._today.within != self.within:
            self._today = Today(self._handle.history, self._handle.tz, self.within)
        self._today.update(now)
        figures = self._figures(now)
        going, limits = Now.of(self._handle.snapshot(), self.queues), self.thresholds or {}
        return {
            "cards": [card_row(name, figures, going, limits.get(name), self.within) for name in self.names],
            "window": self._today.text(self._window(), now),
            "old": stopped(self._handle.status, self._handle.clock.at),
        }

    def _trends(self) -> dict[str, Any]:
        now = self._handle.clock.now()
        course = self._today.course(self.queues, now, _TREND, self._since(now))
        counts = {} if self.queues else self._handle.history.samples(now, SLOT, _TREND)
        unseen = _TREND - 1 - (now.timestamp() - self._handle.history.began) / SLOT
        nobody = Now(0, 0, 0.0, 0, 0)
        trends = []
        for name in self.names:
            card = CARDS[name]
            points = [None if one is None or card.now else card.value(one, nobody) for one in course]
            if name in counts:
                points = [None if at < unseen else count for at, count in enumerate(counts[name])]
            trends.append(_trend(card, points))
        return {"trends": trends}

    def _figures(self, now: datetime) -> Figures:
        return self._today.total(self.queues, self._since(now))

    def _since(self, now: datetime) -> datetime:
        return begin_of(self._window(), now, self._handle.tz)

    def _window(self) -> Window:
        return "hour" if self.window == "hour" else "day"

    def _meaning(self, name: str) -> str:
        return CARDS[name].definition.format(within=f"{self.within:g}")

    def _values(self) -> list[tuple[str, str, str]]:
        facts = self._facts()
        return [
            (CARDS[name].title, value + _LEVELS.get(level, ""), more)
            for name, (value, level, more, _) in zip(self.names, facts["cards"], strict=True)
        ]

    def _plain(self) -> str:
        said = ", ".join(f"{title.lower()} {value}" for title, value, _ in self._values())
        return f"{title_of(self._handle)}: {said}"

    def _static(self) -> str:
        window = html.escape(self._today.text(self._window(), self._handle.clock.now()))
        return table(("", "Now", ""), self._values()) + f"<p><small>{window}</small></p>"


def _trend(card: Card, points: Sequence[float | None]) -> tuple[list[float | None], str]:
    """The points of a line, and what it says in words."""
    known = [point for point in points if point is not None]
    words = f"{card.text(min(known))} to {card.text(max(known))} in 3 hours" if known else "nothing known"
    return [None if point is None else round(point, 3) for point in points], words
