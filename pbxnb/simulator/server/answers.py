"""JSON in and out of the embedded PBX's REST, and how it refuses (rest.md 2.0)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web

__all__ = ["answer", "integer", "page", "read_json", "refusal", "text", "truth"]

MOST_PER_PAGE = 1_000
MOST_TEXT = 10_000


def answer(value: object, *, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


async def read_json(request: web.Request) -> dict[str, Any]:
    """The body as an object; the PBX does not look at the content type (protocol.md 2.6). Anything else is empty."""
    try:
        body = msgspec.json.decode(await request.read())
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return {}
    return body if isinstance(body, dict) else {}


def text(body: dict[str, Any], key: str) -> str:
    """A value as text: ids and numbers may come as numbers."""
    value = body.get(key)
    return str(value)[:MOST_TEXT] if isinstance(value, str | int) and not isinstance(value, bool) else ""


def truth(value: object) -> bool:
    """``true`` and ``"true"``."""
    return value is True or value == "true"


def page(request: web.Request, items: Sequence[Any], default: int) -> Sequence[Any]:
    """The page asked for: ``page`` counts from 1."""
    number = integer(request.query.get("page"), 1)
    size = min(integer(request.query.get("size"), default), MOST_PER_PAGE)
    return items[(number - 1) * size : number * size]


def integer(value: str | None, default: int) -> int:
    """A number above 0 as text, of which nine digits count; anything else is the default."""
    digits = value[:9] if value and value.isascii() and value.isdigit() else ""
    return int(digits or 0) or default


def refusal(status: int) -> web.HTTPException:
    """How the PBX refuses: 401, 403 or 404 with the body ``false``."""
    kind = {401: web.HTTPUnauthorized, 403: web.HTTPForbidden, 404: web.HTTPNotFound}[status]
    return kind(text="false", content_type="application/json")
