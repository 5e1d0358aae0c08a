"""Rules over a recording: they rise where they would have risen, judged once a second, and only while it is known."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from zoneinfo import ZoneInfo

import comm
import pytest

import pbxnb
from pbxnb.errors import ConfigError
from pbxnb.journal import Journals
from pbxnb.model.kept.inputs import Input, Lost, Opened
from pbxnb.session.replaying.judged import Judged
from pbxnb.widgets import Rule
from tests.journal.journal_kit import busy, frame, recorded
from tests.model.model_kit import T0
from tests.widgets.fakes import RecordingComm, Wire, until

SECOND = timedelta(seconds=1)
PEAK = Rule.peak(orange=1, red=2)


def listed(second: int, *ids: int, **more: object) -> Input:
    """The calls that go on from then on; each rings since it came."""
    calls = [
        {"id": str(n), "from": "+15550100", "to": "45", "state": "alerting", "start": T0.timestamp() + n} for n in ids
    ]
    return frame(second, {"action": "call-state", "calls": calls}, **more)


def life(last: int = 900) -> list[Input]:
    """A call from 100 s to 300 s, another one from 200 s to 250 s, and little else; no line from 500 s to 560 s."""
    down = [Lost(T0 + 500 * SECOND, 500.0, 1, None, T0 + 500 * SECOND, "It dropped."), Opened(*_stamp(550), "70.1")]
    calls = [listed(100, 100), listed(200, 100, 200), listed(250, 100), listed(300)]
    again = [listed(560, 480, connection=2), listed(650, connection=2), busy(last, connection=2)]
    return [busy(1), *calls, *down, *again]


def _stamp(second: int) -> tuple[datetime, float, int, None]:
    return T0 + second * SECOND, float(second), 2, None


def judge(path: Path, rules: Iterable[Rule], goes_on: Iterable[bool] = cycle([True])) -> Judged:
    """All of a recording."""
    answers = iter(goes_on)
    with Journals(path) as journals:
        judged = Judged(journals, [*rules], ZoneInfo("UTC"), lambda: next(answers))
        while judged._replayed._next <= journals.last:
            judged.read_on()
    return judged


def told(judged: Judged) -> list[tuple[str, float, str]]:
    return [(one.rule, round((one.at - T0) / SECOND), str(one.level)) for one in judged.events]


def test_a_rule_rises_and_falls_with_the_model_and_with_time_alone(tmp_path: Path) -> None:
    recorded(tmp_path / "one.pbx", life())
    assert told(judge(tmp_path / "one.pbx", [PEAK])) == [
        ("calls at once", 100, "orange"),
        ("calls at once", 200, "red"),
        ("calls at once", 250, "orange"),
        ("calls at once", 300, "ok"),
        ("calls at once", 560, "orange"),
        ("calls at once", 650, "ok"),
    ]
    assert told(judge(tmp_path / "one.pbx", [Rule.waiting(orange=60)])) == [
        ("longest wait", 160, "orange"),  # nothing came then
        ("longest wait", 300, "ok"),
        ("longest wait", 620, "orange"),
        ("longest wait", 650, "ok"),
    ]


def test_it_is_judged_every_second_that_is_known_and_at_no_other(tmp_path: Path) -> None:
    recorded(tmp_path / "one.pbx", life(700))
    recorded(tmp_path / "one.pbx", [busy(5_000, after=5_000.0), busy(5_010, after=5_010.0)])  # another session
    asked: list[int] = []
    judge(tmp_path / "one.pbx", [Rule("asked", lambda pbx: asked.append(round((pbx.clock.now() - T0) / SECOND)))])
    assert asked == [*range(1, 500), *range(560, 700), *range(5_000, 5_010)]


def test_a_measure_asks_what_it_would_ask_of_a_handle(tmp_path: Path) -> None:
    recorded(tmp_path / "one.pbx", life(700))
    with pbxnb.open(tmp_path / "one.pbx") as recording:
        there = [len(recording.at(T0 + second * SECOND).calls) for second in range(1, 500, 9)]
    seen: dict[str, list[object]] = {"calls": [], "snapshot": [], "where": [], "ended": []}

    def measure(pbx: pbxnb.Pbx) -> float:
        seen["calls"].append(len(pbx.calls))
        seen["snapshot"].append(len(pbx.snapshot().calls))
        seen["where"].append(len(pbx.calls.where(state="ringing")))
        seen["ended"].append(len(pbx.closed_calls()))
        return 0.0

    judged = judge(tmp_path / "one.pbx", [Rule("all", measure, red=1)])
    assert not judged.errors
    assert seen["calls"][:499:9] == there
    assert seen["calls"] == seen["snapshot"] == seen["where"]
    assert (seen["ended"][0], seen["ended"][-1]) == (0, 3)


def test_it_may_be_put_off_at_any_step(tmp_path: Path) -> None:
    recorded(tmp_path / "one.pbx", life())
    rules = [PEAK, Rule.waiting(orange=60)]
    at_once = told(judge(tmp_path / "one.pbx", rules))
    assert told(judge(tmp_path / "one.pbx", rules, cycle([True, False]))) == at_once


def test_a_measure_that_fails_stops_no_other(tmp_path: Path) -> None:
    recorded(tmp_path / "one.pbx", life())
    judged = judge(tmp_path / "one.pbx", [Rule("broken", lambda pbx: pbx.simulator.faults), PEAK])
    assert [level for _, _, level in told(judged)][:2] == ["orange", "red"]
    assert list(judged.errors) == ["broken"]
    assert judged.errors["broken"].startswith("AttributeError: ")


def test_a_scrubber_marks_them_jumps_to_them_and_follows_a_recording_that_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comm, "create_comm", RecordingComm)
    recorded(tmp_path / "one.pbx", life())
    with pbxnb.open(tmp_path / "one.pbx") as recording:
        with pytest.raises(ConfigError, match="is no rule"):
            recording.scrubber(alerts=["waiting"])
        scrubber = recording.scrubber(alerts=[PEAK, Rule("broken", lambda pbx: pbx.simulator)], kind="alert")
        Wire(scrubber).hello()
        until(lambda: len(scrubber._track_facts()["alerts"]) == 3)
        words = [mark.words for mark in scrubber._track_facts()["alerts"]]
        assert [word.split()[-1] for word in words] == ["orange", "red", "orange"]
        until(lambda: any("“broken” failed: AttributeError" in error for error in scrubber._errors))
        for second in (100, 200, 560):
            scrubber.jump()
            until(lambda second=second: scrubber._player.position == T0 + second * SECOND)
        recorded(tmp_path / "one.pbx", [busy(901, after=901.0), listed(910, 910), busy(911, after=911.0)])
        until(lambda: len(scrubber._track_facts()["alerts"]) == 4)
        scrubber.close()
