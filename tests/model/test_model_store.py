"""The store as a thing: queues and orbits, bounds against floods, readers in other threads, rules and their names."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from pathlib import Path

import pytest

import pbxnb.model
from pbxnb.model import accounts, ledger, lists
from pbxnb.model import calls as calls_module
from pbxnb.model.derive import RULES, number_order, state_of
from pbxnb.model.entities import Orbit, Queue
from pbxnb.model.store import Store
from pbxnb.protocol.decode import account_entry, call_entry
from pbxnb.protocol.messages import CallEntry
from tests.model.model_kit import T0, Desk, account, at, call, kinds

SOURCE = Path(pbxnb.model.__file__).parent


def test_queues_and_orbits_are_kept_in_order_and_change_only_when_different():
    desk = Desk()
    for number in ("1000", "600", "45"):
        assert desk.store.put_queue(Queue(number=number), at(1)).queues == {number}
        assert desk.store.put_orbit(Orbit(number=number), at(1)).orbits == {number}
    assert list(desk.store.queues) == list(desk.store.orbits) == ["45", "600", "1000"]
    assert not desk.store.put_queue(Queue(number="45"), at(2))
    assert desk.store.put_queue(Queue(number="45", waiting=2), at(3)).queues == {"45"}


def test_an_orbit_known_by_rest_alone_makes_a_call_to_it_parked():
    desk = Desk()
    desk.calls(call("1", "+15550100", "700", ext=""))
    assert kinds(desk.store.put_orbit(Orbit(number="700"), at(2))) == ["call.changed 1"]
    assert desk.call("1").state == "parked"


def test_an_extension_that_has_an_orbit_of_its_own_is_still_an_extension():
    desk = Desk()
    desk.accounts(account("204"))
    desk.store.put_orbit(Orbit(number="204"), at(1))
    desk.calls(call("1", "+15550100", "204"))
    assert desk.call("1").state == "connected"


def test_a_snapshot_is_one_moment_and_cannot_be_written():
    desk = Desk()
    desk.accounts(account("204"))
    before = desk.store.snapshot(at(5))
    desk.user("204", dnd=True)
    assert before.accounts["204"].dnd is False
    assert (before.seq, before.taken_at) == (1, at(5))
    with pytest.raises(TypeError):
        before.accounts["204"] = None  # type: ignore[index]


def test_order_of_numbers_is_by_value_then_text():
    numbers = ["1000", "45", "anna", "045", "9" * 5000, "٤٥", "204"]
    assert sorted(numbers, key=number_order)[:4] == ["045", "45", "204", "1000"]


@pytest.mark.parametrize(
    ("word", "phase"),
    [("Connected", "connected"), (" ONHOLD ", "held"), ("ringing", "ringing"), ("conference", "other"), ("", "other")],
)
def test_state_words_in_any_case(word, phase):
    assert state_of(CallEntry(id="1", raw_state=word)) == phase


class TestBounds:
    """Everything from the wire is bounded."""

    def test_accounts(self, monkeypatch):
        monkeypatch.setattr(accounts, "_ACCOUNTS_KEPT", 3)
        desk = Desk()
        for number in range(10):
            desk.user(str(number))
        assert list(desk.store.accounts) == ["0", "1", "2"]
        assert desk.user("1", dnd=True)

    def test_calls_that_nobody_ends(self, monkeypatch):
        monkeypatch.setattr(lists, "_CALLS_KEPT", 3)
        desk = Desk()
        for number in range(10):
            desk.one(call(str(number), "204", "207"))
        assert len(desk.store.calls) == 3

    def test_unknown_fields_of_an_account(self):
        desk = Desk()
        for number in range(1000):
            desk.user("204", **{f"field{number}": number})
        assert len(desk.account("204").extra) <= 64

    def test_legs_of_a_conversation(self, monkeypatch):
        monkeypatch.setattr(ledger, "LIMIT", 5)
        monkeypatch.setattr("pbxnb.model.ledger.LIMIT", 5)
        desk = Desk()
        desk.accounts(account("600", "acds"))
        desk.calls(
            call("0", "+15550100", "600", ext=""),
            *[call(str(n), "+15550100", f"2{n:02}", "alerting") for n in range(1, 20)],
        )
        assert max(len(talk.calls) for talk in desk.store.conversations.values()) == 5

    def test_phases_of_a_call_that_is_held_for_ever(self, monkeypatch):
        monkeypatch.setattr("pbxnb.model.tracks._SPANS_KEPT", 10)
        desk = Desk()
        for number in range(100):
            desk.calls(call("1", "204", "207", "onhold" if number % 2 else "connected"))
        desk.calls()
        (record,) = desk.store.closed_calls()
        assert len(record.phases) == 10
        assert (record.talk, record.hold) == (50, 50)  # the sums are exact all the same

    def test_star_codes_that_nobody_ends(self):
        desk = Desk()
        for number in range(200):
            desk.one(call(str(number), "204", "*86700"))
        desk.calls()
        assert desk.store.calls == {}


def test_ended_conversations_are_forgotten_by_ticks_too():
    desk = Desk()
    desk.calls(call("1", "204", "207"))
    desk.calls()
    assert not desk.store.tick(at(desk.now + 59.9))
    assert desk.store.tick(at(desk.now + 60)).conversations == {"1"}
    assert desk.store.conversations == {}
    assert len(desk.store.closed_calls()) == 1


def test_the_record_of_a_call_knows_the_conversation_it_was_found_to_belong_to_later():
    desk = Desk()
    desk.calls(call("1", "+15550100", "204", "onhold", start=1000), call("2", "204", "208", start=1020))
    desk.calls(call("1", "+15550100", "208", start=1000))
    (record,) = desk.store.closed_calls()
    assert (record.call.id, record.call.conversation) == ("2", "1")


def test_a_call_that_moves_to_another_conversation_has_changed():
    desk = Desk()
    desk.calls(call("1", "+15550100", "204", "onhold", start=1000), call("2", "204", "208", start=1020))
    changes = desk.calls(call("2", "+15550100", "208", start=1020))
    assert desk.call("2").conversation == "1"
    assert changes.conversations == {"1", "2"}
    assert list(desk.store.conversations) == ["1"]


def test_readers_in_other_threads_never_see_half_a_change():
    desk = Desk()
    desk.accounts(*[account(str(200 + n)) for n in range(50)])
    stop, wrong = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            for number, one in list(desk.store.accounts.items()):
                if one.number != number:
                    wrong.append(number)
            for key, one_call in list(desk.store.calls.items()):
                if one_call.id != key:
                    wrong.append(key)

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(300):
        desk.calls(*[call(str(n), str(200 + n), str(201 + n), start=5000 - n + turn * 2) for n in range(0, 48, 2)])
    stop.set()
    reader.join()
    assert not wrong


def test_every_rule_that_fires_is_named_and_every_named_rule_fires():
    used = set()
    for path in SOURCE.glob("*.py"):
        if path.name != "rules.py":
            used |= set(re.findall(r'"((?:account|state|link|end)\.[a-z-]+)"', path.read_text("utf-8")))
    assert used - {"account.changed"} == set(RULES)
    for rule in RULES.values():
        assert rule.sentence.endswith(".")
        assert rule.source


def test_a_whole_list_compares_before_it_computes(monkeypatch):
    """2,000 calls of which one changed: one is worked out, the rest are recognised."""
    desk = Desk()
    listed = [call(str(n), "204", f"+1555{n:07}", start=1000 + n) for n in range(2000)]
    desk.calls(*listed)
    worked_out = []
    value = calls_module.CallTable._value
    monkeypatch.setattr(calls_module.CallTable, "_value", lambda *args: worked_out.append(args) or value(*args))
    listed[7] = call("7", "204", "+15550000007", "onhold", start=1007)
    assert desk.calls(*listed).calls == {"7"}
    assert len(worked_out) == 1


def test_times_of_a_conversation_follow_the_kernels_clock_alone():
    """The PBX's clock may be an hour wrong: no duration mixes the two."""
    desk = Desk()
    desk.calls(call("1", "+15550100", "204", "alerting", start=1))
    desk.calls(call("1", "+15550100", "204", start=1, connect=""), after=5)
    desk.calls(after=30)
    talk = desk.talk("1")
    assert (talk.ring, talk.talk) == (5, 30)
    assert talk.ended_at == at(1) + timedelta(seconds=35)


def test_a_clock_set_back_takes_no_time_away():
    desk = Desk()
    desk.user("204", dnd=True)
    desk.calls(call("1", "5550100", "204", "alerting", start="", connect=""))
    desk.calls(call("1", "5550100", "204", "connected", start="", connect=""), after=-60)
    desk.user("204", dnd=False, after=-60)
    desk.calls(after=5)
    [record] = desk.store.closed_calls()
    assert (record.ring, record.talk, record.hold) == (0.0, 0.0, 0.0)
    assert (desk.talk("1").ring, desk.talk("1").talk) == (0.0, 0.0)
    assert all(begin <= end for _, begin, end in record.phases)
    assert all(interval.end is None or interval.start <= interval.end for interval in desk.store.presence())


@pytest.mark.parametrize("listed", ["", "73"], ids=["the caller alone", "the queue itself listed as well"])
def test_a_queue_neither_rings_nor_answers_however_its_pbx_lists_it(listed):
    desk = Desk()
    desk.accounts(account("205"), account("73", "acds"))
    waiting = call("q", "5550100", "73", "connected", ext=listed)
    desk.calls(waiting)
    desk.calls(waiting, call("a", "5550100", "205", "alerting", ext="205"), after=10)
    desk.calls(waiting, call("a", "5550100", "205", "connected", ext="205"), after=5)
    desk.calls(after=20)
    talk = desk.talk("q")
    assert (talk.agents, talk.answered_by) == (("205",), "205")
    assert (talk.ring, talk.talk) == (15.0, 20.0)


def test_each_axis_of_a_snapshot_names_the_frame_it_came_in():
    store = Store()
    ringing = call_entry(call("1", "5550100", "204", "alerting"))
    store.resync([account_entry(account("204"))], [ringing], T0, seq=2, accounts_seq=3, first=True)
    assert {(why.axis, why.seq) for why in store.explain("204")} == {("registered", 3), ("dnd", 3), ("state", 2)}
