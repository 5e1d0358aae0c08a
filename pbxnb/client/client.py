"""The client: one PBX line kept alive, one model kept true. Plain asyncio; knows no thread, no notebook, no picture."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import datetime
from functools import partial
from typing import Any, Final, Self

from pbxnb.arguments import check_number, forget_arguments
from pbxnb.errors import ConnectionFailed, HandleClosed, OpenTimeout, PbxError, Refused, Unreachable, no_copy
from pbxnb.model.changes import Changes, Event, Frame
from pbxnb.model.clock import Clock
from pbxnb.model.entities import LineState, Status
from pbxnb.model.kept.inputs import Input
from pbxnb.model.store import Store
from pbxnb.protocol.commands import CallRef, Context, Plan
from pbxnb.protocol.coverage import Coverage
from pbxnb.signals import Assignable, Signal
from pbxnb.text import clean_logger

from .commands import Commander, Outcome, call_ref
from .connection import Access, Connection, Frames
from .endpoint import Endpoint
from .logins import resolve_login
from .rest import Rest
from .rest_state import RestReader
from .status import LineStatus, utc_now
from .supervisor import Supervisor
from .timing import Timing
from .tls import Trust
from .writing.sync import Arrival, Dialect
from .writing.writer import Intake, ModelWriter

__all__ = ["Client"]

_LOG = clean_logger("pbxnb.client")
_ENDED = (LineState.REFUSED, LineState.CLOSED)


class Client:
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
        memory: bytes that ended calls and intervals of presence may take; the oldest go first, counted.
        proxy: None (none for a private address, else the environment's), False, True, or a URL.
        lock: held while the model is written, for readers in other threads.
        now: stamps what the model learns: the kernel's clock, or an embedded PBX's; frames have the kernel's always.
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
        rest: gives the REST client, with a login that is young enough.
        on_event: gets every `Event`, messages and connection included.
        on_changes: gets every `Changes` that is not empty, before its events.
        on_frame: gets every `Frame`, both directions, at the moment it passes.
        on_input: gets every `Input` of the model before it is applied: what a recording keeps.
        on_status: gets the `Status` at every change of the line's state.

    The five are signals: ``client.on_event.add(fn)`` adds a listener and returns its stop, ``client.on_event = fn``
    sets one. Listeners run on the client's loop and must be quick; one that fails is logged.

    Example:
        >>> login = pbxnb.Password()  # from PBXNB_PASSWORD
        >>> async with Client("wss://pbx.example.com", domain="acme.example", user="45", login=login) as client:
        ...     print("45" in client.store.accounts)
        True
    """

    on_event: Final = Assignable[Event]()
    on_changes: Final = Assignable[Changes]()
    on_frame: Final = Assignable[Frame]()
    on_input: Final = Assignable[Input]()
    on_status: Final = Assignable[Status]()

    __reduce__: Any = no_copy

    @forget_arguments
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
        memory: int = 512 * 2**20,
        lock: AbstractContextManager[object] | None = None,
        now: Callable[[], datetime] = utc_now,
        clock: Clock | None = None,
        timing: Timing | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._timing = timing or Timing()
        self.endpoint: Final = Endpoint.parse(url, domain, user)
        for name, seconds in (("open_timeout", open_timeout), ("ping_interval", ping_interval)):
            check_number(name, seconds, above=True)
        for name, seconds in (("keepalive", keepalive), ("ping_timeout", ping_timeout)):
            check_number(name, seconds)
        check_number("max_size", max_size, above=True, whole=True)
        trust = Trust(tls, self.endpoint)
        self.coverage: Final = Coverage()
        self.now: Final = now
        self.store: Final = Store(domain=self.endpoint.domain, user=self.endpoint.user, clock=clock, memory=memory)
        self._on_event: Signal[Event] = Signal()
        self._on_changes: Signal[Changes] = Signal()
        self._on_frame: Signal[Frame] = Signal()
        self._on_input: Signal[Input] = Signal()
        self._on_status: Signal[Status] = Signal()
        self._open_timeout = open_timeout
        self._intake = Intake(self._on_input, None if now is utc_now else now)
        lock = lock or nullcontext()
        self._writer = ModelWriter(self.store, lock, self._intake, self._on_event, self._on_changes, self._applied)
        self._rest = Rest(self.endpoint, trust, proxy=proxy, timeout=open_timeout, clock=self.store.clock)
        self._rest.on_date = self._writer.read_date
        self._access = Access(
            self.endpoint,
            resolve_login(login, self.endpoint.account),
            trust,
            self._rest,
            asked_dialect=dialect,
            open_timeout=open_timeout,
            max_size=max_size,
            timing=self._timing,
        )
        self._status = LineStatus(self._on_event, self._on_status, now)
        self._reader = RestReader(self._access.rest, self.endpoint, self.store, self._writer.put, self._timing, now)
        self._commander = Commander(self.store, self.send, self._access.rest, self._reader, self._timing.read_gap, now)
        self._supervisor = Supervisor(self._timing, jitter, max_size=max_size, login=self._access.login_kind)
        self._connection: Connection | None = None
        self._behind: tuple[str, ...] = ()  # of the model, as the status says it
        self._new_connection = partial(
            Connection,
            access=self._access,
            frames=Frames(self._on_frame, self.coverage, max_size, self._intake),
            writer=self._writer,
            reader=self._reader,
            status=self._status,
            timing=self._timing,
            now=now,
            keepalive=keepalive,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            on_live=self._became_live,
            on_stable=self._supervisor.stable,
        )
        self._first_live: asyncio.Timeout | None = None  # runs until the first live
        self._down = LineState.CONNECTING  # how a line that is down is called: after the first live, reconnecting
        self._try_now, self._settled = asyncio.Event(), asyncio.Event()  # the second: live, or ended
        self._closing = False
        self.rest: Final = self._access.rest
        self._work: asyncio.Task[None] | None = None
        self._background: asyncio.Task[None] | None = None
        self._error: Exception | None = None

    # What can be asked at any time

    @property
    def status(self) -> Status:
        """The line, now."""
        return self._status.status

    @property
    def dialect(self) -> Dialect:
        """The vocabulary the PBX is spoken to in."""
        return self._access.dialect

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
        return call_ref(self.store, id)

    def keep_read(self, queues: bool, orbits: bool) -> Callable[[], None]:
        """Read queues or orbits regularly by REST until the function returned is called."""
        return self._reader.keep(queues, orbits)

    # Life

    async def run(self) -> None:
        """Connect and stay connected, until closed. May be called again, on any loop, after a failure ended it.

        Raises:
            PbxError: before the first live, what prevented it; later, the refusal that ended it.
        """
        if self._closing or (self._work is not None and not self._work.done()):
            raise HandleClosed("A client runs once, and is closed once.", hint="Make a new one.")
        if self._work is not None:
            self._error, self._settled, self._try_now = None, asyncio.Event(), asyncio.Event()
            self._status.turn(self._down)
        self._work = asyncio.ensure_future(self._stay_connected())
        try:
            await self._work
        except PbxError as exc:
            self._end(LineState.REFUSED if isinstance(exc, Refused) else LineState.CLOSED, exc)
            raise
        except asyncio.CancelledError:
            if not self._closing:
                raise
        except Exception as exc:  # a fault of ours: whoever waits must get it rather than wait for ever
            _LOG.exception("The line ended by a fault in pbxnb; please report it.")
            fault = PbxError("A fault in pbxnb ended the line.", hint="The log has the traceback; please report it.")
            self._end(LineState.CLOSED, fault)
            raise fault from exc
        finally:
            await self._rest.aclose()
            self._end(LineState.CLOSED, None)

    def reconnect(self) -> None:
        """Try again at once, where the next attempt waits for its time; on the loop."""
        self._try_now.set()

    async def start(self) -> None:
        """Run in the background and wait until live; raises what went wrong."""
        self._background = asyncio.ensure_future(self.run())
        self._background.add_done_callback(lambda task: task.cancelled() or task.exception())  # wait_live raises it
        try:
            await asyncio.sleep(0)  # a run that is not the first begins anew in there
            await self.wait_live()
        except BaseException:
            await self.aclose()
            raise

    async def wait_live(self) -> None:
        """Wait until the line is live; raises what ended it instead."""
        await self._settled.wait()
        if self._status.current.state in _ENDED:
            raise self._error or HandleClosed("The client is closed.", hint="Make a new one.")

    async def aclose(self) -> None:
        """Say goodbye to the PBX and stop; idempotent."""
        self._closing = True
        if self._connection is not None:
            await self._connection.close()
        for task in (self._work, self._background):
            if task is not None and task is not asyncio.current_task():
                task.cancel()
                await asyncio.wait([task])
        await self._rest.aclose()
        self._end(LineState.CLOSED, None)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
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
        if self._connection is None:
            self._check_open()
            raise Unreachable("The line is down.", hint="It is being set up again; see the status.")
        await self._connection.send(frame)

    def _check_open(self) -> None:
        if self._status.current.state in _ENDED:
            raise HandleClosed("The line is closed; nothing was sent.", hint="Connect again.")

    # One connection after another

    async def _stay_connected(self) -> None:
        """Connect again after every end.

        Raises:
            ConnectionFailed: a refusal, or what prevented the first live within ``open_timeout``.
        """
        failure: ConnectionFailed | None = None
        try:
            limit = self._open_timeout if self._down is LineState.CONNECTING else None
            async with asyncio.timeout(limit) as self._first_live:
                while True:
                    failure, was_live = await self._connect()
                    if self._closing:
                        return
                    wait = self._supervisor.wait(failure, was_live=was_live, now=time.monotonic())
                    self._status.turn(self._down, why=str(failure))
                    self._try_now.clear()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(wait):
                            await self._try_now.wait()
        except TimeoutError:
            if isinstance(failure, Unreachable | OpenTimeout):
                raise failure from None
            raise OpenTimeout(
                f"The line to {self.endpoint.authority} was not live within {self._open_timeout:g} s.",
                hint=str(failure) if failure else "Is this the PBX's web port? Is it overloaded?",
            ) from None

    async def _connect(self) -> tuple[ConnectionFailed, bool]:
        """One attempt and, if it succeeds, one socket's whole life: why it ended, and whether it had been live."""
        self._supervisor.attempt(time.monotonic())
        try:
            line = await self._access.open()
        except ConnectionFailed as exc:
            return exc, False
        finally:
            self._status.version = self._rest.version
        self._intake.opened(self.now(), self._rest.version)
        connection = self._connection = self._new_connection(line)
        self._status.turn(LineState.SYNCING)
        failure: ConnectionFailed | None = None
        try:
            failure = await connection.run()
        finally:
            self._connection, dropped = None, connection.live and not self._closing
            why = "" if self._closing else str(failure or "")
            self._intake.lost(self.now(), connection.last_sign.at if dropped else None, why)
        if dropped:
            self._status.line_down(connection.last_sign)
        self._settled.clear()
        self._commander.line_lost()
        return failure, connection.live

    def _became_live(self) -> None:
        self._down = LineState.RECONNECTING
        if self._first_live is not None:
            self._first_live.reschedule(None)
        self._settled.set()

    def _end(self, state: LineState, error: Exception | None) -> None:
        """Nothing comes after this."""
        if self._status.current.state not in _ENDED:
            self._error = error
            self._commander.line_lost()
            self._status.turn(state, why=str(error) if error else "", failed=error is not None)
        self._settled.set()

    def _applied(self, changes: Changes, arrival: Arrival | None) -> None:
        """After the model moved: what else that means."""
        if self._commander.waiting:
            self._commander.moved(changes, arrival)
        self._reader.moved(changes, arrival)
        line = self._status.current
        if line.state is LineState.LIVE and (line.missing, self._behind) != (self._writer.missing, self._writer.behind):
            self._behind = self._writer.behind
            self._status.live(self._writer.missing, self._behind)
        if changes.ask_again and self._connection is not None:
            self._connection.check_accounts()
