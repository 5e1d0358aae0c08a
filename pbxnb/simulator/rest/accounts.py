"""What one account asks about itself (rest.md 2.6, 2.8)."""

from __future__ import annotations

from pbxnb.protocol import rest as paths

from ..server.answers import integer, text, truth
from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]


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


def get_activity(request: RestRequest) -> object:
    """Missed calls and voicemails."""
    extension = request.extension
    return {"missed": extension.missed, "voicemails": extension.voicemails, "messages": 0}


ROWS = (
    Resource(
        "GET", paths.DND, get_dnd, Who.SUPERVISORS, "A", "rest.md 2.8", "do not disturb: state, reason, seconds left"
    ),
    Resource("POST", paths.DND, post_dnd, Who.SUPERVISORS, "A", "rest.md 2.8", "sets it, for `expires` seconds"),
    Resource("GET", paths.ACTIVITY, get_activity, Who.ITSELF, "C", "rest.md 2.6", "missed calls and voicemails"),
)
