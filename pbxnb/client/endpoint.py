"""Where the PBX is and which view of it is asked for: a URL taken apart, checked, and put together again.

Knows no socket and no login; a URL that carries a credential is refused without being repeated.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec

from pbxnb.arguments import forget_arguments
from pbxnb.errors import ConfigError

__all__ = ["Endpoint", "proxy_for"]

_SUFFIX = "/websocket"
_PORTS = {"ws": 80, "wss": 443}
_WEB = {"http": "ws", "https": "wss"}  # what stands in a browser's address line
_PAGE = re.compile(r"/[^/]*\.(html?|php|aspx?|js)", re.IGNORECASE)
_EXAMPLE = 'Write it as "wss://pbx.example.com", with domain="acme.example" and user="45".'
# A tenant or account name never holds what would change the meaning of a path, a query or a header.
_BAD_NAME = re.compile(r"[\s/\\?#@&\x00-\x1f\x7f]")
_UNSEEN = re.compile(r"[\s\x00-\x1f\x7f]")
_LOCAL_SUFFIXES = (".local", ".lan", ".home", ".internal", ".home.arpa", ".localdomain")


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One extension's view of one tenant of one PBX.

    Attributes:
        host: name or IP address, IPv6 without brackets.
        prefix: path in front of ``/websocket`` and ``/rest``, for a PBX behind a proxy; usually empty.
    """

    host: str
    port: int
    secure: bool
    domain: str
    user: str
    prefix: str = ""

    @classmethod
    @forget_arguments
    def parse(cls, url: str, domain: str | None = None, user: str | None = None) -> Endpoint:
        """Take a URL apart (protocol.md 2.1).

        Args:
            url: ``ws://host[:port]``, ``wss://host[:port]``, with the path of a PBX behind a reverse proxy
                (``wss://host/pbx/``), or the full ``/websocket`` URL with its query; ``http`` and ``https`` do too.
            domain: the tenant; may be left out when the URL's query has it.
            user: the extension's number; likewise.

        Raises:
            ConfigError: something is missing, malformed or given twice with different values.

        Example:
            >>> Endpoint.parse("wss://pbx.example.com", "acme.example", "45").account
            '45@acme.example'
        """
        if not isinstance(url, str):
            raise ConfigError(f"The URL must be text, not {type(url).__name__}.", hint=_EXAMPLE)
        url = url.strip()
        if _UNSEEN.search(url):  # urlsplit would drop some of them and name another host
            raise ConfigError("The URL has a space or a control character in it.", hint=_EXAMPLE)
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ConfigError("The URL cannot be read: its host or port is malformed.", hint=_EXAMPLE) from None
        if parts.username is not None or parts.password is not None:
            raise ConfigError("The URL carries a user name or password.", hint="Give it as login=pbxnb.Password(…).")
        scheme = parts.scheme.lower()
        scheme = _WEB.get(scheme, scheme)
        if scheme not in _PORTS:
            raise ConfigError("The URL must begin with ws:// or wss://.", hint=_EXAMPLE)
        if not parts.hostname:
            raise ConfigError("The URL names no host.", hint=_EXAMPLE)
        path = parts.path.rstrip("/")
        if page := _PAGE.search(path):
            whole = f"{scheme}://{parts.netloc}{path[: page.start()]}{_SUFFIX}"
            raise ConfigError("The URL's path is not /websocket but a page's.", hint=f'Write it as "{whole}".')
        query = parse_qs(parts.query, keep_blank_values=True)
        if "session" in query:
            raise ConfigError("The URL carries a session id.", hint="Give it as login=pbxnb.Session(…).")
        return cls(
            host=parts.hostname,
            port=_PORTS[scheme] if port is None else port,
            secure=scheme == "wss",
            domain=_one("domain", domain, query),
            user=_one("user", user, query),
            prefix=path.removesuffix(_SUFFIX),
        )

    @property
    def account(self) -> str:
        """The account as REST names it, ``45@acme.example``."""
        return f"{self.user}@{self.domain}"

    @property
    def authority(self) -> str:
        """Host and, unless it is the scheme's own, port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["wss" if self.secure else "ws"] else f"{host}:{self.port}"

    @property
    def ws_url(self) -> str:
        """The socket's URL."""
        query = urlencode({"domain": self.domain, "user": self.user})
        return f"{'wss' if self.secure else 'ws'}://{self.authority}{self.prefix}{_SUFFIX}?{query}"

    @property
    def ws_root(self) -> str:
        """The socket's URL on a PBX of 2016, where only the cookie says who asks (protocol.md 2.1)."""
        return f"{'wss' if self.secure else 'ws'}://{self.authority}{self.prefix}/"

    @property
    def http_base(self) -> str:
        """What REST paths are appended to; the socket and the web pages share the port (protocol.md 2.1)."""
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.prefix}"

    @property
    def is_ip(self) -> bool:
        """Whether the host is an address: then no server name is sent and the PBX shows its system certificate."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True

    @property
    def is_private(self) -> bool:
        """Whether the host is on this machine or this network, where a proxy has no business."""
        if self.is_ip:
            address = ipaddress.ip_address(self.host)
            return address.is_private or address.is_loopback or address.is_link_local
        host = self.host.lower().rstrip(".")
        return "." not in host or host.endswith((".localhost", *_LOCAL_SUFFIXES))


def proxy_for(endpoint: Endpoint, asked: str | bool | None = None) -> str | None:
    """The HTTP proxy on the way to a PBX, for its socket and its REST alike.

    The environment is asked here and not by the libraries: they would also send what ``~/.netrc`` holds for the host.

    Args:
        asked: None (none for a private address, else the environment's), False (none), True (the environment's), a URL.

    Raises:
        ConfigError: what is given, or what the environment names, is no HTTP proxy.
    """
    if asked is not None and not isinstance(asked, str | bool):
        raise ConfigError("Only http proxies are supported.", hint=f'Write proxy="http://host:{asked}", or False.')
    if isinstance(asked, str):
        proxy, where = asked, "proxy= names"
    elif not (not endpoint.is_private if asked is None else asked) or proxy_bypass(f"{endpoint.host}:{endpoint.port}"):
        return None
    else:
        found = getproxies()
        names = ("wss", "https", "all", "socks") if endpoint.secure else ("ws", "http", "all", "socks")
        name = next((name for name in names if found.get(name)), None)
        if name is None:
            return None
        proxy, where = found[name], f"{name}_proxy in the environment names"
        if "://" not in proxy:
            proxy = f"{'socks' if name == 'socks' else 'http'}://{proxy}"
    kind = proxy.partition("://")[0].lower()
    if kind not in ("http", "https"):
        what = "a SOCKS proxy" if kind.startswith("socks") else "no HTTP proxy"
        raise ConfigError(
            f"{where} {what}; only http proxies are supported.",
            hint='Write proxy="http://host:port" for one that is, or proxy=False to go without it.',
        )
    return proxy


def _one(name: str, given: str | None, query: dict[str, list[str]]) -> str:
    """The value of ``name`` from the argument or the query, which must not disagree."""
    if given is not None and not isinstance(given, str):
        raise ConfigError(f"{name} must be text, not {type(given).__name__}.", hint=f'Write {name}="{given}".')
    found = {value for value in (given, *query.get(name, ())) if value}
    if not found:
        raise ConfigError(f"No {name} is given.", hint=_EXAMPLE)
    if len(found) > 1:
        raise ConfigError(f"{name} is given twice with different values.", hint=f"Leave it out of the URL: {_EXAMPLE}")
    value: str = found.pop()
    if _BAD_NAME.search(value):
        what = "a tenant name" if name == "domain" else "an extension's number, without @ and domain"
        raise ConfigError(f"{name} must be {what}; this one has a character that cannot be in it.", hint=_EXAMPLE)
    return value
