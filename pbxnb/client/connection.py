"""One connection, from the first question to its last frame: open, bootstrap, read, ping, live.

`Access` opens the socket, after the same steps before every connection; `Connection` is that socket's life: its tasks
live and die together. Every frame, in or out, passes `Frames`, which numbers and stamps it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from pbxnb.errors import ConnectionFailed, LoginRefused, OpenTimeout, PbxError, UpgradeRefused, without_frames
from pbxnb.model.changes import Frame
from pbxnb.model.store import Scope
from pbxnb.protocol.coverage import Coverage
from pbxnb.protocol.decode import decode
from pbxnb.protocol.messages import Malformed
from pbxnb.protocol.raw import HEAD, LARGE
from pbxnb.signals import Signal
from pbxnb.text import clean_logger

from .endpoint import Endpoint
from .keepalive import Pulse, repeat
from .logins import Login
from .rest import Rest
from .rest_state import RestReader, read_accounts
from .status import LastSign, LineStatus, utc_now
from .timing import Timing
from .tls import Trust
from .transport import Line, LineLost, Loss, dial
from .writing.sync import GET_ALL, KEEPALIVE, Arrival, Dialect, dialect_of, opening_frames, switch_frames
from .writing.writer import Intake, ModelWriter

__all__ = ["Access", "Connection", "Frames"]

_LOG = clean_logger("pbxnb.client")
_FRAMES_IN_A_ROW = 200  # a burst is read without pause; after so many frames, timers and senders get a turn


class Access:
    """The ways to one PBX as one account: sockets, and REST with a login that is young enough.

    Args:
        login: who we are; None sends nothing.
        rest: the REST client, not logged in.
        asked_dialect: ``auto`` or the dialect itself.
        open_timeout: seconds for everything from the name lookup to the open socket.
        max_size: bytes of the largest frame accepted.

    Attributes:
        dialect: what the PBX speaks, as far as is known now.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        login: Login | None,
        trust: Trust,
        rest: Rest,
        *,
        asked_dialect: str,
        open_timeout: float,
        max_size: int,
        timing: Timing,
    ) -> None:
        self.endpoint = endpoint
        self._login = login
        self._trust = trust
        self._rest = rest
        self._asked_dialect = asked_dialect
        self._open_timeout = open_timeout
        self._max_size = max_size
        self._timing = timing
        self._logged_in_at = float("-inf")
        self.dialect: Dialect = dialect_of(asked_dialect, "")

    @property
    def login_kind(self) -> str:
        """For the supervisor: ``none``, ``once`` or ``renews``."""
        return "none" if self._login is None else "renews" if self._login.renews else "once"

    async def open(self) -> Line:
        """The version from ``GET /``, a fresh login, the socket.

        Raises:
            ConnectionFailed: which subclass says where it stopped.
        """
        try:
            async with asyncio.timeout(self._open_timeout):
                await self._rest.probe()
                self.dialect = dialect_of(self._asked_dialect, self._rest.version)
                await self._log_in()
                try:
                    return await self._dial(self.endpoint.ws_url)
                except UpgradeRefused:
                    if self.dialect != "2016":
                        raise
                    _LOG.info("The PBX of 2016 has no /websocket; trying its root path.")
                    return await self._dial(self.endpoint.ws_root)
        except TimeoutError:
            raise OpenTimeout(
                f"{self.endpoint.authority} did not open the line within {self._open_timeout:g} s.",
                hint="Is the PBX overloaded, or a firewall in between?",
            ) from None

    async def rest(self) -> Rest:
        """The REST client with a login that is young enough (rest.md 1.5: sessions last an hour)."""
        old = time.monotonic() - self._logged_in_at > self._timing.session_age
        if old and self._login is not None and self._login.renews:
            await self._log_in()
        return self._rest

    async def _log_in(self) -> None:
        try:
            self._rest.session = await self._login.cookie(self._rest) if self._login is not None else None
        except Exception as exc:
            without_frames(exc)
            if isinstance(exc, PbxError | TimeoutError):
                raise
            # A login may be the user's own.
            raise LoginRefused(f"login= failed with {type(exc).__name__} instead of giving a session.") from exc
        self._logged_in_at = time.monotonic()

    async def _dial(self, url: str) -> Line:
        return await dial(
            url,
            cookie=self._rest.session,
            trust=self._trust,
            proxy=self._rest.proxy,
            max_size=self._max_size,
            close_timeout=self._timing.close_timeout,
            compress=not self.endpoint.is_private,
        )


class Frames:
    """Numbers and stamps every frame of one client, and decodes and counts what came.

    Args:
        on_frame: gets each `Frame`, at the moment it passes.
        coverage: counts which actions, fields and values came.
        max_size: bytes of the largest frame that is decoded.
        intake: makes the inputs of the model, by the same clock.
    """

    def __init__(self, on_frame: Signal[Frame], coverage: Coverage, max_size: int, intake: Intake) -> None:
        self._seq = 0
        self._intake = intake
        self._on_frame = on_frame
        self._coverage = coverage
        self._max_size = max_size
        self._broken = False  # bytes came that are no UTF-8

    def received(self, raw: bytes, at: datetime) -> Arrival:
        """A frame came.

        Args:
            at: when, on the clock that stamps the model.
        """
        message = decode(raw, max_size=self._max_size)
        self._seq += 1
        known = raw
        if len(raw) > LARGE and isinstance(message, Malformed):
            known = raw[:HEAD].decode("utf-8", "ignore").encode()  # in memory it is known by its beginning
        broken = False
        try:
            text = known.decode()
        except UnicodeDecodeError:
            text, broken = known.decode("utf-8", "replace"), True
            if not self._broken:
                _LOG.warning("The PBX sends bytes that are no UTF-8; they are read as U+FFFD. Said once.")
            self._broken = True
        if self._on_frame.listeners:
            now = at if self._intake.by_kernel else utc_now()
            self._on_frame(Frame(self._seq, "in", now, time.monotonic(), self._intake.connection, text, message))
        self._coverage.add(message, broken=broken)
        return Arrival(message, at, self._seq, raw)

    def sent(self, raw: bytes, at: datetime) -> None:
        """A frame goes out; ``at`` as for `received`."""
        self._seq += 1
        self._intake.sent(self._seq, raw, at)
        text, connection = raw.decode(), self._intake.connection
        self._on_frame(Frame(self._seq, "out", utc_now(), time.monotonic(), connection, text, None))


class Connection:
    """The life of one open socket.

    Args:
        frames, writer: number each frame, and write the model.
        reader: reads by REST while the line is live.
        status: of the line; the connection says when it is live, stale and how quick.
        now: stamps what the model learns.
        keepalive: seconds between ``avoid-disconnect``; 0 for none.
        ping_interval, ping_timeout: seconds between pings, and that a pong may take.
        on_live, on_stable: called once each, when the line is live, and has been so long enough.

    Attributes:
        live: whether the line got that far.
    """

    def __init__(
        self,
        line: Line,
        *,
        access: Access,
        frames: Frames,
        writer: ModelWriter,
        reader: RestReader,
        status: LineStatus,
        timing: Timing,
        now: Callable[[], datetime],
        keepalive: float,
        ping_interval: float,
        ping_timeout: float,
        on_live: Callable[[], None],
        on_stable: Callable[[], None],
    ) -> None:
        self.live: bool = False
        self._line = line
        self._access = access
        self._writer = writer
        self._reader = reader
        self._timing = timing
        self._now = now
        self._keepalive = keepalive
        self._frames = frames
        self._status = status
        self._on_live = on_live
        self._on_stable = on_stable
        self._live_now = asyncio.Event()
        self._sync = writer.begin()
        self._accounts_by_rest = False
        self._asked_again = float("-inf")  # when the state was last asked for because of a frame that was unreadable
        self._group = asyncio.TaskGroup()
        self._pulse = Pulse(
            line,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            stale_pings=timing.stale_pings,
            on_latency=lambda seconds: setattr(status, "latency", seconds),
            on_stale=self._stale,
            now=now,
        )

    @property
    def last_sign(self) -> LastSign:
        """When something last came: a frame or a pong."""
        return self._pulse.last

    async def run(self) -> ConnectionFailed:
        """Serve until the socket ends; why it did."""
        lost: ConnectionFailed | None = None
        try:
            async with self._group as group:
                group.create_task(repeat(self._keepalive, lambda: self.send(KEEPALIVE)))
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

    async def send(self, frame: dict[str, Any]) -> None:
        """Put one frame on the line; raises `ConnectionFailed` if it is gone."""
        raw = msgspec.json.encode(frame)
        self._frames.sent(raw, self._now())
        await self._line.send(raw.decode())

    async def close(self) -> None:
        """Say goodbye to the PBX."""
        await self._line.close()

    def check_accounts(self) -> None:
        """A snapshot lacked accounts we know: get one more before anything is believed."""
        self._group.create_task(self._accounts_from_rest() if self._accounts_by_rest else self.send(GET_ALL[0]))

    async def _read(self) -> None:
        count = 0
        while True:
            raw = await self._line.receive()
            at = self._now()
            self._pulse.beat(at)
            self._status.last_message_at = at
            arrival = self._frames.received(raw, at)
            if isinstance(arrival.message, Malformed):
                if not self._status.unreadable:
                    _LOG.warning("A frame of the PBX could not be read; others are counted: %s", arrival.message.reason)
                self._status.unreadable += 1
            if self._writer.take(arrival):
                self._go_live()
            count += 1
            if count % _FRAMES_IN_A_ROW == 0:
                await asyncio.sleep(0)

    async def _bootstrap(self) -> None:
        """Subscribe, ask, read by REST, and at last go live without (architecture.md 4.3)."""
        timing, opened = self._timing, asyncio.get_running_loop().time()
        for frame in opening_frames(self._access.dialect, self._writer.store.scope):
            await self.send(frame)
        if await self._live_by(opened + timing.ask_after):
            return
        if not self._sync.got_domain_state and self._access.dialect != "2016":
            for frame in GET_ALL:
                await self.send(frame)
        if await self._live_by(opened + timing.ask_after + timing.rest_after):
            return
        if "accounts" in self._sync.missing:
            self._sync.rest_requested()
            self._group.create_task(self._accounts_from_rest())
        if not await self._live_by(opened + timing.live_after):
            self._go_live()

    async def _live_by(self, when: float) -> bool:
        """Wait until the loop's time ``when``, or until live; whether it is live."""
        try:
            async with asyncio.timeout_at(when):
                await self._live_now.wait()
        except TimeoutError:
            return False
        return True

    async def _accounts_from_rest(self) -> None:
        asked = self._writer.store.seq
        try:
            accounts = await read_accounts(await self._access.rest(), self._access.endpoint)
        except Exception as exc:  # noqa: BLE001 - goes on beside the frames; whatever happens in it ends no line
            _LOG.info("No accounts by REST: %r", exc)
            return
        if not accounts:
            return
        self._accounts_by_rest = True
        if self.live:
            self._writer.late_accounts(accounts, self._now(), asked)
        elif self._sync.rest_answered(accounts):
            self._go_live()

    def _go_live(self) -> None:
        if self.live:
            return
        self.live = True
        now = self._now()
        self._writer.finish(now, self._status.line_up(now))
        self._status.live(self._writer.missing, self._writer.behind)
        self._live_now.set()
        self._on_live()
        self._group.create_task(self._become_stable())
        self._group.create_task(repeat(self._timing.read_every, self._reader.run))  # which returns only by failing
        self._group.create_task(repeat(self._timing.tick, self._tick))
        self._group.create_task(repeat(self._timing.read_every, self._presumed_again))

    async def _become_stable(self) -> None:
        await asyncio.sleep(self._timing.stable_after)
        self._on_stable()

    async def _tick(self) -> None:
        """The model's time-driven rules; on evidence that the tenant's calls are not shown to us, ask for our own."""
        now, store = self._now(), self._writer.store
        self._writer.tick(now)
        await self._catch_up()
        if self._access.dialect == "modern" and store.scope is Scope.DOMAIN and store.scope_evidence(now):
            _LOG.info("The PBX shows calls on accounts but not to us: switching to our own calls.")
            self._writer.narrow(now)
            for frame in switch_frames():
                await self.send(frame)

    async def _catch_up(self) -> None:
        """After a frame that could not be read: ask for everything that it may have changed."""
        behind, since = self._writer.behind, time.monotonic() - self._asked_again
        if not behind or since < self._timing.catch_up:
            return
        again, self._asked_again = self._asked_again > float("-inf"), time.monotonic()
        for frame in GET_ALL:
            await self.send(frame)
        if "accounts" in behind and (again or self._accounts_by_rest):
            self._group.create_task(self._accounts_from_rest())

    async def _presumed_again(self) -> None:
        """Accounts that are busy by REST's word only: read again whether they still are."""
        if self._writer.presumes:
            await self._accounts_from_rest()

    def _stale(self, stale: bool) -> None:
        if self.live and stale:
            self._status.stale(self._writer.missing, self.last_sign)
        elif self.live:
            now = self._now()
            self._writer.was_silent(self._status.line_up(now, reconnected=False), now)
            self._status.live(self._writer.missing, self._writer.behind)
