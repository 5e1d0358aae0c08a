"""Pictures of other tables than that of calls: presence, changes of calls, frames; of every engine the same."""

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from pbxnb import figures
from pbxnb.errors import AnalysisError, MissingColumn
from tests.helpers.tables import KINDS

BEGIN = datetime(2026, 3, 2, 9, 30)  # noqa: DTZ001 - UTC without zone, as in every table


def after(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def table(columns: str, *rows: tuple[Any, ...]) -> pa.Table:
    times = ("start", "end", "at", "received")
    columns_of = zip(columns.split(), zip(*rows, strict=True), strict=True)
    return pa.table(
        {name: pa.array(values, pa.timestamp("us") if name in times else None) for name, values in columns_of}
    )


PRESENCE = table(
    "account axis start end value",
    ("204", "state", after(0), after(60), "busy"),
    ("204", "state", after(60), after(80), "idle"),
    ("204", "dnd", after(0), None, "true"),
    ("208", "state", after(0), None, "idle"),
    ("209", "state", after(0), after(10), "held"),
    ("209", "state", after(10), after(100), "offline"),
)
CHANGES = table(
    "domain call_id seq at state from_num to_num",
    ("acme.example", "1", 0, after(0), "ringing", "+15550100", "204"),
    ("acme.example", "2", 0, after(5), "ringing", "+15550101", "208"),
    ("acme.example", "1", 1, after(10), "talking", "+15550100", "204"),
    ("acme.example", "1", 2, after(70), "ended", "+15550100", "204"),
    ("acme.example", "2", 1, after(25), "talking", "+15550101", "208"),
    ("acme.example", "1", 0, after(90), "ringing", "+15550100", "204"),
)
FRAMES = table(
    "seq received direction text",
    (1, after(0), "out", '{"action":"hold-call","id":"1"}'),
    (3, after(2), "in", '{"action":"user-state","account":"204","code":"c1"}'),
    (2, after(1), "in", '{"action":"call-state","calls":[{"id":"1","from":"1","to":"204","state":"onhold"}]}'),
)


@pytest.mark.parametrize("kind", KINDS)
def test_shares_of_a_table_of_presence_are_summed_up_to_its_last_time(kind: str) -> None:
    figure = figures.state_shares(KINDS[kind](PRESENCE))
    assert figures.describe(figure) == "204: busy 75.0%, idle 25.0%; 208: idle 100.0%; 209: held 10.0%, offline 90.0%."
    assert "2026-03-02 09:30 to 2026-03-02 09:31, times in UTC" in figure.layout.title.text
    busiest = figures.state_shares(KINDS[kind](PRESENCE), top=2)
    assert figures.describe(busiest) == "204: busy 75.0%, idle 25.0%; 209: held 10.0%, offline 90.0%."
    assert "the 2 busiest of 3" in busiest.layout.title.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_life_is_read_from_the_changes_of_calls_up_to_their_last_time(kind: str) -> None:
    changes = KINDS[kind](CHANGES)
    figure = figures.call_life(changes, "1")
    assert figures.describe(figure) == "1: +15550100 → 204: ringing 10 s, talking 60 s, ringing 0 s; goes on."
    assert "acme.example" in figure.layout.title.text
    assert figures.describe(figures.call_life(changes, "2")).endswith("ringing 20 s, talking 65 s; goes on.")
    with pytest.raises(AnalysisError, match="no call '3'"):
        figures.call_life(changes, "3")


@pytest.mark.parametrize("kind", KINDS)
def test_the_newest_frames_of_a_table_are_the_ladder_in_their_order(kind: str) -> None:
    frames = KINDS[kind](FRAMES)
    lines = figures.describe(figures.ladder(frames, last=2)).splitlines()
    assert lines[1:] == [
        "   1.000 s  PBX -> notebook: call-state 1 onhold 1→204",
        "   2.000 s  PBX -> notebook: user-state 204 in a call",
    ]
    said = figures.describe(figures.ladder(frames, call="1")).splitlines()[1:]
    assert [line.split(": ")[1] for line in said] == ["hold-call id 1", "call-state 1 onhold 1→204"]
    with pytest.raises(AnalysisError, match="name call 77"):
        figures.ladder(frames, call="77")


@pytest.mark.parametrize(
    ("draw", "right", "wrong"),
    [
        (figures.state_shares, PRESENCE, CHANGES),
        (lambda table: figures.call_life(table, "1"), CHANGES, PRESENCE),
        (figures.ladder, FRAMES, PRESENCE),
    ],
    ids=["state_shares", "call_life", "ladder"],
)
def test_another_table_and_an_empty_one_are_refused_in_a_sentence(draw: Any, right: pa.Table, wrong: pa.Table) -> None:
    with pytest.raises(MissingColumn, match="no column"):
        draw(wrong)
    with pytest.raises(AnalysisError, match=r"nothing to draw|no call"):
        draw(right.slice(0, 0))
