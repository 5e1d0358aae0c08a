"""The REST interface: every path and every body that is sent, once (rest.md 1.2, 2); answers are read by who asked.

A path is a pattern such as `CALLS`: the client fills it in with `url`, the simulator serves it as it is.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlencode

__all__ = [
    "ACCOUNTS",
    "ACTIVITY",
    "ADD_ACCOUNT",
    "ATTENDANTS",
    "AVAILABILITY",
    "CALLS",
    "CDRS",
    "CHAT",
    "CONFERENCES",
    "DIAL_PLANS",
    "DND",
    "DOMAINS",
    "DOMAIN_COUNT",
    "DOMAIN_FLAGS",
    "DOMAIN_GROUPS",
    "DOMAIN_ORBITS",
    "DOMAIN_REGISTRATIONS",
    "DOMAIN_STATS",
    "DOMAIN_STATUS",
    "EXTENSIONS",
    "FLAGS",
    "FORWARD_KEYS",
    "GROUPS",
    "HISTORY",
    "HUNTS",
    "IDENTITY",
    "IMAGE",
    "LICENSE",
    "LOCALIZATION",
    "MANAGER_RECORDS",
    "MESSAGES",
    "ORBITS",
    "OWN_QUEUES",
    "PORTAL_SETTINGS",
    "QUEUES",
    "QUEUE_CALLS",
    "QUEUE_INFO",
    "QUEUE_LOGIN",
    "QUEUE_RECORDS",
    "QUEUE_STATES",
    "QUEUE_STATISTICS",
    "RECORD",
    "REGISTRATIONS",
    "REGISTRATION_HISTORY",
    "REMOTE_CALL",
    "REMOVE_ACCOUNT",
    "ROOT",
    "SESSION",
    "SETTINGS",
    "STATS",
    "STATUS",
    "SYSTEM_RECORDS",
    "SYSTEM_STATS",
    "TRANSLATION",
    "TREE",
    "TRUNKS",
    "USERLIST",
    "USERS",
    "WALLBOARD",
    "WALLBOARDS",
    "auth_body",
    "call_body",
    "chat_body",
    "dnd_body",
    "exchange_body",
    "forward_body",
    "login_body",
    "token_body",
    "url",
]

ROOT = "/"
TREE = "/rest"
REMOTE_CALL = "/remote_call.htm"  # rest.md 2.7, `user`, `dest`, `auth`
SESSION = "/rest/system/session"  # rest.md 1.2
STATUS = "/rest/system/status"  # rest.md 1.8
DOMAINS = "/rest/system/domains"  # rest.md 2.1
DOMAIN_COUNT = "/rest/system/domaininfo"
LOCALIZATION = "/rest/system/localization"  # rest.md 2.10
TRANSLATION = "/rest/system/translation/{lang}/{files}"
SYSTEM_RECORDS = "/rest/system/cdrs"  # rest.md 2.3, `callid`
SYSTEM_STATS = "/rest/system/stats"  # rest.md 2.6, `type`
LICENSE = "/rest/system/license"

_USER = "/rest/user/{account}"
ACCOUNTS = f"{_USER}/accounts"  # rest.md 2.1, `type`
CALLS = f"{_USER}/calls"  # rest.md 2.2, 2.7
ORBITS = f"{_USER}/orbits"  # rest.md 2.2
HISTORY = f"{_USER}/history"  # rest.md 2.3, `page`, `size`
WALLBOARDS = f"{_USER}/wallboard"  # rest.md 2.5
WALLBOARD = f"{_USER}/wallboard/{{queue}}"
REGISTRATIONS = f"{_USER}/registration"  # rest.md 2.6
ACTIVITY = f"{_USER}/activity"
MESSAGES = f"{_USER}/messages"  # rest.md 2.6, `api`, `page`, `size`, `filter`, `id`
REGISTRATION_HISTORY = f"{_USER}/reghist"
AVAILABILITY = f"{_USER}/availability"  # `activity`, `days`
STATS = f"{_USER}/stats"  # `type`
CHAT = f"{_USER}/chat"  # protocol.md 10, `number`
DND = f"{_USER}/dnd"  # rest.md 2.8

_DOMAIN = "/rest/domain/{domain}"
USERS = f"{_DOMAIN}/users"  # rest.md 2.1
USERLIST = f"{_DOMAIN}/userlist/{{type}}"
EXTENSIONS = f"{_DOMAIN}/extensions"  # rest.md 2.1, `account`
HUNTS = f"{_DOMAIN}/hunts"
ATTENDANTS = f"{_DOMAIN}/attendants"
CONFERENCES = f"{_DOMAIN}/conferences"
DOMAIN_FLAGS = f"{_DOMAIN}/srvflags"
FLAGS = f"{_USER}/srvflags"  # rest.md 2.8, `name`
GROUPS = f"{_USER}/groups"  # rest.md 2.1
DOMAIN_GROUPS = f"{_DOMAIN}/groups"
TRUNKS = f"{_DOMAIN}/domain_trunks"
DIAL_PLANS = f"{_DOMAIN}/dialplans"
DOMAIN_STATUS = f"{_DOMAIN}/status/{{type}}"
IMAGE = f"{_DOMAIN}/account/{{number}}/image"
ADD_ACCOUNT = f"{_DOMAIN}/addacc"
REMOVE_ACCOUNT = f"{_DOMAIN}/addacc/{{number}}"
IDENTITY = f"{_DOMAIN}/account/{{number}}/list/list_identity"  # protocol.md 2.3
PORTAL_SETTINGS = f"{_DOMAIN}/account/{{number}}/user_settings"  # rest.md 2.10
SETTINGS = f"{_DOMAIN}/user_settings/{{number}}"
DOMAIN_ORBITS = f"{_DOMAIN}/orbits"  # rest.md 2.2
CDRS = f"{_DOMAIN}/cdrs"  # rest.md 2.3, `page`, `size`, `start`, `end`
RECORD = f"{_DOMAIN}/cdr"  # `id`
DOMAIN_STATS = f"{_DOMAIN}/stats"  # rest.md 2.6, `type`
QUEUES = f"{_DOMAIN}/acds"  # rest.md 2.5
QUEUE_LOGIN = f"{_DOMAIN}/account/{{number}}/acd_login"  # rest.md 2.5, 2.8, `group`
QUEUE_STATISTICS = "/rest/acd/{queue}/stat"  # rest.md 2.5, the queue as `600@acme.example`; `date`, `days`
QUEUE_RECORDS = "/rest/acd/{queue}/cdr"  # rest.md 2.3, `page`, `size`, `max`
QUEUE_INFO = f"{_USER}/acdinfo"  # rest.md 2.5, `group`, `date`, `agent`, `info`, `format`
MANAGER_RECORDS = f"{_USER}/acdcdr"  # rest.md 2.3, `acd`, `page`
QUEUE_CALLS = f"{_USER}/acdcalls"  # rest.md 2.2, `acd`
OWN_QUEUES = f"{_USER}/acd"  # rest.md 7
QUEUE_STATES = f"{_DOMAIN}/status/acds"  # rest.md 2.1
DOMAIN_REGISTRATIONS = f"{_DOMAIN}/registrations"  # rest.md 2.6

FORWARD_KEYS = {"all": "cfa", "busy": "cfb", "no_answer": "cfn", "unregistered": "cfr"}
"""The settings that hold where calls go on to (rest.md 2.8; protocol.md 12.18)."""

_FIELD = re.compile(r"\{(\w+)\}")


def url(pattern: str, /, **values: str) -> str:
    """A path with its values, quoted.

    Args:
        pattern: one of this module's.
        values: what the pattern names (an account is ``45@acme.example``); the others become the query.

    Example:
        >>> url(WALLBOARD, account="45@acme.example", queue="6 0")
        '/rest/user/45@acme.example/wallboard/6%200'
        >>> url(CHAT, account="45@acme.example", number="+49")
        '/rest/user/45@acme.example/chat?number=%2B49'
    """
    path = _FIELD.sub(lambda field: quote(values.pop(field[1]), safe="@*+"), pattern)
    return f"{path}?{urlencode(values, quote_via=quote, safe='')}" if values else path


def auth_body(login: str, digest: str) -> dict[str, str]:
    """A login with the MD5 of the password; that of an empty one is empty (rest.md 1.2)."""
    return {"name": "auth", "value": f"{login} {digest}"}


def token_body(user: str, domain: str) -> dict[str, str]:
    """An administrator's request for a token that lets ``user`` in (rest.md 1.2, step 1)."""
    return {"name": "3rd", "username": user, "domain": domain}


def exchange_body(token: str) -> dict[str, str]:
    """The exchange of a token for a session (rest.md 1.2, step 2)."""
    return {"name": "session", "value": token}


def call_body(action: str, call: str, **more: str) -> dict[str, str]:
    """What is done to a call: one key selects the action, its value is the call's id (rest.md 2.7).

    Args:
        action: ``hangup``, ``reject``, ``transfer``, ``remote-answer``, ``remote-hold``, ``remote-resume``; for
            ``remote-dial`` the value is the number.
        more: ``number`` of a blind and ``id`` of an attended transfer, ``name`` of who is dialled.
    """
    return {action: call, **more}


def dnd_body(on: bool, reason: str = "", expires: float | None = None) -> dict[str, Any]:
    """Do not disturb, for ``expires`` seconds, which are sent as text (rest.md 2.8)."""
    body: dict[str, Any] = {"state": on}
    if reason:
        body["reason"] = reason
    if expires is not None:
        body["expires"] = str(int(expires))
    return body


def chat_body(text: str, date: int | None = None) -> dict[str, Any]:
    """A chat text; ``date`` in milliseconds since 1970 UTC (protocol.md 10)."""
    return {"type": "text", "text": text} | ({} if date is None else {"date": date})


def forward_body(when: str, to: str | None) -> dict[str, str]:
    """Where calls go on to, in the settings of an account; empty for nowhere (rest.md 2.8).

    Args:
        when: a key of `FORWARD_KEYS`.
    """
    return {FORWARD_KEYS[when]: to or ""}


def login_body(on: bool) -> dict[str, bool]:
    """An agent logs in to a queue, or out (rest.md 2.8)."""
    return {"login": on}
