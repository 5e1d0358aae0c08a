"""A running embedded PBX and the handle that steers it, from any thread: `start`, `serve`, `Simulator`.

`start` gives it a thread and a loop of its own; `serve` lives on the caller's loop. Either way everything that touches
the PBX inside runs on its loop, through `Server.do`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import CancelledError
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from pbxnb.arguments import check_number
from pbxnb.errors import SimulatorError

from .building import Plan, Plant, build
from .control import control_routes
from .faults import Faults
from .presets import Preset
from .steering import SimulatorClock, Steering
from .tls import Certificate, make_certificate

__all__ = ["Simulator", "SimulatorClock", "serve", "start"]

T = TypeVar("T")
THREAD = "pbxnb-simulator"
ANSWER_TIME = 10.0


class Simulator(Steering):
    """The handle of an embedded PBX. Its methods may be called from any thread and return when they have had effect.

    Attributes:
        url: where to connect, ``ws://127.0.0.1:PORT`` or ``wss://``.
        domain: the first tenant.
        user: an extension nobody in there speaks for: the client's. It supervises: it may command calls of others too.
        password: of every extension.
        admin: the system administrator's name and secret.
        tls_certificate: path of the certificate (PEM) to trust; empty without TLS.
        fingerprint: the certificate as a pin, ``sha256:...``; empty without TLS.
        clock: the virtual clock.
        faults: what can be made to break.
        server, pbx, traffic: the parts, for code that runs on the simulator's loop (`run`).
    """

    def __init__(self, plant: Plant, *, host: str, port: int, tls: bool) -> None:
        self.plant = plant
        self.preset = plant.preset
        self.pbx = plant.pbx
        self.server = plant.server
        self.traffic = plant.traffic
        self.login = plant.login
        self.domain = plant.pbx.domain
        self.user = plant.user
        self.password = plant.password
        self.admin = (plant.login.admin, plant.password)
        self.host = host
        self.tls = tls
        self.clock = SimulatorClock(self, plant.pace)
        self.faults = Faults(self.server, run=self.run, reopen=self.reopen, tls=tls, seed=plant.seed)
        self.faults.keep_going(self.preset.faults)
        self.server.routes += control_routes(self)
        self.closed = False
        self._port = port
        self._context: ssl.SSLContext | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.tls_certificate = ""
        self.fingerprint = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None

    def __repr__(self) -> str:
        state = "closed" if self.closed else self.url
        return f"<Simulator {self.preset.name} {state} {self.user}@{self.domain} extensions={len(self.pbx.extensions)}>"

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self.server.port

    @property
    def url(self) -> str:
        """Where to connect."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'wss' if self.tls else 'ws'}://{host}:{self.port}"

    @property
    def connect_line(self) -> str:
        """A line for a notebook that connects to it; the password is in it."""
        trust = f', tls="{self.tls_certificate}"' if self.tls else ""
        return (
            f'pbx = await pbxnb.connect("{self.url}", domain="{self.domain}", user="{self.user}", '
            f'login=pbxnb.Password("{self.password}"), control=True{trust})'
        )

    # -- life, on the loop ---------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Listen on the running loop. Use `start` or `serve` instead."""
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            self._context = self.new_certificate() if self.tls else None
            await self.server.start(self.host, self._port, self._context)
        except OSError as error:
            await self.aclose()
            raise SimulatorError(
                f"The PBX cannot listen on {self.host} port {self._port}: {error.strerror or error}.",
                hint="Choose another port, or 0 for any free one.",
            ) from error

    async def aclose(self) -> None:
        """Stop, on the loop it runs on; idempotent."""
        if not self.closed:
            self.closed = True
            self.plant.pace.pause()
            self.traffic.stop()
            await self.faults.aclose()
            await self.server.stop()
            if self._folder is not None:
                self._folder.cleanup()
        if self._stop is not None:
            self._stop.set()

    async def reopen(self, until: Callable[[], Awaitable[object]], new_certificate: bool) -> None:
        """Close the port, wait, open it again, with another certificate if asked to. For the faults."""
        port = self.port
        await self.server.unlisten()
        await until()
        if self.closed:
            return
        if self.tls and (new_certificate or self._context is None):
            self._context = self.new_certificate()
        await self.server.listen(self.host, port, self._context)

    def new_certificate(self) -> ssl.SSLContext:
        """Make a certificate (again) and write its public half where ``tls_certificate`` says."""
        certificate: Certificate = make_certificate(self.host)
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="pbxnb-simulator-", ignore_cleanup_errors=True)
        path = Path(self._folder.name, "certificate.pem")
        path.write_text(certificate.pem, encoding="ascii")
        self.tls_certificate = str(path)
        der = ssl.PEM_cert_to_DER_cert(certificate.pem)
        self.fingerprint = f"sha256:{hashlib.sha256(der).hexdigest()}"
        return certificate.context

    # -- life, from any thread -----------------------------------------------------------------------------------

    def run(self, act: Callable[[], T]) -> T:
        """Run ``act`` on the simulator's loop, where it may touch ``pbx`` and ``server``, and give its result.

        Raises:
            SimulatorError: the simulator is closed.
        """

        async def there() -> T:
            return self.server.do(act)

        if self._here():
            return self.server.do(act)
        return self._wait_for(there, ANSWER_TIME)

    def advance(self, seconds: float) -> None:
        """Let so many virtual seconds pass at once; see `Steering.advance`."""
        check_number("seconds", seconds, error=SimulatorError)
        if self._here():
            self.server.do(lambda: self.server.skip(seconds))
        else:
            self._wait_for(lambda: self.server.skip_together(seconds))

    def _here(self) -> bool:
        """True on the simulator's own loop."""
        if self.closed or self._loop is None:
            raise SimulatorError("The simulator is closed.", hint="Start a new one.")
        return _running_loop() is self._loop

    def _wait_for(self, there: Callable[[], Coroutine[Any, Any, T]], timeout: float | None = None) -> T:
        """Let a coroutine run on the simulator's loop, and wait for it in this thread."""
        assert self._loop is not None
        coroutine = there()
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout)
        except (RuntimeError, CancelledError) as error:
            coroutine.close()
            raise SimulatorError("The simulator is closed.", hint="Start a new one.") from error

    def close(self) -> None:
        """Stop it and free the port; idempotent. On the loop of ``serve`` use `aclose`."""
        loop, thread = self._loop, self._thread
        if loop is None or loop.is_closed():
            return
        if thread is None or thread is threading.current_thread():
            if not self.closed:
                self._closing = loop.create_task(self.aclose()) if _running_loop() is loop else None
            return
        if self._stop is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._stop.set)
        thread.join(5.0)

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Simulator:
        if self._loop is None:
            await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if _running_loop() is self._loop:
            await self.aclose()
        else:
            await asyncio.to_thread(self.close)

    def in_thread(self) -> None:
        """Give it a thread and a loop, and return when it listens."""
        started: threading.Event = threading.Event()
        failed: list[BaseException] = []

        async def live() -> None:
            try:
                await self.open()
            except BaseException as error:  # noqa: BLE001  it is raised again where `start` was called
                failed.append(error)
                return
            finally:
                started.set()
            assert self._stop is not None
            await self._stop.wait()
            await self.aclose()

        self._thread = threading.Thread(target=lambda: asyncio.run(live()), name=THREAD, daemon=True)
        self._thread.start()
        started.wait()
        if failed:
            self._thread.join(5.0)
            raise failed[0]


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _make(plan: Plan, host: str, port: int, tls: bool) -> Simulator:
    check_number("port", port, 0, 65_535, whole=True, error=SimulatorError)
    return Simulator(build(plan), host=host, port=port, tls=tls)


def start(
    preset: str | Preset = "office",
    *,
    extensions: int | None = None,
    seed: int = 1,
    speed: float = 1.0,
    start: datetime | str | float | None = None,
    dialect: str = "modern",
    version: str | None = None,
    quirks: str | Iterable[str] = (),
    port: int = 0,
    host: str = "127.0.0.1",
    tls: bool = False,
    domain: str = "acme.example",
    user: str = "",
    password: str = "",
    open_cookie: bool = False,
    held: bool | None = None,
) -> Simulator:
    """Start an embedded PBX on a thread of its own; it listens when this returns.

    Args:
        preset: a name of `presets.PRESETS`, or a preset.
        extensions: how many, 2 to 7,500; the preset's number by default.
        seed: the same seed makes the same people, calls and mixture of quirks.
        speed: virtual seconds per real second, 0.1 to 1000.
        start: the first reading of the clock (without a zone: UTC); 09:30 of today by default.
        dialect: ``modern`` or ``2016``.
        version: of the PBX; fits the dialect by default. Below 69 its WebRTC is the old one.
        quirks: names of `quirks.QUIRKS`, or ``all`` for a random mixture.
        port: 0 takes any free one.
        tls: serve ``wss`` and ``https`` with a certificate made on the fly.
        user: the extension nobody in there speaks for, a supervisor; the first by default.
        password: of every extension and the administrator; a random one by default.
        open_cookie: sockets need no login.
        held: time stands still until the first client has its lists, so that the frames that follow are the same for
            the same seed, to the byte; by default where ``start`` is given.

    Raises:
        SimulatorError: an argument cannot be used, or the port is taken.

    Example:
        >>> with start("quiet", extensions=10) as sim:
        ...     sim.url.startswith("ws://127.0.0.1:")
        True
    """
    plan = Plan(
        preset=preset, extensions=extensions, seed=seed, speed=speed, start=start, dialect=dialect, version=version,
        quirks=quirks, domain=domain, user=user, password=password, open_cookie=open_cookie, held=held,
    )  # fmt: skip
    simulator = _make(plan, host, port, tls)
    simulator.in_thread()
    return simulator


@contextlib.asynccontextmanager
async def serve(
    preset: str | Preset = "office", *, host: str = "127.0.0.1", port: int = 0, tls: bool = False, **options: Any
) -> AsyncIterator[Simulator]:
    """An embedded PBX on the running loop, for as long as the block lasts; options as for `start`.

    Example:
        >>> async def main():
        ...     async with serve("quiet", extensions=10) as sim:
        ...         return sim.port > 0
        >>> asyncio.run(main())
        True
    """
    async with _make(Plan(preset=preset, **options), host, port, tls) as simulator:
        yield simulator
