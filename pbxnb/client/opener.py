"""Opening a line: what answers there, who we are, and then the socket; the same steps before every connection.

Also the way to REST between connections: a login that has grown old is renewed first.
"""

from __future__ import annotations

import asyncio
import logging
import time

from pbxnb.errors import OpenTimeout, UpgradeRefused

from .endpoint import Endpoint
from .logins import Login
from .rest import Rest
from .sync import Dialect, dialect_of
from .timing import Timing
from .tls import Trust
from .transport import Line, dial

__all__ = ["Opener"]

_LOG = logging.getLogger("pbxnb.client")


class Opener:
    """Opens sockets for one client.

    Args:
        asked_dialect: ``auto`` or the dialect itself.
        open_timeout: seconds for everything from the name lookup to the open socket.

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
        self._endpoint = endpoint
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

    @property
    def version(self) -> str:
        """The PBX's version, as it last said; empty while it has not."""
        return self._rest.version

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
                    return await self._dial(self._endpoint.ws_url)
                except UpgradeRefused:
                    if self.dialect != "2016":
                        raise
                    _LOG.info("The PBX of 2016 has no /websocket; trying its root path.")
                    return await self._dial(self._endpoint.ws_root)
        except TimeoutError:
            raise OpenTimeout(
                f"{self._endpoint.authority} did not open the line within {self._open_timeout:g} s.",
                hint="Is the PBX overloaded, or a firewall in between?",
            ) from None

    async def rest(self) -> Rest:
        """The REST client with a login that is young enough (rest.md 1.5: sessions last an hour)."""
        old = time.monotonic() - self._logged_in_at > self._timing.session_age
        if old and self._login is not None and self._login.renews:
            await self._log_in()
        return self._rest

    async def _log_in(self) -> None:
        self._rest.session = await self._login.cookie(self._rest) if self._login is not None else None
        self._logged_in_at = time.monotonic()

    async def _dial(self, url: str) -> Line:
        return await dial(
            url,
            cookie=self._rest.session,
            trust=self._trust,
            proxy=self._rest.proxy,
            max_size=self._max_size,
            close_timeout=self._timing.close_timeout,
            compress=not self._endpoint.is_private,
        )
