"""A part of a folder tells what the whole tells of that time, and reads no more files than it takes."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import pbxnb
from pbxnb.journal import Replayed
from pbxnb.model.kept.inputs import Input
from tests.journal.journal_kit import busy, frame, recorded
from tests.model.model_kit import T0

DAY = 120  # seconds of a file here
TABLES = ("calls", "legs", "call_states", "presence", "gaps")


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six days: an account changes now and then; a call a day, which goes on over its midnight, and a short one."""
    calls: dict[int, list[dict[str, Any]]] = {}
    for day in range(6):
        for n, begins, ends in ((f"{day}a", 80, 140), (f"{day}b", 35, 45)):
            one = {"id": n, "from": "<sip:45@a>", "to": "<sip:46@a>", "state": "connected", "extension": ["45", "46"]}
            for second in range(DAY * day + begins, DAY * day + ends):
                calls.setdefault(second, []).append(one | {"start": after(DAY * day + begins).timestamp()})
    inputs = [
        busy(n, str(45 + n // 50 % 3)) if n % 5 else frame(n, {"action": "call-state", "calls": calls.get(n, [])})
        for n in range(1, 6 * DAY)
    ]
    recorded(lambda moment: tmp_path / f"{int((moment - T0).total_seconds()) // DAY}.pbx", inputs)
    return tmp_path


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the files whose inputs were taken in for a table."""
    names: set[str] = set()
    take = Replayed._take

    def watched(replayed: Replayed, one: Input) -> None:
        names.add(str(int((one.utc - T0).total_seconds()) // DAY))
        take(replayed, one)

    monkeypatch.setattr(Replayed, "_take", watched)
    return names


@pytest.mark.parametrize(
    ("a", "b", "files"),
    [(250, 350, "23"), (300, 370, "234"), (-50, 50, "01"), (650, 1000, "5"), (240, 360, "23"), (900, 999, "5")],
)
def test_a_part_reads_its_files_and_the_next_one(folder: Path, read: set[str], a: int, b: int, files: str) -> None:
    with pbxnb.open(folder) as recording:
        part = recording.between(after(a), after(b))
        told = {name: getattr(part, name).to_pylist() for name in TABLES}
        assert read == {*files}
        assert part.coverage == 1.0
        whole = recording.between(recording.start, recording.end)
        assert len(whole.calls) == 12
        assert read == {*"012345"}
        for name in TABLES:
            rows = getattr(recording, name).to_pylist()
            key = {"calls": "started_at", "legs": "started_at", "call_states": "at"}.get(name)
            inside = [row for row in rows if key is None or after(a) <= row[key].replace(tzinfo=T0.tzinfo) < after(b)]
            if name == "presence":
                inside = [row for row in rows if touches(row, after(a), after(b))]
            assert told[name] == [row for row in inside if name != "gaps"]


def touches(row: dict[str, Any], a: datetime, b: datetime) -> bool:
    start, end = (moment and moment.replace(tzinfo=T0.tzinfo) for moment in (row["start"], row["end"]))
    return start < b and (end is None or end > a)


def test_a_part_is_there_as_long_as_the_recording_is_open(folder: Path, read: set[str]) -> None:
    with pbxnb.open(folder) as recording:
        part = recording.between(after(250), after(350))
        assert part.between(after(275), after(285)).calls.to_pylist() == [
            row for row in part.calls if row["started_at"] == after(275).replace(tzinfo=None)
        ]
        assert read == {"2", "3"}
        assert part.at(after(280)).calls.keys() == {"2b"}
    with pytest.raises(pbxnb.errors.RecordingError):
        part.at(after(281))
