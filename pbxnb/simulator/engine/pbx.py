"""One tenant of the embedded PBX: its commands, and what may be read of it. It knows no frame.

It does what a PBX does and nothing that users do: nobody answers, talks or hangs up unless a command says so (of the
traffic, a scenario or a client). By itself it only rings, times out to voicemail, queues, returns a forgotten parked
call, and ends what rings too long.

* **Commands return bool** (`SimPbx.dial`: the call's id) and never raise for what a client may get wrong: an unknown
  id, a call of somebody else, a busy orbit is False and nothing has changed. With ``by="204"`` the command comes from
  that extension, which must be a party of the call; with ``by=""`` it comes from outside and may touch any call.
* **Listeners**: ``changed.add(fn)`` calls ``fn(change)`` after each change (`calls.SimChange`), inside the command.
* **Time**: ``clock`` is the only time there is; ``clock.at(delay, fn)`` schedules on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .accounts import SimAttendant, SimExtension, SimOrbit, SimQueue
from .calls import TALKING, Cause, ChangeKind, SimCall, SimChange, SimPhase
from .chats import SimChats
from .clock import SimClock
from .directory import SimDirectory
from .queue_days import QueueReason
from .switch import Switch

__all__ = ["PARK", "PICKUP", "RETRIEVE", "SimPbx"]

PARK, RETRIEVE, PICKUP = "*85", "*86", "*87"
"""Star codes: the first two are the PBX's defaults (protocol.md 8.6); pickup is ours, no source names it."""

MAX_NUMBER = 64


class SimPbx:
    """One tenant.

    Args:
        domain: its name.
        clock: virtual time, shared by all tenants of a simulator.
        seed: of what the PBX itself leaves to chance (the length of voicemails).
        channels: trunk channels; a call to or from outside takes one, and is busy when none is left.
        no_answer: seconds an extension rings before voicemail.
        park_return: seconds until a parked call rings who parked it.
        utc_offset: seconds that its wall clock is ahead of UTC: the days of its queues begin by it.
        fresh_ids: a transferred, retrieved or picked-up call goes on under a new id (protocol.md 12.6 is open).
        ids: where the ids of calls come from, shared by the tenants of one PBX.

    Attributes:
        directory: the accounts; ``accounts`` has them by number.
        calls: the open calls by id.
        history: the records of the calls that are over, oldest first.
        chats: the chat texts.
        changed: fires after every change.
        extension: gives the extension of a number, None without one.
        calls_of: gives the calls that an account shows now, oldest first.
        queue_login, queue_pause: log an agent in or out, begin or end its break, as in `dispatch.Dispatcher`.

    Example:
        >>> pbx = SimPbx("acme.example")
        >>> _ = pbx.directory.add_extension("41", "Ann"), pbx.directory.add_extension("42", "Bob")
        >>> call = pbx.dial("41", "42")
        >>> pbx.answer(call), pbx.hangup(call)
        (True, True)
    """

    def __init__(
        self,
        domain: str = "acme.example",
        *,
        clock: SimClock | None = None,
        seed: int = 1,
        channels: int = 30,
        no_answer: float = 20.0,
        park_return: float = 120.0,
        fresh_ids: bool = False,
        ids: Iterator[int] | None = None,
        utc_offset: float = 0.0,
    ) -> None:
        self.domain = domain
        self.clock: Final = clock or SimClock(0.0)
        self.park_return = park_return
        self.directory: Final = SimDirectory(domain, utc_offset)
        self.chats: Final = SimChats()
        self.switch: Final = Switch(
            self.directory, self.clock, seed=seed, channels=channels, no_answer=no_answer, fresh_ids=fresh_ids, ids=ids
        )
        self.accounts: Final = self.directory.accounts
        self.calls: Final = self.switch.calls
        self.history: Final = self.switch.history
        self.changed: Final = self.switch.changed
        self.extension: Final = self.directory.extension
        self.calls_of: Final = self.switch.calls_of
        self.queue_login: Final = self.switch.queues.login
        self.queue_pause: Final = self.switch.queues.pause

    @property
    def extensions(self) -> list[SimExtension]:
        """All extensions, in the order they were added."""
        return self.directory.extensions

    @property
    def queues(self) -> list[SimQueue]:
        """All queues."""
        return self.directory.queues

    # -- accounts ------------------------------------------------------------------------------------------------

    def register(self, number: str, phone: str = "desk phone") -> bool:
        """A phone of the extension registers; False when it already is or there is no such extension."""
        extension = self.extension(number)
        if extension is None or phone in extension.phones:
            return False
        extension.keep_phones([*extension.phones, phone], self.clock.now)
        self.switch.free_since[number] = self.clock.now
        return self._changed(number)

    def unregister(self, number: str, phone: str = "") -> bool:
        """A phone, or with none named every phone, of the extension goes away; calls in progress stay."""
        extension = self.extension(number)
        if extension is None or (phone not in extension.phones if phone else not extension.phones):
            return False
        extension.keep_phones([p for p in extension.phones if phone and p != phone], self.clock.now)
        return self._changed(number)

    def dnd(self, number: str, on: bool, reason: str = "", seconds: float = 0.0) -> bool:
        """Do not disturb, for so many seconds (0: until switched off); False when it already is so."""
        extension = self.extension(number)
        if extension is None:
            return False
        if extension.dnd_end is not None:
            extension.dnd_end.cancel()
        extension.dnd_end = self.clock.at(seconds, lambda: self.dnd(number, False)) if on and seconds else None
        before, extension.dnd, extension.dnd_reason = extension.dnd, on, reason if on else ""
        if before == on:
            return False
        self.switch.free_since[number] = self.clock.now
        return self._changed(number)

    def forward(self, number: str, to: str, when: str = "all") -> bool:
        """Send the calls of an extension on to a number, empty for nowhere; False when unknown or already so."""
        extension = self.extension(number)
        if extension is None or extension.forwards.get(when, "") == to:
            return False
        extension.forwards[when] = to
        return True

    def set_chat_status(self, number: str, status: str) -> bool:
        """``online``, ``offline`` or any other word."""
        extension = self.extension(number)
        if extension is None or extension.chat_status == status:
            return False
        extension.chat_status = status
        return self._changed(number)

    def chat(self, sender: str, receiver: str, text: str) -> bool:
        """A chat text from one extension to another."""
        if self.extension(sender) is None or self.extension(receiver) is None or not text:
            return False
        self.chats.keep(sender, receiver, text, self.clock.now)
        self.changed(SimChange(ChangeKind.CHAT, (receiver, sender), text=text))
        return True

    # -- calls ---------------------------------------------------------------------------------------------------

    def dial(self, from_: str, to: str, *, name: str = "", call_id: str = "") -> str:
        """Somebody dials: an extension, or a caller outside when ``from_`` is no account.

        Args:
            from_: the caller's number.
            to: what is dialled: an account, an outside number, a star code.
            name: the caller's display name, for a caller outside.
            call_id: the id to use; by default the next one.

        Returns:
            The call's id, also when it was refused at once (``CALL_REFUSED``); of the call taken over, for the retrieve
            and pickup codes; empty when nothing came of it.
        """
        caller = self.directory.end(from_, name)
        if not from_ or not to or max(len(from_), len(to)) > MAX_NUMBER or call_id in self.calls:
            return ""
        if caller.extension:
            phone = self.extension(from_)
            if to.startswith("*") and to not in self.accounts:
                return self._star_code(from_, to)
            if phone is None or not phone.registered or len(self.calls_of(from_)) >= phone.lines:
                return ""
        elif not caller.external or to not in self.accounts:
            return ""
        now = self.clock.now
        call = SimCall(call_id or self.switch.next_id(), caller, self.directory.end(to), now, since=now)
        self.switch.one_at_a_time(call, caller)
        self.switch.route(call, to)
        return call.id

    def answer(self, call_id: str, by: str = "") -> bool:
        """A ringing phone is picked up: ``by``, or the first that rings; or the party outside."""
        call = self._mine(call_id, by)
        if call is None or call.phase is not SimPhase.RINGING or (by and by not in call.ringing):
            return False
        who = by or next(iter(call.ringing), "")
        if not who and not call.called.external:
            return False
        self.switch.connect(call, self.directory.end(who) if who else call.called)
        return True

    def reject(self, call_id: str, by: str = "", cause: Cause = Cause.REJECTED) -> bool:
        """A ringing phone rejects; the others of a group go on ringing."""
        call = self._mine(call_id, by)
        if call is None or call.phase is not SimPhase.RINGING or (by and by not in call.ringing):
            return False
        who = by or next(iter(call.ringing), "")
        left = tuple(n for n in call.ringing if n != who)
        queue = self.accounts.get(call.group)
        if isinstance(queue, SimQueue) and who:
            self.switch.queues.missed(queue, call, who)
        elif left:
            call.ringing = left
            self.switch.touch(call)
        else:
            self.switch.unanswered(call, cause)
        return True

    def hangup(self, call_id: str, by: str = "", *, cause: Cause = Cause.NORMAL) -> bool:
        """An end hangs up: ``by``, or with none given the caller's side; who only rings rejects."""
        call = self._mine(call_id, by)
        if call is None:
            return False
        if by and by in call.ringing and by != call.caller.number:
            return self.reject(call_id, by)
        if cause is Cause.NORMAL and call.phase in (SimPhase.RINGING, SimPhase.QUEUED):
            cause = Cause.CANCELLED
        self.switch.finish(call, cause, ended_by=by or call.caller.number)
        return True

    def hold(self, call_id: str, by: str = "") -> bool:
        """An end puts the other on hold; with none given the extension that was called, else the caller."""
        call = self._mine(call_id, by)
        if call is None or call.phase not in TALKING:
            return False
        who = by or call.our_end
        if not who or who in call.held_by:
            return False
        call.held_by |= {who}
        self.switch.enter_phase(call, SimPhase.HELD)
        return True

    def resume(self, call_id: str, by: str = "") -> bool:
        """The end that held goes on talking; with none given every hold is taken off."""
        call = self._mine(call_id, by)
        if call is None or call.phase is not SimPhase.HELD or (by and by not in call.held_by):
            return False
        call.held_by = call.held_by - {by} if by else frozenset()
        if not call.held_by:
            self.switch.one_at_a_time(call, call.caller, call.called)
        self.switch.enter_phase(call, SimPhase.HELD if call.held_by else SimPhase.CONNECTED)
        return True

    def transfer(self, call_id: str, to: str, by: str = "") -> bool:
        """Send the other end to ``to`` and leave: an account, an orbit (parks) or an outside number."""
        call = self._mine(call_id, by)
        who = by or (call.our_end if call else "")
        if call is None or not who or to == who or not self.switch.reaches(to):
            return False
        if isinstance(self.accounts.get(to), SimOrbit):
            return self.park(call_id, to, who)
        if call.phase not in TALKING and not (call.phase is SimPhase.RINGING and who in call.ringing):
            return False
        rest, target = call.other(who), self.directory.end(to)
        if rest.number == to or not self.switch.room_for(call, rest, target):
            return False
        with self.switch.moving():
            self.switch.route(self.switch.go_on(call, rest, target), to)
        return True

    def attended_transfer(self, call_id: str, other_id: str, by: str = "") -> bool:
        """Join two calls of one extension: ``call_id`` goes on with the other call's far end, ``other_id`` ends.

        The second call may still ring (a blonde transfer): then the first one rings there.
        """
        call, other = self._mine(call_id, by), self._mine(other_id, by)
        if call is None or other is None or call is other or call.phase not in TALKING:
            return False
        shared = [n for n in call.extensions if n in other.extensions and by in ("", n)]
        who = shared[0] if shared else ""
        ringing = other.phase is SimPhase.RINGING and other.caller.number == who
        if not who or not (ringing or other.phase in TALKING):
            return False
        rest, target = call.other(who), other.other(who)
        if rest.number == target.number:
            return False
        with self.switch.moving():
            # The far end keeps the channel it is on; only its owner changes.
            self.switch.channels_used -= other.channels
            other.channels = 0
            call = self.switch.go_on(call, rest, target)
            if ringing:
                seconds = other.timer.due - self.clock.now if other.timer else self.switch.no_answer
                self.switch.ring(call, other.ringing, seconds, lambda: self.switch.unanswered(call, Cause.NO_ANSWER))
                other.stop_ringing()
            else:
                self.switch.connect(call, target)
            self.switch.finish(other, Cause.TRANSFERRED, ended_by=who)
        return True

    def park(self, call_id: str, orbit: str, by: str = "") -> bool:
        """Park the other end in a free orbit and leave; after ``park_return`` seconds it rings who parked it."""
        call = self._mine(call_id, by)
        place = self.accounts.get(orbit)
        who = by or (call.our_end if call else "")
        if call is None or call.phase not in TALKING or not isinstance(place, SimOrbit) or place.call or not who:
            return False
        with self.switch.moving():
            parked = self.switch.go_on(call, call.other(who), self.directory.end(orbit))
            place.call, parked.orbit, parked.parked_by = parked.id, orbit, who
            parked.answered(parked.connected or self.clock.now)
            self.switch.enter_phase(parked, SimPhase.PARKED)
            parked.timer = self.clock.at(self.park_return, lambda: self.switch.park_returns(parked))
        return True

    def retrieve(self, orbit: str, by: str) -> bool:
        """An extension takes the call out of an orbit."""
        place = self.accounts.get(orbit)
        if not isinstance(place, SimOrbit) or not place.call or not self.directory.has_phone(by):
            return False
        call = self.calls[place.call]
        if call.caller.number == by:
            return False
        with self.switch.moving():
            taker = self.directory.end(by)
            self.switch.connect(self.switch.go_on(call, call.caller, taker), taker)
        return True

    def pickup(self, target: str, by: str) -> bool:
        """An extension takes a call that rings elsewhere: ``target`` is the call's id or the ringing extension."""
        call = self.calls.get(target) or next((c for c in self.calls_of(target) if target in c.ringing), None)
        if call is None or call.phase is not SimPhase.RINGING or call.called.external:
            return False
        if call.caller.number == by or not self.directory.has_phone(by):
            return False
        with self.switch.moving():
            taken = self.switch.go_on(call, call.caller, call.called) if self.switch.fresh_ids else call
            self.switch.connect(taken, self.directory.end(by))
        return True

    def record(self, call_id: str, on: bool, by: str = "") -> bool:
        """Start or stop recording a call that is being talked."""
        call = self._mine(call_id, by)
        if call is None or call.recording == on or call.phase not in TALKING:
            return False
        call.recording = on
        self.switch.touch(call)
        self.changed(SimChange(ChangeKind.RECORDING, call.accounts, call))
        return True

    def press(self, call_id: str, digits: str) -> bool:
        """The caller dials digits: in a menu an entry of it or an account's number, in a queue one of its exits."""
        call = self.calls.get(call_id)
        if call is None or call.phase is not SimPhase.MENU:
            return call is not None and self.switch.queues.press(call, digits)
        attendant = self.accounts.get(call.called.number)
        menu = attendant.menu if isinstance(attendant, SimAttendant) else {}
        to = menu.get(digits, digits)
        if to not in self.accounts or to == call.called.number:
            return False
        self.switch.route(call, to)
        return True

    def redirect(self, call_id: str, to: str, *, application: bool = False) -> bool:
        """An administrator, or an application, sends a caller who waits in a queue elsewhere."""
        call = self.calls.get(call_id)
        reason = QueueReason.APPLICATION if application else QueueReason.ADMIN
        return call is not None and self.switch.queues.redirect(call, to, reason)

    def comment(self, call_id: str, text: str, by: str = "") -> bool:
        """Attach a note to a call."""
        call = self._mine(call_id, by)
        if call is not None:
            call.comment = text[:1000]
        return call is not None

    def _changed(self, number: str) -> bool:
        """An extension has changed: queues may ring it now."""
        self.switch.account_changed(number)
        self.switch.queues.freed(number)
        return True

    def _mine(self, call_id: str, by: str) -> SimCall | None:
        """The call, if there is one and ``by`` may touch it."""
        call = self.calls.get(call_id)
        return call if call is not None and (not by or call.involves(by)) else None

    def _star_code(self, by: str, dialled: str) -> str:
        code, number = dialled[:3], dialled[3:]
        if code == PARK:
            call = next((c for c in reversed(self.calls_of(by)) if c.phase in TALKING), None)
            return call.id if call is not None and self.park(call.id, number, by) else ""
        if (code == RETRIEVE and self.retrieve(number, by)) or (code == PICKUP and self.pickup(number, by)):
            return next(c.id for c in reversed(self.calls_of(by)) if c.phase is SimPhase.CONNECTED)
        return ""
