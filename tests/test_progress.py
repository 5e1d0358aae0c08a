"""A bar is there for what takes longer than a second, and what it counts still comes piece by piece."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pbxnb import analysis, progress


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
