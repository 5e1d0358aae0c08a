"""The handle of an embedded PBX: `Simulator` and its clock. Its methods may be called from any thread.

Everything that touches the PBX inside runs on the simulator's loop, through `SimServer.do`. What the PBX would pass
over in silence is an error here.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from pbxnb.arguments import check_number, nearest
from pbxnb.errors import SimulatorError, no_copy
from pbxnb.loops import LoopThread

from .engine.clock import SimulatorClock
from .faults import Faults
from .scenario_run import ScenarioRun
from .scenarios import Scenario, scenario
from .server.http import SimServer
from .server.port import start_in_thread
from .server.security import CertificateFile
from .traffic import Traffic

__all__ = ["Simulator"]

T = TypeVar("T")


class Simulator:
    """The handle of an embedded PBX. Its methods may be called from any thread and return when they have had effect.

    Attributes:
        domain: the first tenant.
        user: the client's extension, which does nothing by itself. It supervises: it may command calls of others too.
        password: of every extension.
        admin_password: of the system's administrator, who alone may steer over HTTP; no extension has it.
        admin: the administrator's name and this secret.
        clock: the virtual clock.
        faults: what can be made to fail.
        server, pbx, traffic: the parts, for code that runs on the simulator's loop (`run`).
    """

    __reduce__ = no_copy

    def __init__(
        self,
        server: SimServer,
        traffic: Traffic,
        *,
        user: str,
        password: str,
        seed: int,
        host: str,
        port: int,
        tls: bool,
    ) -> None:
        self.server = server
        self.traffic = traffic
        self.preset = traffic.preset
        self.pbx = traffic.pbx
        self.login = server.login
        self.domain = traffic.pbx.domain
        self.user = user
        self.password = password
        self.admin_password = server.login.admin_password
        self.admin = (server.login.admin, self.admin_password)
        self.host = host
        self.tls = tls
        self.clock = SimulatorClock(server.pace, self.run, self.advance)
        self.faults = Faults(server, run=self.run, reopen=self.reopen, tls=tls, seed=seed)
        self.faults.keep_going(self.preset.faults)
        self.closed = False
        self._port = port
        self._context: ssl.SSLContext | None = None
        self._certificate = CertificateFile()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: LoopThread | None = None
        self._stop = asyncio.Event()

    def __repr__(self) -> str:
        state = "closed" if self.closed else self.url
        return f"<Simulator {self.preset.name} {state} {self.user}@{self.domain} extensions={len(self.pbx.extensions)}>"

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self.server.port.number

    @property
    def url(self) -> str:
        """Where to connect."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'wss' if self.tls else 'ws'}://{host}:{self.port}"

    @property
    def tls_certificate(self) -> str:
        """Path of the certificate (PEM) to trust; empty without TLS."""
        return self._certificate.path

    @property
    def fingerprint(self) -> str:
        """The certificate as a pin, ``sha256:...``; empty without TLS."""
        return self._certificate.fingerprint

    @property
    def connect_line(self) -> str:
        """A line for a notebook that connects to it; the extension's password is in it, never the administrator's."""
        trust = f', tls="{self.tls_certificate}"' if self.tls else ""
        return (
            f'pbx = await pbxnb.connect("{self.url}", domain="{self.domain}", user="{self.user}", '
            f'login=pbxnb.Password("{self.password}"), control=True{trust})'
        )

    # -- life, on the loop ---------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Listen on the running loop. Use `start` or `serve` instead."""
        self._loop = asyncio.get_running_loop()
        try:
            self._context = self._certificate.renew(self.host) if self.tls else None
            await self.server.start(self.host, self._port, self._context)
        except SimulatorError:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Stop, on the loop it runs on; idempotent."""
        if not self.closed:
            self.closed = True
            self.server.pace.pause()
            self.traffic.stop()
            await self.faults.aclose()
            await self.server.port.stop()
            self._certificate.close()
        self._stop.set()

    async def reopen(self, until: Callable[[], Awaitable[object]], new_certificate: bool) -> None:
        """Close the port, wait, open it again, with another certificate or the same. For the faults."""
        port = self.port
        await self.server.port.unlisten()
        await until()
        if self.closed:
            return
        if self.tls and (new_certificate or self._context is None):
            self._context = self._certificate.renew(self.host)
        await self.server.port.listen(self.host, port, self._context)

    def run(self, act: Callable[[], T]) -> T:
        """Run ``act`` on the simulator's loop, where it may touch ``pbx`` and ``server``, and give its result.

        Raises:
            SimulatorError: the simulator is closed.
        """

        async def there() -> T:
            return self.server.do(act)

        if self._here():
            return self.server.do(act)
        return self._wait_for(there, self.server.timing.answer)

    def advance(self, seconds: float) -> None:
        """Let so many virtual seconds pass at once, with everything that happens in them.

        From another thread the clients are taken along: each has what was sent before time goes on.

        Raises:
            SimulatorError: it is no number from 0 up, or the simulator is closed.
        """
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
        if thread is not None and not thread.inside:
            thread.call(self._stop.set)
            thread.join(5.0)
        elif not self.closed and _running_loop() is loop:
            self._closing = loop.create_task(self.aclose())

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
        self._thread = start_in_thread(self.open, self._stop, self.aclose, "pbxnb-simulator")

    # -- steering ------------------------------------------------------------------------------------------------

    def place_call(self, from_: str, to: str, *, name: str = "", people: bool = False) -> str:
        """Somebody dials; a number that is no extension is a caller outside, with the display name ``name``.

        Args:
            from_: who.
            to: whom.
            name: the display name of a caller outside.
            people: the users concerned answer, talk and hang up by themselves; else the call waits for your commands.

        Returns:
            The call's id; also when it was refused at once, as in `SimPbx.dial`.

        Raises:
            SimulatorError: nothing comes of it: the phone is not registered, all its lines are in use.
        """

        def act() -> str:
            call = self.pbx.switch.next_id()
            if not people:
                self.traffic.users.leave_alone(call)
            return self.pbx.dial(str(from_), str(to), name=name, call_id=call)

        call = self.run(act)
        if not call:
            raise SimulatorError(
                f"{from_!r} cannot call {to!r}.",
                hint="The caller needs a registered phone with a free line, or has to be outside and call an account.",
            )
        return call

    def answer(self, call: str, by: str = "") -> None:
        """A ringing phone is picked up, the first one unless ``by`` says which."""
        self._must("answered", call, lambda: self.pbx.answer(call, by))

    def reject(self, call: str, by: str = "") -> None:
        """A ringing phone says no."""
        self._must("rejected", call, lambda: self.pbx.reject(call, by))

    def hangup(self, call: str, by: str = "") -> None:
        """An end hangs up: the caller unless ``by`` says who."""
        self._must("ended", call, lambda: self.pbx.hangup(call, by))

    def hold(self, call: str, by: str = "") -> None:
        """An end puts the other on hold."""
        self._must("held", call, lambda: self.pbx.hold(call, by))

    def resume(self, call: str, by: str = "") -> None:
        """A held conversation goes on."""
        self._must("resumed", call, lambda: self.pbx.resume(call, by))

    def transfer(self, call: str, to: str, by: str = "") -> None:
        """Blind to a number, attended to another call's id."""
        self._must(
            "transferred",
            call,
            lambda: (
                self.pbx.attended_transfer(call, to, by)
                if to in self.pbx.calls
                else self.pbx.transfer(call, str(to), by)
            ),
        )

    def park(self, call: str, orbit: str, by: str = "") -> None:
        """Lay a call into an orbit."""
        self._must("parked", call, lambda: self.pbx.park(call, str(orbit), by))

    def retrieve(self, orbit: str, by: str) -> None:
        """Take a call out of an orbit."""
        self._must("retrieved", f"in orbit {orbit}", lambda: self.pbx.retrieve(str(orbit), by))

    def pickup(self, call: str, by: str) -> None:
        """Take a call that rings elsewhere: its id, or the extension that rings."""
        self._must("picked up", call, lambda: self.pbx.pickup(call, by))

    def record(self, call: str, on: bool = True) -> None:
        """Start or stop a recording."""
        self._must("recorded" if on else "no longer recorded", call, lambda: self.pbx.record(call, on))

    def press(self, call: str, digits: str) -> None:
        """The caller dials digits in the menu."""
        self._must("sent on by these digits", call, lambda: self.pbx.press(call, digits))

    def set_dnd(self, number: str, on: bool = True) -> bool:
        """Do not disturb; False when it already was so."""
        return self.run(lambda: self.pbx.dnd(self._extension(number), on))

    def set_chat_status(self, number: str, status: str) -> bool:
        """The chat status; False when it already was so."""
        return self.run(lambda: self.pbx.set_chat_status(self._extension(number), status))

    def register(self, number: str, phone: str = "desk phone") -> bool:
        """A phone registers; False when it already was."""
        return self.run(lambda: self.pbx.register(self._extension(number), phone))

    def unregister(self, number: str, phone: str = "") -> bool:
        """One phone, or all of the extension's, go away; False when there was none."""
        return self.run(lambda: self.pbx.unregister(self._extension(number), phone))

    def queue_login(self, queue: str, number: str, on: bool = True) -> bool:
        """An agent logs in or out; False when it already was so."""
        return self.run(lambda: self.pbx.queue_login(str(queue), self._extension(number), on))

    def chat(self, sender: str, receiver: str, text: str) -> bool:
        """A chat text; False when there is no such extension."""
        return self.run(lambda: self.pbx.chat(sender, receiver, text))

    def scenario(self, what: str | Path | Mapping[str, Any] | Sequence[Any] | Scenario) -> ScenarioRun:
        """Play a scenario: a name, a YAML or JSON text or file, a list of steps. Returns at once, what plays.

        Raises:
            ScenarioError: it cannot be read, or this PBX lacks something it names.
        """
        script = scenario(what)

        def act() -> ScenarioRun:
            return ScenarioRun(
                script,
                self.pbx,
                users=self.traffic.users,
                fault=lambda name, options: self.faults.start(name, **options),
                user=self.user,
            )

        return self.run(act)

    def pause(self) -> None:
        """As ``clock.pause``."""
        self.clock.pause()

    def resume_clock(self) -> None:
        """As ``clock.resume``."""
        self.clock.resume()

    def _extension(self, number: str) -> str:
        """The number, as text, of an extension there is."""
        if self.pbx.extension(str(number)) is None:
            known = (each.number for each in self.pbx.extensions)
            raise SimulatorError(f"There is no extension {number!r}{nearest(str(number), known)}")
        return str(number)

    def _must(self, what: str, call: str, act: Callable[[], bool]) -> None:
        if not self.run(act):
            raise SimulatorError(
                f"Call {call!s} cannot be {what}.", hint="It does not exist, or its state does not allow it.", call=call
            )


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
