"""What one message did so far, collected while it is taken in, and the events that come of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pbxnb.protocol.messages import Message

from .changes import Event
from .entities import Account, Call
from .legs import Leg
from .roster import Record

__all__ = ["AccountChange", "Batch"]

AccountChange = tuple[str, Account | None, Account | None]
"""Number, value before (None when new), value after (None when gone)."""


class Batch:
    """One message, or one snapshot, on its way through the store.

    Args:
        message: the message; None for a snapshot or a timer.
        continuous: the line was up; False in a snapshot after an interruption, whose events are inferred.
        silent: no events come of it.

    Attributes:
        touched: numbers whose account may be doing something else now.
        ended: calls that are over, with the rule that concluded it or an empty text.
        fresh: calls that are new.
        changed: calls that have another value, with the value before.
        tellers: accounts that told of calls of their own.
        eased: accounts that gave up a claim to be in a call: record before and after.
        retyped: numbers that have another type now: a call to one may be parked, or come through a queue.
        queues, orbits: keys of queues and orbits that changed.
    """

    __slots__ = (
        "ask_again",
        "changed",
        "continuous",
        "eased",
        "ended",
        "fresh",
        "message",
        "orbits",
        "queues",
        "received",
        "retyped",
        "seq",
        "silent",
        "tellers",
        "touched",
    )

    def __init__(
        self,
        message: Message | None,
        received: datetime,
        seq: int,
        *,
        continuous: bool = True,
        silent: bool = False,
    ) -> None:
        self.message = message
        self.received = received
        self.seq = seq
        self.continuous = continuous
        self.silent = silent
        self.touched: dict[str, None] = {}
        self.ended: list[tuple[Leg, str]] = []
        self.fresh: dict[Leg, None] = {}
        self.changed: dict[Leg, Call] = {}
        self.tellers: list[str] = []
        self.eased: list[tuple[Record, Record]] = []
        self.retyped: list[str] = []
        self.queues: list[str] = []
        self.orbits: list[str] = []
        self.ask_again = False

    def call_events(self) -> Iterator[Event]:
        """Ends first, so that an id that is used again ends before it begins; then news in order of the list."""
        inferred = not self.continuous
        for leg, rule in self.ended:
            yield self._event("call.ended", call=leg.call, before=leg.call, inferred=inferred or bool(rule))
        for leg in self.fresh:
            call = leg.call
            yield self._event("call.new", call=call, inferred=inferred or call.inferred, at=call.started_at)
        for leg, before in self.changed.items():
            call = leg.call
            answered = call.connected_at if before.connected_at is None else None
            yield self._event("call.changed", call=call, before=before, inferred=inferred or call.inferred, at=answered)

    def account_events(self, accounts: list[AccountChange]) -> Iterator[Event]:
        """One ``account.changed`` for each account whose value changed."""
        inferred = not self.continuous
        for _, before, after in accounts:
            if after is not None:
                yield self._event("account.changed", account=after, before=before, inferred=inferred or after.inferred)
            else:
                yield self._event("account.changed", account=before, before=before, removed=True, inferred=True)

    def _event(
        self,
        kind: str,
        *,
        call: Call | None = None,
        account: Account | None = None,
        before: Account | Call | None = None,
        removed: bool = False,
        inferred: bool = False,
        at: datetime | None = None,
    ) -> Event:
        return Event(
            kind=kind,
            call=call,
            account=account,
            message=self.message,
            before=before,
            removed=removed,
            inferred=inferred,
            at=at,
            received=self.received,
            seq=self.seq,
        )
