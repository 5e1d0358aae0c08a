"""The port of an embedded PBX, or of a replay: HTTP and WebSockets over aiohttp. It knows no PBX."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import Future
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Final

from aiohttp import WSCloseCode, web

from pbxnb.errors import SimulatorError
from pbxnb.loops import LoopThread, fail, fulfil
from pbxnb.protocol.rest import ROOT

from ..engine.clock import TIMING
from .sockets import SimSocket

__all__ = ["Gate", "Handler", "WebPort", "start_in_thread"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Steps = Callable[[], Coroutine[Any, Any, object]]
Gate = Callable[[web.Request], web.StreamResponse | None]
"""A hook, such as a fault's: an answer instead of the PBX's, or None."""


class WebPort:
    """The port of an embedded PBX, or of a replay.

    Args:
        name: for errors, and for the page at ``/``.
        version: sent in the ``Server`` header.
        now: the time of the ``Date`` header; None leaves it to real time.
        websocket: answers a request for a WebSocket.
        root: whether ``/`` takes WebSockets too.
        rule: what the PBX itself refuses, whatever the path; tried after the gates.

    Attributes:
        number: of the port, once it is open.
        sockets: the open sockets.
        gates: hooks tried before every request; the first that answers wins.
        answered: hooks that see every answer before it is sent.
        nudged: set when the task that lets time pass must read the time again.
    """

    def __init__(
        self,
        name: str,
        version: str,
        *,
        now: Callable[[], datetime | None],
        websocket: Handler,
        root: bool = True,
        rule: Gate = lambda request: None,
    ) -> None:
        self.number: int = 0
        self.sockets: list[SimSocket] = []
        self.gates: list[Gate] = []
        self.answered: list[Callable[[web.BaseRequest, web.StreamResponse], None]] = []
        self.nudged: Final = asyncio.Event()
        self._name = name
        self._version = version
        self._now = now
        self._websocket = websocket
        self._root_sockets = root
        self._rule = rule
        self._runner: web.AppRunner | None = None
        self._listening: asyncio.Server | None = None
        self._turning = asyncio.Lock()
        self._driver: asyncio.Task[None] | None = None

    async def start(
        self,
        host: str,
        port: int,
        routes: Iterable[web.RouteDef],
        drive: Callable[[], Coroutine[Any, Any, None]],
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Listen, and let time pass.

        Args:
            routes: what is served beside the WebSocket.
            drive: lets time pass, until it is cancelled.
            context: of the certificate, for TLS.

        Raises:
            SimulatorError: the port is taken.
        """
        app = web.Application(middlewares=[self._gate], client_max_size=2 * 2**20)
        app.add_routes([web.get(ROOT, self._root), web.get("/websocket", self._websocket), *routes])
        app.on_response_prepare.append(self._headers)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=TIMING.shutdown)
        await self._runner.setup()
        try:
            await self.listen(host, port, context)
        except OSError as error:
            await self._runner.cleanup()
            raise SimulatorError(
                f"The {self._name} cannot listen on {host} port {port}: {error.strerror or error}.",
                hint="Choose another port, or 0 for any free one.",
            ) from error
        self._driver = asyncio.create_task(drive(), name=f"pbxnb-simulator time of the {self._name}")

    async def listen(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        """Open the port (0: any free one); with a certificate, over TLS."""
        assert self._runner is not None
        assert self._runner.server is not None
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(self._runner.server, host, port, ssl=context, reuse_address=True)
        self.number = self._listening.sockets[-1].getsockname()[1]

    async def unlisten(self) -> None:
        """Close the port; WebSockets that are open stay, whoever asks anything else is cut off."""
        listening, self._listening = self._listening, None
        if listening is None:
            return
        for each in listening.sockets:
            asyncio.get_running_loop().remove_reader(each)
        # What asyncio accepted in this turn it serves in the next one; without a port it would leave it open for ever.
        await asyncio.sleep(0)
        listening.close()

    @contextlib.asynccontextmanager
    async def shut(self) -> AsyncIterator[None]:
        """Closed inside, for one after the other; who enters opens it again."""
        async with self._turning:
            await self.unlisten()
            yield

    async def stop(self) -> None:
        """Close every socket (1001) and free the port."""
        if self._driver is not None:
            self._driver.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._driver
        for socket in tuple(self.sockets):
            socket.thaw()
            socket.close(WSCloseCode.GOING_AWAY, f"the {self._name} stops")
        await self.unlisten()
        # One turn for the close frames; who does not answer them is cut off by the runner.
        await asyncio.sleep(0.02)
        for socket in tuple(self.sockets):
            socket.abort()
        if self._runner is not None:
            await self._runner.cleanup()

    async def wait(self, seconds: float | None) -> None:
        """Wait until nudged, at most so many seconds (None: for ever)."""
        # Not wait_for: on 3.11 it swallows a cancellation that meets the nudge.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.nudged.wait()

    @web.middleware
    async def _gate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._listening is None and request.transport is not None:
            request.transport.abort()
            return web.Response(status=503)  # which nobody gets
        for gate in (*self.gates, self._rule):
            if (answer := gate(request)) is not None:
                return answer
        try:
            return await handler(request)
        except ConnectionResetError:  # the client has gone in the middle of its request: nobody reads this
            raise web.HTTPBadRequest from None

    async def _headers(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        given = response.headers.copy()
        given["Server"] = f"PBX/{self._version}"
        response.headers.clear()
        # The length is the third header: there is a client that looks for it there (rest.md 7).
        for name in ("Server", "Content-Type", "Content-Length"):
            if name in given:
                response.headers[name] = given.pop(name)
        response.headers.extend(given)
        if (now := self._now()) is not None:
            response.headers["Date"] = format_datetime(now, usegmt=True)
        for hook in self.answered:
            hook(request, response)

    async def _root(self, request: web.Request) -> web.StreamResponse:
        if self._root_sockets and request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._websocket(request)
        page = f"<!doctype html><title>PBX</title><p>pbxnb {self._name}</p>"
        return web.Response(text=page, content_type="text/html")


def start_in_thread(open_: Steps, stop: asyncio.Event, close: Steps, name: str) -> LoopThread:
    """Run ``open_``, and ``close`` once ``stop`` is set, on a thread of that name; returns when it is open.

    Raises:
        Exception: what ``open_`` raised.
    """
    opened: Future[None] = Future()

    async def main() -> None:
        try:
            await open_()
        except BaseException as error:  # noqa: BLE001  it is raised again where it was started
            fail(opened, error)
            return
        fulfil(opened, None)
        await stop.wait()
        await close()

    thread = LoopThread(main, name)
    thread.start()
    try:
        opened.result()
    except BaseException:
        thread.join(5.0)
        raise
    return thread
