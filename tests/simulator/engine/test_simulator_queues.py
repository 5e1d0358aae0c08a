"""Agents, breaks and the figures of queues: what the PBX inside counts, and when it rings whom."""

from collections.abc import Callable, Iterator

import pytest

from pbxnb.simulator.engine.accounts import SimQueue
from pbxnb.simulator.engine.calls import Cause, SimPhase
from pbxnb.simulator.engine.clock import SimClock
from pbxnb.simulator.engine.pbx import SimPbx
from pbxnb.simulator.engine.queue_days import DAY, DAYS_KEPT, HOUR, MOST_RECORDS, QueueFigures, QueueReason
from tests.helpers.sim_client import contradictions

OUTSIDE, FAR = "+12025550101", "+12025550102"
MONDAY = 1_790_553_600.0  # 2026-09-28 00:00 UTC
OFFSET = 5.5 * HOUR


@pytest.fixture
def pbx() -> SimPbx:
    """A queue of two agents, whose day began nine hours ago."""
    pbx = SimPbx("acme.example", clock=SimClock(MONDAY - OFFSET + 9 * HOUR), utc_offset=OFFSET)
    for number in ("41", "42", "43", "44", "45"):
        pbx.directory.add_extension(number, f"Name {number}")
    pbx.directory.add_queue("600", "Support", ["44", "45"], now=pbx.clock.now)
    return pbx


@pytest.fixture(autouse=True)
def consistent_at_the_end(pbx: SimPbx) -> Iterator[None]:
    yield
    assert not list(contradictions(pbx))


@pytest.fixture
def queue(pbx: SimPbx) -> SimQueue:
    return pbx.queues[0]


def today(pbx: SimPbx, queue: SimQueue) -> QueueFigures:
    return queue.days.today(pbx.clock.now)


@pytest.mark.parametrize("away", ["pause", "logout"])
def test_a_ring_in_progress_stops_when_the_agent_goes_and_is_nobodys_miss(
    pbx: SimPbx, queue: SimQueue, away: str
) -> None:
    first, second = pbx.dial(OUTSIDE, "600"), pbx.dial(FAR, "600")
    third = pbx.dial("+12025550103", "600")
    assert pbx.calls[first].ringing == ("44",)
    assert pbx.queue_pause("600", "44", True, "lunch") if away == "pause" else pbx.queue_login("600", "44", False)
    assert (pbx.calls[first].phase, pbx.calls[first].ringing) == (SimPhase.QUEUED, ())
    assert queue.waiting == [first, second, third], "everybody keeps their place"
    assert pbx.reject(second, "45")
    assert pbx.calls[first].ringing == ("45",), "who waits longest is next"
    assert "44" not in today(pbx, queue).agents
    pbx.clock.advance(100)
    assert all("44" not in call.ringing for call in pbx.calls.values())


def test_on_do_not_disturb_a_ring_goes_on_and_the_next_is_not_offered(pbx: SimPbx) -> None:
    pbx.queue_login("600", "45", False)
    call = pbx.dial(OUTSIDE, "600")
    pbx.dnd("44", True)
    assert pbx.calls[call].ringing == ("44",)
    pbx.clock.advance(15)
    assert pbx.calls[call].phase is SimPhase.QUEUED


def test_a_break_may_begin_during_a_call_and_logging_out_ends_it(pbx: SimPbx, queue: SimQueue) -> None:
    call = pbx.dial(OUTSIDE, "600")
    pbx.answer(call)
    assert pbx.queue_pause("600", "44", True, "coffee")
    agent, began = queue.agents["44"], pbx.clock.now
    assert (agent.state(began, busy=True), agent.since, agent.reason) == ("busy", began, "coffee")
    pbx.clock.advance(60)
    pbx.hangup(call)
    assert agent.state(pbx.clock.now, busy=False) == "paused"
    pbx.clock.advance(60)
    assert pbx.queue_login("600", "44", False)
    assert (agent.paused, agent.reason, [tuple(b) for b in agent.breaks]) == (
        False, "", [(began, began + 120, "coffee")],
    )  # fmt: skip
    assert not pbx.queue_pause("600", "44", True), "who is logged out takes no break"
    assert not pbx.queue_pause("600", "43", True)
    assert not pbx.queue_pause("41", "44", True)


def test_another_reason_is_another_break(pbx: SimPbx, queue: SimQueue) -> None:
    assert pbx.queue_pause("600", "44", True, "lunch")
    assert not pbx.queue_pause("600", "44", True, "lunch")
    pbx.clock.advance(10)
    assert pbx.queue_pause("600", "44", True, "x" * 1000)
    assert [b.reason for b in queue.agents["44"].breaks] == ["lunch"]
    assert len(queue.agents["44"].reason) == 100


def test_breaks_are_of_the_day_they_lie_in(pbx: SimPbx, queue: SimQueue) -> None:
    agent, midnight = queue.agents["44"], MONDAY - OFFSET + DAY
    pbx.clock.advance_to(midnight - 100)
    pbx.queue_pause("600", "44", True)
    pbx.clock.advance(300)
    pbx.queue_pause("600", "44", False)
    assert [tuple(b) for b in agent.breaks_between(midnight - DAY, midnight)] == [(midnight - 100, midnight, "")]
    assert [tuple(b) for b in agent.breaks_between(midnight, midnight + DAY)] == [(midnight, midnight + 200, "")]
    assert agent.breaks_between(midnight + DAY, midnight + 2 * DAY) == []


def test_the_day_of_the_figures_begins_at_local_midnight_and_a_week_is_kept(pbx: SimPbx, queue: SimQueue) -> None:
    first = queue.days.day(pbx.clock.now)
    assert queue.days.begin(first) == MONDAY - OFFSET
    for n in range(DAYS_KEPT + 2):
        pbx.clock.advance_to(MONDAY - OFFSET + n * DAY + 23.9 * HOUR)
        assert today(pbx, queue).count == 0, "a new day begins with nothing"
        call = pbx.dial(OUTSIDE, "600")
        pbx.answer(call)
        pbx.clock.advance(0.2 * HOUR)  # past midnight: booked on the day it came
        pbx.hangup(call)
        assert today(pbx, queue).count == 0
        pbx.clock.advance(60)
    counts = [queue.days.figures(day * 24, day * 24 + 24).taken.calls for day in range(first, first + DAYS_KEPT + 2)]
    assert counts == [0] + [1] * (DAYS_KEPT + 1)
    assert len(queue.days.records) == DAYS_KEPT + 1


def test_records_are_bounded(pbx: SimPbx, queue: SimQueue) -> None:
    pbx.queue_login("600", "44", False)
    pbx.queue_login("600", "45", False)
    for _ in range(MOST_RECORDS + 50):
        pbx.hangup(pbx.dial(OUTSIDE, "600"))
    assert len(queue.days.records) == MOST_RECORDS
    assert today(pbx, queue).reasons == {"hw": MOST_RECORDS + 50}
    assert not queue.inside


def wait(pbx: SimPbx) -> str:
    """A caller waits, because every agent is on a break."""
    for number in ("44", "45"):
        pbx.queue_pause("600", number, True)
    return pbx.dial(OUTSIDE, "600")


def too_many(pbx: SimPbx, then: str = "") -> None:
    wait(pbx)
    pbx.queues[0].max_calls, pbx.queues[0].then = 1, then
    pbx.dial(FAR, "600")


def too_long(pbx: SimPbx, then: str) -> None:
    pbx.queues[0].max_wait, pbx.queues[0].then = 60, then
    wait(pbx)
    pbx.clock.advance(60)


def rings_too_long(pbx: SimPbx) -> None:
    pbx.queues[0].max_wait, pbx.queues[0].then = 10, "41"
    pbx.dial(OUTSIDE, "600")
    pbx.clock.advance(10)


def anonymous(pbx: SimPbx) -> None:
    pbx.queues[0].anonymous = "41"
    pbx.dial("anonymous", "600")
    pbx.dial(OUTSIDE, "600")


def way_out(pbx: SimPbx) -> None:
    pbx.queues[0].exits["1"] = "41"
    call = wait(pbx)
    assert not pbx.press(call, "2")
    assert pbx.press(call, "1")
    assert pbx.calls[call].ringing == ("41",)


def answered(pbx: SimPbx) -> str:
    call = pbx.dial(OUTSIDE, "600")
    pbx.clock.advance(5)
    assert pbx.answer(call)
    return call


LEAVES: list[tuple[str, Callable[[SimPbx], object]]] = [
    ("hc", lambda pbx: pbx.hangup(answered(pbx))),
    ("", lambda pbx: pbx.transfer(answered(pbx), "41")),
    ("hw", lambda pbx: pbx.hangup(wait(pbx))),
    ("hr", lambda pbx: pbx.hangup(pbx.dial(OUTSIDE, "600"))),
    ("rw", lambda pbx: too_long(pbx, "41")),
    ("rr", rings_too_long),
    ("rr", lambda pbx: pbx.pickup(pbx.dial(OUTSIDE, "600"), "41")),
    ("rr", lambda pbx: pbx.transfer(pbx.dial(OUTSIDE, "600"), "41", "44")),
    ("ra", anonymous),
    ("ui", way_out),
    ("ai", lambda pbx: pbx.redirect(wait(pbx), "41")),
    ("soap", lambda pbx: pbx.redirect(wait(pbx), "41", application=True)),
    ("mc", too_many),
    ("mc", lambda pbx: too_many(pbx, "41")),
    ("other", lambda pbx: too_long(pbx, "")),
    ("other", lambda pbx: pbx.hangup(pbx.dial(OUTSIDE, "600"), cause=Cause.NO_MEDIA)),
]


@pytest.mark.parametrize(("reason", "happens"), LEAVES)
def test_every_way_out_of_a_queue_has_its_counter(
    pbx: SimPbx, queue: SimQueue, reason: str, happens: Callable[[SimPbx], object]
) -> None:
    happens(pbx)
    (record,) = queue.days.records
    assert record.reason == reason
    figures = today(pbx, queue)
    assert (figures.reasons, figures.completed) == ({reason: 1}, 1)
    assert record.abandoned == (reason in ("hw", "hr"))


def test_every_reason_is_tried() -> None:
    assert {reason for reason, _ in LEAVES} == set(QueueReason)


def test_a_call_is_measured_from_when_it_entered_and_agents_from_when_they_were_free(
    pbx: SimPbx, queue: SimQueue
) -> None:
    pbx.queue_login("600", "45", False)
    own = pbx.dial("44", "41")
    pbx.answer(own)
    pbx.clock.advance(100)
    call = pbx.dial(OUTSIDE, "42")
    pbx.answer(call)
    pbx.clock.advance(20)
    pbx.transfer(call, "600")  # what was talked before is none of the queue's
    pbx.clock.advance(30)
    pbx.hangup(own)
    pbx.clock.advance(15)  # rings in vain
    pbx.clock.advance(4)
    pbx.answer(call)
    pbx.clock.advance(50)
    pbx.hold(call)
    pbx.clock.advance(7)
    pbx.hangup(call)
    (record,) = queue.days.records
    assert (record.agent.number, record.ivr, record.ring, record.talk, record.hold, record.idle) == (
        "44", 30.0, 19.0, 50.0, 7.0, 0.0,
    )  # fmt: skip
    assert today(pbx, queue).agents["44"].missed == 1
    pbx.clock.advance(10 + 60)
    pbx.answer(pbx.dial(OUTSIDE, "600"))
    pbx.hangup(next(iter(pbx.calls)))
    assert queue.days.records[-1].idle == 60.0, "after the wrap-up"


@pytest.mark.parametrize("back", ["call", "dnd", "registration", "break", "login"])
def test_an_agent_is_idle_from_when_it_could_be_rung_again(pbx: SimPbx, queue: SimQueue, back: str) -> None:
    pbx.queue_login("600", "45", False)
    pbx.clock.advance(1000)
    away, comes = {
        "call": (lambda: pbx.dial("44", "41"), lambda: pbx.hangup(next(iter(pbx.calls)))),
        "dnd": (lambda: pbx.dnd("44", True), lambda: pbx.dnd("44", False)),
        "registration": (lambda: pbx.unregister("44"), lambda: pbx.register("44")),
        "break": (lambda: pbx.queue_pause("600", "44", True), lambda: pbx.queue_pause("600", "44", False)),
        "login": (lambda: pbx.queue_login("600", "44", False), lambda: pbx.queue_login("600", "44", True)),
    }[back]
    away()
    pbx.clock.advance(10)
    comes()
    pbx.clock.advance(30)
    call = pbx.dial(OUTSIDE, "600")
    assert pbx.answer(call)
    pbx.hangup(call)
    assert queue.days.records[-1].idle == 30


def test_two_full_queues_do_not_send_a_caller_to_and_fro(pbx: SimPbx, queue: SimQueue) -> None:
    other = pbx.directory.add_queue("601", "Other", then="600")
    other.max_calls = queue.max_calls = 0
    queue.then = "601"
    call = pbx.dial(OUTSIDE, "600")
    assert call not in pbx.calls
    assert [queue.days.records[-1].reason, other.days.records[-1].reason] == ["mc", "mc"]


def test_the_agents_of_a_queue_are_set_as_a_whole(pbx: SimPbx, queue: SimQueue) -> None:
    call = pbx.dial(OUTSIDE, "600")
    pbx.switch.queues.set_agents(queue, ["41", "45", "41", "nobody"])
    assert list(queue.agents) == ["45", "41"]
    assert pbx.calls[call].ringing == ("45",)
    assert queue.agents["41"].logged_in
