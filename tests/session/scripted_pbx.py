"""A PBX of a few lines, in a thread of its own, that says only what a test tells it to say.

It knows no login: it answers REST with 404 and every upgrade with a socket, so it serves handles without a login.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

DOMAIN = "acme.example"
USER = "45"

QUIET = logging.getLogger("scripted-pbx")
QUIET.setLevel(logging.CRITICAL)  # a connection tried and dropped is an everyday thing to it


def account(number: str, **fields: Any) -> dict[str, Any]:
    return {
        "account": number,
        "type": "extensions",
        "registered": True,
        "dnd": False,
        "name": f"Name {number}",
    } | fields


def call(id_: str, from_: str = "45", to: str = "204", state: str = "connected", **fields: Any) -> dict[str, Any]:
    entry = {"id": id_, "from": from_, "to": to, "state": state, "start": 1_767_225_600, "extension": [from_]}
    return entry | fields


class ScriptedPbx:
    """Use as a context manager; `url` and `arguments` are what `pbxnb.connect` takes.

    Args:
        accounts: numbers of its extensions.
        silent: say nothing at the start: no connection ever becomes live by itself before its 3 s.
        refuse: HTTP status to answer every upgrade with.
        ping_interval: seconds between the server's pings.
        ping_timeout: seconds a pong may take before the server drops the connection.
        port: a fixed port, for a server that comes back.
    """

    def __init__(
        self,
        accounts: Iterable[str] = ("45", "46", "204"),
        *,
        silent: bool = False,
        refuse: int = 0,
        ping_interval: float = 20.0,
        ping_timeout: float = 20.0,
        port: int = 0,
    ) -> None:
        self.accounts = [account(number) for number in accounts]
        self.calls: list[dict[str, Any]] = []
        self.silent = silent
        self.refuse = refuse
        self.pings = (ping_interval, ping_timeout)
        self.port = port
        self.opened = 0
        self.open: set[ServerConnection] = set()
        self.closed: list[tuple[int | None, str]] = []
        self.received: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._run()), name="scripted-pbx")
        self._ready: Future[None] = Future()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def arguments(self) -> dict[str, str]:
        return {"url": self.url, "domain": DOMAIN, "user": USER}

    def __enter__(self) -> ScriptedPbx:
        self._thread.start()
        self._ready.result(10)
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)  # type: ignore[union-attr]
            self._thread.join()
        self._loop.close()

    # ---- for the test ----

    def say(self, frame: dict[str, Any]) -> None:
        """Send a frame to everyone connected."""
        asyncio.run_coroutine_threadsafe(self._say(json.dumps(frame)), self._loop).result(10)

    def say_calls(self, *calls: dict[str, Any]) -> None:
        """Send the whole list of calls."""
        self.calls = list(calls)
        self.say({"action": "call-state", "calls": self.calls})

    def drop(self, code: int = 1001) -> None:
        """Close every connection."""

        async def close() -> None:
            for connection in list(self.open):
                await connection.close(code)

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(10)

    def flood(
        self,
        rate: int,
        stop: threading.Event,
        frame: Callable[[int], dict[str, Any]] = lambda n: {"action": "numbered", "n": n},
    ) -> Future[int]:
        """Send ``frame(0)``, ``frame(1)`` … at ``rate`` a second until ``stop``; the result is how many were sent."""

        async def run() -> int:
            sent, begin = 0, time.monotonic()
            while not stop.is_set():
                due = int((time.monotonic() - begin) * rate)
                for n in range(sent, due):
                    await self._say(json.dumps(frame(n)))
                sent = max(sent, due)
                await asyncio.sleep(0.005)
            return sent

        return asyncio.run_coroutine_threadsafe(run(), self._loop)

    def wait(self, test: Callable[[ScriptedPbx], Any], timeout: float = 10.0) -> Any:
        """Wait until ``test(self)`` is true."""
        with self._changed:
            assert self._changed.wait_for(lambda: test(self), timeout), (self.opened, self.closed, self.received)
        return test(self)

    # ---- the server ----

    async def _run(self) -> None:
        self._stop = asyncio.Event()
        interval, timeout = self.pings
        async with serve(
            self._serve,
            "127.0.0.1",
            self.port,
            process_request=self._http,
            ping_interval=interval,
            ping_timeout=timeout,
            close_timeout=1,
            logger=QUIET,
        ) as server:
            self.port = next(iter(server.sockets)).getsockname()[1]
            self._ready.set_result(None)
            await self._stop.wait()
            await self._accept_no_more(server)
        await self._settle()

    async def _accept_no_more(self, server: Server) -> None:
        """Stop listening before the server closes: asyncio of 3.11 loses a socket that it accepts at that moment."""
        for listening in server.sockets:
            self._loop.remove_reader(listening)
        while any(getattr(t.get_coro(), "__name__", "") == "_accept_connection2" for t in asyncio.all_tasks()):  # noqa: ASYNC110 - it sets no event
            await asyncio.sleep(0)

    async def _settle(self) -> None:
        """Wait until nothing is open: what was answered a moment ago closes some turns later."""
        transports: Mapping[int, Any] = self._loop._transports  # type: ignore[attr-defined]  # asyncio names no other way
        for _ in range(1000):
            opened = [transport for transport in list(transports.values()) if transport._sock is not None]
            if not opened and len(asyncio.all_tasks()) == 1:
                return
            await asyncio.sleep(0.001)
        for transport in opened:
            transport.abort()  # the far end keeps it open for its own sake
        await asyncio.sleep(0)

    def _http(self, connection: ServerConnection, request: Any) -> Any:
        if request.path.startswith("/websocket"):
            return connection.respond(HTTPStatus(self.refuse), "no\n") if self.refuse else None
        if request.path == "/":
            response = connection.respond(HTTPStatus.OK, "<html></html>\n")
            response.headers["Server"] = "PBX/70.1"
            return response
        return connection.respond(HTTPStatus.NOT_FOUND, "")

    async def _serve(self, connection: ServerConnection) -> None:
        with self._changed:
            self.opened += 1
            self.open.add(connection)
            self._changed.notify_all()
        try:
            if not self.silent:
                await self._snapshot(connection)
            async for text in connection:
                await self._hear(connection, json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            await connection.wait_closed()
            with self._changed:
                self.open.discard(connection)
                self.closed.append((connection.close_code, connection.close_reason or ""))
                self._changed.notify_all()

    async def _snapshot(self, connection: ServerConnection) -> None:
        await connection.send(json.dumps({"action": "domain-state", "accounts": self.accounts, "calls": self.calls}))

    async def _hear(self, connection: ServerConnection, frame: dict[str, Any]) -> None:
        with self._changed:
            self.received.append(frame)
            self._changed.notify_all()
        if self.silent:
            return
        if frame.get("action") == "get-users":
            await self._snapshot(connection)
        elif frame.get("action") in ("get-calls", "domain-calls", "own-calls"):
            await connection.send(json.dumps({"action": "call-state", "calls": self.calls}))

    async def _say(self, text: str) -> None:
        for connection in list(self.open):
            with contextlib.suppress(ConnectionClosed):  # who is just leaving hears nothing more
                await connection.send(text)
