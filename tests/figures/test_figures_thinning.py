"""What is drawn of a long curve: few points, all of them its own, no peak or step lost; the same of every engine."""

import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pbxnb import figures
from pbxnb.figures.thinning import POINTS, ends, peaks
from tests.helpers.tables import KINDS

BEGIN = datetime(2026, 3, 28, 23, 59, 30)  # noqa: DTZ001 - UTC without zone, as in every table
DAY = 86_400


def walk(steps: int, seconds: float) -> list[tuple[datetime, int]]:
    """A curve that goes up and down at random moments of a time."""
    random, height, curve = Random(7), 0, []
    for offset in sorted({random.randrange(round(seconds * 1e6)) for _ in range(steps)}):
        height = max(0, height + random.choice((-1, 1)))
        curve.append((BEGIN + timedelta(microseconds=offset), height))
    return curve


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [*((kind, 40 * DAY) for kind in KINDS), *(("polars", span) for span in (0.5, 300, DAY, 3_000 * DAY))],
)
def test_no_peak_and_no_step_out_of_a_slot_is_lost(kind: str, seconds: float) -> None:
    curve = walk(6_000, seconds)
    table = KINDS[kind](pa.table({"at": [at for at, _ in curve], "height": [height for _, height in curve]}))
    drawn = peaks(table, "at", "height", curve[-1][0] - curve[0][0])
    assert len(drawn) <= POINTS
    assert set(drawn) <= set(curve)
    assert [drawn[0], drawn[-1]] == [curve[0], curve[-1]]
    assert max(drawn, key=lambda point: point[1]) == max(curve, key=lambda point: point[1])
    if seconds > 1:  # a slot is shorter than a fiftieth of the whole: what is drawn there is as high and as low
        width = timedelta(seconds=seconds / 50)
        for number in range(48):
            begin, end = curve[0][0] + number * width, curve[0][0] + (number + 2) * width
            inner = [height for at, height in curve if begin + width / 2 <= at < end - width / 2]
            shown = [height for at, height in drawn if begin <= at < end]
            assert min(shown) <= min(inner, default=10**9)
            assert max(shown) >= max(inner, default=0)


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_falling_curve_every_thousandth_is_kept_and_what_is_asked_for(kind: str) -> None:
    random = Random(7)
    heights = sorted((random.random() for _ in range(6_000)), reverse=True)
    curve = list(zip(sorted(random.sample(range(90_000), 6_000)), heights, strict=True))
    table = KINDS[kind](pa.table({"wait": [wait for wait, _ in curve], "share": heights}))
    drawn = ends(table, "wait", "share", at=(60, 30_000))
    assert len(drawn) <= POINTS
    assert set(drawn) <= set(curve)
    assert [drawn[0], drawn[-1]] == [curve[0], curve[-1]]
    assert max(before[1] - after[1] for before, after in pairwise(drawn)) < 0.005
    assert [point for point in drawn if point[0] <= 30_000][-1] == [point for point in curve if point[0] <= 30_000][-1]


def test_a_rising_curve_of_few_points_is_drawn_whole() -> None:
    curve = [(1.0, 5), (2.0, 7), (60.0, 8)]
    table = pa.table({"to": [to for to, _ in curve], "calls": [calls for _, calls in curve]})
    assert ends(table, "to", "calls", whole=8, rises=True) == curve


def test_a_picture_of_many_calls_is_small_and_says_what_all_of_them_say() -> None:
    waits = [Random(n).randrange(90_000) for n in range(6_000)]
    begun = [BEGIN + timedelta(seconds=3 * n) for n in range(6_000)]
    calls = {
        "started_at": pa.array(begun, pa.timestamp("us")),
        "outcome": ["abandoned" if n % 2 else "answered" for n in range(6_000)],
        "wait_ms": waits,
        "talk_ms": [wait * 100 for wait in waits],
    }
    patience, durations = figures.patience(pa.table(calls)), figures.durations(pa.table(calls))
    for figure in (patience, durations):
        assert max(len(trace.x) for trace in figure.data) <= POINTS
        assert len(figure.to_json()) < 100_000
    assert durations.data[-1].y[-1] == 1.0
    assert sum(int(said.split(": ")[1].split(" ")[0].replace(",", "")) for said in durations.data[0].hovertext) == sum(
        wait >= 10 for wait in waits
    )


def test_flow_brings_only_what_it_draws_from_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures: Any = sys.modules["pbxnb.figures.pictures.flow"]
    brought, rows = [], pictures.rows

    def counting(table: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = rows(table)
        brought.append(len(found))
        return found

    monkeypatch.setattr(pictures, "rows", counting)
    calls = {
        "started_at": pa.array([datetime.now(UTC).replace(tzinfo=None)] * 9_000, pa.timestamp("us")),
        "from_num": [str(n % 3_000) for n in range(9_000)],
        "to_num": [str(n // 2) for n in range(9_000)],
        "outcome": ["answered"] * 9_000,
    }
    figure = figures.flow(duckdb.from_arrow(pa.table(calls)), top=5)
    assert sum(brought) <= 5 + 5 + 6 * 6
    assert figures.describe(figure).startswith("9,000 calls: 9,000 answered.")
