"""The loop an embedded PBX runs on, and how any thread does something there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from pbxnb.arguments import check_number
from pbxnb.errors import SimulatorError
from pbxnb.forks import SENTENCE, end_in_child

from .server.http import SimServer

__all__ = ["OwnLoop"]

T = TypeVar("T")


class OwnLoop:
    """The server's loop.

    Attributes:
        loop: None until the server is opened there.
        closed: the server has stopped, or is about to.
    """

    def __init__(self, server: SimServer) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.closed: bool = False
        self._server = server
        self._why = "The simulator is closed."
        end_in_child(self)

    def forked(self) -> None:
        """In a forked child: it runs in the parent."""
        self.closed, self._why = True, f"The simulator is closed: {SENTENCE}"

    @property
    def here(self) -> bool:
        """True on that loop."""
        try:
            return asyncio.get_running_loop() is self.loop
        except RuntimeError:
            return False

    def run(self, act: Callable[[], T]) -> T:
        """As `Simulator.run`."""

        async def there() -> T:
            return self._server.do(act)

        if self._open().here:
            return self._server.do(act)
        return self._wait_for(there, self._server.timing.answer)

    def advance(self, seconds: float) -> None:
        """As `Simulator.advance`."""
        check_number("seconds", seconds, error=SimulatorError)
        if self._open().here:
            self._server.do(lambda: self._server.skip(seconds))
        else:
            self._wait_for(lambda: self._server.skip_together(seconds))

    def _open(self) -> OwnLoop:
        if self.closed or self.loop is None:
            raise self._over()
        return self

    def _wait_for(self, there: Callable[[], Coroutine[Any, Any, T]], timeout: float | None = None) -> T:
        """Let a coroutine run on the loop, and wait for it in this thread."""
        assert self.loop is not None
        coroutine = there()
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)
        except (RuntimeError, CancelledError) as error:
            coroutine.close()
            raise self._over() from error

    def _over(self) -> SimulatorError:
        return SimulatorError(self._why, hint="Start a new one.")
