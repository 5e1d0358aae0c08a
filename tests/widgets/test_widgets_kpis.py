"""The numbers of the day: values, words, thresholds, what is sent, and that they are those of the history."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pbxnb.errors import ConfigError
from pbxnb.history import Figures
from pbxnb.model.entities import (
    AccountState,
    Agent,
    CallRecord,
    CallState,
    LineState,
    Party,
    Phase,
    Queue,
    Waiting,
)
from pbxnb.ui.panel import Panel
from pbxnb.ui.timing import Timing
from pbxnb.widgets.kpis import Kpis
from pbxnb.widgets.kpis.cards import CARDS, Now, card_row, level_of
from tests.widgets.fakes import START, FakeHandle, Wire, account, call, conversation

DAY = Figures(answered=9, abandoned=2, in_time=8, short=1, waits=9, waited=90.0, longest=65.0)
NOBODY = Now(calls=0, waiting=0, longest=0.0, free=0, agents=0)


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> FakeHandle:
    monkeypatch.setattr(Panel, "timing", Timing(recheck=0.05, resample=0.05))
    return FakeHandle([account("204"), account("205", AccountState.BUSY), account("206")])


def answered(handle: FakeHandle, id_: str, wait: float, queue: str = "600") -> CallRecord:
    now = handle.clock.now()
    talk = call(id_, f"+1{id_}", "204", started_at=now, connected_at=now, queue=queue, extensions=("204",))
    stays = ((Phase.TALKING, ("204",), now, now),)
    return CallRecord(call=talk, ended_at=now, ring=wait, talk=40.0, hold=0.0, stays=stays)


@pytest.mark.parametrize(
    ("name", "text", "more"),
    [
        ("service_level", "80%", "8 of 11 within 20 s"),
        ("answered", "9", "of 11 offered"),
        ("abandoned", "2", "of 11 offered"),
        ("speed_of_answer", "0:10", "of 9 answered"),
        ("longest_wait", "1:05", ""),
    ],
)
def test_a_card_has_its_number_and_of_what(name: str, text: str, more: str) -> None:
    value, level, said, _ = card_row(name, DAY, NOBODY, None, 20.0)
    assert (value, level, said) == (text, "", more)


def test_a_number_that_does_not_exist_yet_is_a_dash_and_has_no_level() -> None:
    for name in ("service_level", "speed_of_answer", "longest_wait", "agents_free"):
        assert card_row(name, Figures(), NOBODY, (0.8, 0.7), 20.0)[:2] == ["–", ""]


@pytest.mark.parametrize(
    ("value", "limits", "level"),
    [
        (0.81, (0.8, 0.7), "ok"),
        (0.8, (0.8, 0.7), "ok"),
        (0.7, (0.8, 0.7), "orange"),
        (0.69, (0.8, 0.7), "red"),
        (3, (3, 6), "ok"),
        (4, (3, 6), "orange"),
        (7, (3, 6), "red"),
    ],
)
def test_which_way_is_better_follows_from_the_two_thresholds(value: float, limits: Any, level: str) -> None:
    assert level_of(value, limits) == level


@pytest.mark.parametrize("limits", [{"waitng": (3, 6)}, {"waiting": 3}, {"waiting": (3, 3)}, {"waiting": ("3", "6")}])
def test_thresholds_that_say_nothing_are_refused(handle: FakeHandle, limits: Any) -> None:
    with pytest.raises(ConfigError, match="threshold"):
        Kpis(handle, thresholds=limits)


def test_now_counts_what_goes_on_of_all_or_of_some_queues(handle: FakeHandle) -> None:
    agents = (Agent(number="204", logged_in=True), Agent(number="205", logged_in=True), Agent(number="206"))
    listed = (Waiting(party=Party(number="+1999"), since=START),)
    handle.put(
        Queue(number="600", agents=agents, callers=listed),
        Queue(number="700", agents=agents[:1]),
        conversation("1", CallState.RINGING, phase=Phase.QUEUED, queue="600", from_=Party(number="+1201")),
        conversation("2", CallState.RINGING, phase=Phase.QUEUED, queue="800"),
        conversation("3", CallState.CONNECTED),
        conversation("4", None),
    )
    assert Now.of(handle.snapshot()) == Now(calls=3, waiting=3, longest=START.timestamp(), free=1, agents=3)
    assert Now.of(handle.snapshot(), ["700"]) == Now(calls=0, waiting=0, longest=0.0, free=1, agents=1)


def test_a_call_that_ends_changes_the_cards_it_counts_for(handle: FakeHandle) -> None:
    panel = Kpis(handle, names=["service_level", "answered"], thresholds={"service_level": (0.8, 0.7)})
    wire = Wire(panel)
    wire.hello()
    handle.records += [answered(handle, "1", 12.0), answered(handle, "2", 21.0, queue="700")]
    part = wire.wait(1)[-1]["part"]
    assert [card[:2] for card in part["cards"]] == [["50%", "red"], ["2", ""]]
    panel.queues = ["600"]
    assert [card[0] for card in wire.wait(2)[-1]["full"]["cards"]] == ["100%", "1"]
    panel.queues, panel.within = [], 30.0
    wire.settle()
    assert repr(panel) == "<fake: service level 100%, answered 2>"
    assert "<td" in str(panel.snapshot())


def test_every_card_says_what_it_means_and_nothing_is_sent_twice(handle: FakeHandle) -> None:
    panel = Kpis(handle, names=list(CARDS), within=15.0)
    wire = Wire(panel)
    state = wire.opened()["full"]
    assert [name for name, _, meaning in state["titles"] if meaning] == list(CARDS)
    assert "within 15 s" in state["titles"][0][2]
    assert len(msgspec.json.encode(state)) < 6000
    wire.hello()
    wire.settle()
    assert wire.batches() == []


def test_it_says_since_when_its_numbers_are_old(handle: FakeHandle) -> None:
    panel = Kpis(handle)
    wire = Wire(panel)
    wire.hello()
    handle.become(LineState.RECONNECTING, last_message_at=START)
    assert wire.wait(1)[-1]["part"]["old"] == START.timestamp()
    handle.become(LineState.LIVE)
    assert wire.wait(2)[-1]["part"]["old"] == 0.0
    panel.close()
    assert (handle.kept, handle.listeners()) == (0, 0)
