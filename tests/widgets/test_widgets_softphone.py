"""The softphone: what passes between kernel and page, who owns a call, every end a call can have, and the buttons."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import traitlets

from pbxnb.errors import MicrophoneError, NoOwner, NotRegistered
from pbxnb.model.entities import CallState, LineState, Orbit
from pbxnb.phone.leg import Signalling
from pbxnb.phone.line import PhoneLine
from pbxnb.phone.registrar import Registration
from pbxnb.protocol import messages as m
from pbxnb.protocol.parties import Party
from pbxnb.widgets.softphone import Softphone, page_calls
from pbxnb.widgets.softphone.allowed import COMMANDS, places
from pbxnb.widgets.softphone.owner import PATIENCE, Owner
from pbxnb.widgets.softphone.page_calls import PageCalls
from tests.phone.test_phone_leg import WORKING, invite, sdp
from tests.phone.test_phone_line import Socket
from tests.widgets.fakes import HOSTILE, FakeHandle, FakePending, RecordingComm, Wire, account, call, until

PAGE, OTHER = "page-1", "page-2"


class Phone:
    """An extension whose PBX is the test."""

    account = "40"
    protected = True

    def __init__(self, signalling: Signalling = Signalling.MODERN, trouble: Exception | None = None) -> None:
        self.socket = Socket(signalling)
        self.line = PhoneLine(self.account, self.socket, lines=2)
        self.commands: list[tuple[Any, ...]] = []
        self.trouble = trouble

    def call(self, fn: Callable[[], object]) -> bool:
        fn()
        return True

    def open(self) -> FakePending:
        if self.trouble is not None:
            self.line.close()
            return FakePending(self.trouble)
        self.line.connected()
        self.line.told(m.SipRegister(expires=3600.0))
        return FakePending(None)

    def close(self) -> FakePending:
        self.line.close()
        return FakePending(None)

    def command(self, name: str, /, *args: Any, **kw: Any) -> FakePending:
        self.commands.append((name, *(getattr(one, "id", one) for one in args)))
        return FakePending(RuntimeError("not in this test"))


class Desk:
    """A phone, its calls, a panel that shows them, and the page's end of the wire."""

    def __init__(self, phone: Phone | None = None, *, control: bool = True) -> None:
        self.phone = phone or Phone()
        self.handle = FakeHandle([account("40", name="Noor Petrov"), account("207", name="Ann Lee")], control=control)
        self.calls = PageCalls(self.handle, self.phone)
        self.panels: list[Softphone] = []
        self.panel = self.another()

    def another(self) -> Softphone:
        panel = Softphone(self.handle, self.calls)
        self.panels.append(panel)
        return panel

    def say(self, panel: Softphone | None = None, page: str = PAGE, **message: Any) -> None:
        wire = Wire(panel or self.panel)
        wire.say(**{"phone": self.calls.id, "owner": page, **message})
        wire.settle()

    def press(self, name: str, to: str = "", leg: int = 0, page: str = PAGE) -> None:
        Wire(self.panel).say(press=name, leg=leg, to=to, page=page)
        Wire(self.panel).settle()

    def hears(self, message: m.Message) -> None:
        """The PBX says something."""
        self.phone.line.told(message)
        Wire(self.panel).settle()

    def orders(self, panel: Softphone | None = None, leg: int = 0) -> list[dict[str, Any]]:
        """What the page was told about calls, or about one, oldest first."""
        Wire(panel or self.panel).settle()
        with RecordingComm.arrived:
            mine = [entry for entry in RecordingComm.sent if entry[0] == (panel or self.panel).comm.comm_id]
        contents = [data["content"] for _, kind, data, _ in mine if kind == "comm_msg" and data["method"] == "custom"]
        return [one for one in contents if "phone" in one and (one.get("leg") or 0) in ((leg,) if leg else range(99))]

    def told(self, leg: int) -> list[str]:
        return [one["order"] for one in self.orders(leg=leg)]

    def dials(self, to: str = "207") -> int:
        """Dial as far as the other side rings; the number of the call."""
        self.press("dial", to)
        number = max(self.calls.calls)
        self.say(leg=number, described="v=0 ours")
        self.hears(sdp(183, f"{number}@pbx"))
        self.say(leg=number, described="v=0 answer")
        return number

    def talks(self, to: str = "207") -> int:
        """A call of ours that was answered and sounds."""
        number = self.dials(to)
        self.hears(sdp(200, f"{number}@pbx"))
        self.say(leg=number, media="flowing")
        return number

    def close(self) -> None:
        for panel in self.panels:
            panel.close()
        self.calls.close()


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    desk.say(claim=True)
    yield desk
    desk.close()


def facts(panel: Softphone) -> dict[str, Any]:
    with panel._lock:
        return panel._state()


# -- one call ----------------------------------------------------------------------------------------------------------


def test_a_call_of_ours_is_described_by_the_page_and_talks_once_it_sounds(desk: Desk) -> None:
    number = desk.talks()
    assert desk.told(number) == ["offer", "answer"]  # since 69 the PBX offers
    assert (desk.panel.state, desk.panel.party) == ("talking", "207 Ann Lee")
    assert desk.phone.socket.sent[-1] == "sip-ack"


@pytest.mark.parametrize("signalling", WORKING)
def test_in_every_dialect_the_page_answers_what_comes_in(signalling: Signalling) -> None:
    desk = Desk(Phone(signalling))
    desk.say(claim=True)
    desk.hears(invite("" if signalling is Signalling.OLD else "7@pbx"))
    [ring] = desk.orders(leg=1)
    assert (ring["order"], desk.panel.state) == ("ring", "ringing")
    desk.press("answer")
    desk.press("answer")  # a double click
    desk.say(leg=1, described="v=0 answer")
    desk.say(leg=1, media="flowing")
    assert desk.told(1) == ["ring", "answer"]
    assert desk.panel.state == "talking"
    desk.close()


def test_every_order_names_phone_owner_and_number_and_they_count_up(desk: Desk) -> None:
    desk.talks()
    orders = desk.orders()
    assert {one["phone"] for one in orders} == {desk.calls.id}
    assert {one["owner"] for one in orders} == {PAGE}
    numbers = [one["seq"] for one in orders]
    assert numbers == sorted(set(numbers))


def test_the_page_is_given_repaired_sdp_and_its_addresses_go_out(desk: Desk) -> None:
    number = desk.dials()
    offer = next(one for one in desk.orders(leg=number) if one["order"] == "answer")
    assert "a=mid:0" in offer["sdp"]
    assert "a=setup:actpass" in offer["sdp"]
    desk.say(leg=number, found={"candidate": "candidate:1 1 udp 1 192.0.2.9 40000 typ host", "sdpMLineIndex": 0})
    assert desk.phone.socket.sent[-1] == "ice-candidate"


@pytest.mark.parametrize(
    ("press", "order", "after"),
    [
        ("hold", {"send": False, "hear": False}, "held_here"),
        ("mute", {"send": False, "hear": True}, "talking"),
    ],
)
def test_what_stops_the_sound_reaches_the_page_and_can_be_undone(
    desk: Desk, press: str, order: dict[str, bool], after: str
) -> None:
    number = desk.talks()
    desk.press(press)
    last = desk.orders(leg=number)[-1]
    assert {name: last[name] for name in order} == order
    assert desk.panel.state == after
    desk.press({"hold": "resume", "mute": "unmute"}[press])
    last = desk.orders(leg=number)[-1]
    assert (last["send"], last["hear"], desk.panel.state) == (True, True, "talking")


def test_digits_go_with_the_sound_and_nothing_else_does(desk: Desk) -> None:
    number = desk.talks()
    for typed in ("5", "*", "x", "5; drop"):
        desk.press("dtmf", typed)
    assert [one["digits"] for one in desk.orders(leg=number) if one["order"] == "digits"] == ["5", "*"]


def test_the_call_is_told_over_whoever_ends_it(desk: Desk) -> None:
    number = desk.talks()
    desk.hears(m.Bye(callid=f"{number}@pbx"))
    assert desk.told(number)[-1] == "close"
    assert (desk.panel.state, desk.calls.note) == ("idle", "207 Ann Lee: hung up there.")
    number = desk.talks()
    desk.press("hangup")
    assert "close" in desk.told(number)
    assert desk.phone.socket.sent[-1] == "sip-bye"


def test_what_the_page_counts_is_the_quality_of_the_call(desk: Desk) -> None:
    number = desk.talks()
    reports = [
        {"type": "codec", "mimeType": "audio/opus"},
        {"type": "inbound-rtp", "packetsReceived": 50, "packetsLost": 0, "jitter": 0.002},
        {"type": "media-source", "audioLevel": 0.1},
    ]
    desk.say(leg=number, stats=reports)
    assert (desk.panel.quality.received, round(desk.panel.level)) == (50, -20)
    assert "an estimate" in facts(desk.panel)["current"]["quality"]


def counts(desk: Desk, number: int, packets: int, far_lost: float = 0.0) -> str:
    """The page counted one more second; how the sound is by that."""
    reports = [
        {"type": "inbound-rtp", "packetsReceived": packets},
        {"type": "remote-inbound-rtp", "fractionLost": far_lost},
    ]
    desk.say(leg=number, stats=reports)
    return str(desk.calls.calls[number].leg.leg.media)


def test_three_seconds_without_a_packet_are_a_stalled_call_and_the_next_packet_ends_that(desk: Desk) -> None:
    number = desk.talks()
    assert [counts(desk, number, packets) for packets in (50, 50, 50, 50, 100)] == ["flowing"] * 3 + [
        "stalled",
        "flowing",
    ]


def test_a_call_on_hold_here_is_not_stalled_by_its_silence(desk: Desk) -> None:
    number = desk.talks()
    desk.press("hold")
    assert {counts(desk, number, 50) for _ in range(6)} == {"flowing"}


def test_three_seconds_in_which_all_we_sent_was_lost_are_a_call_of_one_way(desk: Desk) -> None:
    number = desk.talks()
    assert [counts(desk, number, 50 * second, 1.0) for second in (1, 2, 3, 4)] == ["flowing"] * 2 + ["one_way"] * 2
    assert counts(desk, number, 500) == "flowing"


def test_nothing_is_said_of_a_sound_that_has_not_begun(desk: Desk) -> None:
    number = desk.dials()
    desk.say(leg=number, media="checking")
    assert {counts(desk, number, 0) for _ in range(6)} == {"checking"}
    assert counts(desk, number, 50) == "flowing"


def test_the_browser_s_own_word_on_a_sound_that_failed_is_the_cause(desk: Desk) -> None:
    number = desk.dials()
    desk.say(leg=number, media="failed", why="Failed to parse SessionDescription.\u202e")
    assert facts(desk.panel)["note"] == "207 Ann Lee: Failed to parse SessionDescription."


@pytest.mark.parametrize("media", ["stalled", "one_way"])
def test_an_answered_call_without_sound_says_so(desk: Desk, media: str) -> None:
    number = desk.dials()
    desk.hears(sdp(200, f"{number}@pbx"))
    desk.say(leg=number, media=media)
    shown = facts(desk.panel)["current"]
    assert shown["trouble"]
    assert (shown["word"] == "Answered, no audio") == (media == "stalled")


def test_without_a_microphone_the_call_goes_on_and_the_kind_is_known(desk: Desk) -> None:
    number = desk.talks()
    desk.say(leg=number, microphone="missing")
    assert (desk.panel.microphone, desk.panel.state) == ("missing", "talking")


@pytest.mark.parametrize("kind", ["refused", "missing", "busy", "insecure", "blocked by host", "listen only"])
def test_a_program_that_unmutes_a_page_without_a_microphone_is_told_which_it_is(desk: Desk, kind: str) -> None:
    number = desk.talks()
    desk.say(leg=number, microphone=kind)
    with pytest.raises(MicrophoneError, match="nobody would hear you") as told:
        desk.panel.request("unmute")
    assert told.value.kind == kind
    desk.say(leg=number, microphone="ok")
    desk.panel.request("unmute")


# -- two calls ---------------------------------------------------------------------------------------------------------


def test_a_second_call_is_shown_beside_the_first_and_refused_or_taken(desk: Desk) -> None:
    first = desk.talks()
    desk.hears(invite("8@pbx"))
    assert (facts(desk.panel)["current"]["leg"], facts(desk.panel)["second"]["state"]) == (first, "ringing")
    second = max(desk.calls.calls)
    desk.press("reject", leg=second)
    assert (desk.told(second), desk.panel.state) == (["ring", "close"], "talking")
    desk.hears(invite("9@pbx"))
    third = max(desk.calls.calls)
    desk.press("answer", leg=third)
    desk.say(leg=third, described="v=0 answer")
    assert desk.told(first)[-1] == "flow"  # the first is on hold
    assert {one.state for one in desk.calls.calls.values()} == {"held_here", "connecting"}
    desk.press("resume", leg=first)
    assert desk.calls.current is desk.calls.calls[first]


def test_a_third_call_is_busy(desk: Desk) -> None:
    desk.talks()
    desk.hears(invite("8@pbx"))
    desk.hears(invite("9@pbx"))
    assert desk.phone.socket.frames[-1]["code"] == 486
    assert len(desk.calls.calls) == 2


def seen(desk: Desk, number: int, id_: str) -> None:
    """The PBX's call list has it."""
    leg = desk.calls.calls[number].leg
    state = CallState.CONNECTED if leg.leg.answered else CallState.RINGING
    leg.seen(call(id_, "40", leg.party.number, state), True)
    Wire(desk.panel).settle()


def test_transfer_park_and_connecting_both_are_the_pbx_s_to_do(desk: Desk) -> None:
    first = desk.talks()
    assert desk.panel.reasons["transfer"] == "The PBX's list does not show the call."
    seen(desk, first, "c1")
    desk.press("transfer", "209")
    desk.press("park", "700")
    second = desk.talks("209")
    seen(desk, second, "c2")
    desk.press("complete")
    assert desk.phone.commands == [("transfer", "c1", "209"), ("park", "c1", "700"), ("transfer", "c1", "c2")]


# -- who owns it -------------------------------------------------------------------------------------------------------


def test_the_first_page_that_asks_has_the_phone_and_only_then_it_is_registered() -> None:
    desk = Desk()
    assert (desk.panel.owner, desk.phone.line.registrar.state) == (False, Registration.UNREGISTERED)
    desk.say(claim=True)
    desk.say(page=OTHER, claim=True)
    assert (desk.calls.owner.page, desk.panel.owner) == (PAGE, True)
    assert desk.phone.line.registrar.state is Registration.REGISTERED
    desk.close()


def test_what_another_page_says_about_a_call_changes_nothing(desk: Desk) -> None:
    desk.press("dial", "207")
    [number] = desk.calls.calls
    desk.say(page=OTHER, leg=number, described="v=0 foreign")
    assert desk.phone.socket.sent == ["sip-register"]


def test_taking_over_ends_the_call_in_the_page_that_had_it(desk: Desk) -> None:
    number = desk.talks()
    Wire(desk.panel).say(takeover=OTHER)
    Wire(desk.panel).settle()
    assert desk.calls.owner.page == OTHER
    assert ("close", PAGE) in [(one["order"], one["owner"]) for one in desk.orders(leg=number)]
    assert desk.phone.socket.sent[-1] == "sip-bye"


def test_a_page_that_goes_away_says_so_and_its_call_ends_at_once(desk: Desk) -> None:
    desk.talks()
    desk.say(leave=True)
    assert (desk.calls.owner.page, desk.panel.owner) == ("", False)
    assert desk.phone.socket.sent[-1] == "sip-bye"
    desk.say(page=OTHER, claim=True)  # the page after a reload
    assert desk.calls.owner.page == OTHER


def test_a_page_that_goes_away_may_have_its_call_parked(desk: Desk) -> None:
    desk.panel.on_page_close = "park:700"
    seen(desk, desk.talks(), "c1")
    desk.say(leave=True)
    assert desk.phone.commands == [("transfer", "c1", "700")]
    with pytest.raises(traitlets.TraitError, match="park:700"):
        desk.panel.on_page_close = "park"


def test_a_call_that_rings_goes_on_when_the_page_goes(desk: Desk) -> None:
    desk.hears(invite("7@pbx"))
    desk.say(leave=True)
    assert desk.panel.state == "ringing"


def test_beats_come_in_a_call_and_a_page_that_answers_none_is_gone(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr(page_calls, "BEAT", 0.02)
    desk.talks()
    until(lambda: desk.calls.owner.page == "")
    assert "gone" in desk.calls.note
    assert sum(one["order"] == "beat" for one in desk.orders()) >= PATIENCE
    assert "sip-bye" in desk.phone.socket.sent


def test_another_page_that_asks_makes_the_owner_show_that_it_is_there(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr(page_calls, "BEAT", 0.02)
    desk.say(page=OTHER, claim=True)
    until(lambda: desk.calls.owner.page == "")
    desk.say(page=OTHER, claim=True)
    assert desk.calls.owner.page == OTHER


def test_seconds_in_which_nothing_could_be_heard_do_not_count() -> None:
    owner = Owner()
    owner.claim(PAGE)
    assert not any(owner.beat(audible=False) for _ in range(100))
    assert [owner.beat(audible=True) for _ in range(PATIENCE + 1)] == [False] * PATIENCE + [True]
    owner.heard(PAGE)
    assert not owner.beat(audible=True)


# -- panels come and go ------------------------------------------------------------------------------------------------


def test_a_cell_that_runs_again_finds_its_call_going_on(desk: Desk) -> None:
    number = desk.talks()
    desk.panel.close()
    assert desk.phone.socket.sent[-1] == "sip-ack"  # nothing was ended
    fresh = desk.another()
    fresh.calls_changed()
    assert (facts(fresh)["current"]["leg"], fresh.state) == (number, "talking")


def test_two_panels_of_one_phone_get_the_same_order_by_the_same_number(desk: Desk) -> None:
    beside = desk.another()
    number = desk.talks()
    assert [one["seq"] for one in desk.orders(beside, number)] == [one["seq"] for one in desk.orders(leg=number)]


def test_when_nobody_comes_back_for_it_the_phone_ends(monkeypatch: Any) -> None:
    monkeypatch.setattr(page_calls, "DESERTED", 0.02)
    desk = Desk()
    desk.say(claim=True)
    desk.talks()
    desk.panel.close()
    until(lambda: desk.calls.over)
    assert desk.phone.line.registrar.state is Registration.CLOSED
    assert "sip-bye" in desk.phone.socket.sent


def test_a_phone_that_is_closed_below_ends_in_the_page_too(desk: Desk) -> None:
    desk.talks()
    desk.phone.close()
    until(lambda: desk.calls.over)
    assert desk.orders()[-1]["owner"] == ""


def test_a_refused_registration_is_said_in_the_panel() -> None:
    desk = Desk(Phone(trouble=NotRegistered("The PBX did not register 40 as a phone within 10 s.")))
    desk.say(claim=True)
    assert "did not register" in desk.panel._errors[0]
    desk.close()


# -- what is shown and allowed -----------------------------------------------------------------------------------------


def test_a_handle_that_only_looks_registers_nothing_and_says_why() -> None:
    desk = Desk(control=False)
    desk.say(claim=True)
    assert desk.phone.line.registrar.state is Registration.UNREGISTERED
    assert {*desk.panel.reasons.values()} == {"This handle only looks; connect with control=True to allow calls."}
    desk.press("dial", "207")
    assert not desk.phone.line.calls
    desk.close()


def test_every_button_that_cannot_be_pressed_says_why_in_a_sentence(desk: Desk) -> None:
    for step in (lambda: None, desk.dials, lambda: desk.press("hangup"), desk.talks):
        step()
        assert all(why == "" or (why[0].isupper() and why.endswith(".")) for why in desk.panel.reasons.values())
    free = {name for name, why in desk.panel.reasons.items() if not why}
    assert free == {"hangup", "hold", "mute", "dtmf"}


def test_of_buttons_in_one_place_the_first_that_can_be_pressed_is_shown() -> None:
    no = "Not now."
    why = dict.fromkeys(COMMANDS, no)
    assert places(why) == ["dial", "hangup", "hold", "mute", "transfer", "park"]
    assert places(why | {"answer": "", "dial": "", "unmute": ""}) == [
        "answer",
        "hangup",
        "hold",
        "unmute",
        "transfer",
        "park",
    ]


def test_every_button_has_its_word_and_every_want_of_a_microphone_its_way_out(desk: Desk) -> None:
    texts = json.loads(bytes(desk.panel._snapshot_bytes()))["full"]["texts"]
    assert set(COMMANDS) - {"dtmf"} <= set(texts)
    for kind in ("refused", "missing", "busy", "insecure", "blocked by host", "listen only"):
        assert len(texts[kind]) > 50
        assert texts[kind].endswith(".")


def test_what_takes_the_sound_of_a_page_cannot_be_done_from_another_one(desk: Desk) -> None:
    desk.press("dial", "207", page=OTHER)
    assert (facts(desk.panel)["note"], desk.phone.line.calls) == ("The phone is in use in another tab.", ())
    desk.talks()
    desk.press("hangup", page=OTHER)
    assert desk.panel.state == "ending"


@pytest.mark.parametrize(("protected", "said"), [(True, "40 registered"), (False, "40 registered · not protected")])
def test_a_line_that_anybody_on_the_way_can_read_is_called_so(desk: Desk, protected: bool, said: str) -> None:
    desk.phone.protected, desk.handle.simulated = protected, False
    assert facts(desk.panel)["line"] == said


def test_a_double_click_on_call_makes_one_call(desk: Desk) -> None:
    desk.press("dial", "207")
    desk.press("dial", "207")
    assert len(desk.phone.line.calls) == 1


def test_a_program_may_press_too_but_not_where_nobody_would_hear(desk: Desk) -> None:
    desk.panel.request("dial", to="207")
    Wire(desk.panel).settle()
    assert len(desk.phone.line.calls) == 1
    lonely = Desk()
    with pytest.raises(NoOwner, match="open in a browser"):
        lonely.panel.request("dial", to="207")
    lonely.close()


def test_the_command_bar_asks_what_it_takes(desk: Desk) -> None:
    assert desk.panel.takes("dial")
    desk.hears(invite("7@pbx"))
    seen(desk, 1, "c1")
    assert {name for name in ("answer", "hold", "resume") if desk.panel.takes(name, "c1")} == {"answer", "hold"}
    assert not desk.panel.takes("hold", "another")
    assert not desk.panel.takes("dial")
    desk.panel.request("answer", "c1")
    assert desk.told(1) == ["ring", "answer"]
    desk.say(leg=1, described="v=0 answer")
    desk.panel.request("hold", "c1")
    Wire(desk.panel).settle()
    assert (desk.panel.held, desk.panel.takes("hold", "c1"), desk.panel.takes("resume", "c1")) == (True, False, True)


def test_a_call_that_the_pbx_has_not_offered_yet_is_answered_once_it_has(desk: Desk) -> None:
    """The list of calls and the offer come over two sockets, in any order."""
    assert desk.panel.takes("answer", "c1")
    desk.panel.request("answer", "c1")
    Wire(desk.panel).settle()
    assert facts(desk.panel)["note"] == "It is answered as soon as the PBX offers it here."
    for number, id_ in ((1, "c2"), (2, "c1")):
        desk.hears(invite(f"{number}@pbx"))
        seen(desk, number, id_)
    assert (desk.told(1), desk.told(2)) == (["ring"], ["ring", "answer"])
    assert not desk.panel.takes("answer", "c3")  # both lines are taken


def test_a_phone_that_cannot_ring_leaves_the_answer_to_the_pbx() -> None:
    looks = Desk(control=False)
    assert not looks.panel.takes("answer", "c1")
    looks.close()


@pytest.mark.parametrize("text", HOSTILE)
def test_the_name_of_a_stranger_is_shown_clean(desk: Desk, text: str) -> None:
    message = invite("7@pbx")
    desk.hears(m.InviteSdp(callid="7@pbx", sdp=message.sdp, from_=Party("+15550100", text)))
    party = facts(desk.panel)["current"]["party"]
    assert len(party) <= 60
    assert not any(ord(letter) < 32 or letter in "\u202e\u2067" for letter in party)


@pytest.mark.parametrize(
    "message",
    [
        {"leg": 99, "described": "x"},
        {"leg": "1", "described": "x"},
        {"leg": 1, "described": "x" * 100_000},
        {"leg": 1, "media": "singing"},
        {"leg": 1, "stats": [1, None, {"type": 7}]},
        {"leg": 1, "found": 5},
        {"microphone": "<b>" * 100},
    ],
)
def test_nonsense_of_a_page_does_no_harm(desk: Desk, message: dict[str, Any]) -> None:
    number = desk.talks()
    desk.say(**{**message, **({"leg": number} if message.get("leg") == 1 else {})})
    assert (desk.panel.state, list(desk.panel._errors)) == ("talking", [])


def test_nothing_of_a_call_s_sound_is_in_what_a_notebook_saves(desk: Desk) -> None:
    desk.talks()
    saved = json.dumps({name: str(value) for name, value in desk.panel.get_state().items() if name[0] != "_"})
    state = bytes(desk.panel._snapshot_bytes()).decode()
    for secret in ("v=0", "a=ice", "candidate", "fingerprint"):
        assert secret not in saved
        assert secret not in state


def test_orbits_that_are_free_are_offered(desk: Desk) -> None:
    desk.handle.put(Orbit(number="700", name="Orbit 700"))
    desk.handle.put(Orbit(number="71", name="Lobby"))
    assert facts(desk.panel)["orbits"] == [["700", "Orbit 700"], ["71", "71 Lobby"]]


def test_without_a_front_end_it_says_in_a_line_what_it_shows(desk: Desk) -> None:
    assert repr(desk.panel) == "<Softphone of 40, fake: registered, no call>"
    desk.talks()
    assert repr(desk.panel).endswith("In call 207 Ann Lee>")


def test_the_line_that_ended_is_said_above_the_panel(desk: Desk) -> None:
    desk.handle.become(LineState.CLOSED, why="Closed.")
    assert desk.panel._ending().startswith("Closed. What you see was true until")
