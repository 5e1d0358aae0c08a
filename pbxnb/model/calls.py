"""The call list as the model keeps it: calls by id in order of start, and which calls name which number.

It turns entries of the wire into `Call` values; which entries to believe, and what ends a call, the store decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from pbxnb.protocol.messages import CallEntry

from .derive import numbers_of, phase_of, spent_on
from .entities import Call
from .legs import Leg, pair_of

__all__ = ["CallBook", "restarted"]

# Two printings of one start may differ in the fraction (protocol.md 7.5), so only whole seconds tell starts apart.
_SAME_START = timedelta(seconds=1)

_NOT_RECORDING = frozenset({"", "false", "off"})


def restarted(leg: Leg, entry: CallEntry) -> bool:
    """Whether the entry reuses the leg's id for another call: the same id with another start."""
    if entry.start == leg.entry.start:
        return False
    start = leg.call.started_at
    return start is not None and entry.start is not None and abs(entry.start.at - start) >= _SAME_START


class CallBook:
    """The open calls.

    Args:
        type_of: the type of an account (``orbits``, ``acds`` ...) by number; empty when unknown.

    Attributes:
        calls: the public mapping; readers of other threads may hold it, so its order changes by swap only.
        legs: the same calls with what else is remembered of them.
    """

    def __init__(self, type_of: Callable[[str], str]) -> None:
        self.calls: dict[str, Call] = {}
        self.legs: dict[str, Leg] = {}
        self._type_of = type_of
        self._by_number: dict[str, dict[Leg, None]] = {}
        self._count = 0
        self._last: tuple[datetime, int] | None = None
        self._unsorted = False

    def add(self, entry: CallEntry, received: datetime, conversation: str, *, inferred: bool, seen_start: bool) -> Leg:
        """Take in a call that was not there."""
        call = self._value(entry, None, received, conversation, inferred)
        self._count += 1
        leg = Leg(
            call,
            entry,
            numbers_of(entry),
            (call.started_at or received, self._count),
            spends=spent_on(call, self._type_of),
            seen_start=seen_start,
        )
        self._place(leg)
        for number in leg.numbers:
            self._by_number.setdefault(number, {})[leg] = None
        self.calls[call.id] = call
        self.legs[call.id] = leg
        return leg

    def update(self, leg: Leg, entry: CallEntry, received: datetime, *, inferred: bool) -> bool:
        """Replace the value of a call by what the entry says; False when that is the same."""
        before, old = leg.call, leg.entry
        leg.entry = entry
        call = self._value(entry, before, received, before.conversation, inferred)
        spends = spent_on(call, self._type_of)
        if call == before:
            leg.times.spends = spends  # what kind of account it is connected to may be known only now
            return False
        if entry.to != old.to or entry.from_ != old.from_ or entry.extensions != old.extensions:
            self._rename(leg, call, numbers_of(entry), received)
        leg.become(call, received, spends)
        self.calls[call.id] = call
        if before.started_at is None and call.started_at is not None:
            leg.order = (call.started_at, leg.order[1])
            self._unsorted = True
        return True

    def relabel(self, leg: Leg, conversation: str) -> None:
        """Note that the ledger moved the call into another conversation."""
        leg.call = msgspec.structs.replace(leg.call, conversation=conversation)
        self.calls[leg.call.id] = leg.call

    def remove(self, leg: Leg) -> None:
        """Take out a call that has ended."""
        key = leg.call.id
        del self.calls[key], self.legs[key]
        for number in leg.numbers:
            self._forget_number(number, leg)

    def naming(self, number: str, also: Iterable[str] = ()) -> list[Leg]:
        """The open calls that name a number, in order of start.

        Args:
            also: ids that count as well (an account's own calls name it by id).
        """
        found = [*self._by_number.get(number, ())]
        if also:
            legs = self.legs
            found += [legs[key] for key in dict.fromkeys(also) if key in legs and legs[key] not in found]
        if len(found) > 1:
            found.sort(key=_order)
        return found

    def settle(self) -> None:
        """Bring the public mapping into order of start, by swap, when a change made that necessary."""
        if self._unsorted:
            ordered = sorted(self.legs.values(), key=_order)
            self.calls = {leg.call.id: leg.call for leg in ordered}
            self.legs = {leg.call.id: leg for leg in ordered}
            self._last = ordered[-1].order if ordered else None
            self._unsorted = False

    def _place(self, leg: Leg) -> None:
        if self._last is None or not self.legs or leg.order > self._last:
            self._last = leg.order
        else:
            self._unsorted = True

    def _rename(self, leg: Leg, call: Call, numbers: tuple[str, ...], received: datetime) -> None:
        if numbers == leg.numbers and pair_of(call) == leg.pair():
            return  # only a name changed
        for number in leg.numbers:
            if number not in numbers:
                self._forget_number(number, leg)
        for number in numbers:
            self._by_number.setdefault(number, {})[leg] = None
        leg.move(call, numbers, received)

    def _forget_number(self, number: str, leg: Leg) -> None:
        legs = self._by_number[number]
        del legs[leg]
        if not legs:
            del self._by_number[number]

    def _value(
        self, entry: CallEntry, before: Call | None, received: datetime, conversation: str, inferred: bool
    ) -> Call:
        """The `Call` an entry stands for. What it leaves out, it takes away; only start and queue stay once known."""
        to = entry.to.number
        kind = self._type_of(to)
        state = phase_of(entry, kind == "orbits")
        start, connect = entry.start, entry.connect
        started_at = None if start is None else start.at
        queue = to if kind == "acds" else ""
        since = received
        if before is not None:
            started_at = before.started_at or started_at
            queue = before.queue or queue
            if state is before.state:
                since = before.since
        extra: Mapping[str, Any] = entry.extra
        if entry.cmc:
            extra = {**extra, "cmc": entry.cmc}
        return Call(
            id=entry.id,
            from_=entry.from_,
            to=entry.to,
            state=state,
            raw_state=entry.raw_state,
            started_at=started_at,
            connected_at=None if connect is None else connect.at,
            since=since,
            extensions=entry.extensions,
            recording=entry.recording not in _NOT_RECORDING,
            queue=queue,
            conversation=conversation,
            inferred=inferred,
            extra=extra,
        )


def _order(leg: Leg) -> tuple[datetime, int]:
    return leg.order
