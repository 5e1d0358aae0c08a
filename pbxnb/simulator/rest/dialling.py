"""Click to dial by a link (rest.md 2.7): the phone of who asks rings first, then the other side's.

With or without ``connect=true``: nobody is asked to press 1 here.
"""

from __future__ import annotations

import re
from html import escape

from aiohttp import web

from pbxnb.protocol import rest as paths

from ..server.answers import integer
from ..server.security import Identity
from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]

MOST_DURATION = 7_200
"""Seconds that a link is good for where it does not say."""


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
    Resource(
        "GET", paths.REMOTE_CALL, remote_call, Who.ANYBODY, "A", "rest.md 2.7",
        "rings the phone of `user`, then dials `dest`; an HTML page whatever comes of it",
    ),
)  # fmt: skip
