"""The directory of a tenant: who and what there is (rest.md 2.1)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from pbxnb.protocol import rest as paths

from ..engine.accounts import SimAccount, SimConference, SimExtension, SimHuntGroup, SimServiceFlag
from ..engine.provisioning import KINDS, read_settings, set_flag
from ..server.answers import refusal, truth
from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c63f80f0001010100b138f614"
    "0000000049454e44ae426082"
)
"""A white PNG of one pixel: nobody has a picture here."""


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
            "alias": _aliases(account),
            "ani": "",
            "icon": "",
            "type": account.type,
            "usertype": account.type,
        }
        if isinstance(account, SimExtension):
            line |= {
                "dnd": account.dnd,
                "chatstatus": account.chat_status,
                "connected": bool(pbx.calls_of(account.number)),
                "login": any(a.logged_in for q in pbx.queues if (a := q.agents.get(account.number))),
                "department": account.department,
                "position": account.settings.get("position", ""),
                "registered": account.registered,
            }
        lines.append(line)
    return lines


def _aliases(account: SimAccount) -> list[str]:
    return account.settings.get("alias", "").split()


def get_extensions(request: RestRequest) -> object:
    """Every extension, or with ``account`` one of them in detail."""
    number = request.query("account")
    if not number:
        return [_extension(extension) for extension in request.pbx.extensions]
    extension = request.pbx.extension(number)
    if extension is None:
        raise refusal(404)
    found = read_settings(extension)
    forwarding = {key: found[key] for key in paths.FORWARD_KEYS.values()}
    return _extension(extension) | {"mac": [], "mb_enable": extension.mailbox} | forwarding


def _extension(extension: SimExtension) -> dict[str, Any]:
    found = read_settings(extension)
    return {
        "id": extension.id,
        "name": extension.number,
        "first_name": found["first_name"],
        "display_name": found["display_name"],
        "email_address": found["email_address"],
        "dnd": extension.dnd,
        "alias": _aliases(extension),
    }


def get_userlist(request: RestRequest) -> object:
    """The accounts of one type: in 2016 a list; later an object by number, whose records do not repeat it."""
    wanted = request.http.match_info["type"]
    if wanted not in KINDS:
        raise refusal(404)
    records = [_record(a) for a in request.pbx.accounts.values() if a.type == wanted]
    return records if request.old else {record.pop("account"): record for record in records}


def _record(account: SimAccount) -> dict[str, Any]:
    """The record of 2016."""
    record: dict[str, Any] = {
        "id": str(account.id),
        "account": account.number,
        "alias": _aliases(account),
        "ani": "",
        "type": account.type,
        "disabled": "false",
        "license": "",
        "visible": "true",
        "name": account.name,
        "pnp": "",
        "mac": "",
    }
    if isinstance(account, SimExtension):
        record |= {
            "regs": len(account.phones),
            "cell": "",
            "email": account.settings.get("email_address", ""),
            "dnd": "true" if account.dnd else "false",
            "cfa": account.forwards.get("all", ""),
            "last": "",
            "vm": f"{account.voicemails}/0",
        }
    return record


def get_groups(request: RestRequest) -> object:
    """Hunt groups, attendants or conferences, with their calls now."""
    kind = request.http.path.rstrip("/").rpartition("/")[2]
    return [_group(request, a) for a in request.pbx.accounts.values() if a.type == kind]


def _group(request: RestRequest, account: SimAccount) -> dict[str, Any]:
    line: dict[str, Any] = {"name": account.number, "display": account.name}
    if isinstance(account, SimHuntGroup):
        line["agents"] = list(account.members)
    if isinstance(account, SimConference):
        line["type"] = account.type
    return line | {"calls": len(request.pbx.calls_of(account.number))}


def get_flags(request: RestRequest) -> object:
    """Every service flag with its state."""
    return [_flag(account) for account in request.pbx.accounts.values() if isinstance(account, SimServiceFlag)]


def _flag(flag: SimServiceFlag) -> dict[str, Any]:
    state = "true" if flag.on else "false"
    return {
        "name": flag.number,
        "display": flag.name,
        "mode": "manual",
        "curr": state,
        "last": state,
        "state": flag.on,
    }


def post_flag(request: RestRequest) -> object:
    """Switch the service flag ``name``."""
    flag = request.pbx.accounts.get(request.query("name"))
    if not isinstance(flag, SimServiceFlag):
        raise refusal(404)
    set_flag(request.pbx, flag, truth(request.body.get("state")))
    return True


def get_orbits(request: RestRequest) -> object:
    """Every orbit with what is parked there."""
    return request.tenant.frames.orbit_list()


def get_registrations(request: RestRequest) -> object:
    """Phones registered, of an account or of the tenant."""
    chosen = [e for e in request.pbx.extensions if request.number in ("", e.number)]
    return [{"account": e.number, "id": n, "ua": phone} for e in chosen for n, phone in enumerate(e.phones)]


def get_image(request: RestRequest) -> object:
    """The account's picture."""
    return web.Response(body=PICTURE, content_type="image/png")


ROWS = (
    Resource(
        "GET", paths.USERS, get_accounts, Who.COLLEAGUES, "A", "rest.md 2.1", "every account, or those of one `type`"
    ),
    Resource(
        "GET", paths.ACCOUNTS, get_accounts, Who.ITSELF, "B", "rest.md 2.1",
        "what a user sees: accounts with DND, registration, chat status, whether in a call",
    ),
    Resource(
        "GET", paths.EXTENSIONS, get_extensions, Who.COLLEAGUES, "A", "rest.md 2.1",
        "extensions with first name and surname (`display_name`), or one in detail (`account`)",
    ),
    Resource(
        "GET", paths.USERLIST, get_userlist, Who.COLLEAGUES, "A", "rest.md 2.1",
        "accounts of one type: a list in 2016, later an object by number",
    ),
    Resource("GET", paths.HUNTS, get_groups, Who.COLLEAGUES, "A", "rest.md 2.1", "hunt groups with members and calls"),
    Resource("GET", paths.ATTENDANTS, get_groups, Who.COLLEAGUES, "A", "rest.md 2.1", "attendants with their calls"),
    Resource("GET", paths.CONFERENCES, get_groups, Who.COLLEAGUES, "A", "rest.md 2.1", "conferences with their calls"),
    Resource("GET", paths.DOMAIN_FLAGS, get_flags, Who.COLLEAGUES, "A", "rest.md 2.8", "service flags and their state"),
    Resource("GET", paths.FLAGS, get_flags, Who.ITSELF, "A", "rest.md 2.8", "service flags and their state"),
    Resource("POST", paths.FLAGS, post_flag, Who.ITSELF, "A", "rest.md 2.8", "switches the service flag `name`"),
    Resource("GET", paths.DOMAIN_ORBITS, get_orbits, Who.COLLEAGUES, "A", "rest.md 2.2", "park orbits and their calls"),
    Resource("GET", paths.ORBITS, get_orbits, Who.ITSELF, "A", "rest.md 2.2", "park orbits and their calls"),
    Resource(
        "GET", paths.DOMAIN_REGISTRATIONS, get_registrations, Who.COLLEAGUES, "C", "rest.md 2.6", "phones registered"
    ),
    Resource(
        "GET", paths.REGISTRATIONS, get_registrations, Who.ITSELF, "C", "rest.md 2.6", "the account's phones"
    ),
    Resource("GET", paths.IMAGE, get_image, Who.COLLEAGUES, "A", "rest.md 2.1", "the account's picture, a PNG"),
)  # fmt: skip
