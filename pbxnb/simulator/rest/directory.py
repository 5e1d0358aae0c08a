"""The directory of a tenant (rest.md 2.1)."""

from __future__ import annotations

from typing import Any

from pbxnb.protocol import rest as paths

from ..engine.accounts import SimExtension
from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]


def get_accounts(request: RestRequest) -> object:
    """All accounts, or those of one type; ``account`` beside ``name`` is ours, the number stands in both."""
    pbx, wanted = request.pbx, request.query("type")
    lines: list[dict[str, Any]] = []
    for account in pbx.accounts.values():
        if wanted and account.type != wanted:
            continue
        line: dict[str, Any] = {
            "name": account.number,
            "displayname": account.name,
            "alias": [],
            "ani": "",
            "icon": "",
            "type": account.type,
        }
        if isinstance(account, SimExtension):
            line |= {
                "dnd": account.dnd,
                "chatstatus": account.chat_status,
                "connected": bool(pbx.calls_of(account.number)),
                "login": any(a.logged_in for q in pbx.queues if (a := q.agents.get(account.number))),
                "department": account.department,
                "position": "",
                "registered": account.registered,
            }
        lines.append(line)
    return lines


def get_orbits(request: RestRequest) -> object:
    """Every orbit with what is parked there."""
    return request.tenant.frames.orbit_list()


def get_registrations(request: RestRequest) -> object:
    """Phones registered, of an account or of the tenant."""
    chosen = [e for e in request.pbx.extensions if request.number in ("", e.number)]
    return [{"account": e.number, "id": n, "ua": phone} for e in chosen for n, phone in enumerate(e.phones)]


ROWS = (
    Resource(
        "GET", paths.USERS, get_accounts, Who.COLLEAGUES, "A", "rest.md 2.1", "every account, or those of one `type`"
    ),
    Resource(
        "GET", paths.ACCOUNTS, get_accounts, Who.ITSELF, "B", "rest.md 2.1",
        "what a user sees: accounts with DND, registration, chat status, whether in a call",
    ),
    Resource("GET", paths.DOMAIN_ORBITS, get_orbits, Who.COLLEAGUES, "A", "rest.md 2.2", "park orbits and their calls"),
    Resource("GET", paths.ORBITS, get_orbits, Who.ITSELF, "A", "rest.md 2.2", "park orbits and their calls"),
    Resource(
        "GET", paths.DOMAIN_REGISTRATIONS, get_registrations, Who.COLLEAGUES, "C", "rest.md 2.6", "phones registered"
    ),
    Resource(
        "GET", paths.REGISTRATIONS, get_registrations, Who.ITSELF, "C", "rest.md 2.6", "the account's phones"
    ),
)  # fmt: skip
