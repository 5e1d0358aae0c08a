"""Panels over the real model: whoever counts callers counts the same ones, and timers begin where the PBX says."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings

from pbxnb.model.clock import Clock
from pbxnb.model.store import Store
from pbxnb.widgets import CallList, ExtensionGrid, Rule
from pbxnb.widgets.call_list.rows import FIELDS, row
from tests.model.model_kit import START, T0, Desk, account, call
from tests.model.test_model_reference import histories, run
from tests.widgets.fakes import FakeHandle


class StoreHandle(FakeHandle):
    """A stand-in whose model is a store."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.accounts, self.calls = dict(store.accounts), dict(store.calls)
        self.conversations = dict(store.conversations)


def phases(handle: FakeHandle) -> Counter[str]:
    """The phases of the rows of a call list, without those that have ended."""
    model: dict[str, Any] = {name: getattr(handle, name) for name in ("calls", "accounts", "queues", "orbits")}
    rows = [row(conversation, **model) for conversation in handle.conversations.values()]
    return Counter(cells[FIELDS.index("phase")] for cells in rows if cells[FIELDS.index("state")] != "ended")


@settings(max_examples=150, deadline=None)
@given(histories)
def test_list_alerts_and_sparklines_agree_on_who_waits_whatever_happened(history: Any) -> None:
    store = Store(domain="acme.example")
    run(store, history, None)
    handle = StoreHandle(store)
    tabs, counts = phases(handle), handle.history.counts(handle.clock.now())
    assert tabs["queued"] == Rule.queued(red=1).read(handle) == counts["waiting"]
    assert tabs.total() == Rule.peak(red=1).read(handle) == counts["calls"]
    assert bool(tabs["held"] + tabs["parked"]) >= bool(Rule.held(red=1).read(handle))


def connect(*calls: dict[str, Any]) -> Desk:
    """A store whose first snapshot came at ``START`` of the PBX's clock."""
    desk = Desk()
    desk.store = Store(domain="acme.example", clock=Clock(offset=START - T0.timestamp()))
    desk.resync([account("204"), account("205"), account("600", "acds")], list(calls), after=0.0, first=True)
    return desk


def since(desk: Desk, number: str) -> tuple[float, bool]:
    """The begin on a tile, seconds after the connect, and whether it may have been earlier."""
    panel = ExtensionGrid(StoreHandle(desk.store))
    began = panel._sent[number].began
    panel.close()
    return abs(began) - START, began < 0


def test_a_caller_that_waited_600_s_at_connect_shows_ten_minutes() -> None:
    desk = connect(call("1", "+15550100", "600", "alerting", ext="", start=START - 600, connect=""))
    handle = StoreHandle(desk.store)
    panel = CallList(handle)
    (found,) = panel._state()["rows"]
    panel.close()
    assert (found[FIELDS.index("phase")], found[FIELDS.index("since")] - START) == ("queued", -600)
    handle.clock.offset = START - handle.clock.now().timestamp()
    assert Rule.waiting(red=1).read(handle) == pytest.approx(600, abs=2)


def test_a_talk_that_ran_at_connect_is_timed_from_its_answer_and_a_hold_is_at_least_so_long() -> None:
    desk = connect(
        call("1", "204", "+15550100", start=START - 700, connect=START - 600),
        call("2", "205", "+15550101", "holding", start=START - 700, connect=START - 600),
    )
    assert since(desk, "204") == (-600, False)
    assert since(desk, "205") == (0, True)


def test_a_second_call_that_comes_and_goes_does_not_restart_the_timer_of_a_tile() -> None:
    first = call("1", "204", "+15550100", start=START - 700, connect=START - 600)
    desk = connect(first)
    desk.calls(first, call("2", "205", "204", "alerting", start=START + 20), after=20.0)
    assert since(desk, "204") == (20, False)
    desk.calls(first, after=10.0)
    assert desk.state("204") == "busy"
    assert since(desk, "204") == (-600, False)
