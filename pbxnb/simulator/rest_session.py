"""The resource that opens and closes sessions of the embedded PBX (protocol.md 2.3). Who may log in is `login`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from .bodies import answer, read_json, text

if TYPE_CHECKING:
    from .server import Server

__all__ = ["Sessions"]

COOKIE = "session={}; Path=/; HttpOnly; Secure; SameSite=Strict"


class Sessions:
    """``/rest/system/session`` of one server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Capabilities for everybody; who one is for those who are logged in (protocol.md 2.3 c)."""
        facts: dict[str, Any] = {"recording": True, "hosted": False, "standby": False, "lang": "en", "os": "pbxnb"}
        whose = self._server.login.whose(request.cookies.get("session", ""))
        if whose is not None:
            facts |= {"type": whose.kind, "cuser": whose.user, "cdomain": whose.domain}
        return answer(facts)

    async def put(self, request: web.Request) -> web.StreamResponse:
        """``auth`` (PUT and POST), ``3rd`` and ``session`` (POST), ``lang`` and ``reset``."""
        body = await read_json(request)
        login = self._server.login
        match body.get("name"):
            case "auth":
                whose = login.by_hash(text(body, "value"))
                return answer("") if whose is None else self._opened(login.session(whose), in_body=True)
            case "3rd" if request.method == "POST":
                who = login.basic(request.headers.get("Authorization", ""))
                if who is None or who.kind != "admin":
                    return answer(False)
                if not login.api_access:
                    return answer(False, status=403)
                whose = login.third_party(body)
                return answer(False, status=404) if whose is None else self._token(login.token(whose))
            case "session" if request.method == "POST":
                session = login.exchange(text(body, "value"))
                return self._opened(session, in_body=False) if session else answer(False)
            case "lang" | "reset":
                return answer(True)
        return answer(False)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Log out; open sockets stay (unknown, protocol.md 12.11)."""
        self._server.login.logout(request.cookies.get("session", ""))
        return answer(True)

    def _opened(self, session: str, *, in_body: bool) -> web.Response:
        response = answer(session if in_body else True)
        response.headers["Set-Cookie"] = COOKIE.format(session)
        return response

    def _token(self, token: str) -> web.Response:
        fixed = self._server.manners.fixed
        if "session-plain" in fixed:
            return web.Response(text=token, content_type="text/plain")
        return answer({"session": token} if "session-object" in fixed else token)
