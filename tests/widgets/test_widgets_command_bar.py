"""The command bar: what it offers and why not, what it would send, that it asks first, and how it tells the outcome."""

from __future__ import annotations

import threading
from typing import Any

import ipywidgets
import msgspec
import pytest
from ipywidgets.widgets import widget as ipywidget

from pbxnb.errors import BadCommand
from pbxnb.model.entities import Account, Agent, Call, CallState, Conversation, Orbit, Parked, Party, Queue
from pbxnb.model.status import LineState
from pbxnb.protocol.commands import CallRef, Context, plan, preview
from pbxnb.widgets.attended import Attended
from pbxnb.widgets.call_list import CallList
from pbxnb.widgets.command_bar import CommandBar
from pbxnb.widgets.enabling import ACTS, Situation, acting, parse_frame, why_not
from pbxnb.widgets.grid import ExtensionGrid
from pbxnb.widgets.orders import Order, order
from tests.widgets.fakes import HOSTILE, FakeHandle, Wire, account, call, until

RINGING, CONNECTED, HELD, PARKED = CallState.RINGING, CallState.CONNECTED, CallState.HELD, CallState.PARKED


class Outcome(msgspec.Struct, kw_only=True):
    status: str = "confirmed"
    effect: str = "The call is held."
    latency: float | None = 0.084
    why: str = ""


class Slow:
    """A command in flight until the test says how it went."""

    def __init__(self) -> None:
        self.outcome: Any = None
        self.tell: Any = None

    def result(self, timeout: float | None = None) -> Any:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome

    def add_done_callback(self, fn: Any) -> None:
        self.tell = lambda: fn(self)

    def done(self) -> bool:
        return self.outcome is not None

    def end(self, outcome: Any) -> None:
        self.outcome = outcome
        self.tell()


class Handle(FakeHandle):
    """A stand-in that previews as the real one does."""

    def __init__(self, *, control: bool = True, simulated: bool = True) -> None:
        people = [account("204", name="Jo Field"), account("207", name="Ann Lee"), account("209", name="Chidi")]
        super().__init__(people, control=control)
        self.simulated = simulated
        self.outcome = Outcome()
        self.slow: Slow | None = None

    def ref(self, value: Any) -> Any:
        found = self.calls.get(value) if isinstance(value, str) else value
        if not isinstance(found, Call):
            return value
        return CallRef(id=found.id, from_=found.from_, to=found.to, extensions=found.extensions, state=str(found.state))

    def preview(self, name: str, /, *args: Any, **kw: Any) -> Any:
        context = Context(domain=self.domain, user=self.user, account=kw.pop("account", ""))
        on_call = name not in ("dial", "retrieve", "dnd", "queue_login", "chat", "send")
        plain = [self.ref(value) if at == 0 and on_call else value for at, value in enumerate(args)]
        plain[1:] = [self.ref(value) if isinstance(value, Call) else value for value in plain[1:]]
        return preview(plan(name, *plain, context=context, **kw))

    def command(self, name: str, /, *args: Any, **kw: Any) -> Any:
        if self.slow is None:
            return super().command(name, *args, **kw)
        self.commands.append((name, args, kw))
        return self.slow

    def talk(self, id_: str, from_: str, to: str, state: CallState = CONNECTED, **fields: Any) -> Call:
        """Add a call and its conversation."""
        made = call(id_, from_, to, state, conversation=id_, **fields)
        talk = Conversation(id=id_, calls=(id_,), from_=made.from_, to=made.to, state=state, since=made.since)
        self.calls[id_] = made
        self.put(made, talk)
        return made


@pytest.fixture
def handle() -> Handle:
    return Handle()


def settle(bar: CommandBar) -> None:
    Wire(bar.notes).settle()
    done = threading.Event()
    bar._ticket.call(lambda: (bar._paint(0.0), done.set()))
    assert done.wait(5)


def press(bar: CommandBar, act: str) -> None:
    button = {"confirm": bar.parts.confirm, "keep": bar.parts.keep}.get(act) or bar.buttons[act]
    button.click()
    settle(bar)


def listed(handle: Handle) -> tuple[CommandBar, CallList]:
    calls = CallList(handle)
    return CommandBar(handle, calls=calls), calls


# What can be done, as pure rules.


def offered(**fields: Any) -> set[str]:
    return {act for act, why in why_not(Situation(user="204", **fields)).items() if not why}


@pytest.mark.parametrize(
    ("state", "acts"),
    [
        (RINGING, {"answer", "reject", "pickup", "hangup"}),
        (CONNECTED, {"hold", "record", "hangup"}),
        (HELD, {"resume", "hangup"}),
        (PARKED, {"hangup"}),
        (CallState.OTHER, {"hangup"}),
    ],
)
def test_what_a_call_allows_follows_from_its_state(state: CallState, acts: set[str]) -> None:
    assert offered(call=call("1", "+15550100", "207", state, extensions=("207",))) == acts


def test_a_target_an_orbit_and_a_text_open_what_needs_them() -> None:
    connected = call("1", "+15550100", "204", extensions=("204",))
    assert offered(call=connected, target="209") >= {"transfer", "consult", "dial"}
    assert "park" in offered(call=connected, orbit=Orbit(number="71"))
    assert "park" not in offered(call=connected, orbit=Orbit(number="71", parked=(Parked(call="2"),)))
    assert offered(orbit=Orbit(number="71", parked=(Parked(call="2"),))) == {"retrieve"}
    assert offered(orbit=Orbit(number="71", source="unavailable")) == {"retrieve"}
    assert offered(target="209", text="hello") == {"dial", "chat"}
    assert offered(frame='{"action": "get-calls"}') == {"send"}


@pytest.mark.parametrize(
    ("agent", "acts"),
    [
        (Agent(number="204", logged_in=True), {"queue_logout"}),
        (Agent(number="204", logged_in=False), {"queue_login"}),
        (Agent(number="204"), {"queue_login", "queue_logout"}),
        (Agent(number="999"), set()),
    ],
)
def test_a_queue_is_entered_or_left_as_its_list_of_agents_says(agent: Agent, acts: set[str]) -> None:
    assert offered(queue=Queue(number="700", agents=(agent,)), acts_as=account("204")) == {"dnd"} | acts


@pytest.mark.parametrize(
    ("fields", "act", "why"),
    [
        ({"control": False}, "hangup", "control=True"),
        ({"armed": False}, "dial", "not armed"),
        ({"live": False}, "dial", "not live"),
        ({}, "hold", "Select a call."),
        ({"several": True}, "hold", "Select one"),
        ({"call": call("1", "a", "b", HELD)}, "hold", "is on hold"),
        ({"call": call("1", "204", "+1555", RINGING, extensions=("204",))}, "answer", "goes out"),
        ({"call": call("1", "209", "204", RINGING)}, "pickup", "answer it"),
        ({"call": call("1", "209", "204"), "target": "209"}, "transfer", "already in this call"),
        ({"call": call("1", "209", "204")}, "transfer", "Type a number"),
        ({"orbit": Orbit(number="71")}, "retrieve", "Nothing is parked"),
        ({"frame": "[1]"}, "send", "one JSON object"),
        ({"frame": "{"}, "send", "no JSON"),
        ({"consulting": True, "consulted": RINGING}, "complete", "not answered yet"),
        ({"consulting": True}, "complete", "not come up"),
        ({"busy": frozenset({"dial"}), "target": "1"}, "dial", "on its way"),
        ({"acts_as": account("700", type="acds")}, "dnd", "no extension"),
    ],
)
def test_what_cannot_be_done_says_why(fields: dict[str, Any], act: str, why: str) -> None:
    reason = why_not(Situation(user="204", **fields))[act]
    assert why in reason
    assert reason.endswith(".")


def test_a_ringing_call_is_answered_by_a_phone_that_rings() -> None:
    ringing = call("1", "204", "207", RINGING)
    assert acting("answer", ringing, "204") == "207"
    assert acting("answer", ringing, "207") == "207"
    assert acting("hangup", ringing, "204") == ""


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "{'a': 1}", "[" * 100_000])
def test_a_frame_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="frame"):
        parse_frame(text)


@pytest.mark.parametrize("act", ACTS)
def test_an_act_whose_parts_are_missing_is_no_order(act: str) -> None:
    assert order(act, Situation(user="204")) is None


# The bar.


def test_every_act_has_a_button_that_a_page_can_find_by_its_command(handle: Handle) -> None:
    bar = CommandBar(handle)
    for act in ACTS:
        assert f"pbx-cmd-{act}" in bar.buttons[act]._dom_classes
    assert "pbxnb" in bar._dom_classes


def test_the_selected_row_decides_what_is_offered(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    settle(bar)
    assert bar.call == ""
    assert bar.buttons["hold"].disabled
    assert bar.buttons["hold"].tooltip == "Select a call."
    calls.selected = ["1"]
    settle(bar)
    assert bar.call == "1"
    assert not bar.buttons["hold"].disabled
    handle.talk("1", "+15550100", "204", HELD)
    settle(bar)
    assert (bar.buttons["hold"].disabled, bar.buttons["resume"].disabled) == (True, False)


def test_without_a_list_the_bar_has_a_menu_of_calls(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar = CommandBar(handle)
    assert [value for _, value in bar.parts.pick.options] == ["", "1"]
    bar.parts.pick.value = "1"
    settle(bar)
    assert bar.call == "1"


def test_a_selected_tile_gives_its_only_call_and_else_the_target(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    handle.put(account("204", calls=("1",)))
    grid, calls = ExtensionGrid(handle), CallList(handle)
    bar = CommandBar(handle, grid=grid, calls=calls)
    grid.selected = ["204"]
    settle(bar)
    assert bar.call == "1"
    calls.selected, grid.selected = ["1"], ["209"]
    settle(bar)
    assert bar.call == "1"
    assert bar.buttons["transfer"].tooltip == "To 209"


def test_a_press_sends_and_tells_the_outcome_with_its_latency(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected = ["1"]
    press(bar, "hold")
    assert handle.commands == [("hold", ("1",), {})]
    assert bar.notes.told("outcomes") == [("✓", "Hold: confirmed in 84 ms. The call is held.")]


@pytest.mark.parametrize(
    ("outcome", "mark", "words"),
    [
        (Outcome(status="unconfirmed", why="Nothing showed in 5 s.", latency=None), "?", "Hold: unconfirmed. Nothing"),
        (Outcome(status="refused", why="403"), "✗", "Hold: refused in 84 ms. 403"),
        (Outcome(status="unknown", why="The line dropped.", latency=None), "?", "Hold: unknown. The line dropped."),
        (Outcome(status="accepted", effect="", latency=1.5), "✓", "Hold: accepted in 1.5 s"),
    ],
)
def test_every_outcome_is_told(handle: Handle, outcome: Outcome, mark: str, words: str) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected, handle.outcome = ["1"], outcome
    press(bar, "hold")
    ((told, text),) = bar.notes.told("outcomes")
    assert told == mark
    assert text.startswith(words)


def test_a_button_is_busy_while_its_command_is_in_flight(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected, handle.slow = ["1"], Slow()
    press(bar, "hold")
    assert bar.buttons["hold"].disabled
    assert bar.buttons["hold"].description == "Hold …"
    assert "pbx-busy" in bar.buttons["hold"]._dom_classes
    bar.buttons["hold"].click()  # three more clicks, saved up by a blocked kernel
    press(bar, "hold")
    assert len(handle.commands) == 1
    handle.slow.end(Outcome())
    settle(bar)
    assert bar.buttons["hold"].description == "Hold"
    assert "pbx-busy" not in bar.buttons["hold"]._dom_classes


@pytest.mark.parametrize("error", [BadCommand("That cannot be."), RuntimeError("a bug")])
def test_an_error_is_shown_in_the_bars_own_strip(handle: Handle, error: Exception) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected, handle.outcome = ["1"], error
    press(bar, "hold")
    assert any(str(error) in text for text in bar.notes._errors)
    assert not bar.buttons["hold"].disabled


def test_a_destructive_act_asks_in_place_and_a_double_click_says_no(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected = ["1"]
    settle(bar)
    row = bar.parts.rows[0]
    place = row.children.index(bar.buttons["hangup"])
    press(bar, "hangup")
    assert handle.commands == []
    assert row.children[place] is bar.parts.keep
    assert row.children[place + 1] is bar.parts.confirm
    assert bar.parts.confirm.description == "Yes, hang up"
    assert bar.notes.told("asking") == ["hangup", "Hang up +15550100 → 204 Jo Field", "The call ends."]
    assert bar.notes.told("preview")["json"].endswith('{"hangup":"1"}')
    press(bar, "keep")
    assert row.children[place] is bar.buttons["hangup"]
    press(bar, "hangup")
    press(bar, "confirm")
    assert handle.commands == [("hangup", ("1",), {})]


def test_the_answer_to_a_question_counts_only_while_its_call_lives(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected = ["1"]
    press(bar, "hangup")
    with bar.notes._lock:
        handle.drop("calls", "1")
        bar.parts.confirm.click()
    settle(bar)
    assert handle.commands == []
    assert bar.parts.keep not in bar.parts.rows[0].children


def test_a_question_does_not_wait_for_ever(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected = ["1"]
    press(bar, "hangup")
    assert bar._asking is not None
    done = threading.Event()
    asked = bar._asking
    bar._ticket.call(lambda: (bar._paint(asked[2] + 1), done.set()))
    assert done.wait(5)
    assert bar._asking is None


def test_the_switch_is_on_where_simulated_off_where_real_and_dead_without_control() -> None:
    assert CommandBar(Handle()).armed
    real = CommandBar(Handle(simulated=False))
    assert not real.armed
    assert "not armed" in real.buttons["dial"].tooltip
    real.armed = True
    assert real.parts.arm.value
    looking = CommandBar(Handle(control=False))
    assert looking.parts.arm.disabled
    looking.armed = True
    assert not looking.armed
    assert all(button.disabled for button in looking.buttons.values())
    assert "control=True" in looking.buttons["dial"].tooltip


def test_a_disarmed_bar_sends_nothing_even_for_a_click_that_was_on_its_way(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected = ["1"]
    bar.armed = False
    bar.request("hold")
    settle(bar)
    assert handle.commands == []
    assert "not armed" in bar.notes.told("outcomes")[0][1]


def test_what_will_be_sent_is_shown_before_in_three_languages_also_when_nothing_may_be_sent() -> None:
    handle = Handle(control=False)
    handle.talk("d41c@pbx", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected = ["d41c@pbx"]
    Wire(bar.notes).hello()
    Wire(bar.notes).say(look="hold")
    settle(bar)
    told = bar.notes.told("preview")
    assert told["act"] == "hold"
    assert told["json"] == 'POST /rest/user/204@acme.example/calls {"remote-hold":"d41c@pbx"}'
    assert told["python"] == "await pbx.hold('d41c@pbx')"
    assert "fetch" in told["javascript"]
    assert told["effect"] == "The call is held by 204."
    assert handle.commands == []


def test_a_preview_that_lacks_something_says_what(handle: Handle) -> None:
    bar = CommandBar(handle)
    Wire(bar.notes).hello()
    Wire(bar.notes).say(look="dial")
    settle(bar)
    assert bar.notes.told("preview")["problem"].startswith("Type a number")
    bar.parts.to.value = "not a number at all"
    settle(bar)
    assert "cannot be dialled" in bar.notes.told("preview")["problem"]


def test_a_line_that_is_down_disables_everything(handle: Handle) -> None:
    bar = CommandBar(handle)
    bar.parts.to.value = "209"
    settle(bar)
    assert not bar.buttons["dial"].disabled
    handle.become(LineState.RECONNECTING)
    settle(bar)
    assert bar.buttons["dial"].tooltip == "The line is not live."


def test_fields_make_dial_chat_queue_dnd_park_retrieve_record_and_send(handle: Handle) -> None:
    handle.queues["700"] = Queue(number="700", name="Sales")
    handle.orbits["71"] = Orbit(number="71")
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected = ["1"]
    bar.parts.to.value, bar.parts.text.value, bar.parts.frame.value = "209", "Hello", '{"action": "get-calls"}'
    for act in ("dial", "chat", "queue_login", "queue_logout", "dnd", "park", "record"):
        press(bar, act)
    handle.put(Orbit(number="71", parked=(Parked(call="1"),)))
    settle(bar)
    press(bar, "retrieve")
    press(bar, "send")
    press(bar, "confirm")
    assert handle.commands == [
        ("dial", ("209",), {}),
        ("chat", ("209", "Hello"), {}),
        ("queue_login", ("700", True), {"account": "204"}),
        ("queue_login", ("700", False), {"account": "204"}),
        ("dnd", (True,), {"account": "204"}),
        ("park", ("1", "71"), {}),
        ("record", ("1", True), {}),
        ("retrieve", ("71",), {}),
        ("send", ({"action": "get-calls"},), {}),
    ]


def test_the_menus_keep_what_was_chosen(handle: Handle) -> None:
    handle.orbits |= {"71": Orbit(number="71"), "72": Orbit(number="72")}
    bar = CommandBar(handle)
    bar.parts.orbit.value = "72"
    handle.put(Orbit(number="71", parked=(Parked(call="1"),)))
    settle(bar)
    assert bar.parts.orbit.options[0][0] == "Orbit 71 · taken"
    assert bar.parts.orbit.value == "72"


# Attended transfer.


def test_attended_in_three_visible_steps(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected, bar.parts.to.value = ["1"], "209"
    press(bar, "consult")
    assert handle.commands == [("hold", ("1",), {"account": "204"}), ("dial", ("209",), {"account": "204"})]
    assert bar.notes.told("attended")["at"] == 0
    handle.talk("1", "+15550100", "204", HELD)
    handle.talk("2", "204", "209", RINGING)
    settle(bar)
    assert bar.notes.told("attended")["at"] == 1
    assert bar.notes.told("attended")["lines"] == ["+15550100 is on hold", "209 rings"]
    assert "not answered" in bar.buttons["complete"].tooltip
    handle.talk("2", "204", "209")
    settle(bar)
    assert bar.notes.told("attended")["at"] == 2
    press(bar, "complete")
    name, (first, second), kw = handle.commands[-1]
    assert (name, first, second.id, kw) == ("transfer", "1", "2", {"account": "204"})
    assert bar.notes.told("attended") is None


def test_going_back_ends_the_consultation_and_resumes_the_first_call(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204", HELD)
    bar, calls = listed(handle)
    calls.selected, bar.parts.to.value = ["1"], "209"
    press(bar, "consult")
    handle.talk("2", "204", "209", RINGING)
    settle(bar)
    press(bar, "cancel")
    assert [(name, args[0]) for name, args, _ in handle.commands] == [("dial", "209"), ("hangup", "2"), ("resume", "1")]
    assert bar.notes.told("attended") is None


def test_a_consultation_that_could_not_begin_is_none(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected, bar.parts.to.value = ["1"], "209"
    handle.outcome = Outcome(status="refused", why="403")
    press(bar, "consult")
    assert [name for name, _, _ in handle.commands] == ["hold"]
    assert bar.notes.told("attended") is None


def test_a_consultation_ends_when_one_of_its_calls_does() -> None:
    first, second = call("1", "+15550100", "204"), call("2", "204", "209", RINGING)
    flow = Attended.begin(first, "209", "204", {"1": first, "9": call("9", "204", "209")})
    assert flow.advance({"1": first, "9": call("9", "204", "209")}).second == ""
    flow = flow.advance({"1": first, "2": second})
    assert flow.second == "2"
    assert "209 has ended" in flow.advance({"1": first}).over
    assert "first call has ended" in flow.advance({"2": second}).over


# Keys and drops.


def test_a_call_dropped_on_a_tile_is_transferred_after_a_yes_and_on_an_orbit_parked(handle: Handle) -> None:
    handle.orbits["71"] = Orbit(number="71")
    handle.put(account("71", type="orbits"))
    handle.talk("1", "+15550100", "204")
    grid, calls = ExtensionGrid(handle), CallList(handle)
    bar = CommandBar(handle, grid=grid, calls=calls)
    tiles, rows = Wire(grid), Wire(calls)
    tiles.hello()
    rows.hello()
    tiles.say(action="drop", number="209", call="1")
    until(lambda: bar._asking is not None)
    press(bar, "confirm")
    tiles.say(action="drop", number="71", call="1")
    until(lambda: len(handle.commands) == 2 and not bar._busy)
    rows.say(act="park", call="1", to="71")
    until(lambda: len(handle.commands) == 3)
    assert handle.commands == [("transfer", ("1", "209"), {}), ("park", ("1", "71"), {}), ("park", ("1", "71"), {})]


def test_keys_on_tiles_and_rows_do_what_the_buttons_do(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204", HELD)
    handle.put(account("204", calls=("1",)))
    grid, calls = ExtensionGrid(handle), CallList(handle)
    bar = CommandBar(handle, grid=grid, calls=calls)
    tiles, rows = Wire(grid), Wire(calls)
    tiles.hello()
    rows.hello()
    tiles.say(action="hold", number="204")
    tiles.say(action="dial", number="209")
    until(lambda: len(handle.commands) == 2 and not bar._busy)
    rows.say(act="resume", call="1", to="")
    rows.say(act="transfer", call="1", to="")
    until(lambda: len(handle.commands) == 3)
    settle(bar)
    assert handle.commands == [("resume", ("1",), {}), ("dial", ("209",), {}), ("resume", ("1",), {})]
    assert bar.notes.told("focus") == [1, "to"]
    assert any("Type a number" in text for _, text in bar.notes.told("outcomes"))


def test_a_key_on_a_tile_means_the_call_it_fits_the_one_the_tile_speaks_of_first(handle: Handle) -> None:
    handle.talk("1", "207", "204", HELD)
    handle.talk("2", "+15550100", "204", RINGING)
    handle.put(account("204", calls=("1", "2")))
    grid = ExtensionGrid(handle)
    bar = CommandBar(handle, grid=grid)
    tiles = Wire(grid)
    tiles.hello()
    tiles.say(action="answer", number="204")
    until(lambda: len(handle.commands) == 1 and not bar._busy)
    tiles.say(action="hold", number="204")
    until(lambda: len(handle.commands) == 2 and not bar._busy)
    assert [(name, args) for name, args, _ in handle.commands] == [("answer", ("2",)), ("resume", ("1",))]
    tiles.say(action="hangup", number="204")
    until(lambda: bar._asking is not None)
    settle(bar)
    assert bar.notes.told("asking")[1] == "Hang up +15550100 → 204 Person 204"


def test_dnd_on_a_tile_is_that_of_its_account_not_of_ours(handle: Handle) -> None:
    grid = ExtensionGrid(handle)
    bar = CommandBar(handle, grid=grid)
    handle.put(account("71", type="orbits"))
    tiles = Wire(grid)
    tiles.hello()
    tiles.say(action="dnd", number="209")
    until(lambda: len(handle.commands) == 1)
    tiles.say(action="dnd", number="71")
    until(lambda: bool(bar.notes.told("outcomes")) and "71 is no extension." in bar.notes.told("outcomes")[0][1])
    assert handle.commands == [("dnd", (True,), {"account": "209"})]


# Safety and life.


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_short_text(name: str, handle: Handle) -> None:
    handle.put(account("204", name=name), Orbit(number="71", name=name), Queue(number="700", name=name))
    hostile = Call(
        id="1", from_=Party(number="5", name=name), to=Party(number="204"), state=CONNECTED, since=handle.status.since
    )
    handle.calls["1"] = hostile
    bar = CommandBar(handle)
    bar.parts.pick.value = "1"
    settle(bar)
    assert all(len(part) <= 60 for part in bar.notes.told("subject"))
    for menu in (bar.parts.pick, bar.parts.orbit, bar.parts.queue):
        assert all(len(label) <= 90 for label, _ in menu.options)
    assert "<script" not in bar.snapshot()


def test_close_leaves_nothing(handle: Handle) -> None:
    before = set(ipywidget._instances)
    grid, calls = ExtensionGrid(handle), CallList(handle)
    bar = CommandBar(handle, grid=grid, calls=calls)
    bar.close()
    bar.close()
    grid.close()
    calls.close()
    assert set(ipywidget._instances) == before
    assert handle.listeners() == 0
    assert handle.kept == 0


def test_it_composes_like_any_widget(handle: Handle) -> None:
    bar = CommandBar(handle, theme="dark")
    assert bar.notes.theme == "dark"
    assert ipywidgets.VBox([bar]).children == (bar,)
    assert repr(bar) == "<Command bar of fake: 19 commands, armed>"


def test_an_order_knows_its_call() -> None:
    assert Order("hangup", ("7",)).needs() == "7"
    assert Order("dial", ("204",)).needs() == ""
    someone: Account | None = None
    assert order("dnd", Situation(user="204", acts_as=someone)) is None
