"""Recorded situations, one file each in tests/data/situations: what the ledger makes of transfers, parks, queues.

A file is JSON lines: first what it is about; then frames (``t`` seconds) and snapshots after an interruption; in
between, what is expected at that point. Expected conversations are all there are; of each only the fields given count.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pbxnb.model.derive import RULES
from pbxnb.model.entities import Conversation
from tests.model.model_kit import Desk

FILES = sorted((Path(__file__).parents[1] / "data" / "situations").glob("*.jsonl"))


def shown(talk: Conversation) -> dict[str, Any]:
    """A conversation as plain data."""
    return {
        "calls": list(talk.calls),
        "from": talk.from_.number,
        "to": talk.to.number,
        "state": talk.state.value if talk.state is not None else None,
        "direction": talk.direction.value,
        "queue": talk.queue,
        "agents": list(talk.agents),
        "answered_by": talk.answered_by,
        "ended_by": talk.ended_by,
        "inferred": talk.inferred,
        "rules": [evidence.rule for evidence in talk.evidence],
        **{name: pytest.approx(getattr(talk, name)) for name in ("ring", "talk", "hold")},
    }


def check(desk: Desk, events: Counter[str], expected: dict[str, Any]) -> None:
    store = desk.store
    for number, state in expected.get("accounts", {}).items():
        assert store.accounts[number].state == state, number
    if "calls" in expected:
        assert {key: call.state.value for key, call in store.calls.items()} == expected["calls"]
    if "talks" in expected:
        talks = {key: shown(talk) for key, talk in store.conversations.items()}
        assert list(talks) == list(expected["talks"])
        for key, fields in expected["talks"].items():
            assert {name: talks[key][name] for name in fields} == fields, key
    if "closed" in expected:
        records = [[r.call.id, r.ring, r.talk, r.hold, r.ended_by] for r in store.closed_calls()]
        assert records == [
            [pytest.approx(value) if isinstance(value, float | int) else value for value in row]
            for row in expected["closed"]
        ]
    for kind, count in expected.get("events", {}).items():
        assert events[kind] == count, kind


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_situation(path: Path):
    about, *steps = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    desk = Desk(user=about["user"])
    events: Counter[str] = Counter()
    checked = 0
    for step in steps:
        if "expect" in step:
            check(desk, events, step["expect"])
            checked += 1
            continue
        after = step["t"] - desk.now
        changes = desk.resync(**step["resync"], after=after) if "resync" in step else desk.take(step["frame"], after)
        events.update(event.kind for event in changes.events)
    assert checked
    for talk in desk.store.conversations.values():
        assert all(evidence.rule in RULES for evidence in talk.evidence)


def test_every_rule_of_the_ledger_has_a_situation():
    named = {rule for path in FILES for rule in RULES if f'"{rule}"' in path.read_text("utf-8")}
    assert {rule for rule in RULES if rule.startswith("link.")} <= named
