"""Since when: what the PBX says wherever it says it, else the change we saw, else at least since we know it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pbxnb.model.clock import Clock
from tests.model.model_kit import START, T0, Desk, account, at, call

X = "+15550100"
PBX = datetime.fromtimestamp(START, UTC)


def there(after: float) -> datetime:
    """PBX time, seconds after `START`."""
    return PBX + timedelta(seconds=after)


@pytest.fixture
def desk() -> Desk:
    """A line that comes up when the PBX's clock shows `START`, known to the millisecond."""
    made = Desk(clock=Clock((PBX - T0).total_seconds()))
    made.accounts(account("204"), account("205"), account("206"), account("600", "acds"), after=0.0)
    return made


def met(desk: Desk, *calls: dict[str, Any]) -> None:
    """The calls are there when the line comes up."""
    desk.resync(calls=list(calls), after=0.0, first=True)


class TestMet:
    """Calls and accounts that the line finds when it comes up."""

    def test_a_caller_who_waits_for_ten_minutes(self, desk: Desk):
        met(desk, call("1", X, "600", ext="", start=START - 605, connect=START - 600))
        talk = desk.talk("1")
        assert (talk.phase, talk.since, talk.first_seen) == ("queued", there(-600), there(0))
        assert talk.ring == 5.0  # so that he has waited 605 s in all
        assert desk.call("1").since == there(-600)

    def test_a_caller_who_rings_in_the_queue(self, desk: Desk):
        met(desk, call("1", X, "600", "alerting", ext="", start=START - 600))
        talk = desk.talk("1")
        assert (talk.phase, talk.since, talk.ring) == ("queued", there(-600), 0.0)
        desk.calls(call("1", X, "205", ext="205", start=START - 600, connect=START + 10), after=10.0)
        assert (desk.talk("1").ring, desk.talk("1").since) == (610.0, there(10))

    def test_a_call_that_rings_and_one_that_is_talked_on(self, desk: Desk):
        met(
            desk,
            call("1", X, "204", "alerting", ext="204", start=START - 20),
            call("2", X, "205", ext="205", start=START - 100, connect=START - 90),
        )
        assert [(desk.call(key).since, desk.call(key).first_seen) for key in "12"] == [
            (there(-20), there(0)),
            (there(-90), there(0)),
        ]
        assert [desk.account(number).since for number in ("204", "205")] == [there(-20), there(-90)]

    def test_a_held_call_and_an_idle_account_cannot_be_known(self, desk: Desk):
        desk = Desk(clock=Clock((PBX - T0).total_seconds()))
        desk.resync(
            [account("204"), account("205"), account("206", code="c1")],
            [call("1", X, "204", "onhold", ext="204", start=START - 300, connect=START - 290)],
            after=0.0,
            first=True,
        )
        for one in (desk.call("1"), desk.talk("1"), *(desk.account(number) for number in ("204", "205", "206"))):
            assert (one.since, one.first_seen) == (None, there(0))
        desk.calls(call("1", X, "204", ext="204", start=START - 300, connect=START - 290), after=15.0)
        assert (desk.talk("1").hold, desk.talk("1").since, desk.talk("1").ring) == (15.0, there(15), 10.0)

    def test_one_that_rings_again_does_not_ring_since_it_started(self, desk: Desk):
        met(desk, call("1", X, "204", "alerting", ext="204", start=START - 300, connect=START - 290))
        assert desk.call("1").since is None

    @pytest.mark.parametrize("word", [START + 3600, ""])
    def test_a_time_that_cannot_be_and_none_at_all(self, desk: Desk, word: Any):
        met(desk, call("1", X, "204", ext="204", start=START - 9000, connect=word))
        assert desk.call("1").since is None

    def test_what_the_pbx_says_only_later(self, desk: Desk):
        met(desk, call("1", X, "204", ext="204", start=START - 90, connect=""))
        assert desk.call("1").since is None
        desk.calls(call("1", X, "204", ext="204", start=START - 90, connect=START - 80))
        assert desk.call("1").since == desk.talk("1").since == desk.account("204").since == there(-80)
        assert desk.call("1").first_seen == there(0)

    def test_after_a_gap_a_change_is_known_only_where_the_pbx_says_it(self, desk: Desk):
        ringing = [call(key, X, number, "alerting", ext=number) for key, number in (("1", "204"), ("2", "205"))]
        desk.calls(*ringing, after=0.0)
        desk.resync(
            calls=[
                call("1", X, "204", ext="204", connect=START + 5),
                call("2", X, "205", "onhold", ext="205", connect=START + 5),
            ],
            after=20.0,
        )
        assert [(desk.call(key).since, desk.call(key).first_seen) for key in "12"] == [
            (there(5), there(20)),
            (None, there(20)),
        ]
        assert [(desk.talk(key).since, desk.talk(key).ring) for key in "12"] == [(there(5), 5.0), (None, 20.0)]


class TestSeen:
    """What changes before our eyes."""

    def test_an_answer_is_when_the_pbx_says_and_a_hold_when_we_saw_it(self, desk: Desk):
        desk.calls(call("1", X, "204", "alerting", ext="204", start=START + 9), after=9.3)
        assert desk.call("1").since == there(9)
        desk.calls(call("1", X, "204", ext="204", start=START + 9, connect=START + 20), after=11.0)
        assert (desk.call("1").since, desk.call("1").first_seen) == (there(20), there(20.3))
        desk.calls(call("1", X, "204", "onhold", ext="204", start=START + 9, connect=START + 20), after=10.0)
        assert desk.call("1").since == there(30.3)
        desk.calls(call("1", X, "204", ext="204", start=START + 9, connect=START + 20), after=10.0)
        assert desk.call("1").since == there(40.3)  # not when it was answered
        talk = desk.talk("1")
        assert (talk.ring, talk.talk, talk.hold) == pytest.approx((11.0, 10.3, 10.0))

    def test_an_answer_before_the_call_rang_is_no_answer(self, desk: Desk):
        desk.calls(call("1", X, "204", "alerting", ext="204", start=START + 9), after=9.0)
        desk.calls(call("1", X, "204", ext="204", start=START + 9, connect=START - 4000), after=11.0)
        assert desk.call("1").since == there(20)

    def test_while_the_clock_is_not_known_what_we_saw_counts(self):
        desk = Desk()
        desk.calls(call("1", X, "204", "alerting", ext="204", start=START - 7000), after=5.0)
        desk.calls(call("1", X, "204", ext="204", start=START - 7000, connect=START - 6990), after=5.0)
        assert (desk.call("1").since, desk.talk("1").ring) == (at(10), 5.0)

    def test_a_second_call_that_comes_and_goes_does_not_restart_the_timer(self, desk: Desk):
        first = call("1", X, "204", ext="204", connect=START + 10)
        desk.calls(call("1", X, "204", "alerting", ext="204"), after=0.0)
        desk.calls(first, after=10.0)
        assert desk.account("204").since == there(10)
        desk.calls(first, call("2", "205", "204", "alerting", start=START + 60), after=50.0)
        assert (desk.account("204").state, desk.account("204").since) == ("ringing", there(60))
        desk.calls(first, after=20.0)
        assert (desk.account("204").state, desk.account("204").since) == ("busy", there(10))
        assert desk.account("204").first_seen == there(10)

    def test_the_timer_follows_the_call_that_decides(self, desk: Desk):
        one = call("1", X, "204", ext="204", connect=START + 10)
        two = call("2", X, "204", ext="204", start=START + 20, connect=START + 25)
        desk.calls(call("1", X, "204", "alerting", ext="204"), after=0.0)
        desk.calls(one, after=10.0)
        desk.calls(one, two, after=15.0)
        assert desk.account("204").since == there(10)
        desk.calls(two, after=5.0)
        assert desk.account("204").since == there(25)

    def test_an_account_that_joins_a_call_is_in_it_since_then(self, desk: Desk):
        desk.calls(call("1", X, "204", "alerting", ext="204"), after=0.0)
        desk.calls(call("1", X, "204", ext="204", connect=START + 10), after=10.0)
        desk.calls(call("1", X, "205", ext="205", connect=START + 10), after=20.0)  # moved under its id
        assert desk.call("1").since == there(10)
        assert desk.account("205").since == desk.account("205").first_seen == desk.account("204").since == there(30)

    def test_an_account_with_no_call_that_we_know(self, desk: Desk):
        desk.user("204", code="c1", after=5.0)
        assert (desk.account("204").state, desk.account("204").since) == ("busy", there(5))
        desk.user("204", dnd=True, code="c1", after=5.0)
        assert desk.account("204").since == there(5)
        desk.user("204", after=5.0)
        assert (desk.account("204").state, desk.account("204").since) == ("idle", there(15))

    def test_an_older_call_that_is_the_newest_again_takes_up_where_the_other_ended(self, desk: Desk):
        desk.accounts(*(account(n, k) for n, k in (("205", "extensions"), ("500", "hunts"))), after=0.0)
        first = call("1", X, "500", "alerting", ext="")
        desk.calls(first, after=0.0)
        desk.calls(first, call("2", X, "205", "alerting", ext="205", start=START + 5), after=5.0)
        desk.calls(first, call("2", X, "205", ext="205", start=START + 5, connect=START + 9), after=4.0)
        desk.calls(first, after=30.0)
        talk = desk.talk("1")
        assert (talk.phase, talk.since, talk.ring, talk.talk) == ("ringing", there(39), 9.0, 30.0)

    def test_an_end_that_we_saw_and_one_in_a_gap(self, desk: Desk):
        desk.calls(call("1", X, "204", ext="204"), call("2", X, "205", ext="205"), after=0.0)
        desk.calls(call("2", X, "205", ext="205"), after=5.0)
        assert (desk.talk("1").phase, desk.talk("1").since) == ("ended", there(5))
        desk.resync(calls=[], after=20.0)
        assert (desk.talk("2").phase, desk.talk("2").since, desk.talk("2").first_seen) == ("ended", None, there(25))


class TestQueue:
    """The phase of a queued call by the situations a PBX shows; its time is no talk."""

    def test_music_is_no_answer_and_an_agent_is(self, desk: Desk):
        desk.calls(call("1", X, "600", "alerting", ext=""), after=0.0)
        desk.calls(call("1", X, "600", ext="", connect=START + 2), after=2.0)
        assert (desk.talk("1").phase, desk.talk("1").since) == ("queued", there(0))
        desk.calls(call("1", X, "600", ext="205", connect=START + 2), after=38.0)  # the queue's number stays
        talk = desk.talk("1")
        assert (talk.phase, talk.since, talk.answered_by, talk.ring) == ("talking", there(40), "205", 40.0)
        desk.calls(call("1", X, "600", "onhold", ext="205", connect=START + 2), after=10.0)
        assert (desk.talk("1").phase, desk.talk("1").talk) == ("held", 10.0)

    def test_answered_callers_do_not_wait_whatever_rings_for_them_next(self, desk: Desk):
        desk.calls(call("1", X, "600", ext="", connect=START), after=0.0)
        desk.calls(call("1", X, "205", ext="205", connect=START), after=10.0)
        desk.calls(call("1", X, "206", "alerting", ext="206", connect=START), after=10.0)  # sent on
        assert (desk.talk("1").phase, desk.talk("1").queue) == ("ringing", "600")

    def test_a_caller_who_is_sent_back_to_a_queue_waits_again(self, desk: Desk):
        desk.calls(call("1", X, "600", ext="", connect=START), after=0.0)
        desk.calls(call("1", X, "600", ext="205", connect=START), after=10.0)
        desk.calls(call("1", X, "600", ext="", connect=START), after=10.0)
        talk = desk.talk("1")
        assert (talk.phase, talk.since, talk.talk, talk.answered_by) == ("queued", there(20), 10.0, "205")

    def test_an_agent_rings_by_a_call_apart(self, desk: Desk):
        waiting = call("1", X, "600", ext="", connect=START)
        desk.calls(waiting, after=0.0)
        desk.calls(waiting, call("2", X, "205", "alerting", ext="205", start=START + 5), after=5.0)
        assert (desk.talk("1").calls, desk.talk("1").phase) == (("1", "2"), "queued")
        assert desk.call("2").phase == "ringing"
        desk.calls(waiting, call("2", X, "205", ext="205", start=START + 5, connect=START + 9), after=4.0)
        talk = desk.talk("1")
        assert (talk.phase, talk.since, talk.ring) == ("talking", there(9), 9.0)
        desk.calls(waiting, after=30.0)  # the agent's entry goes, and the caller's never names him
        assert (desk.talk("1").phase, desk.talk("1").talk) == ("talking", 0.0)
        desk.calls(after=10.0)
        assert (desk.talk("1").talk, desk.talk("1").ring) == (40.0, 9.0)

    def test_a_menu_before_the_queue(self, desk: Desk):
        desk.accounts(*(account(n, k) for n, k in (("204", "extensions"), ("100", "attendants"), ("600", "acds"))))
        desk.calls(call("1", X, "100", ext="", start=START + 1, connect=START + 1), after=0.0)
        assert desk.talk("1").phase == "menu"
        desk.calls(call("1", X, "600", ext="", start=START + 1, connect=START + 1), after=9.0)
        talk = desk.talk("1")
        assert (talk.phase, talk.since, talk.ring, talk.talk) == ("queued", there(10), 0.0, 0.0)

    @pytest.mark.parametrize(("kind", "phase"), [("acds", "queued"), ("attendants", "menu")])
    def test_what_the_other_end_is_becomes_known_only_later(self, kind: str, phase: str):
        desk = Desk(clock=Clock((PBX - T0).total_seconds()))
        desk.calls(call("1", X, "70", ext="", start=START, connect=START), after=0.0)
        assert desk.talk("1").phase == "talking"
        changes = desk.accounts(account("70", kind), after=5.0)
        assert (desk.talk("1").phase, desk.talk("1").since) == (phase, there(0))
        assert changes.conversations == {"1"}
        desk.calls(after=5.0)
        ring = 10.0 if kind == "acds" else 0.0
        (record,) = desk.store.closed_calls()
        assert [(one.ring, one.talk) for one in (desk.talk("1"), record)] == [(ring, 0.0)] * 2
