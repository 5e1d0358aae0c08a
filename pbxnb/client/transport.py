"""One open socket: the only module that knows the WebSocket library.

`dial` opens it, `Line` reads, writes and pings; however it ends, what comes out is a `LineLost` or another error of
ours. A swap of the library stays inside this file.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from enum import StrEnum
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
    InvalidStatus,
    ProxyError,
    WebSocketException,
)

from pbxnb.errors import ConnectionFailed, LoginRefused, NotAPbx, Unreachable, UpgradeRefused, without_frames
from pbxnb.text import clean_logger

from .rest import unreachable
from .secrets import Secret, redacting_logger
from .tls import Trust

__all__ = ["Line", "LineLost", "Loss", "dial"]


class Loss(StrEnum):
    """How a socket ended."""

    CLOSED = "closed"  # the server said so, with a code
    DROPPED = "dropped"  # the connection broke without a word
    TOO_BIG = "too big"  # we hung up on a frame above max_size
    SILENT = "silent"  # we hung up: neither frame nor pong


class LineLost(ConnectionFailed):
    """An open socket ended. ``how`` says in which way, ``code`` is the server's close code, if it gave one."""

    def __init__(self, how: Loss, *, code: int | None = None, reason: str = "") -> None:
        said = f" ({reason})" if reason else ""
        super().__init__(
            {
                Loss.CLOSED: f"The PBX closed the line with code {code}{said}.",
                Loss.DROPPED: "The connection to the PBX broke.",
                Loss.TOO_BIG: "The PBX sent a frame larger than max_size.",
                Loss.SILENT: "The PBX neither sent anything nor answered a ping.",
            }[how],
            code=code,
        )
        self.how = how
        self.code = code


class Line:
    """An open socket."""

    def __init__(self, socket: ClientConnection, close_timeout: float) -> None:
        self._socket = socket
        self._close_timeout = close_timeout
        self._silent = False

    async def receive(self) -> bytes:
        """The next frame, as received; raises `LineLost` at the end."""
        try:
            return await self._socket.recv(decode=False)
        except ConnectionClosed as exc:
            raise self._lost(exc) from None

    async def send(self, text: str) -> None:
        """Hand a frame to the system; raises `LineLost` if the line is gone."""
        try:
            await self._socket.send(text)
        except ConnectionClosed as exc:
            raise self._lost(exc) from None

    async def ping(self) -> float:
        """Seconds until the PBX answered a ping; raises `LineLost` if the line ended before."""
        sent = time.monotonic()
        try:
            await (await self._socket.ping())
        except ConnectionClosed as exc:
            raise self._lost(exc) from None
        return time.monotonic() - sent

    def hang_up(self) -> None:
        """Drop a line that has gone silent; whoever reads it gets `LineLost`."""
        self._silent = True
        self._socket.transport.abort()

    def drop(self) -> None:
        """Let go of the connection without a word; harmless after its end."""
        self._socket.transport.abort()

    async def close(self, code: int = 1000) -> None:
        """Say goodbye, and hang up on a server that does not answer in time."""
        try:
            async with asyncio.timeout(self._close_timeout):
                await self._socket.close(code)
        except TimeoutError:
            pass
        finally:
            self._socket.transport.abort()

    def _lost(self, exc: ConnectionClosed) -> LineLost:
        if self._silent:
            return LineLost(Loss.SILENT)
        # The order tells whose wish it was: our own 1009 counts only if the server had not closed before.
        if exc.sent is not None and exc.sent.code == 1009 and not exc.rcvd_then_sent:
            return LineLost(Loss.TOO_BIG)
        if exc.rcvd is not None:
            return LineLost(Loss.CLOSED, code=exc.rcvd.code, reason=exc.rcvd.reason)
        return LineLost(Loss.DROPPED)


class _NoRedirect(connect):
    """A PBX does not redirect a socket, and a cookie must not follow one."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


async def dial(
    url: str,
    *,
    cookie: Secret | None,
    trust: Trust,
    proxy: str | None,
    max_size: int,
    close_timeout: float,
    compress: bool,
) -> Line:
    """Open a socket (protocol.md 2.2).

    Args:
        url: the full URL.
        cookie: the session id; set by hand, so that it also goes over ws://.
        proxy: the URL of an HTTP proxy; the library does not look for one itself.
        max_size: bytes of the largest frame accepted.
        compress: offer compression; it pays on a long way, and costs CPU on a short one.

    Raises:
        ConnectionFailed: which subclass says where it stopped; the caller bounds the time.
    """
    where = trust_name(url)
    try:
        socket = await _NoRedirect(
            url,
            additional_headers={"Cookie": f"session={cookie.reveal()}"} if cookie else None,
            logger=redacting_logger("websockets", [cookie] if cookie else []),
            ssl=trust.context,
            proxy=proxy,
            open_timeout=None,
            ping_interval=None,  # `keepalive` pings, because it also counts frames as signs of life
            close_timeout=close_timeout,
            max_size=max_size,
            max_queue=256,
            compression="deflate" if compress else None,
        )
    except InvalidStatus as exc:
        failure: ConnectionFailed = _refused(exc.response.status_code, exc.response.headers.get("Location", ""), url)
    except ssl.SSLError as exc:
        failure = trust.failure(exc)
    except OSError as exc:
        failure = unreachable(exc, where)
    except (ProxyError, InvalidProxy):
        failure = Unreachable(f"The proxy does not lead to {where}.", hint="Write proxy=False to go without it.")
    except InvalidMessage:
        failure = Unreachable(f"{where} hung up instead of opening the socket.", hint="Is the PBX restarting?")
    except (InvalidHandshake, WebSocketException) as exc:
        failure = NotAPbx(f"{where} does not open a WebSocket properly: {exc}.", hint="Is a proxy in between?")
    except BaseException as exc:  # cancelled, or a fault: the library's frames hold the cookie
        without_frames(exc)
        raise
    else:
        clean_logger("pbxnb.client").debug("Socket to %s is open.", where)
        return Line(socket, close_timeout)
    # Outside the handler: the library's exception may hold the request with its headers.
    raise failure


def trust_name(url: str) -> str:
    """Host and port of a URL, for messages."""
    return url.split("/")[2]


def _refused(status: int, location: str, url: str) -> ConnectionFailed:
    """The error for an upgrade that was answered with an HTTP status."""
    where = trust_name(url)
    if 300 <= status < 400:
        hint = "It sends us to https: begin the URL with wss://." if location.startswith("https://") else ""
        return NotAPbx(f"{where} answers the WebSocket with a redirect.", hint=hint or "Use the PBX's own address.")
    if status in (401, 403):
        return LoginRefused(
            f"The PBX refuses the socket (HTTP status {status}): the session may not open it.",
            hint="Check user=, domain= and login=; a session serves only its own extension.",
            status=status,
        )
    if status >= 500 or status in (408, 425, 429):
        return Unreachable(f"{where} cannot open the socket now (HTTP status {status}).", hint="Is it restarting?")
    return UpgradeRefused(
        f"{where} refuses the WebSocket at {urlsplit(url).path} with HTTP status {status}.",
        hint="Is this the PBX's web port? Check the URL, domain= and user=. "
        'Behind a reverse proxy write the whole address of the socket, such as "wss://host/pbx/websocket".',
        status=status,
    )
