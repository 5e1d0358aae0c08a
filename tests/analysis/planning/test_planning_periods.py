"""Two periods side by side: the figures are those of the other measures, the days say how sure a difference is."""

from datetime import datetime
from statistics import fmean, stdev
from typing import Any

import pyarrow as pa
import pytest

from pbxnb.analysis import abandonment, compare_periods, service_level
from pbxnb.errors import AnalysisError
from tests.analysis.engines import Engine

Rows = list[dict[str, Any]]


def call(day: int, outcome: str = "answered", wait: float = 10, talk: float | None = 60, **more: Any) -> dict[str, Any]:
    talk_ms = None if talk is None or outcome != "answered" else round(talk * 1000)
    row = {"day": f"2026-03-{day:02}", "outcome": outcome, "wait_ms": round(wait * 1000), "talk_ms": talk_ms}
    return row | {"hold_ms": 0} | more


def compared(engine: Engine, a: Rows, b: Rows, **more: Any) -> dict[str, dict[str, Any]]:
    rows = engine.rows(compare_periods(engine.table(a), engine.table(b), **more))
    return {row["measure"]: row for row in rows}


def test_the_bank_in_january_and_in_october(engine: Engine, january: Rows, october: Rows) -> None:
    found = compared(engine, january, october)
    assert list(found) == ["calls_per_day", "service_level", "abandonment", "speed_of_answer", "handle_time"]
    for name, month in (("a", january), ("b", october)):
        table = engine.table(month)
        assert found["calls_per_day"][name] == pytest.approx(len(month) / 31)
        assert found["service_level"][name] == engine.rows(service_level(table))[0]["service_level"]
        assert found["abandonment"][name] == engine.rows(abandonment(table))[0]["abandonment"]
    assert found["speed_of_answer"]["a"] == pytest.approx(35.0, abs=0.05)
    assert found["speed_of_answer"]["b"] == pytest.approx(23.2, abs=0.05)
    # better service for sure, more calls perhaps, the talk no other
    assert found["service_level"]["low"] > 0 > found["abandonment"]["high"]
    assert all(found[name]["low"] < 0 < found[name]["high"] for name in ("calls_per_day", "handle_time"))
    assert all(row["difference"] == pytest.approx(row["b"] - row["a"]) for row in found.values())
    assert [row["why"] for row in found.values()] == [None] * 5


def test_counts_are_compared_by_the_day_and_a_day_without_calls_is_one(engine: Engine) -> None:
    a = [call(day) for day, calls in ((2, 4), (3, 6), (5, 2)) for _ in range(calls)]  # 4, 6, 0, 2
    b = [call(day) for day, calls in ((9, 9), (10, 11), (11, 10)) for _ in range(calls)]
    row = compared(engine, a, b)["calls_per_day"]
    assert (row["a"], row["b"], row["difference"], row["days_a"], row["days_b"]) == (3, 10, 7, 4, 3)
    spread_a, spread_b = stdev([4, 6, 0, 2]) ** 2 / 4, stdev([9, 11, 10]) ** 2 / 3
    freedom = (spread_a + spread_b) ** 2 / (spread_a**2 / 3 + spread_b**2 / 2)
    assert freedom == pytest.approx(4.075, abs=0.001)  # of 4 t is 2.776, of 5 2.571
    assert 2 * 2.74 < (row["high"] - row["low"]) / (spread_a + spread_b) ** 0.5 < 2 * 2.776


def test_handle_time_is_talk_hold_and_wrap_up_and_waits_are_of_the_answered(engine: Engine) -> None:
    a = [call(day, wait=day, talk=100, hold_ms=day * 1000) for day in range(1, 6)]
    a += [call(day, "abandoned", wait=500) for day in range(1, 6)]
    b = [call(day, wait=0, talk=50, wrap_ms=7000) for day in range(1, 6)]
    found = compared(engine, a, b)
    assert (found["handle_time"]["a"], found["handle_time"]["b"]) == (103, 57)
    assert (found["speed_of_answer"]["a"], found["speed_of_answer"]["b"]) == (3, 0)
    assert (found["abandonment"]["a"], found["abandonment"]["b"]) == (0.5, 0)
    waits = [1, 2, 3, 4, 5]
    half = 2.776 * stdev(waits) / 5**0.5  # the other side does not vary: four degrees of freedom
    assert (found["speed_of_answer"]["low"], found["speed_of_answer"]["high"]) == pytest.approx(
        (-fmean(waits) - half, -fmean(waits) + half), abs=1e-3
    )


def test_of_few_days_there_is_no_interval_but_a_word(engine: Engine) -> None:
    a, b = [call(1), call(2)], [call(9), call(10), call(11, "unknown"), call(11)]
    found = compared(engine, a, b)
    assert {row["why"] for row in found.values()} == {"fewer than 3 days"}
    assert {row["low"] for row in found.values()} == {row["high"] for row in found.values()} == {None}
    assert found["service_level"]["difference"] == 0


def test_what_does_not_count_and_what_does_not_vary(engine: Engine) -> None:
    a = [call(day, "abandoned", wait=30) for day in range(1, 8)]
    b = [call(day) for day in range(8, 15)]
    found = compared(engine, a, b)
    assert found["handle_time"]["why"] == "nothing to count"
    assert (found["handle_time"]["a"], found["handle_time"]["b"], found["handle_time"]["days_a"]) == (None, 60, 0)
    assert found["calls_per_day"]["why"] == "no day differs from another"
    assert (found["service_level"]["a"], found["service_level"]["b"]) == (0, 1)
    assert 0.3 < found["service_level"]["low"] < 1 == found["service_level"]["high"]  # seven calls are not many


def test_each_group_for_itself(engine: Engine) -> None:
    a = [call(day, queue=queue) for day in range(1, 6) for queue in ("600", "601") for _ in range(1 + day % 2)]
    b = [call(day, queue="600") for day in range(1, 6) for _ in range(3 + day % 3)]
    rows = engine.rows(compare_periods(engine.table(a), engine.table(b), by="queue"))
    counts = [row for row in rows if row["measure"] == "calls_per_day"]
    assert [(row["queue"], row["a"], row["b"]) for row in counts] == [("600", 1.6, 4.2), ("601", 1.6, 0)]
    assert list(rows[0])[:2] == ["queue", "measure"]
    assert [row["why"] for row in counts] == [None, None]
    assert {row["why"] for row in rows[6:]} == {"nothing to count"}  # nobody waited in that queue in the second period


def test_no_calls_at_all(engine: Engine) -> None:
    nothing = call(1) | {"day": None}
    schema = pa.Table.from_pylist([call(1)]).schema
    rows = engine.rows(compare_periods(engine.table([nothing], schema), engine.table([call(1)])))
    assert {row["why"] for row in rows} == {"nothing to count"}


@pytest.mark.parametrize("wrong", [{"within": -1}, {"confidence": 95}, {"confidence": 1}, {"by": "a"}])
def test_impossible_arguments_are_sentences(wrong: dict[str, Any]) -> None:
    calls = pa.Table.from_pylist([call(1, a="1")])
    with pytest.raises(AnalysisError, match=next(iter(wrong))):
        compare_periods(calls, calls, **wrong)


def test_both_periods_say_their_window(engine: Engine) -> None:
    a, b = ([call(day, started_at=datetime(2026, 3, day)) for day in days] for days in ((2, 3, 4), (9, 11)))  # noqa: DTZ001
    [row, *_] = engine.rows(compare_periods(engine.table(a), engine.table(b)), window=True)
    assert [row[name].day for name in ("first", "last", "first_b", "last_b")] == [2, 4, 9, 11]
    assert (row["coverage"], row["coverage_b"]) == (None, None)  # a table does not say
