"""Settings of an account, all of them texts (rest.md 2.1, 2.8)."""

from __future__ import annotations

from pbxnb.protocol import rest as paths

from ..server.answers import text
from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]


def get_settings(request: RestRequest) -> object:
    """The settings of an extension: of about a hundred the name and the forwarding."""
    extension = request.extension
    forwards = {key: extension.forwards.get(when, "") for when, key in paths.FORWARD_KEYS.items()}
    return {"display_name": extension.name, "dnd": "true" if extension.dnd else "false", **forwards}


def post_settings(request: RestRequest) -> object:
    """Change the forwarding: what is not sent stays (rest.md 2.0)."""
    number = request.extension.number
    for when, key in paths.FORWARD_KEYS.items():
        if key in request.body:
            request.pbx.forward(number, text(request.body, key), when)
    return True


ROWS = (
    Resource(
        "GET", paths.SETTINGS, get_settings, Who.COLLEAGUES, "A", "rest.md 2.1", "the account's settings, as texts"
    ),
    Resource(
        "POST", paths.SETTINGS, post_settings, Who.SUPERVISORS, "A", "rest.md 2.0",
        "changes the settings that are sent; the others stay",
    ),
)  # fmt: skip
