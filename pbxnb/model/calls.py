"""The call list as the model keeps it: calls by id in order of start, and which calls name which number.

It turns entries of the wire into `Call` values; which entries to believe, and what ends a call, the store decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from msgspec.structs import replace

from pbxnb.protocol.messages import CallEntry

from .changes import Batch
from .clock import Clock
from .derive import QUEUE, numbers_of, phase_of, state_of, waits
from .entities import Call, CallState, Phase
from .tracks import CallTrack, pair_of

__all__ = ["BY_ORDER", "CallTable", "restarted"]

# Two printings of one start may differ in the fraction (protocol.md 7.5), so only whole seconds tell starts apart.
_SAME_START = timedelta(seconds=1)
_SLACK = timedelta(seconds=2)  # by which a time of the PBX may miss what its message allows
BY_ORDER = attrgetter("order")
"""Sorts tracks by their start."""
_NOT_RECORDING = frozenset({"", "false", "off"})
_RINGING, _CONNECTED, _TALKING = CallState.RINGING, CallState.CONNECTED, Phase.TALKING


def restarted(track: CallTrack, entry: CallEntry) -> bool:
    """Whether the entry reuses the track's id for another call: the same id with another start."""
    if entry.start == track.entry.start:
        return False
    start = track.call.started_at
    return start is not None and entry.start is not None and abs(entry.start.at - start) >= _SAME_START


class CallTable:
    """The open calls.

    Args:
        type_of: the type of an account (``orbits``, ``acds`` ...) by number; empty when unknown.
        clock: the PBX's.

    Attributes:
        calls: the public mapping; readers of other threads may hold it, so its order changes by swap only.
        tracks: the same calls with what else is remembered of them.
    """

    def __init__(self, type_of: Callable[[str], str], clock: Clock) -> None:
        self.calls: dict[str, Call] = {}
        self.tracks: dict[str, CallTrack] = {}
        self._type_of = type_of
        self._clock = clock
        self._by_number: dict[str, dict[CallTrack, None]] = {}
        self._count = 0
        self._last: tuple[datetime, int] | None = None
        self._unsorted = False

    def add(self, entry: CallEntry, batch: Batch, conversation: str, *, inferred: bool) -> CallTrack:
        """Take in a call that was not there; where it begins before our eyes, its start is a reading of the clock."""
        if batch.continuous and entry.start is not None and self._clock.read_start(entry.start.at, batch.received):
            batch.at = self._clock.at(batch.received)
        call, alone, waiting = self._value(entry, None, batch, conversation, inferred)
        self._count += 1
        track = CallTrack(
            call,
            entry,
            numbers_of(entry),
            (call.started_at or batch.at, self._count),
            alone=alone,
            waiting=waiting,
            seen_start=batch.continuous,
        )
        if self._last is None or not self.tracks or track.order > self._last:
            self._last = track.order
        else:
            self._unsorted = True
        for number in track.numbers:
            self._by_number.setdefault(number, {})[track] = None
        self.calls[call.id] = call
        self.tracks[call.id] = track
        return track

    def update(self, track: CallTrack, entry: CallEntry, batch: Batch, *, inferred: bool) -> bool:
        """Replace the value of a call by what the entry says; False when that is the same.

        Args:
            entry: the very one of the track when only the type of an account has become known.
        """
        before, old = track.call, track.entry
        call, alone, waiting = self._value(entry, track, batch, before.conversation, inferred)
        track.entry = entry
        if call == before:
            return False
        since, seen = call.since, call.first_seen
        if call.state is not before.state or entry is not old:
            moved = entry.to != old.to or entry.from_ != old.from_ or entry.extensions != old.extensions
            if call.state is before.state and (moved or call.phase is not before.phase):
                answered = call.phase is _TALKING and call.connected_at != before.connected_at
                since, seen = self._since(call.connected_at if answered else None, batch, track.phase_seen), batch.at
            if moved:
                self._rename(track, call, numbers_of(entry), batch, since)
            track.become(call, since, seen, alone=alone, waiting=waiting)
        else:
            track.reinterpret(call, alone=alone, waiting=waiting)
        self.calls[call.id] = call
        if before.started_at is None and call.started_at is not None:
            track.order = (call.started_at, track.order[1])
            self._unsorted = True
        return True

    def remove(self, track: CallTrack) -> None:
        """Take out a call that has ended."""
        key = track.call.id
        del self.calls[key], self.tracks[key]
        for number in track.numbers:
            self._forget_number(number, track)

    def naming(self, number: str, also: Iterable[str] = ()) -> list[CallTrack]:
        """The open calls that name a number, in order of start.

        Args:
            also: ids that count as well (an account's own calls name it by id).
        """
        found = [*self._by_number.get(number, ())]
        if also:
            tracks = self.tracks
            found += [tracks[key] for key in dict.fromkeys(also) if key in tracks and tracks[key] not in found]
        if len(found) > 1:
            found.sort(key=BY_ORDER)
        return found

    def settle(self) -> None:
        """Bring the public mapping into order of start, by swap, when a change made that necessary."""
        if self._unsorted:
            ordered = sorted(self.tracks.values(), key=BY_ORDER)
            self.calls = {track.call.id: track.call for track in ordered}
            self.tracks = {track.call.id: track for track in ordered}
            self._last = ordered[-1].order if ordered else None
            self._unsorted = False

    def _rename(
        self, track: CallTrack, call: Call, numbers: tuple[str, ...], batch: Batch, since: datetime | None
    ) -> None:
        if numbers == track.numbers and pair_of(call) == track.pair():
            return  # only a name changed
        for number in track.numbers:
            if number not in numbers:
                self._forget_number(number, track)
        for number in numbers:
            self._by_number.setdefault(number, {})[track] = None
        track.move(call, numbers, batch.received, since, batch.at)

    def _forget_number(self, number: str, track: CallTrack) -> None:
        tracks = self._by_number[number]
        del tracks[track]
        if not tracks:
            del self._by_number[number]

    def _value(
        self, entry: CallEntry, track: CallTrack | None, batch: Batch, conversation: str, inferred: bool
    ) -> tuple[Call, bool, bool]:
        """The `Call` an entry stands for, and whether nobody else is in it, and whether it waits in a queue.

        What the entry leaves out, it takes away; only start and queue stay once known.
        """
        from_, to, extensions = entry.from_.number, entry.to.number, entry.extensions
        kind = self._type_of(to)
        state = state_of(entry, kind == "orbits")
        start, connect = entry.start, entry.connect
        started_at = None if start is None else start.at
        connected_at = None if connect is None else connect.at
        queue = to if kind == QUEUE else ""
        arrived, waiting = bool(queue), False
        alone = True
        for number in extensions:  # a PBX may count the queue itself among the extensions
            if number != from_ and number != to:
                alone = False
                break
        seen = batch.at
        since: datetime | None
        if track is None:
            since = self._since(_word(state, started_at, connected_at), batch, None)
        else:
            before = track.call
            started_at = before.started_at or started_at
            waiting = track.waiting
            if arrived:
                arrived = (
                    before.to.number != to
                    or not before.queue  # that it is one became known
                    or (alone and not track.alone)  # it came back from an agent
                )
            queue = before.queue or queue
            if state is before.state:
                since, seen = before.since, before.first_seen
                if since is None and (before.connected_at if state is _CONNECTED else before.started_at) is None:
                    since = _met(_word(state, started_at, connected_at), batch, None)
            else:
                word = connected_at if state is _CONNECTED and connected_at != before.connected_at else None
                since = self._since(word, batch, before.first_seen)
        waiting = waits(state, kind, alone, arrived, waiting) if arrived or waiting else False
        extra: Mapping[str, Any] = entry.extra
        if entry.cmc:
            extra = {**extra, "cmc": entry.cmc}
        call = Call(  # no more than 15 keywords: CPython passes more of them through a dictionary of their own
            id=entry.id,
            from_=entry.from_,
            to=entry.to,
            state=state,
            raw_state=entry.raw_state,
            started_at=started_at,
            connected_at=connected_at,
            since=since,
            first_seen=seen,
            phase=phase_of(state, kind, alone, waiting),
            extensions=extensions,
            recording=entry.recording not in _NOT_RECORDING,
            queue=queue,
            conversation=conversation,
            extra=extra,
        )
        return replace(call, inferred=True) if inferred else call, alone, waiting

    def _since(self, word: datetime | None, batch: Batch, after: datetime | None) -> datetime | None:
        """When something began that a message shows: as the PBX says it, else the change we saw.

        Args:
            word: what the PBX says; it counts where the message allows it.
            after: not before; None where we do not know what was before.
        """
        if not batch.continuous:
            return _met(word, batch, after)
        if word is not None and self._clock.known and (found := _met(word, batch, after)) is not None:
            return found
        return batch.at


def _word(state: CallState, started_at: datetime | None, connected_at: datetime | None) -> datetime | None:
    """What the PBX says of when a state began: the answer of a connected call, the start of one that still rings."""
    if state is _CONNECTED:
        return connected_at
    return started_at if state is _RINGING and connected_at is None else None


def _met(word: datetime | None, batch: Batch, after: datetime | None) -> datetime | None:
    """What the PBX says of when something began that we did not see begin; None when it cannot be."""
    if word is None or word - batch.at > _SLACK or (after is not None and after - word > _SLACK):
        return None
    return word
