"""The extension grid: what travels, how little of it, and that names stay text."""

from __future__ import annotations

import asyncio
import itertools
import json
from datetime import timedelta

import msgspec
import pytest
import traitlets

from pbxnb.errors import ConfigError
from pbxnb.model.entities import Account, AccountState, CallState, Party
from pbxnb.ui.timing import Timing
from pbxnb.widgets.grid import ExtensionGrid
from pbxnb.widgets.grid.tiles import columns, make_tile
from tests.widgets.fakes import HOSTILE, START, FakeHandle, Wire, account, call, until

BUSY, IDLE, RINGING = AccountState.BUSY, AccountState.IDLE, AccountState.RINGING


def step(distance: int) -> str:
    """How a batch tells the distance from one changed tile to the next, up to 55,260."""
    return chr(35 + distance)


def board(size: int = 5) -> FakeHandle:
    return FakeHandle(account(str(200 + number)) for number in range(size))


def test_the_state_holds_every_account_in_order_of_number_in_columns() -> None:
    handle = board(3)
    handle.put(account("201", BUSY, dnd=True, registered=True))
    full = Wire(ExtensionGrid(handle)).opened()["full"]
    assert full["numbers"] == ["200", "201", "202"]
    assert full["s"] == "ibi"
    assert [ord(flag) - 48 for flag in full["f"]] == [0, 1 | 4, 0]
    assert full["m"] == [0, "Person 200", 1, "Person 201", 2, "Person 202"]


def test_a_change_of_state_costs_a_few_bytes() -> None:
    handle = board(500)
    wire = Wire(ExtensionGrid(handle))
    wire.hello()
    handle.put(account("250", BUSY), account("260", BUSY))
    (batch,) = wire.wait(1)
    assert batch["part"] == {"i": step(50) + step(10), "s": "bb", "b": batch["part"]["b"], "t": 0}


def test_only_what_differs_from_the_last_batch_is_sent() -> None:
    handle = board()
    wire = Wire(ExtensionGrid(handle))
    wire.hello()
    same = handle.accounts["201"]
    handle.put(account("201", since=same.since, name="Ann"))
    assert wire.wait(1)[0]["part"] == {"i": step(1), "s": "i", "m": [0, "Ann"]}
    handle.put(account("201", since=same.since, name="Ann"))
    wire.settle()
    assert len(wire.batches()) == 1


def test_a_batch_for_a_page_that_may_have_missed_some_carries_whole_rows() -> None:
    handle = board()
    wire = Wire(ExtensionGrid(handle))
    wire.hello()
    for count in range(Timing().ahead + 1):
        handle.put(account("201", (RINGING, BUSY)[count % 2]))
        wire.wait(count + 1)
    merged = wire.batches()[-1]
    assert merged["since"] == 1
    assert merged["part"]["m"] == [0, "Person 201"]
    assert merged["part"]["w"] == [0, ""]


def test_the_budget_of_25_bytes_a_change_at_1000_changes_a_second() -> None:
    """The comm sees 20 batches a second of 50 changes each, as in the benchmark, with 430 bytes of envelope."""
    handle = board(500)
    grid = ExtensionGrid(handle)
    wire = Wire(grid)
    wire.hello()
    states = itertools.cycle((RINGING, BUSY, IDLE))
    changes = 0
    for beat in range(20):
        state = next(states)
        with grid._lock:  # one beat
            for number in range(50):
                handle.put(account(str(200 + (beat * 7 + number * 9) % 500), state))
                changes += 1
        batch = wire.wait(beat + 1)[-1]
        wire.say(ack=batch["n"])
    assert wire.bytes() / changes < 25


def test_an_account_that_comes_or_goes_brings_the_new_list() -> None:
    handle = board(3)
    wire = Wire(ExtensionGrid(handle))
    wire.hello()
    handle.put(account("199"))
    assert wire.wait(1)[-1]["full"]["numbers"] == ["199", "200", "201", "202"]
    wire.say(ack=2)
    handle.drop("accounts", "201")
    assert wire.wait(2)[-1]["full"]["numbers"] == ["199", "200", "202"]


def test_other_party_and_direction_are_seen_from_the_extension() -> None:
    handle = board(3)
    handle.calls["1"] = call("1", "200", "201", CallState.RINGING)
    caller, called = account("200", AccountState.DIALLING, calls=("1",)), account("201", RINGING, calls=("1",))
    assert make_tile(caller, handle.calls, handle.accounts).other == ">i201"
    assert make_tile(called, handle.calls, handle.accounts).other == "<i200"


@pytest.mark.parametrize(
    ("party", "queue", "told"),
    [
        (Party(number="+15550100"), "", "<x+15550100"),
        (Party(number="201", name="Ann"), "", "<i201 Ann"),
        (Party(number="+15550100"), "700", "<q+15550100 · 700"),
        (Party(), "", "<xunknown"),
    ],
)
def test_internal_external_and_queue_calls_are_told_apart(party: Party, queue: str, told: str) -> None:
    handle = board(3)
    handle.calls["1"] = msgspec.structs.replace(call("1", "", "200", queue=queue), from_=party)
    assert make_tile(account("200", BUSY, calls=("1",)), handle.calls, handle.accounts).other == told


def test_several_calls_on_one_tile_are_listed_the_ringing_one_first() -> None:
    handle = board(3)
    handle.calls = {"1": call("1", "200", "555"), "2": call("2", "201", "200", CallState.RINGING, recording=True)}
    row = make_tile(account("200", RINGING, calls=("1", "2", "gone")), handle.calls, handle.accounts)
    assert [line[:2] for line in row.lines] == [("r", "<i201"), ("b", ">x555")]
    assert row.other == "<i201"
    assert ord(row.flags) - 48 == 8


def test_a_change_of_a_call_alone_reaches_the_tiles_of_its_extensions() -> None:
    handle = board(3)
    handle.calls["1"] = call("1", "200", "555", extensions=("200",))
    handle.put(account("200", BUSY, calls=("1",)))
    wire = Wire(ExtensionGrid(handle))
    wire.hello()
    handle.put(call("1", "200", "556", extensions=("200",)))
    assert wire.wait(1)[0]["part"]["o"] == [0, ">x556"]


def test_times_are_seconds_before_the_batch_and_below_zero_where_they_may_be_longer() -> None:
    handle = board(3)
    handle.clock.offset = 3600.0
    now = handle.clock.now()
    handle.put(
        account("200", since=now - timedelta(seconds=600), first_seen=now - timedelta(seconds=8)),  # the PBX said so
        account("201", since=None, first_seen=now - timedelta(seconds=8)),
        account("202", since=None, first_seen=now + timedelta(seconds=8)),
    )
    full = Wire(ExtensionGrid(handle)).opened()["full"]
    assert full["t"] == [600, -9, -1]
    assert full["b"] == pytest.approx(now.timestamp(), abs=5)


def test_the_calls_of_a_tile_have_their_own_times() -> None:
    handle = board(1)
    handle.calls["1"] = call("1", "200", "555", since=START)
    handle.calls["2"] = call("2", "556", "200", CallState.HELD, since=None, first_seen=START)
    handle.put(account("200", BUSY, calls=("1", "2")))
    lines = Wire(ExtensionGrid(handle)).opened()["full"]["l"][1]
    assert [line[2] for line in lines] == [START.timestamp(), -START.timestamp()]


def test_columns_without_differences_are_left_out() -> None:
    tile = make_tile(account("200"), {}, {})
    made = columns([(7, tile, tile)], 0.0)
    assert made == {"i": step(7), "s": "i"}


def test_every_distance_between_tiles_is_a_character_that_can_be_sent() -> None:
    tile = make_tile(account("200"), {}, {})
    told = ""
    for distance in (0, 57, 92, 93, 55_260, 55_261, 99_999):
        made = columns([(distance, tile, tile)], 0.0)["i"]
        assert made == msgspec.json.decode(msgspec.json.encode(made))
        told += made
    assert len(set(told)) == len(told) == 7
    assert told[4:6] == "\ud7ff\ue000"  # what lies between has no place in UTF-8


def test_python_functions_group_choose_and_label() -> None:
    handle = board(3)

    def floor(account: Account) -> str:
        return f"Floor {account.number[-1]}"

    grid = ExtensionGrid(handle, group_by=floor, text=lambda a: f"<b>{a.number}</b>", where=lambda a: a.number != "201")
    full = Wire(grid).opened()["full"]
    assert full["g"] == [0, "Floor 0", 1, "Floor 1", 2, "Floor 2"]
    assert full["u"][1] == "<b>200</b>"
    assert [bool((ord(flag) - 48) & 32) for flag in full["f"]] == [False, True, False]
    assert (grid.group_name, grid.get_state("group_by")["group_by"]) == ("floor", "function")


def test_a_failing_function_of_the_user_is_reported_and_the_board_stays() -> None:
    handle = board(3)
    wire = Wire(ExtensionGrid(handle, text=lambda account: 1 / 0))
    opened = wire.opened()
    assert len(opened["full"]["numbers"]) == 3
    assert opened["e"] == ["text failed: ZeroDivisionError: division by zero"]


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError, pytest.fail.Exception])
def test_whatever_a_function_of_the_user_raises_the_board_stays(error: type[BaseException]) -> None:
    def fails(_: Account) -> str:
        raise error("mine")

    wire = Wire(ExtensionGrid(board(3), text=fails, group_by=fails))
    opened = wire.opened()
    assert len(opened["full"]["numbers"]) == 3
    assert {f"{name} failed: {error.__name__}: mine" for name in ("text", "group_by")} == set(opened["e"])


def test_who_interrupts_the_cell_that_makes_a_board_is_obeyed() -> None:
    def interrupted(_: Account) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ExtensionGrid(board(3), text=interrupted)


def test_an_account_is_left_out_only_where_the_predicate_says_so() -> None:
    wire = Wire(ExtensionGrid(board(3), where=lambda account: account.nope))
    opened = wire.opened()
    assert opened["full"]["f"] == Wire(ExtensionGrid(board(3))).opened()["full"]["f"]
    assert opened["e"][0].startswith("where failed: AttributeError")


def test_a_chat_status_is_told_apart_from_what_the_phone_does() -> None:
    handle = FakeHandle([account("200", chat_status="offline", dnd=True, extra={"reason": "Lunch"})])
    assert Wire(ExtensionGrid(handle)).opened()["full"]["w"] == [0, "Lunch · chat offline"]


def test_the_page_may_choose_the_python_grouping_again() -> None:
    grid = ExtensionGrid(board(3), group_by=lambda account: "x")
    function = grid.group_by
    grid.set_state({"group_by": "type"})
    assert grid.group_by == "type"
    grid.set_state({"group_by": "function"})
    assert grid.group_by is function


@pytest.mark.parametrize("wrong", ["colour", 7, None])
def test_an_unknown_grouping_is_refused_with_what_may_be_given(wrong: object) -> None:
    with pytest.raises(ConfigError, match="department"):
        ExtensionGrid(board(1), group_by=wrong)


@pytest.mark.parametrize(("trait", "wrong"), [("sort", "luck"), ("states", ["angry"]), ("view", "cloud")])
def test_unknown_choices_are_refused(trait: str, wrong: object) -> None:
    with pytest.raises(traitlets.TraitError):
        ExtensionGrid(board(1), **{trait: wrong})


def test_selection_is_a_trait_of_both_sides() -> None:
    grid = ExtensionGrid(board(3))
    seen: list[list[str]] = []
    grid.observe(lambda change: seen.append(change.new), "selected")
    grid.set_state({"selected": ["201"]})
    grid.selected = ["200", "201"]
    assert seen == [["201"], ["200", "201"]]


def test_action_keys_reach_whoever_subscribed_and_nothing_else_does() -> None:
    grid = ExtensionGrid(board(3))
    wire = Wire(grid)
    heard: list[tuple[str, str, str]] = []
    stop = grid.on_action(lambda *what: heard.append(what))
    wire.hello()
    wire.say(action="hangup", number="201")
    wire.say(action="drop", number="202", call="c1")
    wire.say(action="format disk", number="201")
    wire.say(action="hangup", number="nobody")
    wire.say(action=["hangup"], number="201")
    until(lambda: len(heard) == 2)
    stop()
    wire.say(action="hangup", number="201")
    wire.settle()
    assert heard == [("hangup", "201", ""), ("drop", "202", "c1")]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_travel_short_and_as_text(name: str) -> None:
    handle = FakeHandle([account("200", BUSY, name=name, calls=("1",), extra={"department": name}, chat_status=name)])
    handle.calls["1"] = call("1", "200", name)
    grid = ExtensionGrid(handle, group_by=lambda account: name, text=lambda account: name)
    opened = json.dumps(Wire(grid).opened(), ensure_ascii=False)
    assert len(opened) < 2000
    assert "\u202e" not in opened
    html = str(grid.snapshot())
    assert "<script" not in html
    assert "<img" not in html
    assert "<svg" not in html
    assert "<b onmouseover" not in html


def test_the_snapshot_and_the_plain_form_are_readable() -> None:
    handle = board(3)
    handle.put(account("201", BUSY, dnd=True))
    grid = ExtensionGrid(handle)
    assert "in call, do not disturb" in grid.snapshot()._repr_html_()
    assert grid._repr_mimebundle_()[0]["text/plain"] == "Extension grid of fake: 3 extensions, 2 idle, 1 in call"
    handle.put(account("72", type="acds"))
    assert repr(grid) == "<Extension grid of fake: 3 extensions, 2 idle, 1 in call>"
    grid.kinds = "all"
    assert repr(grid) == "<Extension grid of fake: 3 extensions and 1 other account, 3 idle, 1 in call>"


@pytest.mark.parametrize(
    ("kinds", "shown"),
    [
        (None, ["200", "299"]),
        (("extensions",), ["200", "299"]),
        (["orbits", "acds"], ["71", "700"]),
        ("all", ["71", "200", "299", "700", "900"]),
    ],
)
def test_tiles_are_of_the_kinds_asked_for_and_of_extensions_by_default(kinds: object, shown: list[str]) -> None:
    """An account of no told type counts as an extension; a type that nobody knows is a kind of its own."""
    types = {"71": "orbits", "200": "extensions", "299": "", "700": "acds", "900": "gadgets"}
    handle = FakeHandle(account(number, type=type_) for number, type_ in types.items())
    grid = ExtensionGrid(handle, **({} if kinds is None else {"kinds": kinds}))
    assert Wire(grid).opened()["full"]["numbers"] == shown
    assert [number for number in types if grid.shows(number)] == shown
    assert all((f">{number}<" in str(grid.snapshot())) is (number in shown) for number in types)


def test_a_tile_comes_and_goes_with_the_kind_of_its_account_and_with_the_choice_of_kinds() -> None:
    handle = board(2)
    grid = ExtensionGrid(handle)
    wire = Wire(grid)
    wire.hello()
    handle.put(account("201", type="acds"))
    assert wire.wait(1)[-1]["full"]["numbers"] == ["200"]
    handle.put(account("201", BUSY, type="acds"))  # of no concern to the page
    wire.settle()
    assert len(wire.batches()) == 1
    wire.say(ack=wire.batches()[-1]["n"])
    grid.set_state({"kinds": "all"})  # the page's menu
    assert wire.wait(2)[-1]["full"]["numbers"] == ["200", "201"]


@pytest.mark.parametrize("wrong", ["extensions", (), ("extension",), [7], None])
def test_kinds_that_no_pbx_has_are_refused_with_those_that_are(wrong: object) -> None:
    with pytest.raises(ConfigError, match="acds"):
        ExtensionGrid(board(1), kinds=wrong)


def test_five_thousand_extensions_open_in_one_message_within_its_budget() -> None:
    handle = FakeHandle(account(str(number)) for number in range(10_000, 15_000))
    grid = ExtensionGrid(handle)
    opened = Wire(grid).opened()
    assert len(opened["full"]["s"]) == 5000
    assert len(json.dumps(opened, separators=(",", ":"))) < 176_000
