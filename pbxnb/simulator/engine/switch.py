"""The switching of the embedded PBX: what a call does once a command, a timer or a queue has moved it.

Every way a call changes ends in `Switch.touch` or `Switch.finish`, which keep the indexes, fire `Switch.changed` and
ring agents for waiting callers; so what listeners, lists and counters see never disagrees.
"""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from pbxnb.signals import Signal

from .accounts import (
    SimAccount,
    SimAttendant,
    SimConference,
    SimExtension,
    SimHuntGroup,
    SimOrbit,
    SimQueue,
    SimSoundService,
)
from .calls import TALKING, Cause, ChangeKind, SimCall, SimCallRecord, SimChange, SimParty, SimPhase
from .clock import SimClock
from .directory import SimDirectory
from .dispatch import Dispatcher

__all__ = ["Switch", "dialable"]

OUTSIDE_RING = 60.0
"""Seconds an outside number rings before the trunk gives up."""


class Switch:
    """The calls of one tenant and the rules that move them. Arguments as in `pbx.SimPbx`.

    Attributes:
        calls: the open calls by id, oldest first.
        history: the records of those that are over.
        changed: fires after every change of a call or an account.
        free_since: when an account was last left by a call, or could be reached again.
        queues: serves those who wait.
    """

    def __init__(
        self,
        directory: SimDirectory,
        clock: SimClock,
        *,
        seed: int,
        channels: int,
        no_answer: float,
        fresh_ids: bool,
        ids: Iterator[int] | None,
    ) -> None:
        self.directory = directory
        self.clock = clock
        self.channels = channels
        self.no_answer = no_answer
        self.fresh_ids = fresh_ids
        self.calls: dict[str, SimCall] = {}
        self.history: deque[SimCallRecord] = deque(maxlen=50_000)
        self.channels_used: int = 0
        self.changed: Signal[SimChange] = Signal()
        self._random = random.Random(f"pbx {seed} {directory.domain}")
        self.free_since: dict[str, float] = {}
        self.queues: Final = Dispatcher(self)
        self._of: dict[str, dict[str, SimCall]] = {}
        self._freed: deque[str] = deque()
        self._depth = 0
        self._ids = ids or itertools.count(7001)

    def calls_of(self, number: str) -> tuple[SimCall, ...]:
        """Calls that an account shows now, oldest first."""
        return tuple(self._of.get(number, {}).values())

    def available(self, number: str) -> bool:
        """An extension that a call may ring: registered, not on DND, a line free."""
        ext = self.directory.extension(number)
        return ext is not None and ext.registered and not ext.dnd and len(self._of.get(number, ())) < ext.lines

    def free_for_queue(self, number: str) -> bool:
        """As `available`, and without any call: queues do not use call waiting."""
        return self.available(number) and not self._of.get(number)

    def touch(self, call: SimCall) -> None:
        """A call has changed: index it anew, fire `changed`, and let queues ring whoever became free."""
        call.version += 1
        before = call.accounts
        call.accounts = self._showing(call)
        if call.open:
            kind = ChangeKind.CALL_CHANGED if call.id in self.calls else ChangeKind.CALL_NEW
            self.calls[call.id] = call
        else:
            kind = ChangeKind.CALL_ENDED
            del self.calls[call.id]
        for number in before:
            if number not in call.accounts:
                del self._of[number][call.id]
                self.free_since[number] = self.clock.now
        for number in call.accounts:
            self._of.setdefault(number, {})[call.id] = call
        record = None if call.open else self.history[-1]
        self.changed(SimChange(kind, tuple(dict.fromkeys(before + call.accounts)), call, record))
        with self.moving():
            self._freed += [number for number in before if number not in call.accounts]

    @contextmanager
    def moving(self) -> Iterator[None]:
        """While a call moves in several steps, nobody who is free for a moment is taken by a queue."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        while self._freed and not self._depth:
            self.queues.freed(self._freed.popleft())

    def one_at_a_time(self, call: SimCall, *ends: SimParty) -> None:
        """These ends of a call talk to one party: their other conversations go on hold, as phones do by themselves."""
        for end in ends:
            if end.extension:
                for other in self.calls_of(end.number):
                    if other is not call and other.phase in TALKING and end.number not in other.held_by:
                        other.held_by |= {end.number}
                        self.enter_phase(other, SimPhase.HELD)

    def _showing(self, call: SimCall) -> tuple[str, ...]:
        if not call.open:
            return ()
        others = [n for n in (call.group, call.called.number) if n in self.directory.accounts]
        return tuple(dict.fromkeys([*call.extensions, *others]))

    def enter_phase(self, call: SimCall, phase: SimPhase) -> None:
        """Enter a phase and book the time of the last."""
        call.book(self.clock.now)
        call.phase = phase
        self.touch(call)

    def ring(self, call: SimCall, numbers: tuple[str, ...], seconds: float, then: Callable[[], object]) -> None:
        """Ring extensions (none: an outside number); ``then`` happens if nobody answers in time."""
        call.stop_ringing()
        call.ringing, call.connected, call.held_by = numbers, None, frozenset()
        call.rang += [n for n in numbers if n not in call.rang]
        call.timer = self.clock.at(seconds, then)
        self.enter_phase(call, SimPhase.RINGING)

    def connect(self, call: SimCall, called: SimParty) -> None:
        """The call is answered by ``called``."""
        if call.then_dial:
            to, call.then_dial, call.caller = call.then_dial, "", called
            call.rang.clear()
            self.route(call, to)
            return
        if call.group:
            self.queues.answered(call, called)
        call.stop_ringing()
        call.called, call.held_by = called, frozenset()
        call.answered(self.clock.now)
        self.one_at_a_time(call, call.caller, called)
        call.talked += [e.number for e in (call.caller, called) if e.extension and e.number not in call.talked]
        self.enter_phase(call, SimPhase.CONNECTED)

    def call_back(self, number: str, to: str) -> str:
        """Click to dial: ring an extension, and dial ``to`` for it when it picks up; the call's id, or empty."""
        if not self.reaches(to) or to == number or not self.available(number):
            return ""
        # The far end has no part in it yet, so it is shown by no account.
        far = self.directory.end(to)._replace(extension=False)
        now = self.clock.now
        call = SimCall(self.next_id(), far, self.directory.end(number), now, since=now, then_dial=to)
        if not self.take_channels(call):
            return ""
        self.ring(call, (number,), self.no_answer, lambda: self.unanswered(call, Cause.NO_ANSWER))
        return call.id

    def route(self, call: SimCall, to: str) -> None:
        """Bring a call to a number: it rings there, waits there, reaches a menu, or ends."""
        call.stop_ringing()
        call.called = self.directory.end(to)
        if not self.reaches(to):
            self.finish(call, Cause.UNKNOWN_NUMBER)
            return
        if not self.take_channels(call):
            self.finish(call, Cause.NO_CHANNEL)
            return
        match self.directory.accounts.get(to):
            case SimExtension() as extension:
                free = to != call.caller.number and self.available(to)
                why = "unregistered" if not extension.registered else "" if free or extension.dnd else "busy"
                if self._forwarded(call, extension, why):
                    return
                if free:
                    self.ring(call, (to,), self.no_answer, lambda: self.unanswered(call, Cause.NO_ANSWER))
                else:
                    self._mailbox(call, extension, Cause.BUSY if extension.registered else Cause.NO_ANSWER)
            case SimHuntGroup() as group:
                members = tuple(n for n in group.members if n != call.caller.number and self.available(n))
                call.group = call.through = to
                if members:
                    self.ring(call, members, group.ring_for, lambda: self.unanswered(call, Cause.NO_ANSWER))
                elif to in call.forwarded_by:
                    self.finish(call, Cause.BUSY)
                else:
                    call.forwarded_by += (to,)
                    self.give_up(call, group.then, Cause.BUSY)
            case SimQueue() as queue:
                self.queues.enter(queue, call)
            case SimAttendant() as attendant:
                self._open(call, SimPhase.MENU)
                call.timer = self.clock.at(
                    attendant.timeout, lambda: self.give_up(call, attendant.menu.get("0", ""), Cause.NORMAL)
                )
            case SimConference() | SimSoundService():
                self.connect(call, call.called)
            case SimOrbit() | SimAccount():
                self.finish(call, Cause.UNKNOWN_NUMBER)
            case None:
                self.ring(call, (), OUTSIDE_RING, lambda: self.finish(call, Cause.NO_ANSWER))

    def unanswered(self, call: SimCall, cause: Cause) -> None:
        """Nobody took it: the group's next stop, the mailbox, or the end."""
        if call.then_dial:
            call.caller, call.called = call.called, call.caller
            call.rang.clear()
            self.finish(call, cause)
            return
        self._missed(call)
        call.stop_ringing()
        match self.directory.accounts.get(call.group or call.called.number):
            case SimHuntGroup() as group:
                self.give_up(call, group.then, cause)
            case SimExtension() as extension:
                if not self._forwarded(call, extension, "no_answer" if cause is Cause.NO_ANSWER else "busy"):
                    self._mailbox(call, extension, cause)
            case _:
                self.finish(call, cause)

    def _forwarded(self, call: SimCall, extension: SimExtension, why: str) -> bool:
        """Send a call on where the extension says, unless it did so before; False when it goes nowhere."""
        to = extension.forwards.get("all") or extension.forwards.get(why, "")
        if (
            not self.reaches(to)
            or to in (extension.number, call.caller.number)
            or extension.number in call.forwarded_by
        ):
            return False
        call.forwarded_by += (extension.number,)
        self.route(call, to)
        return True

    def give_up(self, call: SimCall, then: str, cause: Cause) -> None:
        """Send a call on to ``then``, or end it when there is no such place."""
        call.group = ""
        if then not in (call.called.number, call.caller.number) and self.reaches(then):
            self.route(call, then)
        else:
            self.finish(call, cause)

    def go_on(self, call: SimCall, caller: SimParty, called: SimParty) -> SimCall:
        """The same conversation with other ends: the call itself, or its successor where ids do not survive."""
        self.leave_group(call, Cause.TRANSFERRED)
        self._clear(call)
        if self.fresh_ids:
            self.finish(call, Cause.TRANSFERRED)
            call = SimCall(self.next_id(), caller, called, self.clock.now, since=self.clock.now)
        call.caller, call.called = caller, called
        self.take_channels(call)
        return call

    def finish(self, call: SimCall, cause: Cause, *, ended_by: str = "") -> None:
        """End a call: out of every list, into the history. One that was never announced is refused instead."""
        if call.phase is SimPhase.RINGING and cause is Cause.CANCELLED:
            self._missed(call)
        self.leave_group(call, cause)
        call.book(self.clock.now)
        # The record keeps who rang; the call itself lets go of everybody.
        record = call.record(self.clock.now, cause, ended_by)
        self._clear(call)
        self.channels_used -= call.channels
        call.channels = 0
        call.phase = SimPhase.ENDED
        self.history.append(record)
        if call.id in self.calls:
            self.touch(call)
        else:
            accounts = (call.caller.number,) if call.caller.extension else ()
            self.changed(SimChange(ChangeKind.CALL_REFUSED, accounts, call, record))

    def room_for(self, call: SimCall, *ends: SimParty) -> bool:
        """True when the trunk has channels for the call between these ends."""
        return self.channels_used - call.channels + sum(e.external for e in ends) <= self.channels

    def take_channels(self, call: SimCall) -> bool:
        """Book the channels that the call's ends need; False, and nothing booked, when the trunk is full."""
        if not self.room_for(call, call.caller, call.called):
            return False
        need = call.caller.external + call.called.external
        self.channels_used += need - call.channels
        call.channels = need
        call.trunked = call.trunked or need > 0
        return True

    def leave_group(self, call: SimCall, cause: Cause) -> None:
        """The call's time with its queue or hunt group is over."""
        if call.group:
            self.queues.left(call, cause)
            call.group = ""

    def reaches(self, number: str) -> bool:
        """An account, or a number that goes to the trunk."""
        return number in self.directory.accounts or dialable(number)

    def next_id(self) -> str:
        """A new call id."""
        return str(next(self._ids))

    def _open(self, call: SimCall, phase: SimPhase) -> None:
        """A machine answers: a menu or a mailbox."""
        call.stop_ringing()
        call.answered(self.clock.now)
        self.enter_phase(call, phase)

    def _mailbox(self, call: SimCall, extension: SimExtension, cause: Cause) -> None:
        if not extension.mailbox:
            self.finish(call, cause)
            return
        call.group = ""
        call.called = SimParty(f"8{extension.number}", f"Voicemail {extension.name}")
        self._open(call, SimPhase.VOICEMAIL)
        call.timer = self.clock.at(self._random.uniform(10.0, 40.0), lambda: self._message_left(call, extension))

    def _message_left(self, call: SimCall, extension: SimExtension) -> None:
        extension.voicemails += 1
        self.finish(call, Cause.NORMAL, ended_by=call.caller.number)
        self.account_changed(extension.number)

    def park_returns(self, call: SimCall) -> None:
        """Nobody fetched it: it rings who parked it."""
        parker = call.parked_by
        self._clear(call)
        self.route(call, parker)

    def _missed(self, call: SimCall) -> None:
        for number in call.ringing:
            if (extension := self.directory.extension(number)) is not None:
                extension.missed += 1
                self.changed(SimChange(ChangeKind.MISSED, (number,), call))

    def _clear(self, call: SimCall) -> None:
        call.stop_ringing()
        if call.max_wait is not None:
            call.max_wait.cancel()
        if isinstance(orbit := self.directory.accounts.get(call.orbit), SimOrbit) and orbit.call == call.id:
            orbit.call = ""
        call.orbit = call.parked_by = ""
        call.held_by = frozenset()

    def account_changed(self, number: str) -> None:
        """An account has changed, apart from its calls."""
        self.changed(SimChange(ChangeKind.ACCOUNT, (number,)))


def dialable(number: str) -> bool:
    """The dial plan: ``+``, a leading 0 or at least six digits go to the trunk; anything else goes nowhere."""
    digits = number.removeprefix("+")
    return digits.isascii() and digits.isdigit() and (digits != number or digits[0] == "0" or len(digits) >= 6)
