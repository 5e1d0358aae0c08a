"""The past as tables: what `closed_calls`, `presence` and `call_rows` say, whole or by windows, for every engine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import pbxnb
from pbxnb import analysis, figures
from pbxnb.analysis.calls import COLUMNS, call_rows, walk_rows
from pbxnb.errors import ConfigError, MissingExtra
from pbxnb.history.legs import FORGOTTEN
from pbxnb.model.entities import Presence
from pbxnb.model.past import memory
from pbxnb.model.past.memory import Dropped
from pbxnb.session.past import Downtime, History
from tests.history.session import Session
from tests.model.model_kit import T0
from tests.model.test_model_memory import an_ended_call

COLUMNS_OF = {
    "calls": COLUMNS,
    "legs": (*COLUMNS[:3], "ext", *(name for name in COLUMNS[3:] if name != "ext")),
    "call_states": ("domain", "call_id", "seq", "at", "state", "from_num", "to_num", "ext"),
    "presence": ("domain", "account", "axis", "start", "end", "value", "inferred"),
    "gaps": ("domain", "connection", "start", "end", "why"),
}


class Past:
    """A source over a session of tests, with a gap."""

    domain, tz, dropped, own = "acme.example", ZoneInfo("Europe/Berlin"), Dropped(), ""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.began = session.clock.now()

    def window(self) -> tuple[datetime, datetime]:
        return self.began, self.session.clock.now()

    def ended(self, *window: datetime | None) -> Any:
        return self.session.closed_calls().during(*(window or (None,)))

    def open_calls(self) -> Any:
        return list(self.session.calls.values())

    def running(self) -> Any:
        return self.session.store.running_calls(self.window()[1])

    def presence(self, *window: datetime | None) -> Any:
        return self.session.store.presence().during(*(window or (None,)))

    def gaps(self) -> list[Downtime]:
        return [Downtime("45@acme.example", self.at(100), self.at(160), "line")]

    def at(self, seconds: float) -> datetime:
        return self.began + timedelta(seconds=seconds)


@pytest.fixture
def past() -> Past:
    """Ten minutes: a call every 20 s of 30 s, each ringing 5 s at 203 before it is transferred to 204; one goes on."""
    session = Session()
    session.begin([{"account": number, "type": "extensions"} for number in ("203", "204")], [])
    made = Past(session)
    for n in range(30):
        start = 20 * n
        said = (f"{n}", f"+1555{n:04}")
        session.list(start, session.call(*said, "203", "alerting", start, None, "203"))
        session.list(start + 5, session.call(*said, "203", "connected", start, start + 5, "203"))
        session.list(start + 10, session.call(*said, "204", "connected", start, start + 5, "204"))
        if n < 29:
            session.list(start + 15)
    return made


def key_of(row: dict[str, Any]) -> list[str]:
    return [str(value) for value in row.values()]


def same(one: Any, two: Any) -> bool:
    return sorted(one, key=key_of) == sorted(two, key=key_of)


@pytest.mark.parametrize("legs", [False, True])
def test_calls_are_the_rows_that_the_records_give(past: Past, legs: bool):
    history = History(past)
    rows = call_rows(past.ended(), past.open_calls(), tz=past.tz, domain=past.domain, legs=legs)
    table = history.legs if legs else history.calls
    assert len(rows) == len(table) >= 30
    assert same([{name: row[name] for name in table.columns} for row in rows], table.to_pylist())
    assert sum(row["ended_at"] is None for row in table) >= 1


@pytest.mark.parametrize("name", [*COLUMNS_OF])
def test_columns_are_those_of_the_contract_also_where_there_is_no_row(past: Past, name: str):
    for history in (History(past), History(past).between(past.at(-500), past.at(-400))):
        assert getattr(history, name).columns == COLUMNS_OF[name]
        assert all(tuple(row) == COLUMNS_OF[name] for row in getattr(history, name))


def test_states_of_a_call_are_counted_and_end(past: Past):
    states = [row for row in History(past).call_states if row["call_id"] == "3"]
    assert [(row["seq"], row["state"], row["ext"]) for row in states] == [
        (0, "ringing", "203"), (1, "connected", "203"), (2, "ended", "")
    ]  # fmt: skip
    assert [(row["at"] - states[0]["at"]).total_seconds() for row in states] == [0.0, 5.0, 15.0]


def test_states_of_a_call_that_goes_on_are_there_and_stay_when_it_ends(past: Past):
    before = [row for row in History(past).call_states if row["call_id"] == "29"]
    assert [(row["seq"], row["state"], row["ext"]) for row in before] == [
        (0, "ringing", "203"),
        (1, "connected", "203"),
    ]
    past.session.list(600)
    after = [row for row in History(past).call_states if row["call_id"] == "29"]
    assert [*before, {**after[-1], "seq": 2, "state": "ended"}] == after


def test_presence_is_what_the_model_says(past: Past):
    told = [
        Presence(
            number=row["account"], axis=row["axis"], value=row["value"], inferred=row["inferred"], domain=row["domain"],
            start=row["start"].replace(tzinfo=UTC), end=row["end"] and row["end"].replace(tzinfo=UTC),
        )
        for row in History(past).presence
    ]  # fmt: skip
    assert told == [*past.presence()]


def test_a_window_has_what_began_in_it_and_windows_add_up(past: Past):
    history = History(past)
    middle = past.at(207)
    one, two = history.between(past.at(-1), middle), history.between(middle, past.at(10_000))
    for name in ("calls", "legs", "call_states"):
        parts = [getattr(part, name).to_pylist() for part in (one, two)]
        assert all(parts)
        assert same(parts[0] + parts[1], getattr(history, name).to_pylist())
    assert all(row["started_at"].replace(tzinfo=UTC) < middle for row in one.calls)
    assert all(row["end"] is None or row["end"].replace(tzinfo=UTC) > middle for row in two.presence)
    assert (len(one.gaps), len(two.gaps)) == (1, 0)
    assert same(one.between(past.at(100), past.at(9_999)).calls, history.between(past.at(100), middle).calls)


@pytest.mark.parametrize("name", ["calls", "legs", "call_states", "presence"])
def test_a_window_does_not_read_what_ended_before_it_and_tells_the_same(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "_ROWS", 4)
    session = Session()
    session.begin([{"account": "203", "type": "extensions"}], [])
    past = Past(session)
    for n in range(120):
        session.list(10 * n, session.call(f"{n}", f"+1555{n:04}", "203", "connected", 10 * n, 10 * n, "203"))
        session.list(10 * n + 5)
    whole = getattr(History(past), name).to_pylist()
    read: list[Any] = []
    unpack = memory.Packed.unpack
    monkeypatch.setattr(memory.Packed, "unpack", lambda kind, block: read.append(block) or unpack(kind, block))
    a, b = past.at(1_000), past.at(1_050)
    rows = getattr(History(past).between(a, b), name).to_pylist()
    if name == "presence":
        inside = [row for row in whole if row["start"] < plain(b) and (row["end"] is None or row["end"] > plain(a))]
    else:
        inside = [row for row in whole if plain(a) <= row["at" if name == "call_states" else "started_at"] < plain(b)]
    assert len(rows) >= 5
    assert same(rows, inside)
    assert all(block.end >= a - FORGOTTEN for block in read)
    if name in ("call_states", "presence"):
        assert all(block.end >= a and block.start <= b for block in read)
    assert 0 < len(read) <= 2 * len({block.first for block in read})


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 900), st.integers(0, 200)), max_size=12), st.integers(0, 999)
)
def test_what_ended_a_minute_before_a_window_tells_nothing_of_its_calls(calls: list[Any], start: int):
    ended = [(T0 + timedelta(seconds=began + lasted), n, key, began) for n, (key, began, lasted) in enumerate(calls)]
    records = [
        replace(an_ended_call(f"{n}", seconds=began), end=end).record(f"c{key}", "")
        for end, n, key, began in sorted(ended)
    ]
    window = T0 + timedelta(seconds=start)
    near = [record for record in records if record.ended_at >= window - FORGOTTEN]
    one, two = (
        [(row["call_id"], row["started_at"]) for row in walk_rows(some, legs=False, began=lambda at: at >= window)]
        for some in (records, near)
    )
    assert sorted(one) == sorted(two)


def plain(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def test_a_window_is_cut_to_what_there_is_and_says_its_coverage(past: Past):
    history = History(past)
    assert (history.start, history.end) == (past.began, past.session.clock.now())
    outside = history.between(past.at(-900), past.at(-800))
    assert (outside.start, outside.end, len(outside.calls)) == (history.start, history.start, 0)
    later = history.between(past.at(120), past.at(99_999))
    assert (later.start, later.end) == (past.at(120), history.end)
    assert history.between(past.at(60), past.at(180)).coverage == pytest.approx(0.5)
    assert "line down 60 s in 1 gap: totals are at least" in repr(history)
    assert "line up throughout" in repr(history.between(past.at(200), past.at(300)))


@pytest.mark.parametrize("moment", [datetime(2026, 9, 21), "monday", None])  # noqa: DTZ001 - what is refused
def test_a_time_without_a_zone_is_refused(past: Past, moment: Any):
    for window in ((moment, past.at(1)), (past.at(1), moment)):
        with pytest.raises(ConfigError, match="with a zone"):
            History(past).between(*window)
    with pytest.raises(ConfigError, match="before"):
        History(past).between(past.at(1), past.at(0))


def test_every_engine_reads_every_table(past: Past):
    duckdb, pl, pa = (pytest.importorskip(name) for name in ("duckdb", "polars", "pyarrow"))
    for name in COLUMNS_OF:
        table = getattr(History(past), name)
        rows = table.to_pylist()
        assert pa.table(table).to_pylist() == rows
        assert pl.DataFrame(table).to_dicts() == rows
        arrow = pa.table(table)
        assert duckdb.sql("select count(*) from arrow").fetchall() == [(len(rows),)], arrow.num_rows
        assert [*table.df.columns] == [*table.columns]
        assert len(table.df) == len(rows)


def test_without_pyarrow_a_table_is_still_plain_rows(past: Past, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    table = History(past).calls
    assert len(table.to_pylist()) == len(table) > 0
    for use in (table.to_arrow, table.__arrow_c_stream__, lambda: table.df):
        with pytest.raises(MissingExtra, match=r"pip install"):
            use()


def test_a_table_shows_itself_with_every_word_escaped():
    session = Session()
    session.begin([{"account": "203", "type": "extensions"}], [])
    session.list(1, session.call("<b>1", "+15550100", "203", "connected", 1, 1, "203"))
    session.list(2)
    table = History(Past(session)).calls
    shown = table._repr_html_()
    assert "<b>" not in shown
    assert "&lt;b&gt;1" in shown
    assert repr(table) == f"<Table of calls: 1 rows, {len(COLUMNS)} columns>"


def test_measures_and_pictures_take_a_history_and_its_tables(past: Past):
    pytest.importorskip("pyarrow")
    part = History(past).between(past.at(0), past.at(207))
    for source in (part, part.calls):
        [found] = analysis.service_level(source, within=20).to_pylist()
        assert found["offered"] == 11
    said = figures.describe(figures.week(part))
    assert "11 calls" in said
    assert said.endswith("Line down 60 s in 1 gap: totals are at least.")
    assert "acme.example" in figures.week(part).layout.title.text


@pytest.fixture
def pbx() -> Iterator[Any]:
    with pbxnb.simulate("callcentre", extensions=20, seed=3, speed=300) as pbx:
        pbx.until(lambda pbx: len(pbx.closed_calls()) > 60, timeout=120).result()
        pbx.simulator.clock.pause()
        yield pbx


def test_the_history_of_a_session_says_what_the_handle_says(pbx: Any):
    history = pbx.history
    rows = call_rows(pbx.closed_calls(), pbx.calls.values(), tz=pbx.tz, domain=pbx.domain, legs=False)
    assert same(rows, history.calls.to_pylist())
    assert len(history.presence) == len(pbx.presence())
    assert history.start < history.end
    assert (history.coverage, history.dropped) == (1.0, Dropped())
    known = {record.call.id for record in pbx.closed_calls()} | {*pbx.calls}
    assert {row["call_id"] for row in history.call_states} == known


def test_memory_is_a_number_of_bytes():
    for connect in (pbxnb.simulate, lambda **kw: pbxnb.connect("ws://127.0.0.1:1", domain="a", user="1", **kw)):
        for wrong in (-1, 1.5, "1 GB"):
            with pytest.raises(ConfigError, match="memory must be a whole number"):
                connect(memory=wrong)
