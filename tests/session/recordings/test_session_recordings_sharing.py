"""What a recording gives away: nobody's name, the frames as they were, tables as they are, a page and a bug report."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

import pbxnb
from pbxnb.errors import ConfigError
from pbxnb.journal import Journal
from pbxnb.journal.lines import read_lines
from pbxnb.journal.sharing import bugs, import_lines
from pbxnb.model.kept.inputs import Received
from tests.journal.journal_kit import busy, recorded
from tests.journal.sharing.test_journal_sharing_frames import HOSTILE, call
from tests.journal.sharing.test_journal_sharing_recordings import assert_nobody_in
from tests.model.model_kit import T0

START = T0.timestamp()


def lines(names: list[str]) -> str:
    """A call of each name: it rings a second, talks a second, and ends."""
    told = [{"at": START, "frame": {"action": "domain-state", "accounts": [{"account": "204"}], "calls": []}}]
    for number, name in enumerate(names):
        at = START + 10 * number
        one = {**call(name), "id": f"{number}", "start": at}
        for after, calls in ((1, [one]), (2, [{**one, "state": "connected", "connect": at + 2}]), (3, [])):
            told.append({"at": at + after, "frame": {"action": "call-state", "calls": calls}})
    return "".join(f"{json.dumps(line)}\n" for line in told)


@pytest.fixture
def monday(tmp_path: Path) -> Path:
    """A recording of a call of each hostile name."""
    (tmp_path / "names.jsonl").write_text(lines([*HOSTILE]))
    return import_lines(tmp_path / "names.jsonl", tmp_path / "monday.pbx", domain="acme-clinic.example", user="204")


def test_an_anonymous_recording_has_the_same_calls_of_nobody(monday: Path, tmp_path: Path) -> None:
    times = "started_at", "answered_at", "ended_at", "outcome", "wait_ms", "talk_ms"
    with pbxnb.open(monday) as one, pbxnb.open(one.anonymise(tmp_path / "two.pbx")) as two:
        assert len(one.calls) == len(HOSTILE)
        before, after = ([[row[name] for name in times] for row in recording.calls] for recording in (one, two))
        assert after == before
        assert (two.start, two.end, two.coverage_text) == (one.start, one.end, one.coverage_text)
    assert_nobody_in(monday, tmp_path / "two.pbx")


def test_frames_go_out_as_they_came_in(monday: Path, tmp_path: Path) -> None:
    with pbxnb.open(monday) as recording:
        out = recording.export(tmp_path / "out.jsonl")
        assert [line.text for line in read_lines(out)] == [frame.text for frame in recording.frames]
    assert [*read_lines(out)] == [*read_lines(tmp_path / "names.jsonl")] == [*read_lines(monday)]
    assert out.stat().st_mode & 0o777 == 0o600


def test_a_table_goes_out_as_it_is_and_no_name_is_a_formula(monday: Path, tmp_path: Path) -> None:
    with pbxnb.open(monday) as recording:
        with recording.export(tmp_path / "calls.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = [*csv.DictReader(file)]
        told = [{name: "" if value is None else str(value) for name, value in row.items()} for row in recording.calls]
    assert rows == told
    assert rows[0]["from_num"] == "+15550100"


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "@SUM(1)", "+cmd|'/C calc'!A0", "-2+3+cmd", "\t=1"])
def test_a_text_that_a_spreadsheet_would_run_is_a_text(text: str, tmp_path: Path) -> None:
    one = {"id": text, "from": "<sip:1@a>", "to": "<sip:2@a>", "state": "alerting"}
    (tmp_path / "one.jsonl").write_text(json.dumps({"at": START, "frame": {"action": "call-state", "calls": [one]}}))
    with pbxnb.open(import_lines(tmp_path / "one.jsonl", tmp_path / "one.pbx")) as recording:
        written = recording.export(tmp_path / "calls.csv").read_text("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(written, newline=""))
    assert row["call_id"] == f"'{text}"


def test_parquet_is_the_same_table_and_a_folder_gets_them_all(monday: Path, tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="the analysis extra is not installed")
    (tmp_path / "tables").mkdir()
    with pbxnb.open(monday) as recording:
        assert pq.read_table(recording.export(tmp_path / "calls.parquet")) == recording.calls.to_arrow()
        folder = recording.export(tmp_path / "tables")
        for name in ("calls", "legs", "call_states", "presence", "gaps"):
            assert pq.read_table(folder / f"{name}.parquet") == getattr(recording, name).to_arrow()
    assert len([*folder.iterdir()]) == 5


def test_what_cannot_be_written_is_said_and_leaves_nothing(monday: Path, tmp_path: Path) -> None:
    before = {*tmp_path.iterdir()}
    with pbxnb.open(monday) as recording:
        for write in (
            lambda: recording.export(tmp_path / "calls.xlsx"),
            lambda: recording.anonymise(tmp_path / "calls.csv"),
            lambda: recording.anonymise(monday),
            lambda: recording.report(tmp_path / "report.pdf"),
            lambda: recording.bug_report(tmp_path / "report.pbx"),
            lambda: recording.bug_report(tmp_path / "report.zip", minutes=-1),
            lambda: recording.bug_report(tmp_path / "report.zip", around=T0.replace(tzinfo=None)),
        ):
            with pytest.raises(ConfigError):
                write()
        with pytest.raises(ConfigError, match=r"none of \.jsonl, \.csv and \.parquet"):
            recording.export(tmp_path / "monday")
    assert {*tmp_path.iterdir()} == before


def test_a_report_is_one_page_with_one_copy_of_the_code_and_no_name_becomes_markup(
    monday: Path, tmp_path: Path
) -> None:
    pytest.importorskip("pyarrow", reason="the analysis extra is not installed")
    with pbxnb.open(monday) as recording:
        page = recording.report(tmp_path / "report.html").read_text("utf-8")
        assert recording.coverage_text in page
    from plotly.offline import get_plotlyjs

    assert page.count(get_plotlyjs()) == 1
    body = page.partition("<body>")[2]
    assert body.count("<figure>") >= 5
    assert f"calls: {len(HOSTILE)}" in body
    assert "of the recording monday.pbx" in body
    assert "<img" not in body
    assert "service level" in body


def test_a_bug_report_holds_a_slice_of_nobody_the_versions_and_what_the_protocol_showed(
    monday: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A pseudonym of the slice may be, by chance, three digits of an original that is not in it: so not by chance here.
    monkeypatch.setattr(bugs, "anonymise_parts", partial(bugs.anonymise_parts, key=b"a key"))
    with pbxnb.open(monday) as recording:
        middle = T0 + timedelta(seconds=100)
        out = recording.bug_report(tmp_path / "report.zip", around=middle, minutes=0.5)
    with zipfile.ZipFile(out) as file:
        assert file.namelist() == ["README.txt", "recording.pbx", "coverage.txt", "versions.txt"]
        readme, coverage, versions = (
            file.read(name).decode() for name in ("README.txt", "coverage.txt", "versions.txt")
        )
        file.extract("recording.pbx", tmp_path)
    assert all(name in readme for name in ("recording.pbx", "coverage.txt", "versions.txt"))
    assert re.search(r"2026-09-21 \d\d:\d\d:\d\d to 2026-09-21 \d\d:\d\d:\d\d, times in UTC", readme)
    assert "pbxnb " in versions
    assert "'call-state'" in coverage
    assert "'note'" not in coverage
    with Journal(tmp_path / "recording.pbx") as journal:
        moments = [one.utc for _, one in journal.inputs()]
        assert [*journal.store(0).accounts] != ["204"]
        assert len(journal.store(0).accounts) == 1  # what was known before the slice begins
    assert middle - timedelta(seconds=30) <= min(moments)
    assert max(moments) <= middle + timedelta(seconds=30)
    assert_nobody_in(monday, tmp_path / "recording.pbx")


def slice_of(recording: Path, out: Path, **options: object) -> list[int]:
    with pbxnb.open(recording) as opened, zipfile.ZipFile(opened.bug_report(out, **options)) as file:  # type: ignore[arg-type]
        file.extract("recording.pbx", out.parent)
    with Journal(out.with_name("recording.pbx")) as journal:
        return [one.seq for _, one in journal.inputs() if isinstance(one, Received)]


def test_a_bug_report_is_bounded_and_keeps_what_is_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(tmp_path / "one.pbx", [busy(seq, str(100 + seq)) for seq in range(2000)])
    out, around = tmp_path / "report.zip", T0 + timedelta(seconds=1000)
    assert slice_of(tmp_path / "one.pbx", out) == [*range(1700, 2000)]  # five minutes
    assert slice_of(tmp_path / "one.pbx", out, around=around) == [*range(701, 1301)]
    monkeypatch.setattr(bugs, "MOST", 100 * len(busy(500, "600").raw))
    assert slice_of(tmp_path / "one.pbx", out)[-1] == 1999
    assert 95 <= len(slice_of(tmp_path / "one.pbx", out)) <= 105
    near = slice_of(tmp_path / "one.pbx", out, around=around)
    assert near == [*range(near[0], near[-1] + 1)]
    assert 95 <= len(near) <= 105
    assert abs(near[0] + near[-1] - 2000) <= 3


def test_an_empty_recording_and_a_folder_can_be_shared_too(tmp_path: Path) -> None:
    (tmp_path / "days").mkdir()
    recorded(tmp_path / "days" / "a.pbx", [busy(1, "111")])
    recorded(tmp_path / "days" / "b.pbx", [busy(2, "222")])
    recorded(tmp_path / "empty.pbx", [])
    with pbxnb.open(tmp_path / "days") as recording:
        with Journal(recording.anonymise(tmp_path / "two.pbx")) as journal:
            assert [one.seq for one in journal.breaks()] == [0, 1]
            assert journal.last == 1
        assert len([*read_lines(recording.export(tmp_path / "two.jsonl"))]) == 2
        recording.bug_report(tmp_path / "two.zip")
    with pbxnb.open(tmp_path / "empty.pbx") as recording:
        recording.anonymise(tmp_path / "three.pbx")
        recording.bug_report(tmp_path / "three.zip")
        recording.export(tmp_path / "three.csv")
