"""The clients' sockets: an outbox each, what each subscribed to, and which change is sent to which.

An outbox has a task of its own: a client that does not read is dropped without delaying the others. The engine calls
`Subscriptions.note` inside its commands; `Subscriptions.flush`, after them, renders the settled state. So a frame never
shows a state between two steps of one move.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection

from aiohttp import WSCloseCode, WSMsgType, web

from pbxnb.text import clean_logger

from ..engine.accounts import SimOrbit
from ..engine.calls import ChangeKind, SimCall, SimChange, SimPhase
from ..engine.clock import SimTimer, Timing
from ..engine.pbx import SimPbx
from .frames import Dialect, FrameWriter

__all__ = ["Filter", "SimSocket", "Subscriptions"]

Filter = Callable[["SimSocket", str], str | None]
"""A fault's hook: returns the frame to send instead, or None to lose it."""

_log = clean_logger("pbxnb.simulator")


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
        self.lag: float = 0.0
        self.sent: int = 0
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


FREE_LIST = 50
ENTRIES_PER_SECOND = 5_000.0
"""A list longer than ``FREE_LIST`` calls is repeated so rarely that this many entries a virtual second are sent."""


class Subscriptions:
    """The subscriptions of one tenant's sockets.

    Args:
        pbx: whose changes.
        frames: renders them.
        sockets: the tenant's open sockets.
        stirred: where they put themselves when there is something to flush, so that nobody asks a quiet tenant.
    """

    def __init__(
        self, pbx: SimPbx, frames: FrameWriter, sockets: Collection[SimSocket], stirred: list[Subscriptions]
    ) -> None:
        self._pbx = pbx
        self._frames = frames
        self._sockets = sockets
        self._stirred = stirred
        self._noted = False
        self._accounts: dict[str, None] = {}
        self._calls: dict[str, SimCall] = {}
        self._ended = False
        self._extras: list[tuple[str, str]] = []
        self._orbits = False
        self._next_list = 0.0
        self._late: SimTimer | None = None
        pbx.changed.add(self.note)

    def note(self, change: SimChange) -> None:
        """Remember what changed until the flush."""
        self._stir()
        match change.kind:
            case ChangeKind.CHAT:
                receiver, sender = change.accounts
                self._extras.append((receiver, self._frames.action("chat", dest=sender, message=change.text)))
                return
            case ChangeKind.MISSED if self._frames.dialect is Dialect.MODERN:
                extension = self._pbx.extension(change.accounts[0])
                count = extension.missed if extension else 0
                self._extras.append((change.accounts[0], self._frames.action("missed-calls", count=count)))
                return
            case ChangeKind.RECORDING if self._frames.dialect is Dialect.MODERN and change.call is not None:
                name = "rec-start" if change.call.recording else "rec-stop"
                self._extras += [(n, self._frames.action(name, id=change.call.id)) for n in change.call.extensions]
                return
            case ChangeKind.MISSED | ChangeKind.RECORDING | ChangeKind.CALL_REFUSED:
                return
        self._accounts.update(dict.fromkeys(change.accounts))
        self._orbits = self._orbits or any(isinstance(self._pbx.accounts.get(n), SimOrbit) for n in change.accounts)
        if change.call is not None:
            self._calls[change.call.id] = change.call
            self._ended = self._ended or change.kind is ChangeKind.CALL_ENDED

    def setting_changed(self, number: str) -> None:
        """A setting of an account was changed by its user: modern says so to the own sockets."""
        if self._frames.dialect is Dialect.MODERN:
            self._stir()
            self._extras.append((number, self._frames.action("user-change", account=number)))

    def _stir(self) -> None:
        if not self._noted:
            self._noted = True
            self._stirred.append(self)

    def flush(self) -> None:
        """Send what changed since the last flush."""
        self._noted = False
        if not (self._accounts or self._calls or self._extras):
            return
        sockets = list(self._sockets)
        changed, self._accounts = self._accounts, {}
        accounts = [number for number in changed if number in self._pbx.accounts]
        extras, self._extras = self._extras, []
        orbits, self._orbits = self._orbits, False
        if listeners := [s for s in sockets if s.users]:
            for number in accounts:
                frame = self._frames.user_state(number)
                for socket in listeners:
                    socket.send(frame)
            if len(accounts) < len(changed):  # one is deleted and has no state: a snapshot says that it is gone
                for socket in listeners:
                    sees = self._pbx.directory.sees_domain(socket.user)
                    socket.send(self._frames.domain_state(socket.user, sees_domain=sees))
        for socket in sockets:
            if socket.own and socket.user in accounts:
                self._own(socket)
            if lamps := [n for n in accounts if n in socket.lamps]:
                socket.send(self._frames.blf(lamps))
        if orbits and (listeners := [s for s in sockets if s.orbits]):
            frame = self._frames.orbits()
            for socket in listeners:
                socket.send(frame)
        by_user: dict[str, list[SimSocket]] = {}
        for socket in sockets:
            by_user.setdefault(socket.user, []).append(socket)
        for number, frame in extras:
            for socket in by_user.get(number, ()):
                socket.send(frame)
        self._everyone([s for s in sockets if s.everyone])

    def _own(self, socket: SimSocket) -> None:
        calls = self._pbx.calls_of(socket.user)
        changed = [c for c in calls if c.id in self._calls]
        # A call that is open and was not ours before needs no array; one that left us does: only an array shows that.
        if self._one_by_one() and changed and all(c.open and c in calls for c in self._calls.values()):
            for call in changed:
                socket.send(self._frames.one_call(call, socket.user))
        else:
            socket.send(self._frames.call_state(socket.user))

    def _everyone(self, sockets: list[SimSocket]) -> None:
        if not sockets:
            self._calls, self._ended = {}, False
        if not self._calls:
            return
        now, many = self._pbx.clock.now, len(self._pbx.calls)
        if many > FREE_LIST and now < self._next_list:
            if self._late is None:
                self._late = self._pbx.clock.at(self._next_list - now, self._late_list)
            return
        self._next_list = now + many / ENTRIES_PER_SECOND
        changed, self._calls = self._calls, {}
        ended, self._ended = self._ended, False
        if self._one_by_one() and not ended:
            frames = [self._frames.one_call(call) for call in changed.values() if call.phase is not SimPhase.ENDED]
        else:
            frames = [self._frames.call_state()]
        for frame in frames:
            for socket in sockets:
                socket.send(frame)

    def _late_list(self) -> None:
        self._late = None
        self._everyone([s for s in self._sockets if s.everyone])

    def _one_by_one(self) -> bool:
        return "calls-object" in self._frames.variants.frame()
