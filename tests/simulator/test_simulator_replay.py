"""A recorded session is served as a PBX: in order, at any speed, to those who come late too."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pbxnb import connect as connect_to
from pbxnb import simulate
from pbxnb.errors import NotARecording, SimulatorError
from pbxnb.journal.sharing import import_lines
from pbxnb.simulator.replay import (
    RecordedFrame,
    RecordedSession,
    Replay,
    read_recording,
    serve_recording,
    start_recording,
)

SNAPSHOT = {"action": "domain-state", "accounts": [{"account": "40"}, {"account": "41"}], "calls": []}


def line(at: float, frame: dict[str, Any] | str, **more: Any) -> str:
    return json.dumps({"at": at, "text": frame if isinstance(frame, str) else json.dumps(frame), **more})


def calls(*ids: str) -> dict[str, Any]:
    return {"action": "call-state", "calls": [{"id": i, "state": "connected"} for i in ids]}


MINUTE = [
    line(100.0, '{"action":"get-users"}', direction="out"),
    line(100.5, SNAPSHOT),
    line(101.0, calls()),
    line(110.0, {"action": "user-state", "account": "40", "dnd": True}),
    line(111.0, calls("1")),
    line(112.0, {"action": "user-state", "account": "40", "dnd": False}),
    line(130.0, "no json at all"),
    line(160.0, calls()),
]


async def frames(ws: aiohttp.ClientWebSocketResponse, count: int) -> list[str]:
    async with asyncio.timeout(5):
        return [await ws.receive_str() for _ in range(count)]


def connect(http: aiohttp.ClientSession, replay: Replay) -> Any:
    return http.ws_connect(f"{replay.url}/websocket?domain={replay.domain}&user={replay.user}")


# -- reading -----------------------------------------------------------------------------------------------------------


def test_frames_have_times_from_the_first_line_and_only_the_pbx_speaks() -> None:
    session = read_recording(MINUTE)
    assert [frame.at for frame in session.frames] == [0.5, 1, 10, 11, 12, 30, 60]
    assert session.seconds == 60
    assert session.begin is None
    assert session.frames[5] == RecordedFrame(30, "no json at all")


@pytest.mark.parametrize(
    "entry",
    [
        {"at": 1_790_000_000.25, "text": '{"a":1}'},
        {"received": "2026-09-21T14:13:20.250+00:00", "text": '{"a":1}'},
        {"received": "1790000000.25", "payload": '{"a":1}'},
        {"recv_us": 1_790_000_000_250_000, "frame": {"a": 1}},
    ],
    ids=["at", "ISO", "text time", "journal"],
)
def test_the_ways_to_write_a_line(entry: dict[str, Any]) -> None:
    session = read_recording([json.dumps(entry), ""])
    assert session.frames == (RecordedFrame(0.0, '{"a":1}'),)
    assert session.begin == datetime(2026, 9, 21, 14, 13, 20, 250_000, UTC)


def test_a_torn_last_line_is_passed_over_and_time_never_runs_back() -> None:
    lines = [line(5, "a"), line(9, "b"), line(7, "c"), '{"at": 12, "te']
    assert read_recording(lines).frames == (RecordedFrame(0, "a"), RecordedFrame(4, "b"), RecordedFrame(4, "c"))


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["{", line(1, "a")], "Line 1 of the recording is no JSON"),
        (["[1]"], "Line 1 of the recording is no object"),
        (['{"text":"a"}'], r"Line 1 of the recording has no time.*at, received or recv_us"),
        (['{"at":true,"text":"a"}'], "has no time"),
        (['{"at":"soon","text":"a"}'], "has no time"),
        (['{"at":NaN,"text":"a"}'], "is no JSON"),
        (['{"at":1e999,"text":"a"}'], "Line 1"),
        (['{"at":"1e999","text":"a"}'], "has no time"),
        (['{"at":1}'], r"Line 1 of the recording has no frame"),
        ([line(1, "a", direction="out")], "has no frame of a PBX in it"),
        ([], "has no frame in it"),
    ],
)
def test_what_is_no_recording_is_refused_by_line(lines: list[str], sentence: str) -> None:
    with pytest.raises(NotARecording, match=sentence):
        read_recording(lines)


def test_a_missing_file_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(NotARecording, match=r"'none\.jsonl' cannot be read"):
        read_recording(tmp_path / "none.jsonl")


def test_a_recording_of_both_forms_is_the_same_session(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    for first in (0, 1_790_000_000):
        moved = [json.dumps({**(told := json.loads(text)), "at": told["at"] + first}) for text in MINUTE]
        path.write_text("\n".join(moved))
        assert read_recording(import_lines(path, tmp_path / "session.pbx")) == read_recording(path)


async def test_a_recording_of_a_handle_is_served(tmp_path: Path) -> None:
    async with await simulate("quiet", extensions=3, record=tmp_path / "one.pbx") as pbx:
        await pbx.stop_recording()
    async with (
        serve_recording(tmp_path / "one.pbx") as replay,
        await connect_to(replay.url, domain=replay.domain, user=replay.user) as again,
    ):
        assert {*again.accounts} == {*pbx.accounts}


# -- serving -----------------------------------------------------------------------------------------------------------


async def test_the_frames_come_as_recorded_and_in_order_and_begin_with_the_first_client() -> None:
    async with serve_recording(MINUTE, speed=1000) as replay, aiohttp.ClientSession() as http:
        assert replay.position == 0
        async with connect(http, replay) as ws:
            got = await frames(ws, 7)
        assert got == [frame.text for frame in read_recording(MINUTE).frames]
        assert replay.rounds == 1


async def test_who_comes_late_gets_the_state_so_far() -> None:
    async with serve_recording(MINUTE, speed=1000) as replay, aiohttp.ClientSession() as http:
        async with connect(http, replay) as ws:
            await frames(ws, 7)
        async with connect(http, replay) as ws:
            late = [json.loads(text) for text in await frames(ws, 3)]
        assert late == [SNAPSHOT, {"action": "user-state", "account": "40", "dnd": False}, calls()]


async def test_it_pauses_and_changes_its_speed() -> None:
    async with serve_recording(MINUTE, speed=20) as replay, aiohttp.ClientSession() as http:
        async with connect(http, replay) as ws:
            await frames(ws, 2)
            replay.pause()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(reading := asyncio.ensure_future(ws.receive_str())), 0.1)
            replay.speed = 1000
            replay.resume()
            assert json.loads(await reading)["account"] == "40"
            await frames(ws, 4)
        assert replay.speed == 1000
        with pytest.raises(SimulatorError, match="speed must be a number"):
            replay.speed = 0


async def test_it_begins_again_if_asked_to() -> None:
    async with serve_recording(MINUTE, speed=1000, loop=True) as replay, aiohttp.ClientSession() as http:
        async with connect(http, replay) as ws:
            got = await frames(ws, 14)
        assert got[:7] == got[7:]
        assert replay.rounds >= 1


async def test_it_looks_like_a_pbx_from_outside_and_takes_anything_a_client_says() -> None:
    async with serve_recording(MINUTE) as replay, aiohttp.ClientSession() as http:
        base = replay.url.replace("ws", "http", 1)
        async with http.get(base + "/") as response:
            assert response.headers["Server"].startswith("PBX/")
        async with http.put(base + "/rest/system/session", json={"name": "auth", "value": "40 x"}) as response:
            assert await response.json() is True
            assert "session=" in response.headers["Set-Cookie"]
        async with http.get(base + "/rest/user/40@acme.example/calls") as response:
            assert response.status == 404
        async with connect(http, replay) as ws:
            for text in ("", "{", '{"action":"make-call","to":"1"}', "x" * 100_000):
                await ws.send_str(text)
            assert json.loads((await frames(ws, 1))[0])["action"] == "domain-state"


async def test_stopping_says_goodbye() -> None:
    async with aiohttp.ClientSession() as http:
        async with serve_recording(RecordedSession((RecordedFrame(0, "a"), RecordedFrame(99, "b")))) as replay:
            ws = await connect(http, replay)
            await frames(ws, 1)
        message = await ws.receive(5)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)


def test_on_a_thread_of_its_own_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_text("\n".join(MINUTE))
    with start_recording(path, speed=1000, user="41") as replay:
        assert repr(replay).startswith("<Replay ws://127.0.0.1:")
        with pytest.raises(SimulatorError, match=rf"cannot listen on 127\.0\.0\.1 port {replay.port}"):
            start_recording(path, port=replay.port)
    assert not any(thread.name == "pbxnb-replay" for thread in threading.enumerate())
    with pytest.raises(SimulatorError, match="closed"):
        replay.pause()
    replay.close()
