"""What all measures have in common: groups of any columns, local weeks, the window and how much of it was seen."""

import functools
import inspect
from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pbxnb
from pbxnb import analysis
from pbxnb.errors import AnalysisError, MissingColumn
from tests.analysis.engines import WINDOW, Engine

Rows = list[dict[str, Any]]
MEASURES = [
    name for name in analysis.__all__ if hasattr(getattr(analysis, name), "__wrapped__") and name != "reconcile"
]
SCHEMA = pa.schema(
    [(name, pa.timestamp("us")) for name in ("started_at", "answered_at", "ended_at")]
    + [(name, pa.int64()) for name in ("dow", "hour", "wait_ms", "talk_ms")]
    + [(name, pa.string()) for name in ("domain", "call_id", "day", "from_num", "to_num", "ext", "queue", "outcome")]
)
BEGAN = datetime.fromisoformat("2025-12-29T08:00")  # UTC without zone, as in every table; a Monday


def call(number: int, queue: str | None, wait: int, talk: int | None) -> dict[str, Any]:
    began = BEGAN + timedelta(hours=5 * number)
    return {
        "domain": "a.example",
        "call_id": str(number),
        "started_at": began,
        "answered_at": None if talk is None else began + timedelta(milliseconds=wait),
        "ended_at": began + timedelta(milliseconds=wait + (talk or 0)),
        "day": began.date().isoformat(),
        "dow": began.weekday(),
        "hour": began.hour,
        "from_num": str(number % 3),
        "to_num": "70",
        "ext": str(40 + number % 2),
        "queue": queue,
        "outcome": "abandoned" if talk is None else "answered",
        "wait_ms": wait,
        "talk_ms": talk,
    }


CALLS = [
    call(number, [None, "70", "71"][number % 3], 1000 * number, None if number % 4 == 3 else 7000 * number)
    for number in range(24)
]


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_takes_columns_to_group_by_and_whether_to_count_legs(name: str) -> None:
    parameters = inspect.signature(getattr(analysis, name)).parameters
    for option, default in (("by", ()), ("legs", False)):
        assert (parameters[option].default, parameters[option].kind) == (default, inspect.Parameter.KEYWORD_ONLY)


GROUPED: dict[str, Callable[..., Any]] = {
    name: getattr(analysis, name)
    for name in (
        "service_level", "abandonment", "per_extension", "edges", "flows", "durations", "histogram", "kaplan_meier",
        "per_slot", "per_hour", "concurrency", "load", "peak", "peak_calls",
    )
}  # fmt: skip


ASKED: dict[str, dict[str, Any]] = {
    "first_call_resolution": {"within": 60},
    "missed": {"level": "caller"},
    "occupancy": {"presence": pa.table({"ext": ["40"], "start": [BEGAN], "end": [BEGAN + timedelta(hours=1)]})},
    "one_more_agent": {"agents": 3, "draws": 1},
    "repeat_callers": {"within": 60},
}
"""What a measure must be told besides."""


@pytest.mark.parametrize("name", [name for name in MEASURES if name not in ("compare_periods", "transfers")])
def test_a_group_is_never_mixed_up_with_a_number_of_the_result(name: str) -> None:
    measure, more = getattr(analysis, name), ASKED.get(name, {})
    rows = pa.Table.from_pylist([row | {"direction": "in", "hold_ms": 5} for row in CALLS])
    for column in measure(rows, **more).column_names:
        if column not in rows.column_names:
            with pytest.raises(AnalysisError):
                measure(rows.append_column(column, pa.array(["x"] * len(CALLS))), by=column, **more)


def test_rows_are_grouped_by_their_conversation_too(engine: Engine) -> None:
    rows = [row | {"conversation": row["call_id"], "open": "no"} for row in CALLS]
    found = engine.rows(analysis.peak(engine.table(rows), by=["conversation", "open"]))
    talks = {row["call_id"]: row["talk_ms"] for row in CALLS if row["talk_ms"] is not None}
    assert {row["conversation"]: row["at_once"] for row in found} == {name: int(ms > 0) for name, ms in talks.items()}


@functools.cache
def alone(name: str, keys: tuple[str, ...]) -> list[str]:
    """What a measure says of each group's rows by themselves."""
    groups: dict[tuple[Any, ...], Rows] = defaultdict(list)
    for row in CALLS:
        week = {"week": (row["started_at"].date() - timedelta(days=row["dow"])).isoformat()}
        groups[tuple((row | week)[key] for key in keys)].append(row)
    return sorted(
        rounded(dict(zip(keys, group, strict=True)) | row)
        for group, rows in groups.items()
        for row in GROUPED[name](pa.Table.from_pylist(rows, SCHEMA)).drop_columns(list(WINDOW)).to_pylist()
        if row.get("n") != 0  # of durations a group without any is left out
    )


@pytest.mark.parametrize("name", GROUPED)
@pytest.mark.parametrize("by", ["queue", ["domain", "week"]])
def test_a_group_has_the_numbers_of_its_rows_alone(engine: Engine, name: str, by: Any) -> None:
    """Rows without a value are a group, too."""
    found = engine.rows(GROUPED[name](engine.table(CALLS, SCHEMA), by=by))
    assert sorted(map(rounded, found)) == alone(name, tuple([by] if isinstance(by, str) else by))


def rounded(row: dict[str, Any]) -> str:
    return repr({key: round(value, 9) if isinstance(value, float) else value for key, value in sorted(row.items())})


@settings(max_examples=30)
@given(st.dates(date(1971, 1, 1), date(2199, 12, 31)))
def test_a_week_is_its_monday(day: date) -> None:
    import polars as pl

    table = pl.DataFrame({"day": [day.isoformat()], "outcome": ["answered"], "wait_ms": [0]})
    assert analysis.abandonment(table, by="week")["week"].to_list() == [
        (day - timedelta(days=day.weekday())).isoformat()
    ]


def test_a_table_says_from_when_to_when_it_is_and_nothing_of_what_was_not_seen(engine: Engine) -> None:
    [row] = engine.rows(analysis.service_level(engine.table(CALLS, SCHEMA)), window=True)
    assert list(row)[-3:] == list(WINDOW)
    assert (row["first"], row["last"]) == (BEGAN, max(one["ended_at"] for one in CALLS))
    assert row["coverage"] is None
    groups = engine.rows(analysis.service_level(engine.table(CALLS, SCHEMA), by="queue"), window=True)
    assert {(group["first"], group["last"]) for group in groups} == {(row["first"], row["last"])}
    untimed = [{"outcome": "answered", "wait_ms": 1}]
    [row] = engine.rows(analysis.service_level(engine.table(untimed)), window=True)
    assert (row["first"], row["last"]) == (None, None)


def test_a_session_says_how_much_of_it_was_seen() -> None:
    with pbxnb.simulate("empty", extensions=4) as pbx:
        history = pbx.history
        [row] = analysis.service_level(history).to_pylist()
        [live] = analysis.service_level(pbx).to_pylist()
    assert row["first"] == live["first"] == history.start.replace(tzinfo=None)
    assert row["last"] >= row["first"]
    assert row["coverage"] == live["coverage"] == 1.0


def test_what_cannot_be_grouped_by_is_a_sentence(engine: Engine) -> None:
    table = engine.table(CALLS, SCHEMA)
    with pytest.raises(MissingColumn, match="no column 'colour'"):
        analysis.service_level(table, by="colour")
    with pytest.raises(AnalysisError, match="by=3 is no name of a column"):
        analysis.service_level(table, by=["queue", 3])  # type: ignore[list-item]
    with pytest.raises(AnalysisError, match="by='calls' is the name of a column of the result"):
        analysis.per_extension(engine.table([row | {"calls": "x"} for row in CALLS]), by="calls")


@pytest.mark.parametrize("name", [*MEASURES, "agents_for"])
def test_every_measure_says_what_it_counts(name: str) -> None:
    text = analysis.definition(name)
    assert text.endswith(".")
    assert len(text) > 40
    assert "Example" not in text


def test_what_is_no_measure_has_no_definition() -> None:
    with pytest.raises(AnalysisError, match="There is no measure 'Source'"):
        analysis.definition("Source")
