"""What the portal page of 2016 reads before it opens its socket, and at its login page (rest.md 2.10)."""

from __future__ import annotations

from pbxnb.protocol import rest as paths

from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]


def get_identity(request: RestRequest) -> object:
    """Who one is: the number, and the PBX's own id of it."""
    return {"user": request.number, "userid": str(request.pbx.accounts[request.number].id)}


def get_localization(request: RestRequest) -> object:
    """Languages, tones and zones that can be chosen."""
    return {"ivr": ["en"], "tone": ["us"], "web": ["en"], "zones": ["UTC"]}


def get_translation(request: RestRequest) -> object:
    """The texts of some pages, by ``page#item``: there are none, the page is not ours."""
    return {}


def get_license(request: RestRequest) -> object:
    """Licensed, so that an administrator's page goes on."""
    return {"licensed": True}


ROWS = (
    Resource(
        "GET", paths.IDENTITY, get_identity, Who.ITSELF, "A", "protocol.md 2.3", "the account's number and internal id"
    ),
    Resource(
        "GET", paths.LOCALIZATION, get_localization, Who.ANYBODY, "A", "rest.md 2.10", "languages, tones and time zones"
    ),
    Resource(
        "GET", paths.TRANSLATION, get_translation, Who.ANYBODY, "B", "rest.md 2.10",
        "texts of the pages named; none here",
    ),
    Resource("GET", paths.LICENSE, get_license, Who.SYSTEM, "B", "rest.md 2.10", "that the PBX is licensed"),
)  # fmt: skip
