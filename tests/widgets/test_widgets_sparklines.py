"""The sparkline strip: counts against a slow, obvious count, and as little on the wire as the numbers need."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from pbxnb.model.entities import CallRecord, CallState, Conversation, Phase, Presence
from pbxnb.model.status import Gap
from pbxnb.widgets import sparklines
from pbxnb.widgets.sparklines import Sparklines
from pbxnb.widgets.trends import TRENDS, current, trends
from tests.widgets.fakes import FakeHandle, Wire, account, call

NOW = datetime(2024, 5, 6, 9, 30, 4, tzinfo=UTC)


class Still:
    """A clock that stands."""

    offset = 0.0
    rate = 0.0

    def now(self) -> datetime:
        return NOW

    def at(self, moment: datetime) -> datetime:
        return moment


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def record(id_: str, start: float, end: float, answered: float | None = None, **fields: Any) -> CallRecord:
    connected = None if answered is None else ago(answered)
    one = call(id_, "+1202", "203", started_at=ago(start), connected_at=connected, **{"conversation": id_, **fields})
    return CallRecord(call=one, ended_at=ago(end))


def handle() -> FakeHandle:
    made = FakeHandle(account(str(200 + n), registered=n % 2 == 0) for n in range(10))
    made.clock = Still()  # type: ignore[assignment]
    return made


def test_the_counts_are_those_of_a_slow_and_obvious_count() -> None:
    one, chance = handle(), random.Random(1)
    for n in range(300):
        start = chance.uniform(0, 1200)
        end = chance.uniform(0, start)
        answered = chance.choice([None, chance.uniform(end, start)])
        one.records.append(record(str(n), start, end, answered, queue=chance.choice(["", "600"])))
    found = trends(one, step=10.0, points=90)
    last = NOW.timestamp() // 10 * 10
    for n in range(90):
        moment = datetime.fromtimestamp(last - (89 - n) * 10, UTC)
        calls = [r for r in one.records if r.call.started_at and r.call.started_at <= moment < r.ended_at]
        assert found["calls"][n] == len(calls)
        assert found["waiting"][n] == sum(
            bool(r.call.queue) and (r.call.connected_at is None or moment < r.call.connected_at) for r in calls
        )
        minute = timedelta(seconds=60)
        assert found["rate"][n] == sum(
            r.call.started_at is not None and moment - minute < r.call.started_at <= moment for r in one.records
        )


def test_the_calls_of_one_conversation_are_one() -> None:
    one = handle()
    one.records = [record("1", 300, 200), record("2", 250, 100, conversation="1")]
    one.calls["3"] = call("3", "+1202", "204", started_at=ago(120), conversation="1")
    assert set(trends(one, step=10.0, points=20)["calls"]) == {1}


def test_registration_is_read_from_presence_and_a_gap_is_unknown() -> None:
    one = handle()
    spans = [Presence(number="200", axis="registered", value="True", start=ago(500), end=ago(100))]
    spans.append(Presence(number="201", axis="registered", value="true", start=ago(50)))
    spans.append(Presence(number="600", axis="registered", value="true", start=ago(500)))  # no extension of ours
    one.presence = lambda number=None: tuple(spans)  # type: ignore[method-assign]
    one.status = msgspec.structs.replace(one.status, gaps=(Gap(ago(80), ago(60)),))
    assert trends(one, step=10.0, points=14)["registered"] == [1, 1, 1, 1, 0, 0, None, None, 0, 1, 1, 1, 1, 1]


def test_now_counts_open_conversations_the_last_minute_and_who_waits() -> None:
    one = handle()
    talk = {"since": NOW, "calls": ("1",)}
    one.conversations = {
        "1": Conversation(id="1", state=CallState.CONNECTED, started_at=ago(90), connected_at=ago(80), **talk),
        "2": Conversation(id="2", state=CallState.RINGING, phase=Phase.QUEUED, started_at=ago(20), queue="600", **talk),
        "3": Conversation(id="3", state=None, started_at=ago(30), ended_at=ago(10), **talk),
    }
    assert current(one) == {"calls": 2, "rate": 2, "waiting": 1, "registered": 5}


def test_a_new_number_is_a_few_bytes_and_none_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparklines, "_NOW_EVERY", 0.05)
    one = handle()
    panel = Sparklines(one)
    wire = Wire(panel)
    wire.hello()
    wire.settle()
    assert wire.batches() == []
    one.conversations = {"1": Conversation(id="1", calls=("1",), state=CallState.CONNECTED, since=NOW, started_at=NOW)}
    batch = wire.wait(1)[0]
    assert batch["part"] == {"now": [1, 1, 0, 5]}
    panel.window = 3600.0
    full = wire.wait(2)[1]["full"]
    assert [len(line) for line in full["lines"]] == [90] * len(TRENDS)
    assert len(msgspec.json.encode(full)) < 4000


def test_it_reads_as_text_and_as_a_table() -> None:
    panel = Sparklines(handle())
    assert "registered 5" in repr(panel)
    assert "<td" in str(panel.snapshot())
