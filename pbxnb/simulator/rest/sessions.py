"""The resource that opens and closes sessions (protocol.md 2.3); `SimLogin` decides who may."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from pbxnb.protocol import rest as paths

from ..server.answers import answer, text
from ..server.http import SimServer
from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]

OLD_FACTS: dict[str, object] = {
    "edit": False, "password_policy": "none", "allow_empty_passwords": "false", "code_rec": "*98",
    "luser": "", "ldomain": "", "country": "",
}  # fmt: skip
"""What the portal of 2016 reads there too (protocol.md 2.3)."""
COOKIE = "session={}; Path=/; HttpOnly; Secure; SameSite=Strict"


def get_session(request: RestRequest) -> object:
    """Capabilities for everybody; who one is for those who are logged in (protocol.md 2.3 c)."""
    facts: dict[str, Any] = {"recording": True, "hosted": False, "standby": False, "lang": "en", "os": "pbxnb"}
    whose = request.server.login.whose(request.http.cookies.get("session", ""))
    if whose is not None:
        facts |= {"type": whose.kind, "cuser": whose.user, "cdomain": whose.domain}
        if request.old:
            facts |= OLD_FACTS | {"superadmin": whose.kind == "admin"}
    return facts


def change_session(request: RestRequest) -> object:
    """``auth`` (PUT and POST), ``3rd`` and ``session`` (POST), ``lang`` and ``reset``."""
    body, server = request.body, request.server
    login, posted = server.login, request.http.method == "POST"
    match body.get("name"):
        case "auth":
            whose = login.by_hash(text(body, "value"))
            if whose is None:
                return ""
            session = login.session(whose)
            # In 2015 the page wrote the cookie itself (rest.md 1.3).
            return session if request.old else _opened(session, session)
        case "3rd" if posted:
            who = login.basic(request.http.headers.get("Authorization", ""))
            if who is None or who.kind != "admin":
                return False
            if not login.api_access:
                return answer(False, status=403)
            whose = login.third_party(body)
            return answer(False, status=404) if whose is None else _token(server, login.token(whose))
        case "session" if posted:
            session = login.exchange(text(body, "value"))
            return _opened(session, True) if session else False
        case "lang" | "reset":
            return True
    return False


def end_session(request: RestRequest) -> object:
    """Log out; open sockets stay (unknown, protocol.md 12.11)."""
    request.server.login.logout(request.http.cookies.get("session", ""))
    return True


def _opened(session: str, body: object) -> web.Response:
    response = answer(body)
    response.headers["Set-Cookie"] = COOKIE.format(session)
    return response


def _token(server: SimServer, token: str) -> object:
    fixed = server.variants.fixed
    if "session-plain" in fixed:
        return web.Response(text=token, content_type="text/plain")
    return {"session": token} if "session-object" in fixed else token


ROWS = (
    Resource(
        "GET", paths.SESSION, get_session, Who.ANYBODY, "A", "rest.md 1.3",
        "capabilities; for who is logged in its type, account and tenant too",
    ),
    Resource(
        "POST", paths.SESSION, change_session, Who.ANYBODY, "A", "rest.md 1.2",
        "logs in (auth), gives an administrator a token (3rd), takes the token (session), sets the language",
    ),
    Resource(
        "PUT", paths.SESSION, change_session, Who.ANYBODY, "A", "rest.md 1.2", "logs in (auth), sets the language"
    ),
    Resource("DELETE", paths.SESSION, end_session, Who.ANYBODY, "A", "rest.md 1.3", "logs out"),
)  # fmt: skip
