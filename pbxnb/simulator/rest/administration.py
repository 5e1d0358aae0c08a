"""What administrators ask: of a tenant its trunks, dial plans, groups and status; of the system its tenants."""

from __future__ import annotations

import json
import math
from typing import Any

from pbxnb.protocol import rest as paths

from ..engine.accounts import SimExtension
from ..engine.provisioning import KINDS, create, delete
from ..server.answers import refusal, text
from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]

TRUNK = "1"
"""The id of the only trunk, as call records name it."""
PUBLIC = json.dumps("public")


def get_status(request: RestRequest) -> object:
    """Version and load."""
    server = request.server
    calls = sum(len(tenant.pbx.calls) for tenant in server.tenants.values())
    return {"version": server.version, "calls": calls, "now": math.floor(server.pace.moment.timestamp())}


def get_domains(request: RestRequest) -> object:
    """The tenants: in 2016 an object by name, later a list."""
    rows = [
        {"name": name, "display": name.partition(".")[0].title(), "alias": [], "country": "", "area": ""}
        for name in request.server.tenants
    ]
    return {str(row["name"]): row for row in rows} if request.old else rows


def get_domain_count(request: RestRequest) -> object:
    """How many tenants there are."""
    return len(request.server.tenants)


def get_trunks(request: RestRequest) -> object:
    """The trunk that every outside call uses."""
    used, most = request.pbx.switch.channels_used, request.pbx.switch.channels
    return [
        {
            "id": TRUNK, "name": "Outside line", "type": "gateway", "direction": "both", "disabled": "false",
            "account": "", "proxy": "", "registrar": "", "ani": "", "global": "false", "own": True,
            "status1": "200 OK", "status2": f"{used} of {most} channels", "status3": "",
        }
    ]  # fmt: skip


def get_dial_plans(request: RestRequest) -> object:
    """The only dial plan."""
    return [{"id": 1, "name": "Standard", "global": False, "used": True}]


def get_groups(request: RestRequest) -> object:
    """Who may do what: everybody sees what is public, supervisors may steer the calls of others (rest.md 4.2)."""
    supervisors = [e.number for e in request.pbx.extensions if e.supervises]
    rights = dict.fromkeys(("barge", "listen", "teach"), json.dumps("members"))
    groups = [
        {"id": 1, "name": "Everybody", "members": json.dumps({"except": []}), "permissions": {"web": PUBLIC}},
        {"id": 2, "name": "Supervisors", "members": json.dumps({"specific": supervisors}), "permissions": rights},
    ]
    return groups if request.number in ("", *supervisors) else groups[:1]


def get_domain_status(request: RestRequest) -> object:
    """Accounts of a type as they are now; ``total`` and ``registrations`` are counted."""
    pbx, wanted = request.pbx, request.http.match_info["type"]
    if wanted in ("total", "registrations"):
        count = len(pbx.accounts) if wanted == "total" else sum(len(e.phones) for e in pbx.extensions)
        return {"count": count, "limit": False}
    if wanted not in KINDS:
        raise refusal(404)
    lines: list[dict[str, Any]] = []
    for account in pbx.accounts.values():
        if account.type == wanted:
            line = {"name": account.number, "display": account.name, "calls": len(pbx.calls_of(account.number))}
            if isinstance(account, SimExtension):
                line |= {"registered": account.registered, "dnd": account.dnd}
            lines.append(line)
    return lines


def add_account(request: RestRequest) -> object:
    """Create accounts of a type, several with ``/`` between; what cannot be created is passed over (rest.md 2.1)."""
    kind = text(request.body, "type")
    given = text(request.body, "account_ext") if kind == SimExtension.type else ""
    for number in (given or text(request.body, "account")).split("/"):
        create(request.pbx, kind, number)
    return {}


def remove_account(request: RestRequest) -> object:
    """Delete an account, its calls and phones with it."""
    domain, number = request.domain, request.number
    delete(request.pbx, number)
    for socket in request.server.sockets_of(number, domain):
        socket.close(reason="the account was deleted")
    return {}


ROWS = (
    Resource("GET", paths.STATUS, get_status, Who.SYSTEM, "A", "rest.md 1.8", "version, calls and time"),
    Resource(
        "GET", paths.DOMAINS, get_domains, Who.SYSTEM, "A", "rest.md 2.1", "the tenants: by name in 2016, later a list"
    ),
    Resource("GET", paths.DOMAIN_COUNT, get_domain_count, Who.SYSTEM, "A", "rest.md 2.1", "how many tenants there are"),
    Resource("GET", paths.TRUNKS, get_trunks, Who.TENANT, "B", "rest.md 2.1", "trunks, whose ids stand in records"),
    Resource("GET", paths.DIAL_PLANS, get_dial_plans, Who.TENANT, "A", "rest.md 2.1", "dial plans"),
    Resource(
        "GET", paths.DOMAIN_GROUPS, get_groups, Who.TENANT, "A", "rest.md 2.1", "groups, their members and rights"
    ),
    Resource("GET", paths.GROUPS, get_groups, Who.ITSELF, "A", "rest.md 2.1", "groups of the account"),
    Resource(
        "GET", paths.DOMAIN_STATUS, get_domain_status, Who.TENANT, "C", "rest.md 2.1",
        "accounts of a type as they are now; `total` and `registrations` are counts",
    ),
    Resource("POST", paths.ADD_ACCOUNT, add_account, Who.TENANT, "A", "rest.md 2.1", "creates accounts of a `type`"),
    Resource("PUT", paths.ADD_ACCOUNT, add_account, Who.TENANT, "B", "rest.md 2.1", "creates accounts of a `type`"),
    Resource("DELETE", paths.REMOVE_ACCOUNT, remove_account, Who.TENANT, "A", "rest.md 2.1", "deletes an account"),
)  # fmt: skip
