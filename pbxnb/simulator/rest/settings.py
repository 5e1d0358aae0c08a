"""Settings of an account (rest.md 2.1, 2.8): flat, and in the wrapper of the portal of 2016 (2.10)."""

from __future__ import annotations

from typing import Any

from pbxnb.protocol import rest as paths

from ..engine.accounts import SimAccount
from ..engine.provisioning import read_settings, write_settings
from ..server.answers import text
from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]

USERS = "users"
"""The table that the portal names."""


def _account(request: RestRequest) -> SimAccount:
    return request.pbx.accounts[request.number]


def get_settings(request: RestRequest) -> object:
    """The settings of an account of any type, as texts."""
    return read_settings(_account(request))


def post_settings(request: RestRequest) -> object:
    """Change some of them; the answer has all."""
    _write(request, request.body)
    return get_settings(request)


def put_settings(request: RestRequest) -> object:
    """The same, as scripts do it; the answer is empty."""
    _write(request, request.body)
    return {}


def get_portal_settings(request: RestRequest) -> object:
    """The settings as the portal reads them: each with its name and its value."""
    found = read_settings(_account(request))
    return {"table": USERS, "settings": {key: {"name": key, "value": value} for key, value in found.items()}}


def change_portal_settings(request: RestRequest) -> object:
    """Change some of them: a list of names and values."""
    given = request.body.get("settings")
    pairs = [pair for pair in given if isinstance(pair, dict)] if isinstance(given, list) else []
    _write(request, {text(pair, "name"): pair.get("value") for pair in pairs})
    return True


def _write(request: RestRequest, body: dict[str, Any]) -> None:
    values = {key: "true" if body[key] is True else "false" if body[key] is False else text(body, key) for key in body}
    pbx, number, account = request.pbx, request.number, _account(request)
    before = read_settings(account)
    write_settings(pbx, account, values)
    if read_settings(account) != before:
        request.tenant.subscriptions.setting_changed(number)


ROWS = (
    Resource(
        "GET", paths.SETTINGS, get_settings, Who.COLLEAGUES, "A", "rest.md 2.1",
        "the settings of an account of any type, flat, as texts",
    ),
    Resource(
        "POST", paths.SETTINGS, post_settings, Who.SUPERVISORS, "A", "rest.md 2.0",
        "changes the settings that are sent, the others stay; answers all of them",
    ),
    Resource(
        "PUT", paths.SETTINGS, put_settings, Who.SUPERVISORS, "B", "rest.md 2.0",
        "changes the settings that are sent, the others stay; answers an empty object",
    ),
    Resource(
        "GET", paths.PORTAL_SETTINGS, get_portal_settings, Who.ITSELF, "A", "rest.md 2.10",
        "the settings, each with name and value, in the table `users`",
    ),
    Resource(
        "POST", paths.PORTAL_SETTINGS, change_portal_settings, Who.SUPERVISORS, "A", "rest.md 2.10",
        "changes the settings in the list that is sent",
    ),
    Resource(
        "PUT", paths.PORTAL_SETTINGS, change_portal_settings, Who.SUPERVISORS, "B", "rest.md 2.10",
        "changes the settings in the list that is sent",
    ),
)  # fmt: skip
