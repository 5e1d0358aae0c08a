"""One client's socket: an outbox that no other client waits for, its subscriptions, and what faults act on.

The outbox has a task of its own: a client that does not read is dropped without delaying the others. It knows no
message.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable

from aiohttp import WSCloseCode, WSMsgType, web

from .timing import Timing

__all__ = ["Filter", "SimSocket"]

Filter = Callable[["SimSocket", str], str | None]
"""A fault's hook: returns the frame to send instead, or None to lose it."""

_log = logging.getLogger("pbxnb.simulator")


class SimSocket:
    """A WebSocket of one extension.

    Attributes:
        domain: its tenant.
        user: its extension.
        own, everyone, orbits, users: what it subscribed to (own-calls, domain-calls, orbit-calls, user-state).
        lamps: numbers watched by ``blf``.
        filters: hooks that see every frame before it is sent, in order.
        lag: seconds added before each frame (the fault ``slow``).
        sent: frames handed to the network.
    """

    def __init__(
        self, ws: web.WebSocketResponse, request: web.BaseRequest, domain: str, user: str, timing: Timing
    ) -> None:
        self._timing = timing
        self.domain = domain
        self.user = user
        self.own = self.everyone = self.orbits = self.users = False
        self.lamps: dict[str, None] = {}
        self.filters: list[Filter] = []
        self.lag = 0.0
        self.sent = 0
        self._ws = ws
        self._transport = request.transport
        self._outbox: deque[str] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writer = asyncio.create_task(self._write(), name=f"pbxnb-simulator socket {user}")
        self._emptied = asyncio.Event()
        self._emptied.set()
        self._ponged = asyncio.Event()
        self._closers: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<SimSocket {self.user}@{self.domain} sent={self.sent}>"

    @property
    def closed(self) -> bool:
        """The socket is closed or closing."""
        return self._ws.closed or self._transport is None or self._transport.is_closing()

    @property
    def filled(self) -> bool:
        """There are frames in the outbox."""
        return bool(self._outbox)

    def send(self, text: str) -> None:
        """Put a frame into the outbox; a client that lets it fill up is dropped (1013)."""
        for hook in tuple(self.filters):
            changed = hook(self, text)
            if changed is None:
                return
            text = changed
        if self.closed or self._writer.done():
            return
        self._outbox.append(text)
        self._bytes += len(text)
        self._filled.set()
        self._emptied.clear()
        if len(self._outbox) > self._timing.outbox_frames or self._bytes > self._timing.outbox_bytes:
            _log.info("The client of %s does not read fast enough and is dropped.", self.user)
            self._outbox.clear()
            self._bytes = 0
            self.close(WSCloseCode.TRY_AGAIN_LATER, "too slow")

    def close(self, code: int = WSCloseCode.OK, reason: str = "") -> None:
        """Close with a close frame; what is in the outbox is not waited for."""
        task = asyncio.create_task(self._close(code, reason))
        self._closers.add(task)
        task.add_done_callback(self._closers.discard)

    def abort(self) -> None:
        """Drop the TCP connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    def freeze(self) -> None:
        """Neither read, nor write, nor answer pings; the connection stays up (half-open, stalled)."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Go on as before the freeze; what came meanwhile is handled now."""
        self._flowing.set()

    async def texts(self) -> AsyncIterator[str | bytes]:
        """The client's frames until it closes; pings are answered here, so that a frozen socket is silent."""
        taken = 0
        while True:
            message = await self._ws.receive()
            await self._flowing.wait()
            if message.type is WSMsgType.PING:
                with contextlib.suppress(ConnectionError):
                    await self._ws.pong(message.data)
            elif message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                yield message.data
                taken += 1
                if taken % self._timing.burst == 0:
                    await asyncio.sleep(0)
            elif message.type is WSMsgType.CLOSE:
                await self._ws.close()
                return
            elif message.type is WSMsgType.PONG:
                self._ponged.set()
            else:
                return

    async def taken(self) -> bool:
        """Wait until the client has taken all that was sent; False when it does not say so in time.

        It answers a ping as soon as it reads it, but a second one only after its own code has had a turn.
        """
        if self.lag or not self._flowing.is_set():
            return False
        with contextlib.suppress(ConnectionError, RuntimeError, TimeoutError):
            async with asyncio.timeout(self._timing.take):
                await self._emptied.wait()
                for _ in range(2):
                    self._ponged.clear()
                    await self._ws.ping()
                    await self._ponged.wait()
                return True
        return False

    async def finish(self) -> None:
        """Stop the writer; the last call to this object."""
        self._writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._writer

    async def _write(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._outbox:
                await self._flowing.wait()
                if self.lag:
                    await asyncio.sleep(self.lag)
                if not self._outbox:
                    break
                text = self._outbox.popleft()
                self._bytes -= len(text)
                try:
                    await self._ws.send_str(text)
                except (ConnectionError, RuntimeError):
                    # The client has gone; its reader sees that too and takes the socket out of service.
                    return
                self.sent += 1
            self._emptied.set()

    async def _close(self, code: int, reason: str) -> None:
        self._writer.cancel()
        with contextlib.suppress(ConnectionError, RuntimeError, TimeoutError):
            async with asyncio.timeout(self._timing.close):
                await self._ws.close(code=code, message=reason.encode()[:120])
            return
        self.abort()
