"""Queues and their agents (rest.md 2.5)."""

from __future__ import annotations

from typing import Any

from pbxnb.protocol import rest as paths

from ..engine.accounts import SimAgent, SimQueue
from ..engine.calls import TALKING
from ..server.answers import refusal, truth
from ..server.frames import FrameWriter
from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]


def get_wallboard(request: RestRequest) -> object:
    """The queues an account may watch, or one of them as it is now."""
    pbx, number = request.pbx, request.number
    everything = request.whose.kind != "user" or pbx.directory.sees_domain(number)
    mine = {queue.number: queue for queue in pbx.queues if everything or number in queue.agents}
    name = request.http.match_info.get("queue")
    if name is None:
        return [_line(queue) for queue in mine.values()]
    if name not in mine:
        raise refusal(403 if isinstance(pbx.accounts.get(name), SimQueue) else 404)
    return _wallboard(request.tenant.frames, mine[name])


def get_queue_login(request: RestRequest) -> object:
    """Is the agent logged in?"""
    agent = request.queue(request.query("group")).agents.get(request.number)
    return {"login": agent is not None and agent.logged_in}


def post_queue_login(request: RestRequest) -> object:
    """Log an agent in or out: itself, or anybody for who runs the tenant or supervises."""
    queue = request.queue(request.query("group"))
    request.pbx.queue_login(queue.number, request.number, truth(request.body.get("login")))
    return True


def _line(queue: SimQueue) -> dict[str, Any]:
    """A queue in a list."""
    return {"name": queue.number, "display": queue.name}


def get_queues(request: RestRequest) -> object:
    """All queues with agents and calls now."""
    queues = request.pbx.queues
    return [_line(queue) | {"agents": list(queue.agents), "calls": len(queue.waiting)} for queue in queues]


def get_statistics(request: RestRequest) -> object:
    """Today's counters of a queue."""
    return _counters(request.queue(request.number))


def _counters(queue: SimQueue) -> dict[str, Any]:
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


def _wallboard(frames: FrameWriter, queue: SimQueue) -> dict[str, Any]:
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
        "acds": {queue.number: _counters(queue) | {"managers": [], "display": queue.name}},
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


ROWS = (
    Resource("GET", paths.QUEUES, get_queues, Who.COLLEAGUES, "A", "rest.md 2.5", "queues with agents and calls now"),
    Resource("GET", paths.WALLBOARDS, get_wallboard, Who.ITSELF, "A", "rest.md 2.5", "the queues the account watches"),
    Resource(
        "GET", paths.WALLBOARD, get_wallboard, Who.ITSELF, "A", "rest.md 2.5",
        "a queue as it is now: counters of the day, agents, callers",
    ),
    Resource(
        "GET", paths.QUEUE_STATISTICS, get_statistics, Who.COLLEAGUES, "A", "rest.md 2.5", "today's counters of a queue"
    ),
    Resource(
        "GET", paths.QUEUE_LOGIN, get_queue_login, Who.COLLEAGUES, "A", "rest.md 2.5",
        "whether the agent is logged in to `group`",
    ),
    Resource(
        "POST", paths.QUEUE_LOGIN, post_queue_login, Who.SUPERVISORS, "A", "rest.md 2.8", "logs the agent in or out"
    ),
)  # fmt: skip
