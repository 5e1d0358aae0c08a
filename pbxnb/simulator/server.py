"""The embedded PBX on one port: HTTP, REST and WebSockets over aiohttp, and the loop that lets virtual time pass.

Everything that touches the PBX inside goes through `Server.do`: catch up with time, act, push. Faults plug in at
``gates`` (every HTTP request), ``filters`` (every frame) and the `Socket` methods.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from email.utils import format_datetime
from typing import NamedTuple, TypeVar

from aiohttp import WSCloseCode, web

from .clock import Pace
from .desk import Desk
from .login import Identity, Login
from .orders import obey
from .pbx import Pbx
from .push import Push
from .quirks import Dialect, Manners
from .rest import rest_routes
from .sockets import Filter, Socket
from .wire import Wire

__all__ = ["Gate", "Server", "Tenant"]

T = TypeVar("T")
Gate = Callable[[web.Request], web.StreamResponse | None]
"""A fault's hook: an answer instead of the PBX's, or None."""

MOST_FROM_CLIENT = 4 * 2**20
MOST_SOCKETS = 1_000
SLICE = 256
"""Timers run before the sockets have their turn."""
HOLD = 1.0
"""Seconds after the first opening when a held clock runs in any case."""


class Tenant(NamedTuple):
    """One tenant: the PBX inside, its frames, its pushes."""

    pbx: Pbx
    wire: Wire
    push: Push


class Server:
    """One port of an embedded PBX.

    Args:
        pbxs: the tenants by domain.
        pace: ties their common clock to the wall.
        login: who may come in.
        dialect: the vocabulary.
        version: told in the ``Server`` header.
        manners: the quirks.
        open_cookie: sockets need no session.
        held: time stands still until the first client has had its lists, so that it misses nothing of what follows.

    Attributes:
        sockets: the open sockets.
        gates: hooks tried before every request; the first that answers wins.
        filters: hooks for every socket opened from now on.
        routes: further routes, added when the server starts.
        skew: seconds added to the ``Date`` header.
    """

    def __init__(
        self,
        pbxs: Mapping[str, Pbx],
        pace: Pace,
        login: Login,
        *,
        dialect: Dialect,
        version: str,
        manners: Manners,
        open_cookie: bool = False,
        held: bool = False,
    ) -> None:
        self.pace = pace
        self.login = login
        self.dialect = dialect
        self.version = version
        self.manners = manners
        self.open_cookie = open_cookie
        self.sockets: list[Socket] = []
        self.gates: list[Gate] = []
        self.filters: list[Filter] = []
        self.routes: list[web.RouteDef] = []
        self.skew = 0.0
        self.held = held
        self.tenants: dict[str, Tenant] = {}
        for pbx in pbxs.values():
            self.add(pbx)
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

    def add(self, pbx: Pbx) -> None:
        """Take a tenant into service."""
        wire = Wire(pbx, self.dialect, self.manners)
        domain = pbx.domain
        push = Push(pbx, wire, lambda: [s for s in self.sockets if s.domain == domain])
        self.tenants[domain] = Tenant(pbx, wire, push)

    # -- life ----------------------------------------------------------------------------------------------------

    async def start(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        """Listen, and let time pass."""
        app = web.Application(middlewares=[self._gate], client_max_size=2 * 2**20)
        app.router.add_get("/", self._root)
        app.router.add_get("/websocket", self._websocket)
        app.add_routes([*rest_routes(self), *self.routes])
        app.on_response_prepare.append(self._headers)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.2)
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
        """Let due things happen, act, and tell everybody; inside something that is being done already, just act."""
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
        """Push what has changed."""
        for tenant in self.tenants.values():
            tenant.push.flush()

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
        """Let virtual time pass at once, pushing as it goes."""
        for _ in self._skipping(seconds):
            pass

    async def skip_together(self, seconds: float) -> None:
        """As `skip`, but time stands still until the clients have what was sent: so they see it when it happens."""
        self._catch_up()
        deaf: set[Socket] = set()
        for _ in self._skipping(seconds):
            listening = [socket for socket in self.sockets if socket.filled and socket not in deaf]
            heard = await asyncio.gather(*(socket.taken() for socket in listening))
            deaf.update(socket for socket, well in zip(listening, heard, strict=True) if not well)
            self.pace.jumped()

    def _skipping(self, seconds: float) -> Iterator[None]:
        """Everything that happens meanwhile, one thing after another; then the time that is left."""
        clock = self.pace.clock
        target = clock.now + seconds
        while (due := clock.next_due) is not None and due <= target:
            self._strike(due)
            self.pace.jumped()
            yield
        clock.advance_to(target)
        self.pace.jumped()

    def _strike(self, due: float) -> None:
        """Let one thing that is due happen, and tell everybody."""
        busy, self._busy = self._busy, True
        try:
            self.pace.clock.advance_to(due, limit=1)
        finally:
            self._busy = busy
            self.flush()

    def _catch_up(self) -> None:
        clock, target = self.pace.clock, self.pace.target()
        for _ in range(SLICE):
            due = clock.next_due
            if due is None or due > target:
                clock.advance_to(target)
                return
            self._strike(due)

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
        if upgrade and (self.dialect is Dialect.OLD or "root-path" in self.manners.fixed):
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
        await self._serve(tenant, Socket(ws, request, domain, user))
        return ws

    async def _serve(self, tenant: Tenant, socket: Socket) -> None:
        socket.filters += self.filters
        socket.users = self.dialect is Dialect.MODERN
        major = int(self.version.split(".")[0])
        desk = Desk(tenant.pbx, tenant.wire, socket, major=major, label=f"browser {next(self._phones)}")
        self.sockets.append(socket)
        timer = asyncio.get_running_loop().call_later(HOLD, self.release)
        try:
            if "unasked" in self.manners.fixed:
                self.do(desk.send_users)
                self.do(lambda: desk.send_calls("" if desk.sees_domain else desk.user))
            async for raw in socket.texts():
                self.do(lambda raw=raw: obey(desk, raw))  # type: ignore[misc]
                if self.held and desk.listed == {"users", "calls"}:
                    self.release()
        finally:
            timer.cancel()
            self.sockets.remove(socket)
            self.do(desk.phone.close)
            await socket.finish()

    def sockets_of(self, user: str = "", domain: str = "") -> Iterator[Socket]:
        """The open sockets, of one extension or of all."""
        for socket in tuple(self.sockets):
            if str(user) in ("", socket.user) and domain in ("", socket.domain):
                yield socket
