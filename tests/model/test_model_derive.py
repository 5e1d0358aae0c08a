"""What follows from calls and conversations: each rule as rows of a table."""

from datetime import UTC, datetime

import pytest

from pbxnb.model.derive import newest_call
from pbxnb.model.entities import Call, CallState, Conversation, Party

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
