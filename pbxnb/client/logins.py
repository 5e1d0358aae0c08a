"""Ways to become someone on the PBX: each turns what it was given into a session cookie (rest.md 1, protocol.md 2.3).

A login runs anew for every connection; tokens are never kept. Every refusal is told apart in plain words, none of
which holds what was given.
"""

from __future__ import annotations

import getpass
import hashlib
import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeGuard, runtime_checkable

import msgspec

from pbxnb.arguments import forget_arguments
from pbxnb.errors import (
    ApiAccessOff,
    ConfigError,
    ConnectionFailed,
    LoginRefused,
    SecondFactorRequired,
    UnknownAccount,
    Unreachable,
)
from pbxnb.protocol.rest import SESSION, auth_body, exchange_body, token_body
from pbxnb.text import clean_logger

from .rest import LOGIN_BODY, Reply, Rest, is_session_id, not_a_pbx
from .secrets import Secret

__all__ = ["AdminToken", "Login", "Password", "Session", "ask_password", "resolve_login"]

_LOG = clean_logger("pbxnb.client")
_SECOND_FACTOR = ("2nd", "2fa", "otp", "totp", "second", "second_factor", "secondfactor")


@runtime_checkable
class Login(Protocol):
    """Anything that can give a session cookie.

    Attributes:
        renews: whether calling it again gives a new cookie; a `Session` cannot.
    """

    renews: bool

    async def cookie(self, http: Rest) -> Secret | None:
        """Log in now and return the session id."""


class Password:
    """The extension's own web password (rest.md 1.2, "auth"; not its SIP password).

    Args:
        secret: the password; without it, that of the environment variable ``PBXNB_PASSWORD``.

    Raises:
        ConfigError: neither is there.
    """

    renews = True

    @forget_arguments
    def __init__(self, secret: str | None = None) -> None:
        if secret is None:
            secret = os.environ.get("PBXNB_PASSWORD")
        if not _is_text(secret):
            said = "No password is given." if secret is None else "This is no password: it has to be a Unicode text."
            raise ConfigError(said, hint='Write Password("…") or set PBXNB_PASSWORD.')
        # The PBX wants the plain MD5; an empty password is an empty hash (rest.md 1.2).
        digest = hashlib.md5(secret.encode(), usedforsecurity=False).hexdigest() if secret else ""
        self._hash = Secret(digest)
        self._worked: tuple[str, bool] | None = None

    def __repr__(self) -> str:
        return "Password(…)"

    async def cookie(self, http: Rest) -> Secret:
        """Try POST, then PUT, with the tenant in the name, then without (rest.md 1.9); what worked last comes first."""
        ways = [(method, qualified) for qualified in (True, False) for method in ("POST", "PUT")]
        if self._worked:
            ways.sort(key=lambda way: way != self._worked)
        answers: list[tuple[str, Reply]] = []
        for method, qualified in ways:
            name = http.endpoint.account if qualified else http.endpoint.user
            body = Secret(msgspec.json.encode(auth_body(name, self._hash.reveal())).decode())
            reply = await http.request(method, SESSION, body, anonymous=True, most=LOGIN_BODY)
            found = _session(reply)
            if found:
                self._worked = (method, qualified)
                return found
            _raise_unless_no(reply, http)
            answers.append((f"{method} as {name}", reply))
        raise _refusal(answers, http)


class AdminToken:
    """A system administrator's right to mint a session for our extension (rest.md 1.2, third-party token).

    Args:
        username: the administrator's name.
        secret: the administrator's password.
    """

    renews = True

    @forget_arguments
    def __init__(self, username: str, secret: str) -> None:
        self.username = username
        if not username or not _is_text(secret):
            raise ConfigError("AdminToken wants a user name and a password.", hint='Write AdminToken("admin", "…").')
        self._secret = Secret(secret)

    def __repr__(self) -> str:
        return f"AdminToken({self.username!r}, …)"

    async def cookie(self, http: Rest) -> Secret:
        """Mint a token and exchange it at once: it lives 10 s and works once (protocol.md 2.3)."""
        for last in (False, True):
            token = await self._token(http)
            body = Secret(msgspec.json.encode(exchange_body(token.reveal())).decode())
            reply = await http.request("POST", SESSION, body, anonymous=True, most=LOGIN_BODY)
            found = _session(reply)
            if found:
                return found
            _raise_unless_no(reply, http)
            if not last:
                _LOG.info("The PBX took the token for expired; minting another.")
        raise LoginRefused(
            f"{http.endpoint.authority} twice gave a token and then did not accept it.",
            hint="Is a proxy in between, or is the PBX's clock jumping?",
        )

    async def _token(self, http: Rest) -> Secret:
        endpoint = http.endpoint
        reply = await http.request(
            "POST",
            SESSION,
            token_body(endpoint.user, endpoint.domain),
            basic=(self.username, self._secret),
            anonymous=True,
            most=LOGIN_BODY,
        )
        token = _text(reply)
        if token:
            return Secret(token)
        _raise_unless_no(reply, http)
        if reply.status == 403:
            raise ApiAccessOff(
                f"The administrator {self.username} may not use the API of {endpoint.authority}.",
                hint='Switch on "Enable API Access" for it, under Settings > Security > Administrators.',
            )
        if reply.status == 404:
            raise UnknownAccount(
                f"The PBX does not know the extension {endpoint.account}.",
                hint="Check domain= and user=.",
                domain=endpoint.domain,
                user=endpoint.user,
            )
        raise LoginRefused(
            f"The PBX does not accept the administrator {self.username}: {_said(reply)}.",
            hint="Check the name and the password; it must be a system administrator.",
        )


class Session:
    """A session id from elsewhere, such as a browser's ``session`` cookie; it cannot be renewed.

    Args:
        cookie: the id, with or without ``session=``.
    """

    renews = False

    @forget_arguments
    def __init__(self, cookie: str) -> None:
        text = str(cookie).strip().removeprefix("session=").split(";")[0].strip()
        if not is_session_id(text):
            raise ConfigError("This is no session id.", hint="Give the value of the browser's cookie named session.")
        self._id = Secret(text)

    def __repr__(self) -> str:
        return "Session(…)"

    async def cookie(self, http: Rest) -> Secret:
        """The id as given; whether it is still good shows when the socket opens."""
        del http
        return self._id


def ask_password(prompt: str = "Password: ", *, getpass: Callable[[str], str] = getpass.getpass) -> Password:
    """Ask for a password without showing it, in the calling thread; kept in memory only."""
    return Password(getpass(prompt))


def resolve_login(login: object, account: str, *, getpass: Callable[[str], str] = getpass.getpass) -> Login | None:
    """What ``login=`` means.

    Args:
        login: None, ``"ask"``, or an object with an async ``cookie(http)``.
        account: named in the prompt.

    Raises:
        ConfigError: it is something else; a password as plain text is answered with how to write it.
    """
    if login is None:
        return None
    if login == "ask":
        return ask_password(f"Web password of {account}: ", getpass=getpass)
    if isinstance(login, Login) and not isinstance(login, type):
        return login
    raise ConfigError(
        f"login= cannot be {'a class' if isinstance(login, type) else type(login).__name__}.",
        hint='Give pbxnb.Password("…"), pbxnb.AdminToken("admin", "…"), pbxnb.Session("…"), "ask" or None.',
    )


def _is_text(secret: object) -> TypeGuard[str]:
    """Whether this can be encoded: the environment may hold what is no UTF-8, and the error would hold it too."""
    return isinstance(secret, str) and not any("\ud800" <= char <= "\udfff" for char in secret)


def _text(reply: Reply) -> str:
    """A token or session id in any of the bodies seen: JSON text, plain text, an object (rest.md 1.3)."""
    if reply.status != 200 or reply.is_html:
        return ""
    value: Any = reply.value
    if isinstance(value, Mapping):
        value = next((value[key] for key in ("session", "value", "token") if isinstance(value.get(key), str)), "")
    if not isinstance(value, str) or not 8 <= len(value) <= 512:
        return ""
    return value if is_session_id(value) else ""


def _session(reply: Reply) -> Secret | None:
    """The session id an answer carries, in its cookie or its body; a refusal may come with a cookie and has none."""
    if reply.status != 200 or reply.refused or reply.cut or reply.is_html or _wants_second_factor(reply):
        return None
    if reply.session:
        return reply.session
    text = _text(reply)
    return Secret(text) if text else None


def _wants_second_factor(reply: Reply) -> bool:
    """Whether an answer asks for a second factor: its shape is not documented, any sign of it counts (rest.md 1.5)."""
    if isinstance(reply.value, Mapping):
        return any(str(key).lower() in _SECOND_FACTOR and value for key, value in reply.value.items())
    return isinstance(reply.value, str) and reply.value.lower() in _SECOND_FACTOR


def _raise_unless_no(reply: Reply, http: Rest) -> None:
    """Raise for every answer that is not simply a no to these credentials."""
    where = http.endpoint.authority
    if _wants_second_factor(reply):
        raise SecondFactorRequired(
            f"{where} wants a second factor for this account, which a script cannot give.",
            hint="Use an account without one, an AdminToken, or a Session from a browser.",
        )
    if reply.status >= 500 or reply.status == 429:
        raise Unreachable(f"{where} cannot log us in now: HTTP status {reply.status}.", hint="Is it restarting?")
    other: ConnectionFailed | None = not_a_pbx(reply, where)
    if other is not None:
        raise other


def _refusal(answers: list[tuple[str, Reply]], http: Rest) -> LoginRefused:
    """The error that says most about why all these attempts were answered with no."""
    endpoint = http.endpoint
    said = {_said(reply) for _, reply in answers}
    tried = "; ".join(f"{what}: {_said(reply)}" for what, reply in answers)
    if len(said) == 1:
        tried = f"{len(answers)} ways of asking, each got {said.pop()}"
    statuses = {reply.status for _, reply in answers}
    if 403 in statuses:
        return ApiAccessOff(
            f"The PBX does not let {endpoint.account} use its API (tried {tried}).",
            hint="An administrator can allow it, or use an AdminToken.",
        )
    if statuses <= {404, 405}:
        return UnknownAccount(
            f"The PBX knows no such login or no such account (tried {tried}).",
            hint="Check domain= and user=; PBX 69 and later may want an AdminToken.",
            domain=endpoint.domain,
            user=endpoint.user,
        )
    return LoginRefused(
        f"The PBX does not accept this password for {endpoint.account} (tried {tried}).",
        hint="It is the web password, not the SIP password or PIN; a wrong domain= or user= is refused the same way. "
        "PBX 69 and later may want an AdminToken.",
    )


def _said(reply: Reply) -> str:
    if reply.status != 200:
        return f"HTTP status {reply.status}"
    if reply.value is False:
        return "false"
    return "an empty answer" if reply.value == "" else "no session id in the answer"
