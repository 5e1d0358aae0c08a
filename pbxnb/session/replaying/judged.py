"""Rules of alerts over a recording: what they would have raised, had they been judged once a second of its time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pbxnb.history import History
from pbxnb.model.entities import CallRecord, LineState, Presence, Snapshot, Status
from pbxnb.model.past.memory import Taken
from pbxnb.model.store import Store

from ..clock import PbxClock
from ..mappings import mapped

if TYPE_CHECKING:
    from pbxnb.journal import Journals
    from pbxnb.ui import player as panels
    from pbxnb.widgets.alerts.rules import AlertEvent, Rule, Standing

__all__ = ["Judged"]

_EVERY = timedelta(seconds=1)


class _Moment:
    """A recording at a moment, as a measure asks it: what it would ask of a handle, without frames and commands."""

    control, simulated, replayed = False, False, True

    def __init__(self, about: dict[str, str], zone: ZoneInfo) -> None:
        self.domain, self.user, self.name = about.get("domain", ""), about.get("user", ""), about.get("pbx", "")
        self.tz = zone
        collections = mapped(lambda: self._store, nullcontext(), self.domain)
        self.accounts, self.extensions, self.calls, self.conversations, self.queues, self.orbits = collections
        self.clock = PbxClock(lambda: self._store.clock, zone, now=lambda: self._at, rate=lambda: 1.0)

    def stand(self, store: Store, history: History, t: datetime) -> None:
        """Be at a moment, PBX time."""
        self._store, self.history = store, history
        self._at = t - timedelta(seconds=store.clock.offset)
        self._snapshot = store.snapshot(self._at)

    @property
    def status(self) -> Status:
        """Of a line that is live: at other moments nothing is judged."""
        return Status(state=LineState.LIVE, since=self._at)

    def snapshot(self) -> Snapshot:
        """The whole model."""
        return self._snapshot

    def closed_calls(self) -> Taken[CallRecord]:
        """The calls that had ended."""
        return self._store.closed_calls()

    def presence(self) -> Taken[Presence]:
        """Intervals of presence."""
        return self._store.presence()


class Judged:
    """Rules of alerts over a recording. While the line was down nothing is judged, as live.

    Args:
        journals: the recording.
        rules: to be judged.
        zone: of the times that a measure may ask for.
        goes_on: called at every step; may wait, and says whether to go on now.

    Attributes:
        events: the changes of level, back to ok included, in order; more and more while the recording is read.
        errors: by the name of a rule what its measure raised last, where that was an error.
        closed: whether nobody looks any more; nothing is judged then.
    """

    def __init__(self, journals: Journals, rules: Sequence[Rule], zone: ZoneInfo, goes_on: Callable[[], bool]) -> None:
        from pbxnb.journal import Replayed
        from pbxnb.widgets.alerts.rules import Standing

        self.events: list[AlertEvent] = []
        self.errors: dict[str, str] = {}
        self.closed: bool = False
        self._standing = [(rule, Standing()) for rule in rules]
        self._goes_on = goes_on
        self._next: datetime | None = None
        self._moment = _Moment(journals.about, zone)
        self._replayed = Replayed(journals, still=self._judge)

    def read_on(self) -> None:
        """Judge what is written by now, as long as it may go on. On one thread."""
        if not self.closed:
            self._replayed.store()

    def close(self) -> None:
        """Nobody looks any more."""
        self.closed = True

    def _judge(self, store: Store, history: History, since: datetime, until: datetime) -> bool:
        """Judge all whole steps of a time in which the model stood still."""
        self._next = since if self._next is None else max(self._next, since)
        while self._next < until:
            if self.closed or not self._goes_on():
                return False
            self._moment.stand(store, history, self._next)
            self._standing = [(rule, self._look(rule, standing)) for rule, standing in self._standing]
            self._next += _EVERY
        return True

    def _look(self, rule: Rule, before: Standing) -> Standing:
        try:
            now, event = rule.look(self._moment, before)  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - the user's function; it must not stop the other rules
            now, event = before.failed(error), None
            self.errors[rule.name] = now.error
        if event is not None:
            self.events.append(event)
        return now


if TYPE_CHECKING:

    def _is_judged(judged: Judged) -> panels.Judged:
        return judged
