"""The bodies of the embedded PBX's REST: JSON in and out, and the shapes of rest.md 2.1, 2.3 and 2.5."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from aiohttp import web

from ..engine.accounts import SimAgent, SimExtension, SimQueue
from ..engine.calls import TALKING, SimCallRecord
from ..engine.pbx import SimPbx
from .frames import FrameWriter

__all__ = [
    "MOST_PER_PAGE", "activity", "answer", "cdrs", "directory", "history", "integer", "page", "queue_counters",
    "queue_line", "queues", "read_json", "refusal", "text", "truth", "wallboard",
]  # fmt: skip

Page = Callable[[Sequence[Any], int], Sequence[Any]]
"""Gives the page of the items that was asked for; the second argument is its usual size."""

MOST_PER_PAGE = 1_000
MOST_TEXT = 10_000

MISSED_SPAN = 86_400


def directory(pbx: SimPbx, wanted: str = "") -> list[dict[str, Any]]:
    """All accounts, or those of one type; ``account`` beside ``name`` is ours, the number stands in both."""
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


def history(pbx: SimPbx, number: str, page: Page) -> dict[str, Any]:
    """One account's past calls, newest first."""
    mine = [r for r in reversed(pbx.history) if number in (r.caller.number, *r.rang, *r.talked)]
    since = pbx.clock.now - MISSED_SPAN
    missed = [r for r in mine if r.ended >= since and number in r.rang and number not in r.talked]
    data = [
        {
            "id": r.id,
            "start": r.started,
            "connect": r.connected or "",
            "end": r.ended,
            "inbound": r.caller.number != number,
            "external": r.trunked,
            "queue": r.through,
            "from": r.caller.number,
            "to": r.called.number,
            "from-name": r.caller.name,
            "from-number": r.caller.number,
            "to-name": r.called.name,
            "to-number": r.called.number,
        }
        for r in page(mine, 50)
    ]
    return {"total": len(mine), "missed": len(missed), "missedspan": MISSED_SPAN, "categories": "[]", "data": data}


def cdrs(frames: FrameWriter, page: Page) -> list[dict[str, Any]]:
    """The tenant's past calls, newest first."""
    return [_cdr(frames, record) for record in page(list(frames.pbx.history)[::-1], 30)]


def _cdr(frames: FrameWriter, record: SimCallRecord) -> dict[str, Any]:
    """One record of the tenant; times as text, like the samples."""
    style: frozenset[str] = frozenset()
    return {
        "id": record.id,
        "call_id": record.id,
        "from": frames.address(record.caller),
        "to": frames.address(record.called),
        "start": frames.time(record.started, style),
        "connect": "" if record.connected is None else frames.time(record.connected, style),
        "end": frames.time(record.ended, style),
        "rating": "",
        "pcap": False,
        "extensions": list(record.talked or record.rang),
        "trunks": ["1"] if record.trunked else [],
        "abandoned": record.connected is None,
    }


def activity(extension: SimExtension) -> dict[str, int]:
    """Missed calls and voicemails of one extension."""
    return {"missed": extension.missed, "voicemails": extension.voicemails, "messages": 0}


def queue_line(queue: SimQueue) -> dict[str, Any]:
    """A queue in a list."""
    return {"name": queue.number, "display": queue.name}


def queues(pbx: SimPbx) -> list[dict[str, Any]]:
    """All queues with agents and calls now."""
    return [queue_line(queue) | {"agents": list(queue.agents), "calls": len(queue.waiting)} for queue in pbx.queues]


def queue_counters(queue: SimQueue) -> dict[str, Any]:
    """Today's counters of a queue; seconds."""
    s = queue.stats
    return {
        "calls": {"count": s.count, "completed": s.completed},
        "redirect": {"waiting": s.redirect_waiting, "ringing": 0, "anonymous": 0},
        "hangup": {"waiting": s.hangup_waiting, "ringing": s.hangup_ringing},
        "exit": {"user": s.exit_user, "admin": 0, "max-calls": 0, "application": 0, "other": 0},
        "duration": {
            "sum": _durations(s.ivr, s.ring, s.talk, s.hold, 1),
            "average": _durations(s.ivr, s.ring, s.talk, s.hold, max(1, s.completed)),
        },
    }


def _durations(ivr: float, ring: float, talk: float, hold: float, by: int) -> dict[str, float]:
    named = {"ivr": ivr, "ring": ring, "talk": talk, "hold": hold, "idle": 0.0}
    return {name: round(value / by, 3) for name, value in named.items()}


def wallboard(frames: FrameWriter, queue: SimQueue) -> dict[str, Any]:
    """A queue today and now. ``state``, ``paused`` and the calls' ``id`` are ours, no sample has them."""
    pbx = frames.pbx
    style: frozenset[str] = frozenset()
    calls = [pbx.calls[i] for i in queue.waiting]
    talking = [c for c in pbx.calls_of(queue.number) if c.id not in queue.waiting]
    current = [
        {
            "id": c.id,
            "start": frames.time(c.started, style),
            "from": frames.address(c.caller),
            "acd": queue.number,
            "agent": c.called.number if c.phase in TALKING else next(iter(c.ringing), ""),
        }
        for c in [*calls, *talking]
    ]
    past = [r for r in reversed(pbx.history) if r.through == queue.number][:50]
    return {
        "acds": {queue.number: queue_counters(queue) | {"managers": [], "display": queue.name}},
        "agents": [_agent(frames, queue, a) for a in queue.agents.values()],
        "logged_agents": [a.number for a in queue.agents.values() if a.logged_in],
        "current": current,
        "history": [
            {
                "start": frames.time(r.started, style),
                "from": frames.address(r.caller),
                "duration": round(r.talk + r.hold, 3),
                "agent": next(iter(r.talked), ""),
            }
            for r in past
        ],
    }


def _agent(frames: FrameWriter, queue: SimQueue, agent: SimAgent) -> dict[str, Any]:
    pbx = frames.pbx
    extension = pbx.extension(agent.number)
    idle = max(0.0, pbx.clock.now - agent.login_at - agent.talk - agent.hold) if agent.logged_in else 0.0
    count = max(1, agent.calls)
    return {
        "account": agent.number,
        "name": extension.name if extension else agent.number,
        "dnd": extension.dnd if extension else False,
        "login": agent.logged_in,
        "paused": agent.paused,
        "state": agent.state(pbx.clock.now, bool(pbx.calls_of(agent.number))),
        "jumpin": False,
        "work": {"begin": agent.login_at, "end": "", "now": pbx.clock.now, "segments": []},
        "calls": agent.calls,
        "missed": agent.missed,
        "duration": {"talk": agent.talk, "hold": agent.hold, "idle": idle},
        "average": {"talk": agent.talk / count, "hold": agent.hold / count, "idle": idle / count},
    }


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
