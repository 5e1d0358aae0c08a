"""Which calls belong to one conversation: the rules of the ledger, one function per situation.

Each looks at what one message changed and yields links; each link names its rule. No rule ties calls by silence
alone: two calls that merely follow each other, or merely share a busy extension, stay apart.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from .calls import CallTable
from .derive import identity
from .entities import CallState
from .tracks import CallTrack

__all__ = ["WINDOW", "Link", "Linker"]

# What belongs together arrives together; the window only bridges two messages of one event.
WINDOW = timedelta(seconds=1)

_SEARCHED = 64  # bound of every search, against a flood
_GONE_KEPT = 20_000  # calls that ended within the window; of more the oldest are looked for no longer

_GROUPS = frozenset({"acds", "hunts"})


class Link(NamedTuple):
    """Two calls of one conversation.

    Attributes:
        weak: likely, not compelling; the conversation is then marked inferred.
    """

    old: CallTrack
    new: CallTrack
    rule: str
    weak: bool
    detail: str


class Linker:
    """Finds links in what changed.

    Args:
        table: the open calls.
        type_of: the type of an account by number; empty when there is no such account.
        calls_of: the calls of an open call's conversation.
    """

    def __init__(
        self,
        table: CallTable,
        type_of: Callable[[str], str],
        calls_of: Callable[[CallTrack], list[CallTrack]],
    ) -> None:
        self._table = table
        self._type_of = type_of
        self._calls_of = calls_of
        self._gone: deque[tuple[datetime, CallTrack]] = deque()  # ended within the window, oldest first, and when
        self._gone_by_number: dict[str, dict[int, CallTrack]] = {}
        self._stars: dict[int, CallTrack] = {}  # calls to star codes, open or in the window, by their running number

    def find(
        self,
        ended: list[CallTrack],
        fresh: list[CallTrack],
        moved: list[CallTrack],
        received: datetime,
        turn: int,
        *,
        continuous: bool,
    ) -> Iterator[Link]:
        """The links that one message brought.

        Args:
            ended, fresh, moved: calls that it ended, brought, or gave other parties or a place in an orbit.
            turn: running number of the message: what ended in the same turn ended together.
            continuous: the line was up; after an interruption what went and what came need not belong together.
        """
        self._expire(received)
        for track in fresh:
            if track.star and len(self._stars) < _SEARCHED:
                self._stars[track.order[1]] = track
        for track in ended:
            if continuous:
                self.remember(track, received)
            else:
                self._stars.pop(track.order[1], None)
        for track in fresh:
            yield from self.group(track) or (self.transfer(track, turn) if continuous and self._gone else ())
        if not continuous:
            return
        for track in moved:
            if track.moved_at == received:
                yield from self.attended(track)
        for track in ended:
            yield from self.attended_reversed(track, received)
        if self._stars:
            late = [track for _, track in self._gone] if any(track.star for track in moved) else ()
            for track in dict.fromkeys((*moved, *ended, *late)):
                yield from self.star(track, received)

    def group(self, track: CallTrack) -> list[Link]:
        """A queue or hunt group rings an agent for a call that waits in it."""
        call = track.call
        caller = identity(call.from_)
        named = self._table.naming(caller) if caller else ()
        if len(named) < 2 or self._type_of(call.to.number) in _GROUPS:
            return []  # nobody waits, or this one does itself
        if self._type_of(caller) in _GROUPS:
            waiting = [other for other in named if other.call.to.number == caller]
            rule, weak = "link.group-oldest", True
        else:
            waiting = [
                other
                for other in named
                if other.call.from_.number == caller and self._type_of(other.call.to.number) in _GROUPS
            ]
            rule, weak = "link.group", bool(self._type_of(caller))
        for other in waiting:
            # an agent rings for one waiting call at a time: with two of them, the other one is meant
            if any(
                rung is not track
                and rung.ended_at is None
                and rung is not other
                and rung.call.to.number == call.to.number
                for rung in self._calls_of(other)
            ):
                continue
            return [Link(other, track, rule, weak, f"{call.from_.number} -> {call.to.number}")]
        return []

    def transfer(self, track: CallTrack, turn: int) -> list[Link]:
        """A party of a call that went is in a new one: blind transfer, redirect, or both halves of an attended one."""
        caller, called = identity(track.call.from_), identity(track.call.to)
        before = [gone for gone in self._went(caller) if gone is not track]
        after = [gone for gone in self._went(called) if gone is not track]
        for one in before:
            for two in after:
                together = one.ended_turn == two.ended_turn == turn and one is not two
                if together and one.pair() & two.pair() and not {caller, called} & one.pair() & two.pair():
                    why = f"{caller} and {called} met through {_some(one.pair() & two.pair())}"
                    return [
                        Link(one, track, "link.attended", False, why),
                        Link(two, track, "link.attended", False, why),
                    ]
        caller_inside = self._inside(caller, track)
        for gone in before:
            # one of ours may also have hung up and dialled anew, unless somebody inside could have sent him on
            others = gone.pair() - {caller}
            sent = not caller_inside or any(self._inside(other, gone) for other in others)
            if gone.ended_turn == turn and sent:
                return [Link(gone, track, "link.transfer", caller_inside, f"{caller} went on to {called}")]
        # A party that is called now may only be the one transferred when it is not ours: an agent whose call ended
        # is rung for the next caller at once, and that is another conversation.
        outside = [(p, found) for p, found in ((caller, before), (called, after)) if not self._inside(p, track)]
        for party, found in outside:
            for gone in found:
                if gone.ended_turn == turn:
                    return [Link(gone, track, "link.transfer", False, f"{party} went on")]
                if gone.answered and not (gone.pair() & track.pair()) - {party}:
                    return [Link(gone, track, "link.transfer-late", True, f"{party} went on")]
        return []

    def attended(self, track: CallTrack) -> Iterator[Link]:
        """A call got a party of one that lately went, and the two had somebody in common."""
        for number in track.gained:
            for gone in self._went(number):
                yield from self._joined(track, gone, number)

    def attended_reversed(self, gone: CallTrack, received: datetime) -> Iterator[Link]:
        """The same, when the call that survives changed first."""
        for number in gone.numbers:
            for track in self._table.naming(number):
                if number in track.gained and _within(track.moved_at, received):
                    yield from self._joined(track, gone, number)

    def star(self, track: CallTrack, received: datetime) -> Iterator[Link]:
        """Somebody dialled a star code with an orbit or an extension behind it, and the call in question moved."""
        for dialled in self._stars.values():
            if dialled is track:
                continue
            by = dialled.call.from_.number
            for place in dict.fromkeys((*track.numbers, *track.former)):
                if not 1 <= len(dialled.star) - len(place) <= 3 or not dialled.star.endswith(place):
                    continue
                came = by in track.gained and _within(track.moved_at, received)
                taken = track.ended_at is not None and (
                    bool(track.pair() & set(dialled.gained)) or (track.was_parked and dialled.answered)
                )
                if track.call.state is CallState.PARKED and track.ended_at is None:
                    if by in track.former:
                        yield Link(track, dialled, "link.park", False, f"{by} dialled *{dialled.star}")
                elif came or taken:
                    rule = "link.retrieve" if track.was_parked else "link.pickup"
                    yield Link(track, dialled, rule, not came, f"{by} dialled *{dialled.star}")

    def _joined(self, track: CallTrack, gone: CallTrack, number: str) -> Iterator[Link]:
        now, then = track.pair(), gone.pair()
        # a queue is no go-between: its calls have it in common and are strangers
        shared = {common for common in track.former_pair & then if self._type_of(common) not in _GROUPS}
        if shared and number in now & then and track is not gone:
            orbit = any(self._type_of(common) == "orbits" for common in shared)
            rule = "link.retrieve" if orbit else "link.attended"
            yield Link(gone, track, rule, False, f"{number} joined through {_some(shared)}")

    def _inside(self, number: str, track: CallTrack) -> bool:
        return bool(self._type_of(number)) or number in track.call.extensions

    def _went(self, number: str) -> list[CallTrack]:
        """Calls with that number that ended within the window, the latest first."""
        gone = self._gone_by_number.get(number)
        return list(islice(reversed(gone.values()), _SEARCHED)) if gone and number else []

    def remember(self, track: CallTrack, received: datetime) -> None:
        """A call that ended at this kernel moment may be continued by others within the window."""
        self._gone.append((received, track))
        for number in track.numbers:
            self._gone_by_number.setdefault(number, {})[track.order[1]] = track

    def _expire(self, received: datetime) -> None:
        while self._gone and (len(self._gone) > _GONE_KEPT or not _within(self._gone[0][0], received)):
            _, track = self._gone.popleft()
            self._stars.pop(track.order[1], None)
            for number in track.numbers:
                tracks = self._gone_by_number[number]
                del tracks[track.order[1]]
                if not tracks:
                    del self._gone_by_number[number]


def _within(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and now - moment <= WINDOW


def _some(numbers: Iterable[str]) -> str:
    return ", ".join(sorted(numbers)[:3])
