"""The dashboard: its parts, one selection over all of them, settings that reach every part, a close that is whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from types import ModuleType
from typing import Any

import ipywidgets
import msgspec
import pytest
import traitlets
from ipywidgets.widgets import widget as ipywidget

import pbxnb
from pbxnb.model.entities import AccountState, CallState, Conversation, LineState, Party
from pbxnb.widgets import Alerts, Dashboard, Rule
from pbxnb.widgets.command_bar import CommandBar
from pbxnb.widgets.dashboard.wall import Wall
from tests.widgets.fakes import HOSTILE, START, FakeHandle, RecordingComm, Wire, account, call, until


class Picture(ipywidgets.Box):  # type: ignore[misc] # ipywidgets publishes no types
    """Stands for a timeline: opaque, with the one trait a board knows of."""

    selected = traitlets.Unicode("")


class Previews(FakeHandle):
    """The command bar asks what it would send; here nothing."""

    def preview(self, name: str, /, *args: Any, **kw: Any) -> Any:
        from pbxnb.errors import BadCommand

        raise BadCommand(f"{name} cannot be shown.")


@pytest.fixture
def handle() -> Previews:
    handle = Previews([account("204", AccountState.BUSY, calls=("1",)), account("205"), account("206")])
    handle.accounts["207"] = account("207", AccountState.BUSY, calls=("2",))
    for key, caller, called in (("1", "+15550100", "204"), ("2", "207", "+15550177")):
        made = call(key, caller, called, conversation=key, extensions=("204" if key == "1" else "207",))
        handle.calls[key] = made
        handle.conversations[key] = Conversation(
            id=key, calls=(key,), from_=Party(number=caller), to=Party(number=called), state=CallState.CONNECTED,
            since=made.since,
        )  # fmt: skip
    return handle


@pytest.fixture
def board(handle: Previews) -> Iterator[Dashboard]:
    made = Dashboard(handle, timeline=Picture, alerts=[Rule("r", lambda pbx: 0)])
    yield made
    made.close()


def settle(board: Dashboard) -> None:
    Wire(board.header).settle()


def picked(board: Dashboard) -> tuple[list[str], list[str], str]:
    settle(board)
    return board.grid.selected, board.calls.selected, board.timeline.selected


def test_it_shows_the_parts_in_order_and_the_console_when_asked(board: Dashboard) -> None:
    parts = (board.badge, board.header, board.alerts, board.grid, board.calls, board.bar, board.timeline)
    assert board.children == parts
    board.show_console = True
    settle(board)
    assert board.children == (*parts, board.console)
    assert board.header._state()["shown"] == ["timeline", "console"]


def test_marimo_lays_the_same_panels_out_itself(board: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    marimo: Any = ModuleType("marimo")
    marimo.hstack = marimo.vstack = lambda items, **_: items
    marimo.accordion = lambda items: items
    monkeypatch.setitem(sys.modules, "marimo", marimo)
    assert board._display_() == [
        board.badge, board.alerts, [board.grid, board.calls], board.bar, board.timeline, {"Console": board.console}
    ]  # fmt: skip


def test_a_board_opens_one_model_and_one_layout_a_part(handle: Previews) -> None:
    board = Dashboard(handle, alerts=[Rule("r", lambda pbx: 0)], wallboard=True)
    opened = [data["state"]["_model_name"] for _, kind, data, _ in RecordingComm.sent if kind == "comm_open"]
    parts = [board, *board.children, board.console]
    assert sorted(opened) == sorted(["VBoxModel", *["AnyModel"] * (len(parts) - 1), *["LayoutModel"] * len(parts)])


async def test_a_whole_board_of_50_extensions_opens_at_most_25_comms() -> None:
    pbx = await pbxnb.simulate("empty", extensions=50)
    RecordingComm.sent = []
    board = pbx.dashboard(alerts=[Rule.waiting(orange=20)], show_console=True)
    assert len(pbx.extensions) == 50
    assert sum(kind == "comm_open" for _, kind, _, _ in RecordingComm.sent) <= 25
    board.close()
    await pbx.aclose()


def test_settings_reach_every_part(handle: Previews) -> None:
    board = Dashboard(handle, theme="dark", density="compact")
    parts = [board.badge, board.header, board.grid, board.calls, board.bar, board.console]
    assert {(part.theme, part.density) for part in parts} == {("dark", "compact")}
    board.header.theme = "light"  # as the page does
    assert {part.theme for part in (board, *parts)} == {"light"}


def test_the_kinds_of_its_tiles_are_the_boards_and_what_has_no_tile_is_not_selected(handle: Previews) -> None:
    handle.put(account("205", type="acds"))
    handle.conversations["1"] = msgspec.structs.replace(handle.conversations["1"], to=Party(number="205"))
    with closing(Dashboard(handle, wallboard=True)) as board:
        board.calls.selected = ["1"]
        settle(board)
        assert (board.grid.kinds, board.grid.selected) == (("extensions",), [])
        board.kinds = "all"
        board.calls.selected = []
        board.calls.selected = ["1"]
        settle(board)
        assert (board.grid.kinds, board.grid.selected) == ("all", ["205"])


def test_a_picked_row_lights_its_people_and_its_mark(board: Dashboard) -> None:
    board.calls.selected = ["2"]
    assert picked(board) == (["207"], ["2"], "2")
    board.calls.selected = []
    assert picked(board) == ([], [], "")


def test_a_click_on_the_timeline_selects_the_call_everywhere(board: Dashboard) -> None:
    board.timeline.selected = "1"
    assert picked(board) == (["204"], ["1"], "1")
    assert board.calls.highlighted == ["204"]
    until(lambda: board.bar.call == "1")


def test_a_picked_tile_selects_its_call(board: Dashboard) -> None:
    board.grid.selected = ["207"]
    assert picked(board) == (["207"], ["2"], "2")
    board.grid.selected = ["205"]
    assert picked(board) == (["205"], [], "")


@pytest.mark.parametrize("target", ["205", "207"], ids=["idle", "busy"])
def test_a_call_then_the_tile_to_transfer_it_to_keeps_both(board: Dashboard, target: str) -> None:
    board.calls.selected = ["1"]
    settle(board)
    board.grid.selected = [target]
    assert picked(board) == ([target], ["1"], "1")
    until(lambda: board.bar.call == "1")


def test_a_tile_then_a_call_keeps_both(board: Dashboard) -> None:
    board.grid.selected = ["205"]
    settle(board)
    board.calls.selected = ["1"]
    assert picked(board) == (["205"], ["1"], "1")


def test_why_opens_the_console(board: Dashboard) -> None:
    board.grid.selected = ["204"]
    settle(board)
    assert board.header._state()["why"] == "204"
    wire = Wire(board.header)
    wire.say(why=True)
    until(lambda: board.show_console)
    assert board.console._state()["why"]["number"] == "204"


def test_the_page_switches_parts_and_only_those(board: Dashboard) -> None:
    wire = Wire(board.header)
    wire.say(show="timeline", on=False)
    wire.say(show="closed", on=True)
    until(lambda: not board.show_timeline)
    settle(board)
    assert board.timeline.layout.display == "none"


def test_a_wallboard_takes_no_commands(handle: Previews) -> None:
    board = Dashboard(handle, wallboard=True, show_console=True)
    assert board.bar is None
    assert not any(isinstance(child, CommandBar) for child in board.children)
    assert board.console not in board.children
    assert all(part.wallboard for part in (board.grid, board.calls, board.header))


def test_a_wallboard_has_numbers_and_queues_on_pages_that_turn(handle: Previews) -> None:
    board = Dashboard(handle, wallboard=True, cycle=15.0)
    assert board.numbers in board.children
    assert board.queues in board.children
    wall = next(child for child in board.children if isinstance(child, Wall))
    wire = Wire(wall)
    full = wire.opened()["full"]
    assert ([page for page, _ in full["pages"]], full["cycle"], full["old"]) == (["numbers", "calls"], 15.0, 0.0)
    assert "pbx-page-calls" in board.grid._dom_classes
    wire.hello()
    board.cycle = 0.0
    assert wire.wait(1)[-1]["full"]["cycle"] == 0.0
    handle.become(LineState.RECONNECTING, last_message_at=START)
    until(lambda: wire.batches()[-1].get("part") == {"old": START.timestamp(), "ended": ""})
    handle.become(LineState.CLOSED, why="Closed.")
    until(lambda: wire.batches()[-1].get("part", {}).get("ended", "").startswith("Closed. What you see was true until"))
    assert wire.batches()[-1]["part"]["old"] == 0.0  # an age that stands still would say nothing
    board.close()
    with closing(Dashboard(handle)) as plain:
        assert (plain.numbers, plain.queues) == (None, None)
    assert handle.listeners() == 0


def test_a_lent_timeline_is_a_page_and_is_given_back_as_it_was(handle: Previews) -> None:
    picture = Picture()
    with closing(Dashboard(handle, timeline=picture, wallboard=True)):
        assert "pbx-page-timeline" in picture._dom_classes
    assert picture._dom_classes == ()


def test_a_board_turned_into_a_wallboard_puts_its_commands_away_and_back(board: Dashboard) -> None:
    board.wallboard = True
    settle(board)
    assert board.bar.layout.display == "none"
    board.wallboard = False
    settle(board)
    assert board.bar.layout.display is None


def test_closing_leaves_no_widget_no_watcher_and_what_was_lent(handle: Previews) -> None:
    before = set(ipywidget._instances)
    alerts, picture = Alerts(handle), Picture()
    lent = set(ipywidget._instances) - before
    board = Dashboard(handle, timeline=picture, alerts=alerts)
    board.close()
    board.close()
    assert set(ipywidget._instances) - before == lent
    alerts.close()
    picture.close()
    assert handle.listeners() == handle.kept == 0
    assert not any(picture._trait_notifiers["selected"].values())


def test_a_board_that_cannot_be_made_leaves_nothing_behind(handle: Previews) -> None:
    before = set(ipywidget._instances)

    def fails() -> ipywidgets.Widget:
        raise RuntimeError("no figure")

    with pytest.raises(RuntimeError, match="no figure"):
        Dashboard(handle, timeline=fails)
    assert set(ipywidget._instances) == before
    assert handle.listeners() == handle.kept == 0


def test_it_can_be_read_without_a_front_end(board: Dashboard) -> None:
    assert repr(board).startswith("<Board: Status: Live · acme.example · 204; Alerts of fake: 1 rule, all ok;")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text_in_the_snapshot(handle: Previews, name: str) -> None:
    handle.accounts["205"] = account("205", name=name)
    board = Dashboard(handle)
    html = str(board.snapshot())
    assert "<script" not in html
    assert "<img" not in html
    assert "mathjax_ignore" in html  # a name is no formula: hosts typeset the HTML they show
