"""The sparkline strip: the counts of the history, and as little on the wire as the numbers need."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from pbxnb.model.entities import CallState, Conversation, Phase
from pbxnb.ui.panel import Panel
from pbxnb.ui.timing import Timing
from pbxnb.widgets.sparklines import TRENDS, Sparklines
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


def handle() -> FakeHandle:
    made = FakeHandle(account(str(200 + n), registered=n % 2 == 0) for n in range(10))
    made.clock = Still()  # type: ignore[assignment]
    return made


def talk(one: FakeHandle, id_: str, state: CallState | None, started: datetime, **fields: object) -> None:
    """A conversation of one call; ended where it has no state."""
    one.put(
        call(id_, "+1202", "203", state or CallState.CONNECTED, started_at=started, since=started, conversation=id_)
    )
    one.put(Conversation(id=id_, calls=(id_,), state=state, since=started, **fields))  # type: ignore[arg-type]


def test_now_counts_open_conversations_the_last_minute_and_who_waits() -> None:
    one = handle()
    talk(one, "1", CallState.CONNECTED, ago(90))
    talk(one, "2", CallState.RINGING, ago(20), phase=Phase.QUEUED, queue="600")
    talk(one, "3", None, ago(30))
    assert one.history.counts(NOW) == {"calls": 2, "rate": 2, "waiting": 1, "registered": 5}
    assert repr(Sparklines(one)) == "<fake: calls at once 2, calls per minute 2, waiting 1, registered 5>"


def test_a_new_number_is_a_few_bytes_and_none_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Panel, "timing", Timing(recheck=0.05))
    one = handle()
    panel = Sparklines(one)
    wire = Wire(panel)
    wire.hello()
    wire.settle()
    assert wire.batches() == []
    talk(one, "1", CallState.CONNECTED, NOW)
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
