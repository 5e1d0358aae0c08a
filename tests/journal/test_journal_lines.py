"""Recordings as JSON lines: what is read in which spelling, what is written, and what is no recording."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxnb.errors import NotARecording
from pbxnb.journal.lines import Line, read_lines, write_lines

DATA = Path(__file__).parents[1] / "data"
DIRECTIONS = st.sampled_from(("in", "out"))


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ('{"at": 1.5, "text": "{}"}', Line(1.5, "in", "{}")),
        ('{"at": "1.5", "dir": "out", "payload": "x"}', Line(1.5, "out", "x")),
        ('{"received": "1970-01-01T00:01:00+00:00", "direction": "in", "text": ""}', Line(60.0, "in", "")),
        ('{"recv_us": 2500000, "direction": "out", "frame": {"a": [1]}}', Line(2.5, "out", '{"a":[1]}')),
    ],
)
def test_a_line_is_read_in_every_spelling(line: str, read: Line) -> None:
    assert list(read_lines([line])) == [read]


@given(st.lists(st.tuples(st.floats(0, 4e9), DIRECTIONS, st.text()), min_size=1))
def test_what_is_written_is_read_again(frames: list[tuple[float, str, str]]) -> None:
    lines = [Line(at, cast(Literal["in", "out"], way), text) for at, way, text in sorted(frames)]
    assert list(read_lines(write_lines(lines))) == lines


@pytest.mark.parametrize("path", sorted((DATA / "frames").glob("*.jsonl")), ids=lambda path: path.stem)
def test_the_recorded_frames_of_the_tests_are_such_lines(path: Path) -> None:
    lines = list(read_lines(path))
    assert {line.direction for line in lines} == {"in", "out"}
    assert list(read_lines(write_lines(lines))) == lines


def test_a_clock_that_jumps_back_stands_still() -> None:
    lines = [f'{{"at": {at}, "text": "{{}}"}}' for at in (5, 3, 6)]
    assert [line.at for line in read_lines(lines)] == [5.0, 5.0, 6.0]


def test_a_torn_last_line_is_passed_over_and_one_before_is_not() -> None:
    whole, torn = '{"at": 1, "text": "{}"}', '{"at": 2, "te'
    assert len(list(read_lines([whole, torn, "", "\n"]))) == 1
    with pytest.raises(NotARecording, match="Line 2 of the recording is no JSON") as error:
        list(read_lines([whole, torn, whole]))
    assert error.value.data["line"] == 2


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "no frame in it"),
        (["", " "], "no frame in it"),
        (["{"], "Line 1 of the recording is no JSON"),
        (["[]"], "no object"),
        (['{"text": "x"}'], "has no time"),
        (['{"at": true, "text": "x"}'], "has no time"),
        (['{"at": NaN, "text": "x"}'], "no JSON"),
        (['{"at": 1e300, "text": "x"}'], "has no time"),
        (['{"at": 1}'], "has no frame"),
    ],
)
def test_what_is_no_recording_is_a_sentence(lines: list[str], sentence: str) -> None:
    with pytest.raises(NotARecording, match=sentence):
        list(read_lines(lines))


def test_a_file_is_read_as_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "monday.jsonl"
    path.write_text('{"at": 1, "text": "{}"}\nno JSON\n{"at": 1, "text": "{}"}\n', "utf-8")
    lines = read_lines(path)
    assert next(lines).at == 1.0
    with pytest.raises(NotARecording, match="Line 2"):
        next(lines)
    with pytest.raises(NotARecording, match=r"'none\.jsonl' cannot be read"):
        next(read_lines(tmp_path / "none.jsonl"))
