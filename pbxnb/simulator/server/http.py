"""The embedded PBX on one port: HTTP and WebSockets over aiohttp, and the loop that lets virtual time pass.

Everything that touches the PBX inside goes through `SimServer.do`: catch up with time, act, send. Faults plug in at
``gates`` (every HTTP request), ``filters`` (every frame) and the methods of `SimSocket`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from email.utils import format_datetime
from typing import NamedTuple, TypeVar

from aiohttp import WSCloseCode, web

from ..engine.clock import Pace
from ..engine.pbx import SimPbx
from .frames import FrameWriter
from .login import Identity, SimLogin
from .requests import SimClient, handle_request
from .sockets import Filter, SimSocket
from .subscriptions import Subscriptions
from .timing import TIMING, Timing
from .variants import Dialect, Variants

__all__ = ["Gate", "SimServer", "SimTenant"]

T = TypeVar("T")
Gate = Callable[[web.Request], web.StreamResponse | None]
"""A fault's hook: an answer instead of the PBX's, or None."""

MOST_FROM_CLIENT = 4 * 2**20
MOST_SOCKETS = 1_000


class SimTenant(NamedTuple):
    """One tenant: the PBX inside, its frames, and who gets them."""

    pbx: SimPbx
    frames: FrameWriter
    subscriptions: Subscriptions


class SimServer:
    """One port of an embedded PBX.

    Args:
        pace: ties the tenants' common clock to real time.
        login: who may come in.
        dialect: the vocabulary.
        version: sent in the ``Server`` header.
        variants: of the vocabulary.
        open_cookie: sockets need no session.
        held: time stands still until the first client has had its lists, so that it misses nothing of what follows.

    Attributes:
        sockets: the open sockets.
        gates: hooks tried before every request; the first that answers wins.
        filters: hooks for every socket opened from now on.
        routes: what is served beside the socket, from when the server starts.
        skew: seconds added to the ``Date`` header.
    """

    def __init__(
        self,
        pace: Pace,
        login: SimLogin,
        *,
        dialect: Dialect,
        version: str,
        variants: Variants,
        open_cookie: bool = False,
        held: bool = False,
        timing: Timing = TIMING,
    ) -> None:
        self.pace = pace
        self.login = login
        self.dialect = dialect
        self.version = version
        self.variants = variants
        self.open_cookie = open_cookie
        self.sockets: list[SimSocket] = []
        self.gates: list[Gate] = []
        self.filters: list[Filter] = []
        self.routes: list[web.RouteDef] = []
        self.skew = 0.0
        self.timing = timing
        self.held = held
        self.tenants: dict[str, SimTenant] = {}
        if held:
            pace.pause()
            pace.jumped()
        self._phones = itertools.count(1)
        self._nudged = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._driver: asyncio.Task[None] | None = None
        self._busy = False
        self.port = 0

    def add(self, pbx: SimPbx) -> SimTenant:
        """Take a tenant into service."""
        frames = FrameWriter(pbx, self.dialect, self.variants)
        subscriptions = Subscriptions(pbx, frames, lambda: [s for s in self.sockets if s.domain == pbx.domain])
        self.login.tenants[pbx.domain] = pbx
        tenant = self.tenants[pbx.domain] = SimTenant(pbx, frames, subscriptions)
        return tenant

    # -- life ----------------------------------------------------------------------------------------------------

    async def start(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        """Listen, and let time pass."""
        app = web.Application(middlewares=[self._gate], client_max_size=2 * 2**20)
        app.router.add_get("/", self._root)
        app.router.add_get("/websocket", self._websocket)
        app.add_routes(self.routes)
        app.on_response_prepare.append(self._headers)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=self.timing.shutdown)
        await self._runner.setup()
        await self.listen(host, port, context)
        self._driver = asyncio.create_task(self._drive(), name="pbxnb-simulator time")

    async def listen(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        """Open the port (0: any free one); with a certificate, over TLS."""
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, host, port, ssl_context=context, reuse_address=True)
        await self._site.start()
        self.port = self._runner.addresses[-1][1]

    async def unlisten(self) -> None:
        """Close the port; the sockets that are open stay."""
        if self._site is not None:
            site, self._site = self._site, None
            await site.stop()

    async def stop(self) -> None:
        """Say goodbye to everybody (1001) and free the port."""
        if self._driver is not None:
            self._driver.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._driver
        for socket in tuple(self.sockets):
            socket.thaw()
            socket.close(WSCloseCode.GOING_AWAY, "the PBX stops")
        # One turn for the close frames; who does not answer them is cut off by the runner.
        await asyncio.sleep(0.02)
        for socket in tuple(self.sockets):
            socket.abort()
        if self._runner is not None:
            await self._runner.cleanup()

    # -- time ----------------------------------------------------------------------------------------------------

    def do(self, act: Callable[[], T]) -> T:
        """Run what is due, act, and send what changed; inside something that is being done already, just act."""
        if self._busy:
            return act()
        self._catch_up()
        self._busy = True
        try:
            return act()
        finally:
            self._busy = False
            self.flush()
            self._nudged.set()

    def flush(self) -> None:
        """Send what has changed."""
        for tenant in self.tenants.values():
            tenant.subscriptions.flush()

    def release(self) -> None:
        """Let a held clock run."""
        if self.held:
            self.held = False
            self.pace.resume()
            self._nudged.set()

    def nudge(self) -> None:
        """The pace has changed: look at the time again."""
        self._nudged.set()

    def skip(self, seconds: float) -> None:
        """Let virtual time pass at once, sending what changes as it goes."""
        for _ in self._skipping(seconds):
            pass

    async def skip_together(self, seconds: float) -> None:
        """As `skip`, but time stands still until the clients have what was sent: so they see it when it happens."""
        self._catch_up()
        slow: set[SimSocket] = set()
        for _ in self._skipping(seconds):
            waiting = [socket for socket in self.sockets if socket.filled and socket not in slow]
            taken = await asyncio.gather(*(socket.taken() for socket in waiting))
            slow.update(socket for socket, took in zip(waiting, taken, strict=True) if not took)
            self.pace.jumped()

    def _skipping(self, seconds: float) -> Iterator[None]:
        """Everything that happens meanwhile, one thing after another; then the time that is left."""
        clock = self.pace.clock
        target = clock.now + seconds
        while (due := clock.next_due) is not None and due <= target:
            self._run_timer(due)
            self.pace.jumped()
            yield
        clock.advance_to(target)
        self.pace.jumped()

    def _run_timer(self, due: float) -> None:
        """Run one timer that is due, and send what changed."""
        busy, self._busy = self._busy, True
        try:
            self.pace.clock.advance_to(due, limit=1)
        finally:
            self._busy = busy
            self.flush()

    def _catch_up(self) -> None:
        clock, target = self.pace.clock, self.pace.target()
        for _ in range(self.timing.timers):
            due = clock.next_due
            if due is None or due > target:
                clock.advance_to(target)
                return
            self._run_timer(due)

    async def _drive(self) -> None:
        while True:
            self._nudged.clear()
            self._catch_up()
            wait = self.pace.wait()
            if wait == 0.0:
                await asyncio.sleep(0)
                continue
            # Not wait_for: on 3.11 it swallows a cancellation that meets the nudge.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._nudged.wait()

    # -- HTTP ----------------------------------------------------------------------------------------------------

    @web.middleware
    async def _gate(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        for gate in tuple(self.gates):
            if (answer := gate(request)) is not None:
                return answer
        return await handler(request)

    async def _headers(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        response.headers["Server"] = f"PBX/{self.version}"
        # The pace's moment: the clock itself stands where something last happened.
        moment = self.pace.moment + timedelta(seconds=self.skew)
        response.headers["Date"] = format_datetime(moment, usegmt=True)

    def identity(self, request: web.Request) -> Identity | None:
        """Whose request it is, by cookie or by Basic."""
        if (whose := self.login.whose(request.cookies.get("session", ""))) is not None:
            return whose
        return self.login.basic(request.headers.get("Authorization", ""))

    async def _root(self, request: web.Request) -> web.StreamResponse:
        upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
        if upgrade and (self.dialect is Dialect.OLD or "root-path" in self.variants.fixed):
            return await self._websocket(request)
        return web.Response(text="<!doctype html><title>PBX</title><p>pbxnb simulator</p>", content_type="text/html")

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        whose = self.identity(request)
        domain = request.query.get("domain") or (whose.domain if whose else "")
        user = request.query.get("user") or (whose.user if whose else "")
        if not self.open_cookie and whose is None:
            raise web.HTTPUnauthorized(text="false", content_type="application/json")
        tenant = self.tenants.get(domain)
        if tenant is None or tenant.pbx.extension(user) is None:
            raise web.HTTPNotFound(text="false", content_type="application/json")
        if whose is not None and not self.open_cookie and not whose.may_act_for(domain, user):
            raise web.HTTPForbidden(text="false", content_type="application/json")
        if len(self.sockets) >= MOST_SOCKETS:
            raise web.HTTPServiceUnavailable
        ws = web.WebSocketResponse(autoping=False, autoclose=False, max_msg_size=MOST_FROM_CLIENT, timeout=0.5)
        await ws.prepare(request)
        await self._serve(tenant, SimSocket(ws, request, domain, user, self.timing))
        return ws

    async def _serve(self, tenant: SimTenant, socket: SimSocket) -> None:
        socket.filters += self.filters
        socket.users = self.dialect is Dialect.MODERN
        major = int(self.version.split(".")[0])
        label = f"browser {next(self._phones)}"
        client = SimClient(tenant.pbx, tenant.frames, socket, major=major, label=label, timing=self.timing)
        self.sockets.append(socket)
        timer = asyncio.get_running_loop().call_later(self.timing.held, self.release)
        try:
            if "unasked" in self.variants.fixed:
                self.do(client.send_users)
                self.do(lambda: client.send_calls("" if client.sees_domain else client.user))
            async for raw in socket.texts():
                self.do(lambda raw=raw: handle_request(client, raw))  # type: ignore[misc]
                if self.held and client.listed == {"users", "calls"}:
                    self.release()
        finally:
            timer.cancel()
            self.sockets.remove(socket)
            self.do(client.phone.close)
            await socket.finish()

    def sockets_of(self, user: str = "", domain: str = "") -> Iterator[SimSocket]:
        """The open sockets, of one extension or of all."""
        for socket in tuple(self.sockets):
            if str(user) in ("", socket.user) and domain in ("", socket.domain):
                yield socket
