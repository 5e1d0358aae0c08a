"""What follows from calls and conversations: each rule as rows of a table."""

from datetime import UTC, datetime

import pytest

from pbxnb.model.derive import (
    activity_unlisted,
    in_conversation,
    newest_call,
    number_order,
    open_calls,
    phase_of,
    waits,
)
from pbxnb.model.entities import Call, CallState, Conversation, Party, Phase
from pbxnb.protocol.messages import CallEntry

NOON = datetime(2026, 9, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("open_calls", "newest"),
    [(("1", "2", "3"), "3"), (("1", "3"), "3"), (("1", "2"), "2"), (("1",), "1"), ((), "3")],
    ids=["all", "the middle one ended", "a consultation ended", "the first one stayed", "over"],
)
def test_the_newest_call_is_one_that_can_still_be_steered(open_calls: tuple[str, ...], newest: str) -> None:
    calls = {
        key: Call(id=key, from_=Party("40"), to=Party("41"), state=CallState.CONNECTED, since=NOON)
        for key in open_calls
    }
    assert newest_call(Conversation(id="1", calls=("1", "2", "3"), since=NOON), calls) == newest


def test_an_id_used_again_is_a_call_of_its_own_conversation_only() -> None:
    calls = {
        "1": Call(id="1", since=NOON, conversation="1~2"),  # the id of a call that ended long ago
        "2": Call(id="2", since=NOON, conversation="2"),
    }
    ours = Conversation(id="2", calls=("2", "1"), since=NOON)
    assert open_calls(ours, calls) == [calls["2"]]
    assert newest_call(ours, calls) == "2"


R, C, H, P, O = CallState.RINGING, CallState.CONNECTED, CallState.HELD, CallState.PARKED, CallState.OTHER  # noqa: E741


@pytest.mark.parametrize(
    ("state", "kind", "alone", "waiting", "phase"),
    [
        (R, "extensions", True, False, "ringing"),
        (R, "acds", True, True, "queued"),
        (R, "acds", False, True, "queued"),  # it rings agents for a caller who waits
        (R, "extensions", True, True, "queued"),  # it took an agent's number before he answered
        (R, "acds", True, False, "ringing"),
        (R, "hunts", True, False, "ringing"),  # a hunt group has no music: it rings
        (R, "attendants", True, False, "ringing"),
        (C, "extensions", True, False, "talking"),
        (C, "", True, False, "talking"),
        (C, "acds", True, True, "queued"),  # music
        (C, "acds", False, False, "talking"),  # with an agent, under the queue's number
        (C, "acds", True, False, "talking"),  # an agent answered by a call apart
        (C, "attendants", True, False, "menu"),
        (C, "ivrnodes", True, False, "menu"),
        (C, "attendants", False, False, "talking"),  # somebody came in while the menu's number stays
        (H, "acds", True, True, "queued"),  # the music is the PBX's word for hold
        (H, "acds", False, False, "held"),
        (H, "extensions", True, False, "held"),
        (P, "orbits", True, False, "parked"),
        (P, "acds", True, False, "parked"),
        (O, "acds", True, True, "queued"),  # a word we do not know, in a queue
        (O, "extensions", True, True, "other"),
        (O, "", True, False, "other"),
    ],
)
def test_the_phase_of_a_call(state: CallState, kind: str, alone: bool, waiting: bool, phase: str) -> None:
    assert phase_of(state, kind, alone, waiting) == phase


@pytest.mark.parametrize(
    ("state", "kind", "alone", "arrived", "before", "waiting"),
    [
        (R, "acds", True, True, False, True),
        (R, "acds", False, True, False, True),
        (R, "extensions", True, False, True, True),  # still not answered
        (C, "acds", True, True, False, True),
        (C, "acds", True, False, True, True),
        (C, "acds", False, True, False, False),  # met when an agent had him
        (C, "extensions", True, False, True, False),  # the agent answered
        (C, "", True, False, True, False),  # or somebody outside
        (C, "attendants", True, False, True, False),  # he left for a menu
        (H, "acds", True, False, True, True),
        (H, "acds", False, False, True, False),
        (P, "orbits", True, False, True, False),
        (C, "acds", True, False, False, False),
        (O, "acds", True, False, True, True),
    ],
)
def test_a_caller_waits_until_somebody_answers(
    state: CallState, kind: str, alone: bool, arrived: bool, before: bool, waiting: bool
) -> None:
    assert waits(state, kind, alone, arrived, before) is waiting


@pytest.mark.parametrize(
    ("phase", "state", "waiting", "expected"),
    [
        (Phase.RINGING, R, True, "queued"),  # an agent's phone rings for him by a call apart
        (Phase.RINGING, R, False, "ringing"),
        (Phase.QUEUED, C, True, "queued"),
        (Phase.QUEUED, C, False, "talking"),  # the agent answered by a call that has gone
        (Phase.TALKING, C, True, "talking"),
        (Phase.HELD, H, True, "held"),
        (Phase.MENU, C, True, "menu"),
    ],
)
def test_the_phase_of_a_conversation_is_that_of_its_newest_call_but_for_the_queue(
    phase: Phase, state: CallState, waiting: bool, expected: str
) -> None:
    assert in_conversation(Call(id="1", state=state, phase=phase), waiting) == expected


def test_numbers_come_in_order_of_value_then_all_else_as_text() -> None:
    long, longer = "9" * 18, "1" + "0" * 18
    mixed = ["anna", longer, long, "\u0665", "1000", "45", "045", "*97", ""]
    assert sorted(mixed, key=number_order) == ["045", "45", "1000", long, "", "*97", longer, "anna", "\u0665"]


@pytest.mark.parametrize(
    ("from_", "word", "state"),
    [("204", "alerting", "dialling"), ("205", "alerting", "ringing"), ("204", "connected", "busy"), ("", "x", "busy")],
)
def test_what_an_account_does_by_its_own_word(from_: str, word: str, state: str) -> None:
    activity = activity_unlisted("204", [CallEntry(id="1", from_=Party(from_), raw_state=word)], code=False)
    assert activity is not None
    assert activity[0] == state
