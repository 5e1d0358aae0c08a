"""Presence and evidence: since when each axis of an account has its value, and which frame and rule set it."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum
from typing import Final

import msgspec

from ..entities import Evidence, Presence
from .memory import Memory, Taken

__all__ = ["Axis", "Mark", "PresenceLog"]


class Axis(IntEnum):
    """The axes of an account, named as the attributes of `Account`."""

    REGISTERED = 0
    DND = 1
    CHAT_STATUS = 2
    STATE = 3


_NAMES = tuple(axis.name.lower() for axis in Axis)
_BYTES = 300  # of an interval that is not packed yet, about; its value is one that the account had


class Mark(msgspec.Struct, frozen=True, gc=False):
    """The value of one axis now: since when (presence), and what set it last (evidence)."""

    value: str
    since: datetime
    rule: str
    seq: int
    received: datetime
    inferred: bool
    detail: str


class _Interval(msgspec.Struct, array_like=True, gc=False):
    """The value of one axis while it lasted."""

    number: str
    axis: int
    value: str
    start: datetime
    end: datetime
    inferred: bool

    def presence(self, domain: str, end: datetime | None) -> Presence:
        """The public value."""
        return Presence(
            number=self.number,
            axis=_NAMES[self.axis],
            value=self.value,
            start=self.start,
            end=end,
            inferred=self.inferred,
            domain=domain,
        )


class PresenceLog:
    """Running and ended intervals per account and axis.

    Args:
        domain: the tenant that every interval names.
        memory: where ended intervals are kept.

    Attributes:
        ended: the ended intervals.
        at: when what is put now was said, on the PBX's clock.
    """

    def __init__(self, domain: str = "", memory: Memory | None = None) -> None:
        self._domain = domain
        self.ended: Final = (memory or Memory()).rows(_Interval, lambda row, _: row.presence(domain, row.end))
        self._keep = self.ended.append
        self._open: dict[str, list[Mark | None]] = {}
        # A snapshot sets the same values with the same rule for thousands of accounts: they share one mark.
        self._shared: dict[tuple[str, str, bool], Mark] = {}
        self.at: datetime = datetime.min.replace(tzinfo=UTC)
        self._received = self.at
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
        since = self.at
        received = self._received
        if old is not None:
            if old.value == value:
                if old.rule == rule:
                    return
                since = old.since  # the value lasts, only its reason is another
            else:
                self._end(number, axis, old)
        if old is not None or detail:
            marks[axis] = Mark(value, since, rule, self._seq, received, inferred, detail)
            return
        key = (value, rule, inferred)
        mark = self._shared.get(key)
        if mark is None:
            mark = self._shared[key] = Mark(value, since, rule, self._seq, received, inferred, detail)
        marks[axis] = mark

    def drop(self, number: str) -> None:
        """The account is gone: end all its intervals."""
        for axis, mark in enumerate(self._open.pop(number, ())):
            if mark is not None:
                self._end(number, axis, mark)

    def intervals(self) -> Taken[Presence]:
        """Ended intervals in order of their end, then the running ones."""
        return self.ended.taken(
            _Interval(number, axis, mark.value, mark.since, mark.since, mark.inferred).presence(self._domain, None)
            for number, marks in list(self._open.items())
            for axis, mark in enumerate(marks)
            if mark is not None
        )

    def explain(self, number: str) -> tuple[Evidence, ...]:
        """What set each axis of the account, as far as the PBX said anything about it."""
        return tuple(
            Evidence(_NAMES[axis], mark.rule, mark.seq, mark.received, mark.inferred, mark.detail)
            for axis, mark in enumerate(self._open.get(number, ()))
            if mark is not None
        )

    def _end(self, number: str, axis: int, mark: Mark) -> None:
        since, end = mark.since, self.at
        if end < since:  # a clock may have been set back
            end = since
        self._keep(_Interval(number, axis, mark.value, since, end, mark.inferred), _BYTES)
