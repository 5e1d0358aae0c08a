"""A simulator's life: it listens when `start` returns, is gone after `close`, and can be repeated to the byte."""

import asyncio
import itertools
import math
import re
import socket
import ssl
import threading
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import pytest

from pbxnb.errors import PbxError, SimulatorError
from pbxnb.simulator import serve, serve_recording, start
from tests.helpers.sim_client import client


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name == "pbxnb-simulator"]


def test_it_listens_at_once_and_is_gone_after_close() -> None:
    sim = start("quiet", extensions=10)
    with socket.create_connection(("127.0.0.1", sim.port), 5):
        pass
    assert threads() == ["pbxnb-simulator"]
    sim.close()
    sim.close()
    assert threads() == []
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", sim.port))
    with pytest.raises(SimulatorError, match="closed"):
        sim.place_call("40", "41")


async def test_closing_with_clients_connected_says_goodbye() -> None:
    sim = await asyncio.to_thread(start, "empty")
    async with client(sim) as http, http.line() as line:
        began = time.monotonic()
        await asyncio.to_thread(sim.close)
        took = time.monotonic() - began
        while (message := await line.ws.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)
    assert took < 1.0, "gone within a second: a promise (architecture.md 3), not a benchmark"
    assert threads() == []


def test_two_at_once_have_ports_of_their_own_and_a_taken_port_is_told() -> None:
    with start("empty") as one, start("empty") as two:
        assert one.port != two.port
        with pytest.raises(SimulatorError, match=f"port {one.port}"):
            start("empty", port=one.port)
    assert threads() == []


@pytest.mark.parametrize(
    "options",
    [
        {"preset": "offise"},
        {"dialect": "2015"},
        {"quirks": "none-such"},
        {"speed": 0},
        {"extensions": 1},
        {"extensions": 10**6},
        {"user": "9999"},
        {"start": "yesterday"},
        {"start": math.nan},
        {"start": 1e30},
        {"start": 0},
        {"quirks": [5]},
        {"version": "new"},
    ],
)
def test_what_cannot_be_is_said_before_anything_runs(options: dict[str, Any]) -> None:
    with pytest.raises(PbxError) as refused:
        start(**options)
    assert refused.value.hint or re.search("must be|did you mean|; there is", str(refused.value))
    assert threads() == []


def test_what_cannot_be_steered_is_said() -> None:
    with start("empty", extensions=4) as sim:
        for seconds in (-1, math.nan, math.inf, "5"):
            with pytest.raises(SimulatorError, match="seconds must be a number"):
                sim.clock.advance(seconds)  # type: ignore[arg-type]
        for act in (sim.set_dnd, sim.register, sim.unregister):
            with pytest.raises(SimulatorError, match="no extension '99'"):
                act("99")
        assert sim.set_dnd(41)  # type: ignore[arg-type]


def test_steering_from_another_thread() -> None:
    with start("empty") as sim:
        call = sim.place_call("+12025550101", "41", name="Jo")
        sim.answer(call)
        sim.hold(call)
        sim.resume(call)
        sim.record(call)
        sim.transfer(call, "42")
        sim.answer(call)
        other = sim.place_call("42", "43")
        sim.answer(other)
        sim.transfer(call, other)
        sim.park(call, "700", "43")
        sim.retrieve("700", "44")
        sim.hangup(call)
        with pytest.raises(SimulatorError, match="cannot be answered"):
            sim.answer(call)
        with pytest.raises(SimulatorError, match="cannot call"):
            sim.place_call("700", "41")
        assert sim.set_dnd("41")
        assert not sim.set_dnd("41")


def test_the_clock_is_steered() -> None:
    with start("empty", start="2026-03-02T09:30", speed=100) as sim:
        assert sim.clock.now() == datetime(2026, 3, 2, 9, 30, tzinfo=UTC), "it waits for its first client"
        assert sim.clock.rate == 0
        sim.clock.advance(60)
        assert sim.clock.now() == datetime(2026, 3, 2, 9, 31, tzinfo=UTC)
        sim.clock.resume()
        assert sim.clock.rate == 100
        sim.clock.pause()
        stands = sim.clock.now()
        assert stands == sim.clock.now() > datetime(2026, 3, 2, 9, 31, tzinfo=UTC)
        sim.clock.speed = 2
        assert "x0" in repr(sim.clock)


def test_it_starts_at_half_past_nine_of_today() -> None:
    with start("empty") as sim:
        here = sim.clock.now().astimezone()
        assert (here.date(), here.hour, here.minute) == (datetime.now().astimezone().date(), 9, 30)


@pytest.mark.parametrize("speed", [0.5, 1.0, 1000.0])
async def test_the_date_header_is_the_clock_now_also_while_nothing_happens(speed: float) -> None:
    async with serve("empty", start="2026-03-02T09:30", held=False, speed=speed) as sim, client(sim) as http:

        async def date_is_now() -> None:
            before = sim.clock.now()
            async with http.session.get(http.base + "/") as answer:
                date = parsedate_to_datetime(answer.headers["Date"])
            assert before.replace(microsecond=0) <= date <= sim.clock.now()

        begun, wall = sim.clock.now(), time.monotonic() + 3
        sim.server.pace._wall = lambda: wall
        assert (sim.clock.now() - begun).total_seconds() > 1
        await date_is_now()
        sim.clock.pause()
        await date_is_now()
        sim.clock.advance(3600)
        await date_is_now()
        sim.clock.resume()
        await date_is_now()


async def test_the_date_header_of_a_replay_is_the_recording_s_clock() -> None:
    lines = [f'{{"received": {1_772_443_800 + n}, "text": "{{}}"}}' for n in (0, 30)]
    async with (
        serve_recording(lines) as replay,
        aiohttp.ClientSession() as session,
        session.get(replay.url.replace("ws", "http")) as answer,
    ):
        assert answer.headers["Date"] == "Mon, 02 Mar 2026 09:30:00 GMT"


def test_no_secret_in_a_repr() -> None:
    with start("empty", password="open sesame") as sim:
        for thing in (sim, sim.server, sim.login, sim.pbx, sim.clock):
            assert "sesame" not in repr(thing)


async def test_tls_with_a_certificate_made_on_the_fly() -> None:
    async with serve("empty", tls=True) as sim:
        assert sim.url.startswith("wss://127.0.0.1:")
        trust = ssl.create_default_context(cafile=sim.tls_certificate)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as session:
            async with session.get(sim.url.replace("wss", "https")) as answer:
                assert answer.status == 200
            assert sim.fingerprint.startswith("sha256:")
            before = sim.fingerprint
            gone = asyncio.Event()
            gone.set()
            await sim.reopen(gone.wait, True)
            assert sim.fingerprint != before
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as other:
                    await other.get(sim.url.replace("wss", "https"))


async def test_tls_without_the_package_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cryptography", None)
    with pytest.raises(SimulatorError, match="cryptography"):
        await asyncio.to_thread(start, "empty", tls=True)
    assert threads() == []


BOOTSTRAP = {"modern": ["domain-calls", "get-users"], "2016": ["get-users", "get-calls"]}


async def frames(count: int, *, dialect: str = "modern", **options: Any) -> list[str]:
    begin = "2026-03-02T09:30"
    async with serve("classroom", start=begin, speed=1000, dialect=dialect, **options) as sim, client(sim) as http:  # noqa: SIM117
        async with http.line() as line:
            for action in BOOTSTRAP[dialect]:
                await line.send(action, subscribe=True)
            return [await line.text() for _ in range(count)]


@pytest.mark.parametrize(
    "options", [{}, {"quirks": "all"}, {"dialect": "2016", "quirks": ["calls-object", "partial-user-state"]}]
)
async def test_the_same_seed_says_the_same_to_the_byte(options: dict[str, Any]) -> None:
    one = await frames(200, seed=7, **options)
    two = await frames(200, seed=7, **options)
    assert next((pair for pair in itertools.zip_longest(one, two) if pair[0] != pair[1]), None) is None
    assert await frames(200, seed=8, **options) != one


async def test_many_tenants_are_strangers_to_each_other() -> None:
    async with serve("empty") as sim, client(sim) as http, http.line() as line:
        from pbxnb.simulator.engine.pbx import SimPbx

        other = SimPbx("other.example", clock=sim.pbx.clock)
        other.directory.add_extension("40")
        sim.server.add(other)
        await line.send("domain-calls", subscribe=True)
        sim.run(lambda: other.dial("+12025550101", "40"))
        frames = await line.answered()
        assert all("other.example" not in str(f) for f in frames)
        assert await http.ask("GET", "/rest/user/40@other.example/calls") == 403
        assert len(await http.ask("GET", "/rest/user/40@other.example/calls", name="admin")) == 1


def test_closing_in_the_middle_of_steering_never_waits() -> None:
    for _ in range(40):
        sim = start("empty")
        sim.set_dnd("41")
        sim.close()
    assert threads() == []
