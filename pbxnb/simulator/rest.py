"""REST of the embedded PBX, as far as a notebook uses it (rest.md 2): who may ask, and which function answers.

Shapes are those of the samples where there is one; reply bodies of writes are not published: ``true``, or ``false``
with 200 where nothing came of it, which is how this PBX says no (rest.md 2.0).
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from aiohttp import web

from pbxnb.protocol import rest as paths

from . import reports
from .accounts import Extension, Queue
from .bodies import MOST_PER_PAGE, answer, integer, page, read_json, text, truth
from .calls import Call, Phase
from .login import Identity
from .pbx import Pbx
from .rest_session import Sessions

if TYPE_CHECKING:
    from .server import Server, Tenant

__all__ = ["rest_routes"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Asked(NamedTuple):
    """Who asks, about which account of which tenant."""

    whose: Identity
    tenant: Tenant
    number: str

    @property
    def pbx(self) -> Pbx:
        """The tenant's PBX."""
        return self.tenant.pbx


class Rest:
    """The resources of one server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._chats: dict[frozenset[str], list[dict[str, Any]]] = {}

    # -- who may -------------------------------------------------------------------------------------------------

    def ask_user(self, request: web.Request, *, supervised: bool = False) -> Asked:
        """``/rest/user/{account}/...``: the extension itself, its tenant, the administrator; supervisors if said so."""
        number, _, domain = request.match_info["account"].partition("@")
        domain = domain or next(iter(self._server.tenants))
        return self._asked(request, domain, number, own=True, supervised=supervised)

    def ask_domain(self, request: web.Request, number: str = "") -> Asked:
        """``/rest/domain/{domain}/...``: the tenant, the administrator, and extensions that see the tenant."""
        return self._asked(request, request.match_info["domain"], number, own=False)

    def _asked(self, request: web.Request, domain: str, number: str, *, own: bool, supervised: bool = False) -> Asked:
        whose = self._server.identity(request)
        if whose is None:
            raise web.HTTPUnauthorized(text="false", content_type="application/json")
        if whose.kind == "admin" and not self._server.login.api_access:
            raise web.HTTPForbidden(text="false", content_type="application/json")
        tenant = self._server.tenants.get(domain)
        if tenant is None or ((number or own) and number not in tenant.pbx.accounts):
            raise web.HTTPNotFound(text="false", content_type="application/json")
        at_home = whose.domain == domain
        sees = at_home and not own and tenant.push.sees_domain(whose.user)
        commands = at_home and supervised and tenant.push.supervises(whose.user)
        if not (whose.may_act_for(domain, number) or sees or commands):
            raise web.HTTPForbidden(text="false", content_type="application/json")
        return Asked(whose, tenant, number)

    # -- calls ---------------------------------------------------------------------------------------------------

    async def calls_get(self, request: web.Request) -> web.StreamResponse:
        """The legs of one account."""
        asked = self.ask_user(request, supervised=True)
        return answer(self._server.do(lambda: [self._leg(asked, c) for c in asked.pbx.calls_of(asked.number)]))

    def _leg(self, asked: Asked, call: Call) -> dict[str, Any]:
        wire, now, number = asked.tenant.wire, asked.pbx.clock.now, asked.number
        return wire.call(call, wire.manners.fixed, number) | {
            "direction": "outbound" if call.caller.number == number else "inbound",
            "remote": call.other(number).number,
            "duration": round(now - (call.connected or call.started), 3),
            "held": call.phase is Phase.HELD,
            "now": wire.time(now, frozenset()),
        }

    async def calls_post(self, request: web.Request) -> web.StreamResponse:
        """One key selects the action (rest.md 2.7)."""
        asked = self.ask_user(request, supervised=True)
        body = await read_json(request)
        return answer(self._server.do(lambda: self._act(asked, body)))

    def _act(self, asked: Asked, body: dict[str, Any]) -> bool:
        pbx, me = asked.pbx, asked.number
        plain = {
            "hangup": pbx.hangup,
            "reject": pbx.reject,
            "remote-answer": pbx.answer,
            "remote-hold": pbx.hold,
            "remote-resume": pbx.resume,
        }
        for key, act in plain.items():
            if key in body:
                return act(text(body, key), me)
        if "transfer" in body and "number" in body:
            return pbx.blind_transfer(text(body, "transfer"), text(body, "number").partition("@")[0], me)
        if "transfer" in body:
            return pbx.attended_transfer(text(body, "transfer"), text(body, "id"), me)
        if "remote-dial" in body:
            return bool(pbx.place_call(me, text(body, "remote-dial"), name=text(body, "name")))
        if "comment" in body or "category" in body:
            return pbx.comment(text(body, "id"), text(body, "comment") or text(body, "category"), me)
        return False

    async def orbits(self, request: web.Request) -> web.StreamResponse:
        """Orbits with what is parked there, of an account or a tenant."""
        asked = self.ask_user(request) if "account" in request.match_info else self.ask_domain(request)
        wire = asked.tenant.wire
        return answer([wire.orbit(o, wire.manners.fixed) for o in asked.pbx.orbits])

    # -- people --------------------------------------------------------------------------------------------------

    async def accounts(self, request: web.Request) -> web.StreamResponse:
        """The directory, with the flags of rest.md 2.1."""
        asked = self.ask_user(request) if "account" in request.match_info else self.ask_domain(request)
        wanted = request.query.get("type", "")
        return answer(self._server.do(lambda: reports.directory(asked.pbx, wanted)))

    async def dnd_get(self, request: web.Request) -> web.StreamResponse:
        """Do not disturb."""
        asked = self.ask_user(request, supervised=True)
        extension = self._extension(asked)
        end, reason = extension.dnd_end, extension.dnd_reason
        left = str(max(1, round(end.due - asked.pbx.clock.now))) if end is not None else ""
        return answer({"state": extension.dnd, "reason": reason, "expires": left, "redirect": "", "hint": ""})

    async def dnd_post(self, request: web.Request) -> web.StreamResponse:
        """Set it, for ``expires`` seconds if given."""
        asked = self.ask_user(request, supervised=True)
        self._extension(asked)
        body = await read_json(request)
        on, expires = truth(body.get("state")), integer(text(body, "expires"), 0)

        def act() -> None:
            if asked.pbx.set_dnd(asked.number, on, text(body, "reason"), expires):
                asked.tenant.push.setting_changed(asked.number)

        self._server.do(act)
        return answer(True)

    def _extension(self, asked: Asked) -> Extension:
        extension = asked.pbx.extension(asked.number)
        if extension is None:
            raise web.HTTPNotFound(text="false", content_type="application/json")
        return extension

    async def chat_get(self, request: web.Request) -> web.StreamResponse:
        """The texts exchanged with ``number``; ``meta`` is JSON in a string."""
        asked = self.ask_user(request)
        content = self._chats.get(frozenset((asked.number, request.query.get("number", ""))), [])
        return answer({"first": 0, "last": len(content), "total": len(content), "content": page(request, content)})

    async def chat_post(self, request: web.Request) -> web.StreamResponse:
        """Send a text to ``number``; the answer is the message's id."""
        asked = self.ask_user(request)
        body = await read_json(request)
        peer, words = request.query.get("number", ""), text(body, "text")
        if not self._server.do(lambda: asked.pbx.chat(asked.number, peer, words)):
            return answer(False)
        talk = self._chats.setdefault(frozenset((asked.number, peer)), [])
        meta = {"type": "text", "text": words, "date": int(asked.pbx.clock.now * 1000), "from": asked.number}
        number = sum(map(len, self._chats.values())) + 1
        talk.append({"id": number, "meta": msgspec.json.encode(meta).decode()})
        del talk[:-MOST_PER_PAGE]
        return answer(number)

    async def registrations(self, request: web.Request) -> web.StreamResponse:
        """Phones registered, of an account or of the tenant."""
        asked = self.ask_user(request) if "account" in request.match_info else self.ask_domain(request)
        chosen = [e for e in asked.pbx.extensions if asked.number in ("", e.number)]
        return answer([{"account": e.number, "id": n, "ua": p} for e in chosen for n, p in enumerate(e.phones)])

    async def activity(self, request: web.Request) -> web.StreamResponse:
        """Missed calls and voicemails."""
        extension = self._extension(self.ask_user(request))
        return answer({"missed": extension.missed, "voicemails": extension.voicemails, "messages": 0})

    # -- what was ------------------------------------------------------------------------------------------------

    async def history(self, request: web.Request) -> web.StreamResponse:
        """Own calls, newest first."""
        asked = self.ask_user(request)
        return answer(reports.history(asked.pbx, asked.number, lambda items: page(request, items)))

    async def cdrs(self, request: web.Request) -> web.StreamResponse:
        """The tenant's calls, newest first, with paging."""
        asked = self.ask_domain(request)
        wire = asked.tenant.wire
        return answer([reports.cdr(wire, record) for record in page(request, list(asked.pbx.history)[::-1], 30)])

    # -- queues --------------------------------------------------------------------------------------------------

    async def acds(self, request: web.Request) -> web.StreamResponse:
        """All queues with agents and calls now."""
        asked = self.ask_domain(request)
        return answer(
            [reports.queue_line(q) | {"agents": list(q.agents), "calls": len(q.waiting)} for q in asked.pbx.queues]
        )

    async def wallboard(self, request: web.Request) -> web.StreamResponse:
        """The queues an account may watch, or one of them as it is now."""
        asked = self.ask_user(request)
        mine = [q for q in asked.pbx.queues if self._watches(asked, q)]
        name = request.match_info.get("queue")
        if name is None:
            return answer([reports.queue_line(q) for q in mine])
        queue = next((q for q in mine if q.number == name), None)
        if queue is None:
            known = isinstance(asked.pbx.accounts.get(name), Queue)
            return answer(False, status=403 if known else 404)
        return answer(self._server.do(lambda: reports.wallboard(asked.tenant.wire, queue)))

    @staticmethod
    def _watches(asked: Asked, queue: Queue) -> bool:
        return asked.whose.kind != "user" or asked.tenant.push.sees_domain(asked.number) or asked.number in queue.agents

    async def acd_stat(self, request: web.Request) -> web.StreamResponse:
        """Counters of one queue, in seconds."""
        name, _, domain = request.match_info["account"].partition("@")
        asked = self._asked(request, domain or next(iter(self._server.tenants)), name, own=False)
        queue = asked.pbx.accounts.get(name)
        return answer(reports.queue_counters(queue)) if isinstance(queue, Queue) else answer(False, status=404)

    async def acd_login_get(self, request: web.Request) -> web.StreamResponse:
        """Is the agent logged in?"""
        asked, queue = self._agent(request)
        agent = queue.agents.get(asked.number)
        return answer({"login": agent is not None and agent.logged_in})

    async def acd_login_post(self, request: web.Request) -> web.StreamResponse:
        """Log an agent in or out: itself, or anybody for who runs the tenant or supervises."""
        asked, queue = self._agent(request)
        whose = asked.whose
        if not (whose.may_act_for(asked.pbx.domain, asked.number) or asked.tenant.push.supervises(whose.user)):
            return answer(False, status=403)
        body = await read_json(request)
        self._server.do(lambda: asked.pbx.queue_login(queue.number, asked.number, truth(body.get("login"))))
        return answer(True)

    def _agent(self, request: web.Request) -> tuple[Asked, Queue]:
        asked = self.ask_domain(request, request.match_info["number"])
        queue = asked.pbx.accounts.get(request.query.get("group", ""))
        if not isinstance(queue, Queue):
            raise web.HTTPNotFound(text="false", content_type="application/json")
        return asked, queue

    async def status(self, request: web.Request) -> web.StreamResponse:
        """Version, for administrators."""
        whose = self._server.identity(request)
        if whose is None or whose.kind != "admin" or not self._server.login.api_access:
            return answer(False, status=401 if whose is None else 403)
        now = math.floor(self._server.pace.moment.timestamp())
        return answer({"version": self._server.version, "calls": self._open_calls(), "now": now})

    def _open_calls(self) -> int:
        return sum(len(t.pbx.calls) for t in self._server.tenants.values())


def rest_routes(server: Server) -> list[web.RouteDef]:
    """Every resource with its function."""
    rest, sessions = Rest(server), Sessions(server)
    table: list[tuple[str, str, Handler]] = [
        ("GET", paths.SESSION, sessions.get),
        ("PUT", paths.SESSION, sessions.change),
        ("POST", paths.SESSION, sessions.change),
        ("DELETE", paths.SESSION, sessions.delete),
        ("GET", paths.STATUS, rest.status),
        ("GET", paths.CALLS, rest.calls_get),
        ("POST", paths.CALLS, rest.calls_post),
        ("GET", paths.ORBITS, rest.orbits),
        ("GET", paths.DOMAIN_ORBITS, rest.orbits),
        ("GET", paths.ACCOUNTS, rest.accounts),
        ("GET", paths.USERS, rest.accounts),
        ("GET", paths.DND, rest.dnd_get),
        ("POST", paths.DND, rest.dnd_post),
        ("GET", paths.CHAT, rest.chat_get),
        ("POST", paths.CHAT, rest.chat_post),
        ("GET", paths.REGISTRATIONS, rest.registrations),
        ("GET", paths.DOMAIN_REGISTRATIONS, rest.registrations),
        ("GET", paths.ACTIVITY, rest.activity),
        ("GET", paths.HISTORY, rest.history),
        ("GET", paths.CDRS, rest.cdrs),
        ("GET", paths.QUEUES, rest.acds),
        ("GET", paths.WALLBOARDS, rest.wallboard),
        ("GET", paths.WALLBOARD, rest.wallboard),
        ("GET", paths.QUEUE_STATISTICS, rest.acd_stat),
        ("GET", paths.QUEUE_LOGIN, rest.acd_login_get),
        ("POST", paths.QUEUE_LOGIN, rest.acd_login_post),
    ]
    return [web.route(method, path, handler) for method, path, handler in table]
