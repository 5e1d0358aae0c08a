"""Coverage: which actions, fields and values were seen, which of them are unknown; bounded, whatever is sent."""

from __future__ import annotations

import json
from typing import Any

from pbxnb.protocol.coverage import MOST_NAMES, Coverage, CoverageReport
from pbxnb.protocol.decode import decode


def report(*frames: Any) -> CoverageReport:
    coverage = Coverage()
    for frame in frames:
        coverage.add(decode(frame if isinstance(frame, str) else json.dumps(frame)))
    return coverage.report()


def counts(group: Any) -> dict[str, int]:
    return {seen.name: seen.count for seen in group}


def test_actions_known_and_unknown() -> None:
    seen = report({"action": "rec-start"}, {"bye": "true"}, {"bye": "true"}, {"action": "fax", "page": 1}, {"x": 1})
    assert seen.messages == 5
    assert counts(seen.actions) == {"bye": 2, "(none)": 1, "fax": 1, "rec-start": 1}
    assert {entry.name for entry in seen.unknown} == {"(none)", "fax", "fax.action", "fax.page", "(none).x"}


def test_fields_and_values_of_accounts() -> None:
    seen = report(
        {"action": "user-state", "account": "1", "type": "extensions", "chatstatus": "away", "code": None, "new": 1},
        {"action": "user-state", "account": "2", "type": "robots"},
    )
    assert counts(seen.fields) == {
        "user-state.type": 2,
        "user-state.chatstatus": 1,
        "user-state.code": 1,
        "user-state.new": 1,
    }
    assert {entry.name for entry in seen.unknown} == {"user-state.new", "type=robots", "chatstatus=away"}


def test_fields_and_values_of_calls() -> None:
    call = {"id": "cover-1", "state": "Alerting", "from": "<sip:1@d>", "start": 1790000000, "new": True}
    seen = report({"action": "call-state", "calls": [call, {**call, "id": "cover-2", "state": "humming"}]})
    assert counts(seen.fields)["call-state.calls[].from"] == 2
    assert counts(seen.values) == {"state=Alerting": 1, "state=humming": 1}
    assert {entry.name for entry in seen.unknown} == {"call-state.calls[].new", "state=humming"}


def test_an_unchanged_call_is_counted_once() -> None:
    frame = {"action": "call-state", "calls": [{"id": "cover-3", "state": "connected"}]}
    seen = report(frame, frame, frame)
    assert counts(seen.actions) == {"call-state": 3}
    assert counts(seen.fields) == {"call-state.calls[].id": 1, "call-state.calls[].state": 1}


def test_snapshots_count_their_accounts_and_calls() -> None:
    account = {"account": "1", "type": "extensions", "calls": [{"from": "<sip:9@d>"}]}
    seen = report({"action": "domain-state", "accounts": [account, account], "calls": [{"id": "cover-4"}]})
    fields = counts(seen.fields)
    assert fields["domain-state.accounts[].type"] == 2
    assert fields["domain-state.accounts[].calls[].from"] == 1
    assert fields["domain-state.calls[].id"] == 1


def test_malformed_frames_are_counted_by_their_reason() -> None:
    seen = report('{"a":1,"a":2}', '{"a":1,"a":2}', "[]")
    assert [entry.count for entry in seen.malformed] == [2, 1]


def test_a_stranger_cannot_fill_the_memory() -> None:
    coverage = Coverage()
    for number in range(MOST_NAMES + 500):
        coverage.add(decode(json.dumps({"action": f"a{number}" * 50})))
        coverage.add(decode(json.dumps({"action": "user-state", "account": "1", "type": f"t{number}"})))
        coverage.add(decode(json.dumps({"action": "call-state", "calls": [{"state": f"s{number}", f"f{number}": 1}]})))
    seen = coverage.report()
    assert seen.messages == 3 * (MOST_NAMES + 500)
    for group in (seen.actions, seen.fields, seen.values):
        assert len(group) <= 2 * MOST_NAMES + 20
        assert max(len(entry.name) for entry in group) <= 100
    assert counts(seen.fields)["(others)"] >= 500


def test_the_report_prints_safely() -> None:
    text = str(report({"action": "\x1b[31mred\u202e"}))
    assert text.isascii()
    assert "\x1b" not in text
    assert "unknown" in text
