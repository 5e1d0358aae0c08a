"""Tables from elsewhere, or of nonsense: read right, or refused by the column's name, on every engine alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pbxnb.analysis import (
    abandonment,
    concurrency,
    durations,
    edges,
    flows,
    histogram,
    kaplan_meier,
    load,
    peak,
    peak_calls,
    per_extension,
    per_hour,
    per_slot,
    service_level,
)
from pbxnb.analysis.values import WORDS
from pbxnb.errors import AnalysisError
from pbxnb.history.legs import OUTCOMES
from tests.analysis.engines import Engine

NOON = datetime.fromisoformat("2026-03-02T12:00")
MEASURES: tuple[Callable[[Any], Any], ...] = (
    abandonment, concurrency, durations, edges, flows, histogram, kaplan_meier, load, peak, peak_calls, per_extension,
    per_hour, per_slot, service_level, lambda table: abandonment(table, by="ext"),
)  # fmt: skip
ENGINES = ("pandas", "polars", "polars-lazy", "pyarrow", "duckdb")


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("ANSWERED", "answered"),
        ("NO ANSWER", "no_answer"),
        ("BUSY", "busy"),
        ("FAILED", "failed"),
        ("CONGESTION", "failed"),
        ("COMPLETECALLER", "answered"),
        ("ABANDON", "abandoned"),
        ("RINGNOANSWER", "no_answer"),
        ("NORMAL_CLEARING", "answered"),
        ("ORIGINATOR_CANCEL", "abandoned"),
        ("USER_BUSY", "busy"),
        ("Answered", "answered"),
        ("Unanswered", "no_answer"),
        ("Missed", "missed"),
        ("Handled", "answered"),
        ("Abandoned", "abandoned"),
        ("", "unknown"),
    ],
)
def test_words_of_other_systems_are_understood(engine: Engine, word: str, outcome: str) -> None:
    table = engine.table([{"disposition": word, "from": "1", "to": "2"}])
    assert [row["outcome"] for row in engine.rows(flows(table))] == [outcome]


def test_a_day_of_asterisk(engine: Engine) -> None:
    words = ["ANSWERED"] * 3 + ["NO ANSWER", "ABANDON"]
    table = engine.table([{"disposition": w, "wait_ms": 9000, "talk_ms": 0, "ext": "45"} for w in words])
    [row] = engine.rows(per_extension(table))
    assert (row["answered"], row["missed"]) == (3, 2)
    [level] = engine.rows(service_level(table))
    assert (level["offered"], level["answered"]) == (4, 3)


def test_each_word_has_one_meaning() -> None:
    words = [word for outcome, listed in WORDS.items() for word in {outcome, *listed}]
    assert len(words) == len(set(words))
    assert set(WORDS) == set(OUTCOMES)


def test_unknown_words_are_named(engine: Engine) -> None:
    words = ["answered", "WURST", "brezel", None]
    with pytest.raises(AnalysisError, match=r"'disposition'.*not known: 'WURST', 'brezel'") as caught:
        service_level(engine.table([{"disposition": word, "wait_ms": 1} for word in words]))
    assert caught.value.data["unknown"] == ("WURST", "brezel")


def arrow(engine: Engine, **columns: pa.Array) -> Any:
    return engine.of(pa.table(columns))


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1772452800, None]),
        pa.array([1772452800000.0, None]),
        pa.array(["2026-03-02T12:00:00Z", None]),
        pa.array(["0000-00-00 00:00:00", None]),
        pa.array([True, None]),
        pa.array([timedelta(hours=1), None]),
        pa.array([time(12), None]),
        pa.array([[NOON], None]),
    ],
    ids=lambda values: str(values.type),
)
def test_what_is_no_time_is_refused_by_the_name_of_its_column(engine: Engine, values: pa.Array) -> None:
    table = arrow(engine, calldate=values, end=pa.nulls(2, pa.timestamp("us")))
    with pytest.raises(AnalysisError, match=r"'calldate'.*cannot be read as times"):
        load(table, start="started_at")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_every_unit_are_one_time_and_zeros_are_none(engine: Engine, unit: str) -> None:
    # what was not answered is 0 in some tables, and the end of what goes on is far away in others
    answered = pa.array([NOON, NOON + timedelta(seconds=1), datetime.fromisoformat("1970-01-01")], pa.timestamp(unit))
    far = datetime.fromisoformat("2250-01-01T00:00:00")
    ended = pa.array([NOON + timedelta(seconds=9), far, NOON], pa.timestamp(unit))
    table = arrow(engine, answered_at=answered, ended_at=ended)
    assert [tuple(row.values()) for row in engine.rows(concurrency(table))] == [
        (NOON, 1),
        (NOON + timedelta(seconds=1), 2),
        (NOON + timedelta(seconds=9), 1),
    ]


def test_of_nanoseconds_whole_microseconds_count(engine: Engine) -> None:
    noon = round(NOON.replace(tzinfo=UTC).timestamp()) * 10**9
    answered, ended = (pa.array([at], pa.timestamp("ns")) for at in (noon + 400, noon + 9 * 10**9 + 1))
    table = arrow(engine, answered_at=answered, ended_at=ended)
    assert [row["instant"] for row in engine.rows(concurrency(table))] == [NOON, NOON + timedelta(seconds=9)]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_times_with_a_zone_are_utc(engine: Engine, zone: str) -> None:
    if engine.name == "duckdb":  # the zone is the connection's, whatever the table says
        engine.connection.execute(f"set timezone = '{zone}'")
    when = pa.array([NOON.replace(tzinfo=UTC)], pa.timestamp("us", zone))
    table = arrow(engine, answered_at=when, ended_at=when)
    if engine.name == "duckdb" and zone != "UTC":
        with pytest.raises(AnalysisError, match="'answered_at'"):
            concurrency(table)
    else:
        assert [row["instant"] for row in engine.rows(concurrency(table))] == [NOON]


@pytest.mark.parametrize(
    "values", [pa.array(["20"]), pa.array([timedelta(seconds=20)]), pa.array([2**62]), pa.array([math.inf])]
)
def test_what_are_no_milliseconds_is_refused_by_name(engine: Engine, values: pa.Array) -> None:
    table = arrow(engine, outcome=pa.array(["answered"]), ring_ms=values)
    with pytest.raises(AnalysisError, match=r"'ring_ms'.*milliseconds"):
        service_level(table)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1500, 500, None], pa.int32()),
        pa.array([1500.0, 500.2, math.nan]),
        pa.array([Decimal("1500.0"), Decimal("500.0"), None]),
    ],
    ids=lambda values: str(values.type),
)
def test_milliseconds_of_every_number_are_the_same(engine: Engine, values: pa.Array) -> None:
    table = arrow(engine, talk_ms=values)
    if engine.name == "pandas" and pa.types.is_decimal(values.type):  # it holds them as objects of any kind
        with pytest.raises(AnalysisError, match="'talk_ms'"):
            durations(table)
        return
    [row] = engine.rows(durations(table))
    assert (row["n"], row["mean"]) == (2, 1.0)


@pytest.mark.parametrize(
    "values", [pa.array([45, 46, None]), pa.array([45.0, 46.0, None]), pa.array(["45", "46", None])]
)
def test_numbers_of_phones_are_text(engine: Engine, values: pa.Array) -> None:
    table = arrow(engine, src=values, dst=values)
    assert [row["from_num"] for row in engine.rows(edges(table))][:2] in (["45", "46"], [None, "45"], ["45", None])


@pytest.mark.parametrize(("column", "value"), [("dow", 7), ("hour", 24), ("hour", -1), ("dow", "Monday")])
def test_a_weekday_or_an_hour_that_is_none_is_refused(engine: Engine, column: str, value: Any) -> None:
    row = {"dow": 0, "hour": 9, "day": "2026-03-02"} | {column: value}
    with pytest.raises(AnalysisError, match=repr(column)):
        per_slot(engine.table([row]))


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(["answered", "abandoned", "ANSWERED", "45", "2026-03-02", "0"]),
    st.binary(max_size=4),
    st.dates(),
    st.datetimes(datetime.fromisoformat("1700-01-01"), datetime.fromisoformat("2250-01-01")),
    st.timedeltas(timedelta(days=-9), timedelta(days=9)),
    st.times(),
    st.lists(st.integers(0, 9), max_size=2),
    st.fixed_dictionaries({"a": st.integers(0, 9)}),
    st.decimals(-1000, 1000, places=2),
)
COLUMNS = ("domain", "conversation", "call_id", "started_at", "answered_at", "ended_at", "day", "dow", "hour", "ext")
COLUMNS += ("from_num", "to_num", "queue", "outcome", "wait_ms", "talk_ms", "hold_ms")
GOOD: dict[str, Any] = {
    "started_at": NOON, "answered_at": NOON, "ended_at": NOON, "dow": 0, "hour": 12, "outcome": "answered",
    "wait_ms": 1, "talk_ms": 1, "hold_ms": 1,
}  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Tables of calls some of whose columns hold what they should not."""
    rows = draw(st.integers(0, 3))
    bad = draw(st.sets(st.sampled_from(COLUMNS), min_size=1, max_size=3))
    columns = {}
    for column in COLUMNS:
        if column not in bad:
            columns[column] = pa.array([GOOD.get(column, "45")] * rows, None if rows else pa.string())
        elif draw(st.booleans()):
            kind = draw(
                st.sampled_from([type(None), bool, int, float, str, bytes, date, datetime, timedelta, list, Decimal])
            )
            these = draw(st.lists(VALUES, max_size=12))
            columns[column] = pa.array(([value for value in these if type(value) is kind] + [None] * rows)[:rows])
        elif draw(st.booleans()):
            continue
        else:
            columns[column] = pa.array([draw(VALUES)] * rows)
    return pa.table(columns) if columns else pa.table({"x": pa.nulls(rows)})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(table=tables(), measure=st.sampled_from(MEASURES), legs=st.booleans())
def test_a_table_of_nonsense_ends_in_a_sentence_or_in_an_answer_alike_on_all_engines(
    table: pa.Table, measure: Callable[..., Any], legs: bool
) -> None:
    """Also where the engine computes only when it is asked to: then it must not fail there."""
    if legs and "conversation" in table.column_names:
        table = table.drop_columns(["conversation"])
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        answers: dict[str, Any] = {}
        for name in ENGINES:
            try:
                native = Engine(name, connection).of(table)
            except (ValueError, OverflowError, pa.ArrowException):
                continue  # this engine cannot hold such a value at all
            found = ask(measure, native)
            if isinstance(found, AnalysisError):
                assert "could not be computed" not in str(found), (name, str(found))
                answers[name] = "refused"
            else:
                rows = Engine(name, connection).rows(found)
                rounded = [{k: f"{v:.9g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows]
                answers[name] = sorted(map(repr, rounded))
        answers.pop("pandas", None)  # it has no type for dates and decimals, and floats for numbers beside a null
        assert all(answer == answers["pyarrow"] for answer in answers.values()), answers


def ask(measure: Callable[[Any], Any], table: Any) -> Any:
    """What it finds, or the error that says why not; any other error is a failure."""
    try:
        return measure(table)
    except AnalysisError as error:
        return error
