"""What a line saw beside what the PBX wrote down: ids, numbers, clocks, gaps, rights; random tables; a dropped line."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pbxnb
from pbxnb.analysis import reconcile
from pbxnb.analysis.calls import COLUMNS, calls_schema
from pbxnb.errors import AnalysisError

BEGAN = datetime(2026, 9, 21, 8)  # noqa: DTZ001 - UTC without zone, as in every table
DAY = (0, 86_400)


def call(start: float, name: str = "", from_: str = "+4930123456", to: str = "600", **more: Any) -> dict[str, Any]:
    """A row of a table of calls: it began ``start`` seconds after eight and lasted a minute."""
    begins = BEGAN + timedelta(seconds=start)
    row = {"call_id": name, "started_at": begins, "ended_at": begins + timedelta(seconds=60), "conversation": name}
    return {"from_num": from_, "to_num": to, "domain": "acme.example", "ext": "45", **row, **more}


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=calls_schema())


class Line:
    """A history, as `reconcile` asks for it."""

    def __init__(
        self, *rows: dict[str, Any], gaps: tuple[tuple[float, float], ...] = (), window: Any = DAY, own: str = ""
    ) -> None:
        self.rows, self.own = rows, own
        self.start, self.end = ((BEGAN + timedelta(seconds=at)).replace(tzinfo=UTC) for at in window)
        at = [tuple(BEGAN + timedelta(seconds=second) for second in gap) for gap in gaps]
        self.gaps = pa.table({"start": [gap[0] for gap in at], "end": [gap[1] for gap in at]})

    def calls_table(self, *, legs: bool, tz: Any) -> Any:
        assert legs
        return [{name: row.get(name) for name in COLUMNS} for row in self.rows]


def told(live: Any, cdr: Any) -> list[tuple[str, str, str]]:
    """The calls' names with what is said of them."""
    rows = reconcile(live, cdr).to_pylist()
    assert [row["started_at"] for row in rows] == sorted(row["started_at"] for row in rows)
    return [(row["conversation"], row["seen_by"], row["why"]) for row in rows]


def test_calls_of_one_id_are_one() -> None:
    live, cdr = table(call(0, "a"), call(100, "b")), table(call(0, "a"), call(200, "c"))
    assert told(live, cdr) == [("a", "both", ""), ("b", "live", "unknown"), ("c", "cdr", "unknown")]


def test_a_conversation_is_found_by_any_of_its_ids() -> None:
    live = table(call(0, "a"), call(30, "b", conversation="a"))
    assert told(live, table(call(0, "a"), call(30, "b"))) == [("a", "both", ""), ("a", "both", "")]


def test_an_id_that_is_used_again_is_another_call() -> None:
    live = table(call(0, "a", conversation="1"), call(40_000, "a", conversation="2"))
    assert told(live, table(call(40_000, "a"), call(0, "a", conversation="9"))) == [
        ("1", "both", ""),
        ("2", "both", ""),
    ]
    assert told(table(call(0, "a")), table(call(0, "a"), call(40_000, "a", conversation="9"))) == [
        ("a", "both", ""),
        ("9", "cdr", "unknown"),
    ]


def test_without_a_common_id_numbers_and_beginning_tell() -> None:
    live = table(call(0, "a"), call(0, "b", "+49301239999"), call(300, "c"), call(600, "d", to="45"))
    cdr = table(call(2, "1", "030123456"), call(3, "2", "0301239999"), call(302, "3"), call(602, "4", to="600"))
    assert [seen for _, seen, _ in told(live, cdr)] == ["both"] * 4
    assert told(table(call(0, "a", from_="")), table(call(0, "1", from_=""))) == [
        ("1", "cdr", "unknown"),
        ("a", "live", "unknown"),
    ]


def test_a_clock_that_is_wrong_is_told_and_still_matched() -> None:
    live = [call(100 * n, f"{n}", f"+49301230{n}") for n in range(9)]
    by_id = [{**row, "started_at": row["started_at"] + timedelta(seconds=300)} for row in live]
    assert {why for _, _, why in told(table(*live), table(*by_id))} == {"clock"}
    by_number = [{**row, "call_id": f"x{n}", "conversation": f"x{n}"} for n, row in enumerate(by_id)]
    assert told(table(*live), table(*by_number)) == [(f"{n}", "both", "clock") for n in range(9)]


@pytest.mark.parametrize(
    ("start", "why"),
    [
        (50, "gap"),
        (100, "gap"),
        (130, "gap"),
        (199, "gap"),
        (200, "unknown"),
        (30, "unknown"),
        (-5, "gap"),
        (990, "gap"),
    ],
)
def test_a_call_that_began_or_ended_in_a_gap_could_not_be_seen(start: float, why: str) -> None:
    line = Line(call(300, "a"), gaps=((100, 200),), window=(0, 1000))
    assert (f"{start}", "cdr", why) in told(line, table(call(300, "a"), call(start, f"{start}")))


def test_a_gap_is_one_of_the_lines_own_clock() -> None:
    seen = [call(1_000 + 100 * n, f"{n}") for n in range(3)]
    cdr = [{**row, "started_at": row["started_at"] + timedelta(seconds=500)} for row in [*seen, call(120, "lost")]]
    cdr[-1]["ended_at"] = cdr[-1]["started_at"] + timedelta(seconds=10)
    assert ("lost", "cdr", "gap") in told(Line(*seen, gaps=((100, 200),)), table(*cdr))


def test_what_a_line_was_not_shown_is_a_matter_of_rights() -> None:
    others = table(call(0, "a"), call(100, "b", ext="46"), call(200, "c", from_="45", ext="46"))
    assert told(Line(own="45"), others) == [("a", "cdr", "unknown"), ("b", "cdr", "rights"), ("c", "cdr", "unknown")]
    elsewhere = table(call(0, "a"), call(100, "b", domain="b.example"))
    assert told(table(call(0, "a")), elsewhere) == [("a", "both", ""), ("b", "cdr", "rights")]


def test_what_no_record_can_tell_of_is_left_out() -> None:
    live = table(call(0, "before"), call(100, "a"), call(200, "open", ended_at=None), call(300, "late"))
    about = f'{{"since":"{BEGAN + timedelta(seconds=50)}","until":"{BEGAN + timedelta(seconds=999)}",'
    about += f'"asked_at":"{BEGAN + timedelta(seconds=330)}"}}'
    cdr = table(call(100, "a")).replace_schema_metadata({"pbxnb": about})
    assert told(live, cdr) == [("a", "both", "")]


@pytest.mark.parametrize("kind", ["pandas", "polars", "duckdb"])
def test_the_kind_of_the_records_comes_out(kind: str) -> None:
    made = {"pandas": pa.Table.to_pandas, "polars": pl.from_arrow, "duckdb": duckdb.from_arrow}[kind]
    arrow = table(call(0, "a"), call(9, "b"))
    given_ = made(arrow)
    found = reconcile(arrow, given_)
    assert type(found) is type(given_)
    rows = pl.DataFrame(found.to_arrow_table() if kind == "duckdb" else found).to_dicts()
    assert [(row["call_id"], row["seen_by"]) for row in rows] == [("a", "both"), ("b", "both")]


def test_no_calls_are_no_rows_and_what_is_no_table_is_refused() -> None:
    assert reconcile(table(), table()).num_rows == 0
    assert told(table(call(0, "a")), table()) == [("a", "live", "unknown")]
    with pytest.raises(AnalysisError, match="no column 'started_at'"):
        reconcile(table(), pd.DataFrame({"call_id": ["a"], "ended_at": [BEGAN]}))
    with pytest.raises(AnalysisError, match="is not a table"):
        reconcile(7, table())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 30), st.booleans(), st.floats(-2_000, 2_000))
def test_every_call_is_told_of_once_and_pairs_are_found(seed: int, many: int, ids: bool, ahead: float) -> None:
    """Calls at least half a minute apart; each side lacks some; without ids or with, on clocks that differ."""
    chance = random.Random(seed)
    rows = [
        call(40 * n + chance.uniform(0, 5), f"{n}", f"+1555{chance.randrange(4) if ids else n:04}") for n in range(many)
    ]
    sides = [row for row in rows if chance.random() < 0.8], [row for row in rows if chance.random() < 0.8]
    seen, written = sides
    moved = [{**row, "started_at": row["started_at"] + timedelta(seconds=ahead if ids else 0)} for row in written]
    renamed = moved if ids else [{**row, "call_id": f"x{row['call_id']}"} for row in moved]
    found = reconcile(table(*seen), table(*renamed)).to_pylist()
    names = {True: {row["call_id"] for row in seen}, False: {row["call_id"] for row in written}}
    expected = {
        name: "both" if name in names[True] & names[False] else "live" if name in names[True] else "cdr"
        for name in names[True] | names[False]
    }
    assert {row["call_id"].removeprefix("x"): row["seen_by"] for row in found} == expected
    assert len(found) == len(expected)


async def test_calls_that_a_dropped_line_missed_are_found_in_the_records() -> None:
    async with pbxnb.simulate("empty", extensions=4) as pbx:
        sim = pbx.simulator

        def talk() -> str:
            name = sim.place_call("+12025550101", "41")
            sim.answer(name)
            sim.advance(20)
            sim.hangup(name)
            sim.advance(5)
            return name

        before = [talk(), talk()]
        down = pbx.wait_for("connection", timeout=10)
        sim.faults.refuse(seconds=60)
        sim.faults.drop()
        await down
        missed = [talk(), talk()]
        sim.faults.stop()
        await pbx.reconnect()
        after = [talk()]
        await pbx.until(lambda pbx: len(pbx.closed_calls()) == 3, timeout=10)
        now = pbx.clock.now()
        records = await pbx.fetch_calls(now - timedelta(hours=1), now)
        rows = reconcile(pbx, records).to_pylist()
        assert {row["call_id"]: (row["seen_by"], row["why"]) for row in rows} == {
            **dict.fromkeys([*before, *after], ("both", "")),
            **dict.fromkeys(missed, ("cdr", "gap")),
        }
        assert reconcile(pbx.history, records).to_pylist() == rows
