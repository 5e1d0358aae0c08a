"""What REST tells about people, queues and past calls, in the shapes of rest.md 2.1, 2.3 and 2.5."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .accounts import Agent, Extension, Queue
from .calls import CallRecord, Phase
from .pbx import Pbx
from .wire import Wire

__all__ = ["cdr", "directory", "history", "queue_counters", "queue_line", "wallboard"]

MISSED_SPAN = 86_400


def directory(pbx: Pbx, wanted: str = "") -> list[dict[str, Any]]:
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
        if isinstance(account, Extension):
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


def history(pbx: Pbx, number: str, page: Callable[[Sequence[Any]], Sequence[Any]]) -> dict[str, Any]:
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
        for r in page(mine)
    ]
    return {"total": len(mine), "missed": len(missed), "missedspan": MISSED_SPAN, "categories": "[]", "data": data}


def cdr(wire: Wire, record: CallRecord) -> dict[str, Any]:
    """One record of the tenant; times as text, like the samples."""
    style: frozenset[str] = frozenset()
    return {
        "id": record.id,
        "call_id": record.id,
        "from": wire.address(record.caller),
        "to": wire.address(record.called),
        "start": wire.time(record.started, style),
        "connect": "" if record.connected is None else wire.time(record.connected, style),
        "end": wire.time(record.ended, style),
        "rating": "",
        "pcap": False,
        "extensions": list(record.talked or record.rang),
        "trunks": ["1"] if record.trunked else [],
        "abandoned": record.connected is None,
    }


def queue_line(queue: Queue) -> dict[str, Any]:
    """A queue in a list."""
    return {"name": queue.number, "display": queue.name}


def queue_counters(queue: Queue) -> dict[str, Any]:
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


def wallboard(wire: Wire, queue: Queue) -> dict[str, Any]:
    """A queue today and now. ``state``, ``paused`` and the calls' ``id`` are ours, no sample has them."""
    pbx = wire.pbx
    style: frozenset[str] = frozenset()
    calls = [pbx.calls[i] for i in queue.waiting]
    talking = [c for c in pbx.calls_of(queue.number) if c.id not in queue.waiting]
    current = [
        {
            "id": c.id,
            "start": wire.time(c.started, style),
            "from": wire.address(c.caller),
            "acd": queue.number,
            "agent": c.called.number if c.phase in (Phase.CONNECTED, Phase.HELD) else next(iter(c.ringing), ""),
        }
        for c in [*calls, *talking]
    ]
    past = [r for r in reversed(pbx.history) if r.through == queue.number][:50]
    return {
        "acds": {queue.number: queue_counters(queue) | {"managers": [], "display": queue.name}},
        "agents": [_agent(wire, queue, a) for a in queue.agents.values()],
        "logged_agents": [a.number for a in queue.agents.values() if a.logged_in],
        "current": current,
        "history": [
            {
                "start": wire.time(r.started, style),
                "from": wire.address(r.caller),
                "duration": round(r.talk + r.hold, 3),
                "agent": next(iter(r.talked), ""),
            }
            for r in past
        ],
    }


def _agent(wire: Wire, queue: Queue, agent: Agent) -> dict[str, Any]:
    pbx = wire.pbx
    extension = pbx.extension(agent.number)
    idle = max(0.0, pbx.clock.now - agent.login_at - agent.talk - agent.hold) if agent.logged_in else 0.0
    count = max(1, agent.calls)
    return {
        "account": agent.number,
        "name": extension.name if extension else agent.number,
        "dnd": extension.dnd if extension else False,
        "login": agent.logged_in,
        "paused": agent.paused,
        "state": pbx.acd.agent_state(agent),
        "jumpin": False,
        "work": {"begin": agent.login_at, "end": "", "now": pbx.clock.now, "segments": []},
        "calls": agent.calls,
        "missed": agent.missed,
        "duration": {"talk": agent.talk, "hold": agent.hold, "idle": idle},
        "average": {"talk": agent.talk / count, "hold": agent.hold / count, "idle": idle / count},
    }
