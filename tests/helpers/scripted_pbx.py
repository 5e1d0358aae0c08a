"""The tests' PBX in a thread of its own, for handles that block: it says only what a test tells it to say.

It knows no login: it answers REST with 404 and every upgrade with a socket, so it serves handles without a login.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, Self

from pbxnb.loops import LoopThread
from tests.helpers.fault_server import DOMAIN, USER, FaultServer, Script, account, healthy


class ScriptedPbx(FaultServer):
    """Use as a context manager; `url` and `arguments` are what `pbxnb.connect` takes.

    Args:
        accounts: numbers of its extensions.
        script: what it does on every socket, one of the faults of `fault_server`.
        refuse: HTTP status to answer every upgrade with.
        heartbeat: seconds between the server's pings; a pong may take half of that before it drops the connection.
    """

    def __init__(
        self,
        accounts: Iterable[str] = ("45", "46", "204"),
        *,
        script: Script = healthy,
        refuse: int | None = None,
        heartbeat: float | None = None,
    ) -> None:
        super().__init__(script, heartbeat=heartbeat)
        self.accounts = [account(number) for number in accounts]
        self.refuse_upgrade = refuse
        self._changed = threading.Condition()
        self._stop = asyncio.Event()
        self._ready: Future[None] = Future()
        self._thread = LoopThread(self._run, "scripted-pbx")

    @property
    def arguments(self) -> dict[str, str]:
        return {"url": self.url, "domain": DOMAIN, "user": USER}

    @property
    def received(self) -> list[dict[str, Any]]:
        return [frame for peer in self.peers for frame in peer.frames]

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.result(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.call(self._stop.set)
        assert self._thread.join(10)

    def say(self, frame: dict[str, Any]) -> None:
        """Send a frame to everyone connected."""
        self._thread.submit(lambda: self._say(json.dumps(frame))).result(10)

    def say_calls(self, *calls: dict[str, Any]) -> None:
        """Send the whole list of calls."""
        self.calls = list(calls)
        self.say({"action": "call-state", "calls": self.calls})

    def drop(self, code: int = 1001) -> None:
        """Close every connection."""

        async def close() -> None:
            for peer in list(self.open):
                await peer.socket.close(code=code)

        self._thread.submit(close).result(10)

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

        return self._thread.submit(run)

    def wait(self, test: Callable[[ScriptedPbx], Any], timeout: float = 10.0) -> Any:
        """Wait until ``test(self)`` is true."""
        with self._changed:
            assert self._changed.wait_for(lambda: test(self), timeout), (self.upgrades, self.closed, self.received)
        return test(self)

    def moved(self) -> None:
        """Who waits for it is in another thread."""
        with self._changed:
            self._changed.notify_all()

    async def _run(self) -> None:
        async with self:
            self._ready.set_result(None)
            await self._stop.wait()

    async def _say(self, text: str) -> None:
        for peer in list(self.open):
            with contextlib.suppress(ConnectionError):  # who is just leaving hears nothing more
                await peer.socket.send_str(text)
