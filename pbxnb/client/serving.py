"""One open socket, from its first frame to its last: bootstrap, live, and the tasks that belong to a live line.

Its tasks live and die together (a task group), so nothing is ever left from a former connection and no subscription
is made twice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pbxnb.errors import ConnectionFailed
from pbxnb.model.status import LineState
from pbxnb.model.store import Scope, Store

from .board import Board
from .endpoint import Endpoint
from .feed import Feed
from .keepalive import Pulse, repeat
from .opener import Opener
from .rest import RestError
from .rest_state import RestReader
from .supervisor import Supervisor
from .sync import ASK, KEEPALIVE, opening_frames, read_accounts, switch_frames
from .timing import Timing
from .transport import Line, LineLost, Loss

__all__ = ["Parts", "Serving"]

_LOG = logging.getLogger("pbxnb.client")
_FRAMES_IN_A_ROW = 200  # a burst is read without pause; after so many frames, timers and senders get a turn


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What every connection of one client works with.

    Attributes:
        now: stamps what the model learns.
        keepalive: seconds between ``avoid-disconnect``; 0 for none.
        ping_interval, ping_timeout: seconds.
        arrived: takes each frame as received.
        send: puts a frame on the current line.
    """

    endpoint: Endpoint
    store: Store
    feed: Feed
    board: Board
    reader: RestReader
    opener: Opener
    supervisor: Supervisor
    timing: Timing
    now: Callable[[], datetime]
    keepalive: float
    ping_interval: float
    ping_timeout: float
    arrived: Callable[[bytes], None]
    send: Callable[[dict[str, Any]], Awaitable[None]]


class Serving:
    """Serves one socket.

    Args:
        on_live: called once, when the line is live.

    Attributes:
        live: whether the line got that far.
    """

    def __init__(self, line: Line, parts: Parts, on_live: Callable[[], None]) -> None:
        self.live = False
        self._line = line
        self._parts = parts
        self._on_live = on_live
        self._live_now = asyncio.Event()
        self._sync = parts.feed.begin()
        self._accounts_by_rest = False
        self._group = asyncio.TaskGroup()
        self._pulse = Pulse(
            line,
            ping_interval=parts.ping_interval,
            ping_timeout=parts.ping_timeout,
            stale_pings=parts.timing.stale_pings,
            on_latency=self._latency,
            on_stale=self._stale,
        )

    async def run(self) -> ConnectionFailed:
        """Serve until the socket ends; why it did."""
        lost: ConnectionFailed | None = None
        try:
            async with self._group as group:
                group.create_task(repeat(self._parts.keepalive, self._keep_alive))
                group.create_task(self._bootstrap())
                group.create_task(self._pulse.ping())
                group.create_task(self._pulse.watch())
                await self._read()
        except* ConnectionFailed as failures:
            # Reader and writers see the same end; the reader's account of it is as good as any.
            lost = next((exc for exc in failures.exceptions if isinstance(exc, ConnectionFailed)), None)
        finally:
            self._line.drop()
        return lost or LineLost(Loss.DROPPED)

    def quiet_since(self, lost: ConnectionFailed) -> datetime:
        """When the news stopped: at the last sign of life if the line went silent, else now."""
        now = self._parts.now()
        if isinstance(lost, LineLost) and lost.how is Loss.SILENT:
            return now - timedelta(seconds=time.monotonic() - self._pulse.last)
        return now

    def go_live(self) -> None:
        """The snapshot is as complete as it gets: apply it, and live from now on."""
        if self.live:
            return
        self.live = True
        now = self._parts.now()
        self._parts.feed.finish(now, self._parts.board.line_up(now))
        self._parts.board.live(self._parts.feed.missing)
        self._live_now.set()
        self._on_live()
        self._group.create_task(self._become_stable())
        self._group.create_task(self._parts.reader.run())
        self._group.create_task(repeat(self._parts.timing.tick, self._tick))

    def ask_again(self) -> None:
        """A snapshot lacked accounts we know; ask for one more before anything is believed."""
        self._group.create_task(self._ask_again())

    async def _read(self) -> None:
        count = 0
        while True:
            raw = await self._line.receive()
            self._pulse.beat()
            self._parts.arrived(raw)
            count += 1
            if count % _FRAMES_IN_A_ROW == 0:
                await asyncio.sleep(0)

    async def _bootstrap(self) -> None:
        """Subscribe, ask, read by REST, and at last go live without (design: "Live" means)."""
        timing, opened = self._parts.timing, asyncio.get_running_loop().time()
        for frame in opening_frames(self._parts.opener.dialect, self._parts.store.scope):
            await self._parts.send(frame)
        if await self._live_by(opened + timing.ask_after):
            return
        if not self._sync.domain_state_heard and self._parts.opener.dialect != "2016":
            for frame in ASK:
                await self._parts.send(frame)
        if await self._live_by(opened + timing.ask_after + timing.rest_after):
            return
        if "accounts" in self._sync.missing:
            self._sync.rest_asked()
            self._group.create_task(self._accounts_from_rest())
        if not await self._live_by(opened + timing.live_after):
            self.go_live()

    async def _live_by(self, when: float) -> bool:
        """Wait until the loop's time ``when``, or until live; whether it is live."""
        try:
            async with asyncio.timeout_at(when):
                await self._live_now.wait()
        except TimeoutError:
            return False
        return True

    async def _accounts_from_rest(self) -> None:
        try:
            accounts = await read_accounts(await self._parts.opener.rest(), self._parts.endpoint)
        except (RestError, ConnectionFailed) as exc:
            _LOG.info("No accounts by REST: %s", exc)
            return
        if not accounts:
            return
        self._accounts_by_rest = True
        if self.live:
            self._parts.feed.late_accounts(accounts, self._parts.now())
        elif self._sync.rest_answered(accounts):
            self.go_live()

    async def _ask_again(self) -> None:
        if self._accounts_by_rest:
            await self._accounts_from_rest()
        else:
            await self._parts.send(ASK[0])

    async def _keep_alive(self) -> None:
        await self._parts.send(KEEPALIVE)

    async def _become_stable(self) -> None:
        await asyncio.sleep(self._parts.timing.stable_after)
        self._parts.supervisor.stable()

    async def _tick(self) -> None:
        now = self._parts.now()
        self._parts.feed.tick(now)
        store = self._parts.store
        if self._parts.opener.dialect == "modern" and store.scope is Scope.DOMAIN and store.scope_evidence(now):
            _LOG.info("The PBX shows calls on accounts but not to us: switching to our own calls.")
            self._parts.feed.narrow()
            for frame in switch_frames():
                await self._parts.send(frame)

    def _latency(self, seconds: float) -> None:
        self._parts.board.latency = seconds

    def _stale(self, stale: bool) -> None:
        if not self.live:
            return
        if stale:
            why = "Neither a frame nor a pong came for some time."
            self._parts.board.turn(LineState.STALE, missing=self._parts.feed.missing, why=why)
        else:
            self._parts.board.live(self._parts.feed.missing)
