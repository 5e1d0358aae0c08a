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

from .calls import CallBook
from .derive import identity
from .entities import CallState
from .legs import Leg

__all__ = ["WINDOW", "Link", "Linker"]

# What belongs together arrives together; the window only bridges two messages of one event.
WINDOW = timedelta(seconds=1)

_SEARCHED = 64  # bound of every search, against a flood

_GROUPS = frozenset({"acds", "hunts"})


class Link(NamedTuple):
    """Two calls of one conversation.

    Attributes:
        weak: likely, not compelling; the conversation is then marked inferred.
    """

    old: Leg
    new: Leg
    rule: str
    weak: bool
    detail: str


class Linker:
    """Finds links in what changed.

    Args:
        book: the open calls.
        type_of: the type of an account by number; empty when there is no such account.
    """

    def __init__(self, book: CallBook, type_of: Callable[[str], str]) -> None:
        self._book = book
        self._type_of = type_of
        self._gone: deque[Leg] = deque()  # ended within the window, oldest first
        self._gone_by_number: dict[str, dict[int, Leg]] = {}
        self._stars: dict[int, Leg] = {}  # calls to star codes, open or in the window, by their running number

    def find(
        self, ended: list[Leg], fresh: list[Leg], moved: list[Leg], received: datetime, turn: int, *, continuous: bool
    ) -> Iterator[Link]:
        """The links that one message brought.

        Args:
            ended, fresh, moved: calls that it ended, brought, or gave other parties or a place in an orbit.
            turn: running number of the message: what ended in the same turn ended together.
            continuous: the line was up; after an interruption what went and what came need not belong together.
        """
        self._expire(received)
        for leg in fresh:
            if leg.star and len(self._stars) < _SEARCHED:
                self._stars[leg.order[1]] = leg
        for leg in ended:
            self._remember(leg, continuous)
        for leg in fresh:
            yield from self.group(leg) or (self.transfer(leg, turn) if continuous and self._gone else ())
        if not continuous:
            return
        for leg in moved:
            if leg.moved_at == received:
                yield from self.attended(leg)
        for leg in ended:
            yield from self.attended_reversed(leg, received)
        if self._stars:
            late = self._gone if any(leg.star for leg in moved) else ()
            for leg in dict.fromkeys((*moved, *ended, *late)):
                yield from self.star(leg, received)

    def group(self, leg: Leg) -> list[Link]:
        """A queue or hunt group rings an agent for a call that waits in it."""
        call = leg.call
        caller = identity(call.from_)
        named = self._book.naming(caller) if caller else ()
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
            if other is leg:
                continue
            # an agent rings for one waiting call at a time: with two of them, the other one is meant
            if any(
                rung is not leg
                and rung.ended_at is None
                and rung is not other
                and rung.call.to.number == call.to.number
                for rung in other.conversation.legs
            ):
                continue
            return [Link(other, leg, rule, weak, f"{call.from_.number} -> {call.to.number}")]
        return []

    def transfer(self, leg: Leg, turn: int) -> list[Link]:
        """A party of a call that went is in a new one: blind transfer, redirect, or both halves of an attended one."""
        caller, called = identity(leg.call.from_), identity(leg.call.to)
        before = [gone for gone in self._went(caller) if gone is not leg]
        after = [gone for gone in self._went(called) if gone is not leg]
        for one in before:
            for two in after:
                together = one.ended_turn == two.ended_turn == turn and one is not two
                if together and one.pair() & two.pair() and not {caller, called} & one.pair() & two.pair():
                    why = f"{caller} and {called} met through {_some(one.pair() & two.pair())}"
                    return [Link(one, leg, "link.attended", False, why), Link(two, leg, "link.attended", False, why)]
        caller_inside = self._inside(caller, leg)
        for gone in before:
            # one of ours may also have hung up and dialled anew, unless somebody inside could have sent him on
            others = gone.pair() - {caller}
            sent = not caller_inside or any(self._inside(other, gone) for other in others)
            if gone.ended_turn == turn and sent:
                return [Link(gone, leg, "link.transfer", caller_inside, f"{caller} went on to {called}")]
        # A party that is called now may only be the one transferred when it is not ours: an agent whose call ended
        # is rung for the next caller at once, and that is another conversation.
        outside = [(p, found) for p, found in ((caller, before), (called, after)) if not self._inside(p, leg)]
        for party, found in outside:
            for gone in found:
                if gone.ended_turn == turn:
                    return [Link(gone, leg, "link.transfer", False, f"{party} went on")]
                if gone.answered and not (gone.pair() & leg.pair()) - {party}:
                    return [Link(gone, leg, "link.transfer-late", True, f"{party} went on")]
        return []

    def attended(self, leg: Leg) -> Iterator[Link]:
        """A call got a party of one that lately went, and the two had somebody in common."""
        for number in leg.gained:
            for gone in self._went(number):
                yield from self._joined(leg, gone, number)

    def attended_reversed(self, gone: Leg, received: datetime) -> Iterator[Link]:
        """The same, when the call that survives changed first."""
        for number in gone.numbers:
            for leg in self._book.naming(number):
                if number in leg.gained and _within(leg.moved_at, received):
                    yield from self._joined(leg, gone, number)

    def star(self, leg: Leg, received: datetime) -> Iterator[Link]:
        """Somebody dialled a star code with an orbit or an extension behind it, and the call in question moved."""
        for dialled in self._stars.values():
            if dialled is leg:
                continue
            by = dialled.call.from_.number
            for place in dict.fromkeys((*leg.numbers, *leg.former)):
                if not 1 <= len(dialled.star) - len(place) <= 3 or not dialled.star.endswith(place):
                    continue
                came = by in leg.gained and _within(leg.moved_at, received)
                taken = leg.ended_at is not None and (
                    bool(leg.pair() & set(dialled.gained)) or (leg.was_parked and dialled.answered)
                )
                if leg.call.state is CallState.PARKED and leg.ended_at is None:
                    if by in leg.former:
                        yield Link(leg, dialled, "link.park", False, f"{by} dialled *{dialled.star}")
                elif came or taken:
                    rule = "link.retrieve" if leg.was_parked else "link.pickup"
                    yield Link(leg, dialled, rule, not came, f"{by} dialled *{dialled.star}")

    def _joined(self, leg: Leg, gone: Leg, number: str) -> Iterator[Link]:
        now, then = leg.pair(), gone.pair()
        # a queue is no go-between: its calls have it in common and are strangers
        shared = {common for common in leg.former_pair & then if self._type_of(common) not in _GROUPS}
        if shared and number in now & then and leg is not gone:
            orbit = any(self._type_of(common) == "orbits" for common in shared)
            rule = "link.retrieve" if orbit else "link.attended"
            yield Link(gone, leg, rule, False, f"{number} joined through {_some(shared)}")

    def _inside(self, number: str, leg: Leg) -> bool:
        return bool(self._type_of(number)) or number in leg.call.extensions

    def _went(self, number: str) -> list[Leg]:
        """Calls with that number that ended within the window, the latest first."""
        gone = self._gone_by_number.get(number)
        return list(islice(reversed(gone.values()), _SEARCHED)) if gone and number else []

    def _remember(self, leg: Leg, continuous: bool) -> None:
        if not continuous:
            self._stars.pop(leg.order[1], None)
            return
        self._gone.append(leg)
        for number in leg.numbers:
            self._gone_by_number.setdefault(number, {})[leg.order[1]] = leg

    def _expire(self, received: datetime) -> None:
        while self._gone and not _within(self._gone[0].ended_at, received):
            leg = self._gone.popleft()
            self._stars.pop(leg.order[1], None)
            for number in leg.numbers:
                legs = self._gone_by_number[number]
                del legs[leg.order[1]]
                if not legs:
                    del self._gone_by_number[number]


def _within(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and now - moment <= WINDOW


def _some(numbers: Iterable[str]) -> str:
    return ", ".join(sorted(numbers)[:3])
