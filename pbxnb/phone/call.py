"""`PhoneCall`: one call of the kernel's own phone, with what it says and hears."""

from __future__ import annotations

import os
import weakref
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pbxnb.arguments import check_number
from pbxnb.errors import (
    CallRefused,
    ConfigError,
    MediaFailed,
    PbxError,
    PhoneError,
    SoundRefused,
    no_copy,
)
from pbxnb.media import wire
from pbxnb.media.leg import EngineLeg
from pbxnb.model.effects import call_ref
from pbxnb.model.entities import Call
from pbxnb.protocol.commands import CallRef
from pbxnb.protocol.parties import Party
from pbxnb.text import LONGEST, clean

from .hearing import HeardBlock, Hearing
from .lane import Lane, Pending, Stream, Waits
from .leg import REFUSED, LegState, MediaState
from .line import LineLeg
from .moments import Moment
from .outside import MakeMedia
from .quality import Quality
from .saying import Saying

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["PhoneCall"]


class PhoneCall:
    """One call of a `Phone`. Made by `Phone.dial`, or given by `Phone.incoming`.

    What is done returns at once something to be awaited, or asked for ``.result()``.

    Attributes:
        domain: the tenant.
        tz: the zone that its times are shown in.
        quality: of its sound, second by second (`pbxnb.phone.quality.Quality`).
        recording: the path of the file that it is recorded to; empty for none.

    Example:
        >>> async with pbxnb.simulate("empty", extensions=6, media=True) as pbx:
        ...     phone = await pbx.phone("42")
        ...     call = await (await phone.dial("*echo")).connected(timeout=30)
        ...     await call.play("tone:440")
        ...     ended = await call.hangup()
        ...     ended.cause
        'hung up here'
    """

    __reduce__: Any = no_copy

    def __init__(self, one: LineLeg, lane: Lane, media: MakeMedia) -> None:
        self.domain: Final = lane.domain
        self.tz: Final = lane.tz
        self.quality: Final = Quality()
        self.recording = ""
        self._one = one
        self._lane = lane
        self._media = media(described=one.described, tell=self._told, lost=self._lost)
        self._hearing = Hearing(lane, lambda on: self._media.order(wire.Listen(call=0, on=on)))
        self._saying = Saying(lane, self._media.order, self._why)
        self._waits = Waits(lane, self, self._why)
        self._streams: weakref.WeakSet[Stream[Moment]] = weakref.WeakSet()
        self._newest: Moment | None = None  # that `events` gave
        self._over = False
        self._failure: PbxError | None = None

    # -- reading -------------------------------------------------------------------------------------------------------

    @property
    def state(self) -> LegState:
        """Where it stands; ``talking`` takes the answer and the first sound."""
        return self._one.leg.state

    @property
    def media(self) -> MediaState:
        """How its sound is."""
        return self._one.leg.media

    @property
    def cause(self) -> str:
        """Why it ended, in words; empty until then."""
        return self._one.leg.cause

    @property
    def party(self) -> Party:
        """The other side."""
        return self._one.party

    @property
    def callid(self) -> str:
        """What PBX and phone call it; the PBX may change it once."""
        return self._one.leg.callid

    @property
    def call(self) -> Call | None:
        """The PBX's call that this is, as its list has it; None while none fits."""
        return self._one.call

    @property
    def certain(self) -> bool:
        """Whether an id says that it is this `call`; else its numbers do."""
        return self._one.certain

    @property
    def early_media(self) -> bool:
        """Whether there is sound before the answer: ringing, an announcement."""
        return not self._one.leg.answered and self._sounds

    @property
    def moments(self) -> tuple[Moment, ...]:
        """What happened to it, in order."""
        return self._one.moments()

    def events(self) -> Stream[Moment]:
        """Everything that happens to it from now on, as an async iterator that ends with it."""
        stream: Stream[Moment] = Stream(self._lane, f"what happens to {self!r}")

        def begin() -> None:
            self._streams.add(stream)
            if self.state is LegState.ENDED:
                stream.end()

        self._lane.call(begin)
        return stream

    def __repr__(self) -> str:
        whom = f"{'to' if self._one.leg.outbound else 'from'} {self.party.number}"
        why = f", {self.cause}" if self.cause else ""
        recorded = f"; recorded to {self.recording}" if self.recording else ""
        return clean(f"<PhoneCall {whom}: {self.state}{why}{recorded}>", LONGEST)

    # -- steering ------------------------------------------------------------------------------------------------------

    def connected(self, timeout: float | None = None) -> Pending[PhoneCall]:
        """Wait until it was answered and its sound flows.

        Raises:
            CallRefused: the other side, or the PBX, did not take it; ``code`` says how.
            MediaFailed: no way was found for the sound.
            SdpRefused: the PBX's description of it cannot be used.
            EngineLost: the process that carries it is gone.
            PhoneError: it ended otherwise.
        """
        return self._waits.do(lambda: None, lambda: self._one.leg.answered and self._sounds, timeout)

    def answer(self) -> Pending[PhoneCall]:
        """Take it; refused with `PhoneError` where it does not ring here."""

        def act() -> None:
            if not self._one.answer(self._media):
                raise PhoneError(f"Only a call that rings here can be answered; this one is {self.state}.")

        return self._waits.do(act, lambda: self._one.leg.answered)

    def reject(self, code: int = 603) -> Pending[PhoneCall]:
        """Refuse it while it rings here: 603 declined, 486 busy."""
        check_number("code", code, 400, 699, whole=True)
        return self._waits.do(lambda: self._one.reject(code), self._is_over)

    def hangup(self) -> Pending[PhoneCall]:
        """End it; one that rings here is rejected."""
        return self._waits.do(self._one.hangup, self._is_over)

    def hold(self) -> Pending[PhoneCall]:
        """Hold the other side."""
        return self._hold(True)

    def resume(self) -> Pending[PhoneCall]:
        """Take the other side back."""
        return self._hold(False)

    def mute(self, on: bool = True) -> Pending[PhoneCall]:
        """Send silence, or sound again."""
        return self._waits.do(lambda: self._one.mute(on), lambda: self._one.leg.muted == on)

    def transfer(self, to: str | PhoneCall) -> Pending[Any]:
        """Give the other side to a number, or to the other side of another call of this phone.

        Returns:
            The outcome, as of `Pbx.transfer`.

        Raises:
            PhoneError: the PBX's call list does not show the call.
        """
        target = _listed(to.call) if isinstance(to, PhoneCall) else to
        return self._lane.command("transfer", _listed(self.call), target)

    # -- saying --------------------------------------------------------------------------------------------------------

    def play(self, sound: str | os.PathLike[str] | NDArray[Any], loop: bool = False) -> Pending[None]:
        """Say a sound, after what is being said; known when it is through.

        Args:
            sound: the path of a WAV file; a wave, float at 16,000 samples a second; or a name, such as ``"tone:440"``,
                ``"ringback"``, ``"beep"``, ``"dtmf:159#"``.
            loop: again and again, until `stop`; at most 10 minutes long.

        Raises:
            SoundRefused: it cannot be read, or is too long.
        """
        return self._saying.play(sound, loop)

    def stop(self) -> Pending[PhoneCall]:
        """Say no more; what was left counts as said."""
        return self._waits.do(self._saying.stop, lambda: True)

    def dtmf(self, digits: str, ms: float = 100, gap: float = 70) -> Pending[None]:
        """Press digits; as tones where the other side takes no events. Known when they are through.

        Args:
            digits: of ``0-9 * # A B C D``.
            ms, gap: milliseconds of each, and between two.

        Raises:
            ConfigError: it is none, or a time that no key is pressed for.
        """
        return self._saying.press(digits, ms / 1000, gap / 1000)

    def record(
        self,
        path: str | os.PathLike[str] | None,
        side: Literal["both", "heard", "said"] = "both",
        *,
        announce: str | os.PathLike[str] | None = None,
        beep: float | None = None,
    ) -> Pending[PhoneCall]:
        """Write it to a WAV file, of an hour at most; None ends that. The file is complete once `hangup` is.

        Args:
            path: a file there is replaced.
            side: ``both``: left what is heard, right what is said.
            announce: a sound that is said at its beginning.
            beep: seconds between two tones that remind of it.

        Raises:
            SoundRefused: the file cannot be written, or the announcement not read.
            ConfigError: the side or the seconds are none.
        """
        if side not in ("both", "heard", "said"):
            raise ConfigError(f"side= is both, heard or said, not {side!r}.", argument="side")
        if beep is not None:
            check_number("beep", beep, 5, 3_600)
        file = "" if path is None else _writable(path)
        if announce is not None and file:
            self.play(announce)

        def act() -> None:
            self.recording = file
            self._media.order(wire.Record(call=0, path=file, side=side))
            self._saying.beep(beep if file else None)

        return self._waits.do(act, lambda: True)

    # -- hearing -------------------------------------------------------------------------------------------------------

    def audio(self) -> Stream[HeardBlock]:
        """What is heard from now on, as an async iterator of blocks of 20 ms; 60 s wait at most to be read."""
        return self._hearing.blocks()

    def heard(self, seconds: float, timeout: float | None = None) -> Pending[NDArray[np.float32]]:
        """The next so many seconds: float32, 16,000 samples a second; lost packets are silence."""
        check_number("seconds", seconds, 0.02, 3_600)
        return self._hearing.until(lambda waiting: waiting.Collected(seconds), "the sound", timeout)

    def speech(self, seconds: float = 0.1, timeout: float | None = None) -> Pending[bool]:
        """Wait until it is loud for so long: speech, or any other sound."""
        return self._hearing.until(lambda waiting: waiting.Loudness("loud", seconds), "speech", timeout)

    def silence(self, seconds: float = 1.0, timeout: float | None = None) -> Pending[bool]:
        """Wait until it is silent for so long."""
        return self._hearing.until(lambda waiting: waiting.Loudness("silent", seconds), "silence", timeout)

    def tone(self, frequency: float, timeout: float | None = None) -> Pending[bool]:
        """Wait until a tone of so many Hz is heard for 0.2 s."""
        check_number("frequency", frequency, 50, 7_500)
        return self._hearing.until(lambda waiting: waiting.Tone(frequency), f"a tone of {frequency:g} Hz", timeout)

    def digit(self, timeout: float | None = None) -> Pending[str]:
        """The next digit that the other side presses or pressed, and that was not asked for yet."""
        return self._hearing.digit(timeout)

    # -- on the lane ---------------------------------------------------------------------------------------------------

    @property
    def leg_media(self) -> EngineLeg:
        """What carries its sound."""
        return self._media

    def give_when_ringing(self, future: Future[PhoneCall]) -> None:
        """Give itself to a future once the other side rings, or more."""
        self._waits.add(lambda: self.state not in (LegState.DIALLING, LegState.ENDING, LegState.ENDED), future)

    def moved(self) -> None:
        """Its leg changed."""
        moments = self.moments
        news = moments[moments.index(self._newest) + 1 :] if self._newest in moments else moments
        self._newest = moments[-1] if moments else None
        for stream in tuple(self._streams):
            stream.put(*news)
        self._waits.look()
        if self._is_over() and not self._over:
            self._over = True
            self._waits.end()
            self._hearing.end(self._why())
            self._saying.end()
            for stream in tuple(self._streams):
                stream.end()

    @property
    def _sounds(self) -> bool:
        return self.media in (MediaState.FLOWING, MediaState.ONE_WAY)

    def _is_over(self) -> bool:
        return self.state is LegState.ENDED and not self._media.open

    def _hold(self, on: bool) -> Pending[PhoneCall]:
        def act() -> None:
            if not self._one.leg.answered and not self._one.leg.over:
                raise PhoneError(f"Only a call that was answered can be held; this one is {self.state}.")
            self._one.hold(on)

        return self._waits.do(act, lambda: self._one.leg.held == on)

    def _told(self, event: wire.Event) -> None:
        """The media say something."""
        match event:
            case wire.SoundState(state=state):
                self._one.sounds(MediaState(state))
            case wire.Block():
                self._hearing.block(event)
            case wire.Digit(digit=digit):
                self._hearing.pressed(digit)
            case wire.Played(number=number):
                self._saying.played(number)
            case wire.Quality():
                self.quality.codec = event.codec
                self.quality.add(event, self._lane.at(), muted=self._one.leg.muted or self._one.leg.held)
            case wire.Ended():
                self.moved()

    def _lost(self, error: PbxError) -> None:
        """The media are gone."""
        if not self._one.leg.over and not isinstance(error, MediaFailed):
            self._failure = error
        self._one.sounds(MediaState.FAILED, error.message)
        self.moved()

    def _why(self) -> PbxError:
        """Why what was waited for will not come."""
        leg = self._one.leg
        if (failure := self._failure or leg.refused) is not None:
            return failure
        if leg.media is MediaState.FAILED:
            [*_, stage, _] = "", *(moment.text for moment in self.moments if moment.kind == "sound")
            hint = "Is UDP to it blocked? media_hosts= and ice_servers= may help." if stage == "checking" else ""
            why = f"{leg.cause[:1].upper()}{leg.cause[1:].rstrip('.')}."
            return MediaFailed(why, hint=hint, stage=stage, candidates=self._one.gate.allowed)
        if leg.code >= REFUSED and not leg.answered:
            return CallRefused(f"{self.party.number} was not reached: {leg.cause}.", code=leg.code)
        return PhoneError(f"The call has ended: {leg.cause or 'its phone is closed'}.")


def _listed(call: Call | None) -> CallRef:
    if call is None:
        raise PhoneError("The PBX's call list does not show this call, so it cannot be transferred.")
    return call_ref(call)


def _writable(path: str | os.PathLike[str]) -> str:
    """The absolute path of a file that can be written."""
    try:
        with Path(path).open("ab"):
            return str(Path(path).resolve())
    except OSError as error:
        raise SoundRefused(f"{path} cannot be written: {error.strerror or error}.") from None
