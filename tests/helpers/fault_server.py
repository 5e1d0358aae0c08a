"""A PBX of a hundred lines that does exactly one thing wrong per test, on the test's own loop.

`ScriptedPbx` is the same in a thread. It speaks enough HTTP and WebSocket for the client; what happens on the first,
second, third ... socket is a list of scripts, the last of which repeats. The scripts are the faults, by name, at the
end of this file.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import inspect
import json
import ssl
from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Any, Self

from aiohttp import WSMsgType, web

PASSWORD = "correct-horse-7391"
ADMIN = ("admin", "battery-staple-2846")
DOMAIN, USER = "acme.example", "45"

Script = Callable[["Peer"], Awaitable[None]]


def account(number: str, **fields: Any) -> dict[str, Any]:
    return {
        "account": number,
        "name": f"Name {number}",
        "type": "extensions",
        "registered": True,
        "dnd": False,
        **fields,
    }


def call(id_: str, from_: str = "204", to: str = "207", state: str = "connected", **fields: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "from": f'"Jo Field" <sip:{from_}@{DOMAIN}>',
        "to": f"<sip:{to}@{DOMAIN}>",
        "state": state,
        "extension": [from_, to],
        "start": "1790000000.120",
        "connect": "1790000005.500",
        **fields,
    }


class Peer:
    """One socket, seen from the server."""

    def __init__(self, server: FaultServer, number: int, request: web.Request) -> None:
        self.server = server
        self.number = number
        self.request = request
        self.frames: list[dict[str, Any]] = []
        self.reason = ""
        self.socket = web.WebSocketResponse(timeout=0.1, heartbeat=server.heartbeat)

    def actions(self) -> list[str]:
        return [frame["action"] for frame in self.frames]

    async def send(self, *frames: dict[str, Any]) -> None:
        for frame in frames:
            await self.socket.send_str(json.dumps(frame))

    async def snapshot(self) -> None:
        """What a PBX that pushes unasked sends at once."""
        await self.send({"action": "domain-state", "accounts": self.server.accounts, "calls": self.server.calls})

    async def read(self) -> dict[str, Any] | None:
        """The client's next frame; None at the end."""
        message = await self.socket.receive()
        if message.type is not WSMsgType.TEXT:
            self.reason = str(message.extra or "") if message.type is WSMsgType.CLOSE else ""
            return None
        frame: dict[str, Any] = json.loads(message.data)
        self.frames.append(frame)
        self.server.moved()
        return frame

    async def read_all(self) -> None:
        """Read, answering nothing, until the client goes."""
        while await self.read() is not None:
            pass

    async def until_told(self) -> None:
        """Read until the test calls `FaultServer.go`."""
        reading = asyncio.ensure_future(self.read_all())
        told = asyncio.ensure_future(self.server.told.wait())
        try:
            await asyncio.wait([reading, told], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, told):
                task.cancel()
            await asyncio.gather(reading, told, return_exceptions=True)
        self.server.told.clear()

    def drop(self) -> None:
        """Break the TCP connection without a word."""
        assert self.request.transport is not None
        self.request.transport.abort()


class FaultServer:
    """An HTTP and WebSocket server on a free port.

    Args:
        scripts: what happens on each socket, in order; the last repeats.
        login: False lets sockets in without a cookie.
        version: of the PBX, in its Server header; None hides behind a proxy.
        tls: the server's context.
        port: a fixed port, for a server that comes back.
        heartbeat: seconds between the server's pings; a pong may take half of that.
    """

    def __init__(
        self,
        *scripts: Script,
        login: bool = False,
        version: str | None = "70.1",
        tls: ssl.SSLContext | None = None,
        port: int = 0,
        heartbeat: float | None = None,
    ) -> None:
        self.scripts = scripts or (healthy,)
        self.login = login
        self.version = version
        self.tls = tls
        self.port = port
        self.heartbeat = heartbeat
        self.accounts = [account("45"), account("204"), account("207")]
        self.calls: list[dict[str, Any]] = []
        self.peers: list[Peer] = []
        self.open: list[Peer] = []
        self.closed: list[tuple[int | None, str]] = []
        self.requests: list[tuple[str, str, Any]] = []
        self.upgrades = 0
        self.sessions: set[str] = set()
        self.tokens: set[str] = set()
        self.minted = 0
        self.refuse_upgrade: int | None = None
        self.answers: dict[str, Callable[[web.Request], Any]] = {}  # a response, or one to wait for
        self.told = asyncio.Event()
        self._moved = asyncio.Condition()
        self._notices: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self.tls)
        await site.start()
        self._listening = site._server.sockets  # type: ignore[union-attr]
        self.port = self._listening[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        # Listens no more before it closes: asyncio of 3.11 loses a socket that it accepts at that moment.
        for listening in self._listening:
            asyncio.get_running_loop().remove_reader(listening)
        while any(getattr(t.get_coro(), "__name__", "") == "_accept_connection2" for t in asyncio.all_tasks()):  # noqa: ASYNC110 - it sets no event
            await asyncio.sleep(0)
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"{'wss' if self.tls else 'ws'}://127.0.0.1:{self.port}"

    def go(self) -> None:
        """Let the fault of the socket that waits in `Peer.until_told` happen."""
        self.told.set()

    def moved(self) -> None:
        async def notice() -> None:
            async with self._moved:
                self._moved.notify_all()

        task = asyncio.ensure_future(notice())
        self._notices.add(task)
        task.add_done_callback(self._notices.discard)

    async def until(self, predicate: Callable[[], object], timeout: float = 30.0) -> None:
        """Wait until something true has arrived here."""
        async with asyncio.timeout(timeout), self._moved:
            await self._moved.wait_for(lambda: bool(predicate()))

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request)
        self.requests.append((request.method, request.path, json.loads(body) if body else None))
        self.moved()
        headers = {"Server": f"PBX/{self.version}"} if self.version else {"Server": "nginx"}
        answer = self.answers.get(f"{request.method} {request.path}") or self.answers.get(request.path)
        if answer is not None:
            response = answer(request)
            if inspect.isawaitable(response):
                response = await response
        elif request.path == "/rest/system/session":
            response = self._session(request, json.loads(body))
        elif request.path == "/":
            response = web.Response(text="<html>welcome</html>", content_type="text/html")
        else:
            response = web.json_response({}, status=404)
        response.headers.update(headers)
        return response

    def _session(self, request: web.Request, body: dict[str, Any]) -> web.Response:
        """The three steps of protocol.md 2.3."""
        kind = body["name"]
        if kind == "auth":
            name, _, digest = body["value"].partition(" ")
            good = (
                name == f"{USER}@{DOMAIN}"
                and digest == hashlib.new("md5", PASSWORD.encode(), usedforsecurity=False).hexdigest()
            )
            return web.json_response(self._mint(self.sessions) if good else "")
        if kind == "3rd":
            given = b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
            if given != ":".join(ADMIN):
                return web.json_response(False)
            return web.json_response(self._mint(self.tokens))
        if body["value"] not in self.tokens:
            return web.json_response(False)
        self.tokens.discard(body["value"])
        response = web.json_response(True)
        response.set_cookie("session", self._mint(self.sessions), secure=True, httponly=True, samesite="Strict")
        return response

    def _mint(self, into: set[str]) -> str:
        self.minted += 1
        value = f"secret-id-number-{self.minted:04}"
        into.add(value)
        return value

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        self.upgrades += 1
        self.moved()
        if self.refuse_upgrade is not None:
            return web.Response(status=self.refuse_upgrade)
        if self.login and request.cookies.get("session") not in self.sessions:
            return web.Response(status=401)
        peer = Peer(self, len(self.peers) + 1, request)
        self.peers.append(peer)
        script = self.scripts[min(peer.number, len(self.scripts)) - 1]
        if getattr(script, "autoclose", True) is False:
            peer.socket = web.WebSocketResponse(autoclose=False, timeout=0.1)
        await peer.socket.prepare(request)
        self.open.append(peer)
        self.moved()
        try:
            with contextlib.suppress(ConnectionError):
                await script(peer)
        finally:
            self.open.remove(peer)
            self.closed.append((peer.socket.close_code, peer.reason))
            self.moved()
        return peer.socket


# The faults, by name. Each is what happens on one socket.


async def healthy(peer: Peer) -> None:
    """No fault: pushes the state, then answers like a PBX of either era."""
    await peer.snapshot()
    await answering(peer)


async def answering(peer: Peer) -> None:
    """Pushes nothing unasked; answers what is asked."""
    while (frame := await peer.read()) is not None:
        if frame["action"] == "get-users":
            await peer.send({"action": "domain-state", "accounts": peer.server.accounts})
        elif frame["action"] in ("get-calls", "domain-calls", "own-calls") and frame.get("subscribe", True):
            await peer.send({"action": "call-state", "calls": peer.server.calls})


async def subscribing_only(peer: Peer) -> None:
    """A modern PBX that knows nothing of ``get-users``: calls on subscription, accounts only by REST."""
    while (frame := await peer.read()) is not None:
        if frame["action"] == "domain-calls":
            await peer.send({"action": "call-state", "calls": peer.server.calls})


async def silent(peer: Peer) -> None:
    """Opens the socket, pongs, and never says anything."""
    await peer.read_all()


async def stalled(peer: Peer) -> None:
    """Healthy at first, then stops reading: no frame, no pong, but the TCP connection stands."""
    await peer.snapshot()
    await peer.until_told()
    await asyncio.Event().wait()


async def dead_then_reset(peer: Peer) -> None:
    """Healthy until told; then the network is dead (no frame, no pong), and when told again the connection breaks."""
    await peer.snapshot()
    await peer.until_told()
    await peer.server.told.wait()
    peer.drop()


async def silent_for_a_while(peer: Peer) -> None:
    """Healthy until told; then no frame and no pong, until told again."""
    await peer.snapshot()
    await peer.until_told()
    await peer.server.told.wait()
    await answering(peer)


def clean_close(code: int) -> Script:
    """Says goodbye with a code when told."""

    async def script(peer: Peer) -> None:
        await peer.snapshot()
        await peer.until_told()
        await peer.socket.close(code=code)

    return script


async def accept_then_drop(peer: Peer) -> None:
    """Accepts the upgrade and breaks the connection at once."""
    peer.drop()


def accept_then_close(code: int) -> Script:
    """Accepts the upgrade and closes at once with a code."""

    async def script(peer: Peer) -> None:
        await peer.socket.close(code=code)

    return script


async def drop_when_told(peer: Peer) -> None:
    """Healthy until told, then the connection breaks."""
    await peer.snapshot()
    await peer.until_told()
    peer.drop()


def too_big(size: int) -> Script:
    """Sends one frame of this many bytes."""

    async def script(peer: Peer) -> None:
        await peer.snapshot()
        await peer.until_told()
        await peer.send({"action": "chat", "message": "x" * size})
        await peer.read_all()

    return script


async def slow_to_close(peer: Peer) -> None:
    """Never answers a close frame."""
    await peer.snapshot()
    await peer.read_all()
    await asyncio.Event().wait()


slow_to_close.autoclose = False  # type: ignore[attr-defined]
