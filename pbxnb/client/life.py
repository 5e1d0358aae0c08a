"""One connection after another: tries, serves, waits as the supervisor says, until refused, closed or out of time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from pbxnb.errors import ConnectionFailed, OpenTimeout, Unreachable
from pbxnb.model.status import LineState

from .serving import Parts, Serving
from .transport import Line

__all__ = ["Life"]


class Life:
    """The connections of one client.

    Args:
        open_timeout: seconds for the first *live*.
        on_live: called whenever the line is live.
        on_lost: called after every connection, live or not.

    Attributes:
        line: the open socket; None while there is none.
        serving: what is done with it.
        connection: how many sockets were opened so far.
        closing: set to end after the current connection.
    """

    def __init__(
        self, parts: Parts, *, open_timeout: float, on_live: Callable[[], None], on_lost: Callable[[], None]
    ) -> None:
        self.line: Line | None = None
        self.serving: Serving | None = None
        self.connection = 0
        self.closing = False
        self._parts = parts
        self._open_timeout = open_timeout
        self._on_live = on_live
        self._on_lost = on_lost
        self._first_live: asyncio.Timeout | None = None  # runs until the first live

    async def run(self) -> None:
        """Connect again after every end.

        Raises:
            ConnectionFailed: a refusal, or what prevented the first live within ``open_timeout``.
        """
        failure: ConnectionFailed | None = None
        try:
            async with asyncio.timeout(self._open_timeout) as self._first_live:
                while True:
                    failure, was_live = await self._connect()
                    if self.closing:
                        return
                    wait = self._parts.supervisor.wait(failure, was_live=was_live, now=time.monotonic())
                    ever_live = self._first_live.when() is None
                    state = LineState.RECONNECTING if ever_live else LineState.CONNECTING
                    self._parts.board.turn(state, why=str(failure))
                    await asyncio.sleep(wait)
        except TimeoutError:
            raise self._never_live(failure) from None

    async def _connect(self) -> tuple[ConnectionFailed, bool]:
        """One attempt and, if it succeeds, one socket's whole life: why it ended, and whether it had been live."""
        parts = self._parts
        parts.supervisor.attempt(time.monotonic())
        try:
            line = await parts.opener.open()
        except ConnectionFailed as exc:
            return exc, False
        finally:
            parts.board.version = parts.opener.version
        self.connection += 1
        serving = Serving(line, parts, self._became_live)
        self.line, self.serving = line, serving
        parts.board.turn(LineState.SYNCING)
        try:
            failure = await serving.run()
        finally:
            self.line = self.serving = None
        if serving.live and not self.closing:
            parts.board.line_down(serving.quiet_since(failure))
        self._on_lost()
        return failure, serving.live

    def _became_live(self) -> None:
        if self._first_live is not None and self._first_live.when() is not None:
            self._first_live.reschedule(None)
        self._on_live()

    def _never_live(self, failure: ConnectionFailed | None) -> ConnectionFailed:
        """What to raise when ``open_timeout`` has passed: the plain cause if there is one."""
        if isinstance(failure, Unreachable | OpenTimeout):
            return failure
        return OpenTimeout(
            f"The line to {self._parts.endpoint.authority} was not live within {self._open_timeout:g} s.",
            hint=str(failure) if failure else "Is this the PBX's web port? Is it overloaded?",
        )
