"""A recording of inputs, and the history of the model that it was made of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from pbxnb.model.entities import Gap
from pbxnb.model.kept.inputs import Input, Received, Resynced
from pbxnb.model.store import Store
from pbxnb.session.past import Downtime, History
from tests.journal.journal_kit import Recorded, frame
from tests.model.inputs_kit import account_entry, call_entry
from tests.model.model_kit import T0

TABLES = ("calls", "legs", "call_states", "presence", "gaps")


class OfStore:
    """What a model in memory tells, and the gaps that came with its inputs."""

    tz = ZoneInfo("UTC")

    def __init__(self, store: Store, gaps: list[Gap]) -> None:
        self.store, self.domain = store, store.domain
        self.found = gaps

    @property
    def dropped(self) -> Any:
        return self.store.dropped

    def window(self) -> tuple[datetime, datetime]:
        return T0, T0 + timedelta(days=1)

    def ended(self, *_window: datetime | None) -> Any:
        return self.store.closed_calls()

    def open_calls(self) -> Any:
        return list(self.store.calls.values())

    def running(self) -> Any:
        return self.store.running_calls(self.window()[1])

    def presence(self, *_window: datetime | None) -> Any:
        return self.store.presence()

    def gaps(self) -> list[Downtime]:
        return [Downtime(f"@{self.domain}", gap.start, gap.end, gap.why) for gap in self.found]

    def at(self, t: datetime) -> Any:
        return self.store.snapshot(t)


def of_store(made: Recorded, inputs: list[Input]) -> History:
    """The history of the model that was recorded."""
    gaps = [one.gap for one in inputs if isinstance(one, Resynced) and one.gap is not None]
    return History(OfStore(made.store, gaps))


def rows_of(history: History) -> dict[str, list[dict[str, Any]]]:
    """The rows of every table."""
    return {name: getattr(history, name).to_pylist() for name in TABLES}


def first_snapshot(at: float, *calls: dict[str, Any], mono: float | None = None, first: bool = True) -> Resynced:
    """A session begins, so many seconds after T0: two accounts, and the calls that there are."""
    accounts = tuple(account_entry({"account": number, "type": "extensions"}) for number in ("45", "46"))
    stamp = (T0 + timedelta(seconds=at), at if mono is None else mono, 1, None)
    return Resynced(*stamp, accounts, tuple(map(call_entry, calls)), 0, None, "snapshot", True, first, None)


def call(key: str, state: str = "connected", start: float = 0.0) -> dict[str, Any]:
    """A call from outside with 45 that began so many seconds after T0."""
    parties = {"from": f"<sip:+1555010{key}@a>", "to": "<sip:45@a>", "extension": "45"}
    return {"id": key, **parties, "state": state, "start": f"{(T0 + timedelta(seconds=start)).timestamp():.3f}"}


def listed(seq: int, at: float, *calls: dict[str, Any], mono: float | None = None) -> Received:
    """A whole list of calls comes."""
    made = frame(seq, {"action": "call-state", "calls": list(calls)}, after=at)
    return made if mono is None else msgspec.structs.replace(made, mono=mono)
