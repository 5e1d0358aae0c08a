"""The table of calls: what became of each, read off the recorded situations of the model."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pbxnb.analysis.calls import call_rows
from pbxnb.model.store import Store
from pbxnb.protocol.decode import decode

SITUATIONS = Path(__file__).parents[1] / "data" / "situations"
NOON = datetime(2026, 9, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("situation", "outcomes"),
    [
        ("inbound-answered", {"answered"}),
        ("caller-gives-up", {"abandoned"}),
        ("outbound-unanswered", {"no_answer"}),
        ("menu-before-queue", {"abandoned", "answered", "unknown"}),
    ],
)
def test_what_became_of_each_call(situation: str, outcomes: set[str]) -> None:
    about, *steps = map(json.loads, (SITUATIONS / f"{situation}.jsonl").read_text("utf-8").splitlines())
    store = Store(user=about["user"])
    for step in steps:
        if "frame" in step:
            store.apply(decode(json.dumps(step["frame"])), NOON + timedelta(seconds=step["t"]))
    rows = call_rows(store.closed_calls())
    assert {row["outcome"] for row in rows} == outcomes
    if situation == "menu-before-queue":
        told = {row["call_id"]: (row["outcome"], row["wait_ms"], row["talk_ms"]) for row in rows}
        assert told == {"1": ("abandoned", 15_000, 0), "2": ("answered", 15_000, 60_000), "3": ("unknown", 0, 0)}


def test_an_open_call_has_no_end_and_is_answered_only_with_somebody_there() -> None:
    about, *steps = map(json.loads, (SITUATIONS / "menu-before-queue.jsonl").read_text("utf-8").splitlines())
    store = Store(user=about["user"])
    seen = []
    for step in steps:
        if "frame" in step:
            store.apply(decode(json.dumps(step["frame"])), NOON + timedelta(seconds=step["t"]))
            seen.append([(row["ended_at"], row["outcome"]) for row in call_rows((), store.calls.values())])
    assert seen == [
        [],
        [(None, "unknown")] * 3,
        [(None, "unknown")] * 3,
        [(None, "answered"), (None, "unknown")],
        [(None, "answered")],
        [],
    ]
