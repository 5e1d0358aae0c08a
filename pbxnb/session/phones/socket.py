"""`PhoneSocket`: one extension as a phone on a socket of its own, on the I/O lane of a handle.

The socket is a `Client` like the handle's, with the same login; the calls, of a page or of the kernel, are
`pbxnb.phone.line`'s.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar
from zoneinfo import ZoneInfo

from pbxnb.client.client import Client
from pbxnb.client.commands import Outcome
from pbxnb.errors import ConfigError, NotRegistered, PbxError
from pbxnb.model.changes import Changes, Event
from pbxnb.model.entities import LineState, Status
from pbxnb.protocol.commands import plan
from pbxnb.session.line import Line
from pbxnb.session.pending import Pending

if TYPE_CHECKING:
    from pbxnb.phone.leg import Signalling
    from pbxnb.phone.registrar import Registration

__all__ = ["PhoneSocket"]

T = TypeVar("T")

REGISTER_WITHIN = 10.0
OFFERS_SINCE = 69
"""The first version that offers on calls of ours (protocol.md 4.8)."""


class PhoneSocket:
    """One phone.

    Args:
        handle: the line whose lane it lives on, and with which it ends.
        client: its own, not yet started.
        tz: the zone that the handle's times are shown in.
        lines: calls at the same time.
        media_hosts: IP addresses that sound may go to beside the PBX's own; None for any, with a warning.

    Attributes:
        account: the extension.
        domain: its tenant.
        line: its registration and its calls; only on the lane.
        hosts: the addresses of the PBX, known once it is open.
        protected: whether the line is encrypted.
    """

    def __init__(
        self,
        handle: Line,
        client: Client,
        tz: ZoneInfo,
        *,
        lines: int = 1,
        media_hosts: Collection[str] | None = None,
    ) -> None:
        from pbxnb.phone.line import PhoneLine

        for host in media_hosts or ():
            _check_address(host)
        self.account: str = client.endpoint.user
        self.domain: str = client.endpoint.domain
        self.tz = tz
        self.protected: Final = client.endpoint.secure
        self.hosts: Collection[str] = ()
        self.client = client
        self.line: PhoneLine = PhoneLine(self.account, self, lines=lines, media_hosts=media_hosts)
        self._handle = handle
        self._leave: Callable[[], None] = lambda: None
        self._tasks: set[asyncio.Task[None]] = set()
        client.on_status.add(self._on_status)
        client.on_event.add(self._on_event)
        client.on_changes.add(self._on_changes)

    # -- life, from any thread -----------------------------------------------------------------------------------------

    def open(self) -> Pending[None]:
        """Connect and register.

        Raises:
            PbxError: what prevented it; `NotRegistered` where the PBX does not answer.
        """
        return self._handle.submit(self.opened, f"the registration of {self.account}")

    def close(self) -> Pending[None]:
        """Hang up, and end the socket."""
        return self._handle.submit(self.aclose, f"the end of the phone of {self.account}")

    def call(self, fn: Callable[[], object]) -> bool:
        """Run ``fn()`` on the lane soon; False when it has ended."""
        return self._handle.call(fn)

    def wait(self, future: Future[T], what: str, timeout: float | None = None) -> Pending[T]:
        """Something that will be known; ``what`` names it in texts."""
        return self._handle.wait(future, what, timeout)

    def command(self, name: str, *args: Any) -> Pending[Outcome]:
        """A command of `pbxnb.protocol.commands` as this extension, over this socket."""
        planned = plan(name, *args, context=self.client.context(self.account))
        return self._handle.submit(lambda: self.client.execute(planned), f"outcome of {name!r}")

    # -- life, on the lane ---------------------------------------------------------------------------------------------

    async def opened(self) -> None:
        """As `open`."""
        self._leave = self._handle.end_with(self.aclose)
        registered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def look(state: Registration) -> None:
            if state == "registered" and not registered.done():
                registered.set_result(None)

        stop = self.line.registrar.changed.add(look)
        try:
            self.hosts = await _addresses(self.client.endpoint.host)
            await self.client.start()
            async with asyncio.timeout(REGISTER_WITHIN):
                await registered
        except TimeoutError:
            await self.aclose()
            raise NotRegistered(
                f"The PBX did not register {self.account} as a phone within {REGISTER_WITHIN:g} s.",
                hint="May this extension be a browser phone?",
            ) from None
        except BaseException:
            await self.aclose()
            raise
        finally:
            stop()

    async def aclose(self) -> None:
        """As `close`."""
        self._leave()
        self.line.close()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.client.aclose()

    # -- `pbxnb.phone.line.LineSocket` ---------------------------------------------------------------------------------

    @property
    def signalling(self) -> Signalling:
        """How the PBX of the open socket speaks; one that hides its version as the newest do."""
        from pbxnb.phone.leg import Signalling

        if self.client.dialect == "2016":
            return Signalling.OLD
        major = re.match(r"\d+", self.client.status.pbx_version)
        return Signalling.LEGACY if major and int(major[0]) < OFFERS_SINCE else Signalling.MODERN

    def send(self, frame: dict[str, Any]) -> None:
        """Put a frame on the socket, after those before it; where it is down, the frame is lost."""

        async def sent() -> None:
            with suppress(PbxError):
                await self.client.send(frame)

        task = asyncio.ensure_future(sent())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def later(self, seconds: float, fn: Callable[[], object]) -> Callable[[], None]:
        """Call ``fn()`` after so many seconds; gives the way to call it off."""
        return asyncio.get_running_loop().call_later(seconds, fn).cancel

    def now(self) -> float:
        """Seconds of a monotonic clock."""
        return asyncio.get_running_loop().time()

    def at(self) -> datetime:
        """The time on the PBX's clock."""
        return self.client.store.clock.at(self.client.now())

    # -- what the client says ------------------------------------------------------------------------------------------

    def _on_status(self, status: Status) -> None:
        if status.state is LineState.LIVE and not self.line.up:
            self.line.connected()
        elif status.state not in (LineState.LIVE, LineState.STALE) and self.line.up:
            self.line.dropped()

    def _on_event(self, event: Event) -> None:
        if event.kind == "message" and event.message is not None and self.line.up:
            self.line.told(event.message)
            if any(one.call is None for one in self.line.calls):  # one that began may be in the list already
                self.line.listed(self.client.store.calls.values())

    def _on_changes(self, changes: Changes) -> None:
        if changes.calls and self.line.calls:
            self.line.listed(self.client.store.calls.values())


def _check_address(host: object) -> None:
    try:
        ipaddress.ip_address(host)  # type: ignore[arg-type]
    except ValueError:
        raise ConfigError(
            f"media_hosts= holds IP addresses; {host!r} is none.", hint='Write media_hosts=["192.0.2.1"].'
        ) from None


async def _addresses(host: str) -> Collection[str]:
    """The IP addresses of a host; none where its name is not known, as behind a proxy."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except OSError:
        return ()
    return {str(address[0]) for *_, address in found}
