"""The queue board: who waits, what agents do and did, what is sent, and that a press sends only where it may."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from pbxnb.history import Figures, Served
from pbxnb.model.entities import (
    Account,
    AccountState,
    Agent,
    CallRecord,
    CallState,
    Conversation,
    Party,
    Phase,
    Queue,
    Waiting,
)
from pbxnb.ui.panel import Panel
from pbxnb.ui.queues import is_free, waiting_in
from pbxnb.ui.timing import Timing
from pbxnb.widgets.queue_board import QueueBoard
from pbxnb.widgets.queue_board.rows import AGENT, figures, queue_row
from tests.widgets.fakes import HOSTILE, START, FakeHandle, Wire, account, call

QUEUE = Queue(number="600", name="Support", agents=(Agent(number="204", logged_in=True), Agent(number="205")))


def queued(id_: str, caller: str, since: datetime | None = START, **fields: Any) -> Conversation:
    values = {"phase": Phase.QUEUED, "queue": "600", "first_seen": START, **fields}
    return Conversation(
        id=id_, calls=(id_,), from_=Party(number=caller), state=CallState.RINGING, since=since, **values
    )


def agent_cells(agent: Agent, its: Account | None = None, served: Served | None = None) -> dict[str, Any]:
    accounts = {its.number: its} if its is not None else {}
    today = {agent.number: served} if served is not None else {}
    made = queue_row(Queue(number="600", agents=(agent,)), (), accounts, Figures(), today)
    return dict(zip(AGENT, made["agents"][0], strict=True))


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> FakeHandle:
    monkeypatch.setattr(Panel, "timing", Timing(recheck=0.05))
    made = FakeHandle([account("204", name="Jo Field"), account("205")])
    made.put(QUEUE)
    return made


def test_callers_stand_in_the_order_of_the_pbx_and_who_came_since_after_them() -> None:
    later = START + timedelta(seconds=30)
    listed = (
        Waiting(call="1", party=Party(number="+1201"), since=START),  # known, by its call
        Waiting(party=Party(number="+1202"), position=2, since=START),  # known, by its number
        Waiting(party=Party(number="+1203"), position=3, since=START + timedelta(seconds=10)),
    )
    its = [queued("4", "+1205"), queued("2", "+1202", later), queued("1", "+1201", later)]
    its.append(queued("3", "+1204", phase=Phase.TALKING))
    found = waiting_in(msgspec.structs.replace(QUEUE, callers=listed), its)
    assert [(party.number, since) for _, party, since in found] == [
        ("+1201", later.timestamp()),
        ("+1202", later.timestamp()),
        ("+1203", START.timestamp() + 10),
        ("+1205", START.timestamp()),
    ]
    assert len({key for key, *_ in found}) == 4


def test_a_wait_whose_begin_is_unknown_is_at_least_so_long() -> None:
    assert waiting_in(QUEUE, [queued("1", "+1201", None)])[0][2] == -START.timestamp()


@pytest.mark.parametrize(
    ("agent", "its", "state", "word"),
    [
        (Agent(number="204", logged_in=True), account("204"), "idle", "Free"),
        (Agent(number="204"), account("204"), "idle", "Idle"),  # the PBX does not say whether he is logged in
        (Agent(number="204", logged_in=True, paused=True), account("204"), "held", "On a break"),
        (Agent(number="204", paused=True, reason="Lunch"), account("204"), "held", "On a break: Lunch"),
        (Agent(number="204", paused=True), account("204", dnd=True), "dnd", "Do not disturb"),
        (Agent(number="204", logged_in=False), account("204"), "offline", "Logged out"),
        (Agent(number="204", logged_in=False), account("204", AccountState.BUSY), "busy", "In call"),
        (Agent(number="204", logged_in=True), account("204", AccountState.OFFLINE), "offline", "Not registered"),
        (Agent(number="204", logged_in=True), None, "offline", "Not registered"),
    ],
)
def test_an_agent_is_shown_doing_what_matters_most(agent: Agent, its: Account | None, state: str, word: str) -> None:
    made = agent_cells(agent, its)
    assert (made["state"], made["word"]) == (state, word)
    assert is_free(agent, its) is (word == "Free")


def test_an_agent_has_the_calls_and_the_talk_of_today() -> None:
    made = agent_cells(QUEUE.agents[0], account("204", name="Jo Field"), Served(calls=3, talk=200.4))
    assert (made["name"], made["calls"], made["talk"]) == ("Jo Field", 3, 200)


def test_the_figures_of_a_day_with_nothing_are_dashes_not_zeros() -> None:
    assert [value for _, value in figures(Figures())] == ["–", "0", "0", "–", "–"]
    busy = Figures(answered=9, abandoned=2, in_time=8, short=1, waits=9, waited=90.0, longest=65.0)
    assert [value for _, value in figures(busy)] == ["80%", "9", "2", "0:10", "1:05"]


def test_a_caller_who_comes_and_one_who_goes_is_a_change_of_that_queue_alone(handle: FakeHandle) -> None:
    handle.put(Queue(number="700"))
    panel = QueueBoard(handle)
    wire = Wire(panel)
    wire.hello()
    handle.put(queued("1", "+15550100"))
    first = wire.wait(1)[-1]["part"]
    assert first == {"queues": {"600": {"callers": [["1", "+15550100", START.timestamp()]]}}}
    handle.put(queued("1", "+15550100", phase=Phase.TALKING))
    assert wire.wait(2)[-1]["part"] == {"queues": {"600": {"callers": []}}}
    wire.settle()
    assert len(wire.batches()) == 2  # nothing that has not changed


def test_a_call_that_ends_is_counted_for_its_queue_and_its_agent(handle: FakeHandle) -> None:
    panel = QueueBoard(handle)
    wire = Wire(panel)
    wire.hello()
    now = handle.clock.now()
    talk = call("1", "+15550100", "204", started_at=now, connected_at=now, queue="600", extensions=("204",))
    stays = ((Phase.TALKING, ("204",), now, now),)
    handle.records.append(CallRecord(call=talk, ended_at=now, ring=12.0, talk=40.0, hold=0.0, stays=stays))
    part = wire.wait(1)[-1]["part"]["queues"]["600"]
    assert part["figures"][0] == ["Service level", "100%"]
    assert [row[AGENT.index("calls")] for row in part["agents"]] == [1, 0]


def test_a_queue_that_comes_is_a_new_list(handle: FakeHandle) -> None:
    panel = QueueBoard(handle)
    wire = Wire(panel)
    wire.hello()
    handle.put(Queue(number="700"))
    assert wire.wait(1)[-1]["full"]["order"] == ["600", "700"]
    panel.queues = ["700", "999"]
    assert wire.wait(2)[-1]["full"]["order"] == ["700"]


def test_a_press_logs_an_agent_out_and_says_what_went_wrong(handle: FakeHandle) -> None:
    handle.outcome = SimpleNamespace(status="unconfirmed", latency=5.0, effect="", why="Nothing changed.")
    panel = QueueBoard(handle)
    wire = Wire(panel)
    wire.hello()
    wire.say(login=False, queue="600", agent="204")
    assert wire.wait(1)[-1]["e"] == ["Log out 204: unconfirmed in 5.0 s. Nothing changed."]
    assert handle.commands == [("queue_login", ("600", False), {"account": "204"})]


@pytest.mark.parametrize("traits", [{"armed": False}, {"wallboard": True}])
def test_a_press_sends_nothing_unless_armed(handle: FakeHandle, traits: dict[str, Any]) -> None:
    wire = Wire(QueueBoard(handle, **traits))
    wire.hello()
    wire.say(login=False, queue="600", agent="204")
    assert "not armed" in wire.wait(1)[-1]["e"][0]
    assert handle.commands == []


def test_a_handle_without_control_cannot_be_armed_and_no_stranger_is_logged_in(handle: FakeHandle) -> None:
    handle.control = False
    panel = QueueBoard(handle)
    panel.armed = True
    assert not panel.armed
    handle.control = True
    panel.armed = True
    wire = Wire(panel)
    wire.hello()
    for message in ({"queue": "600", "agent": "999"}, {"queue": "700", "agent": "204"}, {"queue": 600, "agent": "204"}):
        wire.say(login=True, **message)
    wire.settle()
    assert handle.commands == []


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_and_short(handle: FakeHandle, text: str) -> None:
    handle.put(
        Queue(number="600", name=text, agents=(Agent(number=text, name=text, paused=True, reason=text),), why=text),
        queued("1", text),
    )
    panel = QueueBoard(handle)
    assert len(msgspec.json.encode(panel._state())) < 1500
    assert "<script" not in str(panel.snapshot())
    assert "<img" not in str(panel.snapshot())


def test_it_keeps_the_queues_read_while_it_is_open(handle: FakeHandle) -> None:
    panel = QueueBoard(handle)
    assert handle.kept == 1
    assert repr(panel) == "<Queue board of fake: 1 queues, 0 waiting, 2 agents>"
    panel.close()
    assert (handle.kept, handle.listeners()) == (0, 0)
