"""Alerts: rules judged once a second on the UI lane, seen or not, with a log and a sound. Rules: alert_rules.py."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import traitlets

from pbxnb.arguments import check_number
from pbxnb.errors import ConfigError
from pbxnb.model.entities import LineState
from pbxnb.signals import Signal
from pbxnb.text import clean_logger
from pbxnb.ui.handle import Handle
from pbxnb.ui.live_panel import LivePanel
from pbxnb.ui.static import table
from pbxnb.ui.text import title_of
from pbxnb.zones import clock_text, times_in

from .rules import AlertEvent, Level, Rule, Standing, rules_of

__all__ = ["AlertEvent", "Alerts", "Level", "Rule"]

_log = clean_logger("pbxnb.ui")
_SHARE = 20  # rules may take a twentieth of the lane: slow ones are asked less often
_KEPT = 500
_IN_PAGE = 50
_SILENT, _LONGEST = 15, 7 * 24 * 60  # minutes: by the page's button, and at most
_RULES, _LOG, _BEEP = "rules", "log", "beep"
_KNOWN = (LineState.LIVE, LineState.STALE)


class Alerts(LivePanel):
    """Rules with two levels, where each stands, and a log of what happened.

    Rules run on the UI lane about once a second, whether a page shows them or not, and one that fails stops no other.
    While the line is down nothing is known and nothing is judged.

    Args:
        handle: the PBX.
        rules: what to watch, in the order shown.
        traits: any attribute below.

    Attributes:
        sound: beep in the page when a level rises. A browser plays nothing before somebody has clicked in the page.
        notify: a notification of the system when a level rises and the page is not looked at. The browser asks whether
            it may when somebody presses the button.
        level: the worst level of all rules: ``ok``, ``orange`` or ``red``; read-only, observe it.

    Raises:
        ConfigError: something in ``rules`` is no `Rule`.

    Example:
        >>> alerts = Alerts(pbx, rules=[Rule.waiting(orange=20, red=60)])
        >>> stop = alerts.on_alert(print)
    """

    scripts: ClassVar[tuple[str, ...]] = ("ui/levels.js", "ui/notes.js", "widgets/alerts/alerts.js")
    sheets: ClassVar[tuple[str, ...]] = ("widgets/alerts/alerts.css",)

    sound: Final = traitlets.Bool(False).tag(sync=True)
    notify: Final = traitlets.Bool(False).tag(sync=True)
    level: Final = traitlets.Unicode(str(Level.OK), read_only=True)

    def __init__(self, handle: Handle, rules: Iterable[Rule] = (), **traits: Any) -> None:
        self.rules: Sequence[Rule] = rules_of(rules)
        self._standing = [Standing()] * len(self.rules)
        self._events: deque[AlertEvent] = deque(maxlen=_KEPT)
        self._alerts: Signal[AlertEvent] = Signal(self.report)
        self._due = 0.0
        self._knows = True
        self._silent: dict[str, datetime] = {}  # rule -> until when
        self._beeps: list[int] = [0, 0]  # how many so far, and the rank of the last: one number tells a new from an old
        super().__init__(handle, **traits)
        self._ticket.wake()

    def _follow(self, handle: Handle) -> None:
        super()._follow(handle)
        self._leave.callback(handle.keep_read(queues=True, orbits=False))

    @property
    def log(self) -> tuple[AlertEvent, ...]:
        """The last 500 changes of level, oldest first."""
        return tuple(self._events)

    def standing(self) -> dict[str, Level]:
        """Return the level of every rule now, by name."""
        return {rule.name: at.level for rule, at in zip(self.rules, self._standing, strict=True)}

    def on_alert(self, fn: Callable[[AlertEvent], object]) -> Callable[[], None]:
        """Call ``fn(event)`` at every change of level, back to ok included.

        Args:
            fn: runs on the UI lane, so it must be quick; its error is shown in the strip.

        Returns:
            A function that unsubscribes.
        """
        return self._alerts.add(fn)

    def silence(self, rule: str, minutes: float = _SILENT) -> None:
        """Neither sound a rule nor notify of it for some time; where it stands is shown and logged all the same.

        Args:
            rule: its name.
            minutes: from now, PBX time, up to a week; 0 lets it be heard again.

        Raises:
            ConfigError: no rule has that name, or the minutes are no number from 0 to a week.

        Example:
            >>> alerts = Alerts(pbx, rules=[Rule.waiting(orange=20, red=60)])
            >>> alerts.silence("longest wait", minutes=30)
        """
        if rule not in self.standing():
            raise ConfigError(f"There is no rule {rule!r}.", hint=f"There are: {', '.join(self.standing())}.")
        check_number("minutes", minutes, most=_LONGEST)
        with self._lock:
            self._silent[rule] = self._handle.clock.now() + timedelta(minutes=minutes)
        self._dirty.mark((_RULES,))
        self._ticket.wake()

    # On the UI lane.

    def _receive(self, message: dict[str, Any]) -> None:
        rule = message.get("silence")
        if isinstance(rule, str) and rule in self.standing():
            self.silence(rule, _SILENT if message.get("on") is True else 0)

    def _paint(self, now: float) -> float | None:
        if now >= self._due and not self._closed:
            began = time.perf_counter()
            self._judge_all()
            self._due = now + max(self.timing.recheck, _SHARE * (time.perf_counter() - began))
        again = super()._paint(now)
        return self._due if again is None else min(self._due, again)

    def _judge_all(self) -> None:
        knows = self._handle.status.state in _KNOWN
        before = (self._knows, [self._shown(rule, at) for rule, at in zip(self.rules, self._standing, strict=True)])
        for place, rule in enumerate(self.rules if knows else ()):
            self._judge(place, rule)
        self._knows = knows
        if before != (knows, [self._shown(rule, at) for rule, at in zip(self.rules, self._standing, strict=True)]):
            self._dirty.mark((_RULES,))
        worst = max((at.level for at in self._standing), key=lambda level: level.rank, default=Level.OK)
        try:
            self.set_trait("level", str(worst))
        except BaseException as error:  # noqa: BLE001 - an observer of the user's
            self.report(error)

    def _judge(self, place: int, rule: Rule) -> None:
        old = self._standing[place]
        try:
            self._standing[place], event = rule.look(self._handle, old)
        except BaseException as error:  # noqa: BLE001 - the user's function; it must not stop the other rules
            now = self._standing[place] = old.failed(error)
            if now.error != old.error:  # a fault that stays is said once
                _log.info("The alert rule %r failed.", rule.name, exc_info=True)
                self.report(f"Alert rule “{rule.name}” failed: {now.error}")
        else:
            if event is not None:
                self._changed_level(event)

    def _changed_level(self, event: AlertEvent) -> None:
        self._events.append(event)
        self._dirty.mark((_LOG,))
        if event.level.rank > event.before.rank and event.at >= self._silent.get(event.rule, event.at):
            self._beeps = [self._beeps[0] + 1, event.level.rank]
            self._dirty.mark((_BEEP,))
        self._alerts(event)

    def _shown(self, rule: Rule, at: Standing) -> list[Any]:
        until = _seconds(self._silent.get(rule.name))
        return [rule.name, str(at.level), rule.told(at.value), at.error, _seconds(at.since), until]

    def _state(self) -> dict[str, Any]:
        return self._content({_RULES, _LOG, _BEEP})

    def _batch(self, keys: set[str], whole: bool) -> dict[str, Any] | None:
        return self._content(keys) or None

    def _content(self, keys: set[str]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if _RULES in keys:
            made[_RULES] = [self._shown(rule, at) for rule, at in zip(self.rules, self._standing, strict=True)]
            made["knows"] = self._knows
            made["zone"] = times_in(self._handle.tz)
        if _LOG in keys:
            units = {rule.name: rule for rule in self.rules}
            made[_LOG] = [
                [clock_text(e.at, self._handle.tz), e.rule, str(e.level), str(e.before), units[e.rule].told(e.value)]
                for e in list(self._events)[-_IN_PAGE:]
            ]
        if _BEEP in keys:
            made[_BEEP] = self._beeps
        return made

    def _plain(self) -> str:
        raised = [f"{name} {level}" for name, level in self.standing().items() if level is not Level.OK]
        rules = f"{len(self.rules)} rule{'' if len(self.rules) == 1 else 's'}"
        return f"Alerts of {title_of(self._handle)}: " + (", ".join(raised) or f"{rules}, all ok")

    def _static(self) -> str:
        rows = [
            (rule.name, "cannot be told" if at.error else str(at.level), rule.told(at.value), at.error)
            for rule, at in zip(self.rules, self._standing, strict=True)
        ]
        entries = [
            (clock_text(e.at, self._handle.tz, date=True), e.rule, f"{e.before} → {e.level}")
            for e in self.log[-_IN_PAGE:]
        ]
        return table(("Rule", "Level", "Value", "Error"), rows) + table(("When", "Rule", "Change"), entries)


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp())
