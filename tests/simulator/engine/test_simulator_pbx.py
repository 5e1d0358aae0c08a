"""The PBX inside does what a PBX does: one test for each thing, in virtual time, without a wire."""

from collections.abc import Callable, Iterator

import pytest

from pbxnb.errors import SimulatorError
from pbxnb.simulator.engine.accounts import SimAttendant, SimConference, SimHuntGroup, SimOrbit, SimQueue
from pbxnb.simulator.engine.calls import Cause, ChangeKind, SimCall, SimChange, SimPhase
from pbxnb.simulator.engine.clock import SimClock
from pbxnb.simulator.engine.pbx import SimPbx
from pbxnb.simulator.engine.queue_days import QueueFigures
from tests.helpers.sim_client import contradictions

OUTSIDE, FAR = "+12025550101", "+12025550102"


@pytest.fixture
def pbx() -> SimPbx:
    pbx = SimPbx("acme.example", clock=SimClock(1000.0), channels=3)
    for number in ("41", "42", "43", "44", "45"):
        pbx.directory.add_extension(number, f"Name {number}")
    pbx.directory.add_queue("600", "Support", ["44", "45"], ring_for=15, wrap_up=10)
    pbx.directory.add(SimHuntGroup("500", "Desk", ("42", "43"), then="600"))
    pbx.directory.add(SimAttendant("100", "Menu", {"1": "600", "0": "41"}))
    pbx.directory.add(SimOrbit("700", "Orbit 700"))
    pbx.directory.add(SimConference("800", "Room"))
    return pbx


@pytest.fixture(autouse=True)
def consistent_at_the_end(pbx: SimPbx) -> Iterator[None]:
    yield
    assert not list(contradictions(pbx))


def today(queue: SimQueue, pbx: SimPbx) -> QueueFigures:
    return queue.days.today(pbx.clock.now)


def state(pbx: SimPbx, call_id: str) -> tuple[str, str, str]:
    call = pbx.calls[call_id]
    return call.phase.value, call.caller.number, call.called.number


def talking(pbx: SimPbx, from_: str = "41", to: str = "42") -> str:
    call = pbx.dial(from_, to)
    assert pbx.answer(call)
    return call


def ended(pbx: SimPbx, call_id: str) -> Cause:
    assert call_id not in pbx.calls
    assert not list(contradictions(pbx))
    return next(r.cause for r in pbx.history if r.id == call_id)


def test_a_call_rings_is_answered_and_ends(pbx: SimPbx) -> None:
    call = pbx.dial("41", "42")
    assert state(pbx, call) == ("ringing", "41", "42")
    assert pbx.calls[call].ringing == ("42",)
    pbx.clock.advance(5)
    assert pbx.answer(call)
    pbx.clock.advance(60)
    assert pbx.hangup(call, "42")
    record = pbx.history[-1]
    assert (record.ring, record.talk, record.ended_by, record.cause) == (5.0, 60.0, "42", Cause.NORMAL)
    assert not pbx.calls_of("41")


def test_nobody_answers_and_voicemail_takes_it(pbx: SimPbx) -> None:
    call = pbx.dial(OUTSIDE, "42", name="Jo")
    pbx.clock.advance(21)
    assert state(pbx, call) == ("voicemail", OUTSIDE, "842")
    assert pbx.calls[call].extensions == ()
    assert pbx.extensions[1].missed == 1
    pbx.clock.advance(60)
    assert ended(pbx, call) is Cause.NORMAL
    assert pbx.extensions[1].voicemails == 1


@pytest.mark.parametrize("why", ["dnd", "unregistered", "lines"])
def test_who_cannot_be_rung_goes_to_voicemail_or_is_busy(pbx: SimPbx, why: str) -> None:
    if why == "dnd":
        pbx.dnd("42", True)
    elif why == "unregistered":
        pbx.unregister("42")
    else:
        pbx.extensions[1].lines = 1
        talking(pbx, "43", "42")
    assert pbx.calls[pbx.dial("41", "42")].phase is SimPhase.VOICEMAIL
    pbx.extensions[1].mailbox = False
    refused: list[SimChange] = []
    pbx.changed.add(refused.append)
    call = pbx.dial("44", "42")
    assert [c.kind for c in refused] == [ChangeKind.CALL_REFUSED]
    assert ended(pbx, call) is (Cause.NO_ANSWER if why == "unregistered" else Cause.BUSY)


def test_a_caller_who_gives_up_leaves_a_missed_call(pbx: SimPbx) -> None:
    call = pbx.dial("41", "42")
    pbx.hangup(call, "41")
    assert ended(pbx, call) is Cause.CANCELLED
    assert pbx.extensions[1].missed == 1


def test_hold_has_two_sides(pbx: SimPbx) -> None:
    call = talking(pbx)
    assert pbx.hold(call, "41")
    assert not pbx.hold(call, "41")
    assert pbx.hold(call, "42")
    assert pbx.resume(call, "41")
    assert state(pbx, call)[0] == "held"
    assert not pbx.resume(call, "41")
    assert pbx.resume(call, "42")
    assert state(pbx, call)[0] == "connected"


def test_a_phone_talks_to_one_party_at_a_time(pbx: SimPbx) -> None:
    first = talking(pbx)
    second = pbx.dial("41", "43")
    assert state(pbx, first)[0] == "held"
    pbx.answer(second)
    pbx.resume(first, "41")
    assert (state(pbx, first)[0], state(pbx, second)[0]) == ("connected", "held")
    assert not list(contradictions(pbx))


def test_a_second_call_holds_the_first_when_it_is_answered_not_when_it_rings(pbx: SimPbx) -> None:
    first = talking(pbx)
    second = pbx.dial("43", "42")
    assert state(pbx, first)[0] == "connected"
    pbx.answer(second)
    assert (state(pbx, first)[0], state(pbx, second)[0]) == ("held", "connected")


def test_blind_transfer_moves_the_other_end(pbx: SimPbx) -> None:
    call = talking(pbx, OUTSIDE, "42")
    assert pbx.transfer(call, "43", "42")
    assert state(pbx, call) == ("ringing", OUTSIDE, "43")
    assert not pbx.calls_of("42")
    pbx.answer(call)
    assert state(pbx, call) == ("connected", OUTSIDE, "43")


def test_the_caller_can_transfer_too(pbx: SimPbx) -> None:
    call = talking(pbx)
    assert pbx.transfer(call, "43", "41")
    assert state(pbx, call) == ("ringing", "42", "43")


def test_transfer_to_nowhere_changes_nothing(pbx: SimPbx) -> None:
    call = talking(pbx, OUTSIDE, "42")
    for to in ("", "42", "999", OUTSIDE, "nowhere", "*99"):
        assert not pbx.transfer(call, to, "42")
    assert state(pbx, call) == ("connected", OUTSIDE, "42")


def test_attended_transfer_joins_the_far_ends(pbx: SimPbx) -> None:
    first = talking(pbx, OUTSIDE, "41")
    second = talking(pbx, "41", FAR)
    assert pbx.switch.channels_used == 2
    assert pbx.attended_transfer(first, second, "41")
    assert state(pbx, first) == ("connected", OUTSIDE, FAR)
    assert ended(pbx, second) is Cause.TRANSFERRED
    assert pbx.switch.channels_used == 2
    assert not pbx.calls_of("41")


def test_a_blonde_transfer_rings_on(pbx: SimPbx) -> None:
    first = talking(pbx, OUTSIDE, "41")
    second = pbx.dial("41", "43")
    pbx.clock.advance(12)
    assert pbx.attended_transfer(first, second, "41")
    assert state(pbx, first) == ("ringing", OUTSIDE, "43")
    pbx.clock.advance(9)
    assert state(pbx, first)[0] == "voicemail"


def test_park_retrieve_and_a_busy_orbit(pbx: SimPbx) -> None:
    call, other = talking(pbx, OUTSIDE, "41"), talking(pbx, FAR, "42")
    assert pbx.park(call, "700", "41")
    assert state(pbx, call) == ("parked", OUTSIDE, "700")
    assert not pbx.park(other, "700", "42")
    assert not pbx.retrieve("701", "43")
    assert pbx.retrieve("700", "43")
    assert state(pbx, call) == ("connected", OUTSIDE, "43")
    assert pbx.directory.orbits[0].call == ""


def test_a_parked_call_nobody_fetches_comes_back(pbx: SimPbx) -> None:
    call = talking(pbx, OUTSIDE, "41")
    pbx.park(call, "700", "41")
    pbx.clock.advance(121)
    assert state(pbx, call) == ("ringing", OUTSIDE, "41")
    assert not list(contradictions(pbx))


def test_star_codes_park_retrieve_and_pick_up(pbx: SimPbx) -> None:
    call = talking(pbx, OUTSIDE, "41")
    assert pbx.dial("41", "*85700") == call
    assert pbx.dial("42", "*86700") == call
    ringing = pbx.dial(FAR, "43")
    assert pbx.dial("44", "*8743") == ringing
    assert state(pbx, ringing) == ("connected", FAR, "44")
    assert pbx.dial("44", "*99") == ""


def test_pickup_needs_something_that_rings(pbx: SimPbx) -> None:
    call = talking(pbx)
    assert not pbx.pickup(call, "43")
    assert not pbx.pickup("41", "43")
    assert not pbx.pickup("nothing", "43")


def test_a_hunt_group_rings_all_and_then_goes_on(pbx: SimPbx) -> None:
    call = pbx.dial(OUTSIDE, "500")
    assert pbx.calls[call].ringing == ("42", "43")
    assert pbx.reject(call, "42")
    assert pbx.calls[call].ringing == ("43",)
    pbx.clock.advance(31)
    assert pbx.calls[call].ringing == ("44",), "the group's next stop is the queue"
    assert pbx.calls[call].through == "600"


def test_groups_with_nobody_free_that_point_at_each_other_are_busy(pbx: SimPbx) -> None:
    pbx.directory.add(SimHuntGroup("511", "Left", (), then="512"))
    pbx.directory.add(SimHuntGroup("512", "Right", (), then="513"))
    pbx.directory.add(SimHuntGroup("513", "Round", (), then="511"))
    assert ended(pbx, pbx.dial("41", "511")) is Cause.BUSY


def test_the_menu_sends_on_and_waits_not_for_ever(pbx: SimPbx) -> None:
    call = pbx.dial(OUTSIDE, "100")
    assert state(pbx, call)[0] == "menu"
    assert not pbx.press(call, "7")
    assert pbx.press(call, "1")
    other = pbx.dial(FAR, "100")
    pbx.clock.advance(31)
    assert pbx.calls[other].ringing == ("41",)


def test_a_queue_rings_the_agent_idle_longest_and_counts_misses(pbx: SimPbx) -> None:
    first = pbx.dial(OUTSIDE, "600")
    assert pbx.calls[first].ringing == ("44",)
    pbx.clock.advance(15)
    assert pbx.calls[first].ringing == ("45",)
    queue = pbx.queues[0]
    assert today(queue, pbx).agents["44"].missed == 1
    pbx.answer(first)
    second = pbx.dial(FAR, "600")
    assert pbx.calls[second].ringing == ("44",)
    assert pbx.hangup(second, FAR)
    assert today(queue, pbx).reasons == {"hr": 1}
    pbx.clock.advance(100)
    pbx.hangup(first, OUTSIDE)
    figures = today(queue, pbx)
    taken = figures.taken
    assert (figures.count, figures.completed, taken.calls, taken.talk, taken.ring) == (2, 2, 1, 100.0, 15.0)
    assert queue.agents["45"].state(pbx.clock.now, busy=False) == "wrap-up"


def test_who_waits_is_served_when_the_wrap_up_ends(pbx: SimPbx) -> None:
    pbx.queue_login("600", "45", False)
    first = pbx.dial(OUTSIDE, "600")
    pbx.answer(first)
    second = pbx.dial(FAR, "600")
    assert state(pbx, second)[0] == "queued"
    pbx.clock.advance(30)
    pbx.hangup(first)
    pbx.clock.advance(9.9)
    assert state(pbx, second)[0] == "queued"
    pbx.clock.advance(0.2)
    assert pbx.calls[second].ringing == ("44",)


def test_login_and_pause_decide_who_serves(pbx: SimPbx) -> None:
    pbx.queue_login("600", "45", False)
    pbx.queue_pause("600", "44", True)
    call = pbx.dial(OUTSIDE, "600")
    assert state(pbx, call)[0] == "queued"
    assert pbx.queue_login("600", "41", True), "who logs in joins"
    assert pbx.calls[call].ringing == ("41",)
    pbx.queue_pause("600", "44", False)
    pbx.clock.advance(1)
    assert pbx.reject(call, "41")
    assert pbx.calls[call].ringing == ("44",)
    assert not pbx.queue_login("600", "44", True)
    assert not pbx.queue_login("500", "44", True)


@pytest.mark.parametrize("back", ["dnd", "registration", "call"])
def test_an_agent_who_comes_back_serves_who_waits(pbx: SimPbx, back: str) -> None:
    pbx.queue_login("600", "45", False)
    other = pbx.dial("44", "41") if back == "call" else ""
    pbx.dnd("44", back == "dnd")
    if back == "registration":
        pbx.unregister("44")
    call = pbx.dial(OUTSIDE, "600")
    assert state(pbx, call)[0] == "queued"
    pbx.dnd("44", False)
    pbx.register("44")
    pbx.hangup(other)
    assert pbx.calls[call].ringing == ("44",)


def test_a_queue_gives_up_after_its_longest_wait(pbx: SimPbx) -> None:
    queue = pbx.directory.add_queue("601", "Nobody", [], max_wait=60, then="41")
    call = pbx.dial(OUTSIDE, "601")
    pbx.clock.advance(60)
    assert pbx.calls[call].ringing == ("41",)
    assert (queue.waiting, today(queue, pbx).reasons) == ([], {"rw": 1})


def test_the_trunk_is_full(pbx: SimPbx) -> None:
    for n, number in enumerate(("41", "42", "43")):
        talking(pbx, f"+1202555010{n}", number)
    refused = pbx.dial("44", FAR)
    assert ended(pbx, refused) is Cause.NO_CHANNEL
    assert Cause.NO_CHANNEL.code == 503
    pbx.hangup(next(iter(pbx.calls)))
    assert pbx.dial("44", FAR) in pbx.calls


def test_numbers_that_lead_nowhere(pbx: SimPbx) -> None:
    assert ended(pbx, pbx.dial("41", "999")) is Cause.UNKNOWN_NUMBER
    assert ended(pbx, pbx.dial("41", "700")) is Cause.UNKNOWN_NUMBER
    assert pbx.dial(OUTSIDE, FAR) == ""
    assert pbx.dial("600", "41") == ""
    assert pbx.dial("41", "9" * 65) == ""
    pbx.unregister("41")
    assert pbx.dial("41", "42") == ""


def test_only_a_party_commands_a_call(pbx: SimPbx) -> None:
    call = talking(pbx)
    before = state(pbx, call)
    commands = [
        pbx.hangup(call, "43"),
        pbx.hold(call, "43"),
        pbx.transfer(call, "44", "43"),
        pbx.park(call, "700", "43"),
        pbx.record(call, True, "43"),
        pbx.answer(call, "43"),
        pbx.hangup("no such call", "41"),
    ]
    assert not any(commands)
    assert state(pbx, call) == before


def test_a_conference_is_open(pbx: SimPbx) -> None:
    assert state(pbx, pbx.dial("41", "800")) == ("connected", "41", "800")


def test_recording_is_of_a_conversation(pbx: SimPbx) -> None:
    call = pbx.dial("41", "42")
    assert not pbx.record(call, True)
    pbx.answer(call)
    assert pbx.record(call, True)
    assert not pbx.record(call, True)
    assert pbx.record(call, False)


def test_where_ids_do_not_survive_a_transfer(pbx: SimPbx) -> None:
    pbx.switch.fresh_ids = True
    call = talking(pbx, OUTSIDE, "41")
    pbx.transfer(call, "42", "41")
    assert ended(pbx, call) is Cause.TRANSFERRED
    (successor,) = pbx.calls
    assert state(pbx, successor) == ("ringing", OUTSIDE, "42")
    assert pbx.switch.channels_used == 1


def test_observers_are_told_after_the_change_and_can_leave(pbx: SimPbx) -> None:
    seen: list[tuple[ChangeKind, SimPhase | None]] = []

    def watch(change: SimChange) -> None:
        call: SimCall | None = change.call
        seen.append((change.kind, call.phase if call else None))

    leave = pbx.changed.add(watch)
    call = talking(pbx)
    pbx.hangup(call)
    assert seen == [
        (ChangeKind.CALL_NEW, SimPhase.RINGING),
        (ChangeKind.CALL_CHANGED, SimPhase.CONNECTED),
        (ChangeKind.CALL_ENDED, SimPhase.ENDED),
    ]
    leave()
    talking(pbx)
    assert len(seen) == 3


def test_a_number_is_given_once(pbx: SimPbx) -> None:
    with pytest.raises(SimulatorError, match="taken"):
        pbx.directory.add(SimOrbit("41", "Orbit"))


@pytest.mark.parametrize("code", ["*86700", "*8742"])
def test_who_has_no_phone_takes_no_call(pbx: SimPbx, code: str) -> None:
    parked, ringing = pbx.dial(OUTSIDE, "41"), pbx.dial(FAR, "42")
    assert pbx.answer(parked)
    assert pbx.park(parked, "700")
    pbx.unregister("43")
    assert not pbx.retrieve("700", "43")
    assert not pbx.pickup(ringing, "43")
    assert pbx.dial("43", code) == ""
    assert pbx.calls_of("43") == ()
    pbx.register("43")
    assert pbx.dial("43", code) != ""


@pytest.mark.parametrize(
    ("when", "prepare"),
    [
        ("all", lambda pbx: None),
        ("unregistered", lambda pbx: pbx.unregister("42")),
        ("busy", lambda pbx: [talking(pbx, OUTSIDE, "42") for _ in range(2)]),
    ],
)
def test_calls_go_on_where_the_extension_says(pbx: SimPbx, when: str, prepare: Callable[[SimPbx], object]) -> None:
    prepare(pbx)
    assert pbx.forward("42", "43", when)
    assert not pbx.forward("42", "43", when), "already so"
    assert state(pbx, pbx.dial("41", "42")) == ("ringing", "41", "43")
    assert pbx.forward("42", "", when)
    assert pbx.forward("42", "43", "no_answer")
    call = pbx.dial("44", "42")
    assert state(pbx, call)[2] in ("42", "842"), "nothing goes on any more before it has rung"


def test_an_unanswered_call_goes_on_and_a_rejected_one_as_when_busy(pbx: SimPbx) -> None:
    pbx.forward("42", "43", "no_answer")
    pbx.forward("42", "44", "busy")
    call = pbx.dial("41", "42")
    pbx.clock.advance(21)
    assert state(pbx, call) == ("ringing", "41", "43")
    other = pbx.dial("45", "42")
    pbx.reject(other)
    assert state(pbx, other) == ("ringing", "45", "44")


def test_forwarding_in_a_circle_ends_in_a_mailbox(pbx: SimPbx) -> None:
    for number, to in (("42", "43"), ("43", "44"), ("44", "42")):
        pbx.forward(number, to)
    assert state(pbx, pbx.dial("41", "42")) == ("ringing", "41", "42")
    assert not pbx.forward("600", "42"), "a queue has no such setting"
