"""What people ask of their calls, on every engine: by hand, and at random against a slow, obvious reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from statistics import fmean, quantiles
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pbxnb.analysis import abandoned, answered, busy_hour, handle_time, occupancy, speed_of_answer
from pbxnb.errors import AnalysisError
from tests.analysis.engines import Engine

Rows = list[dict[str, Any]]
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NINE = datetime.fromisoformat("2026-03-02T09:00")  # UTC without zone, as in every table; a Monday
CALLS = pa.schema(
    {
        "started_at": pa.timestamp("us"),
        "answered_at": pa.timestamp("us"),
        "ended_at": pa.timestamp("us"),
        "day": pa.string(),
        "tz": pa.string(),
        "ext": pa.string(),
        "queue": pa.string(),
        "outcome": pa.string(),
        "wait_ms": pa.int64(),
        "talk_ms": pa.int64(),
        "hold_ms": pa.int64(),
        "wrap_ms": pa.int64(),
    }
)
PRESENCE = pa.schema(
    {
        "account": pa.string(),
        "axis": pa.string(),
        "start": pa.timestamp("us"),
        "end": pa.timestamp("us"),
        "value": pa.string(),
    }
)
TALKS: Rows = [
    {"queue": "600", "outcome": "answered", "wait_ms": 4_000, "talk_ms": 60_000, "hold_ms": 20_000, "wrap_ms": 10_000},
    {"queue": "600", "outcome": "answered", "wait_ms": 20_000, "talk_ms": 30_000},
    {"queue": "700", "outcome": "answered", "wait_ms": 21_000},
    {"queue": "700", "outcome": "answered", "talk_ms": 8_000},
    {"queue": "700", "outcome": "abandoned", "wait_ms": 5_000},
    {"queue": "700", "outcome": "abandoned", "wait_ms": 90_000},
    {"queue": "700", "outcome": "no_answer", "wait_ms": 1_000},
]


def test_speed_of_answer_is_that_of_answered_calls_with_a_known_wait(engine: Engine) -> None:
    table = engine.table(TALKS, CALLS)
    assert engine.rows(speed_of_answer(table)) == [{"answered": 3, "mean": 15.0, "longest": 21.0}]
    assert engine.rows(speed_of_answer(table, by="queue")) == [
        {"queue": "600", "answered": 2, "mean": 12.0, "longest": 20.0},
        {"queue": "700", "answered": 1, "mean": 21.0, "longest": 21.0},
    ]


def test_answered_and_abandoned_within_a_time_share_what_was_offered(engine: Engine) -> None:
    table = engine.table(TALKS, CALLS)
    assert engine.rows(answered(table)) == [
        {"offered": 6, "answered": 4, "answered_in_time": 2, "share": pytest.approx(2 / 6)}
    ]
    assert engine.rows(abandoned(table, within=5, by=["queue"])) == [
        {"queue": "600", "offered": 2, "abandoned": 0, "abandoned_in_time": 0, "share": 0.0},
        {"queue": "700", "offered": 4, "abandoned": 2, "abandoned_in_time": 1, "share": 0.25},
    ]


def test_handle_time_adds_what_is_known_of_hold_and_wrap_up(engine: Engine) -> None:
    [row] = engine.rows(handle_time(engine.table(TALKS, CALLS)))
    assert row["answered"] == 3
    assert [row[name] for name in ("talk", "hold", "wrap")] == pytest.approx([98 / 3, 20 / 3, 10 / 3])
    assert [row[name] for name in ("mean", "median", "p90")] == pytest.approx([128 / 3, 30.0, 78.0])
    bare = [{"outcome": "answered", "talk_ms": 8_000}]
    [row] = engine.rows(handle_time(engine.table(bare)))
    assert (row["mean"], row["hold"], row["wrap"]) == (8.0, 0.0, 0.0)


def test_occupancy_by_hand(engine: Engine) -> None:
    """From 9 to 11 one talks half an hour of the hour he is logged in, one is idle, one was never logged in."""
    talk = {"started_at": NINE, "outcome": "answered", "day": "2026-03-02"}
    calls = [
        talk | {"ext": "201", "queue": "600", "talk_ms": 600_000, "hold_ms": 300_000, "ended_at": NINE + HOUR * 2},
        talk | {"ext": "201", "queue": "700", "talk_ms": 900_000},
        talk | {"ext": "203", "queue": "700", "talk_ms": 1_000},
        talk | {"ext": "", "queue": "700", "talk_ms": 1_000},
    ]
    logged_in = [
        ("201", "registered", NINE - HOUR, NINE + MINUTE * 30, "true"),  # counts from nine
        ("201", "registered", NINE + MINUTE * 15, NINE + MINUTE * 45, "true"),  # two phones: half of it counts again
        ("201", "registered", NINE + MINUTE * 105, None, "true"),  # lasts: to the end of the window
        ("201", "dnd", NINE, NINE + HOUR, "true"),
        ("202", "registered", NINE, NINE + HOUR, "true"),
        ("203", "registered", NINE, NINE + HOUR, "false"),
    ]
    presence = [dict(zip(PRESENCE.names, row, strict=True)) for row in logged_in]
    found = occupancy(engine.table(calls, CALLS), presence=engine.table(presence, PRESENCE))
    assert engine.rows(found) == [
        {"ext": "201", "handled_ms": 1_800_000, "logged_in_ms": 3_600_000, "occupancy": 0.5},
        {"ext": "202", "handled_ms": 0, "logged_in_ms": 3_600_000, "occupancy": 0.0},
        {"ext": "203", "handled_ms": 1_000, "logged_in_ms": None, "occupancy": None},
    ]
    by_queue = occupancy(engine.table(calls, CALLS), presence=engine.table(presence, PRESENCE), by="queue")
    assert sum(row["occupancy"] or 0 for row in engine.rows(by_queue) if row["ext"] == "201") == 0.5


def test_time_logged_in_is_parted_at_local_midnights(engine: Engine) -> None:
    """On the day when clocks go back a phone that is always there is logged in for 25 hours."""
    begin = datetime.fromisoformat("2026-10-24T22:00")  # midnight in Berlin
    calls = [
        {"started_at": begin, "ended_at": begin + HOUR * 49, "ext": "201", "outcome": "answered", "talk_ms": 3_600_000}
        | {"tz": "Europe/Berlin", "day": day}
        for day in ("2026-10-25", "2026-10-26")
    ]
    presence = [{"account": "201", "axis": "registered", "start": begin - HOUR, "end": None, "value": "true"}]
    tables = engine.table(calls, CALLS), engine.table(presence, PRESENCE)
    found = engine.rows(occupancy(tables[0], presence=tables[1], by="day"))
    assert [(row["day"], row["logged_in_ms"] // 3_600_000, row["occupancy"]) for row in found] == [
        ("2026-10-25", 25, 1 / 25),
        ("2026-10-26", 24, 1 / 24),
    ]
    by_week = engine.rows(occupancy(tables[0], presence=tables[1], by="week"))
    assert [(row["week"], row["logged_in_ms"] // 3_600_000) for row in by_week] == [
        ("2026-10-19", 25),
        ("2026-10-26", 24),
    ]


minutes = st.integers(0, 40 * 60).map(lambda number: NINE + MINUTE * number)
talks = st.tuples(st.sampled_from(["201", "202"]), minutes, st.integers(0, 600))
logins = st.tuples(st.sampled_from(["201", "202", "203"]), minutes, st.none() | st.integers(0, 20 * 60))


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(talks, min_size=1, max_size=6), st.lists(logins, max_size=6), st.booleans())
def test_occupancy_is_as_counted_minute_by_minute(engine: Engine, talks: Any, logins: Any, daily: bool) -> None:
    zone, names = ZoneInfo("America/New_York"), ("day", "ext") if daily else ("ext",)

    def day(at: datetime) -> str:
        return f"{at.replace(tzinfo=UTC).astimezone(zone):%Y-%m-%d}"

    def key(ext: str, at: datetime) -> tuple[str, ...]:
        return (day(at), ext) if daily else (ext,)

    calls = [
        {"ext": ext, "outcome": "answered", "started_at": at, "ended_at": at + MINUTE * lasted, "tz": zone.key}
        | {"talk_ms": lasted * 60_000, "day": day(at)}
        for ext, at, lasted in talks
    ]
    presence = [
        {"account": ext, "start": start, "end": None if lasted is None else start + MINUTE * lasted}
        for ext, start, lasted in logins
    ]
    handled, logged_in = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for call in calls:
        handled[key(call["ext"], call["started_at"])] += call["talk_ms"]
    now, last = min(call["started_at"] for call in calls), max(call["ended_at"] for call in calls)
    while now < last:
        there = {row["account"] for row in presence if row["start"] <= now < (row["end"] or last)}
        logged_in.update(key(ext, now) for ext in there)
        now += MINUTE
    found = occupancy(engine.table(calls, CALLS), presence=engine.table(presence, PRESENCE), by=names[:-1])
    assert engine.rows(found) == [
        dict(zip(names, agent, strict=True))
        | {"handled_ms": handled[agent], "logged_in_ms": logged_in[agent] * 60_000 if agent in logged_in else None}
        | {"occupancy": handled[agent] / (logged_in[agent] * 60_000) if logged_in[agent] else None}
        for agent in sorted(handled.keys() | logged_in.keys())
    ]


def test_who_was_logged_in_when_must_be_said(engine: Engine) -> None:
    with pytest.raises(AnalysisError, match="does not say when agents were logged in"):
        occupancy(engine.table(TALKS, CALLS))


def test_the_busy_hour_is_the_mean_of_the_days_highest(engine: Engine) -> None:
    """Monday 10 to 11 o'clock in Berlin one call, from 10.30 a second; Tuesday a quarter of an hour of one call."""
    spans = [(0, 60, 0), (30, 90, 0), (600, 615, 1)]
    calls = [
        {
            "answered_at": NINE + timedelta(minutes=start, days=day),
            "ended_at": NINE + timedelta(minutes=end, days=day),
            "tz": "Europe/Berlin",
        }
        for start, end, day in spans
    ]
    table = engine.table(calls, CALLS)
    assert engine.rows(busy_hour(table)) == [
        {"days": 2, "erlang": (1.5 + 0.25) / 2, "highest": 1.5, "begins": "2026-03-02 10:00"}
    ]
    assert [(row["day"], row["erlang"], row["begins"]) for row in engine.rows(busy_hour(table, by="day"))] == [
        ("2026-03-02", 1.5, "2026-03-02 10:00"),
        ("2026-03-03", 0.25, "2026-03-03 20:00"),
    ]
    slid = engine.rows(busy_hour(table, by=["week", "dow"], sliding=True))
    assert [(row["week"], row["dow"], row["erlang"], row["begins"]) for row in slid] == [
        ("2026-03-02", 0, 1.5, "2026-03-02 10:00"),
        ("2026-03-02", 1, 0.25, "2026-03-03 19:15"),  # the first of many that hold all of it
    ]


def test_a_call_of_many_hours_fills_an_hour_in_which_nothing_changes(engine: Engine) -> None:
    calls = [{"answered_at": NINE + MINUTE * 59, "ended_at": NINE + MINUTE * 181}]
    for sliding in (False, True):
        assert engine.rows(busy_hour(engine.table(calls), sliding=sliding))[0]["highest"] == 1.0


def test_the_busy_hour_is_not_asked_for_by_the_hour(engine: Engine) -> None:
    with pytest.raises(AnalysisError, match="cannot be asked for by the hour"):
        busy_hour(engine.table(TALKS, CALLS), by="hour")


@pytest.mark.parametrize("ask", [speed_of_answer, answered, abandoned, handle_time, busy_hour])
def test_of_no_calls_nothing_is_known(engine: Engine, ask: Callable[..., Any]) -> None:
    empty = engine.table([], CALLS)
    [row] = engine.rows(ask(empty))
    assert set(row.values()) <= {0, None}
    assert engine.rows(ask(empty, by="queue")) == []


moments = st.integers(0, 50 * 3600).map(lambda seconds: NINE + timedelta(seconds=seconds, milliseconds=seconds % 7))
spans_of_calls = st.lists(
    st.tuples(moments, st.none() | st.integers(0, 5 * 3600), st.sampled_from(["600", "700", None])), max_size=8
)


def traffic(calls: Iterable[tuple[datetime, datetime | None]], start: datetime) -> float:
    """Erlang of the hour that begins then, by definition."""
    stop, busy = start + HOUR, timedelta()
    for begin, end in calls:
        busy += max(timedelta(), min(stop, end or stop) - max(start, begin))
    return busy / HOUR


def busiest(calls: list[tuple[datetime, datetime | None]], zone: ZoneInfo, step: timedelta) -> list[float]:
    """The highest hour of each local day with a change, each hour of it tried."""
    local = {moment.replace(tzinfo=UTC).astimezone(zone).date() for span in calls for moment in span if moment}
    found = []
    for day in sorted(local):
        dawn, dusk = (
            datetime(it.year, it.month, it.day, tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
            for it in (day, day + timedelta(days=1))
        )
        found.append(max(traffic(calls, dawn + step * n) for n in range((dusk - HOUR - dawn) // step + 1)))
    return found


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spans=spans_of_calls, sliding=st.booleans(), zone=st.sampled_from(["Asia/Kathmandu", "America/New_York"]))
@example(spans=[(datetime.fromisoformat("2026-03-08T05:30"), 86_399, None)], sliding=True, zone="America/New_York")
def test_busy_hour_is_the_highest_of_all_hours(engine: Engine, spans: Any, sliding: bool, zone: str) -> None:
    calls = [
        {"answered_at": begin, "ended_at": None if lasted is None else begin + timedelta(seconds=lasted)}
        | {"queue": queue, "tz": zone}
        for begin, lasted, queue in spans
    ]
    found = {
        row["queue"]: row for row in engine.rows(busy_hour(engine.table(calls, CALLS), by="queue", sliding=sliding))
    }
    assert set(found) == {queue for *_, queue in spans}
    for queue, row in found.items():
        mine = [(call["answered_at"], call["ended_at"]) for call in calls if call["queue"] == queue]
        expected = busiest(mine, ZoneInfo(zone), MINUTE if sliding else HOUR)
        assert row["days"] == len(expected)
        assert (row["erlang"], row["highest"]) == pytest.approx((fmean(expected), max(expected)))


durations_ms = st.none() | st.integers(0, 500_000)
random_calls = st.lists(
    st.fixed_dictionaries(
        {
            "queue": st.sampled_from(["600", "700", None]),
            "outcome": st.sampled_from(["answered", "abandoned", "no_answer", None]),
            "wait_ms": durations_ms,
            "talk_ms": durations_ms,
            "hold_ms": durations_ms,
            "wrap_ms": durations_ms,
        }
    ),
    max_size=12,
)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=random_calls, within=st.sampled_from([0, 20, 250]))
def test_waits_and_handling_are_as_counted_by_hand(engine: Engine, calls: Rows, within: float) -> None:
    table = engine.table(calls, CALLS)
    of_queue: dict[str | None, Rows] = {}
    for call in calls:
        of_queue.setdefault(call["queue"], []).append(call)
    asked = (
        (speed_of_answer(table, by="queue"), speed_by_hand),
        (handle_time(table, by="queue"), handling_by_hand),
        (answered(table, by="queue", within=within), lambda rows: in_time_by_hand(rows, "answered", within)),
        (abandoned(table, by="queue", within=within), lambda rows: in_time_by_hand(rows, "abandoned", within)),
    )
    for result, by_hand in asked:
        found = {row.pop("queue"): row for row in engine.rows(result)}
        expected = {queue: told for queue, rows in of_queue.items() if (told := by_hand(rows)) is not None}
        assert found == expected


def speed_by_hand(calls: Rows) -> dict[str, Any] | None:
    waits = [c["wait_ms"] / 1000 for c in calls if c["outcome"] == "answered" and c["wait_ms"] is not None]
    if not waits:
        return None
    return {"answered": len(waits), "mean": pytest.approx(fmean(waits)), "longest": max(waits)}


def handling_by_hand(calls: Rows) -> dict[str, Any] | None:
    talked = [call for call in calls if call["outcome"] == "answered" and call["talk_ms"] is not None]
    parts = {name: [(call[f"{name}_ms"] or 0) / 1000 for call in talked] for name in ("talk", "hold", "wrap")}
    if not talked:
        return None
    each = [sum(some) for some in zip(*parts.values(), strict=True)]
    tenths = quantiles(each, n=10, method="inclusive") if len(each) > 1 else each * 9
    told = {name: fmean(values) for name, values in parts.items()}
    told |= {"mean": fmean(each), "median": tenths[4], "p90": tenths[8]}
    return {"answered": len(talked)} | {name: pytest.approx(value) for name, value in told.items()}


def in_time_by_hand(calls: Rows, outcome: str, within: float) -> dict[str, Any]:
    offered = sum(call["outcome"] in ("answered", "abandoned") for call in calls)
    became = [call["wait_ms"] for call in calls if call["outcome"] == outcome]
    in_time = sum(wait is not None and wait <= within * 1000 for wait in became)
    share = pytest.approx(in_time / offered) if offered else None
    return {"offered": offered, outcome: len(became), f"{outcome}_in_time": in_time, "share": share}
