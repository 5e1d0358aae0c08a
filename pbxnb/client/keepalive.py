"""Is the other end still there: pings, signs of life, and the application's own "do not disconnect me".

An open socket proves nothing (telephony.md 4.5). Any frame counts as life, so a pong stuck behind a burst
does not end a line that is plainly alive.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from pbxnb.errors import ConnectionFailed
from pbxnb.text import clean_logger

from .status import LastSign, utc_now
from .transport import Line

__all__ = ["Pulse", "repeat"]

_LOG = clean_logger("pbxnb.client")


class Pulse:
    """Signs of life of one socket.

    Stale after ``stale_pings`` intervals without any, asked of the wall clock and the monotonic clock; hung up once a
    ping has also had its ``ping_timeout``, and never before the line was stale for one more interval, so that a last
    ping has its chance.

    Args:
        ping_interval: seconds between pings.
        ping_timeout: seconds a pong may take.
        on_latency: called with the seconds of each ping.
        on_stale: called with True when the line goes stale, with False when it comes back.
        now: stamps the signs of life.
        wall, mono: the kernel's wall and monotonic clocks, seconds.

    Attributes:
        last: the last sign of life; at first, the opening.
    """

    def __init__(
        self,
        line: Line,
        *,
        ping_interval: float,
        ping_timeout: float,
        stale_pings: int,
        on_latency: Callable[[float], None],
        on_stale: Callable[[bool], None],
        now: Callable[[], datetime] = utc_now,
        wall: Callable[[], float] = time.time,
        mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self._line = line
        self._interval = ping_interval
        self._timeout = ping_timeout
        self._stale_after = stale_pings * ping_interval
        self._last_chance = max(ping_interval + ping_timeout - self._stale_after, ping_interval)
        self._on_latency = on_latency
        self._on_stale = on_stale
        self._now = now
        self._wall = wall
        self._mono = mono
        self._stale = False
        self.last: LastSign = LastSign(now(), wall(), mono())

    def beat(self, at: datetime) -> None:
        """Something came: a frame or a pong.

        Args:
            at: when, on the clock of ``now``.
        """
        wall, mono, last, most = self._wall(), self._mono(), self.last, self._stale_after
        if not self._stale and (wall - last.wall > most or mono - last.mono > most):
            self._on_stale(True)  # the machine slept, and woke up for this before it did for `watch`
            self._stale = True
        self.last = LastSign(at, wall, mono)
        if self._stale:
            self._stale = False
            self._on_stale(False)

    async def ping(self) -> None:
        """Ping at once, so that the round trip is known early, and then for ever; raises `LineLost` with the line."""
        while True:
            try:
                async with asyncio.timeout(self._timeout):
                    latency = await self._line.ping()
            except TimeoutError:
                pass  # `watch` decides: frames may have come meanwhile
            else:
                self.beat(self._now())
                self._on_latency(latency)
            await asyncio.sleep(self._interval)

    async def watch(self) -> None:
        """Say when the line goes stale, and hang up when it is dead."""
        while True:
            last = self.last
            left = self._stale_after - last.silence(self._wall(), self._mono())
            if left > 0:
                # Not longer: a timer stands still while the machine sleeps.
                await asyncio.sleep(min(left, self._interval / 4))
                continue
            self._stale = True
            self._on_stale(True)
            await asyncio.sleep(self._last_chance)
            if self.last is last:
                self._line.hang_up()
                return


async def repeat(every: float, do: Callable[[], Awaitable[None]]) -> None:
    """``await do()`` now and then every so many seconds; not at all when ``every`` is 0. A surprise in it is logged."""
    while every > 0:
        try:
            await do()
        except ConnectionFailed:
            raise  # that is the line's own end
        except Exception:  # noqa: BLE001 - whatever it is, it is not the line
            _LOG.exception("A job beside the frames failed; the line goes on. Please report it.")
        await asyncio.sleep(every)
