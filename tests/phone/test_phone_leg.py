"""A leg of a WebRTC call in the three ways PBXs speak: whole calls as tables, then whatever may come in any order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pbxnb.phone.leg import (
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
from pbxnb.protocol import messages as m
from pbxnb.protocol import requests as r
from pbxnb.protocol.parties import Party
from tests.protocol.test_protocol_sdp import BROWSER, LINE

CANDIDATE = m.Candidate(candidate=LINE)
WORKING = [Signalling.MODERN, Signalling.LEGACY, Signalling.OLD]


def kinds(steps: tuple[Step, ...]) -> list[Any]:
    """What follows, in short: names of requests, kinds of orders."""
    return [step.action if isinstance(step, r.Request) else type(step) for step in steps]


def sdp(code: int | None = 183, callid: str = "", text: str = BROWSER, cseq: Any = 101) -> m.Sdp:
    return m.Sdp(sdp=text, code=code, callid=callid, cseq=cseq)


def invite(callid: str = "d41c@pbx", text: str = BROWSER) -> m.InviteSdp:
    return m.InviteSdp(sdp=text, callid=callid, cseq=101, from_=Party(number="+15550100"))


# -- whole calls -------------------------------------------------------------------------------------------------------


def test_a_call_since_69_answers_the_offer_of_the_pbx() -> None:
    leg = Leg(Signalling.MODERN, to="207", callid="5b20@kit")
    assert kinds(leg.dial()) == [MakeOffer]
    [packet] = leg.described("v=0 ours")
    assert packet == r.SdpPacket(to="207", callid="5b20@kit", sdp="v=0 ours")
    assert leg.found({"candidate": LINE}) == ()  # of a connection that will be thrown away
    assert leg.told(CANDIDATE) == ()
    [order] = leg.told(sdp(183, "99@pbx"))
    assert isinstance(order, AnswerOffer)
    assert leg.state is LegState.EARLY
    answer, waiting = leg.described("v=0 answer")
    assert answer == r.Sdp200Ok(callid="99@pbx", cseq=101, sdp={"type": "answer", "sdp": "v=0 answer"})
    assert isinstance(waiting, TakeCandidates)
    assert kinds(leg.found({"candidate": LINE})) == ["ice-candidate"]
    assert kinds(leg.told(CANDIDATE)) == [TakeCandidates]
    leg.sounds(MediaState.FLOWING)
    assert leg.state is LegState.EARLY  # the tone of ringing is sound, and no answer
    assert leg.seen(connected=True) == ()
    assert leg.state is LegState.TALKING
    assert kinds(leg.hangup()) == ["sip-bye", Close]
    assert leg.told(m.ByeResponse()) == ()
    assert (leg.state, leg.cause) == (LegState.ENDED, "hung up here")


def test_a_call_before_69_takes_the_answer_of_the_pbx() -> None:
    leg = Leg(Signalling.LEGACY, to="207", callid="5b20@kit")
    leg.dial()
    assert kinds(leg.described("v=0 ours")) == ["sdp-packet"]
    assert kinds(leg.found({"candidate": LINE})) == ["ice-candidate"]
    [order] = leg.told(sdp(183, "5b20@kit"))
    assert isinstance(order, TakeAnswer)
    assert order.sdp.setup == "passive"  # it was labelled actpass
    assert leg.told(sdp(200, "5b20@kit")) == (r.SipAck(callid="5b20@kit"),)
    assert leg.state is LegState.CONNECTING
    leg.sounds(MediaState.FLOWING)
    assert leg.state is LegState.TALKING


def test_a_call_of_2016_is_answered_by_the_second_sdp() -> None:
    leg = Leg(Signalling.OLD, to="207", callid="unused")
    leg.dial()
    assert leg.described("v=0 ours") == (r.SdpPacket(to="207", sdp={"type": "offer", "sdp": "v=0 ours"}),)
    assert kinds(leg.told(sdp(None))) == [TakeAnswer]
    assert leg.state is LegState.EARLY
    assert leg.told(sdp(None)) == ()
    assert leg.state is LegState.CONNECTING
    assert kinds(leg.found(None)) == ["ice-candidate"]  # that page sends the end of them too


@pytest.mark.parametrize("signalling", WORKING)
def test_a_call_comes_in_and_is_taken(signalling: Signalling) -> None:
    callid = "" if signalling is Signalling.OLD else "d41c@pbx"
    leg = Leg(signalling, callid=callid)
    assert leg.told(invite(callid)) == (r.SipRinging(callid=callid, cseq=101),)
    assert leg.told(CANDIDATE) == ()  # it comes long before anybody answers
    [order] = leg.answer()
    assert isinstance(order, AnswerOffer)
    assert leg.answer() == ()  # a double click
    answer, waiting = leg.described("v=0 answer")
    assert answer == r.Sdp200Ok(callid=callid, cseq=101, sdp={"type": "answer", "sdp": "v=0 answer"})
    assert isinstance(waiting, TakeCandidates)
    assert leg.state is LegState.CONNECTING
    leg.sounds(MediaState.FLOWING)
    assert leg.state is LegState.TALKING
    assert kinds(leg.told(m.Bye(callid=callid))) == ["bye-response", Close]
    assert leg.cause == "hung up there"


@pytest.mark.parametrize("signalling", WORKING)
def test_a_call_that_rings_is_refused_with_a_code(signalling: Signalling) -> None:
    leg = Leg(signalling, callid="d41c@pbx")
    leg.told(invite())
    [busy] = leg.reject(486)
    assert isinstance(busy, r.SipBusy)
    assert busy.code == (None if signalling is Signalling.OLD else 486)
    assert leg.state is LegState.ENDED


@pytest.mark.parametrize(
    ("message", "reply"), [(m.Bye(callid="d41c@pbx"), "bye-response"), (m.Cancel(), "cancel-response")]
)
def test_a_caller_gives_up(message: m.Message, reply: str) -> None:
    leg = Leg(Signalling.MODERN, callid="d41c@pbx")
    leg.told(invite())
    assert kinds(leg.told(message)) == [reply]
    assert leg.cause == "the caller gave up"


def test_a_refusal_says_its_code() -> None:
    leg = Leg(Signalling.MODERN, to="207", callid="1@kit")
    leg.dial()
    leg.described("v=0 ours")
    assert kinds(leg.told(m.Bye(callid="1@kit", code=486))) == ["bye-response", Close]
    assert (leg.code, leg.cause) == (486, "ended by the PBX with code 486")


def test_an_sdp_with_a_code_of_refusal_ends_it() -> None:
    leg = Leg(Signalling.MODERN, to="207", callid="1@kit")
    leg.dial()
    leg.described("v=0 ours")
    assert kinds(leg.told(sdp(404, "1@kit", text=""))) == [Close]
    assert leg.cause == "refused with code 404"


def test_progress_without_an_sdp_is_progress() -> None:
    leg = Leg(Signalling.MODERN, to="207", callid="1@kit")
    leg.dial()
    leg.described("v=0 ours")
    assert leg.told(sdp(180, "1@kit", text="")) == ()
    assert leg.state is LegState.EARLY


def test_hanging_up_before_anything_was_sent_sends_nothing() -> None:
    leg = Leg(Signalling.MODERN, to="207", callid="1@kit")
    leg.dial()
    assert kinds(leg.hangup()) == [Close]
    assert leg.described("too late") == ()


@pytest.mark.parametrize("outbound", [True, False])
def test_an_sdp_that_cannot_be_used_ends_the_leg_with_its_reason(outbound: bool) -> None:
    leg = Leg(Signalling.MODERN, to="207" if outbound else "", callid="1@kit")
    if outbound:
        leg.dial()
        leg.described("v=0 ours")
    told = leg.told(sdp(183, "1@kit", text="v=0\r\n") if outbound else invite(text="v=0\r\n"))
    assert kinds(told) == (["sip-bye", Close] if outbound else ["sip-busy"])
    assert leg.cause == "The SDP of the PBX is not used: it has no audio line."


def test_answered_and_nothing_heard_is_not_talking() -> None:
    leg = talking(Signalling.MODERN, heard=False)
    assert leg.state is LegState.CONNECTING
    leg.sounds(MediaState.STALLED)
    assert (leg.state, leg.media) == (LegState.CONNECTING, MediaState.STALLED)


def test_media_that_find_no_way_end_the_call_at_the_pbx_too() -> None:
    leg = talking(Signalling.MODERN, heard=False)
    assert kinds(leg.sounds(MediaState.FAILED)) == ["sip-bye", Close]
    assert leg.cause == "no way was found for the sound"


# -- hold and mute -----------------------------------------------------------------------------------------------------


def talking(signalling: Signalling, *, heard: bool = True) -> Leg:
    leg = Leg(signalling, callid="d41c@pbx")
    leg.told(invite())
    leg.answer()
    leg.described("v=0 answer")
    if heard:
        leg.sounds(MediaState.FLOWING)
    return leg


def test_hold_is_told_and_stops_both_ways() -> None:
    leg = talking(Signalling.MODERN)
    assert leg.hold(True) == (r.WrtcHold(callid="d41c@pbx", holdcmd="sendonly"), Flow(send=False, hear=False))
    assert leg.state is LegState.HELD_HERE
    assert leg.hold(True) == ()
    leg.seen(connected=True, held=True)
    assert leg.state is LegState.HELD_HERE  # that is our own hold
    assert leg.hold(False) == (r.WrtcHold(callid="d41c@pbx", holdcmd="sendrecv"), Flow(send=True, hear=True))
    assert leg.state is LegState.TALKING


def test_the_other_side_holds() -> None:
    leg = talking(Signalling.MODERN)
    leg.seen(connected=True, held=True)
    assert leg.state is LegState.HELD_THERE
    leg.hold(True)
    assert leg.state is LegState.HELD_BOTH
    leg.hold(False)
    leg.seen(connected=True)
    assert leg.state is LegState.TALKING


def test_2016_has_no_word_for_hold_so_only_the_sound_stops() -> None:
    assert talking(Signalling.OLD).hold(True) == (Flow(send=False, hear=False),)


def test_mute_stays_through_hold_and_from_before_the_call() -> None:
    leg = talking(Signalling.MODERN)
    assert leg.mute(True) == (Flow(send=False, hear=True),)
    leg.hold(True)
    assert leg.hold(False)[-1] == Flow(send=False, hear=True)
    early = Leg(Signalling.MODERN, to="207", callid="1@kit")
    early.mute(True)
    assert early.dial() == (MakeOffer(), Flow(send=False, hear=True))


# -- whatever comes, in any order --------------------------------------------------------------------------------------

MESSAGES = st.sampled_from(
    [
        sdp(), sdp(180, text=""), sdp(200), sdp(None), sdp(183, "new@pbx"), sdp(486, text=""), sdp(text="v=0"),
        invite(), invite(text="hello"), CANDIDATE, m.Candidate(candidate=""), m.Bye(), m.Bye(code=415), m.Cancel(),
        m.CancelResponse(), m.ByeResponse(), m.Info(), m.Change(),
    ]
)  # fmt: skip
ACTS: list[Callable[[Leg], tuple[Step, ...]]] = [
    Leg.dial, Leg.answer, Leg.reject, Leg.hangup,
    lambda leg: leg.hold(True), lambda leg: leg.hold(False), lambda leg: leg.mute(True),
    lambda leg: leg.described("v=0"), lambda leg: leg.found(None), lambda leg: leg.gone("lost"),
]  # fmt: skip
LIVE = frozenset(LegState) - {LegState.ENDING, LegState.ENDED}


class AnyOrder(RuleBasedStateMachine):
    """A leg under whatever page, person and PBX may do, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.leg = Leg(Signalling.MODERN, callid="1@kit")
        self.open = False
        self.heard = False
        self.before = self.leg.state

    @rule(signalling=st.sampled_from(Signalling), to=st.sampled_from(["", "207"]))
    @precondition(lambda self: self.before in LIVE and not self.open)
    def another(self, signalling: Signalling, to: str) -> None:
        self.leg, self.heard = Leg(signalling, to=to, callid="1@kit"), False
        self.before = self.leg.state

    @rule(message=MESSAGES)
    def told(self, message: m.Message) -> None:
        self.follow(self.leg.told(message))

    @rule(act=st.sampled_from(ACTS))
    def does(self, act: Callable[[Leg], tuple[Step, ...]]) -> None:
        self.follow(act(self.leg))

    @rule(media=st.sampled_from(MediaState))
    def sounds(self, media: MediaState) -> None:
        self.heard |= media in (MediaState.FLOWING, MediaState.ONE_WAY)
        self.follow(self.leg.sounds(media))

    @rule(connected=st.booleans(), held=st.booleans())
    def seen(self, connected: bool, held: bool) -> None:
        self.follow(self.leg.seen(connected=connected, held=held))

    def follow(self, steps: tuple[Step, ...]) -> None:
        """Orders come in an order that media can follow; nothing comes of a leg that has ended."""
        if self.before is LegState.ENDED:
            assert steps == ()
        for step in steps:
            if isinstance(step, MakeOffer | AnswerOffer):
                self.open = True
            elif isinstance(step, Close):
                assert self.open
                self.open = False
            elif not isinstance(step, r.Request):
                assert self.open
        self.before = self.leg.state

    @invariant()
    def what_is_over_is_closed_and_says_why(self) -> None:
        leg = self.leg
        assert leg.over == (leg.state in (LegState.ENDING, LegState.ENDED))
        assert not (leg.over and self.open)
        assert bool(leg.cause) == leg.over

    @invariant()
    def nobody_talks_before_the_answer_and_the_first_sound(self) -> None:
        if self.leg.state is LegState.TALKING:
            assert self.leg.answered
            assert self.heard


TestAnyOrder = AnyOrder.TestCase
