"""Sessions as inputs: made of the steps of the reference test, of fixtures, or of what a client gave; and replayed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pbxnb.history import History
from pbxnb.history.index import Block
from pbxnb.history.stories import LaneBy
from pbxnb.model.clock import Clock
from pbxnb.model.entities import Gap, Orbit
from pbxnb.model.kept.inputs import Input, OrbitRead, QueueRead, Received, Resynced, Scoped, Ticked
from pbxnb.model.store import Scope, Store
from pbxnb.protocol.decode import account_entry, call_entry
from tests.model.model_kit import at

DATA = Path(__file__).parents[1] / "data"


def of_steps(history: Any) -> list[Input]:
    """The steps of `test_model_reference` as inputs."""
    now, made = 0.0, list[Input]()
    for seq, ((kind, value), after) in enumerate(history, 1):
        now += after
        stamp = (at(now), now, 1, None)
        if kind == "frame":
            made.append(Received(*stamp, seq, json.dumps(value).encode(), False))
        elif kind == "resync":
            accounts, calls = value
            some = None if accounts is None else tuple(account_entry(a) for a in accounts)
            listed = None if calls is None else tuple(call_entry(c) for c in calls)
            made.append(Resynced(*stamp, some, listed, seq, None, "snapshot", False, False, None))
        elif kind == "put":
            made.append((OrbitRead if isinstance(value, Orbit) else QueueRead)(*stamp, value))
        elif kind == "scope":
            made.append(Scoped(*stamp, Scope.OWN if value else Scope.DOMAIN))
        else:
            made.append(Ticked(*stamp))
    return made


def of_file(path: Path) -> list[Input]:
    """A situation, or a recorded list of frames, as inputs."""
    made: list[Input] = []
    for seq, line in enumerate(map(json.loads, path.read_text("utf-8").splitlines()), 1):
        if "text" in line:
            moment = datetime.fromtimestamp(line["at"], at(0).tzinfo)
            if line["dir"] == "in":
                made.append(Received(moment, line["at"], 1, None, seq, line["text"].encode(), False))
        elif "frame" in line:
            made.append(Received(at(line["t"]), line["t"], 1, None, seq, json.dumps(line["frame"]).encode(), False))
        elif "resync" in line:
            told = line["resync"]
            accounts, calls = told.get("accounts"), told.get("calls")
            some = None if accounts is None else tuple(account_entry(a) for a in accounts)
            listed = None if calls is None else tuple(call_entry(c) for c in calls)
            now = at(line["t"])
            gap = Gap(now - timedelta(seconds=told["gap"]), now) if "gap" in told else None
            made.append(Resynced(now, line["t"], 1, None, some, listed, seq, None, "snapshot", False, False, gap))
    return made


BY: tuple[LaneBy, ...] = ("extension", "call", "queue")
FILES = sorted((*(DATA / "frames").glob("*.jsonl"), *(DATA / "situations").glob("*.jsonl")))


class Session:
    """A store and its history, fed with inputs."""

    def __init__(self, user: str = "", clock: Clock | None = None, domain: str = "acme.example") -> None:
        self.store = Store(domain=domain, user=user, clock=clock)
        self.history = History(self.store)

    def take(self, inputs: Iterable[Input]) -> Session:
        """Feed."""
        for one in inputs:
            if changes := one.apply_to(self.store):
                self.history.feed(changes)
        return self


def all_of(store: Store, history: History, now: datetime) -> dict[str, Any]:
    """Everything that can be asked of the model, and of the history of the days around a moment."""
    day = now.timestamp() - 86_400, now.timestamp() + 86_400
    ended = [(by, *block_of(block)) for by in BY for block in history.lanes(by).blocks(*day)]
    return {
        "snapshot": store.snapshot(now),
        "order": [[*store.accounts], [*store.calls], [*store.conversations], [*store.queues], [*store.orbits]],
        "closed": [*store.closed_calls()],
        "presence": [*store.presence()],
        "evidence": [store.explain(number) for number in store.accounts],
        "clock": (store.clock.offset, store.clock.uncertainty, store.clock.known),
        "claims": store.scope_evidence(now),
        "ended": ended,
        "running": [block_of(block) for block in history.running("extension")],
    }


def block_of(block: Block) -> tuple[Any, ...]:
    return block.lane, block.phase, block.span, block.call
