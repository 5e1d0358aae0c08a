"""One leg of a WebRTC call as a state machine without sockets, media or clock: what to send and what media must do.

The same machine serves the calls of a page, those of the kernel, and the tests (protocol.md 4.7 to 4.15, 5, 8.2, 8.3).
Every method returns what follows from it: requests for the PBX and orders for the media, in their order.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, NamedTuple

from msgspec import UNSET

from pbxnb.errors import SdpRefused
from pbxnb.protocol import messages as m
from pbxnb.protocol import requests as r
from pbxnb.protocol.sdp import IceCandidate, Sdp, read, read_candidates

__all__ = [
    "AnswerOffer", "Close", "Flow", "Leg", "LegState", "MakeOffer", "MediaState", "Signalling", "Step", "TakeAnswer",
    "TakeCandidates",
]  # fmt: skip

MOST_WAITING = 64
ANSWERED = 200
REFUSED = 400
BUSY, NOT_ACCEPTABLE, DECLINED = 486, 488, 603


class Signalling(StrEnum):
    """Who offers on a call of ours: since version 69 the PBX, before it we; 2016 has one call and no ids of them."""

    OLD = "2016"
    LEGACY = "legacy"
    MODERN = "modern"


class LegState(StrEnum):
    """Where a leg stands; ``talking`` takes the answer and the first sound."""

    DIALLING = "dialling"
    EARLY = "early"
    RINGING = "ringing"
    CONNECTING = "connecting"
    TALKING = "talking"
    HELD_HERE = "held_here"
    HELD_THERE = "held_there"
    HELD_BOTH = "held_both"
    ENDING = "ending"
    ENDED = "ended"


class MediaState(StrEnum):
    """How the sound of a leg is; ``stalled``: none came for 3 s."""

    NONE = "none"
    GATHERING = "gathering"
    CHECKING = "checking"
    FLOWING = "flowing"
    ONE_WAY = "one_way"
    STALLED = "stalled"
    FAILED = "failed"


class MakeOffer(NamedTuple):
    """Open a connection and describe it; the description goes to `Leg.described`."""


class AnswerOffer(NamedTuple):
    """Open a connection, in place of one that is open, for this offer; the answer goes to `Leg.described`."""

    sdp: Sdp


class TakeAnswer(NamedTuple):
    """Complete the connection with the answer to its offer."""

    sdp: Sdp


class TakeCandidates(NamedTuple):
    """Addresses of the other side, not yet allowed by anybody (`protocol.sdp.CandidateGate`)."""

    candidates: tuple[IceCandidate, ...]


class Flow(NamedTuple):
    """Whether sound is sent, and whether what comes is heard."""

    send: bool
    hear: bool


class Close(NamedTuple):
    """End the connection."""


Step = r.Request | MakeOffer | AnswerOffer | TakeAnswer | TakeCandidates | Flow | Close


class Leg:
    """One leg.

    Args:
        signalling: how this PBX speaks.
        to: the number to dial; empty for a call that comes in.
        callid: of a call of ours, any unused text; of one that comes in, the PBX's, empty in 2016.

    Attributes:
        state, media: where signalling and sound stand.
        callid: may become another one once the PBX has answered.
        code: the SIP status the PBX gave last; 0 for none.
        cause: why it ended, in words; empty until then.
        refused: the error, where it ended for an SDP that cannot be used.
        muted, held: what was asked for here.

    Example:
        >>> leg = Leg(Signalling.MODERN, to="207", callid="3f9c01d2@kit")
        >>> leg.dial(), leg.state
        ((MakeOffer(),), <LegState.DIALLING: 'dialling'>)
    """

    def __init__(self, signalling: Signalling, *, to: str = "", callid: str = "") -> None:
        self.signalling = signalling
        self.to = to
        self.outbound: Final = bool(to)
        self.callid: str = callid if signalling is not Signalling.OLD else ""
        self.state = LegState.DIALLING if to else LegState.RINGING
        self.media: MediaState = MediaState.NONE
        self.code: int = 0
        self.cause: str = ""
        self.refused: SdpRefused | None = None
        self.muted: bool = False
        self.held: bool = False
        self._held_there = False
        self._cseq: Any = UNSET
        self._offer: Sdp | None = None
        self._waiting: tuple[IceCandidate, ...] = ()
        self._open = False  # whether media have a connection
        self._offered = False  # whether the PBX knows of it
        self._described = False  # whether both descriptions are there, so that candidates can be used
        self._answered = False
        self._heard = False

    def __repr__(self) -> str:
        whom = f"to {self.to}" if self.outbound else "coming in"
        return f"<Leg {whom}: {self.state}{f', {self.cause}' if self.cause else ''}>"

    @property
    def over(self) -> bool:
        """Whether nothing can be done with it any more."""
        return self.state in (LegState.ENDING, LegState.ENDED)

    @property
    def answered(self) -> bool:
        """Whether the other side, or we, took the call."""
        return self._answered

    # -- what is wanted here -------------------------------------------------------------------------------------------

    def dial(self) -> tuple[Step, ...]:
        """Begin a call of ours."""
        if not self.outbound or self._open or self.over:
            return ()
        return self._connect(MakeOffer())

    def answer(self) -> tuple[Step, ...]:
        """Take a call that rings here; nothing when it does not."""
        if self.state is not LegState.RINGING or self._offer is None or self._open:
            return ()
        return self._connect(AnswerOffer(self._offer))

    def reject(self, code: int = DECLINED) -> tuple[Step, ...]:
        """Refuse a call that rings here: 603 declined, 486 busy, 488 not acceptable."""
        if self.state is not LegState.RINGING or self._answered:
            return ()
        old = self.signalling is Signalling.OLD
        return (self._request(r.SipBusy, code=None if old else code), *self._end("rejected here"))

    def hangup(self) -> tuple[Step, ...]:
        """End it, answered or not; one that rings here is rejected."""
        if self.over:
            return ()
        if self.state is LegState.RINGING and not self._answered:
            return self.reject()
        bye = self._bye()
        if not bye:
            return self._end("hung up here")
        self.state, self.cause = LegState.ENDING, "hung up here"
        return (*bye, *self._shut())

    def hold(self, on: bool) -> tuple[Step, ...]:
        """Hold the other side, or take it back; 2016 has no word for it, so there only the sound stops."""
        if not self._talking or self.held == on:
            return ()
        self.held = on
        self._move()
        if self.signalling is Signalling.OLD:
            return (self._flow(),)
        command = "sendonly" if on else "sendrecv"
        return (r.WrtcHold(callid=self.callid, holdcmd=command), self._flow())

    def mute(self, on: bool) -> tuple[Step, ...]:
        """Send silence, or sound again; whether the PBX wants to know is open, so it is not told (protocol.md 4.16)."""
        if self.over or self.muted == on:
            return ()
        self.muted = on
        return (self._flow(),) if self._open else ()

    # -- what the PBX says ---------------------------------------------------------------------------------------------

    def told(self, message: m.Message) -> tuple[Step, ...]:
        """A message of the PBX about this leg; any other changes nothing.

        Raises nothing: an SDP that cannot be used ends the leg, with the reason as its `cause`.
        """
        if self.state is LegState.ENDED:
            return ()
        match message:
            case m.InviteSdp() if not self.outbound and self._offer is None and not self.over:
                return self._invited(message)
            case m.Sdp() if self.outbound and not self.over:
                return self._progress(message)
            case m.Candidate():
                return self._take(read_candidates(message.candidate, message.adr))
            case m.Bye():
                self.code = message.code or self.code
                return (self._request(r.ByeReply), *self._end(self._why_ended(message.code)))
            case m.Cancel() if not self.outbound:
                return (r.CancelReply(), *self._end("the caller gave up"))
            case m.CancelResponse() | m.ByeResponse() if self.state is LegState.ENDING:
                return self._end("hung up here")
        return ()

    def seen(self, *, connected: bool = False, held: bool = False) -> tuple[Step, ...]:
        """How the call list shows this leg's call: a second source for the answer and the other side's hold."""
        if self.over:
            return ()
        steps: tuple[Step, ...] = ()
        if connected and not self._answered and (self.outbound or self._described):
            steps = self._accepted()
        self._held_there = held and not self.held
        self._move()
        return steps

    def gone(self, why: str) -> tuple[Step, ...]:
        """It is over and nobody will say so: the line or the media are gone, the hang-up was not confirmed."""
        return () if self.state is LegState.ENDED else self._end(self.cause or why)

    # -- what the media say --------------------------------------------------------------------------------------------

    def described(self, text: str) -> tuple[Step, ...]:
        """The description that `MakeOffer` or `AnswerOffer` asked for."""
        if self.over or not self._open:
            return ()
        if self._offer is None:
            self._offered = True
            sdp = text if self.signalling is not Signalling.OLD else {"type": "offer", "sdp": text}
            return (self._request(r.SdpPacket, to=self.to, sdp=sdp),)
        self._described = True
        waiting, self._waiting = self._waiting, ()
        answer = self._request(r.Sdp200Ok, sdp={"type": "answer", "sdp": text})
        if not self.outbound:
            self._answered = True
            self._move()
        return (answer, *([TakeCandidates(waiting)] if waiting else []))

    def found(self, candidate: dict[str, Any] | None) -> tuple[Step, ...]:
        """An address of ours, as a browser gives it; None after the last.

        Since version 69 the PBX ignores our own offer, and so its addresses (protocol.md 4.7).
        """
        ours = self.signalling is Signalling.MODERN and self.outbound and self._offer is None
        last = candidate is None and self.signalling is not Signalling.OLD
        if self.over or not self._open or ours or last:
            return ()
        return (r.IceCandidate(callid=self.callid, candidate=candidate),)

    def sounds(self, media: MediaState, why: str = "no way was found for the sound") -> tuple[Step, ...]:
        """How the sound is now; ``why`` it failed, where it did."""
        if self.over:
            return ()
        self.media = media
        if media is MediaState.FAILED:
            return (*self._bye(), *self._end(why))
        self._heard = self._heard or media in (MediaState.FLOWING, MediaState.ONE_WAY)
        self._move()
        return ()

    # -- steps ---------------------------------------------------------------------------------------------------------

    @property
    def _talking(self) -> bool:
        return self._answered and not self.over

    def _request(self, kind: Any, **fields: Any) -> r.Request:
        """A request that echoes what identifies the leg."""
        request: r.Request = kind(callid=self.callid, cseq=self._cseq, **fields)
        return request

    def _bye(self) -> tuple[Step, ...]:
        """The hang-up, where the PBX knows of the call."""
        if self.outbound and not self._offered:
            return ()
        return (r.SipBye(callid=self.callid, caller="true" if self.outbound else "false"),)

    def _connect(self, order: MakeOffer | AnswerOffer) -> tuple[Step, ...]:
        self._open, self.media = True, MediaState.GATHERING
        return (order,) if not self.muted else (order, self._flow())

    def _invited(self, message: m.InviteSdp) -> tuple[Step, ...]:
        self.callid, self._cseq = message.callid or self.callid, message.cseq
        try:
            self._offer = read(message.sdp, "offer")
        except SdpRefused as refused:
            old = self.signalling is Signalling.OLD
            return (self._request(r.SipBusy, code=None if old else NOT_ACCEPTABLE), *self._end(refused))
        return (self._request(r.SipRinging),)

    def _progress(self, message: m.Sdp) -> tuple[Step, ...]:
        """An SDP of the PBX on a call of ours: progress, the answer, or a refusal (protocol.md 5.1)."""
        if self.signalling is not Signalling.OLD and message.callid:
            self.callid = message.callid
        self._cseq = message.cseq if message.cseq is not UNSET else self._cseq
        self.code = message.code or self.code
        if self.code >= REFUSED:
            return self._end(message.reason or f"refused with code {self.code}")
        second = self.signalling is Signalling.OLD and self._described
        fresh = self._open and self._offer is None and not self._described
        steps = self._describe(message.sdp) if fresh and message.sdp else ()
        if self.over:
            return steps
        if self.state is LegState.DIALLING:
            self.state = LegState.EARLY
        if self.code >= ANSWERED or second:
            steps += self._accepted()
        return steps

    def _describe(self, text: str) -> tuple[Step, ...]:
        try:
            if self.signalling is Signalling.MODERN:
                self._offer = read(text, "offer")
                return (AnswerOffer(self._offer),)
            answer = read(text, "answer")
        except SdpRefused as refused:
            return (*self._bye(), *self._end(refused))
        self._described = True
        waiting, self._waiting = self._waiting, ()
        return (TakeAnswer(answer), *([TakeCandidates(waiting)] if waiting else []))

    def _take(self, candidates: tuple[IceCandidate, ...]) -> tuple[Step, ...]:
        """Addresses of the PBX may come long before anybody answers: they wait for the descriptions."""
        if self.over or not candidates:
            return ()
        if self._described:
            return (TakeCandidates(candidates),)
        self._waiting = (*self._waiting, *candidates)[:MOST_WAITING]
        return ()

    def _accepted(self) -> tuple[Step, ...]:
        """The other side answered."""
        first, self._answered = not self._answered, True
        self._move()
        acknowledged = first and self.outbound and self.code >= ANSWERED
        return (r.SipAck(callid=self.callid),) if acknowledged else ()

    def _move(self) -> None:
        """The state that answer, sound and holds make together."""
        if not self._talking:
            return
        if self.held or self._held_there:
            both = self.held and self._held_there
            self.state = LegState.HELD_BOTH if both else LegState.HELD_HERE if self.held else LegState.HELD_THERE
        else:
            self.state = LegState.TALKING if self._heard else LegState.CONNECTING

    def _flow(self) -> Flow:
        return Flow(send=not self.muted and not self.held, hear=not self.held)

    def _why_ended(self, code: int | None) -> str:
        if self.state is LegState.ENDING:
            return "hung up here"
        if code == 415:
            return "media negotiation never completed (415)"
        if code:
            return f"ended by the PBX with code {code}"
        if not self._answered:
            return "refused" if self.outbound else "the caller gave up"
        return "hung up there"

    def _end(self, cause: str | SdpRefused) -> tuple[Step, ...]:
        if isinstance(cause, SdpRefused):
            self.refused = cause.with_traceback(None)  # whose frames hold the SDP
        self.state, self.cause = LegState.ENDED, str(cause)
        return self._shut()

    def _shut(self) -> tuple[Step, ...]:
        self._waiting = ()
        was_open, self._open = self._open, False
        return (Close(),) if was_open else ()
