"""Call records of other systems as the table of calls: real shapes (tests/data/call-records), dirt, a slow reader."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxnb.analysis import read_calls, service_level
from pbxnb.analysis.calls import COLUMNS
from pbxnb.analysis.records import SOURCES, Field, Source
from pbxnb.errors import AnalysisError, BadRows

from .bank import LOG, bank_calls
from .engines import Engine

RECORDS = Path(__file__).parents[1] / "data" / "call-records"
EXPECTED: dict[str, Any] = json.loads((RECORDS / "expected.json").read_text())
MASTER = RECORDS / "asterisk-Master.csv"


def plain(table: Any) -> list[dict[str, Any]]:
    return [
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
        for row in table.to_pylist()
    ]


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows))


@pytest.mark.parametrize("name", EXPECTED)
def test_records_in_their_real_shapes_become_the_calls_they_tell_of(name: str) -> None:
    expected = EXPECTED[name]
    calls, report = read_calls(RECORDS / name, source=expected["source"], tz="Europe/Berlin", domain="acme.example")
    assert calls.column_names == list(COLUMNS)
    shown = [{column: row[column] for column in expected["calls"][0]} for row in plain(calls)]
    assert shown == expected["calls"]
    assert (report.rows, report.repaired, report.dropped) == (
        expected["rows"],
        expected["repaired"],
        expected["dropped"],
    )
    assert report.kept + sum(report.dropped.values()) == report.rows
    assert {row["tz"] for row in plain(calls)} == {"Europe/Berlin"}


def test_every_source_has_a_file_that_shows_it() -> None:
    assert {expected["source"] for expected in EXPECTED.values()} == SOURCES.keys() - {"pbxnb"}


def test_legs_are_rows_of_one_conversation() -> None:
    legs, _ = read_calls(RECORDS / "asterisk-linked.csv", source="asterisk", tz="UTC", legs=True)
    rows = plain(legs)
    assert [(row["call_id"], row["conversation"], row["ext"], row["outcome"]) for row in rows] == [
        ("10.1", "10.1", "201", "no_answer"),
        ("10.1", "10.1", "202", "answered"),
        ("10.4", "10.1", "203", "answered"),
        ("10.5", "10.5", "201", "no_answer"),
    ]


def test_what_was_read_is_shown_as_it_came() -> None:
    _, report = read_calls(MASTER, source="asterisk", tz="Europe/Berlin")
    [cut] = report.examples["another number of fields than the others"]
    assert cut == {"row": 6, "line": '"","202","201","cut off'}
    [negative] = report.examples["a negative length"]
    assert (negative["row"], negative["billsec"]) == (7, "-10")
    assert "1 dropped: a negative length" in str(report)


def test_no_more_than_three_examples_are_kept() -> None:
    _, report = read_calls(table(*({"start": "never", "n": n} for n in range(9))), source={"start": "start"}, tz="UTC")
    assert report.dropped == {"a time of beginning that cannot be read": 9}
    assert len(report.examples["a time of beginning that cannot be read"]) == 3


def test_strict_raises_with_the_report() -> None:
    with pytest.raises(BadRows, match="1 dropped: a negative length") as refused:
        read_calls(MASTER, source="asterisk", tz="Europe/Berlin", strict=True)
    assert refused.value.data["report"].rows == 7


def test_the_kind_that_goes_in_comes_out(engine: Engine) -> None:
    rows, _ = read_calls(RECORDS / "3cx.log", source="3cx", tz="UTC")
    columns = ["call_id", "started_at", "outcome", "talk_ms"]
    calls, report = read_calls(engine.of(rows), source="pbxnb", tz="UTC")
    assert report.kept == 3
    assert [{name: row[name] for name in columns} for row in engine.rows(calls)] == rows.select(columns).to_pylist()
    service_level(calls, within=20)
    none, report = read_calls(engine.of(rows.slice(0, 0)), source="pbxnb", tz="UTC")
    assert (engine.rows(none), report.kept) == ([], 0)


def test_times_of_any_type_are_read() -> None:
    moment = datetime(2026, 9, 21, 6, 0, 5, tzinfo=UTC)
    berlin = moment.astimezone(ZoneInfo("Europe/Berlin"))
    fields = {"start": "at"}
    for at in (
        moment,
        berlin,
        moment.timestamp(),
        int(moment.timestamp() * 1000),
        berlin.isoformat(),
        "2026-09-21 08:00:05",
    ):
        calls, report = read_calls(table({"at": at}), source=fields, tz="Europe/Berlin")
        assert (plain(calls)[0]["started_at"], report.kept) == ("2026-09-21T06:00:05", 1), at
    calls, _ = read_calls(
        pd.DataFrame({"at": [pd.Timestamp("2026-09-21 08:00:05")]}), source=fields, tz="Europe/Berlin"
    )
    assert calls["started_at"][0] == pd.Timestamp("2026-09-21 06:00:05")
    named = Source(name="mine", fields={"start": Field(("day", "time"), joined=" ")}, time_format="%d.%m.%y %H:%M")
    calls, _ = read_calls(table({"Day": "21.09.26", "Time": "08:00"}), source=named, tz="Europe/Berlin")
    assert plain(calls)[0]["started_at"] == "2026-09-21T06:00:00"


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_files_of_any_encoding_and_separator_are_read(tmp_path: Path, encoding: str, separator: str) -> None:
    lines = [["begin", "caller", "agent"], ["2026-09-21 08:00:05", '"Zoë, with ; | and\ttab"', "41"]]
    text = "\r\n".join(separator.join(line) for line in lines) + "\r\n"
    fields = {"start": "Begin", "from": "caller", "ext": "agent"}
    for name, content in (("a.csv", text.encode(encoding)), ("a.csv.gz", gzip.compress(text.encode(encoding)))):
        calls, report = read_calls(written(tmp_path, name, content), source=fields, tz="UTC")
        assert (report.rows, report.dropped) == (1, {})
        assert (plain(calls)[0]["from_num"], plain(calls)[0]["ext"]) == ("Zoë, with ; | and\ttab", "41")


def test_a_text_in_quotes_may_go_over_lines_and_one_that_never_ends_spoils_its_own_line_alone(tmp_path: Path) -> None:
    content = b'start,note\n2026-09-21 08:00:00,"two\nlines"\n2026-09-21 08:01:00,"never closed\n' + b"".join(
        b"2026-09-21 08:%02d:00,fine\n" % minute for minute in range(2, 50)
    )
    _, report = read_calls(written(tmp_path, "a.csv", content), source={"start": "start", "ext": "note"}, tz="UTC")
    assert (report.rows, report.kept) == (50, 49)
    assert report.examples["another number of fields than the others"][0]["row"] == 2


def test_a_folder_with_a_file_a_call_is_read(tmp_path: Path) -> None:
    for n, line in enumerate((RECORDS / "freeswitch.jsonl").read_text().splitlines()):
        written(tmp_path, f"{n}.cdr.json", json.dumps(json.loads(line), indent=2).encode())
    calls, report = read_calls(tmp_path, source="freeswitch", tz="UTC")
    assert (calls.num_rows, report.rows) == (3, 4)


def test_parquet_is_read(tmp_path: Path) -> None:
    calls, _ = read_calls(MASTER, source="asterisk", tz="Europe/Berlin")
    pq.write_table(calls, tmp_path / "calls.parquet")
    again, report = read_calls(tmp_path / "calls.parquet", source="pbxnb", tz="Europe/Berlin")
    assert plain(again) == plain(calls)
    assert (report.repaired, report.dropped) == ({}, {})


def test_legs_that_name_each_other_are_one_call_however_long_the_chain_is() -> None:
    rows = [
        {"id": f"{n * 7 % 20:02}", "met": f"{(n + 1) * 7 % 20:02}" if n < 19 else "", "at": 1_790_000_000 + n}
        for n in range(20)
    ]
    rows.append({"id": "alone", "met": "", "at": 1_790_000_100})
    calls, report = read_calls(table(*rows), source={"call": "id", "other": "met", "start": "at"}, tz="UTC")
    assert (calls.num_rows, report.kept) == (2, 21)


@pytest.mark.parametrize(
    ("clock", "utc", "reason"),
    [
        ("2026-10-25 01:59:59", "2026-10-24T23:59:59", None),
        ("2026-10-25 02:30:00", "2026-10-25T01:30:00", "in an hour that its zone has twice: taken for the second"),
        ("2026-10-25 03:00:00", "2026-10-25T02:00:00", None),
        ("2026-03-29 02:30:00", "2026-03-29T01:30:00", "in an hour that its zone skips: taken for the one after it"),
    ],
)
def test_hours_that_a_zone_has_twice_or_skips_are_counted(clock: str, utc: str, reason: str | None) -> None:
    calls, report = read_calls(table({"at": clock}), source={"start": "at"}, tz="Europe/Berlin")
    assert plain(calls)[0]["started_at"] == utc
    assert report.repaired == ({reason: 1} if reason else {})


MINE = {"start": "start", "answer": "answer", "end": "end", "duration": "duration"}


@pytest.mark.parametrize(
    ("end", "duration", "kept"),
    [
        ("00:00:30", "60", "2026-09-22T00:00:30"),  # its own length says so
        ("00:00:30", "61", "2026-09-22T00:00:30"),  # to the second
        ("00:00:30", "90", None),
        ("12:00:00", None, "2026-09-22T12:00:00"),  # none: within 12 hours after midnight
        ("12:00:01", None, None),
    ],
)
def test_a_call_whose_clock_runs_over_midnight_gets_its_day(end: str, duration: str | None, kept: str | None) -> None:
    row = {
        "start": "2026-09-21 23:59:30",
        "answer": "2026-09-21 00:00:00",
        "end": f"2026-09-21 {end}",
        "duration": duration,
    }
    calls, report = read_calls(table(row), source=MINE, tz="UTC")
    assert [one["ended_at"] for one in plain(calls)] == ([kept] if kept else [])
    if kept:
        assert report.repaired == {"it ended after midnight, on the next day": 1}
        assert plain(calls)[0]["answered_at"] == "2026-09-22T00:00:00"
    else:
        assert report.dropped == {"it ends before it begins": 1}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"start": "", "answer": None, "end": None, "duration": None}, "no time of beginning"),
        ({"start": "0000-00-00 00:00:00", "answer": None, "end": None, "duration": None}, "no time of beginning"),
        ({"start": "soon", "answer": None, "end": None, "duration": None}, "a time of beginning that cannot be read"),
        ({"start": "1969-12-31 23:00:00", "answer": None, "end": None, "duration": None}, "an impossible date"),
        ({"start": "2026-09-21", "answer": None, "end": "2026-09-19", "duration": None}, "it ends before it begins"),
        (
            {"start": "2026-09-21 08:00:00", "answer": "2026-09-21 07:00:00", "end": None, "duration": "9"},
            "it is answered before it begins or after it has ended",
        ),
        ({"start": "2026-09-21", "answer": None, "end": None, "duration": "-1"}, "a negative length"),
        ({"start": "2026-09-21", "answer": None, "end": None, "duration": "604801"}, "it lasts longer than a week"),
        ({"start": "2026-09-21", "answer": None, "end": "2026-10-21", "duration": None}, "it lasts longer than a week"),
    ],
)
def test_what_cannot_be_true_is_left_out_with_its_reason(row: dict[str, Any], reason: str) -> None:
    good = {"start": "2026-09-21 08:00:00", "answer": None, "end": "2026-09-21 08:00:05", "duration": "5"}
    calls, report = read_calls(table(row, good), source=MINE, tz="UTC")
    assert (calls.num_rows, report.dropped) == (1, {reason: 1})


def test_what_else_cannot_be_read_is_null_and_counted() -> None:
    row = {"start": "2026-09-21 08:00:00", "answer": "?", "end": "2026-09-21 08:00:05", "duration": "five"}
    calls, report = read_calls(table(row), source=MINE, tz="UTC")
    assert report.repaired == {
        "a time of answer or end that cannot be read: left out": 1,
        "a length that is no number: left out": 1,
    }
    assert (plain(calls)[0]["answered_at"], plain(calls)[0]["ended_at"]) == (None, "2026-09-21T08:00:05")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("asterix", "did you mean 'asterisk'?"),
        (7, "is no source"),
        ({"begin": "start"}, "no field 'begin'"),
        ({"from": "src"}, "lack 'start'"),
        (Source(name="mine", fields={"start": "at"}, outcomes={"x": "gone"}), "'gone' is no outcome"),
        ({"start": "begun"}, "no column 'begun'"),
        (Source(name="mine", fields={"start": Field(("at",), "(")}), "is no regular expression"),
    ],
)
def test_a_source_that_there_is_not_is_refused_with_what_there_is(source: Any, said: str) -> None:
    with pytest.raises(AnalysisError, match=said.replace("?", r"\?")):
        read_calls(table({"at": "2026-09-21"}), source=source, tz="UTC")


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    for path, said in (
        (tmp_path / "none.csv", "is not there"),
        (written(tmp_path, "empty.csv", b"\n\n"), "is empty"),
        (written(tmp_path, "empty.json", b"  "), "is empty"),
        (written(tmp_path, "a.xlsx", b"PK"), "no file of call records"),
        (written(tmp_path, "a.parquet", b"PAR1"), "no Parquet file"),
        (written(tmp_path, "a.csv.gz", b"no gzip"), "cannot be read"),
        (written(tmp_path, "b.csv", b"a,b\n1,2\n"), "no column 'start'"),
        (written(tmp_path, "b.json", b'{"a": 1}'), "no column 'start'"),
    ):
        with pytest.raises(AnalysisError, match=said):
            read_calls(path, source=MINE, tz="UTC")
    (tmp_path / "folder").mkdir()
    with pytest.raises(AnalysisError, match="no files of call records"):
        read_calls(tmp_path / "folder", source=MINE, tz="UTC")
    with pytest.raises(AnalysisError, match="is no table"):
        read_calls(object(), source=MINE, tz="UTC")
    with pytest.raises(AnalysisError, match="is not a time zone"):
        read_calls(MASTER, source="asterisk", tz="Berlin")


def test_times_with_and_without_a_zone_in_one_file_are_refused() -> None:
    mixed = table({"at": "2026-09-21T08:00:00+02:00"}, {"at": "2026-09-21 08:00:00"})
    with pytest.raises(AnalysisError, match="1 say their zone and 1 do not"):
        read_calls(mixed, source={"start": "at"}, tz="UTC")
    two_zones = table({"at": "2026-09-21T08:00:00+02:00"}, {"at": "2026-09-21T08:00:00Z"})
    calls, _ = read_calls(two_zones, source={"start": "at"}, tz="UTC")
    assert [row["started_at"] for row in plain(calls)] == ["2026-09-21T06:00:00", "2026-09-21T08:00:00"]


def test_names_and_values_are_never_part_of_a_statement() -> None:
    nasty = """'; DROP TABLE raw; --" $1 {x}"""
    source = Source(
        name="mine", fields={"start": nasty, "from": Field((nasty + "2",), "('.*)")}, outcomes={nasty: "busy"}
    )
    calls, _ = read_calls(table({nasty: "2026-09-21", nasty + "2": nasty}), source=source, tz="UTC", domain=nasty)
    assert (plain(calls)[0]["domain"], plain(calls)[0]["from_num"]) == (nasty, nasty)


def test_the_banks_log_keeps_every_call_and_its_nights_have_their_days() -> None:
    fields: dict[str, Any] = {"call": "call_id", "from": "customer", "to": "type", "ext": "agent", "outcome": "outcome"}
    fields |= {"wait": "q_time", "talk": "ser_time"}
    times = (("start", "vru_entry_s"), ("answer", "ser_start_s"), ("end", "ser_exit_s"))
    fields |= {name: Field(("date", second), joined=" ") for name, second in times}
    bank = Source(
        name="bank",
        fields=fields,
        only={"outcome": "AGENT|HANG"},
        outcomes={"agent": "answered", "hang": "abandoned"},
        extension=r"A\d+",
    )
    calls, report = read_calls(LOG, source=bank, tz="Asia/Jerusalem")
    assert report.dropped == {"no call record": 387}
    assert report.repaired == {"it ended after midnight, on the next day": 60}
    rows = calls.to_pylist()
    assert all(row["started_at"] <= row["ended_at"] for row in rows)
    assert all(row["ended_at"] - row["started_at"] < timedelta(hours=12) for row in rows)
    shared = ("call_id", "day", "dow", "hour", "direction", "from_num", "to_num", "outcome", "wait_ms", "talk_ms")

    def comparable(table: list[dict[str, Any]]) -> list[list[str]]:
        return sorted([str(row[name]) for name in shared] + [row["ext"] or ""] for row in table)

    assert comparable(rows) == comparable(bank_calls())

    def lengths(table: list[dict[str, Any]]) -> list[tuple[str, timedelta, timedelta]]:
        served = (row for row in table if row["outcome"] == "answered")
        return sorted(
            (row["call_id"], row["answered_at"] - row["started_at"], row["ended_at"] - row["answered_at"])
            for row in served
        )

    assert lengths(rows) == lengths(bank_calls())
    served = [row for row in bank_calls() if row["outcome"] == "answered"]  # by the clock there
    assert sum(row["ended_at"].date() > row["answered_at"].date() for row in served) == 51


YEAR = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
moments = st.integers(0, 365 * 86_400).map(lambda seconds: YEAR + timedelta(seconds=seconds))
lengths = st.none() | st.integers(0, 3_000)
rows = st.lists(st.tuples(moments, lengths, lengths), max_size=12)


@settings(max_examples=30)
@given(rows, st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]))
def test_it_agrees_with_a_slow_and_obvious_reader(
    taken: list[tuple[datetime, int | None, int | None]], tz: str
) -> None:
    zone = ZoneInfo(tz)
    expected, records = [], []
    for n, (start, wait, talk) in enumerate(taken):
        begun = start.replace(tzinfo=zone)
        if begun.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != start:
            continue  # no such time on that clock
        twice = begun.replace(fold=1).utcoffset() != begun.utcoffset()
        utc = begun.replace(fold=1 if twice else 0).astimezone(UTC).replace(tzinfo=None)
        served = talk is not None and talk > 0
        end = None if wait is None or talk is None else utc + timedelta(seconds=wait + talk)
        records.append({"id": f"{n:02}", "at": start, "wait": wait, "talk": talk, "who": "+1555"})
        expected.append(
            {
                "call_id": f"{n:02}",
                "started_at": utc,
                "ended_at": end,
                "day": start.date().isoformat(),
                "dow": start.weekday(),
                "hour": start.hour,
                "direction": "in",
                "outcome": "answered" if served else "unknown" if end is None else "abandoned",
                "wait_ms": None if wait is None else wait * 1000,
                "talk_ms": talk * 1000 if served and talk is not None else None,
            }
        )
    schema = pa.schema(
        [("id", "string"), ("at", pa.timestamp("us")), ("wait", "int64"), ("talk", "int64"), ("who", "string")]
    )
    fields = {"call": "id", "start": "at", "wait": "wait", "talk": "talk", "from": "who"}
    calls, report = read_calls(pa.Table.from_pylist(records, schema=schema), source=fields, tz=tz)
    expected.sort(key=lambda row: (row["started_at"], row["call_id"]))
    assert calls.select(list(expected[0])).to_pylist() == expected if expected else calls.num_rows == 0
    assert report.kept == len(expected)
