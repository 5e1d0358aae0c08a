"""A browser phone on a socket: the WebRTC signalling of protocol.md 4.7 to 4.15 and 5.

One `WebRtcPhone` belongs to one socket. It rings when its extension rings, and its legs are calls of the PBX like any
other; what their SDP says is the business of `described`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from pbxnb.protocol import requests as r

from ..engine.calls import TALKING, Cause, ChangeKind, SimCall, SimChange, SimPhase
from ..engine.clock import Timing
from ..engine.pbx import SimPbx
from .described import Description, FixedLeg, LegMedia, PhoneMedia
from .frames import Dialect, FrameWriter

__all__ = ["WebRtcPhone"]

REGISTRATION = 3600
MOST_LEGS = 32


@dataclass(slots=True, eq=False)
class WebRtcLeg:
    """This phone's side of one call; ``accepted`` once this phone (and not another of the extension) took it."""

    callid: str
    call_id: str
    cseq: int
    outbound: bool
    media: LegMedia = field(default_factory=FixedLeg)
    offer: object = None
    described: Description | None = None
    told_answered: bool = False
    accepted: bool = False
    progress: bool = False


class WebRtcPhone:
    """The phone side of one socket.

    Args:
        pbx: the tenant.
        frames: renders the frames.
        user: the extension.
        send: puts a frame into the socket's outbox.
        label: name under which it registers.
        major: version of the PBX: from 69 it makes its own offer on outbound calls, before it answered.
        media: what describes the legs, and carries their sound.
    """

    _serial = itertools.count(1)

    def __init__(
        self,
        pbx: SimPbx,
        frames: FrameWriter,
        user: str,
        send: Callable[[str], None],
        label: str,
        major: int,
        timing: Timing,
        media: PhoneMedia,
    ) -> None:
        self._timing = timing
        self._media = media
        self._pbx = pbx
        self._frames = frames
        self._user = user
        self._send = send
        self._label = label
        self._offers = frames.dialect is Dialect.MODERN and major >= 69
        self._legs: dict[str, WebRtcLeg] = {}
        self._cseq = itertools.count(101)
        self._registered = False
        self._unsubscribe = pbx.changed.add(self._on_change)

    def close(self) -> None:
        """The socket is gone: the phone is not registered any more, its calls end (open: protocol.md 12.14)."""
        self._unsubscribe()
        legs, self._legs = self._legs, {}
        for leg in legs.values():
            leg.media.close()
            if leg.accepted or leg.outbound:
                self._pbx.hangup(leg.call_id, self._user)
        if self._registered:
            self._pbx.unregister(self._user, self._label)

    # -- what the client sends ------------------------------------------------------------------------------------

    def register(self, request: r.SipRegisterRequest) -> None:
        """``sip-register``: calls ring here from now on; repeating it prolongs."""
        self._registered = True
        self._pbx.register(self._user, self._label)
        if self._frames.dialect is Dialect.MODERN:
            add = f"sip:{self._user}@{self._pbx.domain}"
            self._send(self._frames.action("sip-register", add=add, expires=REGISTRATION))

    def invite(self, request: r.SdpPacket) -> None:
        """``sdp-packet``: dial."""
        if not request.to or len(self._legs) >= MOST_LEGS:
            return
        style = self._frames.variants.frame()
        callid = request.callid or f"{next(self._cseq)}@pbx"
        if "fresh-callid" in style:
            callid = f"{self._pbx.switch.next_id()}@pbx"
        if callid in self._legs or len(callid) > 128:
            return
        # The phone must exist to dial, as the desk phone does; a client that never registered has one while it calls.
        visiting = not self._registered and self._pbx.register(self._user, self._label)
        leg = self._begun(WebRtcLeg(callid, "", next(self._cseq), outbound=True, accepted=not self._offers))
        leg.offer = None if self._offers else request.sdp
        as_id = callid if "callid-as-id" in style else self._pbx.switch.next_id()
        leg.call_id = as_id
        call_id = self._pbx.dial(self._user, request.to, call_id=as_id)
        if visiting:
            self._pbx.unregister(self._user, self._label)
        call = self._pbx.calls.get(call_id)
        if call is not None and call_id != as_id:
            # A star code took over another call: that is what this leg talks to now.
            leg.call_id = call_id
            self._progress(call, leg)
        elif call is None and callid in self._legs:
            self._drop(leg)
            self._send(self._frames.given_up(callid, Cause.BUSY, leg.cseq))

    def accept(self, request: r.Sdp200Ok) -> None:
        """``sdp-200ok``: answers an ``invitesdp``, or the PBX's own offer on a call of ours."""
        leg = self._leg(request.callid)
        if leg is None:
            return
        leg.accepted = True
        leg.media.answered(request.sdp)
        if not leg.outbound and not self._pbx.answer(leg.call_id, self._user):
            leg.accepted = False

    def found(self, request: r.IceCandidate) -> None:
        """``ice-candidate``: an address of the client."""
        if (leg := self._leg(request.callid)) is not None:
            leg.media.found(request.candidate)

    def refuse(self, request: r.SipBusy) -> None:
        """``sip-busy``."""
        leg = self._leg(request.callid)
        if leg is not None and not leg.outbound:
            self._drop(leg)
            cause = Cause.BUSY if request.code == Cause.BUSY.code else Cause.REJECTED
            self._pbx.reject(leg.call_id, self._user, cause)

    def bye(self, request: r.SipBye) -> None:
        """``sip-bye``: hang up before or after the answer."""
        leg = self._leg(request.callid)
        if leg is None:
            return
        call = self._pbx.calls.get(leg.call_id)
        ringing = call is not None and call.phase is SimPhase.RINGING
        self._drop(leg)
        self._pbx.hangup(leg.call_id, self._user)
        modern = self._frames.dialect is Dialect.MODERN
        if leg.outbound and ringing and modern == ("cancel-swapped" in self._frames.variants.frame()):
            self._send(self._frames.flat("cancelresponse", "true", callid=leg.callid))
        elif modern:
            self._send(self._frames.action("bye-response", callid=leg.callid))

    def hold(self, request: r.WrtcHold) -> None:
        """``wrtc-hold``."""
        leg = self._leg(request.callid)
        if leg is None:
            return
        act = {"sendonly": self._pbx.hold, "sendrecv": self._pbx.resume}.get(request.holdcmd)
        if act is not None and act(leg.call_id, self._user):
            self._reserved("change", request.holdcmd, leg)

    def mute(self, request: r.Mute) -> None:
        """``mute``: of no consequence for the call."""
        if (leg := self._leg(request.callid)) is not None:
            self._reserved("info", "muted" if request.muted else "unmuted", leg)

    def call_of(self, call_id: str) -> str:
        """The PBX's id for what may be a callid of this phone (protocol.md 9, row 8)."""
        leg = self._legs.get(call_id)
        return leg.call_id if leg else call_id

    def _leg(self, callid: str) -> WebRtcLeg | None:
        """The leg meant; without a callid (2016) the only one there is."""
        if callid:
            return self._legs.get(callid)
        return next(iter(self._legs.values())) if len(self._legs) == 1 else None

    # -- what the PBX sends ---------------------------------------------------------------------------------------

    def _on_change(self, change: SimChange) -> None:
        call = change.call
        if call is None or change.kind in (ChangeKind.MISSED, ChangeKind.RECORDING):
            return
        leg = next((x for x in self._legs.values() if x.call_id == call.id), None)
        if leg is None:
            if self._registered and self._user in call.ringing and call.open and len(self._legs) < MOST_LEGS:
                self._offer(call)
        elif not call.open:
            cause = change.record.cause if change.record else Cause.NORMAL
            if cause is Cause.TRANSFERRED and (joined := self._joined()) is not None:
                leg.call_id = joined.id
                leg.media.moved()
                return
            self._drop(leg)
            # A caller who gave up is one only to a phone that was still ringing.
            gone = Cause.NORMAL if leg.accepted and cause is Cause.CANCELLED else cause
            self._send(self._frames.given_up(leg.callid, gone, leg.cseq))
        elif leg.outbound:
            self._progress(call, leg)
        elif self._user not in call.extensions or (call.phase is SimPhase.CONNECTED and not leg.accepted):
            self._drop(leg)
            self._send(self._frames.given_up(leg.callid, Cause.CANCELLED, leg.cseq))

    def _joined(self) -> SimCall | None:
        """The call that goes on with this phone, where two were joined: no leg of it is here yet."""
        known = {leg.call_id for leg in self._legs.values()}
        ours = (call for call in self._pbx.calls.values() if self._user in call.extensions and call.phase in TALKING)
        return next((call for call in ours if call.id not in known), None)

    def _offer(self, call: SimCall) -> None:
        callid = f"{call.id}-{next(self._cseq)}@pbx"
        leg = self._begun(WebRtcLeg(callid, call.id, next(self._cseq), outbound=False))
        leg.media.describe(None, False, lambda described: self._invite(call, leg, described))

    def _invite(self, call: SimCall, leg: WebRtcLeg, described: Description) -> None:
        if self._legs.get(leg.callid) is not leg:
            return
        callid, caller, frames = leg.callid, call.caller, self._frames
        self._send(
            frames.flat(
                "invitesdp",
                self._spoilt(described.sdp),
                callid=callid,
                cseq=leg.cseq,
                from_=frames.address(caller),
                to=frames.address(self._pbx.directory.end(self._user)),
                from_user=caller.number,
                from_display=caller.name or None,
                group=call.group or None,
            )
        )
        adr = [list(pair) for pair in described.adr]
        self._send(frames.flat("candidate", described.candidate, adr=adr, callid=callid))
        if frames.dialect is Dialect.MODERN:
            self._send(frames.action("callerid", callid=callid, name=caller.name, number=caller.number))
        elif caller.external:
            contact = '{"records":[{"Name":"Contact","attributes":{"url":"/contact"}}]}'
            self._send(
                frames.action(
                    "crmcontact", data=contact, direction="Inbound", serverurl=f"https://crm.{self._pbx.domain}"
                )
            )

    def _progress(self, call: SimCall, leg: WebRtcLeg) -> None:
        if self._user not in call.extensions:
            self._drop(leg)
            self._send(self._frames.given_up(leg.callid, Cause.NORMAL, leg.cseq))
            return
        if not leg.progress:
            leg.progress = True
            self._reserved("response", 100, leg)
            leg.media.describe(leg.offer, not self._offers, lambda described: self._describe(call, leg, described))
        elif call.phase is SimPhase.CONNECTED and leg.described is not None and self._second(leg):
            self._sdp(call, leg, leg.described, 200)
        self._await_answer(call, leg)

    def _await_answer(self, call: SimCall, leg: WebRtcLeg) -> None:
        """From the offer on, once the other side has answered, the client has a moment for its own answer."""
        if call.phase is SimPhase.CONNECTED and leg.described is not None and not leg.accepted:
            self._pbx.clock.at(self._timing.media, lambda: self._no_media(leg))

    def _no_media(self, leg: WebRtcLeg) -> None:
        """The client never answered the PBX's offer (protocol.md 4.8)."""
        if not leg.accepted and self._legs.get(leg.callid) is leg:
            self._pbx.hangup(leg.call_id, self._user, cause=Cause.NO_MEDIA)

    def _describe(self, call: SimCall, leg: WebRtcLeg, described: Description) -> None:
        """The PBX's side of a call of the client's: its own offer since 69, else the answer."""
        if self._legs.get(leg.callid) is not leg:
            return
        leg.described = described
        self._sdp(call, leg, described, 183)
        self._await_answer(call, leg)
        if call.phase is SimPhase.CONNECTED and self._second(leg):
            self._sdp(call, leg, described, 200)

    def _second(self, leg: WebRtcLeg) -> bool:
        """Whether the answer of the other side is told by an SDP again, once: so it was in 2016."""
        due = self._frames.dialect is Dialect.OLD and not leg.told_answered
        leg.told_answered = leg.told_answered or due
        return due

    def _sdp(self, call: SimCall, leg: WebRtcLeg, described: Description, code: int) -> None:
        sdp, to = self._spoilt(described.sdp), call.called
        self._send(
            self._frames.flat(
                "sdp", sdp, code=code, callid=leg.callid, cseq=leg.cseq, to_user=to.number, to_display=to.name or None
            )
        )
        self._send(self._frames.flat("candidate", described.candidate, callid=leg.callid))

    def _spoilt(self, sdp: str) -> str:
        """An SDP with the faults that are asked for."""
        style = self._frames.variants.frame()
        if "sdp-actpass" in style:
            sdp = sdp.replace("a=setup:passive", "a=setup:actpass")
        if "sdp-no-mid" in style:
            sdp = "".join(line for line in sdp.splitlines(keepends=True) if not line.startswith(("a=mid:", "a=group:")))
        return sdp

    def _begun(self, leg: WebRtcLeg) -> WebRtcLeg:
        leg.media = self._media.leg(self._pbx, self._user, lambda: leg.call_id, lambda: self._lost(leg))
        self._legs[leg.callid] = leg
        return leg

    def _drop(self, leg: WebRtcLeg) -> None:
        del self._legs[leg.callid]
        leg.media.close()

    def _lost(self, leg: WebRtcLeg) -> None:
        """The media of a leg have failed."""
        if self._legs.get(leg.callid) is leg:
            self._pbx.hangup(leg.call_id, self._user, cause=Cause.NO_MEDIA)

    def _reserved(self, key: str, value: object, leg: WebRtcLeg) -> None:
        if self._frames.dialect is Dialect.MODERN and "reserved-keys" in self._frames.variants.frame():
            self._send(self._frames.flat(key, value, callid=leg.callid))
