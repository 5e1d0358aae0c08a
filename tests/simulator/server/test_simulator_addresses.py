"""What needs no login is served at our own address, to our own pages; a PBX with a login answers as a real one does."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import aiohttp
import pytest

from pbxnb.simulator import Simulator, serve, serve_recording
from tests.helpers.sim_client import client

RECORDING = ['{"at": 1, "text": "{\\"action\\": \\"domain-state\\", \\"accounts\\": []}"}']
WHO = "domain=acme.example&user=40"


@contextlib.asynccontextmanager
async def replay(host: str) -> AsyncIterator[str]:
    async with serve_recording(RECORDING, host=host) as served:
        yield served.url


@contextlib.asynccontextmanager
async def opened(host: str) -> AsyncIterator[str]:
    async with serve("empty", extensions=3, open_cookie=True, host=host) as sim:
        yield sim.url


Serving = Callable[[str], AbstractAsyncContextManager[str]]


async def socket(url: str, **headers: str) -> int:
    """The status that a WebSocket with these headers is answered with; 101 when it opens."""
    given = {name: value.replace("PORT", url.rpartition(":")[2]) for name, value in headers.items()}
    async with aiohttp.ClientSession() as http:
        try:
            async with http.ws_connect(f"{url}/websocket?{WHO}", headers=given):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status


@pytest.mark.parametrize("serving", [replay, opened])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 101),
        ({"Host": "localhost:PORT"}, 101),
        ({"Host": "LOCALHOST.:PORT"}, 101),
        ({"Host": "[::1]:PORT"}, 101),
        ({"Host": "127.0.0.1:1234"}, 101),  # through a tunnel
        ({"Origin": "http://127.0.0.1:PORT"}, 101),
        ({"Host": "localhost:PORT", "Origin": "http://LocalHost:PORT"}, 101),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://127.0.0.1"}, 403),
        ({"Origin": "http://127.0.0.1:8888"}, 403),
        ({"Origin": "http://127.0.0.1:PORT.evil.example"}, 403),
        ({"Origin": "http://localhost:PORT"}, 403),
        ({"Origin": "file://"}, 403),
        ({"Host": "evil.example:PORT"}, 403),
        ({"Host": "evil.example:PORT", "Origin": "http://evil.example:PORT"}, 403),
        ({"Host": "127.0.0.1.evil.example:PORT"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": "evil.example@127.0.0.1"}, 403),
        ({"Host": "192.0.2.7:PORT"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "["}, 403),
    ],
    ids=str,
)
async def test_only_our_own_address_and_pages_are_served(
    serving: Serving, headers: dict[str, str], status: int
) -> None:
    async with serving("127.0.0.1") as url:
        assert await socket(url, **headers) == status


@pytest.mark.parametrize("serving", [replay, opened])
async def test_open_to_the_network_it_is_known_by_its_addresses_but_by_no_strangers_name(serving: Serving) -> None:
    async with serving("0.0.0.0") as url:  # noqa: S104  what is tested
        local = url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        assert await socket(local, Host="192.0.2.7:PORT") == 101
        assert await socket(local, Host="evil.example:PORT") == 403
        assert await socket(local, Origin="http://evil.example") == 403


async def test_a_replay_says_nothing_at_all_to_strangers() -> None:
    async with replay("127.0.0.1") as url, aiohttp.ClientSession() as http:
        for path in ("/", "/rest/system/session"):
            async with http.get(url.replace("ws", "http") + path, headers={"Host": "evil.example"}) as response:
                assert response.status == 403
                assert "Set-Cookie" not in response.headers


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with serve("empty", extensions=3) as simulator:
        yield simulator


async def test_a_pbx_with_a_login_answers_as_a_real_one_does(sim: Simulator) -> None:
    async with client(sim) as http:
        strange = {"Host": "pbx.example.com", "Origin": "https://elsewhere.example"}
        async with http.session.ws_connect(f"{sim.url}/websocket?{WHO}", headers=http.basic() | strange) as ws:
            assert not ws.closed
        assert await socket(sim.url, **strange) == 401


@pytest.mark.parametrize("strange", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}], ids=str)
async def test_no_strange_page_steers(sim: Simulator, strange: dict[str, str]) -> None:
    async with client(sim) as http:
        for method, path in (("GET", ""), ("POST", "/faults/drop"), ("DELETE", "/faults"), ("POST", "/scenarios/hold")):
            headers = http.basic("admin") | strange
            async with http.session.request(method, f"{http.base}/simulator{path}", headers=headers) as response:
                assert response.status == 403
        assert "error" not in await http.ask("GET", "/simulator", name="admin")
