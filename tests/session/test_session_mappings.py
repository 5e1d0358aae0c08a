"""Live mappings, chosen rows, tables; and what is kept of the line."""

from __future__ import annotations

import gc
import json
import sqlite3
import sys
import threading
import tracemalloc
from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from pbxnb.errors import CannotCopy, MissingExtra
from pbxnb.model.changes import Frame
from pbxnb.model.clock import Clock
from pbxnb.model.entities import (
    Account,
    AccountState,
    Agent,
    Call,
    CallState,
    Conversation,
    Evidence,
    Orbit,
    Parked,
    Party,
    Queue,
)
from pbxnb.protocol.bounds import size_of
from pbxnb.protocol.decode import decode
from pbxnb.session.clock import PbxClock
from pbxnb.session.mappings import LiveMapping, Rows
from pbxnb.session.showing.handle import FrameBuffer

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def model():
    return {
        "45": Account(number="45", name="Anna", since=NOW),
        "46": Account(number="46", name="Ben", state=AccountState.BUSY, since=NOW),
        "700": Account(number="700", type="acds", since=NOW),
    }


@pytest.fixture
def accounts(model):
    return LiveMapping("accounts", Account, lambda: model, threading.RLock())


@pytest.fixture
def extensions(model):
    return LiveMapping("extensions", Account, lambda: model, threading.RLock(), only=lambda a: a.type == "extensions")


def test_it_reads_like_a_dictionary_and_cannot_be_written(accounts, model):
    assert len(accounts) == 3
    assert "45" in accounts
    assert accounts["45"].name == "Anna"
    assert accounts.get("99") is None
    assert list(accounts) == ["45", "46", "700"]
    with pytest.raises(TypeError):
        accounts["47"] = 1
    model["47"] = Account(number="47", since=NOW)
    assert len(accounts) == 4


def test_an_int_key_is_a_key_error_that_names_the_text(accounts):
    with pytest.raises(KeyError, match=r"accounts\['45'\]"):
        accounts[45]
    assert 45 not in accounts


def test_a_filtered_view_knows_only_its_own(extensions):
    assert list(extensions) == ["45", "46"]
    assert len(extensions) == 2
    assert "700" not in extensions
    with pytest.raises(KeyError, match="700"):
        extensions["700"]


def test_walking_works_on_a_list_taken_at_its_start(accounts, model):
    seen = []
    for number, account in accounts.items():
        model.clear()  # as if the line had said so meanwhile
        seen.append((number, account.name))
    assert len(seen) == 3
    assert list(accounts.values()) == []


def test_walking_while_another_thread_writes_never_fails(accounts, model):
    stop = threading.Event()

    def write():
        n = 0
        while not stop.is_set():
            n += 1
            model[f"x{n % 50}"] = Account(number=f"x{n % 50}", since=NOW)
            model.pop(f"x{(n * 7) % 50}", None)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(300):
            assert len(list(accounts.items())) >= 3
            assert accounts.where(name="Anna")[0].number == "45"
    finally:
        stop.set()
        writer.join()


def test_where_takes_fields_a_predicate_or_both(accounts):
    assert [a.number for a in accounts.where(state="busy")] == ["46"]
    assert [a.number for a in accounts.where(lambda a: a.name > "A", type="extensions")] == ["45", "46"]
    assert [a.number for a in accounts.where(type="extensions").where(name="Ben")] == ["46"]


def test_where_with_a_field_nobody_has_names_the_nearest(accounts):
    with pytest.raises(TypeError, match="Account has no field 'nmae'; did you mean 'name'"):
        accounts.where(nmae="Anna")


def test_parties_are_chosen_by_number_and_become_two_columns():
    model = {"1": Call(id="1", from_=Party("45", "Anna"), to=Party("204"), state=CallState.CONNECTED, since=NOW)}
    calls = LiveMapping("calls", Call, lambda: model, threading.RLock())
    (record,) = calls.where(to="204").records()
    assert record["from_number"] == "45"
    assert record["from_name"] == "Anna"
    assert record["state"] == "connected"
    assert type(record["state"]) is str
    assert record["extensions"] == []


def test_keys_complete(accounts):
    assert accounts._ipython_key_completions_() == ["45", "46", "700"]


def test_the_repr_is_one_line(accounts):
    assert repr(accounts) == "<accounts: 3>"


def test_a_table_has_the_same_columns_full_and_empty(accounts, model):
    pytest.importorskip("pandas")
    full = accounts.df
    model.clear()
    empty = accounts.df
    assert list(full.columns) == list(empty.columns)
    assert list(full["number"]) == ["45", "46", "700"]
    assert str(full["since"].dtype).startswith("datetime64")
    assert full["since"].dt.tz is not None
    assert len(empty) == 0


HOSTILE = '=HYPERLINK("http://e.example") \x07 \ud800 Jo \u00e9'
ENTITIES = [
    (Account, Account(number="45", calls=("7",), since=None)),
    (Account, Account(number="45", name=HOSTILE, registered=True, since=NOW, extra={"a": {"b": [1, None, HOSTILE]}})),
    (Call, Call(id="7", from_=Party("+15550100", HOSTILE), extensions=("45", "46"), since=NOW)),
    (Conversation, Conversation(id="7", calls=("7", "8"), evidence=(Evidence("link", "r", 1, NOW),), since=NOW)),
    (Orbit, Orbit(number="700", parked=(Parked(call="7", party=Party("45"), by="46", since=NOW),), read_at=NOW)),
    (Queue, Queue(number="600", agents=(Agent(number="45", paused=False),), waiting=2, stats={"calls": 2**70})),
]


@pytest.mark.parametrize(("type_", "entity"), ENTITIES, ids=lambda one: getattr(one, "__name__", ""))
@pytest.mark.parametrize("n", [0, 1, 2])
def test_every_table_goes_to_parquet_excel_sql_and_csv(type_, entity, n, tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("openpyxl")
    others = [type_(**dict.fromkeys({"id", "number"} & set(type_.__struct_fields__), "1"), **EMPTY.get(type_, {}))]
    table = Rows([entity, *others][:n], type_).df
    table.to_parquet(tmp_path / "t.parquet")
    back = pandas.read_parquet(tmp_path / "t.parquet")
    assert list(back.columns) == list(table.columns)
    assert len(back) == n
    with closing(sqlite3.connect(":memory:")) as connection:
        table.to_sql("t", connection, index=False)
        assert len(pandas.read_sql("select * from t", connection)) == n
    table.to_csv(tmp_path / "t.csv", index=False)
    assert len(pandas.read_csv(tmp_path / "t.csv")) == n
    table[table.notna().any(axis=1)].to_excel(tmp_path / "t.xlsx", index=False)
    cells = pandas.read_excel(tmp_path / "t.xlsx", keep_default_na=False)
    assert len(cells) == n
    assert not [cell for row in cells.to_numpy() for cell in row if str(cell).startswith("=")]


EMPTY = {Conversation: {"calls": ("1",)}}


def test_what_holds_several_values_is_json_text_in_a_table_and_plain_in_records():
    pytest.importorskip("pandas")
    rows = Rows([Call(id="7", extensions=("45", "46"), extra={"x": [1]}, since=NOW)], Call)
    [row] = rows.df[["extensions", "extra"]].to_dict("records")
    assert (json.loads(row["extensions"]), json.loads(row["extra"])) == (["45", "46"], {"x": [1]})
    assert (rows.records()[0]["extensions"], rows.records()[0]["extra"]) == (["45", "46"], {"x": [1]})


@pytest.mark.parametrize(("type_", "entity"), ENTITIES, ids=lambda one: getattr(one, "__name__", ""))
def test_the_tables_of_two_tenants_go_together_and_stay_apart(type_, entity):
    pandas = pytest.importorskip("pandas")
    there = {"k": entity}
    both = [
        LiveMapping("entities", type_, lambda: there, threading.RLock(), name)
        for name in ("a.example", "b.example")
    ]  # fmt: skip
    assert [next(iter(one.records()[0].items())) for one in both] == [("domain", "a.example"), ("domain", "b.example")]
    for tables in ([one.df for one in both], [one.where().df for one in both]):
        table = pandas.concat(tables)
        assert table.columns[0] == "domain"
        assert list(table.columns).count("domain") == 1
        assert list(table["domain"]) == ["a.example", "b.example"]


def test_without_pandas_a_table_says_what_to_install(accounts, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.delitem(sys.modules, "pbxnb.analysis.tables", raising=False)
    with pytest.raises(MissingExtra, match=r'pip install "pbxnb\[analysis\]"'):
        accounts.df  # noqa: B018
    assert not hasattr(accounts, "df")


@pytest.mark.parametrize("rows", [3, 0], ids=["rows", "none"])
def test_other_engines_read_the_table_of_a_mapping(model, accounts, rows):
    duckdb, pl, pa = (pytest.importorskip(name) for name in ("duckdb", "polars", "pyarrow"))
    if not rows:
        model.clear()
    arrow = pa.table(accounts)
    assert arrow.column_names == list(accounts.df.columns)
    assert arrow.schema.field("registered").type == pa.bool_(), "of one type, also where nothing is known"
    assert arrow.schema.field("since").type == pa.timestamp("us", "UTC")
    assert pl.DataFrame(accounts).shape == accounts.df.shape == (rows, 13)
    assert duckdb.sql("select count(*), max(number) from accounts").fetchall() == [(rows, "700" if rows else None)]


@pytest.mark.parametrize(("type_", "entity"), ENTITIES, ids=lambda one: getattr(one, "__name__", ""))
def test_every_entity_goes_to_arrow(type_, entity):
    pa = pytest.importorskip("pyarrow")
    assert pa.table(LiveMapping("entities", type_, lambda: {"1": entity}, threading.RLock())).num_rows == 1


def test_pandas_says_where_the_table_is(accounts):
    pandas = pytest.importorskip("pandas")
    with pytest.raises(CannotCopy, match=r"accounts are no array.*\.df"):
        pandas.DataFrame(accounts)


def test_without_pyarrow_other_engines_say_what_to_install(accounts, monkeypatch):
    pytest.importorskip("pandas")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r'pip install "pbxnb\[analysis\]"'):
        accounts.__arrow_c_stream__()


# ---- the newest frames ----


def frame(n: int, text: str = "{}", direction: str = "in") -> Frame:
    return Frame(seq=n, direction=direction, received=NOW, mono=float(n), connection=1, text=text)


def test_the_newest_frames_of_both_directions_are_kept():
    kept = FrameBuffer(max_frames=3)
    for n in range(1, 5):
        kept.add(frame(n, direction="out" if n % 2 else "in"))
    assert [(f.seq, f.direction) for f in kept.frames()] == [(2, "in"), (3, "out"), (4, "in")]


def test_frames_are_bounded_in_bytes_too():
    for text in ("x" * 400, "€" * 200):  # as much in memory
        kept = FrameBuffer(max_bytes=1500)
        for n in range(10):
            kept.add(frame(n, text))
        assert [f.seq for f in kept.frames()] == [8, 9]


def test_frames_take_the_memory_they_are_bounded_by():
    """As a week of an office has them: half of them a state of an account, half a list of calls."""
    state = '{"action":"user-state","account":"4%d","type":"extensions","domain":"acme.example","registered":true}'
    call = '{"id":"%d","from-number":"+1978555%d","to-number":"4%d","state":"connected","start":"%d","extension":"4%d"}'
    held = '{"action":"call-state","calls":[' + ",".join([call] * 4) + "]}"
    texts = [held % tuple(range(n * 20, n * 20 + 20)) if n % 2 else state % n for n in range(8_000)]
    kept = FrameBuffer(max_bytes=2**20)
    tracemalloc.start()
    for n, text in enumerate(texts[:2_500]):
        kept.add(msgspec.structs.replace(frame(n, text.encode().decode()), message=decode(text)))
    for text in texts[2_500:]:  # what decoding remembers of the frames is pushed out
        decode(text)
    assert 500 < len(kept.frames()) < 2_500
    before, _ = tracemalloc.get_traced_memory()
    del kept
    gc.collect()
    taken = before - tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert 0.5 < taken / 2**20 < 1.5


def test_what_a_message_holds_besides_its_text_counts():
    text = '{"action":"what","list":[' + "{}," * 10_000 + "{}]}"
    kept = FrameBuffer(max_bytes=4 * 2**20)
    for n in range(10):
        kept.add(msgspec.structs.replace(frame(n, text), message=decode(text)))
    held = sum(len(f.text) + size_of(f.message.extra) for f in kept.frames())
    assert len(kept.frames()) > 1
    assert held < 4 * 2**20
    for n in range(5):
        kept.add(frame(n))
    assert len(kept.frames()) > 5


# ---- clock ----


def test_the_clock_of_a_real_pbx_is_ours_plus_its_offset():
    clock = PbxClock(lambda: Clock(3600.0), ZONE)
    assert (clock.rate, clock.uncertainty) == (1, 0)
    assert timedelta(minutes=59) < clock.now() - datetime.now(UTC) <= timedelta(hours=1)


def test_the_clock_of_an_embedded_pbx_is_the_one_that_stamps_the_model():
    clock = PbxClock(lambda: Clock(0.0), ZONE, now=lambda: NOW, rate=lambda: 60.0)
    assert (clock.now(), clock.rate, clock.at(NOW)) == (NOW, 60.0, NOW)
    assert clock.offset == pytest.approx((NOW - datetime.now(UTC)).total_seconds(), abs=5)


def test_the_clock_of_a_line_that_has_ended_stands_and_goes_on_when_the_line_does():
    ended = NOW
    clock = PbxClock(lambda: Clock(3600.0), ZONE, ended=lambda: ended)
    assert (clock.now(), clock.rate) == (NOW + timedelta(hours=1), 0)
    ended = None
    assert clock.rate == 1
    assert clock.now() > NOW + timedelta(hours=1)


def test_a_kernel_moment_is_moved_by_the_offset():
    assert PbxClock(lambda: Clock(3600.0), ZONE).at(NOW) == NOW + timedelta(hours=1)
