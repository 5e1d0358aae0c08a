"""A recorded session served as if it were a PBX, at any speed.

A recording is a file ``.pbx`` or JSON lines (`pbxnb.journal.lines`); what the client sent is left out. Commands have no
effect on a replay, and REST has no answers. There is no login: what was not sent to our own address is refused, or any
page open in a browser could read along.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
from aiohttp import web

from pbxnb.errors import NotARecording, SimulatorError
from pbxnb.journal.lines import read_lines
from pbxnb.loops import LoopThread
from pbxnb.protocol.rest import SESSION

from .engine.clock import TIMING, Pace, SimClock
from .server.addresses import foreign
from .server.port import WebPort, start_in_thread
from .server.sockets import SimSocket

__all__ = ["RecordedFrame", "RecordedSession", "Replay", "read_recording", "serve_recording", "start_recording"]

YEAR_2000 = 946_684_800


class RecordedFrame(NamedTuple):
    """One frame of the PBX: seconds since the recording's first line, and its text."""

    at: float
    text: str


class RecordedSession(NamedTuple):
    """A recorded session: its frames in order, and when it began (UTC, None when the times have no date)."""

    frames: tuple[RecordedFrame, ...]
    begin: datetime | None = None

    @property
    def seconds(self) -> float:
        """From the first frame to the last."""
        return self.frames[-1].at if self.frames else 0.0


def read_recording(source: str | Path | Iterable[str]) -> RecordedSession:
    """Read a recording from a file or from lines.

    Raises:
        NotARecording: it cannot be read, or has no frame of a PBX; the sentence names the line.
    """
    frames: list[RecordedFrame] = []
    first: float | None = None
    for line in read_lines(source):
        first = line.at if first is None else first
        if line.direction == "in":
            frames.append(RecordedFrame(line.at - first, line.text))
    if not frames:
        raise NotARecording("The recording has no frame of a PBX in it.")
    return RecordedSession(tuple(frames), datetime.fromtimestamp(first, UTC) if first and first > YEAR_2000 else None)


class Replay:
    """A recorded session on a port. It begins with the first client; who comes later gets the state so far.

    Args:
        session: what to play.
        speed: recorded seconds per real second, 0.1 to 1000.
        loop: begin again at the end.
        domain: what ``connect`` is to be given; any is accepted.
        user: likewise.

    Attributes:
        position: seconds into the recording.
        rounds: how often it has been played to its end.
    """

    def __init__(
        self,
        session: RecordedSession,
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
        self.rounds: int = 0
        self.host: str = ""
        self._loop_again = loop
        self._clock = SimClock(session.begin or 0.0)
        self._pace = Pace(self._clock, speed)
        self._pace.pause()
        self._next = 0
        self._began = self._clock.now
        self._port = WebPort(
            "replay", version, now=lambda: self._pace.moment if session.begin else None, websocket=self._websocket
        )
        self._port.gates.append(lambda request: foreign(request, self.host))
        self._state: dict[tuple[str, str], str] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: LoopThread | None = None
        self._stop = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Replay {self.url} at {self.position:.1f} of {self.session.seconds:.1f} s>"

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port.number

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
        if self._thread is not None:
            self._thread.call(self._stop.set)
            self._thread.join(5.0)

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, act: Callable[[], object]) -> None:
        """Do it on the replay's loop, and read the clock again."""

        def there() -> None:
            act()
            self._port.nudged.set()

        loop = self._loop
        if loop is None or loop.is_closed():
            raise SimulatorError("The replay is closed.", hint="Start a new one.")
        loop.call_soon_threadsafe(there)

    # -- life, on the loop ---------------------------------------------------------------------------------------

    async def open(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen on the running loop. Use `serve_recording` or `start_recording` instead."""
        self._loop = asyncio.get_running_loop()
        self.host = host
        session = web.route("*", SESSION, self._session)
        await self._port.start(host, port, [session], self._drive)

    def in_thread(self, host: str, port: int) -> None:
        """Give it a thread and a loop, and return when it listens."""
        self._thread = start_in_thread(lambda: self.open(host, port), self._stop, self.aclose, "pbxnb-replay")

    async def aclose(self) -> None:
        """Stop, on the loop it runs on."""
        await self._port.stop()

    # -- playing -------------------------------------------------------------------------------------------------

    async def _drive(self) -> None:
        frames = self.session.frames
        while True:
            self._port.nudged.clear()
            self._clock.advance_to(self._pace.target())
            while not self._pace.paused and self._next < len(frames) and frames[self._next].at <= self.position:
                self._play(frames[self._next].text)
                self._next += 1
                if self._next % 256 == 0:
                    await asyncio.sleep(0)
            if self._next == len(frames):
                if not self._loop_again:
                    self.rounds = 1
                    await self._port.nudged.wait()
                    continue
                self._again()
            wait = None if self._pace.paused else (frames[self._next].at - self.position) / self._pace.speed
            await self._port.wait(None if wait is None else max(wait, 0.0))

    def _again(self) -> None:
        self.rounds += 1
        self._next = 0
        self._began = self._clock.now + 1.0

    def _play(self, text: str) -> None:
        self._remember(text)
        for socket in self._port.sockets:
            socket.send(text)

    def _remember(self, text: str) -> None:
        """Keep what a late-comer needs: the last snapshot, each account's last change after it, the last list."""
        try:
            frame = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
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

    async def _session(self, request: web.Request) -> web.Response:
        """Any program may come in: there is nothing to steer."""
        return web.json_response(True, headers={"Set-Cookie": "session=replay; Path=/; HttpOnly"})

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse(autoping=False, autoclose=False, timeout=0.5)
        await ws.prepare(request)
        domain, user = request.query.get("domain", self.domain), request.query.get("user", self.user)
        socket = SimSocket(ws, request, domain, user, TIMING)
        for text in self._state.values():
            socket.send(text)
        self._port.sockets.append(socket)
        if self._next == 0 and not self.rounds:
            self._pace.resume()
            self._port.nudged.set()
        try:
            async for _ in socket.texts():
                pass
        finally:
            self._port.sockets.remove(socket)
            await socket.finish()
        return ws


@contextlib.asynccontextmanager
async def serve_recording(
    source: str | Path | Iterable[str] | RecordedSession,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    speed: float = 1.0,
    loop: bool = False,
    domain: str = "acme.example",
    user: str = "40",
    version: str = "70.1",
) -> AsyncIterator[Replay]:
    """Serve a recording on the running loop, for as long as the block lasts; options as for `Replay`."""
    session = source if isinstance(source, RecordedSession) else read_recording(source)
    replay = Replay(session, speed=speed, loop=loop, domain=domain, user=user, version=version)
    await replay.open(host, port)
    try:
        yield replay
    finally:
        await replay.aclose()


def start_recording(
    source: str | Path | Iterable[str] | RecordedSession,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    speed: float = 1.0,
    loop: bool = False,
    domain: str = "acme.example",
    user: str = "40",
    version: str = "70.1",
) -> Replay:
    """Serve a recording on a thread of its own; it listens when this returns. Options as for `Replay`.

    Raises:
        NotARecording: the recording cannot be read.
        SimulatorError: the port is taken.
    """
    session = source if isinstance(source, RecordedSession) else read_recording(source)
    replay = Replay(session, speed=speed, loop=loop, domain=domain, user=user, version=version)
    replay.in_thread(host, port)
    return replay
