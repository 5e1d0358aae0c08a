"""Chat (protocol.md 10)."""

from __future__ import annotations

import msgspec

from pbxnb.protocol import rest as paths

from ..engine.chats import SimText
from ..server.answers import text
from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]


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
    Resource("GET", paths.CHAT, get_chat, Who.ITSELF, "A", "protocol.md 10", "texts exchanged with `number`, by page"),
    Resource("POST", paths.CHAT, post_chat, Who.ITSELF, "A", "protocol.md 10", "sends a text; the id of the message"),
)
