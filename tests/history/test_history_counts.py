"""Counts over time against a slow, obvious count; shares of time."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from pbxnb.history.history import shares
from pbxnb.model.changes import Changes, Event
from pbxnb.model.entities import CallState, Conversation, Gap, Phase, Presence
from tests.history.session import Session, a_morning
from tests.widgets.fakes import FakeHandle, account, call

NOW = datetime(2024, 5, 6, 9, 30, 4, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def say(handle: FakeHandle, kind: str, when: float, phase: Phase, start: float, id_: str, **fields: Any) -> None:
    """A call of its own conversation, or of ``conversation``, begins, changes or ends some seconds ago."""
    key = fields.setdefault("conversation", id_)
    state = CallState.RINGING if phase in (Phase.RINGING, Phase.QUEUED) else CallState.CONNECTED
    one = call(id_, "+1202", "203", state, phase=phase, started_at=ago(start), since=ago(when), **fields)
    ended = kind == "call.ended"
    if ended:
        handle.calls.pop(id_, None)
    else:
        handle.calls[id_] = one
    known = handle.conversations.get(key)
    calls = tuple(dict.fromkeys((*(known.calls if known else ()), id_)))
    still = [other for other in calls if other in handle.calls]
    handle.conversations[key] = Conversation(
        id=key, calls=calls, state=state if still else None, phase=phase if still else Phase.ENDED, since=ago(when)
    )
    event = Event(kind=kind, call=one, at=ago(when), received=NOW)
    handle.tell(Changes(events=(event,), calls=frozenset((id_,)), conversations=frozenset((key,))))


def test_the_counts_are_those_of_a_slow_and_obvious_count() -> None:
    handle, chance = FakeHandle(), random.Random(1)
    calls, said = [], []
    for n in range(300):
        start = chance.uniform(0, 1200)
        end = chance.uniform(0, start)
        answered = chance.choice([end, chance.uniform(end, start)])
        waits = chance.choice([Phase.RINGING, Phase.QUEUED])
        calls.append((start, answered, end, waits))
        said += [
            (start, "call.new", waits, start, str(n)),
            (answered, "call.changed", Phase.TALKING, start, str(n)),
            (end, "call.ended", Phase.TALKING, start, str(n)),
        ]
    for when, kind, phase, start, id_ in sorted(said, reverse=True, key=lambda one: one[0]):
        say(handle, kind, when, phase, start, id_)
    found = handle.history.samples(ago(4), 10.0, 90)
    for n in range(90):
        moment = 4 + (89 - n) * 10
        assert found["calls"][n] == sum(end < moment <= start for start, _, end, _ in calls)
        assert found["rate"][n] == sum(moment <= start < moment + 60 for start, *_ in calls)
        assert found["waiting"][n] == sum(
            answered < moment <= start and waits is Phase.QUEUED for start, answered, _, waits in calls
        )


def test_the_calls_of_one_conversation_are_one() -> None:
    handle = FakeHandle()
    for n, kind, when in (
        ("1", "new", 300),
        ("2", "new", 250),
        ("1", "ended", 200),
        ("3", "new", 120),
        ("2", "ended", 100),
    ):
        say(handle, f"call.{kind}", when, Phase.TALKING, when, n, conversation="1")
    assert set(handle.history.samples(ago(4), 10.0, 20)["calls"]) == {1}


def test_registration_is_followed_and_a_gap_is_unknown() -> None:
    handle = FakeHandle([account("200", registered=False), account("201", registered=False)])
    handle.put(account("600", registered=True, type="acds", first_seen=ago(500)))  # no extension of ours

    def register(when: float, number: str, on: bool) -> None:
        handle.accounts[number] = account(number, registered=on)
        event = Event(kind="account.changed", account=handle.accounts[number], at=ago(when), received=NOW)
        handle.tell(Changes(events=(event,), accounts=frozenset((number,))))

    register(500, "200", True)
    register(100, "200", False)
    register(50, "201", True)
    handle.status = msgspec.structs.replace(handle.status, gaps=(Gap(ago(80), ago(60)),))
    found = handle.history.samples(ago(4), 10.0, 14)["registered"]
    assert found == [1, 1, 1, 1, 0, 0, None, None, 0, 1, 1, 1, 1, 1]
    assert handle.history.counts(NOW)["registered"] == 1


def test_a_registration_that_came_and_went_counts_at_the_moments_it_was_there() -> None:
    handle = FakeHandle([account("200", registered=False)])
    for when, on in ((4.5, True), (1, False)):
        handle.accounts["200"] = account("200", registered=on)
        event = Event(kind="account.changed", account=handle.accounts["200"], at=ago(when), received=NOW)
        handle.tell(Changes(events=(event,), accounts=frozenset(("200",))))
    assert handle.history.samples(ago(4), 10.0, 2)["registered"] == [0, 1]


@example(0.0, 70.0)  # a minute after a call began
@given(st.sampled_from([0.0, 300.0, -34_000.0]), st.floats(0, 130))
def test_what_is_counted_now_is_the_last_sample(offset: float, until: float) -> None:
    session = Session(offset)
    take = session.take
    session.take = lambda seconds, frame: take(seconds, frame) if seconds <= until else None  # type: ignore[method-assign]
    session.lose = lambda start, end: None  # type: ignore[method-assign]
    a_morning(session)
    session.seconds = until
    now = session.clock.now()
    last = {name: values[-1] for name, values in session.history.samples(now, 1.0, 1).items()}
    assert last == session.history.counts(now)


def test_shares_of_time_add_up_and_keep_gaps_apart() -> None:
    presence = (
        Presence(number="204", axis="state", value="idle", start=ago(100), end=ago(90)),
        Presence(number="204", axis="state", value="busy", start=ago(90), end=ago(30)),
        Presence(number="204", axis="state", value="idle", start=ago(30)),
        Presence(number="204", axis="dnd", value="true", start=ago(100)),
    )
    gaps = [(ago(80).timestamp(), ago(60).timestamp())]
    assert shares(presence, gaps, NOW.timestamp())["204"] == {"idle": 0.4, "busy": 0.4, "gap": 0.2}
    brief = (Presence(number="204", axis="state", value="idle", start=ago(0.5)),)
    assert shares(brief, [], NOW.timestamp()) == {"204": {"idle": 1.0}}


def test_a_gap_that_goes_on_has_no_end() -> None:
    session = Session(300.0)
    session.lose(5, 9)
    session.status = msgspec.structs.replace(session.status, gaps=(*session.status.gaps, Gap(session.moment(), None)))
    begun = session.clock.now().timestamp()
    assert session.history.gaps() == [(begun + 5, begun + 9), (begun, None)]
