"""Queues and their agents: who may ask, of which queues and which time (rest.md 2.5); the shapes are `queue_shapes`."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web

from pbxnb.protocol import rest as paths

from ..engine.accounts import SimQueue
from ..engine.queue_days import QueueRecord
from ..server.answers import integer, refusal, truth
from . import queue_shapes as shapes
from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]

MOST_DAYS = 366


def _manages(request: RestRequest, queue: SimQueue) -> bool:
    """Administrators manage all queues, supervisors those of their tenant."""
    whose = request.whose
    return whose.kind != "user" or whose.user in queue.managers or request.pbx.directory.supervises(whose.user)


def _watches(request: RestRequest, queue: SimQueue) -> bool:
    """An agent watches its own queues too, as the portal's page does."""
    return _manages(request, queue) or request.whose.user in queue.agents


def _managed(request: RestRequest, number: str) -> SimQueue:
    """The queue of that number, if the sender manages it."""
    queue = request.queue(number)
    if not _manages(request, queue):
        raise refusal(403)
    return queue


def _newest(queue: SimQueue) -> list[QueueRecord]:
    return list(reversed(queue.days.records))


# -- today and now -----------------------------------------------------------------------------------------------------


def get_wallboards(request: RestRequest) -> object:
    """The queues the account watches."""
    return [shapes.line(queue) for queue in request.pbx.queues if _watches(request, queue)]


def get_wallboard(request: RestRequest) -> object:
    """Queues as they are now, one or several with commas."""
    names = dict.fromkeys(request.http.match_info["queue"].split(","))
    queues = [request.queue(name) for name in names]
    if not all(_watches(request, queue) for queue in queues):
        raise refusal(403)
    return shapes.board(request.tenant.frames, queues)


def get_calls(request: RestRequest) -> object:
    """The calls in a queue."""
    return shapes.calls_inside(request.tenant.frames, _managed(request, request.query("acd")))


def get_queues(request: RestRequest) -> object:
    """All queues with agents and calls now."""
    queues = request.pbx.queues
    return [shapes.line(q) | {"agents": list(q.agents), "calls": len(q.waiting)} for q in queues]


def get_states(request: RestRequest) -> object:
    """All queues as they are now."""
    return [
        shapes.line(queue)
        | {
            "agents": list(queue.agents),
            "logged_agents": [agent.number for agent in queue.agents.values() if agent.logged_in],
            "calls": len(queue.inside),
            "waiting": len(queue.waiting),
        }
        for queue in request.pbx.queues
    ]


def get_own_queues(request: RestRequest) -> object:
    """The queues the account is agent, supervisor or manager of."""
    number, supervises = request.number, request.pbx.directory.supervises(request.number)
    return [
        shapes.line(queue)
        | {
            "agent": number in queue.agents,
            "login": number in queue.agents and queue.agents[number].logged_in,
            "manager": number in queue.managers,
            "supervisor": supervises,
        }
        for queue in request.pbx.queues
        if supervises or number in (*queue.agents, *queue.managers)
    ]


# -- times past --------------------------------------------------------------------------------------------------------


def get_statistics(request: RestRequest) -> object:
    """The figures of days."""
    days = request.queue(request.number).days
    count = min(integer(request.query("days"), 1), MOST_DAYS)
    return shapes.stat(days.figures(*shapes.days_of(request.query("date"), count, days, request.pbx.clock.now)))


def get_records(request: RestRequest) -> object:
    """Calls that have left a queue, newest first, by page or the last ``max``."""
    records = _newest(request.queue(request.number))
    most = integer(request.query("max"), 0)
    found = records[:most] if most else request.page(records)
    return [shapes.cdr(request.tenant.frames, record) for record in found]


def get_manager_records(request: RestRequest) -> object:
    """The same for a manager."""
    records = _newest(_managed(request, request.query("acd")))
    return [shapes.acdcdr(request.tenant.frames, record) for record in request.page(records)]


def get_info(request: RestRequest) -> object:
    """A queue's counters of an hour, a day or a month, or what else ``info`` names."""
    queue = _managed(request, request.query("group"))
    frames, days = request.tenant.frames, queue.days
    first, end = shapes.hours_of(request.query("date"), days, request.pbx.clock.now)
    match request.query("info"):
        case "agents":
            return shapes.agents_of(frames, [queue])
        case "calls":
            return shapes.calls_inside(frames, queue)
        case "wallboard":
            return shapes.board(frames, [queue])
        case "wuc":
            return []
    if request.query("format") == "exposition-format":
        return web.Response(text=shapes.exposition(queue, days.figures(first, end)), content_type="text/plain")
    agent = request.query("agent")
    return shapes.acdinfo(days.figures(first, end), agent, shapes.talks(frames, _between(queue, first, end, agent)))


def _between(queue: SimQueue, first: int, end: int, agent: str) -> Iterator[QueueRecord]:
    hour = queue.days.hour
    return (r for r in _newest(queue) if first <= hour(r.start) < end and agent in ("", r.agent.number))


# -- agents ------------------------------------------------------------------------------------------------------------


def get_queue_login(request: RestRequest) -> object:
    """Is the agent logged in?"""
    agent = request.queue(request.query("group")).agents.get(request.number)
    return {"login": agent is not None and agent.logged_in}


def post_queue_login(request: RestRequest) -> object:
    """Log an agent in or out."""
    queue = request.queue(request.query("group"))
    request.pbx.queue_login(queue.number, request.number, truth(request.body.get("login")))
    return True


ROWS = (
    Resource("GET", paths.QUEUES, get_queues, Who.COLLEAGUES, "A", "rest.md 2.5", "queues with agents and calls now"),
    Resource("GET", paths.QUEUE_STATES, get_states, Who.COLLEAGUES, "C", "rest.md 2.1", "the same, and who is in"),
    Resource("GET", paths.OWN_QUEUES, get_own_queues, Who.ITSELF, "C", "rest.md 7", "the account's queues and parts"),
    Resource("GET", paths.WALLBOARDS, get_wallboards, Who.ITSELF, "A", "rest.md 2.5", "the queues the account watches"),
    Resource(
        "GET", paths.WALLBOARD, get_wallboard, Who.ITSELF, "A", "rest.md 2.5",
        "a queue, or several with commas, now: counters of the day, agents with breaks, callers",
    ),
    Resource("GET", paths.QUEUE_CALLS, get_calls, Who.ITSELF, "C", "rest.md 2.2", "the calls in the queue `acd`"),
    Resource(
        "GET", paths.QUEUE_INFO, get_info, Who.ITSELF, "A", "rest.md 2.5",
        "counters of the queue `group` by `date`, in ms; `agent`, `info`",
    ),
    Resource(
        "GET", paths.MANAGER_RECORDS, get_manager_records, Who.ITSELF, "A", "rest.md 2.3",
        "calls that have left the queue `acd`, by page, in ms",
    ),
    Resource(
        "GET", paths.QUEUE_STATISTICS, get_statistics, Who.MANAGERS, "A", "rest.md 2.5",
        "counters of `days` days from `date` on, by agent",
    ),
    Resource(
        "GET", paths.QUEUE_RECORDS, get_records, Who.MANAGERS, "A", "rest.md 2.3",
        "calls that have left the queue, by page or the last `max`",
    ),
    Resource(
        "GET", paths.QUEUE_LOGIN, get_queue_login, Who.COLLEAGUES, "A", "rest.md 2.5",
        "whether the agent is logged in to `group`",
    ),
    Resource("POST", paths.QUEUE_LOGIN, post_queue_login, Who.MANAGERS, "A", "rest.md 2.8", "logs the agent in or out"),
)  # fmt: skip
