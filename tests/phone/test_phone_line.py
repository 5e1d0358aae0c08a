"""A line: whose leg a message is, what a second call gets, what a lost socket means; how it stays registered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from pbxnb.errors import NotRegistered
from pbxnb.model.entities import Call, CallState
from pbxnb.phone.leg import LegState, MediaState, Signalling
from pbxnb.phone.line import LineLeg, PhoneLine
from pbxnb.phone.registrar import Registration
from pbxnb.protocol import messages as m
from pbxnb.protocol.parties import Party
from tests.protocol.test_protocol_sdp import BROWSER, LINE

from .test_phone_leg import WORKING, invite, sdp


class Socket:
    """A socket whose frames and timers are kept."""

    def __init__(self, signalling: Signalling = Signalling.MODERN) -> None:
        self.signalling = signalling
        self.hosts = ("192.0.2.1",)
        self.frames: list[dict[str, Any]] = []
        self.timers: list[tuple[float, Callable[[], object]]] = []

    def send(self, frame: dict[str, Any]) -> None:
        self.frames.append(frame)

    def later(self, seconds: float, fn: Callable[[], object]) -> Callable[[], None]:
        timer = (seconds, fn)
        self.timers.append(timer)
        return lambda: self.timers.remove(timer) if timer in self.timers else None

    def now(self) -> float:
        return 0.0

    def at(self) -> datetime:
        return datetime(2026, 7, 1, 9, 30, tzinfo=UTC)

    def pass_time(self) -> None:
        """Every timer that runs goes off."""
        due, self.timers = self.timers, []
        for _, fn in due:
            fn()

    @property
    def sent(self) -> list[str]:
        return [frame["action"] for frame in self.frames]


class Media:
    """Media that keep their orders, and describe themselves at once."""

    here = "this page"

    def __init__(self, one: LineLeg | None = None) -> None:
        self.one = one
        self.orders: list[Any] = []

    def make_offer(self) -> None:
        self.orders.append("offer")
        if self.one is not None:
            self.one.described("v=0 ours")

    def answer_offer(self, sdp: str) -> None:
        self.orders.append(sdp)
        if self.one is not None:
            self.one.described("v=0 answer")

    def take_answer(self, sdp: str) -> None:
        self.orders.append(sdp)

    def take_candidates(self, lines: tuple[str, ...]) -> None:
        self.orders.append(lines)

    def flow(self, send: bool, hear: bool) -> None:
        self.orders.append((send, hear))

    def close(self) -> None:
        self.orders.append("close")


def registered(signalling: Signalling = Signalling.MODERN, lines: int = 1) -> tuple[PhoneLine, Socket]:
    socket = Socket(signalling)
    line = PhoneLine("40", socket, lines=lines)
    line.connected()
    line.told(m.SipRegister(add="sip:40@acme.example", expires=3600.0))
    return line, socket


def rings(line: PhoneLine, callid: str = "d41c@pbx") -> LineLeg:
    got: list[LineLeg] = []
    stop = line.incoming.add(got.append)
    line.told(invite(callid))
    stop()
    return got[0]


def talks(line: PhoneLine, to: str = "207", callid: str = "99@pbx") -> LineLeg:
    """A call of ours that was answered and sounds."""
    one = line.dial(to, Media)
    line.told(sdp(183, callid))
    line.told(sdp(200, callid))
    one.sounds(MediaState.FLOWING)
    assert one.leg.state is LegState.TALKING
    return one


# -- calls -------------------------------------------------------------------------------------------------------------


def test_a_call_of_ours_is_found_by_the_id_that_the_pbx_gives_it() -> None:
    line, socket = registered()
    one = talks(line)
    assert one.ids == {"99@pbx", socket.frames[1]["callid"]}
    line.told(m.Bye(callid="another@pbx"))
    assert line.calls == (one,)
    line.told(m.Bye(callid=socket.frames[1]["callid"]))
    assert (line.calls, one.leg.cause) == ((), "hung up there")


@pytest.mark.parametrize("signalling", WORKING)
def test_a_call_comes_in_and_its_steps_reach_socket_and_media(signalling: Signalling) -> None:
    line, socket = registered(signalling)
    one = rings(line, "" if signalling is Signalling.OLD else "d41c@pbx")
    assert socket.sent == ["sip-register", "sip-ringing"]
    media = Media(one)
    assert one.answer(media)
    assert not one.answer(Media(one))  # a double click
    assert socket.sent[-1] == "sdp-200ok"
    assert media.orders[0].startswith("v=0")
    line.told(m.Candidate(candidate=LINE, callid=one.leg.callid))
    assert media.orders[-1][0].startswith("candidate:")


def test_what_happens_to_a_call_is_kept() -> None:
    line, _ = registered()
    one = rings(line)
    one.answer(Media(one))
    one.sounds(MediaState.FLOWING)
    line.told(m.Bye(callid="d41c@pbx"))
    said = [f"{moment.kind} {moment.text}" for moment in one.moments()]
    for words in ("received invitesdp", "sent sip-ringing", "state ringing", "media answer", "sent sdp-200ok",
                  "state talking", "sound flowing", "received bye", "state ended: hung up there"):  # fmt: skip
        assert any(each.startswith(words) for each in said), (words, said)


def test_addresses_that_are_not_allowed_reach_no_media() -> None:
    line, _ = registered()
    one = rings(line)
    media = Media(one)
    one.answer(media)
    before = list(media.orders)
    line.told(m.Candidate(candidate=LINE.replace("192.0.2.1", "127.0.0.1"), callid="d41c@pbx"))
    assert "127.0.0.1" not in LINE
    assert media.orders == before


def test_one_more_call_than_there_are_lines_is_refused_as_busy() -> None:
    line, socket = registered(lines=2)
    rings(line, "1@pbx")
    rings(line, "2@pbx")
    line.told(invite("3@pbx"))
    assert (socket.frames[-1]["action"], socket.frames[-1]["callid"], socket.frames[-1]["code"]) == (
        "sip-busy", "3@pbx", 486,
    )  # fmt: skip
    assert len(line.calls) == 2
    with pytest.raises(NotRegistered, match="no line free"):
        line.dial("207", Media)


def test_in_2016_the_next_call_begins_while_nobody_has_confirmed_that_the_last_one_ended() -> None:
    line, _ = registered(Signalling.OLD)
    first = talks(line, callid="")
    first.hangup()
    second = talks(line, "208", callid="")
    assert (first.leg.state, second.leg.state) == (LegState.ENDING, LegState.TALKING)
    second.hangup()
    line.told(m.InviteSdp(sdp=BROWSER, callid="", cseq=101, from_=Party(number="209")))
    assert [one.leg.state for one in line.calls] == [LegState.ENDING, LegState.ENDING, LegState.RINGING]


def test_in_2016_a_second_call_is_left_alone_for_its_messages_name_none() -> None:
    line, socket = registered(Signalling.OLD, lines=2)
    rings(line, "")
    line.told(invite(""))
    assert socket.sent == ["sip-register", "sip-ringing"]
    assert len(line.calls) == 1


def test_a_hang_up_that_nobody_confirms_ends_all_the_same() -> None:
    line, socket = registered()
    one = talks(line)
    one.hangup()
    assert (one.leg.state, socket.sent[-1]) == (LegState.ENDING, "sip-bye")
    socket.pass_time()
    assert (one.leg.state, one.leg.cause, line.calls) == (LegState.ENDED, "hung up here", ())


def test_the_list_of_calls_says_which_call_it_is_and_when_it_is_answered() -> None:
    line, _ = registered()
    one = line.dial("207", Media)
    line.told(sdp(183, "99@pbx"))
    other = Call(id="1", from_=Party(number="41"), to=Party(number="207"), state=CallState.CONNECTED)
    ours = Call(id="2", from_=Party(number="40"), to=Party(number="207"), state=CallState.CONNECTED)
    line.listed([other])
    assert one.call is None
    line.listed([other, ours])
    assert (one.call, one.certain, one.leg.answered) == (ours, False, True)
    line.listed([other, ours, Call(id="99@pbx", from_=ours.from_, to=ours.to)])
    assert one.call == ours  # what it was found to be it stays


def test_two_calls_that_fit_alike_are_not_guessed_between() -> None:
    line, _ = registered()
    one = line.dial("207", Media)
    alike = [Call(id=number, from_=Party(number="40"), to=Party(number="207")) for number in "12"]
    line.listed(alike)
    assert one.call is None


# -- the socket --------------------------------------------------------------------------------------------------------


def test_a_lost_socket_ends_what_rings_and_leaves_what_talks() -> None:
    line, socket = registered(lines=2)
    talking, ringing = talks(line), rings(line)
    line.dropped()
    assert line.calls == (talking,)
    assert ringing.leg.cause == "the line to the PBX was lost before it was answered"
    assert line.registrar.state is Registration.LOST
    line.connected()
    line.told(m.SipRegister())
    assert line.registrar.state is Registration.REGISTERED
    line.dropped()
    sent = len(socket.frames)
    talking.hangup()  # nobody can be told
    assert (line.calls, talking.leg.cause, len(socket.frames)) == ((), "hung up here", sent)


def test_closing_hangs_up_and_ends_every_call() -> None:
    line, socket = registered(lines=2)
    talks(line)
    rings(line)
    line.close()
    assert line.calls == ()
    assert socket.sent[-2:] == ["sip-bye", "sip-busy"]
    assert socket.timers == []


def test_nothing_is_dialled_before_the_pbx_knows_the_phone() -> None:
    line = PhoneLine("40", Socket())
    with pytest.raises(NotRegistered, match="The phone of 40 is unregistered"):
        line.dial("207", Media)


# -- the registration --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expires", "again"), [(3600.0, 1800.0), (80.0, 40.0), (50.0, 30.0), (None, 1800.0), (0.0, 30.0), (-5.0, 30.0)]
)
def test_it_is_refreshed_in_time_and_never_without_pause(expires: float | None, again: float) -> None:
    socket = Socket()
    line = PhoneLine("40", socket)
    line.connected()
    line.told(m.SipRegister(expires=expires))
    assert [seconds for seconds, _ in socket.timers] == [again]
    socket.pass_time()
    assert socket.sent == ["sip-register", "sip-register"]
    assert line.registrar.state is Registration.REGISTERED


def test_without_an_answer_it_is_asked_again() -> None:
    socket = Socket()
    line = PhoneLine("40", socket)
    line.connected()
    socket.pass_time()
    assert (socket.sent, line.registrar.state) == (["sip-register"] * 2, Registration.REGISTERING)
    line.told(m.SipRegister())
    socket.pass_time()
    socket.pass_time()  # the refresh is not answered: the PBX may have forgotten us
    assert line.registrar.state is Registration.REGISTERING


def test_an_answer_nobody_waits_for_registers_nothing() -> None:
    line = PhoneLine("40", Socket())
    line.told(m.SipRegister())
    assert line.registrar.state is Registration.UNREGISTERED


def test_a_pbx_of_2016_answers_no_registration_and_has_registered_whoever_asked() -> None:
    socket = Socket(Signalling.OLD)
    line = PhoneLine("40", socket)
    line.connected()
    assert (line.registrar.state, socket.sent, socket.timers) == (Registration.REGISTERED, ["sip-register"], [])


NO_ADDRESS = BROWSER.replace("a=candidate:", "a=x-candidate:")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BROWSER, "UDP from this page to 192.0.2.7:50000 is blocked."),
        (NO_ADDRESS, "the PBX named no address that may be used."),
    ],
)
def test_a_call_that_is_answered_and_not_heard_says_why(text: str, why: str) -> None:
    line, socket = registered()
    one = line.dial("207", Media)
    line.told(sdp(183, "99@pbx", text))
    line.told(sdp(200, "99@pbx"))
    assert one.leg.state is LegState.CONNECTING
    assert one.silence == ""
    told: list[LineLeg] = []
    line.changed.add(told.append)
    socket.pass_time()
    assert one.silence == f"Answered, but no audio came for 3 s: {why}"
    assert told == [one]
    one.sounds(MediaState.FLOWING)
    assert one.silence == ""
    assert one.leg.state is LegState.TALKING


@pytest.mark.parametrize(("sound", "ends"), [(MediaState.CHECKING, True), (MediaState.STALLED, False)])
def test_an_answered_call_ends_where_no_way_for_its_sound_is_found_and_not_where_nothing_is_said(
    sound: MediaState, ends: bool
) -> None:
    line, socket = registered()
    one = line.dial("207", Media)
    line.told(sdp(183, "99@pbx", BROWSER))
    one.sounds(sound)
    socket.pass_time()
    socket.pass_time()
    assert not one.leg.over  # it rings: a PBX may have no sound yet
    line.told(sdp(200, "99@pbx"))
    socket.pass_time()
    socket.pass_time()
    assert (one.leg.state is LegState.ENDED) is ends
    assert (one.leg.cause == "no sound could pass between this page and 192.0.2.7:50000") is ends


def test_a_call_that_is_heard_in_time_says_nothing_of_silence() -> None:
    line, socket = registered()
    one = talks(line)
    socket.pass_time()
    assert one.silence == ""


def test_sound_that_may_go_elsewhere_than_to_the_pbx_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    line, _ = registered()
    one = line.dial("207", Media)
    line.told(sdp(183, "99@pbx"))
    one.described("v=0 answer")
    for address in ("192.0.2.1", "198.51.100.9"):
        line.told(m.Candidate(candidate=LINE.replace("192.0.2.1", address), callid="99@pbx"))
    told = "The sound of a call may go to 192.0.2.7, not the PBX's own; media_hosts= refuses others."
    assert [record.getMessage() for record in caplog.records] == [told]
