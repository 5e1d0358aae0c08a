"""The switching inside the embedded PBX: what a call does once somebody has moved it. `pbx` has the commands.

Every way a call changes ends in `touch` or in `finish`, which keep the indexes, tell the observers and look for waiting
callers; so what observers, lists and counters see can never disagree.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .accounts import Account, Attendant, Conference, Extension, HuntGroup, Orbit, Queue
from .acd import Acd
from .calls import Call, CallRecord, Cause, Change, End, Kind, Phase
from .clock import Clock
from .directory import Directory

__all__ = ["Exchange"]

FOREIGN_RING = 60.0
"""Seconds an outside number rings before the trunk gives up."""


class Exchange(Directory):
    """The calls of one tenant and the rules that move them. Arguments as in `pbx.Pbx`."""

    def __init__(
        self,
        domain: str = "acme.example",
        *,
        clock: Clock | None = None,
        seed: int = 1,
        channels: int = 30,
        no_answer: float = 20.0,
        park_return: float = 120.0,
        fresh_ids: bool = False,
    ) -> None:
        super().__init__(domain, clock or Clock(0.0))
        self.channels = channels
        self.no_answer = no_answer
        self.park_return = park_return
        self.fresh_ids = fresh_ids
        self.calls: dict[str, Call] = {}
        self.history: deque[CallRecord] = deque(maxlen=50_000)
        self.channels_used = 0
        self.acd = Acd(self)
        self._random = random.Random(f"pbx {seed} {domain}")
        self._of: dict[str, dict[str, Call]] = {}
        self._freed: deque[str] = deque()
        self._depth = 0
        self._last_id = 7000

    # -- looking -------------------------------------------------------------------------------------------------

    def calls_of(self, number: str) -> tuple[Call, ...]:
        """Calls that an account shows now, oldest first."""
        return tuple(self._of.get(number, {}).values())

    def available(self, number: str) -> bool:
        """An extension that a call may ring: registered, not on DND, a line free."""
        ext = self.extension(number)
        return ext is not None and ext.registered and not ext.dnd and len(self._of.get(number, ())) < ext.lines

    def free_for_queue(self, number: str) -> bool:
        """As `available`, and without any call: queues do not use call waiting."""
        return self.available(number) and not self._of.get(number)

    def touch(self, call: Call) -> None:
        """A call has changed: index it anew, tell, and let queues use whoever became free."""
        call.version += 1
        before = call.accounts
        call.accounts = self._showing(call)
        if call.open:
            kind = Kind.CALL_CHANGED if call.id in self.calls else Kind.CALL_NEW
            self.calls[call.id] = call
        else:
            kind = Kind.CALL_ENDED
            del self.calls[call.id]
        for number in before:
            if number not in call.accounts:
                del self._of[number][call.id]
        for number in call.accounts:
            self._of.setdefault(number, {})[call.id] = call
        record = None if call.open else self.history[-1]
        self.tell(Change(kind, tuple(dict.fromkeys(before + call.accounts)), call, record))
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
            self.acd.free(self._freed.popleft())

    def one_at_a_time(self, call: Call) -> None:
        """A phone talks to one party: its other conversations go on hold, as phones do by themselves."""
        for end in (call.caller, call.called):
            if end.extension:
                for other in self.calls_of(end.number):
                    if (
                        other is not call
                        and other.phase in (Phase.CONNECTED, Phase.HELD)
                        and end.number not in other.held_by
                    ):
                        other.held_by |= {end.number}
                        self.phase(other, Phase.HELD)

    def _showing(self, call: Call) -> tuple[str, ...]:
        if not call.open:
            return ()
        others = [n for n in (call.group, call.called.number) if n in self.accounts]
        return tuple(dict.fromkeys([*call.extensions, *others]))

    # -- moving --------------------------------------------------------------------------------------------------

    def phase(self, call: Call, phase: Phase) -> None:
        """Enter a phase and book the time of the last."""
        self._book(call)
        call.phase = phase
        self.touch(call)

    def ring(self, call: Call, numbers: tuple[str, ...], seconds: float, then: Callable[[], object]) -> None:
        """Ring extensions (none: an outside number); ``then`` happens if nobody answers in time."""
        self.stop_ringing(call)
        call.ringing, call.connected, call.held_by = numbers, None, frozenset()
        call.rang += [n for n in numbers if n not in call.rang]
        call.timer = self.at(seconds, then)
        self.phase(call, Phase.RINGING)

    def stop_ringing(self, call: Call) -> None:
        """Silence, and nothing more will happen by itself."""
        call.ringing = ()
        if call.timer is not None:
            call.timer.cancel()
            call.timer = None

    def connect(self, call: Call, called: End) -> None:
        """The call is answered by ``called``."""
        self.acd.leave(call, None)
        self.stop_ringing(call)
        call.called, call.held_by = called, frozenset()
        call.connected = self.clock.now
        call.first_connected = call.first_connected or self.clock.now
        self.one_at_a_time(call)
        call.talked += [e.number for e in (call.caller, called) if e.extension and e.number not in call.talked]
        self.phase(call, Phase.CONNECTED)

    def route(self, call: Call, to: str) -> None:
        """Bring a call to a number: it rings there, waits there, hears a menu, or ends."""
        self.stop_ringing(call)
        call.called = self.end(to)
        if to not in self.accounts and not self.dialable(to):
            self.finish(call, Cause.UNKNOWN_NUMBER)
            return
        if not self.take_channels(call):
            self.finish(call, Cause.NO_CHANNEL)
            return
        match self.accounts.get(to):
            case Extension() as extension:
                if to != call.caller.number and self.available(to):
                    self.ring(call, (to,), self.no_answer, lambda: self.unanswered(call, Cause.NO_ANSWER))
                else:
                    self._mailbox(call, extension, Cause.BUSY if extension.registered else Cause.NO_ANSWER)
            case HuntGroup() as group:
                members = tuple(n for n in group.members if n != call.caller.number and self.available(n))
                call.group = call.through = to
                if members:
                    self.ring(call, members, group.ring_for, lambda: self.unanswered(call, Cause.NO_ANSWER))
                else:
                    self.give_up(call, group.then, Cause.BUSY)
            case Queue() as queue:
                call.through = to
                self.acd.enter(queue, call)
            case Attendant() as attendant:
                self._open(call, Phase.MENU)
                call.timer = self.at(
                    attendant.timeout, lambda: self.give_up(call, attendant.menu.get("0", ""), Cause.NORMAL)
                )
            case Conference():
                self.connect(call, call.called)
            case Orbit() | Account():
                self.finish(call, Cause.UNKNOWN_NUMBER)
            case None:
                self.ring(call, (), FOREIGN_RING, lambda: self.finish(call, Cause.NO_ANSWER))

    @staticmethod
    def dialable(number: str) -> bool:
        """The dial plan: ``+``, a leading 0 or at least six digits go to the trunk; anything else goes nowhere."""
        digits = number.removeprefix("+")
        return digits.isascii() and digits.isdigit() and (digits != number or digits[0] == "0" or len(digits) >= 6)

    def unanswered(self, call: Call, cause: Cause) -> None:
        """Nobody took it: the group's next stop, the mailbox, or the end."""
        self._missed(call)
        self.stop_ringing(call)
        match self.accounts.get(call.group or call.called.number):
            case HuntGroup() as group:
                self.give_up(call, group.then, cause)
            case Extension() as extension:
                self._mailbox(call, extension, cause)
            case _:
                self.finish(call, cause)

    def give_up(self, call: Call, then: str, cause: Cause) -> None:
        """Send a call on to ``then``, or end it when there is no such place."""
        call.group = ""
        if (
            then
            and then not in (call.called.number, call.caller.number)
            and (then in self.accounts or self.dialable(then))
        ):
            self.route(call, then)
        else:
            self.finish(call, cause)

    def go_on(self, call: Call, caller: End, called: End) -> Call:
        """The same conversation with other ends: the call itself, or its successor where ids do not survive."""
        self.leave_group(call, Cause.TRANSFERRED)
        self._clear(call)
        if self.fresh_ids:
            self.finish(call, Cause.TRANSFERRED)
            call = Call(self.next_id(), caller, called, self.clock.now, since=self.clock.now)
        call.caller, call.called = caller, called
        self.take_channels(call)
        return call

    def finish(self, call: Call, cause: Cause, *, ended_by: str = "") -> None:
        """End a call: out of every list, into the history. One that was never announced is refused instead."""
        if call.phase is Phase.RINGING and cause is Cause.CANCELLED:
            self._missed(call)
        self.leave_group(call, cause)
        self._book(call)
        # The record keeps who rang; the call itself lets go of everybody.
        record = self._record(call, cause, ended_by)
        self._clear(call)
        self.channels_used -= call.channels
        call.channels = 0
        call.phase = Phase.ENDED
        self.history.append(record)
        if call.id in self.calls:
            self.touch(call)
        else:
            accounts = (call.caller.number,) if call.caller.extension else ()
            self.tell(Change(Kind.CALL_REFUSED, accounts, call, record))

    def room_for(self, call: Call, *ends: End) -> bool:
        """True when the trunk has channels for the call between these ends."""
        return self.channels_used - call.channels + sum(e.external for e in ends) <= self.channels

    def take_channels(self, call: Call) -> bool:
        """Book the channels that the call's ends need; False, and nothing booked, when the trunk is full."""
        if not self.room_for(call, call.caller, call.called):
            return False
        need = call.caller.external + call.called.external
        self.channels_used += need - call.channels
        call.channels = need
        call.trunked = call.trunked or need > 0
        return True

    def leave_group(self, call: Call, cause: Cause) -> None:
        """The call's time with its queue or hunt group is over."""
        if call.phase in (Phase.CONNECTED, Phase.HELD) and call.group:
            self._book(call)
            self.acd.served(call, call.called.number)
        else:
            self.acd.leave(call, cause)
        call.group = ""

    def next_id(self) -> str:
        """A new call id."""
        self._last_id += 1
        return str(self._last_id)

    # -- inside --------------------------------------------------------------------------------------------------

    def _open(self, call: Call, phase: Phase) -> None:
        """A machine answers: a menu or a mailbox."""
        self.stop_ringing(call)
        call.connected = self.clock.now
        call.first_connected = call.first_connected or self.clock.now
        self.phase(call, phase)

    def _mailbox(self, call: Call, extension: Extension, cause: Cause) -> None:
        if not extension.mailbox:
            self.finish(call, cause)
            return
        call.group = ""
        call.called = End(f"8{extension.number}", f"Voicemail {extension.name}")
        self._open(call, Phase.VOICEMAIL)
        call.timer = self.at(self._random.uniform(10.0, 40.0), lambda: self._message_left(call, extension))

    def _message_left(self, call: Call, extension: Extension) -> None:
        extension.voicemails += 1
        self.finish(call, Cause.NORMAL, ended_by=call.caller.number)
        self.account_changed(extension.number)

    def park_returns(self, call: Call) -> None:
        """Nobody fetched it: it rings who parked it."""
        parker = call.parked_by
        self._clear(call)
        self.route(call, parker)

    def _missed(self, call: Call) -> None:
        for number in call.ringing:
            if (extension := self.extension(number)) is not None:
                extension.missed += 1
                self.tell(Change(Kind.MISSED, (number,), call))

    def _clear(self, call: Call) -> None:
        self.stop_ringing(call)
        if call.max_wait is not None:
            call.max_wait.cancel()
        if isinstance(orbit := self.accounts.get(call.orbit), Orbit) and orbit.call == call.id:
            orbit.call = ""
        call.orbit = call.parked_by = ""
        call.held_by = frozenset()

    def _book(self, call: Call) -> None:
        now = self.clock.now
        call.spent[call.phase] = call.spent.get(call.phase, 0.0) + now - call.since
        call.since = now

    def _record(self, call: Call, cause: Cause, ended_by: str) -> CallRecord:
        spent = call.spent
        return CallRecord(
            id=call.id,
            caller=call.caller,
            called=call.called,
            started=call.started,
            connected=call.first_connected,
            ended=self.clock.now,
            cause=cause,
            ended_by=ended_by,
            through=call.through,
            rang=tuple(call.rang),
            talked=tuple(call.talked),
            trunked=call.trunked,
            wait=spent.get(Phase.QUEUED, 0.0),
            ring=spent.get(Phase.RINGING, 0.0),
            talk=spent.get(Phase.CONNECTED, 0.0),
            hold=spent.get(Phase.HELD, 0.0) + spent.get(Phase.PARKED, 0.0),
        )
