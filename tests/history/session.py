"""A session with a PBX whose clock is not the kernel's: a store, its history, and a handle for pictures of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pbxnb.history import History
from pbxnb.model.clock import Clock
from pbxnb.model.entities import Gap, LineState, Status
from pbxnb.model.past.memory import MOST
from pbxnb.model.store import Store
from pbxnb.protocol.decode import account_entry, call_entry, decode

KERNEL = datetime(2026, 9, 21, 12, 0, tzinfo=UTC)


class PbxTime:
    """The handle's clock: the model's, and what time it is."""

    rate = 1.0

    def __init__(self, session: Session) -> None:
        self._session = session
        self.at = session.store.clock.at

    @property
    def offset(self) -> float:
        return self._session.store.clock.offset

    def now(self) -> datetime:
        return self.at(self._session.moment())


class Session:
    """A handle as pictures need it; each step says at which second of the kernel's clock something comes.

    Args:
        offset: seconds the PBX's clock is ahead.
        memory: bytes for what has ended.
    """

    name, domain, user, control, simulated = "test", "acme.example", "", False, False
    tz = ZoneInfo("UTC")

    def __init__(self, offset: float = 0.0, memory: int = MOST) -> None:
        self.store = Store(domain=self.domain, clock=Clock(offset=offset), memory=memory)
        self.status = Status(state=LineState.LIVE, since=KERNEL)
        self.history = History(self.store, lambda: self.status.gaps)
        self.seconds = 0.0
        self.clock = PbxTime(self)

    @property
    def accounts(self) -> Any:
        return self.store.accounts

    @property
    def calls(self) -> Any:
        return self.store.calls

    @property
    def conversations(self) -> Any:
        return self.store.conversations

    def closed_calls(self) -> Any:
        return self.store.closed_calls()

    def snapshot(self) -> Any:
        return self.store.snapshot(self.moment())

    def moment(self) -> datetime:
        return KERNEL + timedelta(seconds=self.seconds)

    def wire(self, seconds: float) -> str:
        """A moment as the PBX writes it."""
        return f"{self.store.clock.at(KERNEL + timedelta(seconds=seconds)).timestamp():.3f}"

    def call(
        self, key: str, from_: str, to: str, state: str, start: float, connect: float | None = None, ext: str = ""
    ) -> dict[str, Any]:
        return {
            "id": key,
            "from": f"<sip:{from_}@acme.example>",
            "to": f"<sip:{to}@acme.example>",
            "state": state,
            "extension": ext.split(),
            "start": self.wire(start),
            "connect": "" if connect is None else self.wire(connect),
        }

    def begin(self, accounts: list[dict[str, Any]], calls: list[dict[str, Any]]) -> None:
        """The first snapshot: state, no news."""
        entries = [account_entry(one) for one in accounts], [call_entry(one) for one in calls]
        self.history.feed(self.store.resync(*entries, self.moment(), arrays=True, first=True))

    def take(self, seconds: float, frame: dict[str, Any]) -> None:
        self.seconds = seconds
        self.history.feed(self.store.apply(decode(json.dumps(frame)), self.moment()))

    def list(self, seconds: float, *calls: dict[str, Any]) -> None:
        """A whole list of calls comes."""
        self.take(seconds, {"action": "call-state", "calls": list(calls)})

    def lose(self, start: float, end: float) -> None:
        """The line was down."""
        gap = Gap(KERNEL + timedelta(seconds=start), KERNEL + timedelta(seconds=end))
        self.status = Status(state=LineState.LIVE, since=KERNEL, gaps=(*self.status.gaps, gap))


def a_morning(session: Session) -> None:
    """A call under way at connect, a talk with a hold, a caller of a queue, a transfer, a phone that leaves, a gap."""
    c = session.call
    known = {"type": "extensions", "registered": True, "dnd": False}
    people = [{"account": number, "name": number, **known} for number in ("201", "202", "203")]
    queue = {"account": "600", "type": "acds", "name": "Support"}
    old = c("old", "+12025550100", "203", "connected", -100, -90, "203")
    session.begin([*people, queue], [old])
    session.list(10, old, c("a", "+12025550101", "201", "alerting", 10, None, "201"))
    session.list(16, old, c("a", "+12025550101", "201", "connected", 10, 16, "201"))
    session.take(20, {"action": "user-state", "account": "202", "dnd": True})
    session.list(30, old, c("a", "+12025550101", "201", "onhold", 10, 16, "201"))
    session.take(35, {"action": "user-state", "account": "202", "dnd": False, "registered": False})
    session.list(41.5, c("a", "+12025550101", "201", "connected", 10, 16, "201"))
    session.list(56, c("q", "+12025550102", "600", "connected", 56, 56))
    session.list(75, c("q", "+12025550102", "600", "alerting", 56, 56, "202"))
    session.list(80, c("q", "+12025550102", "202", "connected", 56, 80, "202"))
    session.lose(85, 95)
    session.list(100, c("q", "+12025550102", "203", "alerting", 56, 80, "203"))
    session.list(105, c("q", "+12025550102", "203", "connected", 56, 80, "203"))
    served = c("q", "+12025550102", "203", "connected", 56, 80, "203")
    session.list(110, served, c("w", "+12025550103", "600", "alerting", 110))
    session.seconds = 130.0
