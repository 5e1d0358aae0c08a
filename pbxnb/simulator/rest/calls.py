"""Calls in progress, what starts and steers them, and the link that dials (rest.md 2.2, 2.7)."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import Any

from aiohttp import web

from pbxnb.protocol import rest as paths
from pbxnb.protocol.commands import COMMANDS

from ..engine.calls import SimCall, SimPhase
from ..engine.pbx import SimPbx
from ..server.answers import integer, text
from ..server.security import Identity
from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]

CALL_ACTIONS: dict[str, Callable[[SimPbx, str, str], bool]] = {
    row.modern.key: getattr(SimPbx, row.name) for row in COMMANDS.values() if row.modern.key
}
"""What a key of the body does with the call its value names (rest.md 2.7)."""
MOST_DURATION = 7_200
"""Seconds that a link is good for where it does not say."""


def get_calls(request: RestRequest) -> object:
    """The account's legs."""
    return [_leg(request, call) for call in request.pbx.calls_of(request.number)]


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
    """One key of the body selects the action."""
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


def remote_call(request: RestRequest) -> object:
    """Ring ``user`` and dial ``dest`` for it; who is not known by ``auth`` is challenged."""
    server = request.server
    whose = _sender(request)
    if whose is None:
        challenge = {"WWW-Authenticate": 'Basic realm="PBX"'}
        return _page("Please log in.", status=401, headers=challenge)
    number, _, domain = request.query("user").partition("@")
    domain = domain or whose.domain or next(iter(server.tenants))
    tenant = server.tenants.get(domain)
    if tenant is None or not whose.may_act_for(domain, number):
        return _page("This is not allowed.", status=403)
    dest = request.query("dest")
    if tenant.pbx.switch.call_back(number, dest):
        return _page(f"Calling {dest}: please pick up.")
    return _page(f"{dest} could not be called.")


def _sender(request: RestRequest) -> Identity | None:
    """By a session or Basic, by a link that holds the password, or by one that holds a hash and is in its time."""
    login, auth = request.server.login, request.query("auth")
    if not auth:
        return request.sender
    if request.query("extension") != "true":
        return login.by_password(auth)
    time, duration = request.query("time"), request.query("duration")
    now = request.server.pace.moment.timestamp()
    begin = int(time) if re.fullmatch(r"\d{1,12}", time, re.ASCII) else 0
    if not begin <= now + 60 or now > begin + integer(duration, MOST_DURATION):
        return None
    return login.by_link(request.query("user"), request.query("dest"), time, duration, auth)


def _page(text: str, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    body = f"<!doctype html><title>Remote call</title><p>{escape(text[:200])}"
    return web.Response(text=body, status=status, headers=headers, content_type="text/html")


ROWS = (
    Resource("GET", paths.CALLS, get_calls, Who.SUPERVISORS, "A", "rest.md 2.2", "the account's calls in progress"),
    Resource(
        "POST", paths.CALLS, post_calls, Who.SUPERVISORS, "A", "rest.md 2.7",
        "dials, answers, holds, transfers, hangs up, or notes a comment: one key selects the action",
    ),
    Resource(
        "GET", paths.REMOTE_CALL, remote_call, Who.ANYBODY, "A", "rest.md 2.7",
        "rings the phone of `user`, then dials `dest`; an HTML page whatever comes of it",
    ),
)  # fmt: skip
