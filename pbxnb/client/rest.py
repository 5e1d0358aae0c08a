"""HTTP beside the socket: one small client for login, REST reads and REST commands (rest.md 1, 2).

Redirects are not followed, cookies are set by hand (a jar would keep a Secure cookie off a plain http PBX), bodies are
bounded. A failure names the host and the reason, never what was sent.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp
import msgspec
from yarl import URL

from pbxnb.errors import ConnectionFailed, NotAPbx, PbxError, Unreachable, without_frames
from pbxnb.model.clock import Clock
from pbxnb.protocol.raw import BadFrame, load_answer
from pbxnb.protocol.rest import ROOT
from pbxnb.text import clean, clean_logger

from .endpoint import Endpoint, proxy_for
from .secrets import Secret
from .tls import Trust, needs_legacy

__all__ = ["LOGIN_BODY", "Reply", "Rest", "RestError"]

_LOG = clean_logger("pbxnb.client")
_LONGEST_VERSION = 40
_MAX_BODY = 32 * 2**20
LOGIN_BODY = 64 * 2**10
"""Bytes read of an answer to a login: a token or a session id is shorter by far, and nobody is trusted yet."""


class RestError(PbxError):
    """A REST request was answered with no; ``status`` is the HTTP status (200 for a body of ``false``)."""

    def __init__(self, message: str, *, status: int, hint: str = "") -> None:
        super().__init__(message, hint=hint, status=status)
        self.status = status


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP answer, read completely.

    Attributes:
        value: the body as JSON; text that is no JSON stays text.
        is_json: whether it was JSON.
        session: the session cookie it set, if any.
        cut: whether there was more than was asked for; then nothing was decoded.
    """

    status: int
    value: Any
    is_json: bool
    is_html: bool = False
    location: str = ""
    session: Secret | None = None
    cut: bool = False

    def __repr__(self) -> str:
        return f"Reply(status={self.status}, …)"  # what a login is answered may be what lets one in

    @property
    def refused(self) -> bool:
        """The PBX's way of saying no with a 200: ``false``, or ``""`` on old versions (rest.md 1.3)."""
        return self.status == 200 and (self.value is False or self.value == "")


class Rest:
    """The PBX's web side, for one client.

    Args:
        proxy: as `proxy_for` takes it.
        timeout: seconds for one whole request.
        clock: the PBX's; a new one, which knows nothing, unless given.

    Attributes:
        session: the cookie every request carries; None before a login.
        version: from the ``Server`` header, such as ``70.1``; empty while not told.
        clock: the PBX's.
        on_date: takes every ``Date`` header, with the kernel moments of question and answer; the clock, unless set.
        proxy: the URL of the proxy in between, if there is one.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        trust: Trust,
        *,
        proxy: str | bool | None = None,
        timeout: float = 10.0,
        clock: Clock | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.session: Secret | None = None
        self.version: str = ""
        self.clock: Final = Clock() if clock is None else clock
        self.on_date: Callable[[datetime, datetime, datetime], None] = self.clock.read_date
        self.proxy: Final = proxy_for(endpoint, proxy)
        self._trust = trust
        self._timeout = timeout
        self._http: aiohttp.ClientSession | None = None
        self._odd_date = False

    async def probe(self) -> None:
        """``GET /``: is anything there, is its TLS acceptable, which version is it (rest.md 1.9).

        Raises:
            ConnectionFailed: nothing answers, or its certificate is not acceptable.
        """
        await self.request("GET", ROOT, anonymous=True, most=0)

    async def get(self, path: str, *, within: float | None = None) -> Any:
        """Read a resource as JSON, within so many seconds; raises `RestError` for anything but data."""
        return self._data("GET", path, await self.request("GET", path, within=within))

    async def send(self, method: str, path: str, body: Any = None) -> Any:
        """Write to a resource, without a body where that is None; raises `RestError` when the answer is a no."""
        return self._data(method, path, await self.request(method, path, body))

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        basic: tuple[str, Secret] | None = None,
        anonymous: bool = False,
        most: int = _MAX_BODY,
        within: float | None = None,
    ) -> Reply:
        """One request, one answer, whatever its status.

        Args:
            path: from ``/``, already quoted (`protocol.rest.url`).
            body: anything JSON can say; JSON text as a `Secret`.
            basic: user name and password of HTTP Basic.
            anonymous: leave the session cookie out.
            most: bytes read of the answer; a longer one is cut, above 32 MiB it is a failure.
            within: seconds for it, where that is another time than for all others.

        Raises:
            ConnectionFailed: no answer came.
        """
        try:
            async with asyncio.timeout(self._timeout if within is None else within):
                return await self._request(method, path, body, basic, anonymous, most)
        except (aiohttp.ClientError, OSError) as exc:
            legacy = needs_legacy(_ssl_error(exc))
            failure = self._failure(exc)
        except BaseException as exc:  # cancelled, or a fault: the library's frames hold what was being sent
            without_frames(exc)
            raise
        if legacy and self._trust.allow_legacy():
            # The handshake failed, so nothing of the request was sent: this is a first attempt, not a second.
            return await self.request(method, path, body, basic=basic, anonymous=anonymous, most=most, within=within)
        # Outside the handler: the library's exception may hold the request with its headers.
        raise failure

    async def aclose(self) -> None:
        """Release the connections; the object may be used again."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.close()

    async def _request(
        self, method: str, path: str, body: Any, basic: tuple[str, Secret] | None, anonymous: bool, most: int
    ) -> Reply:
        sent = datetime.now(UTC)
        cookie = None if anonymous else self.session
        async with self._open().request(
            method,
            URL(self.endpoint.http_base + path, encoded=True),
            data=None if body is None else _encode(body),
            headers={
                "Accept": "application/json",
                **({} if body is None else {"Content-Type": "application/json"}),
                **({"Cookie": f"session={cookie.reveal()}"} if cookie else {}),
                **({"Authorization": _basic(*basic)} if basic else {}),
            },
            allow_redirects=False,
            proxy=self.proxy,
        ) as answer:
            self._note(answer.headers, sent)
            return _reply(answer.status, answer.headers, await _read(answer.content, most), most)

    def _open(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                # A connection kept open may be closed under a command, which then could not be told apart from one
                # that arrived; requests are rare, so each has its own.
                connector=aiohttp.TCPConnector(ssl=self._trust.context or False, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                # Our own timeout nests: aiohttp's may swallow that of a caller which expires at the same moment.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            )
        return self._http

    def _note(self, headers: Mapping[str, str], sent: datetime) -> None:
        server = headers.get("Server", "")
        if server.startswith("PBX/"):
            self.version = clean(next(iter(server[4:].split()), ""), _LONGEST_VERSION)
        if "Date" not in headers:
            return
        try:
            shown = parsedate_to_datetime(headers["Date"])
            if shown.tzinfo is not None:
                self.on_date(shown, sent, datetime.now(UTC))
        except Exception:  # noqa: BLE001 - whatever can be wrong with a date: it costs only itself
            known = False
        else:
            known = self.clock.known
        if not known and not self._odd_date:
            self._odd_date = True
            _LOG.warning("The PBX sends a Date that cannot be computed with: %s. Said once.", headers["Date"][:40])

    def _failure(self, exc: Exception) -> ConnectionFailed:
        where = self.endpoint.authority
        cause = _ssl_error(exc)
        if cause is not None:
            return self._trust.failure(cause)
        if isinstance(exc, aiohttp.ClientHttpProxyError):
            return Unreachable(f"The proxy does not lead to {where}.", hint="Write proxy=False to go without it.")
        if isinstance(exc, aiohttp.ClientResponseError):
            return NotAPbx(
                f"What answers at {where} does not speak HTTP.", hint="Is this the PBX's web port, and ws or wss?"
            )
        return unreachable(exc, where)

    def _data(self, method: str, path: str, reply: Reply) -> Any:
        if reply.status == 200 and reply.is_json and not reply.refused:
            return reply.value
        if reply.status in (200, 201, 202, 204) and method != "GET" and not reply.refused and not reply.is_html:
            return reply.value
        said = {
            200: "answered with a no" if reply.refused else "answered with something that is not JSON",
            401: "wants a login",
            403: "does not allow it",
            404: "does not know it",
        }.get(reply.status, f"answered with HTTP status {reply.status}")
        raise RestError(f"{method} {path}: the PBX {said}.", status=reply.status)


def is_session_id(text: str) -> bool:
    """Whether a text can be sent back as a cookie's value: visible ASCII without what ends or quotes a value."""
    return text != "" and all("!" <= char <= "~" and char not in '",;\\' for char in text)


def unreachable(exc: BaseException, where: str) -> Unreachable:
    """The plain words for an OSError or a timeout on the way to ``where``."""
    cause: BaseException = getattr(exc, "os_error", None) or exc
    if isinstance(cause, socket.gaierror):
        return Unreachable(f"The name in {where} is not known.", hint="Check the host name; is the VPN up?")
    if isinstance(cause, ConnectionRefusedError):
        return Unreachable(f"Nothing listens at {where}.", hint="Check the port; is the PBX running?")
    if isinstance(cause, TimeoutError):
        return Unreachable(f"{where} does not answer.", hint="Check the address, the network and the firewall.")
    if isinstance(cause, ConnectionError | asyncio.IncompleteReadError | EOFError | aiohttp.ServerDisconnectedError):
        return Unreachable(f"{where} hung up without an answer.", hint="Is the PBX restarting? Is this its web port?")
    reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else type(cause).__name__
    return Unreachable(f"No connection to {where}: {reason}.", hint="Check the address and the network.")


def not_a_pbx(reply: Reply, where: str) -> NotAPbx | None:
    """The error for an answer that no PBX gives to a login or a REST path: a redirect, a web page; else None."""
    if 300 <= reply.status < 400:
        hint = "Use the address of the PBX itself."
        if reply.location.startswith("https://"):
            hint = "It sends us to https: begin the URL with wss://."
        return NotAPbx(f"{where} answers with a redirect.", hint=hint, status=reply.status)
    if reply.is_html and reply.status == 200:
        return NotAPbx(
            f"{where} answers with a web page where a PBX answers with JSON.",
            hint="Is this the PBX's own address and port?",
        )
    if reply.cut and reply.status == 200:
        return NotAPbx(
            f"{where} answers a login with more than {LOGIN_BODY // 1024} kB, which no PBX does.",
            hint="Is this the PBX's own address and port?",
        )
    return None


def _encode(body: Any) -> bytes:
    return body.reveal().encode() if isinstance(body, Secret) else msgspec.json.encode(body)


def _basic(name: str, password: Secret) -> str:
    return "Basic " + b64encode(f"{name}:{password.reveal()}".encode()).decode()


async def _read(stream: aiohttp.StreamReader, most: int) -> bytes:
    """The body; of one that is longer than ``most``, a little more than that. With 0 it stays unread."""
    body = bytearray()
    while most and len(body) <= most and (chunk := await stream.read(2**16)):
        body += chunk
    if len(body) > _MAX_BODY:
        raise aiohttp.ClientPayloadError("too large")
    return bytes(body)


def _reply(status: int, headers: Mapping[str, str], body: bytes, most: int = _MAX_BODY) -> Reply:
    cut = len(body) > most
    text = body.decode("utf-8", "replace")
    kind = headers.get("Content-Type", "").lower()
    is_html = "html" in kind or text.lstrip()[:15].lower().startswith(("<!doctype", "<html"))
    value: Any = "" if cut else text.strip()
    is_json = False
    if not is_html and not cut:
        try:
            value, is_json = load_answer(body), True
        except BadFrame:
            is_json = False
    return Reply(
        status=status,
        value=value,
        is_json=is_json,
        is_html=is_html,
        location=headers.get("Location", ""),
        session=_session_cookie(headers),
        cut=cut,
    )


def _session_cookie(headers: Mapping[str, str]) -> Secret | None:
    """The session id an answer sets; attributes are a browser's, and new ones are invented all the time."""
    found = None
    for header in getattr(headers, "getall", lambda _name, _default: ())("Set-Cookie", ()):
        name, _, value = header.partition(";")[0].partition("=")
        value = value.strip().removeprefix('"').removesuffix('"')
        if name.strip() == "session" and is_session_id(value):
            found = Secret(value)  # of two with one name the later counts, as in a browser
    return found


def _ssl_error(exc: BaseException) -> ssl.SSLError | None:
    """The TLS failure inside one of the library's exceptions, if that is what it was."""
    # The library's own exceptions inherit from ssl.SSLError without being filled in, so they come last.
    for cause in (getattr(exc, "certificate_error", None), getattr(exc, "os_error", None), exc.__cause__, exc):
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, aiohttp.ClientError):
            return cause
    return None
