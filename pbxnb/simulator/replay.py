"""A recorded session served as if it were a PBX, at any speed; `recording` says what a recording is.

The PBX that speaks knows nothing but the recorded frames: commands have no effect, and REST has nothing to say.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import WSCloseCode, web

from pbxnb.errors import SimulatorError
from pbxnb.protocol.rest import SESSION

from .clock import Clock, Pace
from .recording import Session, read_recording
from .sockets import Socket

__all__ = ["Replay", "serve_recording", "start_recording"]


class Replay:
    """A recorded session on a port. It begins with the first client; who comes later gets the state so far.

    Args:
        session: what to play.
        speed: recorded seconds per real second, 0.1 to 1000.
        loop: begin again at the end.
        domain: told in ``url``'s place for ``connect``; any is accepted.
        user: likewise.

    Attributes:
        position: seconds into the recording.
        rounds: how often it has been played to its end.
    """

    def __init__(
        self,
        session: Session,
        *,
        speed: float = 1.0,
        loop: bool = False,
        domain: str = "acme.example",
        user: str = "40",
        version: str = "70.1",
    ) -> None:
        self.session = session
        self.domain = domain
        self.user = user
        self.password = ""  # nobody is asked for one
        self.rounds = 0
        self.host = ""
        self.port = 0
        self._loop_again = loop
        self._version = version
        self._clock = Clock(session.begin or 0.0)
        self._pace = Pace(self._clock, speed)
        self._pace.pause()
        self._next = 0
        self._began = self._clock.now
        self._sockets: list[Socket] = []
        self._state: dict[tuple[str, str], str] = {}
        self._nudged = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._driver: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Replay {self.url} at {self.position:.1f} of {self.session.seconds:.1f} s>"

    @property
    def url(self) -> str:
        """Where to connect."""
        return f"ws://{self.host}:{self.port}"

    @property
    def connect_line(self) -> str:
        """A line for a notebook that connects to it."""
        return f'pbx = await pbxnb.connect("{self.url}", domain="{self.domain}", user="{self.user}")'

    @property
    def position(self) -> float:
        """Seconds into the recording."""
        return self._clock.now - self._began

    # -- steering, from any thread -------------------------------------------------------------------------------

    @property
    def speed(self) -> float:
        """Recorded seconds per real second; settable."""
        return self._pace.speed

    @speed.setter
    def speed(self, value: float) -> None:
        checked = self._pace.checked(value)
        self._run(lambda: setattr(self._pace, "speed", checked))

    def pause(self) -> None:
        """Let the recording stand still."""
        self._run(self._pace.pause)

    def resume(self) -> None:
        """Let it go on."""
        self._run(self._pace.resume)

    def close(self) -> None:
        """Stop it and free the port; idempotent. On the loop of `serve_recording` leave its block instead."""
        if self._thread is not None and self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(5.0)

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, act: Callable[[], object]) -> None:
        """Do it on the replay's loop and look at the time anew."""

        def there() -> None:
            act()
            self._nudged.set()

        loop = self._loop
        if loop is None or loop.is_closed():
            raise SimulatorError("The replay is closed.", hint="Start a new one.")
        loop.call_soon_threadsafe(there)

    # -- life, on the loop ---------------------------------------------------------------------------------------

    async def open(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen on the running loop. Use `serve_recording` or `start_recording` instead."""
        self._loop = asyncio.get_running_loop()
        app = web.Application()
        app.router.add_get("/", self._root)
        app.router.add_get("/websocket", self._websocket)
        app.router.add_route("*", SESSION, self._session)
        app.on_response_prepare.append(self._headers)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.2)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port, reuse_address=True).start()
        except OSError as error:
            await self._runner.cleanup()
            raise SimulatorError(
                f"The replay cannot listen on {host} port {port}: {error.strerror or error}.",
                hint="Choose another port, or 0 for any free one.",
            ) from error
        self.host, self.port = host, self._runner.addresses[0][1]
        self._driver = asyncio.create_task(self._drive(), name="pbxnb-replay time")

    def in_thread(self, host: str, port: int) -> None:
        """Give it a thread and a loop, and return when it listens."""
        started = threading.Event()
        failed: list[BaseException] = []

        async def live() -> None:
            try:
                await self.open(host, port)
            except BaseException as error:  # noqa: BLE001  it is raised again in the caller's thread
                failed.append(error)
                return
            finally:
                started.set()
            await self._stop.wait()
            await self.aclose()

        self._thread = threading.Thread(target=lambda: asyncio.run(live()), name="pbxnb-replay", daemon=True)
        self._thread.start()
        started.wait()
        if failed:
            self._thread.join(5.0)
            raise failed[0]

    async def aclose(self) -> None:
        """Stop, on the loop it runs on."""
        if self._driver is not None:
            self._driver.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._driver
        for socket in tuple(self._sockets):
            socket.close(WSCloseCode.GOING_AWAY, "the replay stops")
        await asyncio.sleep(0.02)
        for socket in tuple(self._sockets):
            socket.abort()
        if self._runner is not None:
            await self._runner.cleanup()

    # -- playing -------------------------------------------------------------------------------------------------

    async def _drive(self) -> None:
        frames = self.session.frames
        while True:
            self._nudged.clear()
            self._clock.advance_to(self._pace.target())
            while not self._pace.paused and self._next < len(frames) and frames[self._next].at <= self.position:
                self._play(frames[self._next].text)
                self._next += 1
                if self._next % 256 == 0:
                    await asyncio.sleep(0)
            if self._next == len(frames):
                if not self._loop_again:
                    self.rounds = 1
                    await self._nudged.wait()
                    continue
                self._again()
            wait = None if self._pace.paused else (frames[self._next].at - self.position) / self._pace.speed
            # Not wait_for: on 3.11 it swallows a cancellation that meets the nudge.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if wait is None else max(wait, 0.0)):
                    await self._nudged.wait()

    def _again(self) -> None:
        self.rounds += 1
        self._next = 0
        self._began = self._clock.now + 1.0

    def _play(self, text: str) -> None:
        self._remember(text)
        for socket in self._sockets:
            socket.send(text)

    def _remember(self, text: str) -> None:
        """Keep what a late-comer needs: the last snapshot, each account's last change after it, the last list."""
        try:
            frame = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return  # garbage is part of a recording too
        action = frame.get("action") if isinstance(frame, dict) else None
        if action == "domain-state":
            self._state = {("domain-state", ""): text}
        elif action == "user-state":
            self._state["user-state", str(frame.get("account"))] = text
        elif action == "call-state" and isinstance(frame.get("calls"), list):
            self._state.pop(("call-state", ""), None)
            self._state["call-state", ""] = text

    # -- HTTP ----------------------------------------------------------------------------------------------------

    async def _headers(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        response.headers["Server"] = f"PBX/{self._version}"
        if self.session.begin is not None:
            response.headers["Date"] = format_datetime(self._pace.moment, usegmt=True)

    async def _root(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._websocket(request)
        return web.Response(text="<!doctype html><title>PBX</title><p>pbxnb replay</p>", content_type="text/html")

    async def _session(self, request: web.Request) -> web.Response:
        """Anybody may come in: there is nothing to steer."""
        return web.json_response(True, headers={"Set-Cookie": "session=replay; Path=/; HttpOnly"})

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse(autoping=False, autoclose=False, timeout=0.5)
        await ws.prepare(request)
        domain, user = request.query.get("domain", self.domain), request.query.get("user", self.user)
        socket = Socket(ws, request, domain, user)
        for text in self._state.values():
            socket.send(text)
        self._sockets.append(socket)
        if self._next == 0 and not self.rounds:
            self._pace.resume()
            self._nudged.set()
        try:
            async for _ in socket.texts():
                pass
        finally:
            self._sockets.remove(socket)
            await socket.finish()
        return ws


@contextlib.asynccontextmanager
async def serve_recording(
    source: str | Path | Iterable[str] | Session, *, host: str = "127.0.0.1", port: int = 0, **options: Any
) -> AsyncIterator[Replay]:
    """Serve a recording on the running loop, for as long as the block lasts; options as for `Replay`."""
    replay = Replay(source if isinstance(source, Session) else read_recording(source), **options)
    await replay.open(host, port)
    try:
        yield replay
    finally:
        await replay.aclose()


def start_recording(
    source: str | Path | Iterable[str] | Session, *, host: str = "127.0.0.1", port: int = 0, **options: Any
) -> Replay:
    """Serve a recording on a thread of its own; it listens when this returns. Options as for `Replay`.

    Raises:
        SimulatorError: the recording cannot be read, or the port is taken.
    """
    replay = Replay(source if isinstance(source, Session) else read_recording(source), **options)
    replay.in_thread(host, port)
    return replay
