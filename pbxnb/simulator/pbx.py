"""The PBX inside: one tenant's accounts and calls, moved by commands and by virtual time. It knows nothing of the wire.

The engine does what a PBX does and nothing that people do: nobody answers, talks or hangs up unless told
(`answer`, `hangup`; the traffic generator, a scenario or a client tells it). By itself it only rings, times out to
voicemail, queues, returns a forgotten parked call, and ends what rings too long.

* **Commands return bool** (`place_call`: the call's id) and never raise for what a client may get wrong: an unknown
  id, a call of somebody else, a busy orbit is False and nothing has changed. With ``by="204"`` the command comes from
  that extension, which must be a party of the call; with ``by=""`` it comes from outside and may touch any call.
* **Observers**: ``subscribe(fn)`` calls ``fn(change)`` after each change (`calls.Change`), inside the command.
* **Time**: ``clock`` is the only time there is; ``at(delay, fn)`` schedules on it.
"""

from __future__ import annotations

from .accounts import Attendant, Orbit, Queue
from .calls import Call, Cause, Change, Kind, Phase
from .exchange import Exchange

__all__ = ["PARK", "PICKUP", "RETRIEVE", "Pbx"]

PARK, RETRIEVE, PICKUP = "*85", "*86", "*87"
"""Star codes: the first two are the PBX's defaults (protocol.md 8.6); pickup is ours, no source names it."""

MAX_NUMBER = 64
TALKING = (Phase.CONNECTED, Phase.HELD)


class Pbx(Exchange):
    """One tenant.

    Args:
        domain: its name.
        clock: virtual time, shared by all tenants of a simulator.
        seed: of what the PBX itself leaves to chance (the length of voicemails).
        channels: trunk channels; a call to or from outside takes one, and is busy when none is left.
        no_answer: seconds an extension rings before voicemail.
        park_return: seconds until a parked call rings who parked it.
        fresh_ids: a transferred, retrieved or picked-up call goes on under a new id (protocol.md 12.6 is open).

    Example:
        >>> pbx = Pbx("acme.example")
        >>> _ = pbx.add_extension("41", "Ann"), pbx.add_extension("42", "Bob")
        >>> call = pbx.place_call("41", "42")
        >>> pbx.answer(call), pbx.hangup(call)
        (True, True)
    """

    # -- people --------------------------------------------------------------------------------------------------

    def register(self, number: str, phone: str = "desk phone") -> bool:
        """A phone of the extension registers; False when it already is or there is no such extension."""
        extension = self.extension(number)
        if extension is None or phone in extension.phones:
            return False
        extension.phones.append(phone)
        self.account_changed(number)
        self.acd.free(number)
        return True

    def unregister(self, number: str, phone: str = "") -> bool:
        """A phone, or with none named every phone, of the extension goes away; calls in progress stay."""
        extension = self.extension(number)
        if extension is None or (phone not in extension.phones if phone else not extension.phones):
            return False
        extension.phones = [p for p in extension.phones if phone and p != phone]
        self.account_changed(number)
        return True

    def set_dnd(self, number: str, on: bool, reason: str = "", seconds: float = 0.0) -> bool:
        """Do not disturb, for so many seconds (0: until told otherwise); False when it already is so."""
        extension = self.extension(number)
        if extension is None:
            return False
        if extension.dnd_end is not None:
            extension.dnd_end.cancel()
        extension.dnd_end = self.at(seconds, lambda: self.set_dnd(number, False)) if on and seconds else None
        before, extension.dnd, extension.dnd_reason = extension.dnd, on, reason if on else ""
        if before == on:
            return False
        self.account_changed(number)
        self.acd.free(number)
        return True

    def set_chat_status(self, number: str, status: str) -> bool:
        """``online``, ``offline`` or any other word."""
        extension = self.extension(number)
        if extension is None or extension.chat_status == status:
            return False
        extension.chat_status = status
        self.account_changed(number)
        return True

    def chat(self, sender: str, receiver: str, text: str) -> bool:
        """A chat text from one extension to another."""
        if self.extension(sender) is None or self.extension(receiver) is None or not text:
            return False
        self.tell(Change(Kind.CHAT, (receiver, sender), text=text))
        return True

    def queue_login(self, queue: str, number: str, on: bool) -> bool:
        """Log an agent into or out of a queue; False when unknown or already so."""
        account = self.accounts.get(queue)
        if not isinstance(account, Queue) or self.extension(number) is None:
            return False
        return self.acd.login(account, number, on)

    def queue_pause(self, queue: str, number: str, on: bool) -> bool:
        """Pause an agent in a queue."""
        account = self.accounts.get(queue)
        return isinstance(account, Queue) and self.acd.pause(account, number, on)

    # -- calls ---------------------------------------------------------------------------------------------------

    def place_call(self, from_: str, to: str, *, name: str = "", call_id: str = "") -> str:
        """Somebody dials: an extension, or a stranger outside when ``from_`` is no account.

        Args:
            from_: the caller's number.
            to: what is dialled: an account, an outside number, a star code.
            name: the caller's display name, for strangers.
            call_id: the id to use; by default the next one.

        Returns:
            The call's id, also when it was refused at once (``Kind.CALL_REFUSED``); of the call taken over, for the
            retrieve and pickup codes; empty when nothing came of it.
        """
        caller = self.end(from_, name)
        if not from_ or not to or max(len(from_), len(to)) > MAX_NUMBER or call_id in self.calls:
            return ""
        if caller.extension:
            phone = self.extension(from_)
            if to.startswith("*"):
                return self._star_code(from_, to)
            if phone is None or not phone.registered or len(self.calls_of(from_)) >= phone.lines:
                return ""
        elif not caller.external or to not in self.accounts:
            return ""
        call = Call(call_id or self.next_id(), caller, self.end(to), self.clock.now, since=self.clock.now)
        self.one_at_a_time(call)
        self.route(call, to)
        return call.id

    def answer(self, call_id: str, by: str = "") -> bool:
        """A ringing phone is picked up: ``by``, or the first that rings; outside, the stranger who was called."""
        call = self._mine(call_id, by)
        if call is None or call.phase is not Phase.RINGING or (by and by not in call.ringing):
            return False
        who = by or next(iter(call.ringing), "")
        if not who and not call.called.external:
            return False
        self.connect(call, self.end(who) if who else call.called)
        return True

    def reject(self, call_id: str, by: str = "") -> bool:
        """A ringing phone says no; the others of a group go on ringing."""
        call = self._mine(call_id, by)
        if call is None or call.phase is not Phase.RINGING or (by and by not in call.ringing):
            return False
        who = by or next(iter(call.ringing), "")
        left = tuple(n for n in call.ringing if n != who)
        queue = self.accounts.get(call.group)
        if isinstance(queue, Queue) and who:
            self.acd.not_answered(queue, call, who)
        elif left:
            call.ringing = left
            self.touch(call)
        else:
            self.unanswered(call, Cause.REJECTED)
        return True

    def hangup(self, call_id: str, by: str = "", *, cause: Cause = Cause.NORMAL) -> bool:
        """An end hangs up: ``by``, or with none given the caller's side; who only rings rejects."""
        call = self._mine(call_id, by)
        if call is None:
            return False
        if by and by in call.ringing and by != call.caller.number:
            return self.reject(call_id, by)
        if cause is Cause.NORMAL and call.phase in (Phase.RINGING, Phase.QUEUED):
            cause = Cause.CANCELLED
        self.finish(call, cause, ended_by=by or call.caller.number)
        return True

    def hold(self, call_id: str, by: str = "") -> bool:
        """An end puts the other on hold; with none given the extension that was called, else the caller."""
        call = self._mine(call_id, by)
        if call is None or call.phase not in TALKING:
            return False
        who = by or self._our_end(call)
        if not who or who in call.held_by:
            return False
        call.held_by |= {who}
        self.phase(call, Phase.HELD)
        return True

    def resume(self, call_id: str, by: str = "") -> bool:
        """The end that held goes on talking; with none given every hold is taken off."""
        call = self._mine(call_id, by)
        if call is None or call.phase is not Phase.HELD or (by and by not in call.held_by):
            return False
        call.held_by = call.held_by - {by} if by else frozenset()
        if not call.held_by:
            self.one_at_a_time(call)
        self.phase(call, Phase.HELD if call.held_by else Phase.CONNECTED)
        return True

    def blind_transfer(self, call_id: str, to: str, by: str = "") -> bool:
        """Send the other end to ``to`` and leave: an account, an orbit (parks) or an outside number."""
        call = self._mine(call_id, by)
        who = by or (self._our_end(call) if call else "")
        if call is None or not who or to == who or not (to in self.accounts or self.dialable(to)):
            return False
        if isinstance(self.accounts.get(to), Orbit):
            return self.park(call_id, to, who)
        if call.phase not in TALKING and not (call.phase is Phase.RINGING and who in call.ringing):
            return False
        rest, target = call.other(who), self.end(to)
        if rest.number == to or not self.room_for(call, rest, target):
            return False
        with self.moving():
            self.route(self.go_on(call, rest, target), to)
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
        ringing = other.phase is Phase.RINGING and other.caller.number == who
        if not who or not (ringing or other.phase in TALKING):
            return False
        rest, target = call.other(who), other.other(who)
        if rest.number == target.number:
            return False
        with self.moving():
            # The far end keeps the channel it is on; only its owner changes.
            self.channels_used -= other.channels
            other.channels = 0
            call = self.go_on(call, rest, target)
            if ringing:
                seconds = other.timer.due - self.clock.now if other.timer else self.no_answer
                self.ring(call, other.ringing, seconds, lambda: self.unanswered(call, Cause.NO_ANSWER))
                self.stop_ringing(other)
            else:
                self.connect(call, target)
            self.finish(other, Cause.TRANSFERRED, ended_by=who)
        return True

    def park(self, call_id: str, orbit: str, by: str = "") -> bool:
        """Lay the other end into a free orbit and leave; after ``park_return`` seconds it rings who parked it."""
        call = self._mine(call_id, by)
        place = self.accounts.get(orbit)
        who = by or (self._our_end(call) if call else "")
        if call is None or call.phase not in TALKING or not isinstance(place, Orbit) or place.call or not who:
            return False
        with self.moving():
            parked = self.go_on(call, call.other(who), self.end(orbit))
            place.call, parked.orbit, parked.parked_by = parked.id, orbit, who
            parked.connected = parked.connected or self.clock.now
            parked.first_connected = parked.first_connected or self.clock.now
            self.phase(parked, Phase.PARKED)
            parked.timer = self.at(self.park_return, lambda: self.park_returns(parked))
        return True

    def retrieve(self, orbit: str, by: str) -> bool:
        """An extension takes the call out of an orbit."""
        place = self.accounts.get(orbit)
        if not isinstance(place, Orbit) or not place.call or not self.has_phone(by):
            return False
        call = self.calls[place.call]
        if call.caller.number == by:
            return False
        with self.moving():
            self.connect(self.go_on(call, call.caller, self.end(by)), self.end(by))
        return True

    def pickup(self, target: str, by: str) -> bool:
        """An extension takes a call that rings elsewhere: ``target`` is the call's id or the ringing extension."""
        ringing = [c for c in self.calls_of(target) if target in c.ringing]
        call = self.calls.get(target) or next(iter(ringing), None)
        if call is None or call.phase is not Phase.RINGING or not self.has_phone(by) or call.caller.number == by:
            return False
        if call.called.external:
            return False
        with self.moving():
            self.connect(self.go_on(call, call.caller, call.called) if self.fresh_ids else call, self.end(by))
        return True

    def record(self, call_id: str, on: bool, by: str = "") -> bool:
        """Start or stop recording a call that is being talked."""
        call = self._mine(call_id, by)
        if call is None or call.recording == on or call.phase not in TALKING:
            return False
        call.recording = on
        self.touch(call)
        self.tell(Change(Kind.RECORDING, call.accounts, call))
        return True

    def press(self, call_id: str, digits: str) -> bool:
        """The caller dials digits in an attendant's menu: an entry of it, or an account's number."""
        call = self.calls.get(call_id)
        if call is None or call.phase is not Phase.MENU:
            return False
        attendant = self.accounts.get(call.called.number)
        menu = attendant.menu if isinstance(attendant, Attendant) else {}
        to = menu.get(digits, digits)
        if to not in self.accounts or to == call.called.number:
            return False
        self.route(call, to)
        return True

    def comment(self, call_id: str, text: str, by: str = "") -> bool:
        """Attach a note to a call."""
        call = self._mine(call_id, by)
        if call is None:
            return False
        call.comment = text[:1000]
        return True

    # -- inside --------------------------------------------------------------------------------------------------

    def _mine(self, call_id: str, by: str) -> Call | None:
        """The call, if there is one and ``by`` may touch it."""
        call = self.calls.get(call_id)
        return call if call is not None and (not by or call.involves(by)) else None

    @staticmethod
    def _our_end(call: Call) -> str:
        """The extension of a call that acts when nobody is named: who was called, else the caller."""
        ends = [end.number for end in (call.called, call.caller) if end.extension]
        return ends[0] if ends else ""

    def _star_code(self, by: str, dialled: str) -> str:
        code, number = dialled[:3], dialled[3:]
        if code == PARK:
            call = next((c for c in reversed(self.calls_of(by)) if c.phase in TALKING), None)
            return call.id if call is not None and self.park(call.id, number, by) else ""
        if code == RETRIEVE:
            return self._of_last(by) if self.retrieve(number, by) else ""
        if code == PICKUP:
            return self._of_last(by) if self.pickup(number, by) else ""
        return ""

    def _of_last(self, number: str) -> str:
        return next(reversed([c.id for c in self.calls_of(number) if c.phase is Phase.CONNECTED]), "")
