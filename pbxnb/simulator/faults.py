"""Faults on demand: what breaks on real lines, each by its name and each bounded in time or number.

Durations are real seconds, because that is what a client's patience is measured in. The PBX inside stays right.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from aiohttp import web

from pbxnb.arguments import nearest
from pbxnb.errors import SimulatorError
from pbxnb.media import wire

from .active_faults import GARBAGE, LONGEST, MOST, ActiveFault, FaultControl, Reopen, within
from .engine.accounts import SimHuntGroup
from .engine.calls import ChangeKind, SimChange
from .engine.pbx import SimPbx
from .media import SimMedia
from .server.http import SimServer, SimTenant
from .server.sockets import SimSocket
from .server.spoilt import SpoiltRecords

__all__ = ["FAULTS", "Faults"]

BIGGEST = 60 * 2**20


class Faults:
    """The faults of one simulator; every method may be called from any thread.

    On a PBX of many tenants ``domain`` narrows a fault to one; without it a ``user`` is an extension of the first.

    Args:
        server: what breaks.
        run: runs a function on the server's loop and returns its result; by default the caller is on that loop.
        reopen: needed by the faults that close the port.
        tls: the server has a certificate that could change.
        seed: of what is left to chance.

    Example:
        ``sim.faults.drop()``, ``sim.faults.stall(seconds=30)``, ``sim.faults.start("ghost", count=3)``
    """

    def __init__(
        self,
        server: SimServer,
        *,
        run: Callable[[Callable[[], ActiveFault]], ActiveFault] = lambda act: act(),
        reopen: Reopen | None = None,
        tls: bool = False,
        seed: int = 1,
    ) -> None:
        self._server = server
        self._control = FaultControl(server, run, reopen)
        self._tls = tls
        self._random = Random(f"faults {seed}")

    def __repr__(self) -> str:
        return f"<faults: {', '.join(each.name for each in self.active) or 'none going on'}>"

    @property
    def active(self) -> tuple[ActiveFault, ...]:
        """The faults going on now, oldest first."""
        return self._control.active

    def stop(self, name: str = "") -> None:
        """End all faults, or those of one name."""
        self._control.stop(name)

    async def aclose(self) -> None:
        """End everything, on the server's loop, before the server stops."""
        await self._control.aclose()

    def start(self, name: str, /, **options: Any) -> ActiveFault:
        """Start a fault by its name; options as of its method, also as text.

        Raises:
            SimulatorError: there is no such fault, or it has no such option, or the option is out of bounds.
        """
        method = FAULTS.get(name.replace("_", "-"))
        if method is None:
            raise SimulatorError(f"There is no fault {name!r}{nearest(name, FAULTS)}")
        known = list(inspect.signature(method).parameters)[1:]
        if odd := next((key for key in options if key not in known), ""):
            has = f"It has {', '.join(known)}." if known else "It has none."
            raise SimulatorError(f"The fault {name!r} has no option {odd!r}.", hint=has)
        return method(self, **options)

    def keep_going(self, faults: Sequence[tuple[str, float]]) -> None:
        """Let faults happen by themselves, at random on the virtual clock: pairs of name and mean seconds between."""
        clock = self._server.pace.clock

        def again(name: str, mean: float) -> None:
            def strike() -> None:
                self.start(name)
                again(name, mean)

            clock.at(self._random.expovariate(1 / mean), strike)

        for name, mean in faults:
            again(name, mean)

    # -- the sound ----------------------------------------------------------------------------------------------

    def media(
        self,
        loss: float = 0.0,
        jitter: float = 0.0,
        one_way: bool = False,
        silent: bool = False,
        seconds: float = 60.0,
    ) -> ActiveFault:
        """What browser phones hear is spoilt: packets lost or late, none at all, or silence in them.

        Args:
            loss: share of the packets that are lost.
            jitter: mean delay of a packet, exponential, seconds.
            one_way: no packet reaches the phones, while theirs arrive.
            silent: packets come, with silence in them.
        """
        loss = within("loss", loss, 0, 1, float)
        jitter = within("jitter", jitter, 0, 10, float)
        media = self._server.media

        def act(active: ActiveFault) -> None:
            if not isinstance(media, SimMedia):
                raise SimulatorError("This PBX has no media.", hint="Start it with media=True.")
            media.disturb(wire.Disturb(call=0, loss=loss, jitter=jitter, nothing=_flag(one_way)), _flag(silent))
            active.then(lambda: media.disturb(wire.Disturb(call=0), False))

        return self._control.start("media", act, seconds=seconds)

    # -- the line ------------------------------------------------------------------------------------------------

    def drop(self, user: str = "", code: int = 0, domain: str = "") -> ActiveFault:
        """Connections break, one user's or everybody's: without a word, or with a close frame of that code."""
        code = within("code", code, 0, 4999, int)

        def act(active: ActiveFault) -> None:
            for socket in self._control.sockets(user, domain):
                socket.thaw()
                if code:
                    socket.close(code, "fault")
                else:
                    socket.abort()

        return self._control.start("drop", act)

    def half_open(self, seconds: float = 60.0, user: str = "", domain: str = "") -> ActiveFault:
        """The connections stay open and silent, pings included; at the end they are gone."""

        def end(socket: SimSocket) -> None:
            socket.thaw()
            socket.abort()

        return self._control.freeze("half-open", user, domain, end, seconds)

    def stall(self, seconds: float = 10.0, user: str = "", domain: str = "") -> ActiveFault:
        """The PBX hangs: nothing is read, sent or answered, then everything at once."""
        return self._control.freeze("stall", user, domain, SimSocket.thaw, seconds)

    def refuse(self, seconds: float = 5.0, status: int = 503) -> ActiveFault:
        """Nobody comes in: every request is answered with that status; 0 closes the port itself."""
        status = within("status", status, 0, 599, int)
        if 0 < status < 300:
            raise SimulatorError(f"The status {status} refuses nothing.", hint="Choose one from 300 to 599, or 0.")
        if status == 0:
            return self._control.start(
                "refuse", lambda active: self._control.close_port(active, False), seconds=seconds
            )

        def gate(request: web.Request) -> web.StreamResponse | None:
            if request.path.startswith("/simulator"):
                return None
            return web.Response(status=status, text="false", content_type="application/json")

        def act(active: ActiveFault) -> None:
            self._server.gates.append(gate)
            active.then(lambda: self._server.gates.remove(gate))

        return self._control.start("refuse", act, seconds=seconds)

    def slow(self, seconds: float = 30.0, lag: float = 0.2, user: str = "", domain: str = "") -> ActiveFault:
        """Every frame takes ``lag`` seconds longer, one after another, so that a busy line falls behind."""
        lag = within("lag", lag, 0, 60, float)

        def act(active: ActiveFault) -> None:
            for socket in self._control.sockets(user, domain):
                socket.lag = lag
                active.then(lambda socket=socket: setattr(socket, "lag", 0.0))  # type: ignore[misc]

        return self._control.start("slow", act, seconds=seconds)

    # -- what is sent --------------------------------------------------------------------------------------------

    def partial_snapshot(self, count: int = 1, share: float = 0.5, seconds: float = 300.0) -> ActiveFault:
        """The next snapshots lack the accounts at their end; those there are stay in order."""
        share = within("share", share, 0, 1, float)

        def act(active: ActiveFault) -> None:
            def cut(frame: dict[str, Any], socket: SimSocket) -> bool:
                accounts = frame.get("accounts")
                if active.over or frame.get("action") != "domain-state" or not isinstance(accounts, list):
                    return False
                frame["accounts"] = accounts[: int(len(accounts) * share)]
                active.strike()
                return True

            self._control.rewrite(active, cut)

        return self._control.start("partial-snapshot", act, seconds=seconds, count=count)

    def garbage(self, count: int = 1, user: str = "", domain: str = "") -> ActiveFault:
        """So many frames that are no messages: broken JSON, wrong types, nothing at all, far too deep."""
        count = within("count", count, 1, MOST, int)
        return self._control.send("garbage", [GARBAGE[n % len(GARBAGE)] for n in range(count)], user, domain)

    def giant(self, size: int = 2**20, user: str = "", domain: str = "") -> ActiveFault:
        """One frame of ``size`` bytes, at most 60 MiB."""
        head, tail = '{"action":"giant","padding":"', '"}'
        padding = "x" * max(0, within("size", size, 0, BIGGEST, int) - len(head) - len(tail))
        return self._control.send("giant", [head + padding + tail], user, domain)

    def ghost(self, count: int = 1, seconds: float = 60.0) -> ActiveFault:
        """The next calls that end stay in every list sent; REST and the accounts know that they are gone."""
        count = within("count", count, 1, MOST, int)

        def act(active: ActiveFault) -> None:
            ghosts: list[tuple[str, dict[str, Any]]] = []  # each with its tenant

            def add_ghosts(frame: dict[str, Any], socket: SimSocket) -> bool:
                calls = frame.get("calls")
                if not isinstance(calls, list) or frame.get("action") not in ("call-state", "domain-state"):
                    return False
                frame["calls"] = calls + [g for where, g in ghosts if where == socket.domain and self._sees(socket, g)]
                return True

            self._control.rewrite(active, add_ghosts)
            for tenant in self._server.tenants.values():

                def note(change: SimChange, tenant: SimTenant = tenant) -> None:
                    if change.kind is ChangeKind.CALL_ENDED and change.call is not None and len(ghosts) < count:
                        frames = tenant.frames
                        ghosts.append((tenant.pbx.domain, frames.call(change.call, frames.variants.fixed)))

                active.then(tenant.pbx.changed.add(note))

        return self._control.start("ghost", act, seconds=seconds)

    def records(
        self, status: int = 0, repeat: int = 0, garbage: int = 0, size: int = 0, lag: float = 0.0, seconds: float = 60.0
    ) -> ActiveFault:
        """Call records by REST are refused, come twice, with garbage among them, with a giant text, or late."""
        spoilt = SpoiltRecords(
            status=within("status", status, 0, 599, int),
            repeat=within("repeat", repeat, 0, MOST, int),
            garbage=within("garbage", garbage, 0, MOST, int),
            size=within("size", size, 0, BIGGEST, int),
            lag=within("lag", lag, 0, 60, float),
        )

        def act(active: ActiveFault) -> None:
            self._server.records = spoilt
            active.then(lambda: setattr(self._server, "records", SpoiltRecords()))

        return self._control.start("records", act, seconds=seconds)

    # -- the PBX -------------------------------------------------------------------------------------------------

    def expired_token(self, seconds: float = 10.0) -> ActiveFault:
        """Every session ends at once, and tokens made meanwhile are too old when they are exchanged."""

        def act(active: ActiveFault) -> None:
            login = self._server.login
            before, login.token_life = login.token_life, -1.0
            login.forget_all()
            active.then(lambda: setattr(login, "token_life", before))

        return self._control.start("expired-token", act, seconds=seconds)

    def restart(self, seconds: float = 2.0, changed: bool = True) -> ActiveFault:
        """The PBX restarts: the port closes, calls and sessions are gone; with ``changed`` accounts are too.

        Changed means: the last extension that serves no group is no more, a new one is there, the second has no phone,
        the third DND.
        """

        def act(active: ActiveFault) -> None:
            for socket in self._server.sockets_of():
                socket.thaw()
                socket.close(1001, "restart")
            self._server.login.forget_all()
            for tenant in self._server.tenants.values():
                for call in tuple(tenant.pbx.calls):
                    tenant.pbx.hangup(call)
                if _flag(changed):
                    _change(tenant.pbx)
            self._control.close_port(active, False)

        return self._control.start("restart", act, seconds=seconds)

    def clock_skew(self, offset: float = 300.0, seconds: float = 60.0) -> ActiveFault:
        """The PBX's clock is wrong by ``offset`` seconds: the ``Date`` header and every time it prints."""
        offset = within("offset", offset, -1e9, 1e9, float)

        def act(active: ActiveFault) -> None:
            def turn(by: float) -> None:
                self._server.skew += by
                for tenant in self._server.tenants.values():
                    tenant.frames.skew_by(by)

            turn(offset)
            active.then(lambda: turn(-offset))

        return self._control.start("clock-skew", act, seconds=seconds)

    def new_certificate(self) -> ActiveFault:
        """Everybody is dropped, and the port comes back with another certificate (only with TLS)."""
        if not self._tls:
            raise SimulatorError("This PBX has no certificate to change.", hint="Start it with tls=True.")

        def act(active: ActiveFault) -> None:
            for socket in self._server.sockets_of():
                socket.abort()
            self._control.close_port(active, True)

        return self._control.start("new-certificate", act, seconds=0.0)

    def flap(self, extension: str = "", count: int = 10, every: float = 0.5, domain: str = "") -> ActiveFault:
        """A phone's registration goes and comes ``count`` times, ``every`` virtual seconds apart; any phone."""
        count, every = within("count", count, 1, MOST, int), within("every", every, 0.01, LONGEST, float)

        def act(active: ActiveFault) -> None:
            pbx = self._server.tenants[self._control.domain(domain) or next(iter(self._server.tenants))].pbx
            number = str(extension) or self._random.choice(pbx.extensions).number
            if pbx.extension(number) is None:
                raise SimulatorError(f"There is no extension {number!r} to flap.")

            def turn() -> None:
                if active.over:
                    return
                if pbx.unregister(number):
                    pbx.clock.at(every, turn)
                    return
                pbx.register(number)
                active.strike()
                pbx.clock.at(every, turn)

            active.then(lambda: pbx.register(number))
            turn()

        return self._control.start("flap", act, count=count)

    def _sees(self, socket: SimSocket, entry: dict[str, Any]) -> bool:
        """True when the lists of this socket would hold that call."""
        everyone = self._server.tenants[socket.domain].pbx.directory.sees_domain(socket.user) and (
            socket.everyone or not socket.own
        )
        return everyone or socket.user in entry["extension"]


def _flag(value: object) -> bool:
    return str(value).lower() not in ("false", "no", "off", "0")


def _change(pbx: SimPbx) -> None:
    """Change accounts during a restart."""
    extensions = pbx.extensions
    members = {number for queue in pbx.queues for number in queue.agents}
    for group in pbx.accounts.values():
        if isinstance(group, SimHuntGroup):
            members.update(group.members)
    gone = next((e for e in reversed(extensions[3:]) if e.number not in members), None)
    if gone is not None:
        del pbx.accounts[gone.number]
    if len(extensions) > 2:
        pbx.unregister(extensions[1].number)
        pbx.dnd(extensions[2].number, True)
    number = max((int(e.number) for e in extensions if e.number.isdigit()), default=40) + 1
    while str(number) in pbx.accounts:
        number += 1
    pbx.directory.add_extension(str(number), "New Here")


FAULTS: dict[str, Callable[..., ActiveFault]] = {
    fault.__name__.replace("_", "-"): fault
    for fault in (
        Faults.drop, Faults.half_open, Faults.stall, Faults.refuse, Faults.slow, Faults.partial_snapshot,
        Faults.garbage, Faults.giant, Faults.ghost, Faults.expired_token, Faults.restart, Faults.clock_skew,
        Faults.new_certificate, Faults.flap, Faults.media, Faults.records,
    )
}  # fmt: skip
"""Every fault by its name; what each does is the first line of its docstring."""
