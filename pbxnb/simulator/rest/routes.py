"""From rows to routes: who may ask, the answer as HTTP, and what happens to a path that nobody serves."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final

from aiohttp import web

from pbxnb.protocol import rest as paths
from pbxnb.text import clean, clean_logger

from ..engine.accounts import SimQueue
from ..server.answers import answer, read_json, refusal
from ..server.http import SimServer
from ..server.port import Handler
from ..server.security import Identity
from .resource import Resource, RestRequest, Who
from .table import RESOURCES

__all__ = ["rest_routes"]

logger: Final = clean_logger("pbxnb.simulator")

SLASH = "{slash:/?}"
"""Clients end some paths with a slash."""
MOST_UNKNOWN = 200
NEAR = 0.6
"""How like each other two words must be (1: the same) for one to be a slip of the other."""
ACCOUNTS = ("account", "number", "queue")
"""Fields of a path that name an account; the first there is counts."""


def rest_routes(server: SimServer) -> list[web.RouteDef]:
    """A route for every resource of the server's dialect; anything else under ``/rest`` is 404, and remembered."""
    served = [row for row in RESOURCES if server.dialect in row.dialects]
    routes = [web.route(row.method, row.path + SLASH, _handler(server, row)) for row in served]
    return [*routes, web.route("*", f"{paths.TREE}/{{rest:(?s:.*)}}", _unknown(server, served))]


def _handler(server: SimServer, row: Resource) -> Handler:
    async def handle(http: web.Request) -> web.StreamResponse:
        sender, domain, number = _allowed(server, row, http)
        body = {} if row.method == "GET" else await read_json(http)
        given = server.do(lambda: row.answer(RestRequest(server, http, sender, domain, number, body)))
        return given if isinstance(given, web.StreamResponse) else answer(given)

    return handle


def _allowed(server: SimServer, row: Resource, http: web.Request) -> tuple[Identity | None, str, str]:
    """Who sends the request, about which account of which tenant; raises the refusal."""
    whose = server.identity(http)
    if row.who is Who.ANYBODY:
        return whose, "", ""
    if whose is None:
        raise refusal(401)
    if whose.kind == "admin" and not server.login.api_access:
        raise refusal(403)
    if row.who is Who.SYSTEM:
        if whose.kind != "admin":
            raise refusal(403)
        return whose, "", ""
    names = http.match_info
    named = next((names[key] for key in ACCOUNTS if key in names), None)
    number, _, domain = (named or "").partition("@")
    domain = names.get("domain") or domain
    domain = domain if domain not in ("", "self") else whose.domain or next(iter(server.tenants))
    number = whose.user if number == "self" else number
    if whose.kind != "admin" and whose.domain != domain:
        raise refusal(403)  # whether there is such a tenant or not: others' names are not told
    tenant = server.tenants.get(domain)
    if tenant is None or (named is not None and number not in tenant.pbx.accounts):
        raise refusal(404)
    if not whose.may_act_for(domain, number) and not _as_colleague(server, row, whose, http.query.get("group", number)):
        raise refusal(403)
    return whose, domain, number


def _as_colleague(server: SimServer, row: Resource, whose: Identity, queue: str) -> bool:
    """Whether an extension of the tenant may ask about another account, a queue, or about the whole tenant."""
    rights = server.tenants[whose.domain].pbx.directory
    if row.who in (Who.SUPERVISORS, Who.MANAGERS) and rights.supervises(whose.user):
        return True
    if row.who is Who.MANAGERS:
        return isinstance(account := rights.accounts.get(queue), SimQueue) and whose.user in account.managers
    return row.who is Who.COLLEAGUES and rights.sees_domain(whose.user)


def _unknown(server: SimServer, served: Iterable[Resource]) -> Handler:
    async def handle(http: web.Request) -> web.StreamResponse:
        asked = f"{http.method} {clean(http.path)}"
        if asked not in server.unknown and len(server.unknown) < MOST_UNKNOWN:
            server.unknown[asked] = near = _nearest(http, served)
            logger.warning("%s is not served%s", asked, f"; did you mean {near}?" if near else ".")
        raise refusal(404)

    return handle


def _nearest(http: web.Request, served: Iterable[Resource]) -> str:
    """The resource that was probably meant, empty when nothing is near: only what is fixed in a path is compared."""
    asked = clean(http.path, 200).split("/")

    def likeness(row: Resource) -> tuple[float, bool]:
        parts = row.path.split("/")
        if len(parts) != len(asked):
            return 0.0, False
        fixed = [(part, given) for part, given in zip(parts, asked, strict=True) if not part.startswith("{")]
        alike = min(SequenceMatcher(None, part, given).ratio() for part, given in fixed)
        return alike, row.method == http.method

    near = max(served, key=likeness)
    return near.name if likeness(near)[0] >= NEAR else ""
