"""What every fault is made of: how it begins, strikes, runs out and puts everything back as it was.

The named faults are in `faults`. They plug into the server's hooks (gates, filters, the sockets' own methods); nothing
here touches the PBX inside.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec

from pbxnb.arguments import nearest
from pbxnb.errors import SimulatorError
from pbxnb.text import clean_logger

from .server.http import SimServer
from .server.sockets import SimSocket

__all__ = ["GARBAGE", "LONGEST", "MOST", "ActiveFault", "FaultControl", "Reopen", "within"]

_log = clean_logger("pbxnb.simulator")
_N = TypeVar("_N", int, float)

Reopen = Callable[[Callable[[], Awaitable[object]], bool], Awaitable[object]]
"""Closes the port, awaits the function, and opens it again, with a new certificate if the second argument says so."""
Rewrite = Callable[[dict[str, Any], SimSocket], bool]
"""Changes a decoded frame in place; False leaves the frame as it was."""

LONGEST = 3600.0
MOST = 10_000
GARBAGE = (
    '{"action":"call-state","calls":[{"id":"7',
    "not json at all",
    "[1,2,3]",
    "",
    '{"action":"call-state","calls":"none"}',
    '{"action":"user-state","account":["41"],"registered":"perhaps"}',
    '{"action":"call-state","calls":' + "[" * 2000 + "]" * 2000 + "}",
    '{"action":"no-such-action","\\u202e":"\\u0000"}',
)
"""Frames that are no messages."""


class ActiveFault:
    """A fault that is going on, or was.

    Args:
        name: which.
        left: how many times it strikes; None when only time ends it.

    Attributes:
        left: how many times it will still strike.
        over: it has ended.
    """

    def __init__(self, name: str, left: int | None = None) -> None:
        self.name = name
        self.left = left
        self.over: bool = False
        self._undo = contextlib.ExitStack()

    def __repr__(self) -> str:
        return f"<fault {self.name}{' (over)' if self.over else ''}>"

    def then(self, undo: Callable[[], object]) -> None:
        """Do this when it ends, at once if it has; the last one given is done first."""
        if self.over:
            undo()
        else:
            self._undo.callback(undo)

    def strike(self) -> None:
        """It has done its work once; the last time ends it."""
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                self.stop()

    def stop(self) -> None:
        """End it now, on the server's loop; the line is as before."""
        if not self.over:
            self.over = True
            self._undo.close()


class FaultControl:
    """The faults that are going on, and how one begins and ends. Arguments as for `faults.Faults`."""

    def __init__(
        self, server: SimServer, run: Callable[[Callable[[], ActiveFault]], ActiveFault], reopen: Reopen | None
    ) -> None:
        self._server = server
        self._run = run
        self._reopen = reopen
        self._going: list[ActiveFault] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def active(self) -> tuple[ActiveFault, ...]:
        """The faults going on now, oldest first."""
        return tuple(each for each in self._going if not each.over)

    def stop(self, name: str = "") -> None:
        """End all faults, or those of one name."""

        def act() -> ActiveFault:
            for each in self.active:
                if name in ("", each.name):
                    each.stop()
            return ActiveFault(name)

        self._run(act)

    async def aclose(self) -> None:
        """End everything, on the server's loop, before the server stops."""
        for each in self.active:
            each.stop()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def start(
        self, name: str, act: Callable[[ActiveFault], object], *, seconds: float | None = None, count: int | None = None
    ) -> ActiveFault:
        """Begin a fault on the server's loop; what has neither time nor number is over at once."""
        limit = None if seconds is None else within("seconds", seconds, 0, LONGEST, float)
        active = ActiveFault(name, None if count is None else within("count", count, 1, MOST, int))

        def begin() -> ActiveFault:
            try:
                act(active)
            except BaseException:
                active.stop()
                raise
            self._going = [each for each in self._going if not each.over] + [active]
            if limit is not None:
                timer = asyncio.get_running_loop().call_later(limit, active.stop)
                active.then(timer.cancel)
            elif count is None:
                active.stop()
            return active

        _log.debug("fault %s", name)
        return self._run(begin)

    def domain(self, name: str) -> str:
        """The name of a tenant, or empty.

        Raises:
            SimulatorError: there is none.
        """
        if name and name not in self._server.tenants:
            raise SimulatorError(f"There is no domain {name!r}{nearest(str(name), self._server.tenants)}")
        return name

    def sockets(self, user: str, domain: str) -> tuple[SimSocket, ...]:
        """The open sockets of an extension (of the first tenant unless one is named), of a tenant, or of all."""
        where = self.domain(domain) or (next(iter(self._server.tenants)) if user else "")
        return tuple(self._server.sockets_of(user, where))

    def freeze(
        self, name: str, user: str, domain: str, end: Callable[[SimSocket], object], seconds: float
    ) -> ActiveFault:
        """Freeze sockets; ``end`` is done to each at the end."""

        def act(active: ActiveFault) -> None:
            for socket in self.sockets(user, domain):
                socket.freeze()
                active.then(lambda socket=socket: end(socket))  # type: ignore[misc]

        return self.start(name, act, seconds=seconds)

    def send(self, name: str, frames: Sequence[str], user: str, domain: str) -> ActiveFault:
        """Send frames to sockets."""

        def act(active: ActiveFault) -> None:
            for socket in self.sockets(user, domain):
                for frame in frames:
                    socket.send(frame)

        return self.start(name, act)

    def rewrite(self, active: ActiveFault, change: Rewrite) -> None:
        """Let frames pass through ``change`` on the open sockets and on those to come."""

        def hook(socket: SimSocket, text: str) -> str:
            if '"domain-state"' not in text and '"call-state"' not in text:
                return text
            try:
                frame = msgspec.json.decode(text)
            except msgspec.DecodeError:
                return text  # the fault `garbage` at the same time
            return msgspec.json.encode(frame).decode() if isinstance(frame, dict) and change(frame, socket) else text

        def undo() -> None:
            self._server.filters.remove(hook)
            for socket in self._server.sockets:
                if hook in socket.filters:
                    socket.filters.remove(hook)

        self._server.filters.append(hook)
        for socket in self._server.sockets:
            socket.filters.append(hook)
        active.then(undo)

    def close_port(self, active: ActiveFault, new_certificate: bool) -> None:
        """Close the port until the fault ends."""
        if self._reopen is None:
            raise SimulatorError("This PBX cannot close its port.", hint="Use the fault 'refuse' with a status.")
        end = asyncio.Event()
        active.then(end.set)
        task = asyncio.create_task(self._closed_port(end, new_certificate), name="pbxnb-simulator port")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _closed_port(self, end: asyncio.Event, new_certificate: bool) -> None:
        assert self._reopen is not None
        try:
            await self._reopen(end.wait, new_certificate)
        except OSError as error:
            _log.warning("The simulator's port cannot be opened again: %s", error)


def within(name: str, value: object, low: float, high: float, kind: type[_N]) -> _N:
    """The value as a number within bounds; text is read, because it may come by HTTP or from a scenario."""
    try:
        number: _N | None = kind(str(value))
    except ValueError:
        number = None
    if number is None or not low <= number <= high:
        raise SimulatorError(f"{name} {value!r} is not possible.", hint=f"Give a number from {low:g} to {high:g}.")
    return number
