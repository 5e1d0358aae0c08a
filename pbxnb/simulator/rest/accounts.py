"""What one account asks about itself, and its chats (rest.md 2.6, 2.8; protocol.md 10)."""

from __future__ import annotations

from typing import Any

import msgspec

from pbxnb.protocol import rest as paths

from ..engine.calls import SimCallRecord
from ..engine.chats import SimText
from ..server.answers import integer, refusal, text, truth
from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]

DAY = 86_400
ADDRESS = "tls:192.0.2.10:5061"
"""Where phones are: an address of documentation."""


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


def get_registration_history(request: RestRequest) -> object:
    """Which phones came and went, the newest last."""
    extension, domain = request.extension, request.domain
    return [
        {
            "time": at,
            "registered": on,
            "ua": phone,
            "adr": ADDRESS,
            "contact": f"<sip:{extension.number}@{domain}>",
            "registrations": count,
        }
        for at, phone, on, count in extension.registrations
    ]


def get_messages(request: RestRequest) -> object:
    """The mailbox: in 2016 all messages; later their number, or with ``api=2`` totals, a page, or one of them."""
    box = [_message(request, record) for record in _mailbox(request)]
    unread = [message for message in box if not message["read"]]
    if request.query("api") != "2":
        return box if request.old else len(unread)
    if wanted := request.query("id"):
        found = next((message for message in box if message["id"] == wanted), None)
        if found is None:
            raise refusal(404)
        return found
    chosen = unread if request.query("filter") == "unread" else box
    totals = {"total": len(chosen), "unread": len(unread)}
    if not (request.query("page") or request.query("size")):
        return totals
    page = integer(request.query("page"), 1)
    return totals | {"page": page, "size": integer(request.query("size"), 50), "data": request.page(chosen)}


def _mailbox(request: RestRequest) -> list[SimCallRecord]:
    """The calls that left a message for the account, newest first."""
    box = f"8{request.extension.number}"
    return [record for record in reversed(request.pbx.history) if record.called.number == box]


def _message(request: RestRequest, record: SimCallRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "from": request.tenant.frames.address(record.caller),
        "start": record.started,
        "duration": round(record.ended - (record.connected or record.ended)),
        "read": record.id in request.extension.seen,
        "note": "",
    }


def get_activity(request: RestRequest) -> object:
    """What is new for the account: calls missed, and messages left, in the last day; newest first."""
    extension, pbx = request.extension, request.pbx
    since, number = pbx.clock.now - DAY, extension.number
    left = {record.id for record in _mailbox(request)}
    return [
        {
            "id": record.id,
            "type": "voicemail" if record.id in left else "missed",
            "from": request.tenant.frames.address(record.caller),
            "time": record.started,
        }
        for record in reversed(pbx.history)
        if record.ended >= since
        and record.id not in extension.seen
        and (record.id in left or (number in record.rang and number not in record.talked))
    ]


def post_activity(request: RestRequest) -> object:
    """Mark one as read."""
    extension, wanted = request.extension, text(request.body, "id")
    known = any(record.id == wanted for record in request.pbx.history)
    if known and truth(request.body.get("read")):
        extension.seen.add(wanted)
    return known


def get_chat(request: RestRequest) -> object:
    """The texts exchanged with ``number``; ``meta`` is JSON in a string."""
    texts = request.pbx.chats.between(request.number, request.query("number"))
    content = [{"id": each.id, "meta": _meta(each)} for each in request.page(texts)]
    return {"first": 0, "last": len(texts), "total": len(texts), "content": content}


def _meta(each: SimText) -> str:
    meta = {"type": "text", "text": each.text, "date": int(each.at * 1000), "from": each.sender}
    return msgspec.json.encode(meta).decode()


def post_chat(request: RestRequest) -> object:
    """Send a text to ``number``; the answer is the message's id."""
    pbx = request.pbx
    return pbx.chat(request.number, request.query("number"), text(request.body, "text")) and pbx.chats.count


ROWS = (
    Resource(
        "GET", paths.DND, get_dnd, Who.SUPERVISORS, "A", "rest.md 2.8", "do not disturb: state, reason, seconds left"
    ),
    Resource("POST", paths.DND, post_dnd, Who.SUPERVISORS, "A", "rest.md 2.8", "sets it, for `expires` seconds"),
    Resource(
        "GET", paths.REGISTRATION_HISTORY, get_registration_history, Who.ITSELF, "A", "rest.md 2.6",
        "phones that came and went, the newest last",
    ),
    Resource(
        "GET", paths.MESSAGES, get_messages, Who.ITSELF, "A", "rest.md 2.6",
        "the mailbox: all messages in 2016, later how many are new; with `api=2` by page",
    ),
    Resource(
        "GET", paths.ACTIVITY, get_activity, Who.ITSELF, "A", "rest.md 7",
        "calls missed and messages left that are not yet read",
    ),
    Resource("POST", paths.ACTIVITY, post_activity, Who.ITSELF, "A", "rest.md 2.6", "marks one of them as read"),
    Resource("GET", paths.CHAT, get_chat, Who.ITSELF, "A", "protocol.md 10", "texts exchanged with `number`, by page"),
    Resource("POST", paths.CHAT, post_chat, Who.ITSELF, "A", "protocol.md 10", "sends a text; the id of the message"),
)  # fmt: skip
