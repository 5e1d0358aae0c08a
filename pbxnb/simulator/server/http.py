"""The embedded PBX on one port: its tenants, who may open a socket, and the loop that lets virtual time pass.

Everything that touches the PBX inside goes through `SimServer.do`: catch up with time, act, send. Faults plug in at
``gates`` (every HTTP request), ``filters`` (every frame) and the methods of `SimSocket`.
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final, NamedTuple, TypeVar

from aiohttp import web

from ..engine.clock import TIMING, Pace, Timing
from ..engine.pbx import SimPbx
from .answers import refusal
from .cors import reflect, refuse_preflight
from .described import FixedMedia, PhoneMedia
from .frames import Dialect, FrameWriter, Variants
from .port import WebPort
from .requests import SimClient, handle_request
from .security import Identity, SimLogin
from .sockets import Filter, SimSocket, Subscriptions
from .spoilt import SpoiltRecords

__all__ = ["SimServer", "SimTenant"]

T = TypeVar("T")
MOST_FROM_CLIENT = 4 * 2**20
MOST_SOCKETS = 1_000


class SimTenant(NamedTuple):
    """One tenant: the PBX inside, its frames, who gets them, and the open sockets."""

    pbx: SimPbx
    frames: FrameWriter
    subscriptions: Subscriptions
    sockets: list[SimSocket]


class SimServer:
    """One port of an embedded PBX.

    Args:
        pace: ties the tenants' common clock to real time.
        login: who may come in.
        dialect: the vocabulary.
        version: sent in the ``Server`` header.
        variants: of the vocabulary.
        open_cookie: sockets need no session.

    Attributes:
        port: the port it listens on; ``sockets`` and ``gates`` are its own.
        filters: hooks for every socket opened from now on.
        routes: what is served beside the socket, from when the server starts.
        skew: seconds added to the ``Date`` header.
        records: what is wrong with the call records that are served.
        media: of the browser phones.
        unknown: requests that nothing answers, each with the resource probably meant (or an empty text).
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
        timing: Timing = TIMING,
    ) -> None:
        self.pace = pace
        self.login = login
        self.dialect = dialect
        self.version = version
        self.variants = variants
        self.open_cookie = open_cookie
        self.timing = timing
        self.skew: float = 0.0
        self.records: SpoiltRecords = SpoiltRecords()
        self.unknown: dict[str, str] = {}
        self.media: PhoneMedia = FixedMedia()
        self.tenants: dict[str, SimTenant] = {}
        self._stirred: list[Subscriptions] = []
        self.routes: list[web.RouteDef] = []
        self.filters: list[Filter] = []
        self.port: Final = WebPort(
            "simulator",
            version,
            # The pace's moment: the clock itself stands where something last happened.
            now=lambda: pace.moment + timedelta(seconds=self.skew),
            websocket=self._websocket,
            root=dialect is Dialect.OLD or "root-path" in variants.fixed,
            rule=refuse_preflight,
        )
        self.sockets: Final = self.port.sockets
        self.gates: Final = self.port.gates
        if not open_cookie:
            self.port.answered.append(reflect)
        self._phones = itertools.count(1)
        self._busy = False

    def add(self, pbx: SimPbx) -> SimTenant:
        """Take a tenant into service."""
        frames = FrameWriter(pbx, self.dialect, self.variants.of_tenant(len(self.tenants)))
        sockets: list[SimSocket] = []
        subscriptions = Subscriptions(pbx, frames, sockets, self._stirred)
        self.login.tenants[pbx.domain] = pbx
        tenant = self.tenants[pbx.domain] = SimTenant(pbx, frames, subscriptions, sockets)
        return tenant

    async def start(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        """Listen, and let time pass."""
        await self.port.start(host, port, self.routes, self._drive, context)
        self.media.open()

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
            self.port.nudged.set()

    def flush(self) -> None:
        """Send what has changed."""
        while self._stirred:
            self._stirred.pop().flush()

    def release(self) -> None:
        """Let a held clock run."""
        if self.pace.held:
            self.pace.resume()
            self.port.nudged.set()

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
            self.port.nudged.clear()
            self._catch_up()
            wait = self.pace.wait()
            if wait == 0.0:
                await asyncio.sleep(0)
                continue
            await self.port.wait(wait)

    # -- HTTP ----------------------------------------------------------------------------------------------------

    def identity(self, request: web.Request) -> Identity | None:
        """Whose request it is, by cookie or by Basic."""
        whose = self.login.whose(request.cookies.get("session", ""))
        return whose or self.login.basic(request.headers.get("Authorization", ""))

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        whose = self.identity(request)
        domain = request.query.get("domain") or (whose.domain if whose else "")
        user = request.query.get("user") or (whose.user if whose else "")
        if not self.open_cookie and whose is None:
            raise refusal(401)
        if whose is not None and not self.open_cookie and not whose.belongs_to(domain):
            raise refusal(403)  # before 404: nobody learns which other tenants there are
        tenant = self.tenants.get(domain)
        if tenant is None or tenant.pbx.extension(user) is None:
            raise refusal(404)
        if whose is not None and not self.open_cookie and not whose.may_act_for(domain, user):
            raise refusal(403)
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
        client = SimClient(
            tenant.pbx, tenant.frames, socket, major=major, label=label, timing=self.timing, media=self.media
        )
        self.sockets.append(socket)
        tenant.sockets.append(socket)
        timer = asyncio.get_running_loop().call_later(self.timing.held, self.release)
        try:
            if "unasked" in self.variants.fixed:
                self.do(client.send_users)
                self.do(lambda: client.send_calls("" if client.sees_domain else client.user))
            async for raw in socket.texts():
                self.do(lambda raw=raw: handle_request(client, raw))  # type: ignore[misc]
                if self.pace.held and client.listed == {"users", "calls"}:
                    self.release()
        finally:
            timer.cancel()
            self.sockets.remove(socket)
            tenant.sockets.remove(socket)
            self.do(client.phone.close)
            await socket.finish()

    def sockets_of(self, user: str = "", domain: str = "") -> Iterator[SimSocket]:
        """The open sockets, of one extension or of all."""
        for socket in tuple(self.sockets):
            if str(user) in ("", socket.user) and domain in ("", socket.domain):
                yield socket
