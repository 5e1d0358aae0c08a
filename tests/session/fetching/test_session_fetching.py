"""The PBX's own call records, fetched over a real socket: pages, doubles, windows, dirt, refusals."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import pbxnb
from pbxnb.analysis.calls import COLUMNS, calls_schema
from pbxnb.client import RestError, records
from pbxnb.errors import ConfigError, HandleClosed, MissingExtra, RecordingError, Unreachable
from pbxnb.session.pbx import Pbx

OUTSIDE = "+12025550101"


@pytest.fixture
async def pbx(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pbx]:
    """Twelve calls of a minute, one every ten minutes, the last one not answered; pages of five."""
    monkeypatch.setattr(records, "SIZE", 5)
    async with pbxnb.simulate(
        "empty", extensions=6, dialect=getattr(request, "param", "modern"), tz="Europe/Berlin"
    ) as pbx:
        sim = pbx.simulator
        for n in range(12):
            call = sim.place_call(OUTSIDE, "41")
            if n < 11:
                sim.answer(call)
            sim.advance(60 if n < 11 else 5)
            sim.hangup(call)
            sim.advance(540)
        yield pbx


async def fetched(pbx: Pbx, hours: float = 24) -> Any:
    return await pbx.fetch_calls(pbx.clock.now() - timedelta(hours=hours), pbx.clock.now())


def about(table: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(table.schema.metadata[b"pbxnb"])
    return found


@pytest.mark.parametrize("pbx", ["modern", "2016"], indirect=True)
async def test_every_record_is_a_call_of_the_table_that_measures_take(pbx: Pbx) -> None:
    table = await fetched(pbx)
    assert tuple(table.column_names) == COLUMNS
    assert table.schema.equals(calls_schema())
    rows = table.to_pylist()
    of_the_pbx = pbx.simulator.pbx.history
    assert [row["call_id"] for row in rows] == [record.id for record in of_the_pbx]
    for row, one in zip(rows, of_the_pbx, strict=True):  # times are printed to the millisecond
        talk = None if one.connected is None else pytest.approx((one.ended - one.connected) * 1000, abs=1)
        assert row["talk_ms"] == talk
    assert {(row["ext"], row["direction"], row["from_num"], row["tz"]) for row in rows} == {
        ("41", "in", OUTSIDE, "Europe/Berlin")
    }
    assert [row["outcome"] for row in rows] == ["answered"] * 11 + ["abandoned"]
    assert about(table)["report"]["kept"] == 12


async def test_the_window_holds_its_beginning_and_not_its_end(pbx: Pbx) -> None:
    begins = (await fetched(pbx))["started_at"].to_pylist()
    third, sixth = (begins[n].replace(tzinfo=pbx.clock.now().tzinfo) for n in (2, 5))
    table = await pbx.fetch_calls(third, sixth)
    assert table["started_at"].to_pylist() == begins[2:5]
    assert (await pbx.fetch_calls(third - timedelta(days=3), third - timedelta(days=2))).num_rows == 0
    nothing = await pbx.fetch_calls(sixth + timedelta(days=400), sixth + timedelta(days=500))
    assert (nothing.num_rows, nothing.schema) == (0, calls_schema())


@pytest.mark.parametrize("repeat", [1, 4, 5, 7])
async def test_records_that_move_while_pages_are_read_are_there_once(pbx: Pbx, repeat: int) -> None:
    pbx.simulator.faults.records(repeat=repeat)
    table = await fetched(pbx)
    assert table["call_id"].to_pylist() == [record.id for record in pbx.simulator.pbx.history]


async def test_garbage_among_the_records_is_counted_and_said(pbx: Pbx, caplog: pytest.LogCaptureFixture) -> None:
    pbx.simulator.faults.records(garbage=6, size=2**20)
    table = await fetched(pbx)
    assert table.num_rows == 12
    report = about(table)["report"]
    assert (report["rows"], report["kept"]) == (18, 12)
    assert sum(report["dropped"].values()) == 6
    assert "Some call records of the PBX cannot be used: vodia-cdr: 18 rows, 12 kept" in caplog.text


@pytest.mark.parametrize(
    ("status", "said"), [(403, "does not let this login read"), (404, "does not know"), (500, "500")]
)
async def test_a_refusal_is_a_sentence(pbx: Pbx, status: int, said: str) -> None:
    pbx.simulator.faults.records(status=status)
    with pytest.raises(RestError, match=said) as refused:
        await fetched(pbx)
    assert refused.value.status == status
    pbx.simulator.faults.stop()
    assert (await fetched(pbx)).num_rows == 12


async def test_a_window_from_before_what_a_pbx_keeps_is_said(pbx: Pbx, caplog: pytest.LogCaptureFixture) -> None:
    assert (await fetched(pbx, hours=24 * 6)).num_rows == 12
    assert caplog.text == ""
    table = await fetched(pbx, hours=24 * 8)
    assert about(table)["oldest"] == table["started_at"][0].as_py().isoformat()
    assert "no call records from before" in caplog.text
    assert "for 7 days where it is not told otherwise" in caplog.text


async def test_a_page_that_does_not_come_is_asked_for_once_more(pbx: Pbx) -> None:
    cut: list[str] = []

    def gate(request: web.Request) -> web.Response | None:
        if not request.path.endswith("/cdrs") or request.query["page"] in cut or request.transport is None:
            return None
        cut.append(request.query["page"])
        request.transport.abort()
        return web.Response()

    pbx.simulator.server.gates.append(gate)
    assert (await fetched(pbx)).num_rows == 12
    assert cut == ["1", "2", "3", "4"]


async def test_a_pbx_that_does_not_answer_is_not_waited_for_for_ever(pbx: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "PATIENCE", 0.1)
    pbx.simulator.faults.records(lag=30)
    with pytest.raises(Unreachable, match="does not answer"):
        await fetched(pbx)


async def test_what_nobody_waits_for_any_more_is_not_read_on(pbx: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "SIZE", 1)
    asked: list[str] = []
    begun = threading.Event()

    def gate(request: web.Request) -> None:
        if request.path.endswith("/cdrs"):
            asked.append(request.query["start"])
            begun.set()

    pbx.simulator.server.gates.append(gate)
    pbx.simulator.faults.records(lag=0.05)
    given_up = pbx.fetch_calls(pbx.clock.now() - timedelta(days=3), pbx.clock.now())
    assert await asyncio.to_thread(begun.wait, 5)
    assert given_up.cancel()
    assert (await fetched(pbx)).num_rows == 12  # takes as long as the other would have
    assert asked.count(asked[0]) < 12 < len(asked)


async def test_a_handle_that_closes_ends_the_reading(pbx: Pbx) -> None:
    pbx.simulator.faults.records(lag=30)
    pending = pbx.fetch_calls(pbx.clock.now() - timedelta(hours=8), pbx.clock.now())
    await pbx.aclose()
    with pytest.raises(HandleClosed):
        await pending
    with pytest.raises(HandleClosed):
        pbx.fetch_calls(pbx.clock.now() - timedelta(hours=8), pbx.clock.now())


async def test_what_cannot_be_asked_is_refused_at_once(pbx: Pbx, monkeypatch: pytest.MonkeyPatch) -> None:
    now = pbx.clock.now()
    with pytest.raises(ConfigError, match="since must be a datetime with a zone"):
        pbx.fetch_calls(now.replace(tzinfo=None), now)
    with pytest.raises(ConfigError, match="until must be a datetime with a zone"):
        pbx.fetch_calls(now, "tomorrow")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="until must be after since"):
        pbx.fetch_calls(now, now)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtra, match=r"pip install \"pbxnb\[analysis\]\""):
        pbx.fetch_calls(now - timedelta(hours=1), now)


async def test_a_recording_has_nobody_to_ask(tmp_path: Path) -> None:
    path = tmp_path / "monday.pbx"
    async with pbxnb.simulate("empty", extensions=4, record=path):
        pass
    async with pbxnb.replay(path) as replayed:
        with pytest.raises(RecordingError, match="no PBX to ask"):
            replayed.fetch_calls(replayed.history.start, replayed.history.start + timedelta(hours=1))
