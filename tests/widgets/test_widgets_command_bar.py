"""The command bar: what it offers and why not, what it would send, that it asks first, and how it tells the outcome."""

from __future__ import annotations

import threading
from typing import Any

import ipywidgets
import msgspec
import pytest
from ipywidgets.widgets import widget as ipywidget

from pbxnb.errors import BadCommand
from pbxnb.model.effects import call_ref
from pbxnb.model.entities import Call, CallState, Conversation, LineState, Orbit, Parked, Party, Queue
from pbxnb.protocol.commands import COMMANDS, Context, Situation, plan, preview
from pbxnb.widgets.call_list import CallList
from pbxnb.widgets.command_bar import CommandBar
from pbxnb.widgets.command_bar import attended as steps
from pbxnb.widgets.command_bar.attended import Attended, Prepared
from pbxnb.widgets.command_bar.choices import LABELS
from pbxnb.widgets.grid import ExtensionGrid
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
        return call_ref(found) if isinstance(found, Call) else value

    def preview(self, name: str, /, *args: Any, **kw: Any) -> Any:
        context = Context(domain=self.domain, user=self.user, account=kw.pop("account", ""))
        on_call = COMMANDS[name].arguments[0].kind == "call"
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


def shown(bar: CommandBar) -> dict[str, Any]:
    """What the page knows: the state it was given, and every batch since, merged as bar_state.js does."""
    state = Wire(bar).opened()["full"]
    for batch in Wire(bar).batches():
        if "full" in batch:
            state = batch["full"]
        for name, value in batch.get("part", {}).items():
            if name in ("why", "calls") and name in state:
                value = {key: one for key, one in (state[name] | value).items() if one is not None}
            state[name] = value
    return state


def settle(bar: CommandBar) -> None:
    """Let the lane do what it was asked for, with a page that paints whatever comes at once."""
    wire = Wire(bar)
    wire.hello(bar._pacer.number)
    wire.settle()

    def quiet() -> bool:
        if bar._pacer.outstanding and not bar._inbox:
            wire.say(ack=bar._pacer.number)
        wire.settle()
        return not (bar._pacer.outstanding or bar._dirty or bar._inbox)

    until(quiet)


def press(bar: CommandBar, name: str) -> None:
    settle(bar)
    Wire(bar).say(**({"answer": name == "confirm"} if name in ("confirm", "keep") else {"press": name}))
    settle(bar)


def why(bar: CommandBar, name: str) -> str:
    """Why a button cannot be pressed, as the page shows it."""
    reason: str = shown(bar)["why"][name]
    return reason


def listed(handle: Handle) -> tuple[CommandBar, CallList]:
    calls = CallList(handle)
    return CommandBar(handle, calls=calls), calls


# The bar.


def test_every_command_has_a_button_in_the_page_and_each_field_stands_before_its_first_use(handle: Handle) -> None:
    bar = CommandBar(handle)
    rows = shown(bar)["rows"]
    placed = [name for row in rows for name in row]
    assert {name for name in placed if not name.startswith(":")} == set(LABELS)
    assert set(COMMANDS) <= set(placed)
    assert sorted(placed) == sorted(set(placed))
    assert set(shown(bar)["why"]) == set(LABELS) == set(shown(bar)["labels"]) == set(bar.reasons)
    for button, field in (
        ("dial", ":to"),
        ("park", ":orbit"),
        ("queue_login", ":queue"),
        ("chat", ":text"),
        ("forward", ":when"),
    ):
        assert placed.index(field) < placed.index(button)


def test_the_selected_row_decides_what_is_offered(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    settle(bar)
    assert bar.call == ""
    assert why(bar, "hold") != ""
    assert why(bar, "hold") == "Select a call."
    calls.selected = ["1"]
    settle(bar)
    assert bar.call == "1"
    assert why(bar, "hold") == ""
    handle.talk("1", "+15550100", "204", HELD)
    settle(bar)
    assert (why(bar, "hold") != "", why(bar, "resume") != "") == (True, False)


@pytest.mark.parametrize(
    ("state", "from_", "sight"),
    [
        (None, "", ["dial"]),
        (CallState.RINGING, "+15550100", ["answer", "reject", "hangup", "transfer"]),
        (CallState.RINGING, "204", ["hangup", "transfer"]),  # it rings elsewhere: nothing to answer
        (CONNECTED, "+15550100", ["hold", "record", "hangup", "transfer", "park"]),
        (CallState.HELD, "+15550100", ["resume", "hangup", "transfer", "park"]),
        (CallState.PARKED, "+15550100", ["hangup"]),
    ],
)
def test_in_sight_is_what_the_selected_call_allows_whatever_is_typed_and_armed(
    handle: Handle, state: CallState | None, from_: str, sight: list[str]
) -> None:
    bar, calls = listed(handle)
    bar.armed = False
    if state is not None:
        to = "204" if from_ != "204" else "+15550177"
        handle.talk("1", from_, to, state, extensions=("204",))
        calls.selected = ["1"]
    settle(bar)
    assert [name for name in shown(bar)["sight"] if name not in (":picked", ":to", "complete", "cancel")] == sight
    assert set(shown(bar)["labels"]) >= set(sight)


def test_without_a_list_the_bar_has_a_menu_of_calls(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar = CommandBar(handle)
    settle(bar)
    assert shown(bar)["calls"] == {"1": "+15550100 → 204 · connected"}
    bar.picked = "1"
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
    assert shown(bar)["target"] == "209"


def test_a_press_sends_and_tells_the_outcome_with_its_latency(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected = ["1"]
    press(bar, "hold")
    assert handle.commands == [("hold", ("1",), {})]
    assert shown(bar)["outcomes"] == [["✓", "Hold: confirmed in 84 ms. The call is held."]]


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
    ((told, text),) = shown(bar)["outcomes"]
    assert told == mark
    assert text.startswith(words)


def test_a_button_is_busy_while_its_command_is_in_flight(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected, handle.slow = ["1"], Slow()
    press(bar, "hold")
    assert why(bar, "hold") != ""
    assert shown(bar)["busy"] == ["hold"]
    assert "on its way" in why(bar, "hold")
    Wire(bar).say(press="hold")  # two more clicks, saved up by a blocked kernel
    press(bar, "hold")
    assert len(handle.commands) == 1
    handle.slow.end(Outcome())
    settle(bar)
    assert shown(bar)["busy"] == []


@pytest.mark.parametrize("error", [BadCommand("That cannot be."), RuntimeError("a bug")])
def test_an_error_is_shown_in_the_bars_own_strip(handle: Handle, error: Exception) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected, handle.outcome = ["1"], error
    press(bar, "hold")
    assert any(str(error) in text for text in bar._errors)
    assert why(bar, "hold") == ""


def test_a_destructive_command_asks_and_is_sent_on_a_yes_only(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected = ["1"]
    press(bar, "hangup")
    assert handle.commands == []
    assert shown(bar)["question"] == ["hangup", "Hang up +15550100 → 204 Jo Field", "The call ends."]
    assert shown(bar)["preview"]["json"].endswith('{"hangup":"1"}')
    press(bar, "keep")
    assert shown(bar)["question"] is None
    press(bar, "confirm")  # nothing is asked any more
    assert handle.commands == []
    press(bar, "hangup")
    press(bar, "confirm")
    assert handle.commands == [("hangup", ("1",), {})]


def test_the_answer_to_a_question_counts_only_while_its_call_lives(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected = ["1"]
    press(bar, "hangup")
    with bar._lock:
        handle.drop("calls", "1")
        Wire(bar).say(answer=True)
    settle(bar)
    assert handle.commands == []
    assert shown(bar)["question"] is None


def test_a_bar_disarmed_under_a_question_sends_nothing(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected = ["1"]
    press(bar, "hangup")
    bar.armed = False
    press(bar, "confirm")
    assert handle.commands == []
    assert "was not sent" in shown(bar)["outcomes"][0][1]


def test_a_question_does_not_wait_for_ever(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected = ["1"]
    press(bar, "hangup")
    assert bar._question is not None
    done = threading.Event()
    question = bar._question
    bar._ticket.call(lambda: (bar._paint(question[2] + 1), done.set()))
    assert done.wait(5)
    assert bar._question is None


def test_the_switch_is_on_where_simulated_off_where_real_and_dead_without_control() -> None:
    assert CommandBar(Handle()).armed
    real = CommandBar(Handle(simulated=False))
    assert not real.armed
    assert "not armed" in why(real, "dial")
    real.armed = True
    assert real.reasons["dial"].startswith("Type a number")
    looking = CommandBar(Handle(control=False))
    assert "control=True" in shown(looking)["locked"]
    looking.armed = True
    assert not looking.armed
    assert all(shown(looking)["why"].values())
    assert "control=True" in why(looking, "dial")


def test_a_disarmed_bar_sends_nothing_even_for_a_click_that_was_on_its_way(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected = ["1"]
    bar.armed = False
    bar.request("hold")
    settle(bar)
    assert handle.commands == []
    assert "not armed" in shown(bar)["outcomes"][0][1]


def test_what_will_be_sent_is_shown_before_in_three_languages_also_when_nothing_may_be_sent() -> None:
    handle = Handle(control=False)
    handle.talk("d41c@pbx", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected = ["d41c@pbx"]
    Wire(bar).hello()
    Wire(bar).say(preview="hold")
    settle(bar)
    told = shown(bar)["preview"]
    assert told["name"] == "hold"
    assert told["json"] == 'POST /rest/user/204@acme.example/calls {"remote-hold":"d41c@pbx"}'
    assert told["python"] == "await pbx.hold('d41c@pbx')"
    assert "fetch" in told["javascript"]
    assert told["effect"] == "The call is held by 204."
    assert handle.commands == []


def test_a_preview_that_lacks_something_says_what(handle: Handle) -> None:
    bar = CommandBar(handle)
    Wire(bar).hello()
    Wire(bar).say(preview="dial")
    settle(bar)
    assert shown(bar)["preview"]["problem"].startswith("Type a number")
    bar.to = "not a number at all"
    settle(bar)
    assert "cannot be dialled" in shown(bar)["preview"]["problem"]


def test_a_line_that_is_down_disables_everything(handle: Handle) -> None:
    bar = CommandBar(handle)
    bar.to = "209"
    settle(bar)
    assert why(bar, "dial") == ""
    handle.become(LineState.RECONNECTING)
    settle(bar)
    assert why(bar, "dial") == "The line is not live."


def test_fields_make_dial_chat_queue_dnd_park_retrieve_record_and_send(handle: Handle) -> None:
    handle.queues["700"] = Queue(number="700", name="Sales")
    handle.orbits["71"] = Orbit(number="71")
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected = ["1"]
    bar.to, bar.text, bar.frame = "209", "Hello", '{"action": "get-calls"}'
    bar.when = "busy"
    for act in ("dial", "chat", "queue_login", "queue_logout", "dnd", "forward", "forward_off", "park", "record"):
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
        ("forward", ("209",), {"when": "busy", "account": "204"}),
        ("forward", (None,), {"when": "busy", "account": "204"}),
        ("park", ("1", "71"), {}),
        ("record", ("1", True), {}),
        ("retrieve", ("71",), {}),
        ("send", ({"action": "get-calls"},), {}),
    ]


def test_the_menus_keep_what_was_chosen(handle: Handle) -> None:
    handle.orbits |= {"71": Orbit(number="71"), "72": Orbit(number="72")}
    bar = CommandBar(handle)
    bar.orbit = "72"
    handle.put(Orbit(number="71", parked=(Parked(call="1"),)))
    settle(bar)
    assert shown(bar)["orbits"] == [["71", "Orbit 71 · taken"], ["72", "Orbit 72 · free"]]
    assert bar.orbit == "72"


# Attended transfer.


def test_attended_in_three_visible_steps(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected, bar.to = ["1"], "209"
    press(bar, "consult")
    assert handle.commands == [("hold", ("1",), {"account": "204"}), ("dial", ("209",), {"account": "204"})]
    assert shown(bar)["attended"]["at"] == 0
    handle.talk("1", "+15550100", "204", HELD)
    handle.talk("2", "204", "209", RINGING)
    settle(bar)
    assert shown(bar)["attended"]["at"] == 1
    assert shown(bar)["attended"]["lines"] == ["+15550100 is on hold", "209 rings"]
    assert "not answered" in why(bar, "complete")
    handle.talk("2", "204", "209")
    settle(bar)
    assert shown(bar)["attended"]["at"] == 2
    press(bar, "complete")
    name, (first, second), kw = handle.commands[-1]
    assert (name, first, second.id, kw) == ("transfer", "1", "2", {"account": "204"})
    assert shown(bar)["attended"] is None


def test_going_back_ends_the_consultation_and_resumes_the_first_call(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204", HELD)
    bar, calls = listed(handle)
    calls.selected, bar.to = ["1"], "209"
    press(bar, "consult")
    handle.talk("2", "204", "209", RINGING)
    settle(bar)
    press(bar, "cancel")
    assert [(name, args[0]) for name, args, _ in handle.commands] == [("dial", "209"), ("hangup", "2"), ("resume", "1")]
    assert shown(bar)["attended"] is None


def test_a_consultation_that_could_not_begin_is_none(handle: Handle) -> None:
    handle.talk("1", "+15550100", "204")
    bar, calls = listed(handle)
    calls.selected, bar.to = ["1"], "209"
    handle.outcome = Outcome(status="refused", why="403")
    press(bar, "consult")
    assert [name for name, _, _ in handle.commands] == ["hold"]
    assert shown(bar)["attended"] is None


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
    grid, calls = ExtensionGrid(handle, kinds="all"), CallList(handle)
    bar = CommandBar(handle, grid=grid, calls=calls)
    tiles, rows = Wire(grid), Wire(calls)
    tiles.hello()
    rows.hello()
    tiles.say(action="drop", number="209", call="1")
    until(lambda: bar._question is not None)
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
    assert shown(bar)["focus"] == [1, "to"]
    assert any("Type a number" in text for _, text in shown(bar)["outcomes"])


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
    until(lambda: bar._question is not None)
    settle(bar)
    assert shown(bar)["question"][1] == "Hang up +15550100 → 204 Person 204"


def test_dnd_on_a_tile_is_that_of_its_account_not_of_ours(handle: Handle) -> None:
    grid = ExtensionGrid(handle, kinds="all")
    bar = CommandBar(handle, grid=grid)
    handle.put(account("71", type="orbits"))
    tiles = Wire(grid)
    tiles.hello()
    tiles.say(action="dnd", number="209")
    until(lambda: len(handle.commands) == 1)
    tiles.say(action="dnd", number="71")
    until(lambda: bool(bar._outcomes))
    settle(bar)
    assert "71 is no extension." in shown(bar)["outcomes"][0][1]
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
    bar.picked = "1"
    settle(bar)
    assert all(len(part) <= 60 for part in shown(bar)["subject"])
    menus = [*shown(bar)["calls"].items(), *shown(bar)["orbits"], *shown(bar)["queues"]]
    assert all(len(label) <= 90 for _, label in menus)
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
    assert bar.theme == "dark"
    assert ipywidgets.VBox([bar]).children == (bar,)
    assert repr(bar) == "<Command bar of fake: 21 commands, armed>"


def test_a_prepared_command_knows_its_call() -> None:
    assert Prepared("hangup", ("7",)).call == "7"
    assert Prepared("dial", ("204",)).call == ""


@pytest.mark.parametrize("step", steps.LABELS)
def test_a_step_whose_parts_are_missing_prepares_nothing(step: str) -> None:
    assert steps.prepared(step, Situation(user="204"), None, {}) is None
    assert steps.why_not(step, Situation(user="204"), None, {}).endswith(".")


# What it costs.


def churn(handle: Handle, ids: range) -> None:
    for number in ids:
        state = HELD if handle.calls[str(number)].state is CONNECTED else CONNECTED
        handle.talk(str(number), f"+1555{number:04}", "204", state)


@pytest.mark.parametrize("own_menu", [False, True], ids=["with a call list", "with a menu of its own"])
def test_changes_of_calls_cost_no_more_than_the_call_list_sends_of_them(handle: Handle, own_menu: bool) -> None:
    """With 200 calls: one that is not on the page costs nothing, and an entry of the menu only itself."""
    for number in range(200):
        handle.talk(str(number), f"+1555{number:04}", "204")
    calls = CallList(handle)
    bar = CommandBar(handle) if own_menu else CommandBar(handle, calls=calls)
    settle(bar)
    Wire(calls).hello(calls._pacer.number)
    Wire(calls).settle()
    before, listed_before, batches = Wire(bar).bytes(), Wire(calls).bytes(), len(Wire(bar).batches())
    churn(handle, range(20))
    settle(bar)
    until(lambda: Wire(calls).bytes() > listed_before)
    cost = Wire(bar).bytes() - before
    assert cost <= 3_700
    if own_menu:
        assert {shown(bar)["calls"][str(number)][-4:] for number in range(20)} == {"held"}
        assert shown(bar)["calls"]["20"].endswith("connected")
    else:
        assert len(Wire(bar).batches()) == batches, "nothing of it is shown here"


def test_what_another_page_was_told_on_asking_is_still_told_to_this_one(handle: Handle) -> None:
    """Differences are only for pages that have what went before; here a call ends just before the other page asks."""
    handle.talk("1", "+15550100", "204")
    handle.talk("2", "+15550101", "204")
    bar = CommandBar(handle)
    settle(bar)
    with bar._lock:
        handle.drop("calls", "2")
        bar.get_state()
    settle(bar)
    assert shown(bar)["calls"] == {"1": "+15550100 → 204 · connected"}


def test_it_is_one_widget_and_its_layout(handle: Handle) -> None:
    before = set(ipywidget._instances)
    bar = CommandBar(handle)
    assert set(ipywidget._instances) - before == {bar.model_id, bar.layout.model_id}


# -- a softphone in the page -------------------------------------------------------------------------------------------


class PhoneInPage:
    """A softphone that takes what it is said to take."""

    def __init__(self, *takes: tuple[str, str]) -> None:
        self._takes = takes
        self.requests: list[tuple[str, ...]] = []

    def takes(self, action: str, call: str = "") -> bool:
        return (action, call) in self._takes

    def request(self, action: str, call: str = "", to: str = "") -> None:
        self.requests.append((action, call, to))


def test_calls_are_dialled_answered_and_held_by_the_softphone_of_the_page_where_there_is_one(handle: Handle) -> None:
    handle.softphones["204"] = phone = PhoneInPage(("dial", ""), ("answer", "c1"), ("hold", "c1"))
    bar = CommandBar(handle, to="207")
    press(bar, "dial")
    handle.talk("c1", "207", "204", RINGING)
    bar.picked = "c1"
    press(bar, "answer")
    handle.talk("c1", "207", "204", CONNECTED)
    press(bar, "hold")
    assert phone.requests == [("dial", "", "207"), ("answer", "c1", ""), ("hold", "c1", "")]
    assert handle.commands == []
    Wire(bar).say(preview="dial")
    settle(bar)
    assert "softphone" in shown(bar)["preview"]["effect"]
    press(bar, "hangup")
    press(bar, "confirm")
    assert [name for name, _, _ in handle.commands] == ["hangup"]
    bar.close()


def test_a_consultation_of_the_softphone_holds_and_dials_there(handle: Handle) -> None:
    handle.softphones["204"] = phone = PhoneInPage(("hold", "c1"), ("dial", ""))
    handle.talk("c1", "207", "204")
    bar = CommandBar(handle, to="209", picked="c1")
    press(bar, "consult")
    assert phone.requests == [("hold", "c1", ""), ("dial", "", "209")]
    bar.close()


def test_what_the_softphone_does_not_take_goes_to_the_pbx(handle: Handle) -> None:
    handle.softphones["204"] = phone = PhoneInPage()
    bar = CommandBar(handle, to="207")
    press(bar, "dial")
    assert (phone.requests, [name for name, _, _ in handle.commands]) == ([], ["dial"])
    bar.close()
