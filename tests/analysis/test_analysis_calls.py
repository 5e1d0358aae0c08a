"""The table of calls: what became of each, read off the recorded situations of the model."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from pbxnb.analysis.calls import call_rows
from pbxnb.errors import AnalysisError
from pbxnb.model.store import Store
from pbxnb.protocol.decode import call_entry, decode

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


@pytest.mark.parametrize("state", ["connected", "holding"])
def test_a_call_met_half_way_was_answered_also_where_the_pbx_names_no_connect_time(state: str) -> None:
    store = Store()
    entry = call_entry({"id": "1", "from": "<sip:+15550100@acme.example>", "to": "<sip:204@acme.example>"})
    store.resync(None, [replace(entry, raw_state=state)], NOON, first=True)
    store.apply(decode('{"action":"call-state","calls":[]}'), NOON + timedelta(seconds=5))
    [row] = call_rows(store.closed_calls())
    assert (row["outcome"], row["wait_ms"], row["talk_ms"]) == ("answered", None, None)


@pytest.mark.parametrize("zone", ["Nowhere/Land", "Europe", "", "x" * 5000, None])
def test_what_is_no_zone_is_refused_in_a_sentence(zone: str) -> None:
    with pytest.raises(AnalysisError, match="not a time zone"):
        call_rows((), tz=zone)
