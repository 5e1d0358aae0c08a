"""A few words to write situations in: wire objects, a clock by hand, a store that takes JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from pbxnb.model.changes import Changes
from pbxnb.model.clock import Clock
from pbxnb.model.entities import Account, Call, Conversation, Gap, Presence
from pbxnb.model.past.memory import MOST
from pbxnb.model.store import Scope, Store
from pbxnb.protocol.decode import account_entry, call_entry, decode

T0 = datetime(2026, 9, 21, 12, 0, tzinfo=UTC)
START = 1790000000  # the PBX's clock, which is not ours


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def call(
    key: str, from_: str, to: str, state: str = "connected", *, ext: str | None = None, start: Any = START, **more: Any
) -> dict[str, Any]:
    """A call of the wire; its extensions are those of its parties that look internal, unless ``ext`` lists others."""
    inside = ext.split() if ext is not None else [n for n in (from_, to) if len(n) == 3]
    return {
        "id": key,
        "from": f"<sip:{from_}@acme.example>",
        "to": f"<sip:{to}@acme.example>",
        "state": state,
        "extension": inside,
        "start": start,
        "connect": more.pop("connect", "" if state in ("alerting", "ringback") else START + 7),
        **more,
    }


def account(number: str, kind: str = "extensions", **more: Any) -> dict[str, Any]:
    return {"account": number, "type": kind, "name": f"Name of {number}", "registered": True, "dnd": False, **more}


class Desk:
    """A store with a clock: each step says when, and what came."""

    def __init__(
        self, *, user: str = "", scope: Scope = Scope.DOMAIN, clock: Clock | None = None, memory: int = MOST
    ) -> None:
        self.store = Store(domain="acme.example", user=user, scope=scope, clock=clock, memory=memory)
        self.seq = 0
        self.now = 0.0

    def take(self, frame: dict[str, Any], after: float = 1.0) -> Changes:
        """A frame arrives ``after`` seconds."""
        self.seq += 1
        self.now += after
        return self.store.apply(decode(json.dumps(frame)), at(self.now), seq=self.seq)

    def calls(self, *calls: dict[str, Any], after: float = 1.0) -> Changes:
        """A whole list."""
        return self.take({"action": "call-state", "calls": list(calls)}, after)

    def one(self, call: dict[str, Any], after: float = 1.0) -> Changes:
        """A call by itself."""
        return self.take({"action": "call-state", "calls": call}, after)

    def user(self, number: str, after: float = 1.0, **fields: Any) -> Changes:
        """A ``user-state``."""
        return self.take({"action": "user-state", "account": number, **fields}, after)

    def accounts(self, *accounts: dict[str, Any], after: float = 1.0, **more: Any) -> Changes:
        """A ``domain-state``."""
        return self.take({"action": "domain-state", "accounts": list(accounts), **more}, after)

    def resync(
        self,
        accounts: list[dict[str, Any]] | None = None,
        calls: list[dict[str, Any]] | None = None,
        after: float = 1.0,
        *,
        first: bool = False,
        gap: float | None = None,
        source: Any = "snapshot",
        arrays: bool = False,
    ) -> Changes:
        """A snapshot after an interruption."""
        self.now += after
        return self.store.resync(
            None if accounts is None else [account_entry(item) for item in accounts],
            None if calls is None else [call_entry(item) for item in calls],
            at(self.now),
            source=source,
            arrays=arrays,
            first=first,
            gap=None if gap is None else Gap(at(self.now - gap), at(self.now)),
        )

    def state(self, number: str) -> str:
        return self.store.accounts[number].state.value

    def account(self, number: str) -> Account:
        return self.store.accounts[number]

    def call(self, key: str) -> Call:
        return self.store.calls[key]

    def talk(self, key: str) -> Conversation:
        return self.store.conversations[key]

    def presence(self, number: str) -> list[Presence]:
        """The intervals of one account."""
        return [interval for interval in self.store.presence() if interval.number == number]

    def talks(self) -> dict[str, tuple[str, ...]]:
        """Which calls each conversation has."""
        return {key: talk.calls for key, talk in self.store.conversations.items()}


def kinds(changes: Changes) -> list[str]:
    """Each event as ``kind key``, with a ``?`` when inferred."""
    return [
        f"{event.kind} {(event.call and event.call.id) or (event.account and event.account.number)}"
        + ("?" if event.inferred else "")
        for event in changes.events
    ]
