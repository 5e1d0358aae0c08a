"""Callers: who reached nobody, whom nobody called back, who comes again; by hand, and against a slow reference."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pbxnb.analysis import first_call_resolution, missed, not_called_back, repeat_callers
from pbxnb.errors import AnalysisError, MissingColumn
from tests.analysis.engines import Engine
from tests.analysis.test_analysis_legs import entry, table, told

Rows = list[dict[str, Any]]
NINE = datetime(2026, 9, 21, 9)  # noqa: DTZ001 - UTC without zone, as in every table
TEXTS = ("domain", "call_id", "direction", "from_num", "to_num", "queue", "outcome", "day")
SCHEMA = pa.schema(
    [(name, pa.string()) for name in TEXTS] + [(name, pa.timestamp("us")) for name in ("started_at", "ended_at")]
)
ANN, BEA = "+49 (30) 123-4", "+49 30 555"


def call(at: float, outcome: str = "abandoned", lasted: float | None = 60, **more: Any) -> dict[str, Any]:
    """A conversation of Ann's, ``at`` seconds after nine."""
    begin = NINE + timedelta(seconds=at)
    return {
        "domain": "acme.example", "call_id": str(at), "direction": "in", "from_num": ANN, "to_num": "100", "queue": "",
        "outcome": outcome, "day": "2026-09-21", "started_at": begin,
        "ended_at": None if lasted is None else begin + timedelta(seconds=lasted),
    } | more  # fmt: skip


def called(at: float, number: str, outcome: str = "answered", **more: Any) -> dict[str, Any]:
    """A conversation of ours with a number outside."""
    return call(at, outcome, direction="out", from_num="204", to_num=number, **more)


def asked(engine: Engine, measure: Callable[..., Any], rows: Rows, **how: Any) -> Rows:
    return engine.rows(measure(engine.table(rows, SCHEMA), **how))


# -- whom nobody has called back ---------------------------------------------------------------------------------------


def test_who_reached_nobody_waits_for_a_call(engine: Engine) -> None:
    rows = [call(300), call(0, "no_answer"), call(100, from_num=BEA), call(200, "answered", from_num="+49 30 777")]
    found = asked(engine, not_called_back, rows)
    assert [(row["domain"], row["number"], row["missed"]) for row in found] == [
        ("acme.example", ANN, 2),
        ("acme.example", BEA, 1),
    ]
    assert found[0]["last_missed"] == NINE + timedelta(seconds=300)


THEN: list[tuple[Callable[[str], dict[str, Any]], bool]] = [
    (lambda his: called(600, his.replace("+", "00")), False),
    (lambda his: called(600, his.replace("+", "")), False),
    (lambda his: called(600, his, outcome="no_answer"), True),  # he was not reached
    (lambda his: called(600, his, outcome="unknown", lasted=None), True),  # it still rings
    (lambda his: called(-1, his), True),  # before he called
    (lambda his: called(0, his), False),  # at the same moment
    (lambda his: called(3600, his), False),  # the window's last moment
    (lambda his: called(3600.000001, his), True),
    (lambda his: called(600, his + "0"), True),
    (lambda his: called(600, his, domain="b.example"), True),  # another tenant called him
    (lambda his: call(600, "answered", from_num=his), False),  # he got through himself
    (lambda his: call(86_400, "answered", from_num=his.replace("+", "00")), False),  # whenever that was
    (lambda his: call(-5, "answered", from_num=his), True),
    (lambda his: call(600, "answered", from_num=his, direction="internal"), True),
    (lambda his: call(600, "answered", from_num="204", to_num=his, direction="internal"), False),
]
"""What may follow after a caller reached nobody, and whether he waits then for a call within an hour."""


def test_a_caller_waits_until_somebody_speaks_with_him(engine: Engine) -> None:
    numbers = [f"+49 (30) {n}-0" for n in range(100, 100 + len(THEN))]
    rows = [then(his) for (then, _), his in zip(THEN, numbers, strict=True)] + [
        call(0, from_num=his) for his in numbers
    ]
    found = asked(engine, not_called_back, rows, within=3600)
    assert [row["number"] for row in found] == [his for (_, waits), his in zip(THEN, numbers, strict=True) if waits]


def test_without_a_window_any_later_call_back_counts(engine: Engine) -> None:
    assert asked(engine, not_called_back, [call(0), called(10_000_000, ANN)]) == []
    assert len(asked(engine, not_called_back, [call(0), called(10_000_000, ANN)], within=9_999_999)) == 1


def test_who_is_missed_again_after_the_call_back_waits_again_for_that(engine: Engine) -> None:
    rows = [call(0), call(10), called(60, ANN), call(7200)]
    for within in (None, 3600):
        [row] = asked(engine, not_called_back, rows, within=within)
        assert (row["missed"], row["last_missed"]) == (1, NINE + timedelta(seconds=7200))


def test_who_hides_is_nobody(engine: Engine) -> None:
    hidden = [None, "", "anonymous", "Anonymous", "Restricted", "+"]
    rows = [call(n, outcome, from_num=name) for n, name in enumerate(hidden) for outcome in ("abandoned", "answered")]
    assert asked(engine, not_called_back, [row for row in rows if row["outcome"] == "abandoned"]) == []
    assert asked(engine, repeat_callers, rows, within=3600) == []
    [row] = asked(engine, first_call_resolution, rows, within=3600)
    assert (row["answered"], row["hidden"], row["resolution"]) == (6, 6, None)


def test_only_who_comes_from_outside_or_through_a_queue_is_a_caller(engine: Engine) -> None:
    rows = [
        call(0, direction="internal", from_num="205"),
        call(1, direction="internal", from_num="206", queue="600"),
        called(2, BEA, "no_answer"),
        call(3, direction=None),
        call(4, "unknown", lasted=None),
    ]
    assert [row["number"] for row in asked(engine, not_called_back, rows)] == ["206"]
    [row] = asked(engine, missed, rows, level="caller")
    assert tuple(row.values()) == (2, 0, 0, 1, 1)


def test_a_table_may_lack_queues_and_domains(engine: Engine) -> None:
    schema = pa.schema([field for field in SCHEMA if field.name not in ("queue", "domain")])
    rows = [{name: value for name, value in call(0).items() if name in schema.names}]
    [row] = engine.rows(not_called_back(engine.table(rows, schema)))
    assert (row["domain"], row["number"]) == ("", ANN)


# -- who comes again ---------------------------------------------------------------------------------------------------


def test_a_caller_comes_again_when_his_next_call_begins_soon(engine: Engine) -> None:
    times = [((0, 3600), 1), ((0, 3600.000001), 0), ((0, 0), 1), ((0, 0, 0), 2), ((5, 0, 7200, 10), 2), ((0,), 0)]
    rows = [
        call(at, call_id=str(n), from_num=f"+49 30 {who}")
        for who, (some, _) in enumerate(times)
        for n, at in enumerate(some)
    ]
    found = asked(engine, repeat_callers, rows[::-1], within=3600)
    assert [(row["number"], row["calls"], row["again"]) for row in found] == [
        (f"+49 30 {who}", len(some), again) for who, (some, again) in enumerate(times) if again
    ]


def test_a_number_of_two_domains_is_two_callers(engine: Engine) -> None:
    rows = [call(0), call(1, domain="b.example"), call(2, domain=None)]
    assert asked(engine, repeat_callers, rows, within=3600) == []
    rows += [call(3, domain=None, from_num="0049301234")]
    found = asked(engine, repeat_callers, rows, within=3600)
    assert [(row["domain"], row["number"], row["again"]) for row in found] == [("", "0049301234", 1)]


NEXT: list[tuple[Callable[[str], dict[str, Any]], bool]] = [
    (lambda his: call(3660, from_num=his), True),  # an hour after he hung up, whether somebody answers him or not
    (lambda his: call(3660.000001, from_num=his), False),
    (lambda his: call(60, from_num=his), True),  # in the moment he hung up
    (lambda his: call(30, from_num=his), True),  # while he talks, on another line
    (lambda his: call(-1, from_num=his), False),
    (lambda his: call(600, from_num=his + "0"), False),
    (lambda his: call(600, from_num=his, domain="b.example"), False),
    (lambda his: call(600, from_num=his.replace("+", "00").replace(" ", "-")), True),
    (lambda his: called(600, his), False),  # he was called
]
"""What may follow a minute's talk, and whether it is the same matter again, for an hour."""


def test_a_caller_who_does_not_come_again_was_helped(engine: Engine) -> None:
    days = [str(n) for n in range(len(NEXT))]
    rows = [then(f"+49 30 {day}") for (then, _), day in zip(NEXT, days, strict=True)] + [called(9000, BEA)]
    rows += [call(0, "answered", from_num=f"+49 30 {day}", day=day) for day in days]
    found = asked(engine, first_call_resolution, rows, within=3600, by="day")
    told = {row["day"]: (row["resolved"], row["again"], row["undecided"], row["resolution"]) for row in found}
    assert told == {
        day: (0, 1, 0, 0.0) if again else (1, 0, 0, 1.0) for (_, again), day in zip(NEXT, days, strict=True)
    }


def test_a_window_that_is_not_over_decides_nothing(engine: Engine) -> None:
    for last, decided in ((3660, 1), (3659.999999, 0)):
        rows = [call(0, "answered"), called(last, BEA, lasted=0)]
        [row] = asked(engine, first_call_resolution, rows, within=3600)
        assert (row["resolved"], row["undecided"], row["resolution"]) == (
            decided,
            1 - decided,
            1.0 if decided else None,
        )


def test_a_call_that_goes_on_is_undecided(engine: Engine) -> None:
    [row] = asked(engine, first_call_resolution, [call(0, "answered", lasted=None), called(99_999, BEA)], within=3600)
    assert (row["answered"], row["undecided"]) == (1, 1)


def test_two_calls_of_no_length_in_one_moment_are_one_after_the_other(engine: Engine) -> None:
    rows = [call(0, "answered", lasted=0, call_id=name) for name in ("b", "a")] + [called(9000, BEA)]
    [row] = asked(engine, first_call_resolution, rows, within=3600)
    assert (row["resolved"], row["again"], row["resolution"]) == (1, 1, 0.5)


def test_a_group_has_its_own_calls_and_everybodys_returns(engine: Engine) -> None:
    rows = [
        call(0, "answered", queue="sales"),
        call(600, "answered", queue="support"),
        call(700, queue="sales", from_num=BEA),
        called(9000, BEA, "no_answer"),
    ]
    found = asked(engine, first_call_resolution, rows, within=3600, by=("queue",))
    assert [(row["queue"], row["resolved"], row["again"]) for row in found] == [("sales", 0, 1), ("support", 1, 0)]
    found = asked(engine, repeat_callers, rows, within=3600, by=("queue", "domain"))
    assert [(row["queue"], row["domain"], row["calls"], row["again"]) for row in found] == [
        ("sales", "acme.example", 1, 1)
    ]
    found = asked(engine, not_called_back, rows, by="queue")
    assert [(row["queue"], row["number"]) for row in found] == [("sales", BEA)]


# -- missed at three levels --------------------------------------------------------------------------------------------


def test_a_group_call_nobody_took_is_missed_by_three_phones_and_one_caller(engine: Engine) -> None:
    rows = table(told((10, [entry("1", "610", "alerting", ["204", "205", "206"])]), (40, [])))
    for level, count in (("leg", 3), ("extension", 3), ("caller", 1)):
        [row] = engine.rows(missed(engine.table(rows), level=level))
        assert (row["offered"], row["missed"], row["answered_elsewhere"]) == (count, count, 0)


def test_who_let_it_ring_missed_a_leg_of_a_conversation_answered_elsewhere(engine: Engine) -> None:
    rows = table(
        told(
            (10, [entry("1", "600", "alerting", ["204"])]),
            (30, [entry("1", "600", "alerting", ["205"])]),
            (36, [entry("1", "600", "connected", ["205"], connect=36)]),
            (96, []),
        )
    )
    counts = {
        level: {row["ext"]: (row["answered"], row["answered_elsewhere"], row["missed"]) for row in found}
        for level in ("leg", "extension")
        if (found := engine.rows(missed(engine.table(rows), level=level, by="ext")))
    }
    assert counts == {
        "leg": {"204": (0, 0, 1), "205": (1, 0, 0)},
        "extension": {"204": (0, 1, 0), "205": (1, 0, 0)},
    }
    [row] = engine.rows(missed(engine.table(rows), level="caller"))
    assert (row["offered"], row["answered"], row["missed"]) == (1, 1, 0)


def test_an_extension_that_answers_the_third_ring_has_missed_two_legs_and_no_conversation(engine: Engine) -> None:
    legs = [leg("1", at, "204", outcome) for at, outcome in ((0, "no_answer"), (20, "no_answer"), (40, "answered"))]
    legs += [leg("1", 0, "204", "no_answer", domain="b.example")]  # another 204, in another conversation
    found = [engine.rows(missed(engine.table(legs[::-1], LEGS), level=level, by=("domain", "ext")))
             for level in ("leg", "extension")]  # fmt: skip
    assert [[(row["domain"], row["offered"], row["missed"]) for row in rows] for rows in found] == [
        [("acme.example", 3, 2), ("b.example", 1, 1)],
        [("acme.example", 1, 0), ("b.example", 1, 1)],
    ]


def test_a_phone_that_calls_or_is_busy_does_not_ring(engine: Engine) -> None:
    legs = [
        leg("1", 0, "204", "no_answer", from_num="204", direction="internal"),
        leg("1", 0, "205", "no_answer", from_num="204", direction="internal"),
        leg("2", 0, "204", "no_answer", from_num="+49 30 99", direction="out"),  # shows the company's number
        leg("3", 0, "206", "busy"),
        leg("3", 0, "", "abandoned"),
        leg("4", 0, "207", "unknown", lasted=None),
        leg("5", 0, "207", None),
    ]
    for level in ("leg", "extension"):
        [row] = engine.rows(missed(engine.table(legs, LEGS), level=level))
        assert tuple(row.values()) == (3, 0, 0, 1, 2)


def test_an_unknown_level_lists_the_three() -> None:
    with pytest.raises(AnalysisError, match="leg, extension, caller"):
        missed(None, level="queue")  # type: ignore[arg-type]


@pytest.mark.parametrize("within", [0, -1, float("nan"), "3600", None, True])
def test_a_window_is_a_time(within: Any) -> None:
    for measure in (repeat_callers, first_call_resolution):
        with pytest.raises(AnalysisError, match="within"):
            measure(None, within=within)


def test_a_missing_column_is_named(engine: Engine) -> None:
    with pytest.raises(MissingColumn, match="direction"):
        not_called_back(engine.table([{"from_num": "1", "to_num": "2", "outcome": "missed", "started_at": NINE}]))


def test_nothing_asked_of_nothing(engine: Engine) -> None:
    for measure, how in ((not_called_back, {}), (not_called_back, {"within": 60}), (repeat_callers, {"within": 60})):
        assert asked(engine, measure, [], **how) == []
    [row] = asked(engine, first_call_resolution, [], within=60)
    assert (row["answered"], row["resolved"], row["resolution"]) == (0, 0, None)
    for level in ("leg", "extension", "caller"):
        [row] = engine.rows(missed(engine.table([], LEGS), level=level))
        assert set(row.values()) == {0}
        assert engine.rows(missed(engine.table([], LEGS), level=level, by="domain")) == []


# -- against the obvious way -------------------------------------------------------------------------------------------

LEGS = pa.schema([*SCHEMA, pa.field("conversation", pa.string()), pa.field("ext", pa.string())])


def leg(conversation: str | None, at: float, ext: str, outcome: str | None, **more: Any) -> dict[str, Any]:
    return call(at, **{"outcome": outcome, "conversation": conversation, "ext": ext} | more)


NUMBERS = {"+49 1": "491", "00491": "491", "49-1": "491", "2": "2", None: None, "Anonymous": None}
LOST = ("abandoned", "no_answer", "missed", "busy", "failed")
conversations = st.lists(
    st.builds(
        call,
        st.integers(0, 8),
        st.sampled_from(["answered", "answered", "abandoned", "no_answer", "unknown", None]),
        st.sampled_from([None, 0, 1, 3]),
        direction=st.sampled_from(["in", "in", "out", "internal", None]),
        from_num=st.sampled_from(list(NUMBERS)),
        to_num=st.sampled_from(list(NUMBERS)),
        queue=st.sampled_from(["", "600", None]),
        domain=st.sampled_from([f"{name}.example" for name in "abcdefgh"]),
        day=st.sampled_from(["mon", "tue", None]),
    ),
    min_size=20,
    max_size=60,
)
WITHIN = 2


def is_caller(row: dict[str, Any]) -> bool:
    return row["direction"] == "in" or bool(row["queue"])


def of_one(row: dict[str, Any], other: dict[str, Any]) -> bool:
    return (row["domain"], NUMBERS[row["from_num"]]) == (other["domain"], NUMBERS[other["from_num"]])


def comes_again(row: dict[str, Any], since: datetime, rows: Rows) -> bool:
    def follows(other: dict[str, Any]) -> bool:
        return (other["started_at"], other["call_id"]) > (row["started_at"], row["call_id"])

    soon = since + timedelta(seconds=WITHIN)
    return any(is_caller(one) and of_one(row, one) and follows(one) and one["started_at"] <= soon for one in rows)


def waits_still(row: dict[str, Any], rows: Rows, within: int | None) -> bool:
    def speaks(other: dict[str, Any]) -> bool:
        passed = (other["started_at"] - row["started_at"]).total_seconds()
        if other["outcome"] != "answered" or passed < 0:
            return False
        if is_caller(other):
            return of_one(row, other)
        to = (other["domain"], NUMBERS[other["to_num"]]) == (row["domain"], NUMBERS[row["from_num"]])
        return to and (within is None or passed <= within)

    return not any(speaks(other) for other in rows)


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=conversations)
def test_callers_are_counted_as_one_would_by_hand(engine: Engine, rows: Rows) -> None:
    rows = [row | {"call_id": f"{n:02}"} for n, row in enumerate(rows)]
    frame = engine.table(rows, SCHEMA)
    named = [row for row in rows if is_caller(row) and NUMBERS[row["from_num"]]]
    for within in (None, WITHIN):
        waiting: dict[tuple[str, str], Rows] = {}
        for row in named:
            if row["outcome"] in LOST and waits_still(row, rows, within):
                waiting.setdefault((row["domain"], NUMBERS[row["from_num"]] or ""), []).append(row)
        found = engine.rows(not_called_back(frame, within=within))
        assert {(row["domain"], NUMBERS[row["number"]]): (row["missed"], row["last_missed"]) for row in found} == {
            key: (len(some), max(row["started_at"] for row in some)) for key, some in waiting.items()
        }
    repeats: dict[tuple[str, str], list[bool]] = {}
    for row in named:
        key = row["domain"], NUMBERS[row["from_num"]] or ""
        repeats.setdefault(key, []).append(comes_again(row, row["started_at"], rows))
    found = engine.rows(repeat_callers(frame, within=WITHIN))
    assert {(row["domain"], NUMBERS[row["number"]]): (row["calls"], row["again"]) for row in found} == {
        key: (len(some), sum(some)) for key, some in repeats.items() if any(some)
    }
    expected: dict[str | None, list[int]] = {}
    for row in rows:
        if is_caller(row) and row["outcome"] == "answered":
            last = max(other["ended_at"] or other["started_at"] for other in rows)
            since = row["ended_at"] or row["started_at"]
            over = row["ended_at"] is not None and since + timedelta(seconds=WITHIN) <= last
            hidden = NUMBERS[row["from_num"]] is None
            again = not hidden and comes_again(row, since, rows)
            counts = expected.setdefault(row["day"], [0, 0, 0, 0])
            counts[3 if hidden else 1 if again else 0 if over else 2] += 1
    found = engine.rows(first_call_resolution(frame, within=WITHIN, by="day"))
    names = ("resolved", "again", "undecided", "hidden")
    assert {row["day"]: [row[name] for name in names] for row in found} == expected
