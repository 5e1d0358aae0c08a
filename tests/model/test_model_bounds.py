"""What the model keeps is bounded by bytes and by number, and nothing is counted wrongly when a bound strikes."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from pbxnb.model.entities import Orbit, Queue
from pbxnb.protocol.bounds import CUT, MAX_EXTRA, size_of
from tests.history.session import Session
from tests.model.model_kit import Desk, account, at, call

MEGABYTE = 2**20


def kept(fill: Callable[[Desk], object]) -> tuple[Desk, int]:
    """Bytes that a store has more than before."""
    desk = Desk()
    fill(desk)  # caches of the reader fill up
    desk = Desk()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        fill(desk)
        return desk, tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "field",
    [
        {"picture": "x" * MEGABYTE},
        {"nested": [{"a": ["x" * 1000] * 1000}]},
        {"name": "x" * MEGABYTE},
        {"chatstatus": "x" * MEGABYTE},
        {"calls": [{"id": str(n), "state": "connected", "note": "x" * 100} for n in range(7000)]},
        {f"f{n}": n for n in range(10_000)},
    ],
    ids=lambda field: next(iter(field)),
)
def test_accounts_with_a_megabyte_each_hold_little(field: dict[str, Any]) -> None:
    count = 4
    text = json.dumps({"type": "extensions", **field})

    def fill(desk: Desk) -> None:
        for number in range(count):
            desk.user(str(1000 + number), **json.loads(text))

    desk, held = kept(fill)
    assert held < count * 3 * MAX_EXTRA
    assert all(found.extra[CUT] for found in desk.store.accounts.values())


def test_updates_of_one_account_do_not_add_up() -> None:
    desk = Desk()
    for n in range(200):
        desk.user("45", **{f"f{n}": ["x" * 500] * 100})
    assert size_of(dict(desk.account("45").extra)) < MAX_EXTRA


def test_words_of_an_account_that_are_no_words_fill_no_history() -> None:
    desk = Desk()
    for n in range(500):
        desk.user("4" * 3000, chatstatus=f"{n}" * 1000)
    assert size_of(tuple(desk.store.presence())) < 500 * 5_000  # each counted with a number of its own


def test_ended_conversations_are_bounded_by_number_and_what_was_let_go_is_counted() -> None:
    desk = Desk()
    desk.store._ledger._remembered = 10
    lasting = call("lasting", "+1", "204")
    for n in range(50):
        desk.calls(lasting, call(str(n), f"+1555{n:04}", "207"), after=0.1)
        desk.calls(lasting, after=0.1)
    desk.calls(lasting, after=0.1)
    assert [*desk.talks()] == ["lasting", *(str(n) for n in range(40, 50))]
    assert desk.store.let_go == 40
    desk.calls(lasting, after=61)
    assert [*desk.talks()] == ["lasting"]
    assert desk.store.let_go == 40
    assert len(desk.store.closed_calls()) == 50


def test_what_ended_in_one_message_is_told_before_it_is_let_go() -> None:
    desk = Desk()
    desk.store._ledger._remembered = 10
    desk.calls(*[call(str(n), f"+1555{n:04}", "207") for n in range(50)])
    changes = desk.calls()
    assert len([event for event in changes.events if event.kind == "call.ended"]) == 50
    assert all(desk.talk(key).state is None for key in changes.conversations)
    assert len(desk.store.tick(at(desk.now + 1)).conversations) == 40


def test_ended_conversations_are_bounded_by_bytes() -> None:
    desk = Desk()
    desk.store._ledger._most_bytes = 10 * MAX_EXTRA
    for n in range(100):
        desk.calls(call(str(n), f"+1555{n:04}", "207", note=["x" * 3000] * 15), after=0.01)
        desk.calls(after=0.01)
    desk.calls()
    assert 8 <= len(desk.talks()) <= 15
    assert desk.store.let_go + len(desk.talks()) == 100


def test_a_call_that_moves_without_end_keeps_so_many_phones() -> None:
    desk = Desk()
    for n in range(300):
        desk.calls(call("1", "+1", "207", ext=" ".join(str(1000 * n + k) for k in range(300))), after=0.01)
    desk.calls()
    (record,) = desk.store.closed_calls()
    assert 10 < len(record.stays) < 100
    assert record.talk == pytest.approx(300 * 0.01 + 0.99, abs=0.1)


@pytest.mark.parametrize("most", [100_000, 3])
def test_the_rate_counts_conversations_that_were_let_go(most: int) -> None:
    session = Session()
    session.begin([{"account": "203", "type": "extensions"}], [])
    session.store._ledger._remembered = most
    for n in range(20):
        session.list(10 * n, session.call(str(n), f"+1555{n}", "203", "connected", 10 * n, 10 * n, "203"))
        session.list(10 * n + 1)
    now = session.clock.now()
    assert session.history.counts(now) == {"calls": 0, "rate": 6, "waiting": 0, "registered": 0}
    assert session.history.samples(now, 1.0, 1)["rate"] == [6]


def test_queues_and_orbits_come_in_order_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbxnb.model.store._MOST", 50)
    store = Desk().store
    for n in reversed(range(100)):
        store.put_queue(Queue(number=str(n)), at(0))
        store.put_orbit(Orbit(number=str(n)), at(0))
    assert [*store.queues] == [*store.orbits] == [str(n) for n in range(50, 100)]
    assert store.put_queue(Queue(number="60", waiting=1), at(1)).queues == {"60"}
    assert not store.put_queue(Queue(number="1"), at(1))
    assert [*store.queues] == [str(n) for n in range(50, 100)]


def test_an_account_without_anything_unknown_is_made_as_before() -> None:
    desk = Desk()
    desk.accounts(account("204"), account("205", alias=["x"]))
    assert desk.account("204").extra == {}
    assert desk.account("205").extra == {"alias": ["x"]}
