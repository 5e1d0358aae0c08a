"""One extension as a phone on a socket of its own: messages go to their legs, steps of legs to socket or media.

The same line carries the calls of a page and those of the kernel; they differ in their `LegMedia` only. All of it
happens on one thread, the one that reads the socket.
"""

from __future__ import annotations

import itertools
import uuid
from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final

from pbxnb.errors import NotRegistered
from pbxnb.model.entities import Call, CallState
from pbxnb.protocol import messages as m
from pbxnb.protocol import requests as r
from pbxnb.protocol.parties import Party
from pbxnb.protocol.sdp import CandidateGate, IceCandidate
from pbxnb.signals import Signal
from pbxnb.text import clean_logger

from .leg import (
    BUSY,
    AnswerOffer,
    Close,
    Flow,
    Leg,
    LegState,
    MakeOffer,
    MediaState,
    Signalling,
    Step,
    TakeAnswer,
    TakeCandidates,
)
from .moments import Moments
from .outside import LegMedia, LineSocket
from .registrar import Registrar, Registration

__all__ = ["LegMedia", "LineLeg", "LineSocket", "PhoneLine"]

logger: Final = clean_logger("pbxnb.phone")

UNCONFIRMED = 5.0  # seconds that a hang-up waits for the PBX's word
UNHEARD = 3.0  # seconds after an answer in which something is heard
UNFOUND = 12.0  # more of them in which a way for it is found


class LineLeg:
    """One call on a line: its `Leg`, who the other side is, and what the call list says of it.

    Attributes:
        number: of this leg on its line, from 1 on: its ids may change, this does not.
        leg: the state machine; read it, and act by the methods here.
        party: the other side.
        call: the PBX's call that this seems to be; None while none fits.
        certain: whether ids say so; else it was found by its numbers.
        gate: which addresses of the other side were allowed.
        moments: what happened to it.
        silence: why nothing is heard 3 s after the answer, a sentence; empty otherwise.
    """

    def __init__(self, line: PhoneLine, number: int, leg: Leg, party: Party) -> None:
        self.number = number
        self.leg = leg
        self.party = party
        self.call: Call | None = None
        self.certain: bool = False
        self.gate: Final = CandidateGate(line.socket.hosts, line.media_hosts)
        self.moments: Final = Moments(line.socket.at)
        self.ids: Final = {leg.callid}  # the PBX's own may follow
        self.silence: str = ""
        self._line = line
        self._unheard_off: Callable[[], None] | None = None  # while the first sound is awaited
        self._here = "here"  # where its sound is
        self._media: LegMedia | None = None  # from the answer, or the beginning of a call of ours, on
        self._steps: deque[Step] = deque()
        self._running = False
        self._call_off: Callable[[], None] | None = None

    def __repr__(self) -> str:
        return f"<LineLeg {self.leg!r}>"

    # -- what is wanted here -------------------------------------------------------------------------------------------

    def answer(self, media: LegMedia) -> bool:
        """Take a call that rings here; whether it did."""
        steps = self.leg.answer()
        if steps:
            self._media, self._here = media, media.here
        self._run(steps)
        return bool(steps)

    def reject(self, code: int) -> None:
        """Refuse a call that rings here."""
        self._run(self.leg.reject(code))

    def hangup(self) -> None:
        """End it."""
        self._run(self.leg.hangup())
        if not self._line.up:
            self._run(self.leg.gone("hung up here"))
        elif self.leg.state is LegState.ENDING and self._call_off is None:
            self._call_off = self._line.socket.later(UNCONFIRMED, lambda: self.gone("hung up here"))

    def hold(self, on: bool) -> None:
        """Hold the other side, or take it back."""
        self._run(self.leg.hold(on))

    def mute(self, on: bool) -> None:
        """Send silence, or sound again."""
        self._run(self.leg.mute(on))

    def gone(self, why: str) -> None:
        """It is over and nobody will say so; ``why`` is in words."""
        self._run(self.leg.gone(why))

    # -- what the media say --------------------------------------------------------------------------------------------

    def described(self, text: str) -> None:
        """The description that was asked for."""
        self.moments.described(text)
        self._run(self.leg.described(text))

    def found(self, candidate: dict[str, Any] | None) -> None:
        """An address of ours; None after the last."""
        self._run(self.leg.found(candidate))

    def sounds(self, media: MediaState, why: str = "") -> None:
        """How the sound is now; ``why`` it failed, where it did and that is known."""
        where = ", ".join(self.gate.allowed) or "the PBX, which named no address that may be used"
        self._run(self.leg.sounds(media, why or f"no sound could pass between {self._here} and {where}"))

    # -- what the PBX says ---------------------------------------------------------------------------------------------

    def told(self, message: m.Message) -> None:
        """A message about this leg."""
        self.moments.message(message)
        self._run(self.leg.told(message))

    def seen(self, call: Call, certain: bool) -> None:
        """How the call list shows it."""
        self.call, self.certain = call, certain
        connected = call.state is CallState.CONNECTED or call.connected_at is not None
        self._run(self.leg.seen(connected=connected, held=call.state is CallState.HELD))

    def begin(self, media: LegMedia) -> None:
        """Dial."""
        self._media, self._here = media, media.here
        self._run(self.leg.dial())

    # -- steps ---------------------------------------------------------------------------------------------------------

    def _run(self, steps: Iterable[Step]) -> None:
        """Carry out steps in their order, also those that follow from carrying out others."""
        self._steps.extend(steps)
        if self._running:
            return
        self._running = True
        try:
            while self._steps:
                self._do(self._steps.popleft())
        finally:
            self._running = False
        self.ids.add(self.leg.callid)
        self.moments.follow(self.leg)
        self._await_sound()
        if self.leg.state is LegState.ENDED and self._call_off is not None:
            self._call_off()
        self._line.moved(self)

    def _await_sound(self) -> None:
        awaited = self.leg.state is LegState.CONNECTING
        if awaited and self._unheard_off is None:
            self._unheard_off = self._line.socket.later(UNHEARD, self._unheard)
        elif not awaited and self._unheard_off is not None:
            self._unheard_off()
            self.silence, self._unheard_off = "", None

    def _unheard(self) -> None:
        where = ", ".join(self.gate.allowed)
        why = f"UDP from {self._here} to {where} is blocked." if where else "the PBX named no address that may be used."
        self.silence = f"Answered, but no audio came for {UNHEARD:g} s: {why}"
        self._unheard_off = self._line.socket.later(UNFOUND, self._unfound)
        self._line.changed(self)

    def _unfound(self) -> None:
        """A media stack may look for a way without end."""
        if self.leg.media in (MediaState.GATHERING, MediaState.CHECKING):
            self.sounds(MediaState.FAILED)

    def _do(self, step: Step) -> None:
        self.moments.step(step)
        if isinstance(step, r.Request):
            self._line.send(step)
            return
        if (media := self._media) is None:
            return
        match step:
            case MakeOffer():
                media.make_offer()
            case AnswerOffer(sdp=sdp):
                media.answer_offer(sdp.text(self._allowed(sdp.candidates)))
            case TakeAnswer(sdp=sdp):
                media.take_answer(sdp.text(self._allowed(sdp.candidates)))
            case TakeCandidates(candidates=candidates):
                if lines := tuple(each.line for each in self._allowed(candidates)):
                    media.take_candidates(lines)
            case Flow(send=send, hear=hear):
                media.flow(send, hear)
            case Close():
                media.close()

    def _allowed(self, candidates: Iterable[IceCandidate]) -> list[IceCandidate]:
        now, warned = self._line.socket.now(), bool(self.gate.foreign)
        allowed = [each for each in candidates if self.gate.allows(each, now)]
        if self.gate.foreign and not warned:
            where = ", ".join(sorted(self.gate.foreign))
            logger.warning("The sound of a call may go to %s, not the PBX's own; media_hosts= refuses others.", where)
        return allowed


class PhoneLine:
    """One extension that is registered as a phone.

    Args:
        account: its number.
        socket: the connection; whoever owns it calls `connected`, `dropped`, `told` and `listed`.
        lines: calls at the same time; one more is answered with 486.
        media_hosts: addresses that sound may go to beside the PBX's own; None for any.

    Attributes:
        calls: the legs that are not over, oldest first.
        up: whether the socket is open.
        registrar: the registration.
        incoming: gets every call that begins to ring here.
        changed: gets a leg at every change of it, the end included.
    """

    def __init__(
        self, account: str, socket: LineSocket, *, lines: int = 1, media_hosts: Collection[str] | None = None
    ) -> None:
        self.account = account
        self.socket = socket
        self.lines = lines
        self.media_hosts = media_hosts
        self.calls: tuple[LineLeg, ...] = ()
        self.up: bool = False
        self.registrar: Final = Registrar(self.send, socket.later)
        self.incoming: Signal[LineLeg] = Signal()
        self.changed: Signal[LineLeg] = Signal()
        self._numbers = itertools.count(1)

    def __repr__(self) -> str:
        return f"<PhoneLine {self.account}: {self.registrar.state}, {len(self.calls)} calls>"

    # -- what is wanted here -------------------------------------------------------------------------------------------

    def dial(self, to: str, media: Callable[[LineLeg], LegMedia]) -> LineLeg:
        """Begin a call.

        Args:
            to: the number.
            media: makes the call's media.

        Raises:
            NotRegistered: the PBX does not know this phone now, or it has as many calls as it may.
        """
        if self.registrar.state is not Registration.REGISTERED:
            raise NotRegistered(
                f"The phone of {self.account} is {self.registrar.state}.", hint="Wait until its status is registered."
            )
        if not self.free:
            raise NotRegistered(
                f"The phone of {self.account} has no line free: {len(self.calls)} of {self.lines} are taken.",
                hint="Hang up, or ask for more with lines=.",
            )
        one = self._begun(Leg(self.socket.signalling, to=to, callid=uuid.uuid4().hex), Party(number=to))
        one.begin(media(one))
        return one

    def close(self) -> None:
        """Hang up and register no more."""
        for one in self.calls:
            one.hangup()
            one.gone("the phone was closed")
        self.registrar.close()

    # -- the socket ----------------------------------------------------------------------------------------------------

    def connected(self) -> None:
        """The socket is open."""
        self.up = True
        self.registrar.connected(answers=self.socket.signalling is not Signalling.OLD)

    def dropped(self) -> None:
        """The socket is gone: calls that were answered keep their sound, all others end."""
        self.up = False
        self.registrar.dropped()
        for one in self.calls:
            if one.leg.over or not one.leg.answered:
                one.gone("the line to the PBX was lost before it was answered")

    def told(self, message: m.Message) -> None:
        """A message of the PBX."""
        match message:
            case m.SipRegister():
                self.registrar.told(message)
            case m.InviteSdp():
                self._invited(message)
            case m.Sdp() | m.Candidate():
                # Since 69 the PBX's first words about a call of ours carry an id that it made.
                one = self._by_id(message.callid) or self._first(LegState.DIALLING)
                if one is not None:
                    one.told(message)
            case m.Bye() | m.Cancel() | m.CancelResponse():
                if (one := self._by_id(message.callid)) is not None:
                    one.told(message)
            case m.ByeResponse():
                if (one := self._first(LegState.ENDING)) is not None:
                    one.told(message)

    def listed(self, calls: Collection[Call]) -> None:
        """The open calls, as the call list has them now."""
        taken: set[str] = set()
        for one in self.calls:
            found, certain = self._found(one, [call for call in calls if call.id not in taken])
            if found is not None:
                taken.add(found.id)
                if found is not one.call:
                    one.seen(found, certain)

    def send(self, request: r.Request) -> None:
        """Put a request on the socket, while there is one."""
        if self.up:
            self.socket.send(request.frame())

    def moved(self, one: LineLeg) -> None:
        """A leg has another state."""
        if one.leg.state is LegState.ENDED:
            self.calls = tuple(other for other in self.calls if other is not one)
        self.changed(one)

    # -- which leg -----------------------------------------------------------------------------------------------------

    @property
    def free(self) -> bool:
        """Whether one more call has room; from any thread."""
        most = 1 if self.socket.signalling is Signalling.OLD else self.lines  # its messages name no call
        return len(self._going) < most

    @property
    def _going(self) -> list[LineLeg]:
        """The legs that nobody here has hung up: 2016 may leave a hang-up without a word."""
        return [one for one in self.calls if one.leg.state is not LegState.ENDING]

    def _invited(self, message: m.InviteSdp) -> None:
        signalling = self.socket.signalling
        if message.callid and self._by_id(message.callid) is not None:
            return
        if not self.free:
            if signalling is not Signalling.OLD:  # there a refusal would be one of the first call
                self.send(r.SipBusy(callid=message.callid, cseq=message.cseq, code=BUSY))
            return
        one = self._begun(Leg(signalling, callid=message.callid), message.from_)
        one.told(message)
        if not one.leg.over:
            self.incoming(one)

    def _begun(self, leg: Leg, party: Party) -> LineLeg:
        one = LineLeg(self, next(self._numbers), leg, party)
        self.calls = (*self.calls, one)
        return one

    def _by_id(self, callid: str) -> LineLeg | None:
        """The leg meant; without an id (2016) the only one there is, or goes on."""
        if not callid:
            legs = self._going or self.calls
            return legs[0] if len(legs) == 1 else None
        return next((one for one in self.calls if callid in one.ids), None)

    def _first(self, state: LegState) -> LineLeg | None:
        return next((one for one in self.calls if one.leg.state is state), None)

    def _found(self, one: LineLeg, calls: Iterable[Call]) -> tuple[Call | None, bool]:
        """The call of a leg: by its id, else the only one of ours with the same other side (protocol.md 9, row 8)."""
        fitting = []
        for call in calls:
            if call.id in one.ids:
                return call, True
            if one.call is not None and call.id == one.call.id:
                return call, one.certain
            ours, theirs = (call.from_, call.to) if one.leg.outbound else (call.to, call.from_)
            us = ours.number == self.account or self.account in call.extensions
            if us and theirs.number == one.party.number:
                fitting.append(call)
        return (fitting[0] if len(fitting) == 1 else None), False
