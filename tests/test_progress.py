"""A bar is there for what takes longer than a second, and what it counts still comes piece by piece."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pbxnb import analysis, progress
from pbxnb.session.past.table import Table


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bars are there from the beginning."""
    monkeypatch.setattr(progress, "_AFTER", 0)


def test_what_is_quick_has_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    assert [*progress.shown(range(3), 3, "Counting")] == [0, 1, 2]
    assert capsys.readouterr().err.strip() == ""


@pytest.mark.usefixtures("at_once")
def test_what_is_slow_has_a_bar_that_goes_and_takes_one_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(3):
            taken.append(item)
            yield item

    for item in progress.shown(items(), 3, "Counting"):
        assert taken == [*range(item + 1)]
    told = capsys.readouterr().err
    assert "Counting" in told
    assert "0/3" in told
    assert told.endswith("\r")  # and is wiped away


@pytest.mark.usefixtures("at_once")
def test_pages_are_counted_toward_a_total_that_is_known_late(capsys: pytest.CaptureFixture[str]) -> None:
    count, close = progress.counted("Fetching", "pages")
    count(1, None)
    count(1, 4)
    close()
    assert "Fetching" in capsys.readouterr().err


@pytest.mark.usefixtures("at_once")
def test_call_records_are_counted_as_they_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "records.csv"
    file.write_text("begin,agent\n" + "2026-09-21 08:00:05,41\n" * 3)
    _, report = analysis.read_calls(file, source={"start": "begin", "ext": "agent"}, tz="UTC")
    assert report.kept == 3
    assert "Reading records.csv" in capsys.readouterr().err


@pytest.mark.usefixtures("at_once")
def test_a_table_of_the_history_is_counted_as_it_is_made_once_and_not_on_a_thread_of_ours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made: list[int] = []

    def rows() -> Iterator[dict[str, int]]:
        for n in range(3):
            made.append(n)
            yield {"n": n}

    def new() -> Table:
        return Table("calls", {"n": "whole"}, rows)

    assert new().to_arrow().num_rows == 3
    assert "Making the table of calls" in capsys.readouterr().err
    assert made == [0, 1, 2]
    thread = threading.Thread(target=new().to_arrow, name="pbxnb-ui")
    thread.start()
    thread.join()
    assert len(made) == 6
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("at_once")
def test_calls_are_counted_as_they_come_into_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for month in ("01", "02"):
        (tmp_path / f"month={month}").mkdir()
        pq.write_table(pa.table({"call_id": ["a", "b"]}), tmp_path / f"month={month}" / "calls.parquet")
    assert analysis.open_calls(tmp_path, engine="pyarrow").to_pydict() == {
        "call_id": ["a", "b", "a", "b"],
        "month": ["01", "01", "02", "02"],
    }
    assert "Reading the calls" in capsys.readouterr().err
