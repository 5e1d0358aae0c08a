"""REST of the embedded PBX, as far as a notebook uses it (rest.md 1, 2): who may ask, and which function answers.

Shapes are those of the samples where there is one; reply bodies of writes are not published: ``true``, or ``false``
with 200 where nothing came of it, which is how this PBX says no (rest.md 2.0).
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from pbxnb.protocol import rest as paths
from pbxnb.protocol.commands import COMMANDS

from ..engine.accounts import SimExtension, SimQueue
from ..engine.calls import SimCall, SimPhase
from ..engine.pbx import SimPbx
from . import answers
from .answers import MOST_PER_PAGE, answer, integer, page, read_json, refusal, text, truth
from .http import SimServer, SimTenant
from .security import Identity

__all__ = ["rest_routes"]

COOKIE = "session={}; Path=/; HttpOnly; Secure; SameSite=Strict"
CALL_ACTIONS: dict[str, Callable[[SimPbx, str, str], bool]] = {
    row.modern.key: getattr(SimPbx, row.name) for row in COMMANDS.values() if row.modern.key
}
"""What a key of the body does with the call its value names (rest.md 2.7)."""


class RestRequest(NamedTuple):
    """A request that is allowed: who sends it, about which account (may be empty) of which tenant."""

    whose: Identity
    tenant: SimTenant
    number: str
    http: web.Request
    body: dict[str, Any]

    @property
    def pbx(self) -> SimPbx:
        """The tenant's PBX."""
        return self.tenant.pbx

    def query(self, name: str) -> str:
        """A value of the query; empty when it is not there."""
        return self.http.query.get(name, "")

    def page(self, items: Any, size: int = 50) -> Any:
        """The page of the items that was asked for."""
        return page(self.http, items, size)

    @property
    def extension(self) -> SimExtension:
        """The account as an extension; anything else is answered with 404."""
        extension = self.pbx.extension(self.number)
        if extension is None:
            raise refusal(404)
        return extension

    def queue(self, number: str) -> SimQueue:
        """The queue of that number; anything else is answered with 404."""
        queue = self.pbx.accounts.get(number)
        if not isinstance(queue, SimQueue):
            raise refusal(404)
        return queue

    @property
    def supervised(self) -> bool:
        """Whether the sender may command this account's calls, or supervises the tenant."""
        whose, pbx = self.whose, self.pbx
        return whose.may_act_for(pbx.domain, self.number) or pbx.directory.supervises(whose.user)


Handler = Callable[[RestRequest], object]


# -- calls -------------------------------------------------------------------------------------------------------------


def _leg(request: RestRequest, call: SimCall) -> dict[str, Any]:
    frames, now, number = request.tenant.frames, request.pbx.clock.now, request.number
    return frames.call(call, frames.variants.fixed, number) | {
        "direction": "outbound" if call.caller.number == number else "inbound",
        "remote": call.other(number).number,
        "duration": round(now - (call.connected or call.started), 3),
        "held": call.phase is SimPhase.HELD,
        "now": frames.time(now, frozenset()),
    }


def post_calls(request: RestRequest) -> object:
    """One key of the body selects the action (rest.md 2.7)."""
    pbx, me, body = request.pbx, request.number, request.body
    for key, act in CALL_ACTIONS.items():
        if key in body:
            return act(pbx, text(body, key), me)
    if "transfer" in body and "number" in body:
        return pbx.transfer(text(body, "transfer"), text(body, "number").partition("@")[0], me)
    if "transfer" in body:
        return pbx.attended_transfer(text(body, "transfer"), text(body, "id"), me)
    if "remote-dial" in body:
        return bool(pbx.dial(me, text(body, "remote-dial"), name=text(body, "name")))
    if "comment" in body or "category" in body:
        return pbx.comment(text(body, "id"), text(body, "comment") or text(body, "category"), me)
    return False


# -- accounts ----------------------------------------------------------------------------------------------------------


def get_dnd(request: RestRequest) -> object:
    """Do not disturb."""
    extension = request.extension
    end = extension.dnd_end
    left = str(max(1, round(end.due - request.pbx.clock.now))) if end is not None else ""
    return {"state": extension.dnd, "reason": extension.dnd_reason, "expires": left, "redirect": "", "hint": ""}


def post_dnd(request: RestRequest) -> object:
    """Set it, for ``expires`` seconds if given."""
    body, number = request.body, request.extension.number
    expires = integer(text(body, "expires"), 0)
    if request.pbx.dnd(number, truth(body.get("state")), text(body, "reason"), expires):
        request.tenant.subscriptions.setting_changed(number)
    return True


def get_settings(request: RestRequest) -> object:
    """The settings of an extension, all of them texts: of about a hundred the name and the forwarding."""
    extension = request.extension
    forwards = {key: extension.forwards.get(when, "") for when, key in paths.FORWARD_KEYS.items()}
    return {"display_name": extension.name, "dnd": "true" if extension.dnd else "false", **forwards}


def post_settings(request: RestRequest) -> object:
    """Change the forwarding: what is not sent stays (rest.md 2.0)."""
    number = request.extension.number
    if not request.supervised:
        raise refusal(403)
    for when, key in paths.FORWARD_KEYS.items():
        if key in request.body:
            request.pbx.forward(number, text(request.body, key), when)
    return True


def get_registrations(request: RestRequest) -> object:
    """Phones registered, of an account or of the tenant."""
    chosen = [e for e in request.pbx.extensions if request.number in ("", e.number)]
    return [{"account": e.number, "id": n, "ua": phone} for e in chosen for n, phone in enumerate(e.phones)]


# -- past calls and queues ---------------------------------------------------------------------------------------------


def get_wallboard(request: RestRequest) -> object:
    """The queues an account may watch, or one of them as it is now."""
    pbx, number = request.pbx, request.number
    everything = request.whose.kind != "user" or pbx.directory.sees_domain(number)
    mine = {queue.number: queue for queue in pbx.queues if everything or number in queue.agents}
    name = request.http.match_info.get("queue")
    if name is None:
        return [answers.queue_line(queue) for queue in mine.values()]
    if name not in mine:
        raise refusal(403 if isinstance(pbx.accounts.get(name), SimQueue) else 404)
    return answers.wallboard(request.tenant.frames, mine[name])


def get_queue_login(request: RestRequest) -> object:
    """Is the agent logged in?"""
    agent = request.queue(request.query("group")).agents.get(request.number)
    return {"login": agent is not None and agent.logged_in}


def post_queue_login(request: RestRequest) -> object:
    """Log an agent in or out: itself, or anybody for who runs the tenant or supervises."""
    queue = request.queue(request.query("group"))
    if not request.supervised:
        raise refusal(403)
    request.pbx.queue_login(queue.number, request.number, truth(request.body.get("login")))
    return True


class Chats:
    """The chat texts that were sent over REST, for those who read them back."""

    def __init__(self) -> None:
        self._texts: dict[frozenset[str], list[dict[str, Any]]] = {}

    def get(self, request: RestRequest) -> object:
        """The texts exchanged with ``number``; ``meta`` is JSON in a string."""
        content = self._texts.get(frozenset((request.number, request.query("number"))), [])
        return {"first": 0, "last": len(content), "total": len(content), "content": request.page(content)}

    def post(self, request: RestRequest) -> object:
        """Send a text to ``number``; the answer is the message's id."""
        sender, peer, words = request.number, request.query("number"), text(request.body, "text")
        if not request.pbx.chat(sender, peer, words):
            return False
        texts = self._texts.setdefault(frozenset((sender, peer)), [])
        meta = {"type": "text", "text": words, "date": int(request.pbx.clock.now * 1000), "from": sender}
        number = sum(map(len, self._texts.values())) + 1
        texts.append({"id": number, "meta": msgspec.json.encode(meta).decode()})
        del texts[:-MOST_PER_PAGE]
        return number


class Sessions:
    """The resource that opens and closes sessions (protocol.md 2.3); `SimLogin` decides who may."""

    def __init__(self, server: SimServer) -> None:
        self._server = server

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Capabilities for everybody; who one is for those who are logged in (protocol.md 2.3 c)."""
        facts: dict[str, Any] = {"recording": True, "hosted": False, "standby": False, "lang": "en", "os": "pbxnb"}
        whose = self._server.login.whose(request.cookies.get("session", ""))
        if whose is not None:
            facts |= {"type": whose.kind, "cuser": whose.user, "cdomain": whose.domain}
        return answer(facts)

    async def change(self, request: web.Request) -> web.StreamResponse:
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
        fixed = self._server.variants.fixed
        if "session-plain" in fixed:
            return web.Response(text=token, content_type="text/plain")
        return answer({"session": token} if "session-object" in fixed else token)


def rest_routes(server: SimServer) -> list[web.RouteDef]:
    """Every resource with its function; a user's own resources may be open to supervisors too."""
    chats, sessions = Chats(), Sessions(server)

    def allowed(http: web.Request, supervisors: bool) -> tuple[Identity, SimTenant, str]:
        """Who sends the request, about which account of which tenant; raises the refusal."""
        names = http.match_info
        own = "account" in names
        number, _, domain = next((names[key] for key in ("account", "number", "queue") if key in names), "").partition(
            "@"
        )
        domain = names.get("domain") or domain or next(iter(server.tenants))
        whose = server.identity(http)
        if whose is None:
            raise refusal(401)
        if whose.kind == "admin" and not server.login.api_access:
            raise refusal(403)
        tenant = server.tenants.get(domain)
        if tenant is None or ((number or own) and number not in tenant.pbx.accounts):
            raise refusal(404)
        rights = tenant.pbx.directory
        at_home = whose.domain == domain
        sees = at_home and not own and rights.sees_domain(whose.user)
        commands = at_home and supervisors and rights.supervises(whose.user)
        if not (whose.may_act_for(domain, number) or sees or commands):
            raise refusal(403)
        return whose, tenant, number

    def served(handler: Handler, supervisors: bool = False) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(http: web.Request) -> web.StreamResponse:
            whose, tenant, number = allowed(http, supervisors)
            body = {} if http.method == "GET" else await read_json(http)
            return answer(server.do(lambda: handler(RestRequest(whose, tenant, number, http, body))))

        return serve

    async def status(http: web.Request) -> web.StreamResponse:
        """Version, for administrators."""
        whose = server.identity(http)
        if whose is None or whose.kind != "admin" or not server.login.api_access:
            return answer(False, status=401 if whose is None else 403)
        calls = sum(len(tenant.pbx.calls) for tenant in server.tenants.values())
        return answer({"version": server.version, "calls": calls, "now": math.floor(server.pace.moment.timestamp())})

    table = [
        ("GET", paths.SESSION, sessions.get),
        ("PUT", paths.SESSION, sessions.change),
        ("POST", paths.SESSION, sessions.change),
        ("DELETE", paths.SESSION, sessions.delete),
        ("GET", paths.STATUS, status),
        ("GET", paths.CALLS, served(lambda r: [_leg(r, c) for c in r.pbx.calls_of(r.number)], supervisors=True)),
        ("POST", paths.CALLS, served(post_calls, supervisors=True)),
        ("GET", paths.ORBITS, served(lambda r: r.tenant.frames.orbit_list())),
        ("GET", paths.DOMAIN_ORBITS, served(lambda r: r.tenant.frames.orbit_list())),
        ("GET", paths.ACCOUNTS, served(lambda r: answers.directory(r.pbx, r.query("type")))),
        ("GET", paths.USERS, served(lambda r: answers.directory(r.pbx, r.query("type")))),
        ("GET", paths.DND, served(get_dnd, supervisors=True)),
        ("POST", paths.DND, served(post_dnd, supervisors=True)),
        ("GET", paths.SETTINGS, served(get_settings)),
        ("POST", paths.SETTINGS, served(post_settings, supervisors=True)),
        ("GET", paths.CHAT, served(chats.get)),
        ("POST", paths.CHAT, served(chats.post)),
        ("GET", paths.REGISTRATIONS, served(get_registrations)),
        ("GET", paths.DOMAIN_REGISTRATIONS, served(get_registrations)),
        ("GET", paths.ACTIVITY, served(lambda r: answers.activity(r.extension))),
        ("GET", paths.HISTORY, served(lambda r: answers.history(r.pbx, r.number, r.page))),
        ("GET", paths.CDRS, served(lambda r: answers.cdrs(r.tenant.frames, r.page))),
        ("GET", paths.QUEUES, served(lambda r: answers.queues(r.pbx))),
        ("GET", paths.WALLBOARDS, served(get_wallboard)),
        ("GET", paths.WALLBOARD, served(get_wallboard)),
        ("GET", paths.QUEUE_STATISTICS, served(lambda r: answers.queue_counters(r.queue(r.number)))),
        ("GET", paths.QUEUE_LOGIN, served(get_queue_login)),
        ("POST", paths.QUEUE_LOGIN, served(post_queue_login)),
    ]
    return [web.route(method, path, handler) for method, path, handler in table]
