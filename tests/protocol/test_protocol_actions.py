"""What can be done with what is selected: the table's rules, the sentence why not, and the arguments that follow."""

from __future__ import annotations

from typing import Any

import pytest

from pbxnb.protocol.commands import (
    ACTIONS,
    COMMANDS,
    CallRef,
    Context,
    Situation,
    arguments_for,
    keys,
    parse_frame,
    plan,
    ringing_phone,
    why_not,
)
from pbxnb.protocol.parties import Party


def call(from_: str = "+15550100", to: str = "204", state: str = "connected", *extensions: str) -> CallRef:
    return CallRef(id="1", from_=Party(from_), to=Party(to), state=state, extensions=extensions or (from_, to))


def offered(**fields: Any) -> set[str]:
    return {name for name, action in ACTIONS.items() if not why_not(action, Situation(user="204", **fields))}


@pytest.mark.parametrize(
    ("state", "names"),
    [
        ("ringing", {"answer", "reject", "pickup", "hangup"}),
        ("connected", {"hold", "record", "hangup"}),
        ("held", {"resume", "hangup"}),
        ("parked", {"hangup"}),
        ("other", {"hangup"}),
    ],
)
def test_what_a_call_allows_follows_from_its_state(state: str, names: set[str]) -> None:
    assert offered(call=call("+15550100", "207", state, "207")) == names


def test_a_target_an_orbit_and_a_text_open_what_needs_them() -> None:
    connected = call()
    assert offered(call=connected, target="209") >= {"transfer", "dial"}
    assert "park" in offered(call=connected, orbit="71")
    assert "park" not in offered(call=connected, orbit="71", parked=True)
    assert offered(orbit="71", parked=True) == {"retrieve"}
    assert offered(orbit="71", parked=None) == {"retrieve"}
    assert offered(target="209", text="hello") == {"dial", "chat"}
    assert offered(target="209", account="204") == {"dial", "dnd", "forward", "forward_off"}
    assert offered(frame='{"action": "get-calls"}') == {"send"}


@pytest.mark.parametrize(
    ("agents", "names"),
    [
        ({"204": True}, {"queue_logout"}),
        ({"204": False}, {"queue_login"}),
        ({"204": None}, {"queue_login", "queue_logout"}),
        ({}, {"queue_login", "queue_logout"}),
        ({"999": True}, set()),
    ],
)
def test_a_queue_is_entered_or_left_as_its_list_of_agents_says(agents: dict[str, bool | None], names: set[str]) -> None:
    assert offered(queue="700", agents=agents, account="204") == {"dnd", "forward_off"} | names


@pytest.mark.parametrize(
    ("fields", "name", "why"),
    [
        ({"control": False}, "hangup", "control=True"),
        ({"armed": False}, "dial", "not armed"),
        ({"live": False}, "dial", "not live"),
        ({}, "hold", "Select a call."),
        ({"several": True}, "hold", "Select one"),
        ({"call": call(state="held")}, "hold", "is on hold"),
        ({"call": call("204", "+1555", "ringing", "204")}, "answer", "goes out"),
        ({"call": call("209", "204", "ringing")}, "pickup", "answer it"),
        ({"call": call("209"), "target": "209"}, "transfer", "already in this call"),
        ({"call": call("209")}, "transfer", "Type a number"),
        ({"orbit": "71"}, "retrieve", "Nothing is parked"),
        ({"call": call(), "orbit": "71", "parked": True}, "park", "is taken"),
        ({"call": call()}, "park", "Choose an orbit."),
        ({}, "queue_login", "Choose a queue."),
        ({"queue": "700"}, "queue_login", "not known yet"),
        ({"control": False}, "dial", "connect with control=True"),
        ({"control": False, "replayed": True}, "dial", "plays a recording"),
        ({"target": "209", "text": " "}, "chat", "Write a message."),
        ({"frame": "[1]"}, "send", "one JSON object"),
        ({"frame": "{"}, "send", "no JSON"),
        ({"account": "700", "account_type": "acds"}, "dnd", "no extension"),
        ({"account": "207", "target": "207"}, "forward", "Type the number"),
    ],
)
def test_what_cannot_be_done_says_why(fields: dict[str, Any], name: str, why: str) -> None:
    reason = why_not(ACTIONS[name], Situation(user="204", **fields))
    assert why in reason
    assert reason.endswith(".")


def test_a_ringing_call_is_answered_by_a_phone_that_rings() -> None:
    ringing = call("204", "207", "ringing")
    assert ringing_phone(ringing, "204") == "207"
    assert ringing_phone(ringing, "207") == "207"
    assert arguments_for(ACTIONS["answer"], Situation(user="204", call=ringing)) == (("1",), {"account": "207"})
    assert arguments_for(ACTIONS["hangup"], Situation(user="204", call=ringing)) == (("1",), {})


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "{'a': 1}", "[" * 100_000])
def test_a_frame_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="frame"):
        parse_frame(text)


@pytest.mark.parametrize("name", ACTIONS)
def test_with_nothing_selected_nothing_is_prepared_and_the_reason_is_a_sentence(name: str) -> None:
    assert arguments_for(ACTIONS[name], Situation(user="204")) is None
    assert why_not(ACTIONS[name], Situation(user="204")).endswith(".")


@pytest.mark.parametrize("name", ACTIONS)
def test_what_is_allowed_can_be_planned_as_it_stands(name: str) -> None:
    """The rules and the arguments come from one row, so they cannot disagree."""
    action = ACTIONS[name]
    state = action.command.states[0] if action.command.states else "connected"
    ringing = call("+15550100", "207", state, "207")
    s = Situation(
        user="204", call=ringing, target="209", account="204", orbit="71", parked=None, queue="700", text="hello",
        frame='{"action": "get-calls"}',
    )  # fmt: skip
    assert why_not(action, s) == ""
    given = arguments_for(action, s)
    assert given is not None
    args, kw = given
    account = kw.pop("account", "")
    refs = [ringing if value == "1" else value for value in args]
    assert plan(action.command.name, *refs, context=Context(domain="d", user="204", account=account), **kw)


def test_a_switch_turns_the_other_way_and_a_button_of_its_own_turns_its_way() -> None:
    s = Situation(user="204", call=call(), account="204", queue="700", recording=True, dnd=True)
    assert arguments_for(ACTIONS["record"], s) == (("1", False), {})
    assert arguments_for(ACTIONS["dnd"], s) == ((False,), {"account": "204"})
    assert arguments_for(ACTIONS["queue_login"], s) == (("700", True), {"account": "204"})
    assert arguments_for(ACTIONS["queue_logout"], s) == (("700", False), {"account": "204"})


def test_a_key_means_one_command_in_each_state_of_a_call() -> None:
    found = [(key, state) for key, _, states in keys() for state in states or ("",)]
    assert len(found) == len(set(found))
    assert {name for key, name, _ in keys() if key == "h"} == {"hold", "resume"}


def test_every_row_is_whole() -> None:
    for name, row in COMMANDS.items():
        assert name == row.name
        assert row.label
        assert set(row.states) <= {"ringing", "connected", "held", "parked", "other"}
        assert bool(row.states) == any(argument.kind == "call" for argument in row.arguments)


def test_forwarding_has_a_button_for_each_way() -> None:
    s = Situation(user="204", account="207", target="209", options={"when": "busy"})
    assert arguments_for(ACTIONS["forward"], s) == (("209",), {"when": "busy", "account": "207"})
    assert arguments_for(ACTIONS["forward_off"], s) == ((None,), {"when": "busy", "account": "207"})
