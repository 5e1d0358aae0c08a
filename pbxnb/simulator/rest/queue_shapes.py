"""What the PBX tells about its queues: figures, records, wallboards, each as its resource has it (rest.md 2.5)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import msgspec

from ..engine.accounts import SimAgent, SimQueue
from ..engine.calls import TALKING, SimCall
from ..engine.queue_days import DAY, HOUR, NOBODY, AgentFigures, QueueDays, QueueFigures, QueueReason, QueueRecord
from ..server.frames import Dialect, FrameWriter

__all__ = [
    "acdcdr", "acdinfo", "agents_of", "board", "calls_inside", "cdr", "days_of", "exposition", "hours_of", "line",
    "stat", "talks",
]  # fmt: skip

TEXT: Final[frozenset[str]] = frozenset()
HISTORY = 50
MOST_LISTED = 1_000
LONG_WORDS = {
    QueueReason.REDIRECT_WAITING: "redirect_waiting",
    QueueReason.REDIRECT_RINGING: "redirect_ringing",
    QueueReason.REDIRECT_ANONYMOUS: "redirect_anonymous",
    QueueReason.HANGUP_WAITING: "hangup_waiting",
    QueueReason.HANGUP_RINGING: "hangup_ringing",
    QueueReason.USER: "user_interaction",
    QueueReason.ADMIN: "admin_interaction",
    QueueReason.MAX_CALLS: "max_calls",
    QueueReason.APPLICATION: "soap",
    QueueReason.OTHER: "other",
}
DATES = {8: "%d%m%Y", 6: "%m%Y", 10: "%H%d%m%Y"}
"""Of acdinfo, by length."""


# -- times -------------------------------------------------------------------------------------------------------------


def hours_of(date: str, days: QueueDays, now: float) -> tuple[int, int]:
    """The local hours, from one to before another, that a date of acdinfo means; none for one that is no date.

    Args:
        date: DDMMYYYY, MMYYYY, HHDDMMYYYY or YYYY-MM-DD (rest.md 2.5); empty for today.
    """
    if not date:
        return days.day(now) * 24, days.day(now) * 24 + 24
    iso = "-" in date
    found = _moment(date, "%Y-%m-%d" if iso else DATES.get(len(date), ""))
    if found is None:
        return 0, 0
    if iso or len(date) != 6:
        return found, found + (1 if len(date) == 10 and not iso else 24)
    return found, found + 24 * monthrange(int(date[2:]), int(date[:2]))[1]


def days_of(date: str, count: int, days: QueueDays, now: float) -> tuple[int, int]:
    """The local hours of so many days from a date of stat on: YYYYMMDD, empty for today."""
    begin = _moment(date, "%Y%m%d") if date else days.day(now) * 24
    return (begin, begin + 24 * count) if begin is not None else (0, 0)


def _moment(date: str, form: str) -> int | None:
    """The local hour at which a date begins, counted from 1970."""
    try:
        return int(datetime.strptime(date, form).replace(tzinfo=UTC).timestamp()) // HOUR
    except (ValueError, OverflowError):
        return None


# -- figures -----------------------------------------------------------------------------------------------------------


def stat(figures: QueueFigures) -> dict[str, Any]:
    """Agents and reasons, in whole seconds."""
    agents = [
        {
            "agent": number,
            "calls": own.calls,
            "missed": own.missed,
            "ivr": int(own.ivr),
            "ring": int(own.ring),
            "talk": int(own.talk),
            "hold": int(own.hold),
            "idle": {"calls": own.calls, "duration": int(own.idle)},
        }
        for number, own in sorted(figures.agents.items())
        if number != NOBODY
    ]
    return {"agents": agents} | {word: figures.reasons[reason] for reason, word in LONG_WORDS.items()}


def acdinfo(figures: QueueFigures, agent: str = "", talks: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    """Flat counters, times in milliseconds, of the queue or of one agent; nothing for a time without calls.

    Args:
        agent: of one agent, whose ``missed`` are rings; of the queue they are the calls that no agent took.
        talks: for ``calllist``.
    """
    if agent:
        own = figures.agents.get(agent, AgentFigures())
        taken, missed, reasons = own.calls, own.missed, {QueueReason.HANGUP_CONNECTED: own.calls - own.sent_on}
    else:
        own, taken = figures.everything, figures.taken.calls
        missed, reasons = own.calls - taken, dict(figures.reasons)
    calls = taken + missed
    if not calls:
        return {}
    times = {name: getattr(own, name) for name in ("ivr", "ring", "talk", "hold", "idle")}
    return {
        "calls": calls,
        "incalls": taken,
        "outcalls": 0,
        "missed": missed,
        **{f"duration{name}": _ms(seconds) for name, seconds in times.items()},
        **{str(reason): reasons.get(reason, 0) for reason in QueueReason if reason},
        "sumrating": 0,
        "avgrating": 0,
        "ratedcalls": 0,
        "calllist": list(talks),
        **{f"avgduration{name}": _ms(seconds / calls) for name, seconds in times.items()},
    }


def talks(frames: FrameWriter, records: Iterable[QueueRecord]) -> list[dict[str, Any]]:
    """When agents talked, and for how many milliseconds; of ``calllist`` no more than the duration is known."""
    taken = ({"start": _number(frames, r.start), "duration": _ms(r.talk + r.hold)} for r in records if r.agent.number)
    return list(islice(taken, MOST_LISTED))


def exposition(queue: SimQueue, figures: QueueFigures) -> str:
    """The counters of acdinfo as Prometheus reads them; the names of the metrics are ours."""
    label = msgspec.json.encode(queue.number).decode()  # escapes as a label must be
    flat = {name: value for name, value in acdinfo(figures).items() if isinstance(value, int)}
    return "".join(f"acd_{name}{{acd={label}}} {value}\n" for name, value in flat.items())


# -- records -----------------------------------------------------------------------------------------------------------


def cdr(frames: FrameWriter, record: QueueRecord) -> dict[str, Any]:
    """A call that has left a queue, whole seconds."""
    return {
        "start": _number(frames, record.start),
        "from": frames.address(record.caller),
        "to": frames.address(record.dialled),
        "agent": frames.address(record.agent) if record.agent.number else "",
        "rating": "",
        **({"abandoned": record.abandoned} if frames.dialect is Dialect.MODERN else {}),
        "duration": {name: int(getattr(record, name)) for name in ("ivr", "ring", "talk", "hold")},
    }


def acdcdr(frames: FrameWriter, record: QueueRecord) -> dict[str, Any]:
    """The same for a manager, milliseconds and the reason."""
    return {
        "start": _number(frames, record.start),
        "from": frames.address(record.caller),
        "to": frames.address(record.dialled),
        "extension": record.agent.number,
        "reason": str(record.reason),
        **{name: _ms(getattr(record, name)) for name in ("ivr", "ring", "talk")},
    }


# -- wallboard ---------------------------------------------------------------------------------------------------------


def board(frames: FrameWriter, queues: Sequence[SimQueue]) -> dict[str, Any]:
    """Queues today and now. ``state``, ``paused``, ``reason`` and the calls' ``id`` are ours, no sample has them."""
    now, old = frames.pbx.clock.now, frames.dialect is Dialect.OLD
    logged = dict.fromkeys(a.number for queue in queues for a in queue.agents.values() if a.logged_in)
    past = [
        record
        for queue in queues
        for record in islice(reversed(queue.days.records), HISTORY)
        if queue.days.day(record.start) == queue.days.day(now)
    ]
    past.sort(key=lambda record: record.start)
    return {
        "acds": {queue.number: _line(queue, queue.days.today(now)) for queue in queues},
        "agents": agents_of(frames, queues),
        "logged_agents": [int(n) if old and n.isascii() and n.isdigit() else n for n in logged],
        "current": [line for queue in queues for line in calls_inside(frames, queue)],
        "history": [
            {
                "start": frames.time(record.start, TEXT),
                "from": frames.address(record.caller),
                "duration": int(record.talk + record.hold),
                "agent": record.agent.number,
            }
            for record in past[-HISTORY:]
        ],
    }


def line(queue: SimQueue) -> dict[str, Any]:
    """A queue in a list."""
    return {"name": queue.number, "display": queue.name}


def calls_inside(frames: FrameWriter, queue: SimQueue) -> list[dict[str, Any]]:
    """The calls in a queue: who waits, first come first, then those who talk."""
    pbx = frames.pbx
    talking = [call for call in queue.inside if call not in queue.waiting]
    return [
        {
            "id": call.id,
            "start": frames.time(queue.inside[call.id].start, TEXT),
            "from": frames.address(call.caller),
            "acd": queue.number,
            "agent": _agent_of(call),
        }
        for call in (pbx.calls[each] for each in [*queue.waiting, *talking])
    ]


def _agent_of(call: SimCall) -> str:
    return call.called.number if call.phase in TALKING else next(iter(call.ringing), "")


def _line(queue: SimQueue, figures: QueueFigures) -> dict[str, Any]:
    """A queue's counters of the day; the times are of the calls that agents took, in whole seconds."""
    count, taken = figures.reasons, figures.taken
    reason = QueueReason
    times = {name: getattr(taken, name) for name in ("ivr", "ring", "talk", "hold", "idle")}
    return {
        "managers": list(queue.managers),
        "display": queue.name,
        "redirect": {
            "waiting": count[reason.REDIRECT_WAITING],
            "ringing": count[reason.REDIRECT_RINGING],
            "anonymous": count[reason.REDIRECT_ANONYMOUS],
        },
        "hangup": {"waiting": count[reason.HANGUP_WAITING], "ringing": count[reason.HANGUP_RINGING]},
        "exit": {
            "user": count[reason.USER],
            "admin": count[reason.ADMIN],
            "max-calls": count[reason.MAX_CALLS],
            "application": count[reason.APPLICATION],
            "other": count[reason.OTHER],
        },
        "duration": {
            "sum": {name: int(seconds) for name, seconds in times.items()},
            "average": {name: int(seconds / max(1, taken.calls)) for name, seconds in times.items()},
        },
        "calls": {"count": figures.count, "completed": figures.completed},
    }


def agents_of(frames: FrameWriter, queues: Sequence[SimQueue]) -> list[dict[str, Any]]:
    """The agents of these queues today, each once: who is in several has the figures of all."""
    now = frames.pbx.clock.now
    inside: dict[str, list[SimAgent]] = {}
    figures: dict[str, AgentFigures] = {}
    for queue in queues:
        today = queue.days.today(now)
        for agent in queue.agents.values():
            inside.setdefault(agent.number, []).append(agent)
            figures.setdefault(agent.number, AgentFigures()).add(today.agent(agent.number))
    begin = queues[0].days.begin(queues[0].days.day(now)) if queues else 0.0
    return [_agent(frames, each, figures[number], begin) for number, each in inside.items()]


def _agent(frames: FrameWriter, agents: Sequence[SimAgent], own: AgentFigures, begin: float) -> dict[str, Any]:
    """An agent, of one queue or of several: on a break if it is in all of those where it is logged in."""
    pbx, number = frames.pbx, agents[0].number
    now, extension = pbx.clock.now, pbx.extension(number)
    here = min(agents, key=lambda agent: (not agent.logged_in, agent.paused))
    breaks = sorted({each for agent in agents for each in agent.breaks_between(begin, begin + DAY)})
    times = {name: getattr(own, name) for name in ("talk", "hold", "idle")}
    work: dict[str, Any] = {
        "begin": _number(frames, begin),
        "end": _number(frames, begin + DAY),
        "now": _number(frames, now),
        "segments": [[_number(frames, each.begin), _number(frames, each.end)] for each in breaks],
    }
    if here.since is not None:
        work["since"] = _number(frames, here.since)
    return {
        "account": number,
        "name": extension.name if extension else number,
        "dnd": extension.dnd if extension else False,
        "login": here.logged_in,
        "paused": here.paused,
        "reason": here.reason,
        "state": here.state(now, bool(pbx.calls_of(number))),
        "jumpin": False,
        "work": work,
        "calls": own.calls,
        "missed": own.missed,
        "duration": {name: int(seconds) for name, seconds in times.items()},
        "average": {name: int(seconds / max(1, own.calls)) for name, seconds in times.items()},
    }


def _number(frames: FrameWriter, at: float) -> msgspec.Raw:
    """A time as the samples print it: a number, whose fraction counts milliseconds (protocol.md 7.5)."""
    return msgspec.Raw(str(frames.time(at, TEXT)).encode())


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
