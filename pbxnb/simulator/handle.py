"""The handle of an embedded PBX: `Simulator` and its clock. Its methods may be called from any thread.

Everything that touches the PBX inside runs on the simulator's loop, through `SimServer.do`. What the PBX would pass
over in silence is an error here.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from pbxnb.errors import SimulatorError, no_copy
from pbxnb.loops import LoopThread

from .engine.clock import SimulatorClock
from .engine.pbx import SimPbx
from .faults import Faults
from .own_loop import OwnLoop
from .scenario_run import ScenarioRun, Stage
from .scenarios import Scenario, scenario
from .server.http import SimServer
from .server.port import start_in_thread
from .server.security import CertificateFile
from .tenants import Tenants

__all__ = ["Simulator"]

T = TypeVar("T")


class Simulator:
    """The handle of an embedded PBX. Its methods may be called from any thread and return when they have had effect.

    Attributes:
        domains: every tenant; a method that takes a ``domain`` means the first unless it is given.
        domain: the first tenant.
        user: the client's extension, which does nothing by itself. It supervises: it may command calls of others too.
        password: of every extension.
        admin_password: of the system's administrator, who alone may steer over HTTP; no extension has it.
        admin: the administrator's name and this secret.
        tz: the zone it stands in.
        clock: the virtual clock.
        faults: what can be made to fail.
        server: the part that listens, for code that runs on the simulator's loop (`run`).
        pbx: the part that is the PBX, of the first tenant; ``tenants`` has those of each by domain.
        traffic: the part that makes calls, of the first tenant.
    """

    __reduce__: Any = no_copy

    def __init__(
        self,
        server: SimServer,
        tenants: Tenants,
        *,
        user: str,
        password: str,
        seed: int,
        host: str,
        port: int,
        tls: bool,
        tz: ZoneInfo,
    ) -> None:
        self.server = server
        self.tenants = tenants
        self.domains: Final = tuple(tenants)
        self.domain: Final = self.domains[0]
        self.pbx, self.traffic = tenants.of()
        self.preset, self.login = self.traffic.preset, server.login
        self.user, self.password = user, password
        self.admin_password: Final = server.login.admin_password
        self.admin: Final = (server.login.admin, self.admin_password)
        self.host, self.tls, self.tz = host, tls, tz
        self._own = OwnLoop(server)
        self.clock: Final = SimulatorClock(server.pace, self.run, self.advance, tz)
        self.faults: Final = Faults(server, run=self.run, reopen=self.reopen, tls=tls, seed=seed)
        self.faults.keep_going(self.preset.faults)
        self._port = port
        self._context: ssl.SSLContext | None = None
        self._certificate = CertificateFile()
        self._thread: LoopThread | None = None
        self._stop = asyncio.Event()

    def __repr__(self) -> str:
        state = "closed" if self.closed else self.url
        extensions = sum(len(tenant.pbx.extensions) for tenant in self.tenants.values())
        more = f" domains={len(self.domains)}" if len(self.domains) > 1 else ""
        return f"<Simulator {self.preset.name} {state} {self.user}@{self.domain}{more} extensions={extensions}>"

    @property
    def closed(self) -> bool:
        """It has been stopped."""
        return self._own.closed

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

    def connection(self, domain: str, user: str = "", *, admin: bool = False) -> dict[str, Any]:
        """What `pbxnb.connect` takes to come in as an extension of a tenant, with control; its repr shows no secret.

        Args:
            domain: one of ``domains``.
            user: the extension; by default the one that supervises its tenant.
            admin: by a token of the system's administrator, as a program on a server does, not by a password.

        Raises:
            SimulatorError: there is no such domain or extension.

        Example:
            >>> with pbxnb.simulator.start("quiet", domains=("a.example", "b.example")) as simulator:
            ...     simulator.connection("b.example", "41")["login"]
            Password(…)
        """
        from pbxnb import AdminToken, Password  # by the names that a person would write

        user = str(user or self.user)
        self.tenants.of(domain, user)
        return {
            "url": self.url,
            "domain": domain,
            "user": user,
            "login": AdminToken(*self.admin) if admin else Password(self.password),
            "tls": self.tls_certificate or None,
            "control": True,
            "tz": self.tz,
        }

    # -- life, on the loop ---------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Listen on the running loop. Use `start` or `serve` instead."""
        self._own.loop = asyncio.get_running_loop()
        try:
            self._context = self._certificate.renew(self.host) if self.tls else None
            await self.server.start(self.host, self._port, self._context)
        except SimulatorError:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Stop, on the loop it runs on; idempotent."""
        if not self.closed:
            self._own.closed = True
            self.server.pace.pause()
            for tenant in self.tenants.values():
                tenant.traffic.stop()
            await self.faults.aclose()
            await self.server.port.stop()
            await self.server.media.aclose()
            self._certificate.close()
        self._stop.set()

    async def reopen(self, until: Callable[[], Awaitable[object]], new_certificate: bool) -> None:
        """Close the port, wait, open it again, with another certificate or the same. For the faults."""
        async with self.server.port.shut():
            await until()
            if self.closed:
                return
            if self.tls and (new_certificate or self._context is None):
                self._context = self._certificate.renew(self.host)
            await self.server.port.listen(self.host, self.port, self._context)

    def run(self, act: Callable[[], T]) -> T:
        """Run ``act`` on the simulator's loop, where it may touch ``pbx`` and ``server``, and give its result.

        Raises:
            SimulatorError: the simulator is closed.
        """
        return self._own.run(act)

    def advance(self, seconds: float) -> None:
        """Let so many virtual seconds pass at once, with everything that happens in them.

        From another thread the clients are taken along: each has what was sent before time goes on.

        Raises:
            SimulatorError: it is no number from 0 up, or the simulator is closed.
        """
        self._own.advance(seconds)

    def close(self) -> None:
        """Stop it and free the port; idempotent. On the loop of ``serve`` use `aclose`."""
        loop, thread = self._own.loop, self._thread
        if loop is None or loop.is_closed():
            return
        if thread is not None and not thread.inside:
            thread.call(self._stop.set)
            thread.join(5.0)
        elif not self.closed and self._own.here:
            self._closing = loop.create_task(self.aclose())

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Simulator:
        if self._own.loop is None:
            await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._own.here:
            await self.aclose()
        else:
            await asyncio.to_thread(self.close)

    def in_thread(self) -> None:
        """Give it a thread and a loop, and return when it listens."""
        self._thread = start_in_thread(self.open, self._stop, self.aclose, "pbxnb-simulator")

    # -- steering ------------------------------------------------------------------------------------------------

    def place_call(self, from_: str, to: str, *, name: str = "", people: bool = False, domain: str = "") -> str:
        """Somebody dials; a number that is no extension is a caller outside, with the display name ``name``.

        Args:
            from_: who.
            to: whom.
            name: the display name of a caller outside.
            people: the users concerned answer, talk and hang up by themselves; else the call waits for your commands.
            domain: in which tenant; no call crosses from one to another.

        Returns:
            The call's id; also when it was refused at once, as in `SimPbx.dial`.

        Raises:
            SimulatorError: nothing comes of it: the phone is not registered, all its lines are in use.
        """
        pbx, traffic = self.tenants.of(domain)

        def act() -> str:
            call = pbx.switch.next_id()
            if not people:
                traffic.users.leave_alone(call)
            return pbx.dial(str(from_), str(to), name=name, call_id=call)

        if not (call := self.run(act)):
            raise SimulatorError(
                f"{from_!r} cannot call {to!r}.",
                hint="The caller needs a registered phone with a free line, or has to be outside and call an account.",
            )
        return call

    def answer(self, call: str, by: str = "") -> None:
        """A ringing phone is picked up, the first one unless ``by`` says which."""
        self._must("answered", call, lambda pbx: pbx.answer(call, by))

    def reject(self, call: str, by: str = "") -> None:
        """A phone that rings says no."""
        self._must("rejected", call, lambda pbx: pbx.reject(call, by))

    def hangup(self, call: str, by: str = "") -> None:
        """An end hangs up: the caller unless ``by`` says who."""
        self._must("ended", call, lambda pbx: pbx.hangup(call, by))

    def hold(self, call: str, by: str = "") -> None:
        """An end puts the other on hold."""
        self._must("held", call, lambda pbx: pbx.hold(call, by))

    def resume(self, call: str, by: str = "") -> None:
        """A held conversation goes on."""
        self._must("resumed", call, lambda pbx: pbx.resume(call, by))

    def transfer(self, call: str, to: str, by: str = "") -> None:
        """Blind to a number, attended to another call's id."""
        self._must(
            "transferred",
            call,
            lambda pbx: pbx.attended_transfer(call, to, by) if to in pbx.calls else pbx.transfer(call, str(to), by),
        )

    def park(self, call: str, orbit: str, by: str = "") -> None:
        """Lay a call into an orbit."""
        self._must("parked", call, lambda pbx: pbx.park(call, str(orbit), by))

    def retrieve(self, orbit: str, by: str, *, domain: str = "") -> None:
        """Take a call out of an orbit."""
        self._must("retrieved", f"in orbit {orbit}", lambda pbx: pbx.retrieve(str(orbit), by), domain)

    def pickup(self, call: str, by: str, *, domain: str = "") -> None:
        """Take a call that rings elsewhere: its id, or the extension (of ``domain``) that rings."""
        self._must("picked up", call, lambda pbx: pbx.pickup(call, by), domain)

    def record(self, call: str, on: bool = True) -> None:
        """Start or stop a recording."""
        self._must("recorded" if on else "no longer recorded", call, lambda pbx: pbx.record(call, on))

    def press(self, call: str, digits: str) -> None:
        """The caller dials digits in the menu."""
        self._must("sent on by these digits", call, lambda pbx: pbx.press(call, digits))

    def set_dnd(self, number: str, on: bool = True, *, domain: str = "") -> bool:
        """Do not disturb; False when it already was so."""
        return self._with(number, domain, lambda pbx: pbx.dnd(str(number), on))

    def set_chat_status(self, number: str, status: str, *, domain: str = "") -> bool:
        """The chat status; False when it already was so."""
        return self._with(number, domain, lambda pbx: pbx.set_chat_status(str(number), status))

    def register(self, number: str, phone: str = "desk phone", *, domain: str = "") -> bool:
        """A phone registers; False when it already was."""
        return self._with(number, domain, lambda pbx: pbx.register(str(number), phone))

    def unregister(self, number: str, phone: str = "", *, domain: str = "") -> bool:
        """One phone, or all of the extension's, go away; False when there was none."""
        return self._with(number, domain, lambda pbx: pbx.unregister(str(number), phone))

    def queue_login(self, queue: str, number: str, on: bool = True, *, domain: str = "") -> bool:
        """An agent logs in or out; False when it already was so."""
        return self._with(number, domain, lambda pbx: pbx.queue_login(str(queue), str(number), on))

    def queue_pause(self, queue: str, number: str, on: bool = True, reason: str = "", *, domain: str = "") -> bool:
        """An agent goes on a break or comes back; False when it already was so. No source tells how a real one does."""
        return self._with(number, domain, lambda pbx: pbx.queue_pause(str(queue), str(number), on, reason))

    def chat(self, sender: str, receiver: str, text: str, *, domain: str = "") -> bool:
        """A chat text; False when there is no such extension."""
        pbx = self.tenants.of(domain).pbx
        return self.run(lambda: pbx.chat(sender, receiver, text))

    def scenario(
        self, what: str | Path | Mapping[str, Any] | Sequence[Any] | Scenario, *, domain: str = ""
    ) -> ScenarioRun:
        """Play a scenario: a name, a YAML or JSON text or file, a list of steps. Returns at once, what plays.

        Args:
            what: the scenario.
            domain: where its steps happen that name no domain themselves.

        Raises:
            ScenarioError: it cannot be read, or this PBX lacks something it names.
            SimulatorError: there is no such domain.
        """
        script = scenario(what)
        self.tenants.of(domain)
        stages = {name: Stage(each.pbx, each.traffic.users) for name, each in self.tenants.items()}
        return self.run(
            lambda: ScenarioRun(script, stages, domain, fault=lambda name, options: self.faults.start(name, **options))
        )

    def pause(self) -> None:
        """As ``clock.pause``."""
        self.clock.pause()

    def resume_clock(self) -> None:
        """As ``clock.resume``."""
        self.clock.resume()

    def _with(self, number: str, domain: str, act: Callable[[SimPbx], bool]) -> bool:
        """Do something to an extension there is."""
        pbx = self.tenants.of(domain, number).pbx
        return self.run(lambda: act(pbx))

    def _must(self, what: str, call: str, act: Callable[[SimPbx], bool], domain: str = "") -> None:
        """Do something to a call; its id tells the tenant, ``domain`` where there is none."""

        def there() -> bool:
            owner = next((each for each in self.tenants.values() if call in each.pbx.calls), self.tenants.of(domain))
            return act(owner.pbx)

        if not self.run(there):
            raise SimulatorError(
                f"Call {call!s} cannot be {what}.", hint="It does not exist, or its state does not allow it.", call=call
            )
