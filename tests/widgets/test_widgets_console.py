"""The console: which frames it shows, how each is explained, why a tile looks as it does, and that it stays bounded."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest

from pbxnb.model.changes import Frame
from pbxnb.model.entities import AccountState, Evidence
from pbxnb.protocol.decode import decode
from pbxnb.protocol.messages import Malformed
from pbxnb.widgets.console import Console
from pbxnb.widgets.console.frames import MOST_FIELDS, Wish, explained, kind_of, line, matches
from pbxnb.widgets.grid import ExtensionGrid
from tests.widgets.fakes import HOSTILE, FakeHandle, Wire, account, until

ZONE = ZoneInfo("UTC")
CALLS = {
    "action": "call-state",
    "calls": [{"id": "7711", "from": "<sip:204@a>", "to": "<sip:207@a>", "state": "alerting"}],
}
USER = {"action": "user-state", "account": "209", "dnd": True, "moon": "full"}


def frame(body: Any, seq: int = 1, direction: Literal["in", "out"] = "in") -> Frame:
    text = body if isinstance(body, str) else json.dumps(body)
    message = decode(text.encode("utf-8", "surrogatepass")) if direction == "in" else None
    return Frame(seq, direction, datetime(2024, 5, 6, 9, tzinfo=UTC), float(seq), 1, text, message)


@pytest.fixture
def handle() -> FakeHandle:
    return FakeHandle([account("207", AccountState.RINGING, name="Ann Lee")])


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (frame(CALLS), "call-state"),
        (frame({"action": "from-mars"}), "from-mars"),
        (frame("{"), "malformed"),
        (frame({"action": "get-calls"}, direction="out"), "get-calls"),
        (frame("no json", direction="out"), "?"),
    ],
)
def test_every_frame_has_a_kind(made: Frame, kind: str) -> None:
    assert kind_of(made) == kind
    assert line(made, ZONE)[3] == kind


@pytest.mark.parametrize(
    ("wish", "wanted"),
    [
        (Wish(), True),
        (Wish(direction="in"), True),
        (Wish(direction="out"), False),
        (Wish(kinds=frozenset({"call-state"})), True),
        (Wish(kinds=frozenset({"chat"})), False),
        (Wish(account="207"), True),
        (Wish(account="20"), False),
        (Wish(call="7711"), True),
        (Wish(call="7711", account="999"), False),
        (Wish(words=("alerting", "sip:204")), True),
        (Wish(words=("alerting", "sip:999")), False),
    ],
)
def test_frames_are_chosen_by_direction_kind_account_call_and_words(wish: Wish, wanted: bool) -> None:
    assert matches(frame(CALLS), wish) is wanted


def test_what_we_send_is_chosen_by_its_numbers_and_ids_too() -> None:
    sent = frame({"action": "blind-transfer2", "id": "7711", "from": "204", "to": "209"}, direction="out")
    assert matches(sent, Wish(account="209", call="7711"))
    assert not matches(sent, Wish(call="7712"))


def test_each_field_is_explained_and_an_unknown_one_is_marked() -> None:
    rows = {row[0]: row[1:] for row in explained(frame(USER), ZONE)["rows"]}
    assert rows["dnd"] == ["true", "Do not disturb; in a user-state, absent keeps the old value.", "", "A", "6.3"]
    assert rows["moon"] == ['"full"', "", "", "", ""]


def test_the_fields_of_lists_are_explained_with_their_index() -> None:
    rows = {row[0]: row[1:] for row in explained(frame(CALLS), ZONE)["rows"]}
    assert rows["calls[0].id"][0] == '"7711"'
    assert rows["calls[0].state"][4] == "7.1"


def test_what_we_send_is_explained_from_the_register() -> None:
    told = explained(frame({"action": "rec-call", "id": "7", "startstop": "on"}, direction="out"), ZONE)
    rows = {row[0]: row[2] for row in told["rows"]}
    assert told["section"] == "4.17"
    assert rows["startstop"].startswith("What we send")


def test_an_unknown_message_and_a_broken_one_say_so() -> None:
    assert explained(frame({"action": "from-mars", "x": None}), ZONE)["meaning"] == ""
    told = explained(frame("{broken"), ZONE)
    assert told["reason"]
    assert told["rows"] == []


def test_the_credentials_of_a_calls_media_are_not_shown() -> None:
    sdp = "v=0\\r\\na=ice-pwd:Zq1secret\\r\\na=fingerprint:sha-256 Zq1secret"
    shown = frame(f'{{"sdp": "{sdp}", "callid": "1@pbx"}}')
    assert "Zq1secret" not in json.dumps([line(shown, ZONE), explained(shown, ZONE)])


def test_a_huge_frame_is_cut() -> None:
    many = explained(frame({"action": "x", "list": list(range(10_000))}), ZONE)
    assert len(many["rows"]) == MOST_FIELDS
    assert many["more"]
    deep = explained(frame('{"a":' + "[" * 500 + "]" * 500 + "}"), ZONE)
    assert len(deep["rows"]) <= 1
    long = explained(frame({"action": "x", "text": "y" * 300_000}), ZONE)
    assert long["cut"]
    assert len(long["text"]) == 200_000


def test_frames_come_as_they_pass_and_the_newest_are_there_at_first(handle: FakeHandle) -> None:
    for seq in range(1, 401):
        handle.recent_frames.append(frame(USER, seq))
    console = Console(handle)
    wire = Wire(console)
    lines = wire.opened()["full"]["lines"]
    assert [lines[0][0], lines[-1][0], len(lines)] == [101, 400, 300]
    wire.hello()
    until(lambda: console.viewed)
    handle.frame(frame(CALLS, 401))
    assert wire.wait(1)[0]["part"] == {"more": [line(frame(CALLS, 401), ZONE)], "skipped": 0}


def test_frames_between_the_creation_and_the_first_view_are_not_missing(handle: FakeHandle) -> None:
    wire = Wire(Console(handle))
    handle.frame(frame(CALLS, 1))
    wire.hello()
    assert [one[0] for one in wire.wait(1)[0]["part"]["lines"]] == [1]


def test_a_burst_is_cut_to_what_can_be_read_and_counted(handle: FakeHandle) -> None:
    console = Console(handle)
    wire = Wire(console)
    wire.hello()
    handle.frame(frame(USER, 1))
    wire.say(ack=wire.wait(1)[-1]["n"])
    before = len(wire.batches())
    with console._lock:
        for seq in range(2, 5002):
            handle.frame(frame(USER, seq))
    part = wire.wait(before + 1)[before]["part"]
    assert len(part["more"]) == 25
    assert part["more"][-1][0] == 5001
    assert part["skipped"] == 5000 - 25


def test_a_paused_view_stands_still_and_goes_on_with_the_newest(handle: FakeHandle) -> None:
    handle.recent_frames.append(frame(USER, 1))
    console = Console(handle)
    wire = Wire(console)
    wire.hello()
    console.paused = True
    paused = wire.wait(1)[-1]
    assert [one[0] for one in paused["part"]["lines"]] == [1]
    wire.say(ack=paused["n"])
    handle.frame(frame(CALLS, 2))
    console.filter = "action"
    still = wire.wait(2)[-1]
    assert [one[0] for one in still["part"]["lines"]] == [1]
    wire.say(ack=still["n"])
    console.paused = False
    assert [one[0] for one in wire.wait(3)[-1]["part"]["lines"]] == [1, 2]


def test_a_filter_searches_everything_that_is_kept(handle: FakeHandle) -> None:
    handle.recent_frames += [frame(CALLS, 1), *(frame(USER, seq) for seq in range(2, 500))]
    console = Console(handle)
    wire = Wire(console)
    wire.hello()
    console.set_state({"kinds": ["call-state"]})
    assert [one[0] for one in wire.wait(1)[-1]["part"]["lines"]] == [1]


def test_a_frame_is_explained_on_request_or_said_to_be_gone(handle: FakeHandle) -> None:
    handle.recent_frames += [frame(USER, 5), frame(CALLS, 7)]
    wire = Wire(Console(handle))
    wire.hello()
    wire.say(show=7)
    assert wire.wait(1)[-1]["part"]["detail"]["section"] == "6.1"
    wire.say(show=6)
    until(lambda: wire.batches()[-1]["part"].get("detail") == {"gone": 6})


@pytest.mark.parametrize("simulated", [True, False])
def test_reasons_and_frames_are_told_on_one_clock(handle: FakeHandle, simulated: bool) -> None:
    handle.simulated = simulated
    passed = frame(CALLS, seq=7)
    handle.frame(passed)
    stamped = datetime(2024, 5, 6, 17, tzinfo=UTC) if simulated else passed.received
    handle.evidence["207"] = (
        Evidence("state", "state.ringing", 7, stamped),
        Evidence("registered", "snapshot", 0, stamped),
    )
    console = Console(handle)
    console.why("207")
    state = console._state()
    framed, unframed = (row[-1] for row in state["why"]["rows"])
    assert framed == state["lines"][0][2]
    assert unframed == ("" if simulated else framed)


def test_why_is_this_tile_red(handle: FakeHandle) -> None:
    at = datetime(2024, 5, 6, 9, tzinfo=UTC)
    handle.evidence["207"] = (
        Evidence("state", "state.ringing", 7, at, detail="7711"),
        Evidence("dnd", "made.up", 0, at, inferred=True),
    )
    grid = ExtensionGrid(handle)
    console = Console(handle, grid=grid)
    wire, tiles = Wire(console), Wire(grid)
    wire.hello()
    tiles.hello()
    tiles.say(action="why", number="207")
    why = wire.wait(1)[-1]["part"]["why"]
    assert (why["number"], why["name"], why["state"]) == ("207", "Ann Lee", "ringing")
    ringing, invented = why["rows"]
    assert ringing[:5] == [
        "state",
        "A call that rings names the account, and the account did not start it.",
        "protocol.md 7.1",
        7,
        False,
    ]
    assert invented[1] == "made.up"
    wire.say(why="999")
    until(lambda: wire.batches()[-1]["part"].get("why", {}).get("number") == "999")
    assert wire.batches()[-1]["part"]["why"]["rows"] == []


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_frames_are_short_text(name: str, handle: FakeHandle) -> None:
    nasty = frame({"action": name, name: name}, 1)
    handle.recent_frames.append(nasty)
    console = Console(handle)
    (told,) = Wire(console).opened()["full"]["lines"]
    assert len(told[3]) <= 40
    assert len(told[5]) <= 160
    assert all(len(cell) <= 300 for row in explained(nasty, ZONE)["rows"] for cell in row)
    assert "<script" not in console.snapshot()
    assert "<img" not in console.snapshot()


def test_close_leaves_nothing(handle: FakeHandle) -> None:
    grid = ExtensionGrid(handle)
    console = Console(handle, grid=grid)
    assert repr(console) == "<Console of fake: 0 recent frames>"
    console.close()
    assert grid._actions.listeners == ()
    grid.close()
    assert handle.listeners() == 0


def test_a_large_frame_that_could_not_be_read_is_shown_by_its_beginning_with_its_true_size() -> None:
    made = Frame(1, "in", datetime(2024, 5, 6, tzinfo=UTC), 1.0, 1, '{"action', Malformed(reason="No.", size=2_100_000))
    assert line(made, ZONE)[3:5] == ["malformed", 2_100_000]
    assert explained(made, ZONE)["cut"]
