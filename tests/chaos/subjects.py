"""The line under test, as a `Client` on the test's loop and as a `Pbx` on threads of its own, and all that it says."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import pbxnb
from pbxnb.client import Client, Timing
from pbxnb.errors import PbxError
from pbxnb.model.changes import Changes, Event
from pbxnb.model.entities import CallRecord, Gap, Snapshot, Status
from pbxnb.protocol.commands import plan

__all__ = ["OPTIONS", "PING", "Journal", "OnLoop", "OnThreads", "Subject", "timing"]

PING = 0.25  # seconds
OPTIONS: dict[str, Any] = {"ping_interval": PING, "ping_timeout": PING, "open_timeout": 3.0, "keepalive": 0.1}


def timing(refused_for: float) -> Timing:
    """The same rules on a clock on which a back-off takes milliseconds."""
    return Timing(
        ask_after=0.1,
        rest_after=0.1,
        live_after=0.6,
        stable_after=0.1,
        backoff_base=0.01,
        backoff_cap=0.05,
        restart_within=0.02,
        attempts=50,
        attempts_within=0.5,
        refused_for=refused_for,
        close_timeout=0.2,
        tick=0.05,
        catch_up=0.1,
        read_every=0.2,
        read_gap=0.05,
    )


class Journal:
    """Keeps what a client says, checks that calls begin and end once, and wakes who waits.

    Attributes:
        live: when the line became live on a new socket, seconds of the wall clock.
        again: the same, and when a silence was over.
        calls: kind and call of every event of a call, in order.
        wrong: breaches, as sentences.
    """

    def __init__(self) -> None:
        self.live: list[float] = []
        self.again: list[float] = []
        self.states: list[str] = []
        self.whys: list[str] = []
        self.wrong: list[str] = []
        self.calls: list[tuple[str, str]] = []
        self._open: set[str] | None = None
        self._loop = asyncio.get_running_loop()
        self._moved = asyncio.Event()

    def listen(self, client: Client) -> None:
        self._client = client
        client.on_changes.add(self._changes)
        client.on_event.add(self._event)
        client.on_status.add(self._status)

    def poke(self) -> None:
        self._loop.call_soon_threadsafe(self._moved.set)

    async def until(self, predicate: Callable[[], Any], what: str, timeout: float = 20.0) -> None:
        """Wait until it holds; tried whenever the client says something."""
        try:
            async with asyncio.timeout(timeout):
                while not predicate():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            raise AssertionError(f"not within {timeout:g} s: {what}; {self._client.status}") from None

    def _status(self, status: Status) -> None:
        if status.state == "live" and self.states[-1:] != ["live"]:
            self.again.append(time.time())
            if self.states[-1:] != ["stale"]:
                self.live.append(self.again[-1])
        self.whys.append(status.why)
        self.states.append(status.state.value)  # last: whoever waits in another thread looks at this
        self.poke()

    def _changes(self, changes: Changes) -> None:
        if self._open is None:  # the first snapshot, which is no news
            self._open = set(self._client.store.calls)

    def _event(self, event: Event) -> None:
        if event.kind.startswith("call.") and event.call is not None:
            key = event.call.id
            self.calls.append((event.kind, key))
            if self._open is None:
                self.wrong.append(f"{event.kind} of {key} before the line was live")
            elif event.kind == "call.new":
                if key in self._open:
                    self.wrong.append(f"call {key} began twice")
                self._open.add(key)
            elif event.kind == "call.ended":
                if key not in self._open:
                    self.wrong.append(f"call {key} ended and was not open")
                self._open.discard(key)
            elif key not in self._open:
                self.wrong.append(f"call {key} changed and was not open")
        self.poke()

    def finish(self) -> None:
        """The line is closed: what began and has not ended has to be what is open."""
        if self._open is not None and self._open != set(self._client.store.calls):
            self.wrong.append(
                f"open by the events {sorted(self._open)}, by the model {sorted(self._client.store.calls)}"
            )


class Subject(Protocol):
    """What a sequence does with a line."""

    journal: Journal

    async def start(self) -> PbxError | None:
        """Connect, or after a refusal connect again, and wait until live; or what prevented it."""

    async def ended(self) -> PbxError | None:
        """Wait until it has ended; what ended it."""

    async def command(self, name: str, *args: str) -> Any:
        """Its outcome."""

    def model(self) -> Snapshot: ...

    def closed(self) -> tuple[CallRecord, ...]: ...

    def gaps(self) -> tuple[Gap, ...]: ...

    async def close(self) -> None: ...


class OnLoop:
    """A `Client` on the loop that runs."""

    def __init__(self, url: str, refused_for: float, **options: Any) -> None:
        self.journal = Journal()
        self.client = Client(url, timing=timing(refused_for), **OPTIONS, **options)
        self.journal.listen(self.client)
        self.client.keep_read(True, True)  # as a panel does: REST goes on beside the frames
        self._run: asyncio.Task[None] | None = None

    async def start(self) -> PbxError | None:
        self._run = asyncio.ensure_future(self.client.run())
        self._run.add_done_callback(self._ended)
        await asyncio.sleep(0)  # it begins anew in there
        try:
            async with asyncio.timeout(20):
                await self.client.wait_live()
        except PbxError as exc:
            return exc
        return None

    def _ended(self, run: asyncio.Task[None]) -> None:
        run.cancelled() or run.exception()
        self.journal.poke()

    async def ended(self) -> PbxError | None:
        assert self._run is not None
        try:
            await asyncio.shield(self._run)
        except PbxError as exc:
            return exc
        return None

    async def command(self, name: str, *args: str) -> Any:
        return await self.client.execute(plan(name, *args, context=self.client.context()), 1.0)

    def model(self) -> Snapshot:
        return self.client.store.snapshot(self.client.now())

    def closed(self) -> tuple[CallRecord, ...]:
        return self.client.store.closed_calls()

    def gaps(self) -> tuple[Gap, ...]:
        return self.client.status.gaps

    async def close(self) -> None:
        await self.client.aclose()
        if self._run is not None:
            await asyncio.wait([self._run], timeout=5)
            assert self._run.done(), "the client runs on after its end"
            self._run.exception()


WATCHED: dict[str, tuple[Journal, float]] = {}
"""Who is told by the client that is made for a URL, and how soon that believes in a refusal."""


def watched_client(url: str, **options: Any) -> Client:
    """In the place of `Client` for `pbxnb.connect`, which takes no constants of time."""
    journal, refused_for = WATCHED[url.rstrip("/")]
    client = Client(url, timing=timing(refused_for), **options)
    journal.listen(client)
    return client


class OnThreads:
    """A `Pbx` by `pbxnb.connect`, with a handler and a wait that last as long as it does."""

    def __init__(self, url: str, refused_for: float, **options: Any) -> None:
        self.journal = Journal()
        self._options = {"url": url, **OPTIONS, **options}
        self._pbx: pbxnb.Pbx | None = None
        self._handled: list[tuple[str, str]] = []
        WATCHED[url.rstrip("/")] = (self.journal, refused_for)

    async def start(self) -> PbxError | None:
        try:
            if self._pbx is None:
                self._pbx = pbx = pbxnb.connect(control=True, name=threading.current_thread().name, **self._options)
                pbx.on("call.*", self._handle)
                pbx._line.keep_read(True, True)
            else:
                self._pbx.reconnect()
            self._over = self._pbx.until(lambda _: False)
            async with asyncio.timeout(20):
                await self._pbx
        except PbxError as exc:
            return exc
        return None

    def _handle(self, event: Event) -> None:
        assert event.call is not None
        self._handled.append((event.kind, event.call.id))

    async def ended(self) -> PbxError | None:
        assert self._pbx is not None
        try:
            await self._over
        except PbxError:
            await self._pbx._line.gone()
        try:
            await self._pbx
        except PbxError as exc:
            return exc
        return None

    async def command(self, name: str, *args: str) -> Any:
        assert self._pbx is not None
        return await getattr(self._pbx, name)(*args, deadline=1.0)

    def model(self) -> Snapshot:
        assert self._pbx is not None
        return self._pbx.snapshot()

    def closed(self) -> tuple[CallRecord, ...]:
        assert self._pbx is not None
        return self._pbx.closed_calls()

    def gaps(self) -> tuple[Gap, ...]:
        assert self._pbx is not None
        return self._pbx.status.gaps

    async def close(self) -> None:
        assert self._pbx is not None
        async with asyncio.timeout(5):
            await self._pbx.aclose()
        if self._handled != self.journal.calls:
            self.journal.wrong.append(
                f"handlers got {len(self._handled)} events of {len(self.journal.calls)}, or not so"
            )
