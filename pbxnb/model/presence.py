"""Presence and evidence: since when each axis of an account has its value, and which frame and rule set it."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from enum import IntEnum

import msgspec

from .entities import Evidence, Presence

__all__ = ["Axis", "PresenceLog"]


class Axis(IntEnum):
    """The axes of an account, named as the attributes of `Account`."""

    REGISTERED = 0
    DND = 1
    CHAT_STATUS = 2
    STATE = 3


_NAMES = tuple(axis.name.lower() for axis in Axis)


class _Mark(msgspec.Struct, frozen=True, gc=False):
    """The value of one axis now: since when (presence), and what set it last (evidence)."""

    value: str
    since: datetime
    rule: str
    seq: int
    received: datetime
    inferred: bool
    detail: str


class PresenceLog:
    """Running and ended intervals per account and axis.

    Args:
        domain: the tenant that every interval names.
        limit: how many ended intervals are kept; the oldest go first.

    Attributes:
        at: when what is put now was said, on the PBX's clock.
    """

    def __init__(self, domain: str = "", limit: int = 100_000) -> None:
        self._domain = domain
        self._open: dict[str, list[_Mark | None]] = {}
        self._closed: deque[Presence] = deque(maxlen=limit)
        # A snapshot sets the same values with the same rule for thousands of accounts: they share one mark.
        self._shared: dict[tuple[str, str, bool], _Mark] = {}
        self.at = self._received = datetime.min.replace(tzinfo=UTC)
        self._seq = 0

    def begin(self, at: datetime, received: datetime, seq: int) -> None:
        """What is put from now on was said by this frame, ``at`` on the PBX's clock, ``received`` on the kernel's."""
        self.at = at
        self._received = received
        self._seq = seq
        if self._shared:
            self._shared.clear()

    def put(self, number: str, axis: Axis, value: str, rule: str, inferred: bool = False, detail: str = "") -> None:
        """Set an axis; the same value by the same rule changes nothing.

        Args:
            value: its value as text.
            rule: name of the rule that set it, and ``inferred`` whether that rule concludes.
            detail: what the rule looked at, such as the id of a call.
        """
        marks = self._open.get(number)
        if marks is None:
            marks = self._open[number] = [None, None, None, None]  # one for each axis
        old = marks[axis]
        at = since = self.at
        received = self._received
        if old is not None:
            if old.value == value:
                if old.rule == rule:
                    return
                since = old.since  # the value lasts, only its reason is another
            else:
                self._closed.append(self._interval(number, axis, old, at))
        if old is not None or detail:
            marks[axis] = _Mark(value, since, rule, self._seq, received, inferred, detail)
            return
        key = (value, rule, inferred)
        mark = self._shared.get(key)
        if mark is None:
            mark = self._shared[key] = _Mark(value, since, rule, self._seq, received, inferred, detail)
        marks[axis] = mark

    def drop(self, number: str) -> None:
        """The account is gone: end all its intervals."""
        for axis, mark in enumerate(self._open.pop(number, ())):
            if mark is not None:
                self._closed.append(self._interval(number, axis, mark, self.at))

    def intervals(self, number: str | None = None) -> tuple[Presence, ...]:
        """Ended intervals in order of their end, then the running ones; of one account or of all."""
        ended = [p for p in list(self._closed) if number is None or p.number == number]
        running = [
            self._interval(n, axis, mark, None)
            for n in ([number] if number is not None else list(self._open))
            for axis, mark in enumerate(self._open.get(n, ()))
            if mark is not None
        ]
        return (*ended, *running)

    def explain(self, number: str) -> tuple[Evidence, ...]:
        """What set each axis of the account, as far as the PBX said anything about it."""
        return tuple(
            Evidence(_NAMES[axis], mark.rule, mark.seq, mark.received, mark.inferred, mark.detail)
            for axis, mark in enumerate(self._open.get(number, ()))
            if mark is not None
        )

    def _interval(self, number: str, axis: int, mark: _Mark, end: datetime | None) -> Presence:
        since = mark.since
        return Presence(
            number=number,
            axis=_NAMES[axis],
            value=mark.value,
            start=since,
            end=since if end is not None and end < since else end,  # a clock may have been set back
            inferred=mark.inferred,
            domain=self._domain,
        )
