"""Measures and pictures take a recording as they take the handle that recorded it, and say the same."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pbxnb
from pbxnb import analysis, figures
from pbxnb.session.recordings.recording import Recording

pytest.importorskip("pyarrow")

NO_PICTURES_OF_IT = {"call_quality", "Timeline", "live", "describe"}  # of a phone's call, of what goes on, and of none
MORE: dict[str, dict[str, Any]] = {
    "load_against_theory": {"hours": 1.0, "agents": 9},
    "one_more_agent": {"agents": 9},
    "repeat_callers": {"within": 3600},
    "first_call_resolution": {"within": 3600},
}
MEASURES = [
    name
    for name in analysis.__all__
    if callable(measure := getattr(analysis, name)) and next(iter(inspect.signature(measure).parameters)) == "calls"
]
PICTURES = sorted({*figures.__all__} - NO_PICTURES_OF_IT)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Recording]]:
    """A call centre's hour, and its recording."""
    path: Path = tmp_path_factory.mktemp("recordings") / "hour.pbx"
    with pbxnb.simulate("callcentre", extensions=12, seed=3, speed=300, record=path, name="pictures") as pbx:
        pbx.until(lambda pbx: len(pbx.closed_calls()) > 40, timeout=120).result()
        pbx.simulator.clock.pause()
        pbx.stop_recording().result(20)
        with pbxnb.open(path) as recording:
            yield pbx, recording


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_of_a_recording_is_that_of_the_session(both: tuple[Any, Recording], name: str):
    measure, more = getattr(analysis, name), MORE.get(name, {})
    live, recorded = (measure(source, **more) for source in both)
    until = ("first", "last", "logged_in_ms", "occupancy")  # up to now, and to the last input
    ends = [column for column in until if column in live.column_names]
    assert recorded.drop_columns(ends).equals(live.drop_columns(ends))


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_of_a_recording_says_what_that_of_the_session_says(both: tuple[Any, Recording], name: str):
    pbx, recording = both
    draw, more = getattr(figures, name), MORE.get(name, {})
    if name in ("call_life", "ladder"):
        more = {"call": next(row["call_id"] for row in recording.calls if row["ended_at"])}
    said = []
    for source in (pbx, recording):
        made = draw(source, source) if name == "compare" else draw(source, **more)
        said.append((figures.describe(made), made.layout.title.text))
    if name == "state_shares":  # up to now, and up to the last input
        told = [[part.split(":")[0] for part in text.split("; ")] for text, _ in said]
    elif name == "ladder":  # a recorded frame has its own reading of the clock
        told = [[line.split(" s  ")[-1] for line in text.splitlines()[1:]] for text, _ in said]
    else:
        told = [[*one] for one in said]
    assert told[0] == told[1]
    assert told[0]
