"""Tables of what is recorded: each row in one of them, none of them half, and all of them made anew at any time."""

from __future__ import annotations

import os
import stat
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

pytest.importorskip("pyarrow", reason="the analysis extra is not installed")
import pyarrow.dataset as ds
import pyarrow.parquet as pq

import pbxnb
from pbxnb.errors import RecordingInUse
from pbxnb.journal import Recorder, daily, file_name
from pbxnb.journal.file import FileLock
from pbxnb.model.entities import Gap
from pbxnb.model.kept.inputs import Input, Lost, Opened, Resynced
from pbxnb.model.store import Store
from pbxnb.recording_service import TABLES, make_tables
from tests.journal.journal_kit import busy, frame
from tests.model.model_kit import T0

HOURS = 3600.0
NAME = "45@acme.example@pbx.example.com"


def call(number: int, began: float, state: str) -> dict[str, Any]:
    start = T0.timestamp() + began
    return {
        "id": str(number), "from": "<sip:+15550100@acme.example>", "to": "<sip:204@acme.example>", "state": state,
        "extension": ["204"], "start": f"{start:.0f}", "connect": f"{start + 5:.0f}" if state == "connected" else "",
    }  # fmt: skip


def days(count: int = 3) -> list[Input]:
    """A call every three hours, each an hour long, also over midnight; an outage over each noon and one midnight."""
    made: list[Input] = [Opened(T0, 0.0, 1, None, "70.1"), busy(1, "204", after=0.0)]
    for turn in range(8 * count):
        began = turn * 3 * HOURS + 1800  # T0 is at noon: some begin at 22:30 and 01:30 in Berlin
        for after, calls in (
            (0.0, [call(turn, began, "alerting")]), (5.0, [call(turn, began, "connected")]), (1.75 * HOURS, []),
        ):  # fmt: skip
            moment = began + after
            made.append(frame(len(made), {"action": "call-state", "calls": calls}, after=moment))
        made.append(busy(len(made), "204", after=began + 1.9 * HOURS))
    down = T0 + timedelta(seconds=began + 2 * HOURS)
    up = down + timedelta(hours=30)
    made.append(Lost(down, 1e6, 1, None, down, "The line broke."))
    made.append(Opened(up, 1e6, 2, None, "70.1"))
    made.append(Resynced(up, 1e6, 2, None, None, (), len(made), None, "snapshot", True, False, Gap(down, up)))
    made.append(busy(len(made), "204", after=(up - T0).total_seconds() + 60))
    return made


def record(folder: Path, inputs: list[Input], name: str = NAME, domain: str = "acme.example") -> list[Path]:
    """Those inputs as the service records them; the files, oldest first."""
    store = Store(domain=domain, user="45")
    where = daily(folder / file_name(name), name, ZoneInfo("Europe/Berlin"))
    about = {"domain": domain, "user": "45", "tz": "Europe/Berlin"}
    recorder = Recorder(where, store, about=about, now=lambda: inputs[0].utc)
    recorder.start().result(20)
    for one in inputs:
        recorder.take(one)
        if changes := one.apply_to(store):
            recorder.noticed(changes)
    recorder.stop().result(20)
    return sorted((folder / file_name(name)).glob("*.pbx"))


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    found = []
    for path in sorted((folder / "tables" / name).rglob("*.parquet")):
        found += pq.read_table(path, partitioning=None).to_pylist()
    return found


def seconds(intervals: list[dict[str, Any]], until: datetime, *keys: str) -> Counter[Any]:
    """How long each lasted, up to a moment where it has no end."""
    total: Counter[Any] = Counter()
    for one in intervals:
        lasted = (one["end"] or until.replace(tzinfo=None)) - one["start"]
        total[tuple(one[key] for key in keys)] += lasted.total_seconds()
    return total


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    record(tmp_path, days())
    return tmp_path


def test_the_tables_of_all_days_are_those_of_the_whole_recording(kept: Path):
    made, failed = make_tables(kept)
    recordings = sorted(kept.rglob("*.pbx"))
    assert (made, failed) == (len(recordings), [])
    assert made > 3
    with pbxnb.open(kept / file_name(NAME)) as whole:
        for name in ("calls", "legs", "call_states"):
            expected = getattr(whole, name).to_pylist()
            assert len(expected) > 20
            assert sorted(map(str, rows(kept, name))) == sorted(map(str, expected)), name
        for name, keys in {"presence": ("account", "axis", "value"), "gaps": ("connection", "why")}.items():
            expected = getattr(whole, name).to_pylist()
            assert seconds(rows(kept, name), whole.end, *keys) == seconds(expected, whole.end, *keys), name
            unended = [one for one in rows(kept, name) if one["end"] is None]
            assert len(unended) == sum(one["end"] is None for one in expected)


def test_a_row_is_in_the_table_of_its_day_and_an_interval_is_cut_at_midnight(kept: Path):
    make_tables(kept)
    berlin = ZoneInfo("Europe/Berlin")
    for table in kept.rglob("*.parquet"):
        day, month = table.stem[-10:], table.parent.name
        assert month == f"month={day[:7]}"
        assert table.parent.parent.name == "domain=acme.example"
        for row in pq.read_table(table, partitioning=None).to_pylist():
            first = row.get("started_at") or row.get("start") or row["at"]
            last = row.get("end") or first
            for moment in (first, last - timedelta(microseconds=1) if last > first else last):
                local = moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(berlin)
                # a day ends where the next file begins, which is at the first input after midnight
                assert abs((local.date() - datetime.fromisoformat(day).date()).days) <= 1
    assert len(rows(kept, "gaps")) >= 2, "the outage went over midnight"


def test_only_what_has_changed_is_made_again(kept: Path):
    recordings = sorted(kept.rglob("*.pbx"))
    assert make_tables(kept)[0] == len(recordings)
    assert make_tables(kept) == (0, [])
    record(kept, [busy(999, "204", after=9 * 24 * HOURS)])
    last = sorted(kept.rglob("*.pbx"))[-1]
    assert last not in recordings
    assert make_tables(kept)[0] == 2, "the new day, and the one before, which has a next one now"
    for table in kept.rglob("calls/**/*.parquet"):
        table.unlink()
    assert make_tables(kept)[0] == len(recordings) + 1


def test_the_tables_of_a_recording_that_is_gone_go_and_so_does_what_a_killed_process_left(kept: Path):
    make_tables(kept)
    first, *others = sorted(kept.rglob("*.pbx"))
    table = next(kept.rglob(f"calls/**/{first.stem}.parquet"))
    half = table.with_name(f".{table.name}.part")
    half.write_bytes(b"PAR1 half")
    first.unlink()
    assert len(rows(kept, "calls")) > 0, "no reader takes the half for a table"
    make_tables(kept)
    assert not half.exists()
    assert {path.stem for path in kept.rglob("*.parquet")} == {path.stem for path in others}


def test_a_day_that_cannot_be_read_is_said_and_the_others_are_made(kept: Path):
    bad, *others = sorted(kept.rglob("*.pbx"))
    bad.write_bytes(b"no database at all, but long enough " * 40)
    made, failed = make_tables(kept)
    assert made == len(others)
    assert len(failed) == 1
    assert bad.name in failed[0]


def test_two_processes_do_not_make_them_at_once(kept: Path):
    lock = FileLock(kept / "tables")
    try:
        with pytest.raises(RecordingInUse, match="makes"):
            make_tables(kept)
    finally:
        lock.release()
    assert make_tables(kept)[0]


def test_their_owner_alone_may_read_them(kept: Path):
    before = os.umask(0)
    try:
        make_tables(kept)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept.rglob("*.parquet")} == {0o600}


@pytest.mark.parametrize("domain", ["..", "con", "Acme.Example", "ä.example", "x" * 300, "a%2eb"])
def test_a_hostile_domain_stays_in_its_folder_and_is_read_back(domain: str, tmp_path: Path):
    kept = tmp_path / "kept"
    record(kept, days(1), f"45@{domain}@pbx.example.com", domain)
    make_tables(kept)
    tables = [*kept.rglob("*.parquet")]
    assert {path.relative_to(kept).parts[0] for path in tables} == {"tables"}
    assert {path.relative_to(kept / "tables").parts[0] for path in tables} == {*TABLES}
    assert {path.name for path in tmp_path.iterdir()} == {"kept"}
    read = ds.dataset(kept / "tables" / "calls", format="parquet").to_table()
    assert set(read["domain"].to_pylist()) == {domain}


def test_an_empty_folder_has_no_tables(tmp_path: Path):
    assert make_tables(tmp_path / "kept") == (0, [])
