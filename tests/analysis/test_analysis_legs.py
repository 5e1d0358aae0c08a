"""One call rings several phones: legs say what each did, conversations count it once, on every engine alike."""

from __future__ import annotations

import inspect
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from pbxnb import analysis
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
from pbxnb.analysis.calls import COLUMNS, call_rows, calls_of
from pbxnb.model.clock import Clock
from pbxnb.model.store import Store
from pbxnb.protocol.decode import decode
from tests.analysis.engines import WINDOW, Engine

Rows = list[dict[str, Any]]
NINE = datetime(2026, 9, 21, 9, tzinfo=UTC)
ACCOUNTS = [{"account": number, "type": "extensions"} for number in ("204", "205", "206", "207")]
ACCOUNTS += [{"account": "610", "type": "hunts"}, {"account": "600", "type": "acds"}]


def entry(
    id_: str, to: str, state: str, phones: list[str], start: float = 10, *, from_: str = "+15550100", connect: Any = ""
) -> dict[str, Any]:
    begins = NINE.timestamp()
    return {
        "id": id_, "from": f"<sip:{from_}@acme.example>", "to": f"<sip:{to}@acme.example>", "state": state,
        "extension": phones, "start": begins + start, "connect": connect and begins + connect,
    }  # fmt: skip


def told(*steps: tuple[float, list[dict[str, Any]]]) -> Store:
    """What the model holds after these lists of calls, each at its second after nine."""
    store = Store(clock=Clock(0.0))
    store.apply(decode(json.dumps({"action": "domain-state", "accounts": ACCOUNTS})), NINE)
    store.apply(decode('{"action":"call-state","calls":[]}'), NINE)
    for second, calls in steps:
        message = json.dumps({"action": "call-state", "calls": calls})
        store.apply(decode(message), NINE + timedelta(seconds=second))
    return store


PHONES = [entry(str(n), f"20{n + 2}", "alerting", [f"20{n + 2}"]) for n in (2, 3, 4)]
RING_ALL_BY_FOUR_IDS = told(
    (10, [entry("1", "610", "alerting", []), *PHONES]),
    (22, [entry("1", "610", "connected", [], connect=22), entry("3", "205", "connected", ["205"], connect=22)]),
    (82, []),
)
RING_ALL_BY_ONE_ID = told(
    (10, [entry("1", "610", "alerting", ["204", "205", "206"])]),
    (22, [entry("1", "610", "connected", ["205"], connect=22)]),
    (82, []),
)


def table(store: Store, *, legs: bool = True) -> Rows:
    return call_rows(store.closed_calls(), store.calls.values(), domain="acme.example", legs=legs)


@pytest.mark.parametrize("store", [RING_ALL_BY_FOUR_IDS, RING_ALL_BY_ONE_ID], ids=["four ids", "one id"])
def test_an_answered_group_call_is_one_answered_call(engine: Engine, store: Store) -> None:
    legs = table(store)
    assert {row["ext"]: row["outcome"] for row in legs if row["ext"]} == {
        "204": "answered_elsewhere",
        "205": "answered",
        "206": "answered_elsewhere",
    }
    for rows in (legs, table(store, legs=False)):
        [level] = engine.rows(service_level(engine.table(rows), within=20))
        assert (level["offered"], level["answered"], level["abandoned"], level["service_level"]) == (1, 1, 0, 1.0)
        [lost] = engine.rows(abandonment(engine.table(rows), by="day"))
        assert (lost["day"], lost["offered"], lost["abandoned"]) == ("2026-09-21", 1, 0)
        [slot] = engine.rows(per_slot(engine.table(rows)))
        assert (slot["dow"], slot["hour"], slot["calls"]) == (0, 9, 1)
        assert [row["calls"] for row in engine.rows(per_hour(engine.table(rows)))] == [1]
        assert engine.rows(flows(engine.table(rows))) == [
            {"from_num": "+15550100", "to_num": "610", "outcome": "answered", "calls": 1}
        ]
        assert [row["calls"] for row in engine.rows(edges(engine.table(rows)))] == [1]
        [talk] = engine.rows(durations(engine.table(rows)))
        assert (talk["n"], talk["mean"]) == (1, 60.0)
        assert [row["calls"] for row in engine.rows(histogram(engine.table(rows), "wait_ms"))] == [1]
        assert [row["at_once"] for row in engine.rows(concurrency(engine.table(rows)))] == [1, 0]
        assert engine.rows(peak(engine.table(rows)))[0]["at_once"] == 1
        assert len(engine.rows(peak_calls(engine.table(rows)))) == 1
        assert [row["most"] for row in engine.rows(load(engine.table(rows), every="1d"))] == [1]
        assert engine.rows(kaplan_meier(engine.table(rows))) == []


@pytest.mark.parametrize("store", [RING_ALL_BY_FOUR_IDS, RING_ALL_BY_ONE_ID], ids=["four ids", "one id"])
def test_each_phone_that_rang_or_talked_counts_with_its_own_time(engine: Engine, store: Store) -> None:
    found = engine.rows(per_extension(engine.table(table(store))))
    assert [tuple(row.values()) for row in found] == [
        ("204", 1, 0, 0, 12_000, 0),
        ("205", 1, 1, 0, 12_000, 60_000),
        ("206", 1, 0, 0, 12_000, 0),
    ]


def test_legs_are_counted_where_they_are_asked_for(engine: Engine) -> None:
    rows = table(RING_ALL_BY_ONE_ID)
    assert engine.rows(per_hour(engine.table(rows), legs=True))[0]["calls"] == 3
    [level] = engine.rows(service_level(engine.table(rows), legs=True))
    assert (level["offered"], level["answered"]) == (1, 1)


def test_a_transferred_call_is_two_phones_talk_and_one_wait(engine: Engine) -> None:
    store = told(
        (10, [entry("1", "204", "alerting", ["204"])]),
        (15, [entry("1", "204", "connected", ["204"], connect=15)]),
        (40, [entry("1", "207", "alerting", ["207"], connect=15)]),
        (44, [entry("1", "207", "connected", ["207"], connect=15)]),
        (60, []),
    )
    [row] = table(store, legs=False)
    assert (row["outcome"], row["wait_ms"], row["talk_ms"], row["ext"]) == ("answered", 5_000, 41_000, "204")
    found = engine.rows(per_extension(engine.table(table(store))))
    assert [(row["ext"], row["answered"], row["ring_ms"], row["talk_ms"]) for row in found] == [
        ("204", 1, 5_000, 25_000),
        ("207", 1, 4_000, 16_000),
    ]


def test_a_phone_that_let_it_ring_has_missed_it_though_another_answered_later(engine: Engine) -> None:
    store = told(
        (10, [entry("1", "600", "alerting", ["204"])]),
        (30, [entry("1", "600", "alerting", ["205"])]),
        (36, [entry("1", "600", "connected", ["205"], connect=36)]),
        (96, []),
    )
    [row] = table(store, legs=False)
    assert (row["outcome"], row["wait_ms"], row["talk_ms"], row["ext"]) == ("answered", 26_000, 60_000, "205")
    found = engine.rows(per_extension(engine.table(table(store))))
    assert [(row["ext"], row["answered"], row["missed"], row["ring_ms"]) for row in found] == [
        ("204", 0, 1, 20_000),
        ("205", 1, 0, 6_000),
    ]


def test_who_waits_alone_in_a_queue_waits_from_there_to_the_agent(engine: Engine) -> None:
    store = told(
        (10, [entry("1", "600", "connected", [], connect=10)]),
        (30, [entry("1", "600", "connected", [], connect=10), entry("2", "204", "alerting", ["204"], 30)]),
        (35, [entry("1", "600", "connected", [], connect=10), entry("2", "204", "connected", ["204"], 30, connect=35)]),
        (65, []),
    )
    for rows in (table(store), table(store, legs=False)):
        [waits] = engine.rows(durations(engine.table(rows), "wait_ms"))
        [level] = engine.rows(service_level(engine.table(rows), within=20, definition=3))
        assert (waits["n"], waits["mean"], level["offered"], level["service_level"]) == (1, 25.0, 1, 0.0)


def test_a_caller_who_gave_up_is_one_abandoned_call_that_three_phones_missed(engine: Engine) -> None:
    store = told(
        (10, [entry("1", "610", "alerting", ["204", "205", "206"])]),
        (40, []),
    )
    for rows in (table(store), table(store, legs=False)):
        [lost] = engine.rows(abandonment(engine.table(rows)))
        assert (lost["offered"], lost["abandoned"]) == (1, 1)
    assert [row["missed"] for row in engine.rows(per_extension(engine.table(table(store))))] == [1, 1, 1]


def test_an_open_conversation_is_neither_answered_nor_abandoned(engine: Engine) -> None:
    store = told(
        (10, [entry("1", "600", "alerting", []), entry("2", "204", "alerting", ["204"])]),
        (30, [entry("1", "600", "alerting", [])]),
    )
    for rows in (table(store), table(store, legs=False)):
        [level] = engine.rows(service_level(engine.table(rows, calls_of(Session(store)).schema)))
        assert level["offered"] == 0
    assert [row["outcome"] for row in table(store, legs=False)] == ["unknown"]


def test_an_internal_call_is_the_talk_of_both_phones(engine: Engine) -> None:
    store = told(
        (10, [entry("1", "205", "alerting", ["204", "205"], from_="204")]),
        (14, [entry("1", "205", "connected", ["204", "205"], from_="204", connect=14)]),
        (34, []),
        (40, [entry("2", "206", "alerting", ["204", "206"], 40, from_="204")]),
        (60, []),
    )
    found = engine.rows(per_extension(engine.table(table(store))))
    assert [(row["ext"], row["answered"], row["missed"], row["talk_ms"]) for row in found] == [
        ("204", 1, 0, 20_000),
        ("205", 1, 0, 20_000),
        ("206", 0, 1, 0),
    ]


def test_an_id_that_is_given_anew_is_another_conversation(engine: Engine) -> None:
    steps: list[tuple[float, list[dict[str, Any]]]] = []
    for start in (10, 3610):
        steps += [(start, [entry("1", "204", "alerting", ["204"], start)]), (start + 9, []), (start + 99, [])]
    store = told(*steps)
    rows = table(store)
    assert [row["conversation"] for row in rows] == ["1", "1#2"]
    [lost] = engine.rows(abandonment(engine.table(rows)))
    assert lost["offered"] == 2


def test_rows_without_a_conversation_count_by_themselves(engine: Engine) -> None:
    told = [("a", "answered"), ("a", "no_answer"), ("", "answered"), (None, "abandoned"), (None, "abandoned")]
    rows = [{"conversation": name, "outcome": outcome, "wait_ms": 1000} for name, outcome in told]
    [lost] = engine.rows(abandonment(engine.table(rows), short=0))
    assert (lost["offered"], lost["abandoned"]) == (4, 2)


def test_conversations_of_two_domains_are_two(engine: Engine) -> None:
    rows = [
        {"domain": d, "conversation": "7", "outcome": "answered", "wait_ms": 1000} for d in ("a.example", "b.example")
    ]
    assert engine.rows(service_level(engine.table(rows)))[0]["offered"] == 2


class Session:
    """Of a handle, what measures ask."""

    domain = "acme.example"
    tz = ZoneInfo("UTC")
    start, end, coverage = NINE, NINE + timedelta(seconds=100), 1.0
    gaps = pa.table({"start": [], "end": []})

    def __init__(self, store: Store) -> None:
        self.closed_calls, self.calls = store.closed_calls, store.calls


@pytest.fixture(params=[RING_ALL_BY_FOUR_IDS, RING_ALL_BY_ONE_ID], ids=["four ids", "one id"])
def session(request: pytest.FixtureRequest) -> Session:
    return Session(request.param)


OF_PHONES = ("missed", "occupancy", "per_extension", "transfers")
"""Measures that look at legs whatever they count."""


@pytest.mark.parametrize("legs", [False, True])
def test_every_measure_takes_a_handle(session: Session, legs: bool) -> None:
    measures = {name: getattr(analysis, name) for name in analysis.__all__}
    measures = {name: fn for name, fn in measures.items() if "calls" in getattr(fn, "__annotations__", {})}
    assert {"service_level", "per_extension", "transfers"} <= set(measures)
    naive = NINE.replace(tzinfo=None)
    logins = pa.table(
        {"ext": ["204"], "start": [naive + timedelta(seconds=20)], "end": [naive + timedelta(seconds=30)]}
    )
    given = {"legs": legs, "within": 60, "agents": 3, "presence": logins}
    for name, fn in measures.items():
        takes = inspect.signature(fn).parameters
        asked = {key: value for key, value in given.items() if key in takes}
        told = fn(session, **asked)
        reference = fn(calls_of(session, legs=legs or name in OF_PHONES), **asked)
        assert told.drop_columns(WINDOW).to_pylist() == reference.drop_columns(WINDOW).to_pylist(), name
    assert [row["ext"] for row in per_extension(session).to_pylist()] == ["204", "205", "206"]


def test_the_service_level_of_a_handle_is_that_of_its_callers() -> None:
    store = told(
        (10, [entry("1", "205", "alerting", ["204", "205"], from_="204"), entry("2", "206", "alerting", ["206"])]),
        (14, [entry("1", "205", "connected", ["204", "205"], from_="204", connect=14)]),
        (34, []),
    )
    for measure in (service_level, abandonment):
        [row] = measure(Session(store)).to_pylist()
        assert (row["offered"], row["abandoned"]) == (1, 1)
    assert [row["gave_up"] for row in kaplan_meier(Session(store)).to_pylist()] == [1]


def test_the_table_of_a_handle_has_the_columns_of_the_schema(session: Session) -> None:
    assert calls_of(session).column_names == calls_of(session, legs=True).column_names == list(COLUMNS)
    assert (len(calls_of(session)), len(calls_of(Session(told())))) == (1, 0)
