"""Each measure on each engine, row by row against a slow and obvious reference, on a real call centre's log."""

import math
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import fmean, median, stdev
from typing import Any

import pyarrow as pa
import pytest

from pbxnb.analysis.activity import edges, per_extension, per_hour, per_slot
from pbxnb.analysis.concurrency import concurrency, load, peak, peak_calls
from pbxnb.analysis.durations import durations, histogram
from pbxnb.analysis.service import abandonment, service_level
from pbxnb.analysis.survival import kaplan_meier
from pbxnb.errors import AnalysisError, MissingColumn
from tests.analysis.engines import Engine

Rows = list[dict[str, Any]]
START = datetime.fromisoformat("2026-03-02T09:30")  # UTC without zone, as in every table


def reference_steps(calls: Rows) -> list[tuple[datetime, int]]:
    deltas: Counter[datetime] = Counter()
    for call in calls:
        if call["answered_at"] is not None and call["ended_at"] >= call["answered_at"]:
            deltas[call["answered_at"]] += 1
            deltas[call["ended_at"]] -= 1
    level, steps = 0, []
    for instant in sorted(deltas):
        level += deltas[instant]
        steps.append((instant, level))
    return steps


def test_concurrency_is_the_running_sum_of_starts_and_ends(engine: Engine, january: Rows) -> None:
    found = engine.rows(concurrency(engine.table(january)))
    assert [(row["instant"], row["at_once"]) for row in found] == reference_steps(january)


def test_load_is_the_area_under_the_steps_hour_by_hour(engine: Engine, january: Rows) -> None:
    area: dict[datetime, float] = {}
    most: dict[datetime, int] = {}
    for (at, level), (until, _) in pairwise(reference_steps(january)):
        while at < until:
            hour = at.replace(minute=0, second=0, microsecond=0)
            edge = min(until, hour + timedelta(hours=1))
            area[hour] = area.get(hour, 0.0) + level * (edge - at).total_seconds() / 3600
            most[hour] = max(most.get(hour, 0), level)
            at = edge
    found = engine.rows(load(engine.table(january)))
    assert len(found) > 400
    last = found[-1]["slot"]
    assert all(row["erlang"] == pytest.approx(area[row["slot"]]) for row in found if row["slot"] < last)
    assert all(row["most"] == most[row["slot"]] for row in found if row["slot"] < last)
    assert {slot for slot, erlang in area.items() if erlang} <= {row["slot"] for row in found}


def test_a_slot_without_a_change_is_as_the_one_before(engine: Engine) -> None:
    calls = [{"call_id": "1", "answered_at": START, "ended_at": START + timedelta(hours=5)}]
    found = engine.rows(load(engine.table(calls, SCHEMA)))
    assert [(f"{row['slot']:%H:%M}", row["erlang"], row["most"]) for row in found] == [
        ("09:00", 0.5, 1),  # START is half past
        ("10:00", 1.0, 1),  # and until two
        ("14:00", 0.5, 1),
    ]


@pytest.mark.parametrize(("month", "agents"), [("january", 12), ("october", 13)])
def test_the_peak_of_agents_talking_is_the_published_one(
    engine: Engine, month: str, agents: int, request: pytest.FixtureRequest
) -> None:
    calls: Rows = request.getfixturevalue(month)
    [top] = engine.rows(peak(engine.table(calls)))
    assert top["at_once"] == agents
    assert top["instant"] == next(instant for instant, level in reference_steps(calls) if level == agents)
    made_it = engine.rows(peak_calls(engine.table(calls)))
    assert len(made_it) == agents
    assert all(row["answered_at"] <= top["instant"] < row["ended_at"] for row in made_it)


@pytest.mark.parametrize(
    ("month", "definition", "percent"),
    [("january", 3, 52.3), ("january", 4, 56.3), ("october", 3, 68.3), ("october", 4, 72.7)],
)
def test_service_level_of_the_bank(
    engine: Engine, month: str, definition: int, percent: float, request: pytest.FixtureRequest
) -> None:
    table = engine.table(request.getfixturevalue(month))
    [row] = engine.rows(service_level(table, within=20, definition=definition))
    assert 100 * row["service_level"] == pytest.approx(percent, abs=0.05)


@pytest.mark.parametrize(("definition", "percent"), [(1, 83.0), (2, 86.0), (3, 81.1), (4, 82.7), (5, 82.1)])
def test_the_five_service_levels_of_one_day(engine: Engine, definition: int, percent: float) -> None:
    # The example of ICMI: 1000 answered, 860 of them in 20 s; 60 abandoned, 20 of them in 20 s, 10 in 5 s.
    waits = [("answered", 10)] * 860 + [("answered", 30)] * 140
    waits += [("abandoned", 3)] * 10 + [("abandoned", 10)] * 10 + [("abandoned", 60)] * 40
    table = engine.table([{"outcome": outcome, "wait_ms": wait * 1000} for outcome, wait in waits])
    short = 5 if definition == 5 else None
    [row] = engine.rows(service_level(table, within=20, definition=definition, short=short))
    assert 100 * row["service_level"] == pytest.approx(percent, abs=0.05)


@pytest.mark.parametrize(("month", "percent"), [("january", 13.71), ("october", 10.49)])
def test_abandonment_of_the_bank(engine: Engine, month: str, percent: float, request: pytest.FixtureRequest) -> None:
    calls: Rows = request.getfixturevalue(month)
    [row] = engine.rows(abandonment(engine.table(calls), short=-1))  # every abandoned call counts
    assert 100 * row["abandonment"] == pytest.approx(percent, abs=0.005)
    by_day = engine.rows(abandonment(engine.table(calls), by="day", short=5))
    assert [day["day"] for day in by_day] == sorted({call["day"] for call in calls})
    assert sum(day["offered"] for day in by_day) == row["offered"] == len(calls)


@pytest.mark.parametrize(
    ("month", "n", "mean", "sd", "middle"),
    [("january", 26_779, 184.7, 224.0, 114), ("october", 30_781, 178.5, 245.4, 106)],
)
def test_service_times_of_the_bank(
    engine: Engine, month: str, n: int, mean: float, sd: float, middle: float, request: pytest.FixtureRequest
) -> None:
    calls: Rows = request.getfixturevalue(month)
    [row] = engine.rows(durations(engine.table(calls), at_least=1, at_most=3600))
    seconds = [call["talk_ms"] / 1000 for call in calls if call["talk_ms"] is not None]
    seconds = [value for value in seconds if 1 <= value <= 3600]
    assert row["n"] == len(seconds) == n
    assert (row["mean"], row["sd"], row["median"]) == pytest.approx((mean, sd, middle), abs=0.05)
    assert (row["mean"], row["sd"], row["median"]) == pytest.approx((fmean(seconds), stdev(seconds), median(seconds)))
    logs = [math.log(value) for value in seconds]
    assert (row["log_mean"], row["log_sd"]) == pytest.approx((fmean(logs), stdev(logs)))
    assert row["below_10"] == sum(value < 10 for value in seconds)


def test_a_histogram_counts_every_known_duration_once(engine: Engine, january: Rows) -> None:
    found = engine.rows(histogram(engine.table(january), "talk_ms", width=30))
    expected = Counter(call["talk_ms"] // 30_000 * 30.0 for call in january if call["talk_ms"] is not None)
    assert {row["from_s"]: row["calls"] for row in found} == expected
    assert [row["from_s"] for row in found] == sorted(expected)


def test_each_agent_of_the_bank(engine: Engine, january: Rows) -> None:
    found = {row["ext"]: row for row in engine.rows(per_extension(engine.table(january)))}
    assert set(found) == {call["ext"] for call in january if call["ext"]}
    for agent, row in found.items():
        mine = [call for call in january if call["ext"] == agent]
        assert row["calls"] == len(mine)
        assert row["talk_ms"] == sum(call["talk_ms"] or 0 for call in mine)
        assert row["ring_ms"] == sum(call["wait_ms"] for call in mine)
        assert row["missed"] == sum(call["outcome"] != "answered" for call in mine)


def test_who_still_rings_has_missed_nothing(engine: Engine) -> None:
    ringing = {"ext": "45", "outcome": "unknown", "wait_ms": None, "talk_ms": None}
    rows = [ringing, ringing | {"outcome": None}, ringing | {"outcome": "no_answer", "wait_ms": 20_000}]
    schema = pa.schema({"ext": pa.string(), "outcome": pa.string(), "wait_ms": pa.int64(), "talk_ms": pa.int64()})
    [row] = engine.rows(per_extension(engine.table(rows, schema)))
    assert (row["calls"], row["answered"], row["missed"], row["ring_ms"]) == (3, 0, 1, 20_000)


def test_a_slot_is_a_mean_over_its_weekdays(engine: Engine, january: Rows) -> None:
    found = {(row["dow"], row["hour"]): row for row in engine.rows(per_slot(engine.table(january)))}
    counts = Counter((call["dow"], call["hour"]) for call in january)
    assert {slot: row["calls"] for slot, row in found.items()} == counts
    for (dow, _hour), row in found.items():
        days = len({call["day"] for call in january if call["dow"] == dow})
        assert row["days"] == days
        assert row["mean"] == pytest.approx(row["calls"] / days)


def test_edges_are_ordered_by_every_key(engine: Engine, january: Rows) -> None:
    found = engine.rows(edges(engine.table(january), top=50))
    counts = Counter((call["from_num"], call["to_num"]) for call in january)
    expected = sorted(((-n, *pair) for pair, n in counts.items()))[:50]
    assert [(-row["calls"], row["from_num"], row["to_num"]) for row in found] == expected


def test_patience_by_hand(engine: Engine) -> None:
    # Of six callers one gives up at 10 s, one is answered at 20 s, of the four left one gives up at 30 s, two at 40 s.
    waits = [
        ("abandoned", 10),
        ("answered", 20),
        ("abandoned", 30),
        ("answered", 30),
        ("abandoned", 40),
        ("abandoned", 40),
    ]
    table = engine.table([{"outcome": outcome, "wait_ms": wait * 1000} for outcome, wait in waits])
    found = engine.rows(kaplan_meier(table))
    assert [(row["wait_ms"], row["at_risk"], row["gave_up"]) for row in found] == [
        (10_000, 6, 1),
        (30_000, 4, 1),
        (40_000, 2, 2),
    ]
    assert [row["survival"] for row in found] == pytest.approx([5 / 6, 5 / 6 * 3 / 4, 0])


def test_patience_of_the_bank_is_the_product_limit(engine: Engine, january: Rows) -> None:
    found = engine.rows(kaplan_meier(engine.table(january)))
    at_risk, survival = len(january), 1.0
    by_wait: dict[int, list[str]] = {}
    for call in january:
        by_wait.setdefault(call["wait_ms"], []).append(call["outcome"])
    expected = []
    for wait in sorted(by_wait):
        gave_up = by_wait[wait].count("abandoned")
        if gave_up:
            survival *= 1 - gave_up / at_risk
            expected.append((wait, at_risk, gave_up, survival))
        at_risk -= len(by_wait[wait])
    assert [(row["wait_ms"], row["at_risk"], row["gave_up"]) for row in found] == [row[:3] for row in expected]
    assert [row["survival"] for row in found] == pytest.approx([row[3] for row in expected], rel=1e-9)


SCHEMA = pa.schema(
    {
        "call_id": pa.string(),
        "answered_at": pa.timestamp("us"),
        "ended_at": pa.timestamp("us"),
        "outcome": pa.string(),
        "wait_ms": pa.int64(),
        "talk_ms": pa.int64(),
        "ext": pa.string(),
    }
)


def test_an_empty_table_gives_empty_answers(engine: Engine) -> None:
    empty = engine.table([], SCHEMA)
    assert engine.rows(concurrency(empty)) == []
    assert engine.rows(peak(empty)) == []
    assert engine.rows(load(empty)) == []
    assert engine.rows(per_extension(empty)) == []
    assert engine.rows(kaplan_meier(empty)) == []


def test_all_calls_open_count_up_and_never_down(engine: Engine) -> None:
    rows = [{"call_id": str(n), "answered_at": START + timedelta(seconds=n), "ended_at": None} for n in range(3)]
    found = engine.rows(concurrency(engine.table(rows, SCHEMA)))
    assert [row["at_once"] for row in found] == [1, 2, 3]


def test_an_end_before_its_start_counts_as_nothing(engine: Engine) -> None:
    rows = [{"call_id": "1", "answered_at": START, "ended_at": START - timedelta(seconds=1)}]
    assert engine.rows(concurrency(engine.table(rows, SCHEMA))) == []


def test_load_is_exact_to_the_microsecond(engine: Engine) -> None:
    """Ends are seen by the kernel's clock, which counts microseconds: no engine may lose any on the way."""
    begin = datetime.fromisoformat("2026-03-29T05:18:00.000001")
    ends = [begin + timedelta(microseconds=n * 7_777_777) for n in range(1, 8)]
    rows = [{"call_id": str(n), "answered_at": begin, "ended_at": end} for n, end in enumerate(ends)]
    [row] = engine.rows(load(engine.table(rows), every="1m"))
    busy = sum((end - begin) / timedelta(microseconds=1) for end in ends)
    assert row["erlang"] == pytest.approx(busy / 60e6, rel=1e-12)


def test_a_call_without_a_slot_is_in_none(engine: Engine) -> None:
    schema = pa.schema([("dow", pa.int8()), ("hour", pa.int8()), ("day", pa.string())])
    rows = [{"dow": 0, "hour": 9, "day": "2026-03-02"}] * 2 + [{"dow": None, "hour": None, "day": None}]
    [slot] = engine.rows(per_slot(engine.table(rows, schema)))
    assert slot == {"dow": 0, "hour": 9, "calls": 2, "days": 1, "mean": 2.0}
    [hour] = engine.rows(per_hour(engine.table(rows, schema)))
    assert hour == {"hour": 9, "calls": 2, "days": 1, "mean": 2.0}


def test_an_open_call_is_not_missed(engine: Engine) -> None:
    calls = [{"ext": "204", "outcome": outcome, "wait_ms": 1, "talk_ms": 0} for outcome in ("no_answer", "unknown")]
    [row] = engine.rows(per_extension(engine.table(calls)))
    assert (row["calls"], row["answered"], row["missed"]) == (2, 0, 1)


def test_grouping_by_a_column_the_measure_reads_itself(engine: Engine) -> None:
    calls = [{"outcome": outcome, "wait_ms": 9000} for outcome in ("answered", "abandoned")]
    found = engine.rows(abandonment(engine.table(calls), by="outcome"))
    assert [(row["outcome"], row["abandonment"]) for row in found] == [("abandoned", 1.0), ("answered", 0.0)]


def test_columns_go_by_their_usual_names(engine: Engine) -> None:
    rows = [{"id": "1", "connect": START, "end": START + timedelta(seconds=1)}]
    assert [row["at_once"] for row in engine.rows(concurrency(engine.table(rows)))] == [1, 0]


def test_a_missing_column_is_named_with_its_aliases(engine: Engine) -> None:
    with pytest.raises(MissingColumn, match=r"wait_ms, ring_ms.*the table has: outcome") as caught:
        service_level(engine.table([{"outcome": "answered"}]))
    assert caught.value.data["column"] == "wait_ms"


def test_the_input_stays_as_it_was(engine: Engine, january: Rows) -> None:
    table = engine.table(january[:100])
    before = engine.rows(table)
    for measure in (concurrency, load, per_extension, per_slot, edges, durations, kaplan_meier):
        measure(table)
    assert engine.rows(table) == before


@pytest.mark.parametrize("no_table", [None, 5, {"a": 1}, [1, 2]])
def test_what_is_no_table_is_refused_in_a_sentence(no_table: object) -> None:
    with pytest.raises(AnalysisError, match="not a table"):
        per_slot(no_table)


def test_an_unknown_definition_lists_the_known_ones() -> None:
    with pytest.raises(AnalysisError, match="answered in time / answered"):
        service_level(None, definition=6)


def test_a_column_of_nothing_holds_no_times() -> None:
    pandas = pytest.importorskip("pandas")
    ringing = pandas.DataFrame([{"call_id": "1", "started_at": START, "answered_at": None, "ended_at": None}])
    assert len(load(ringing)) == 0
    assert list(concurrency(ringing, start="started_at")["at_once"]) == [1]


def test_pandas_over_arrow_counts_durations_like_all_others() -> None:
    pandas = pytest.importorskip("pandas")
    table = pa.table({"talk_ms": [999, 1000, 1500, None]}).to_pandas(types_mapper=pandas.ArrowDtype)
    assert [list(row) for row in histogram(table, width=1.0)[["from_s", "calls"]].to_numpy()] == [[0.0, 1], [1.0, 2]]


@pytest.mark.parametrize(
    "ask",
    [
        lambda: service_level(None, within="20"),
        lambda: service_level(None, short=math.nan),
        lambda: service_level(None, definition=[4]),
        lambda: abandonment(None, short="5"),
        lambda: durations(None, at_least="x"),
        lambda: histogram(None, width=math.nan),
        lambda: edges(None, top=1.5),
        lambda: load(None, every="5m"),
    ],
)
def test_an_impossible_argument_is_refused_by_its_name(ask: Callable[[], object]) -> None:
    with pytest.raises(AnalysisError) as caught:
        ask()
    assert "not a table" not in str(caught.value)
