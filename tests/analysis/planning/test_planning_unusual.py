"""Unusual hours: counts by hand, hours without calls, changed clocks, and how often nothing is called something."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from pbxnb.analysis import unusual_hours
from pbxnb.analysis.calls import COLUMNS
from pbxnb.analysis.planning.distributions import NegativeBinomial
from pbxnb.analysis.planning.unusual import judged
from pbxnb.errors import AnalysisError
from tests.analysis.engines import Engine

MONDAY = date(2026, 3, 2)
Counts = dict[tuple[date, int], int]


def rows_of(counts: Counts, **more: Any) -> list[dict[str, Any]]:
    return [{"day": day.isoformat(), "hour": hour} | more for (day, hour), n in counts.items() for _ in range(n)]


def weeks_of(number: int, calls: Callable[[int, int, int], int], first: date = MONDAY) -> Counts:
    """Counts of whole weeks; ``calls`` is asked by week, weekday and hour."""
    return {
        (first + timedelta(weeks=week, days=dow), hour): calls(week, dow, hour)
        for week in range(number)
        for dow in range(7)
        for hour in range(24)
    }


def office(week: int, dow: int, hour: int) -> int:
    """20 an hour in office hours, a few more or fewer from week to week; one in the hours at the edges of the table."""
    if hour in (0, 23):
        return 1
    return 20 + (week + dow) % 3 - 1 if dow < 5 and 8 <= hour < 17 else 0


def test_each_hour_beside_the_same_hour_of_earlier_weeks(engine: Engine) -> None:
    counts = weeks_of(5, office) | {(date(2026, 4, 1), 10): 45, (date(2026, 4, 2), 9): 0, (date(2026, 4, 3), 3): 1}
    rows = engine.rows(unusual_hours(engine.table(rows_of(counts))))
    found = {(row["day"], row["hour"]): row for row in rows}
    assert len(rows) == 7 * 24 - 1  # the hour of the last call may not be over
    assert (rows[0]["day"], rows[0]["dow"], rows[0]["hour"], rows[0]["weeks"]) == ("2026-03-30", 0, 0, 3)
    assert list(rows[0]) == [
        "day", "dow", "hour", "calls", "weeks", "expected", "low", "high", "probability", "unusual", "why",
    ]  # fmt: skip
    peak, silent, night = found["2026-04-01", 10], found["2026-04-02", 9], found["2026-04-03", 3]
    assert (peak["calls"], peak["weeks"], peak["unusual"]) == (45, 4, "more")
    assert (silent["calls"], silent["unusual"]) == (0, "fewer")
    assert peak["expected"] == sum(office(week, 2, 10) for week in range(4)) / 4
    assert peak["low"] > 0
    assert peak["high"] < 45
    assert peak["probability"] < 0.001 < found["2026-04-01", 11]["probability"]
    # One call where there never was any in four weeks is no wonder: mean 0.5 / 4, variance 5/4 of it, P(0) = 0.8^0.5.
    assert (night["calls"], night["expected"], night["unusual"]) == (1, 0, "usual")
    assert night["probability"] == pytest.approx(2 * (1 - 0.8**0.5))
    assert {row["unusual"] for row in rows if row not in (peak, silent)} == {"usual"}


def test_the_numbers_by_hand() -> None:
    # Two hours of the week, four weeks: 8, 12, 8, 12 and 30, 50, 30, 50; all other hours are empty.
    past = {10: (8, 12, 8, 12), 11: (30, 50, 30, 50)}
    counts = {(MONDAY + timedelta(weeks=week), hour): past[hour][week] for hour in past for week in range(4)}
    now = MONDAY + timedelta(weeks=4)
    counts |= {(now, 10): 10, (now, 11): 40}
    before, after = (MONDAY - timedelta(days=1), 23), (now, 23)
    rows = {row["hour"]: row for row in judged(counts, before, after, 4, 0.001) if row["day"] == now.isoformat()}
    # variances 16/3 and 400/3; what is beyond the means by what the means are, squared
    varying = (16 / 3 - 10 + 400 / 3 - 40) / (100 - 16 / 3 / 4 + 1600 - 400 / 3 / 4)
    mean = 160.5 / 4
    usual = NegativeBinomial(mean, (mean + varying * mean**2) * 5 / 4)
    assert (rows[11]["low"], rows[11]["high"]) == usual.usual(0.001)
    assert rows[11]["probability"] == pytest.approx(usual.extreme(40))


def test_hours_without_calls_count() -> None:
    # Every second Monday nobody calls at ten, so a Monday without calls is one like the others.
    def calls(week: int, dow: int, hour: int) -> int:
        return 12 * (week % 2 == 0) if (dow, hour) == (0, 10) else int(hour == 0)

    rows = unusual_hours(pa.Table.from_pylist(rows_of(weeks_of(6, calls)))).to_pylist()
    [row] = [row for row in rows if (row["dow"], row["hour"]) == (0, 10)]
    assert (row["calls"], row["weeks"], row["expected"], row["unusual"]) == (0, 5, 7.2, "usual")


def test_an_hour_that_the_clock_skips_or_shows_twice_is_no_hour() -> None:
    # In Berlin 2026-03-29 has no 02:00, and 2026-10-25 has it twice.
    def always(week: int, dow: int, hour: int) -> int:
        return 10

    for changed, said in ((date(2026, 3, 29), 0), (date(2026, 10, 25), 20)):
        first = changed - timedelta(days=6, weeks=4)
        counts = weeks_of(5, always, first) | {(changed, 2): said}
        for tz, why, weeks in (("Europe/Berlin", "the clock was changed", 4), ("UTC", None, 4)):
            rows = unusual_hours(pa.Table.from_pylist(rows_of(counts, tz=tz))).to_pylist()
            [row] = [row for row in rows if (row["day"], row["hour"]) == (changed.isoformat(), 2)]
            assert (row["why"], row["weeks"]) == (why, weeks)
            assert (row["unusual"] is None) == (why is not None)
        later = weeks_of(7, always, first) | {(changed, 2): said}
        rows = unusual_hours(pa.Table.from_pylist(rows_of(later, tz="Europe/Berlin"))).to_pylist()
        [row] = [row for row in rows if (row["dow"], row["hour"]) == (6, 2)]
        assert (row["weeks"], row["expected"], row["unusual"]) == (5, 10, "usual")  # of six


class Recorded:
    """What of a recording is asked for: its calls in Berlin, and a gap from Monday 10:50 to 13:10 there."""

    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 13, tzinfo=UTC)
    coverage = 0.99

    def calls_table(self, *, legs: bool, tz: object) -> list[dict[str, Any]]:
        rows = rows_of(weeks_of(6, office), tz="Europe/Berlin", direction="in", queue="")
        return [dict.fromkeys(COLUMNS) | row for row in rows]

    @property
    def gaps(self) -> pa.Table:
        down = (datetime(2026, 3, 23, 9, 50), datetime(2026, 3, 23, 12, 10))  # noqa: DTZ001 - UTC, as in every table
        lasts = (datetime(2026, 4, 10, 6, 0), None)  # noqa: DTZ001
        return pa.table({"start": [down[0], lasts[0]], "end": [down[1], lasts[1]]})


def test_an_hour_in_which_the_line_was_down_is_no_hour() -> None:
    rows = {(row["dow"], row["hour"]): row for row in unusual_hours(Recorded()).to_pylist()}
    assert [rows[0, hour]["weeks"] for hour in range(9, 15)] == [5, 4, 4, 4, 4, 5]
    assert {row["why"] for (dow, hour), row in rows.items() if (dow, hour) >= (4, 8)} == {"the line was down"}
    assert {row["why"] for (dow, hour), row in rows.items() if (dow, hour) < (4, 8)} == {None}


def test_the_usual_is_of_as_many_weeks_as_asked_for() -> None:
    rows = unusual_hours(pa.Table.from_pylist(rows_of(weeks_of(8, office))), weeks=5).to_pylist()
    assert {row["weeks"] for row in rows} == {5}


def test_of_few_weeks_there_is_no_usual_but_a_word() -> None:
    rows = unusual_hours(pa.Table.from_pylist(rows_of(weeks_of(3, office)))).to_pylist()
    assert {row["why"] for row in rows} == {"fewer than 3 earlier weeks"}
    assert {row["expected"] for row in rows} == {None}


def test_who_falls_silent_is_told_by_the_hours_in_which_others_still_call(engine: Engine) -> None:
    counts = weeks_of(5, office)
    silent = {slot: calls for slot, calls in counts.items() if slot < (date(2026, 4, 1), 0)}
    table = engine.table(rows_of(counts, queue="600") + rows_of(silent, queue="601"))
    fewer = [row for row in engine.rows(unusual_hours(table, by="queue")) if row["unusual"] == "fewer"]
    assert {row["queue"] for row in fewer} == {"601"}
    assert len(fewer) == 3 * 9  # Wednesday to Friday
    assert next(iter(fewer[0])) == "queue"


def test_the_bank_has_no_unusual_hour_where_poisson_sees_many(january: list[dict[str, Any]]) -> None:
    rows = [row for row in unusual_hours(pa.Table.from_pylist(january)).to_pylist() if row["why"] is None]
    assert {row["unusual"] for row in rows} == {"usual"}

    def poisson(count: int, mean: float) -> float:
        tail = [math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1)]
        return 2 * min(sum(tail), 1 - sum(tail[:-1]))

    assert sum(poisson(row["calls"], row["expected"]) < 0.001 for row in rows if row["expected"]) > len(rows) / 10


def test_nothing_is_called_something_as_seldom_as_it_is_said() -> None:
    found = judged_hours = 0
    for seed in range(12):
        random = Random(seed)

        def calls(week: int, dow: int, hour: int, random: Random = random) -> int:
            rate = (2 + hour) * random.gammavariate(10, 0.1)  # varies by a third from week to week
            return sum(random.random() < rate / 200 for _ in range(200))

        counts = weeks_of(7, calls)
        rows = judged(counts, min(counts), max(counts), 6, 0.05)
        found += sum(row["unusual"] != "usual" for row in rows)
        judged_hours += len(rows)
    assert 0.02 < found / judged_hours < 0.07


def test_no_calls(engine: Engine) -> None:
    assert engine.rows(unusual_hours(engine.table([{"day": None, "hour": 3}]))) == []


@pytest.mark.parametrize("wrong", [{"weeks": 2}, {"weeks": 3.5}, {"chance": 0}, {"chance": 5}])
def test_impossible_arguments_are_sentences(wrong: dict[str, Any]) -> None:
    with pytest.raises(AnalysisError, match=next(iter(wrong))):
        unusual_hours(pa.Table.from_pylist(rows_of({(MONDAY, 3): 1})), **wrong)
