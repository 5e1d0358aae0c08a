"""The call list: what a row says of a conversation, how little travels, when a row goes, what a page may ask."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import ipywidgets
import msgspec
import pytest
import traitlets

from pbxnb.model.entities import CallState, Conversation, Direction, Orbit, Parked, Party, Phase, Queue, Waiting
from pbxnb.ui.queues import places
from pbxnb.ui.timing import Timing
from pbxnb.widgets.call_list import CallList
from pbxnb.widgets.call_list.rows import FIELDS, difference, involved, row
from tests.widgets.fakes import HOSTILE, START, FakeHandle, Wire, account, call, conversation, until

RINGING, CONNECTED, HELD, PARKED = CallState.RINGING, CallState.CONNECTED, CallState.HELD, CallState.PARKED


def talk(id_: str = "1", state: CallState | None = CONNECTED, **fields: Any) -> Conversation:
    values: dict[str, Any] = {"from_": Party(number="+15550100"), "to": Party(number="207"), "started_at": START}
    return conversation(id_, state, **(values | fields))


def cells(conversation: Conversation, **model: Any) -> dict[str, Any]:
    """The row of a conversation by the names of its fields."""
    empty: dict[str, Any] = {"calls": {}, "accounts": {}, "queues": {}, "orbits": {}}
    return dict(zip(FIELDS, row(conversation, **(empty | model)), strict=True))


@pytest.fixture
def handle() -> FakeHandle:
    return FakeHandle([account("204", name="Jo Field"), account("207", name="Ann Lee")])


def test_a_row_says_the_phase_of_the_model_whatever_the_call_state_is() -> None:
    made = cells(talk(state=CONNECTED, queue="700", phase=Phase.QUEUED))
    assert (made["state"], made["phase"]) == ("connected", "queued")


@pytest.mark.parametrize(
    ("times", "since"),
    [
        ({"since": START, "first_seen": START + timedelta(seconds=592)}, START.timestamp()),
        ({"since": None, "first_seen": START}, -START.timestamp()),  # "at least"
    ],
)
def test_a_row_and_its_calls_count_from_what_the_pbx_says_else_from_what_was_seen(
    handle: FakeHandle, times: dict[str, Any], since: float
) -> None:
    handle.calls["1"] = call("1", "+15550100", "207", conversation="1", **times)
    handle.conversations["1"] = talk(**times)
    panel = CallList(handle)
    assert panel._row(handle.conversations["1"], {})[FIELDS.index("since")] == since
    assert panel._legs(handle.conversations["1"])[0][4] == since


def test_a_row_names_the_parties_the_queue_and_the_times_apart() -> None:
    made = cells(
        talk(queue="700", answered_by="207", direction=Direction.IN, ring=7.04, talk=134.0, hold=3.0, since=START),
        accounts={"207": account("207", name="Ann Lee")},
        queues={"700": Queue(number="700", name="Sales")},
        calls={"1": call("1", "+15550100", "207", recording=True)},
    )
    assert (made["from"], made["to"], made["direction"]) == ("+15550100", "207\tAnn Lee", "in")
    assert made["via"] == "Queue 700 Sales"
    assert (made["ring"], made["talk"], made["hold"], made["since"]) == (7.0, 134.0, 3.0, START.timestamp())
    assert made["marks"] == "r"


def test_a_parked_call_says_in_which_orbit_and_by_whom() -> None:
    orbit = Orbit(number="71", parked=(Parked(call="1", by="204"),))
    assert cells(talk(state=PARKED), orbits={"71": orbit})["via"] == "Orbit 71, by 204"


@pytest.mark.parametrize(("by", "words"), [("caller", "caller hung up"), ("called", "called party hung up"), ("", "")])
def test_an_ended_row_says_who_hung_up_where_that_is_known(by: str, words: str) -> None:
    made = cells(talk(state=None, ended_by=by))
    assert (made["state"], made["end"]) == ("ended", words)


def test_a_conversation_involves_its_parties_its_agents_and_the_extensions_of_its_calls() -> None:
    conversation = talk(agents=("205", "206"), answered_by="206")
    calls = {"1": call("1", "x", "y", extensions=("207", "299"))}
    assert involved(conversation, calls) == {"+15550100", "207", "205", "206", "299"}


def test_only_what_differs_travels(handle: FakeHandle) -> None:
    handle.conversations["1"] = talk(state=RINGING)
    wire = Wire(CallList(handle))
    wire.hello()
    handle.put(talk(state=CONNECTED, since=datetime.now(UTC) + timedelta(seconds=9), ring=9.0))
    (batch,) = wire.wait(1)
    (edit,) = batch["part"]["edits"]
    assert edit[0] == "1"
    assert {FIELDS[i] for i in edit[1::2]} == {"state", "phase", "ring", "since"}
    assert len(str(batch["part"])) < 120


def test_a_difference_rebuilds_the_row() -> None:
    before, after = list(cells(talk()).values()), list(cells(talk(state=HELD, hold=4.0, since=START)).values())
    id_, *changes = difference(before, after)
    for index, value in zip(changes[::2], changes[1::2], strict=True):
        before[index] = value
    assert (id_, before) == ("1", after)


def test_a_new_conversation_comes_as_a_row_and_a_transfer_keeps_it(handle: FakeHandle) -> None:
    wire = Wire(CallList(handle))
    wire.hello()
    handle.put(talk())
    assert wire.wait(1)[0]["part"]["rows"][0][:2] == ["1", "1"]
    wire.say(ack=1)
    handle.put(talk(calls=("1", "2"), to=Party(number="204")))
    (edit,) = wire.wait(2)[1]["part"]["edits"]
    assert dict(zip(edit[1::2], edit[2::2], strict=True))[1] == "2"


def test_a_recording_reaches_the_row_although_only_the_call_changed(handle: FakeHandle) -> None:
    handle.conversations["1"] = talk()
    wire = Wire(CallList(handle))
    wire.hello()
    handle.put(call("1", "+15550100", "207", conversation="1", recording=True))
    assert wire.wait(1)[0]["part"]["edits"] == [["1", FIELDS.index("marks"), "r"]]


def test_a_row_lingers_after_its_end_and_then_goes_by_itself(handle: FakeHandle) -> None:
    handle.conversations["1"] = talk()
    wire = Wire(CallList(handle, linger=0.2))
    wire.hello()
    handle.put(talk(state=None, ended_by="caller"))
    ended = wire.wait(1)[0]["part"]
    assert "ended" in str(ended)
    assert wire.wait(2)[1]["part"] == {"gone": ["1"]}


def test_a_conversation_that_ended_long_ago_is_not_shown_to_a_new_page(handle: FakeHandle) -> None:
    handle.conversations["1"] = talk(state=None, since=datetime.now(UTC) - timedelta(seconds=50))
    assert Wire(CallList(handle)).opened()["full"]["rows"] == []


@pytest.mark.parametrize(
    ("offset", "rate", "age", "shown"), [(0, 1, 5, 1), (0, 1, 9, 0), (-52e3, 1, 5, 1), (52e3, 8, 60, 1), (0, 8, 70, 0)]
)
def test_the_moment_is_the_readers_whatever_the_pbx_clock_says_and_however_fast_it_runs(
    handle: FakeHandle, offset: float, rate: float, age: float, shown: int
) -> None:
    handle.clock.offset, handle.clock.rate = offset, rate
    handle.conversations["1"] = talk(state=None, since=handle.clock.now() - timedelta(seconds=age))
    assert len(Wire(CallList(handle)).opened()["full"]["rows"]) == shown


def test_a_page_that_may_have_missed_batches_gets_whole_rows(handle: FakeHandle) -> None:
    handle.conversations["1"] = talk(state=RINGING)
    wire = Wire(CallList(handle))
    wire.hello()
    for count in range(Timing().ahead + 1):
        handle.put(talk(state=(CONNECTED, HELD)[count % 2]))
        wire.wait(count + 1)
    assert len(wire.batches()[-1]["part"]["rows"][0]) == len(FIELDS)


def test_the_calls_of_a_conversation_are_sent_while_its_row_is_open(handle: FakeHandle) -> None:
    handle.calls["2"] = call("2", "+15550100", "204", raw_state="alerting")
    handle.conversations["1"] = talk(calls=("1", "2"))
    wire = Wire(CallList(handle))
    wire.hello()
    wire.say(expand="1", on=True)
    gone, live = wire.wait(1)[0]["part"]["legs"]["1"]
    assert gone[:2] == ["1", "ended"]
    assert live[:4] == ["2", "connected", "+15550100", "204\tJo Field"]
    assert "“alerting” on the wire" in live[5]
    wire.say(ack=1)
    wire.say(expand="1", on=False)
    assert wire.wait(2)[1]["part"] == {"legs": {"1": None}}


def test_a_grid_selection_lights_the_conversations_of_an_extension(handle: FakeHandle) -> None:
    class Grid(traitlets.HasTraits):
        selected = traitlets.List()

    handle.conversations |= {"1": talk("1"), "2": talk("2", to=Party(number="204"))}
    grid, calls = Grid(), CallList(handle)
    traitlets.dlink((grid, "selected"), (calls, "highlighted"))
    wire = Wire(calls)
    wire.hello()
    grid.selected = ["207"]
    assert wire.wait(1)[0]["part"]["edits"] == [["1", FIELDS.index("marks"), "l"]]


def test_the_selection_is_a_trait_that_gives_the_newest_calls(handle: FakeHandle) -> None:
    handle.conversations |= {"1": talk("1", calls=("1", "3")), "2": talk("2", state=None)}
    calls = CallList(handle)
    calls.set_state({"selected": ["1", "2", "gone"]})
    assert calls.selected_calls == ("3",)
    calls.select_call("3")
    assert calls.selected == ["1"]
    calls.select_call("?")
    assert calls.selected == []


def test_after_an_attended_transfer_the_row_is_about_the_call_that_stayed(handle: FakeHandle) -> None:
    handle.conversations["1"] = transferred = talk("1", calls=("1", "2"))  # "2" was the consultation, and has ended
    handle.put(call("1", "+15550100", "207", conversation="1"))
    calls = CallList(handle)
    calls.selected = ["1"]
    assert calls.selected_calls == ("1",)
    assert cells(transferred, calls=handle.calls)["call"] == "1"


def test_orbits_travel_with_what_is_parked_in_them(handle: FakeHandle) -> None:
    handle.orbits["71"] = Orbit(number="71", parked=(Parked(party=Party(number="+15550199")),))
    wire = Wire(CallList(handle))
    assert wire.opened()["full"]["orbits"] == [["71", "71", "+15550199"]]
    wire.hello()
    handle.put(Orbit(number="71", name="Front desk"))
    assert wire.wait(1)[0]["part"]["orbits"] == [["71", "Front desk", ""]]


def test_a_caller_in_a_queue_has_a_place_in_its_line_and_moves_up_when_the_queue_is_read_again(
    handle: FakeHandle,
) -> None:
    line = (Waiting(call="9", position=1), Waiting(call="1", position=2))
    queue = Queue(number="700", name="Sales", callers=line)
    handle.queues["700"] = queue
    waits, served = talk(queue="700", phase=Phase.QUEUED), talk("2", queue="700", phase=Phase.TALKING)
    handle.conversations |= {"1": waits, "2": served}
    assert cells(waits, queues=handle.queues, place=2)["via"] == "No. 2 in queue 700 Sales"
    assert cells(waits, queues={"700": Queue(number="700")})["via"] == "Queue 700"
    assert places(handle.queues, [waits, served])["1"] == 2
    assert places({"700": Queue(number="700")}, [waits]) == {}  # whoever else waits, the PBX has not said
    wire = Wire(CallList(handle))
    wire.hello()
    handle.put(msgspec.structs.replace(queue, callers=(Waiting(call="1", position=1),)))
    assert wire.wait(1)[0]["part"] == {"edits": [["1", FIELDS.index("via"), "No. 1 in queue 700 Sales"]]}


def test_queues_and_orbits_are_kept_read_while_the_list_lives(handle: FakeHandle) -> None:
    calls = CallList(handle)
    assert handle.kept == 1
    calls.close()
    assert handle.kept == 0


def test_keys_and_drops_reach_who_asked_for_them_and_nothing_else_does(handle: FakeHandle) -> None:
    handle.calls["1"] = call("1", "+15550100", "207")
    calls = CallList(handle)
    wire, heard = Wire(calls), []
    stop = calls.on_action(lambda *asked: heard.append(asked))
    wire.hello()
    wire.say(act="park", call="1", to="71")
    wire.say(act="format_disk", call="1", to="")
    wire.say(act="hangup", call=["1"], to="")
    until(lambda: bool(heard))
    wire.settle()
    assert heard == [("park", "1", "71")]
    stop()
    wire.say(act="hangup", call="1", to="")
    assert "No command bar" in wire.wait(1)[-1]["e"][0]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_travel_as_short_text_and_stay_text_in_the_snapshot(name: str, handle: FakeHandle) -> None:
    handle.calls["1"] = call("1", "x", "y", raw_state=name)
    handle.conversations["1"] = talk(from_=Party(number="1", name=name), to=Party(name=name), queue=name)
    calls = CallList(handle)
    wire = Wire(calls)
    assert all(len(str(cell)) <= 80 for cell in wire.opened()["full"]["rows"][0])
    wire.hello()
    wire.say(expand="1", on=True)
    assert len(str(wire.wait(1)[0]["part"]["legs"])) < 300
    assert "<script" not in calls.snapshot()
    assert "<img" not in calls.snapshot()


def test_it_says_what_it_shows_where_there_is_no_front_end(handle: FakeHandle) -> None:
    handle.conversations |= {"1": talk("1"), "2": talk("2", state=RINGING), "3": talk("3", state=None)}
    assert repr(CallList(handle)) == "<Call list of fake: 2 calls, 1 ringing, 1 talking>"


def test_it_composes_like_any_widget_and_refuses_what_it_cannot_be(handle: FakeHandle) -> None:
    assert ipywidgets.HBox([CallList(handle, ring_limit=20)]).children[0].ring_limit == 20
    with pytest.raises(traitlets.TraitError):
        CallList(handle, ring_limit=-1)
    with pytest.raises(traitlets.TraitError):
        CallList(handle, phase="sleeping")
