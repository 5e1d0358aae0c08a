"""The sound of the embedded PBX: what each leg hears, from ringing to music on hold, and numbers that answer.

Every leg of a browser phone gets a connection of the media process. What is played into it follows from its call alone,
and is arranged anew at every change of that call. Only 127.0.0.1 is ever addressed.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import tempfile
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from pbxnb.errors import PbxError, PhoneError
from pbxnb.media import wire
from pbxnb.media.engine import Engine, require_phone_extra
from pbxnb.protocol.sdp import CandidateGate, IceCandidate, Sdp, read, read_candidates
from pbxnb.text import clean_logger

from .engine.accounts import SimSoundService
from .engine.calls import SimCall, SimChange, SimPhase
from .engine.pbx import SimPbx
from .server.described import Description
from .server.http import SimServer

__all__ = ["SERVICES", "SimMedia"]

logger: Final = clean_logger("pbxnb.simulator")

HERE = "127.0.0.1"
SERVICES = {
    "*echo": "Echo: says what it hears",
    "*tone": "Tone: 440 Hz",
    "*music": "Music",
    "*record": "Recorder: a beep, then what it hears is kept",
    "*dtmf": "Digits: sends back each one",
    "*loss3": "Echo that loses 3 of 100 packets",
}
"""Numbers that answer at once, and what they do; the PBX's own, no source has them."""


class Program(msgspec.Struct, frozen=True):
    """What a leg hears.

    Attributes:
        sounds: names, one after the other; the last one again and again where ``loop``.
        bridge: the leg whose sound it hears; itself for an echo.
        loss: share of the packets lost on the way to it.
        record: whether the call is kept in a file.
    """

    sounds: tuple[str, ...] = ()
    loop: bool = False
    bridge: int = 0
    loss: float = 0.0
    record: bool = False


class SimMedia:
    """The media of one embedded PBX, on its loop.

    Args:
        server: whose legs they are.

    Attributes:
        legs: of all calls that are open.
        folder: where recordings are kept until the PBX is closed.

    Raises:
        MissingExtra: the ``phone`` extra is not installed.
    """

    def __init__(self, server: SimServer) -> None:
        require_phone_extra()
        self.engine: Final = Engine()
        self.server = server
        self.legs: list[MediaLeg] = []
        self._disturbed = wire.Disturb(call=0)
        self._silenced = False
        self._files = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._folder = tempfile.TemporaryDirectory(prefix="pbxnb-recordings-", ignore_cleanup_errors=True)
        self.folder: Final = Path(self._folder.name)
        for tenant in server.tenants.values():
            for number, name in SERVICES.items():
                tenant.pbx.directory.add(SimSoundService(number, name))
            tenant.pbx.changed.add(functools.partial(self._on_change, tenant.pbx))

    def open(self) -> None:
        """Start the process for media, so that the first call does not wait for it."""

        async def start() -> None:
            with contextlib.suppress(PbxError):  # the first call tries again, and says why
                await self.engine.start()

        task = asyncio.ensure_future(start())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def leg(self, pbx: SimPbx, user: str, call_of: Callable[[], str], lost: Callable[[], None]) -> MediaLeg:
        """As `described.PhoneMedia.leg`."""
        leg = MediaLeg(self, pbx, user, call_of, lost)
        self.legs.append(leg)
        return leg

    def forget(self, leg: MediaLeg) -> None:
        """A leg is over."""
        self.legs.remove(leg)

    def disturb(self, disturbed: wire.Disturb, silenced: bool) -> None:
        """Spoil what every leg is sent, those of later calls too."""
        self._disturbed, self._silenced = disturbed, silenced
        for leg in self.legs:
            leg.arrange(leg.program)

    async def aclose(self) -> None:
        """End everything and remove the recordings."""
        for task in tuple(self._tasks):
            task.cancel()
        await self.engine.aclose()
        self._folder.cleanup()

    def later(self, leg: MediaLeg, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine of a leg's; what goes wrong ends that leg."""

        async def guarded() -> None:
            try:
                await work
            except PbxError as error:
                logger.warning("The media of a call of %s ended: %s", leg.user, error)
                self.server.do(leg.lost)
            except Exception:  # a fault of ours or of the stack: it is logged, and costs this call alone
                logger.exception("The media of a call of %s failed.", leg.user)
                self.server.do(leg.lost)

        task = asyncio.ensure_future(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def faults_of(self, leg: MediaLeg, program: Program) -> tuple[wire.Disturb, bool]:
        """What is spoilt of a leg's sound."""
        loss = max(program.loss, self._disturbed.loss)
        return msgspec.structs.replace(self._disturbed, call=leg.call, loss=loss), self._silenced

    def new_file(self, call: str) -> Path:
        """The path of the next recording."""
        return self.folder / f"{call}-{next(self._files)}.wav"

    def arrange(self, pbx: SimPbx, call: SimCall) -> None:
        """Let every leg of a call hear what it should."""
        legs = [leg for leg in self.legs if leg.pbx is pbx and leg.call_of() == call.id]
        for leg in legs:
            leg.arrange(_program(call, leg, legs))

    def _on_change(self, pbx: SimPbx, change: SimChange) -> None:
        if change.call is not None:
            self.arrange(pbx, change.call)


class MediaLeg:
    """The media of one leg; arguments as for `described.PhoneMedia.leg`.

    Attributes:
        call: the number of its connection; 0 before there is one.
        program: what it hears.
    """

    def __init__(
        self, media: SimMedia, pbx: SimPbx, user: str, call_of: Callable[[], str], lost: Callable[[], None]
    ) -> None:
        self.pbx = pbx
        self.user = user
        self.call_of = call_of
        self.lost = lost
        self.call: int = 0
        self.program: Program = Program()
        self._media = media
        self._gate = CandidateGate([HERE])
        self._waiting: list[IceCandidate] = []
        self._ours: Sdp | None = None
        self._complete = False
        self._closed = False
        self._arranged = False
        self._sounds = itertools.count(1)

    def describe(self, offer: object, passive: bool, then: Callable[[Description], None]) -> None:
        """As `described.LegMedia.describe`."""
        self._media.later(self, self._describe(offer, passive, then))

    def answered(self, sdp: object) -> None:
        """As `described.LegMedia.answered`."""
        if self._ours is None or self._complete:
            return
        try:
            answer = read(_text(sdp), "answer", mid=self._ours.mid)
        except PhoneError as error:
            logger.warning("The answer of %s cannot be used: %s", self.user, error)
            self._media.server.do(self.lost)
            return
        self._order(wire.TakeAnswer(call=self.call, sdp=answer.text(self._allowed(answer.candidates))))
        self._completed()

    def found(self, candidate: object) -> None:
        """As `described.LegMedia.found`."""
        line = candidate.get("candidate") if isinstance(candidate, dict) else candidate
        self._waiting += self._allowed(read_candidates(line))
        if self._complete:
            self._completed()

    def moved(self) -> None:
        """As `described.LegMedia.moved`."""
        if (call := self.pbx.calls.get(self.call_of())) is not None:
            self._media.arrange(self.pbx, call)

    def close(self) -> None:
        """As `described.LegMedia.close`."""
        self._closed = True
        self._order(wire.Shut(call=self.call))
        self._media.forget(self)

    def arrange(self, program: Program) -> None:
        """Hear this from now on, and all faults with it."""
        if not self.call:
            return  # it is arranged as soon as there is a connection
        before, self.program = self.program, program
        disturb, silenced = self._media.faults_of(self, program)
        self._order(disturb)
        self._order(wire.Flow(call=self.call, send=not silenced, hear=True))
        if before == program and self._arranged:
            return
        self._arranged = True
        self._order(wire.Stop(call=self.call))
        for place, name in enumerate(program.sounds, 1):
            last = place == len(program.sounds)
            self._order(wire.Tone(call=self.call, number=next(self._sounds), name=name, loop=program.loop and last))
        source = program.bridge or before.bridge
        if source:
            # What a leg hears is said on the other: the bridge is an order about the one that is listened to.
            self._media.engine.send(wire.Bridge(call=source, other=self.call if program.bridge else 0))
        if program.record != before.record:
            path = str(self._media.new_file(self.call_of())) if program.record else ""
            self._order(wire.Record(call=self.call, path=path))

    async def _describe(self, offer: object, passive: bool, then: Callable[[Description], None]) -> None:
        engine = self._media.engine
        call = await engine.open(self._on_event)
        if self._closed:
            engine.send(wire.Shut(call=call))
            return
        self.call = call
        if offer is None:
            text = await engine.describe(wire.MakeOffer(call=call))
            self._ours = read(text, "offer")
        else:
            theirs = read(_text(offer), "offer")
            if passive:
                # A stack that is offered both ways begins DTLS itself: here the client shall.
                theirs = msgspec.structs.replace(theirs, setup="active")
            order = wire.AnswerOffer(call=call, sdp=theirs.text(self._allowed(theirs.candidates)))
            self._ours = read(await engine.describe(order), "answer", mid=theirs.mid)
            self._completed()
        address = self._ours.candidates[0]
        described = Description(
            self._ours.text(self._ours.candidates), address.line, ((address.address, address.port),)
        )
        self._media.server.do(lambda: then(described))
        inside = self.pbx.calls.get(self.call_of())
        if inside is not None:
            self._media.arrange(self.pbx, inside)

    def _allowed(self, candidates: Iterable[IceCandidate]) -> list[IceCandidate]:
        now = asyncio.get_running_loop().time()
        return [candidate for candidate in candidates if self._gate.allows(candidate, now)]

    def _completed(self) -> None:
        """Both sides are described: addresses that came meanwhile can be used."""
        self._complete = True
        if self._waiting:
            self._order(wire.AddCandidates(call=self.call, lines=tuple(each.line for each in self._waiting)))
            self._waiting.clear()

    def _order(self, order: wire.Order) -> None:
        if self.call:
            self._media.engine.send(order)

    def _on_event(self, event: wire.Event) -> None:
        if isinstance(event, wire.Failed):
            self._media.server.do(self.lost)
        elif isinstance(event, wire.Digit):
            self._media.server.do(lambda: self.pressed(event.digit))

    def pressed(self, digit: str) -> None:
        """A digit means something to a menu, to the service that sends it back, and to whoever hears this leg."""
        call = self.pbx.calls.get(self.call_of())
        if call is None:
            return
        if call.phase is SimPhase.MENU:
            self.pbx.press(call.id, digit)
            return
        for leg in self._media.legs:
            hears = leg.program.bridge == self.call and leg is not self
            if hears or (leg is self and call.called.number == "*dtmf"):
                leg.press(digit)

    def press(self, digit: str) -> None:
        """Let this leg hear a digit."""
        self._order(wire.PressDigits(call=self.call, number=next(self._sounds), digits=digit))


def _program(call: SimCall, leg: MediaLeg, legs: Iterable[MediaLeg]) -> Program:
    """What a leg of a call hears."""
    match call.phase:
        case SimPhase.RINGING if leg.user == call.caller.number:
            return Program(("ringback",), loop=True)
        case SimPhase.QUEUED | SimPhase.PARKED:
            return Program(("music",), loop=True)
        case SimPhase.MENU:
            return Program(("menu",), loop=True)
        case SimPhase.VOICEMAIL:
            return Program(("beep",), record=True)
        case SimPhase.HELD if leg.user not in call.held_by:
            return Program(("music",), loop=True, record=call.recording)
        case SimPhase.CONNECTED:
            return _talk(call, leg, legs)
    return Program(record=call.recording)


def _talk(call: SimCall, leg: MediaLeg, legs: Iterable[MediaLeg]) -> Program:
    match call.other(leg.user).number:
        case "*echo":
            return Program(bridge=leg.call, record=call.recording)
        case "*loss3":
            return Program(bridge=leg.call, loss=0.03, record=call.recording)
        case "*tone":
            return Program(("tone:440",), loop=True, record=call.recording)
        case "*music":
            return Program(("music",), loop=True, record=call.recording)
        case "*record":
            return Program(("beep",), record=True)
    other = next((each for each in legs if each is not leg and each.user != leg.user), None)
    return Program(bridge=other.call if other is not None else 0, record=call.recording)


def _text(sdp: object) -> object:
    """The text of an SDP that may come as ``{type, sdp}`` (protocol.md 9, row 5)."""
    return sdp.get("sdp") if isinstance(sdp, dict) else sdp
