"""What goes over the line beside the model: keepalive, the one place of all frames, scope, proxies, REST."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any

import pytest
from aiohttp import web

from pbxnb.client import Client, Endpoint, Password
from pbxnb.client.endpoint import proxy_for
from pbxnb.client.rest import Rest, RestError
from pbxnb.client.tls import Trust
from pbxnb.errors import ConfigError, ConnectionFailed, NotAPbx, Unreachable, UpgradeRefused
from pbxnb.model.store import Scope, Store
from tests.client.client_kit import QUICK, make_client, watching
from tests.helpers.fault_server import PASSWORD, FaultServer, Peer, answering, call, clean_close, healthy


async def test_avoid_disconnect_right_after_open_and_then_regularly():
    async with FaultServer(healthy) as server, watching(server, keepalive=0.02):
        await server.until(lambda: server.peers[0].actions().count("avoid-disconnect") >= 3)
        assert server.peers[0].actions()[0] == "avoid-disconnect"


async def test_no_keepalive_where_it_is_switched_off():
    async with FaultServer(answering) as server, watching(server, keepalive=0):
        assert "avoid-disconnect" not in server.peers[0].actions()


async def test_every_frame_passes_one_place_in_order():
    async with FaultServer(clean_close(1001), healthy) as server, watching(server) as watched:
        await watched.client.send({"action": "ringtones"})
        server.go()
        await watched.live(2)
        frames = watched.frames
        assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))
        assert [frame.mono for frame in frames] == sorted(frame.mono for frame in frames)
        assert {frame.connection for frame in frames} == {1, 2}
        assert {frame.direction for frame in frames} == {"in", "out"}
        assert all((frame.message is None) == (frame.direction == "out") for frame in frames)


async def test_frames_that_wait_for_the_snapshot_are_shown_at_once():
    async def one_by_one(peer: Peer) -> None:
        await peer.send({"action": "rec-start"})
        await peer.until_told()
        await peer.snapshot()
        await peer.read_all()

    async with FaultServer(one_by_one) as server:
        client = make_client(server)
        first: list[str] = []
        arrived = asyncio.Event()

        def on_frame(frame: Any) -> None:
            if frame.direction == "in":
                first.append(client.status.state.value)
                arrived.set()

        client.on_frame = on_frame
        starting = asyncio.ensure_future(client.start())
        await arrived.wait()
        assert first == ["syncing"]
        server.go()
        await starting
        await client.aclose()


async def test_frames_that_are_no_message_do_no_harm():
    async with FaultServer(healthy) as server, watching(server) as watched:
        socket = server.peers[0].socket
        for garbage in ("{", "[]", '{"action":"call-state","calls":null}', '{"no":"action"}', "[" * 10_000):
            await socket.send_str(garbage)
        await socket.send_bytes(b"\xff\xfe")
        await server.peers[0].send({"action": "call-state", "calls": [call("1")]})
        await watched.until(lambda: "call.new" in watched.kinds())
        assert watched.client.status.state == "live"


async def test_nothing_is_sent_while_there_is_no_line():
    async with FaultServer(healthy) as server:
        client = make_client(server)
        with pytest.raises(Unreachable, match="line is down"):
            await client.send({"action": "ringtones"})


async def test_the_model_is_written_under_the_lock():
    class Lock:
        held = 0
        taken = 0

        def __enter__(self) -> None:
            self.held += 1
            self.taken += 1

        def __exit__(self, *exc: object) -> None:
            self.held -= 1

    lock = Lock()
    async with FaultServer(healthy) as server, watching(server, lock=lock):
        assert lock.taken > 0
        assert lock.held == 0
    async with FaultServer(healthy) as server, watching(server, lock=threading.Lock()) as watched:
        assert watched.client.status.state == "live"


async def test_evidence_narrows_the_scope_once_and_a_reconnect_keeps_it(monkeypatch):
    monkeypatch.setattr(Store, "scope_evidence", lambda self, _now: self.scope is Scope.DOMAIN)
    async with FaultServer(clean_close(1001), healthy) as server, watching(server) as watched:
        await server.until(lambda: "own-calls" in server.peers[0].actions())
        subscriptions = [frame for frame in server.peers[0].frames if "subscribe" in frame]
        assert subscriptions == [
            {"action": "domain-calls", "subscribe": True},
            {"action": "domain-calls", "subscribe": False},
            {"action": "own-calls", "subscribe": True},
        ]
        server.go()
        await watched.live(2)
        await server.until(lambda: "own-calls" in server.peers[1].actions())
        assert "domain-calls" not in server.peers[1].actions()


async def counting_proxy(seen: list[str]) -> asyncio.Server:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await reader.readline()).decode().split()[0])
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    return await asyncio.start_server(refuse, "127.0.0.1", 0)


async def test_a_private_address_needs_no_proxy_unless_asked(monkeypatch):
    seen: list[str] = []
    async with await counting_proxy(seen) as proxy, FaultServer(healthy) as server:
        url = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ws_proxy"):
            monkeypatch.setenv(name, url)
        async with watching(server):
            assert not seen
        with pytest.raises(ConnectionFailed):
            await make_client(server, proxy=url, open_timeout=0.3).start()
        assert seen


def test_only_http_proxies():
    with pytest.raises(ConfigError, match="http proxies"):
        Client("ws://127.0.0.1", domain="acme.example", user="45", proxy="socks5://127.0.0.1:1")


@pytest.fixture
def no_proxies(monkeypatch):
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("value", ["socks5://user:secret@127.0.0.1:1", "SOCKS5H://127.0.0.1:1", "socks://127.0.0.1:1"])
@pytest.mark.parametrize("name", ["ALL_PROXY", "wss_proxy", "https_proxy"])
def test_a_socks_proxy_of_the_environment_is_answered_with_the_way_out(no_proxies, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"{name.lower()} in the environment names a SOCKS proxy") as caught:
        Client("wss://pbx.example.com", domain="acme.example", user="45")
    assert "proxy=False" in caught.value.hint
    assert "secret" not in str(caught.value)
    Client("wss://pbx.example.com", domain="acme.example", user="45", proxy=False)
    Client("wss://pbx.lan", domain="acme.example", user="45")


def test_the_proxy_of_the_environment(no_proxies, monkeypatch):
    secure, plain = (Endpoint.parse(f"{scheme}://pbx.example.com", "acme.example", "45") for scheme in ("wss", "ws"))
    assert proxy_for(secure) is proxy_for(secure, True) is None
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:3128")
    assert proxy_for(secure) == "http://proxy.example:3128"
    assert proxy_for(plain) == "http://127.0.0.1:3128"
    assert proxy_for(plain, "https://other.example") == "https://other.example"
    monkeypatch.setenv("no_proxy", "example.com")
    assert proxy_for(secure) is None


@pytest.mark.parametrize("proxy", [None, True, False])
async def test_what_netrc_holds_for_the_host_is_never_sent(no_proxies, monkeypatch, tmp_path, proxy):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login jo password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    sent: list[str] = []

    def answer(request: web.Request) -> web.Response:
        sent.append(str(request.headers))
        return web.json_response([])

    async with FaultServer(healthy) as server:
        server.answers["/"] = answer
        async with watching(server, proxy=proxy):
            pass
    assert sent
    assert not [headers for headers in sent if "Authorization" in headers]


async def test_a_login_grown_old_is_renewed_before_rest_is_used():
    import msgspec

    impatient = msgspec.structs.replace(QUICK, session_age=0.0)
    async with FaultServer(login=True) as server:
        server.answers["/rest/user/45@acme.example/orbits"] = lambda _: web.json_response([{"number": "700"}])
        async with watching(server, login=Password(PASSWORD), timing=impatient) as watched:
            await watched.until(lambda: watched.client.store.orbits)
            assert len(server.sessions) > 1


async def test_something_else_answers():
    async def ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(ssh, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        client = Client(f"ws://127.0.0.1:{port}", domain="acme.example", user="45", open_timeout=1.0, timing=QUICK)
        with pytest.raises(NotAPbx):
            await client.start()


async def test_the_clock_of_the_pbx_is_read_from_its_date_header():
    async with FaultServer(healthy) as server, watching(server) as watched:
        assert abs(watched.client.store.clock.offset) < 5


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
async def test_a_rest_refusal_names_the_path_and_the_status(status):
    async with FaultServer() as server:
        server.answers["/rest/x"] = lambda _: web.json_response({}, status=status)
        endpoint = Endpoint.parse(server.url, "acme.example", "45")
        rest = Rest(endpoint, Trust(None, endpoint))
        with pytest.raises(RestError, match="/rest/x") as refused:
            await rest.get("/rest/x")
        assert refused.value.status == status
        await rest.aclose()


async def test_a_pbx_behind_a_path_that_is_not_there_is_answered_with_what_to_write():
    async with FaultServer(healthy) as server:
        server.refuse_upgrade = 404
        with pytest.raises(UpgradeRefused, match="at /pbx/websocket with HTTP status 404") as caught:
            await Client(f"{server.url}/pbx/", domain="acme.example", user="45", timing=QUICK).start()
        assert '"wss://host/pbx/websocket"' in caught.value.hint
