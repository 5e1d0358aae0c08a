"""The client: one PBX line kept alive, one model kept true. Plain asyncio; knows no thread, no notebook, no picture.

Every frame, in or out, passes `Client._pass`, which numbers it and stamps it: the seam for a journal.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, Self

import msgspec

from pbxnb.arguments import check_number
from pbxnb.errors import (
    BadCommand,
    HandleClosed,
    PbxError,
    Refused,
    Unreachable,
)
from pbxnb.model.changes import Changes
from pbxnb.model.clock import Clock
from pbxnb.model.entities import Orbit, Queue
from pbxnb.model.frames import Frame
from pbxnb.model.status import LineState, Status
from pbxnb.model.store import Store
from pbxnb.protocol.commands import CallRef, Context, Effect, Plan
from pbxnb.protocol.coverage import Coverage
from pbxnb.protocol.decode import decode
from pbxnb.protocol.messages import Message, UserState

from .board import Board, Listeners, nobody, tell, utc_now
from .commander import Commander, Outcome
from .endpoint import Endpoint
from .feed import Feed
from .life import Life
from .logins import resolve_login
from .opener import Opener
from .rest import Rest
from .rest_state import RestReader
from .serving import Parts
from .supervisor import Supervisor
from .sync import Arrival, Dialect
from .timing import Timing
from .tls import Trust

__all__ = ["Client"]

_LOG = logging.getLogger("pbxnb.client")
_ENDED = (LineState.REFUSED, LineState.CLOSED)


class Client(Listeners):
    """A live line to one PBX and the model of what it said.

    Args:
        url: ``ws://host[:port]``, ``wss://host[:port]``, or the full ``/websocket`` URL.
        domain: the tenant; may stand in the URL instead.
        user: the extension whose view it is; likewise.
        login: None, `Password`, `AdminToken`, `Session`, or ``"ask"`` (a hidden prompt, now, in this thread).
        dialect: ``"auto"``, ``"modern"`` or ``"2016"``.
        tls: None (system trust), a certificate's path, `Pin`, an ``ssl.SSLContext``, or ``"insecure"``.
        keepalive: seconds between ``avoid-disconnect``; 0 for none.
        open_timeout: seconds for the first *live*, and later for each attempt.
        ping_interval: seconds between pings.
        ping_timeout: seconds a pong may take.
        max_size: bytes of the largest frame accepted.
        proxy: None (none for a private address, else the environment's), False, True, or a URL.
        lock: held while the model is written, for readers in other threads.
        now: stamps what the model learns; the kernel's clock, or that of an embedded PBX whose time has its own speed.
            Frames are always stamped by the kernel's.
        clock: puts a moment of ``now`` on the PBX's clock; learned from what the PBX says unless given.
        timing: the constants of the line's behaviour.
        jitter: gives numbers from 0 to 1 for the back-off.

    Raises:
        ConfigError: an argument cannot be used.

    Attributes:
        endpoint: where and as whom.
        store: the model; written only by the client.
        coverage: which actions, fields and values came.
        now: the clock that stamps what the model learns.

    Example:
        >>> async with Client("ws://127.0.0.1:8080", domain="acme.example", user="45") as client:
        ...     print(len(client.store.accounts))
    """

    def __init__(
        self,
        url: str,
        *,
        domain: str | None = None,
        user: str | None = None,
        login: object = None,
        dialect: str = "auto",
        tls: object = None,
        keepalive: float = 30.0,
        open_timeout: float = 10.0,
        ping_interval: float = 20.0,
        ping_timeout: float = 20.0,
        max_size: int = 64 * 2**20,
        proxy: str | bool | None = None,
        lock: AbstractContextManager[object] | None = None,
        now: Callable[[], datetime] = utc_now,
        clock: Clock | None = None,
        timing: Timing | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        super().__init__()
        timing = timing or Timing()
        self.endpoint = Endpoint.parse(url, domain, user)
        for name, seconds in (("open_timeout", open_timeout), ("ping_interval", ping_interval)):
            check_number(name, seconds, above=True)
        for name, seconds in (("keepalive", keepalive), ("ping_timeout", ping_timeout)):
            check_number(name, seconds)
        check_number("max_size", max_size, above=True, whole=True)
        trust = Trust(tls, self.endpoint)
        self.coverage = Coverage()
        self.store = Store(domain=self.endpoint.domain, user=self.endpoint.user, clock=clock)
        self._max_size = max_size
        self._rest = Rest(self.endpoint, trust, proxy=proxy, timeout=open_timeout, clock=self.store.clock)
        self._opener = Opener(
            self.endpoint,
            resolve_login(login, self.endpoint.account),
            trust,
            self._rest,
            asked_dialect=dialect,
            open_timeout=open_timeout,
            max_size=max_size,
            timing=timing,
        )
        self.now = now
        self._board = Board(self, now)
        self._feed = Feed(self.store, self, lock or nullcontext(), self._heard)
        self._reader = RestReader(self._opener.rest, self.endpoint, self.store, self._put, timing, now)
        self._commander = Commander(self.store, self.send, self._opener.rest, self._look, timing.read_gap, now)
        parts = Parts(
            endpoint=self.endpoint,
            store=self.store,
            feed=self._feed,
            board=self._board,
            reader=self._reader,
            opener=self._opener,
            supervisor=Supervisor(timing, jitter, max_size=max_size, login=self._opener.login_kind),
            timing=timing,
            now=now,
            keepalive=keepalive,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            arrived=self._arrived,
            send=self.send,
        )
        self._life = Life(parts, open_timeout=open_timeout, on_live=self._became_live, on_lost=self._lost)
        self._seq = 0
        self._work: asyncio.Task[None] | None = None
        self._background: asyncio.Task[None] | None = None
        self._error: Exception | None = None
        self._settled = asyncio.Event()  # live, or ended

    # What can be asked at any time

    @property
    def status(self) -> Status:
        """The line, now."""
        return self._board.status

    @property
    def dialect(self) -> Dialect:
        """The vocabulary the PBX is spoken to in."""
        return self._opener.dialect

    @property
    def clock_offset(self) -> float:
        """Seconds to add to our time to get the PBX's, within a second; 0 while the PBX has not told."""
        return self.store.clock.offset

    def context(self, account: str = "") -> Context:
        """What the planner of commands needs to know of this line.

        Args:
            account: the extension that acts; ours without one.
        """
        return Context(domain=self.endpoint.domain, user=self.endpoint.user, dialect=self.dialect, account=account)

    def call_ref(self, id: str) -> CallRef:  # noqa: A002 - the field's name everywhere
        """What a command needs to know of a call.

        Raises:
            BadCommand: there is no such call now.
        """
        call = self.store.calls.get(id)
        if call is None:
            raise BadCommand(f"There is no call {id!r} now.", hint="It may have ended; look at the calls.", call=id)
        return CallRef(id=call.id, from_=call.from_, to=call.to, extensions=call.extensions, state=call.state.value)

    def keep_read(self, queues: bool, orbits: bool) -> Callable[[], None]:
        """Read queues or orbits regularly by REST until the function returned is called."""
        return self._reader.keep(queues, orbits)

    # Life

    async def run(self) -> None:
        """Connect and stay connected, until closed.

        Raises:
            PbxError: before the first live, what prevented it; later, the refusal that ended it.
        """
        if self._work is not None or self._life.closing:
            raise HandleClosed("A client runs once.", hint="Make a new one.")
        self._work = asyncio.ensure_future(self._life.run())
        try:
            await self._work
        except PbxError as exc:
            self._end(LineState.REFUSED if isinstance(exc, Refused) else LineState.CLOSED, exc)
            raise
        except asyncio.CancelledError:
            if not self._life.closing:
                raise
        except Exception as exc:  # a fault of ours: whoever waits must get it rather than wait for ever
            _LOG.exception("The line ended by a fault in pbxnb; please report it.")
            self._end(LineState.CLOSED, exc)
            raise
        finally:
            await self._rest.aclose()
            self._end(LineState.CLOSED, None)

    async def start(self) -> None:
        """Run in the background and wait until live; raises what went wrong."""
        self._background = asyncio.ensure_future(self.run())
        self._background.add_done_callback(_note_exception)
        try:
            await self.wait_live()
        except BaseException:
            await self.aclose()
            raise

    async def wait_live(self) -> None:
        """Wait until the line is live; raises what ended it instead."""
        await self._settled.wait()
        if self._board.state in _ENDED:
            raise self._error or HandleClosed("The client is closed.", hint="Make a new one.")

    async def aclose(self) -> None:
        """Say goodbye to the PBX and stop; idempotent."""
        self._life.closing = True
        if self._life.line is not None:
            await self._life.line.close()
        for task in (self._work, self._background):
            if task is not None and task is not asyncio.current_task():
                task.cancel()
                await asyncio.wait([task])
        await self._rest.aclose()
        self._end(LineState.CLOSED, None)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    # Out

    async def execute(self, plan: Plan, deadline: float | None = None) -> Outcome:
        """Send a command once and wait for what becomes of it.

        Args:
            plan: made by `pbxnb.protocol.commands.plan` with this client's `context`.
            deadline: seconds to wait for its effect; without one the plan's own.

        Raises:
            HandleClosed: the client has ended.
        """
        self._check_open()
        return await self._commander.execute(plan, deadline)

    async def send(self, frame: dict[str, Any]) -> None:
        """Put one frame on the line.

        Raises:
            ConnectionFailed: there is no line now.
            HandleClosed: there will be none any more.
        """
        line = self._life.line
        if line is None:
            self._check_open()
            raise Unreachable("The line is down.", hint="It is being set up again; see the status.")
        text = msgspec.json.encode(frame).decode()
        self._pass("out", text, None)
        await line.send(text)

    def _check_open(self) -> None:
        if self._board.state in _ENDED:
            raise HandleClosed("The line is closed; nothing was sent.", hint="Connect again.")

    # The one place

    def _pass(self, direction: Literal["in", "out"], raw: bytes | str, message: Message | None) -> int:
        """Number and stamp a frame, and show it: every frame of this client goes through here, at once."""
        self._seq = seq = self._seq + 1
        if self.on_frame is not nobody:
            text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
            now, mono, connection = datetime.now(UTC), time.monotonic(), self._life.connection
            tell(self.on_frame, Frame(seq, direction, now, mono, connection, text, message))
        return seq

    def _arrived(self, raw: bytes) -> None:
        """A frame came: decode it, pass it, count it, and apply it or let it wait for the snapshot."""
        message = decode(raw, max_size=self._max_size)
        seq = self._pass("in", raw, message)
        received = self._board.last_message_at = self.now()
        self.coverage.add(message)
        if self._feed.take(Arrival(message, received, seq)) and self._life.serving is not None:
            self._life.serving.go_live()

    def _heard(self, changes: Changes, arrival: Arrival | None) -> None:
        """After the model moved: who else cares."""
        self._commander.heard(changes, arrival)
        if changes.calls:
            self._reader.heard(changes)
        if self._feed.missing != self._board.missing and self._board.state is LineState.LIVE:
            self._board.live(self._feed.missing)
        if changes.ask_again and self._life.serving is not None:
            self._life.serving.ask_again()
        if arrival is not None and isinstance(arrival.message, UserState) and arrival.message.entry.type == "acds":
            self._reader.queue(arrival.message.entry.account)

    def _put(self, value: Queue | Orbit) -> None:
        self._feed.put(value, self.now())

    def _look(self, plan: Plan) -> None:
        """A command waits for an effect that REST alone may show."""
        if plan.effect is Effect.QUEUE_LOGIN:
            self._reader.queue(plan.to)
        elif plan.effect is Effect.PARKED or plan.name == "retrieve":
            self._reader.orbits()

    # Between connections

    def _became_live(self) -> None:
        self._settled.set()

    def _lost(self) -> None:
        self._settled.clear()
        self._commander.line_lost()

    def _end(self, state: LineState, error: Exception | None) -> None:
        """Nothing comes after this."""
        if self._board.state not in _ENDED:
            self._error = error
            self._commander.line_lost()
            self._board.turn(state, why=str(error) if error else "")
        self._settled.set()


def _note_exception(task: asyncio.Task[None]) -> None:
    """Read a background failure: `Client.wait_live` has told it, so the loop need not."""
    if not task.cancelled():
        task.exception()
