"""Answers of REST, understood: queues with those who wait in them, orbits, accounts (rest.md 2, 7).

Tolerant of every shape that was seen; what is missing or misshapen stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from msgspec.structs import replace

from pbxnb.protocol.bounds import as_many, bounded_extra, cut_text
from pbxnb.protocol.decode import account_entry
from pbxnb.protocol.messages import NOTHING, AccountEntry
from pbxnb.protocol.parties import Party, parse_party
from pbxnb.protocol.times import parse_moment

from .entities import Agent, Call, Orbit, Parked, Phase, Queue, Waiting

__all__ = ["ListedCaller", "accounts_in", "callers_in", "orbits_in", "queue_in"]

_MAX_ITEMS = 10_000
_AGENTS = 256 * 2**10  # bytes that the agents of one queue hold, and its callers: about 800
_NUMBER = re.compile(r"[+*#]*\d[\d*#]*", re.ASCII)
_SHOWN = ("displayname", "display_name", "display")
_SAME = timedelta(seconds=2)  # a caller comes to the queue no earlier than the call began, give or take a rounding


def queue_in(number: str, name: str, answer: Any, read_at: datetime, calls: Mapping[str, Call] = NOTHING) -> Queue:
    """A queue from its wallboard, or from its statistics (rest.md 2.5); what is missing or misshapen stays unknown.

    ``current`` lists the calls inside the queue: one without an ``agent`` is a caller waiting (our reading; the page
    names the fields only).

    Args:
        calls: the open calls, to find those of the callers among them.
    """
    board = answer if isinstance(answer, Mapping) else {}
    named = _items(board.get("logged_agents"), bare=True)
    logged = {_text(item, "account", "name") or _text({"": item}, "") for item in named}
    agents = []
    for item in _items(board.get("agents")):
        agent = _text(item, "account", "agent", "number", "name")
        login = item.get("login")
        dnd, on_break, since = _truth(item.get("dnd")), *_break(item.get("work"))
        logged_in = _truth(login) if login is not None else (agent in logged if logged else None)
        agents.append(
            Agent(
                number=agent,
                name=_text(item, "name"),
                logged_in=logged_in,
                paused=on_break if dnd is None else on_break or dnd,
                reason=_text(item, "reason"),
                state=_text(item, "state"),
                since=since,
            )
        )
    listed = [
        ListedCaller(
            _text(item, "id", "callid"),
            parse_party(_text(item, "from")),
            moment.at if (moment := parse_moment(_scalar(item.get("start")))) is not None else None,
        )
        for item in _items(board.get("current"))
        if _text(item, "agent") == "" and _text(item, "acd") in ("", number)
    ]
    starts = [caller.since for caller in listed if caller.since is not None]
    figures: Any = board.get("acds", board if board.keys() - {"agents", "current"} else None)
    if isinstance(figures, Mapping) and isinstance(figures.get(number), Mapping):
        figures = figures[number]
    elif isinstance(figures, list) and len(figures) == 1:
        figures = figures[0]
    kept, callers = as_many(tuple(agents), _AGENTS), as_many(callers_in(number, listed, calls), _AGENTS)
    all_of = {"agents": len(kept) == len(agents), "callers": len(callers) == len(listed)}
    return Queue(
        number=number,
        name=name,
        agents=kept,
        callers=callers,
        waiting=len(listed) if "current" in board else None,
        longest_wait=max(0.0, (read_at - min(starts)).total_seconds()) if starts else None,
        stats=bounded_extra(
            figures if isinstance(figures, Mapping) else NOTHING, [name for name in all_of if not all_of[name]]
        ),
        read_at=read_at,
    )


def _break(work: Any) -> tuple[bool | None, datetime | None]:
    """Whether an agent is on a break, and since when: ``since``, or a segment that has not ended (rest.md 7)."""
    if not isinstance(work, Mapping):
        return None, None
    begun = [work.get("since")]
    for item in _items(work.get("segments"), bare=True):
        if isinstance(item, Mapping) and not item.get("end"):
            begun.append(item.get("begin", item.get("start")))
        elif isinstance(item, list) and item and not any(item[1:2]):
            begun.append(item[0])  # a pair, as the captures have it
    moments = [moment.at for value in begun if value and (moment := parse_moment(_scalar(value))) is not None]
    return bool(moments), moments[0] if moments else None


def orbits_in(answer: Any, read_at: datetime) -> tuple[Orbit, ...]:
    """The orbits of a list, or of an object by number (rest.md 2.2: number, name, list of parked calls).

    The names of the fields are not published; every likely one is read.
    """
    found = []
    for item in _items(answer):
        number = _text(item, "number", "account", "extension", "orbit") or _text(item, "name")
        if not number:
            continue
        parked = tuple(
            Parked(
                call=_text(call, "id", "callid"),
                party=parse_party(_text(call, "from", "party", "number")),
                by=_text(call, "by", "parked-by", "parked_by"),
                since=moment.at if (moment := parse_moment(_since(call))) else None,
            )
            for call in _items(next((item[key] for key in ("calls", "parked") if item.get(key)), ()))
        )
        name = _text(item, "display", "displayname", "name")
        name = "" if name == number else name
        found.append(Orbit(number=number, name=name, parked=as_many(parked), read_at=read_at))
    return tuple(found)


def _items(value: Any, *, bare: bool = False) -> Iterator[Any]:
    """The objects of a list or of an object by key (the key becomes ``number``); ``bare`` also gives plain values."""
    if isinstance(value, Mapping):
        value = [
            {"number": key, **item} if isinstance(item, Mapping) else item
            for key, item in value.items()
        ]  # fmt: skip
    if isinstance(value, list | tuple):
        for item in value[:_MAX_ITEMS]:
            if bare or isinstance(item, Mapping):
                yield item


def _text(item: Any, *names: str) -> str:
    """The first of these fields that is there, as text."""
    if isinstance(item, Mapping):
        for name in names:
            value = item.get(name)
            if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
                return cut_text(str(value))
    return ""


def _truth(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return value if isinstance(value, bool) else None


def _since(call: Mapping[str, Any]) -> str | int | float | None:
    return _scalar(next((call[key] for key in ("since", "start", "parked") if key in call), None))


def _scalar(value: Any) -> str | int | float | None:
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def accounts_in(value: Any, type_: str = "") -> tuple[AccountEntry, ...]:
    """The accounts in each of the three shapes: a list, an object by key, one that holds ``accounts`` (rest.md 2.0).

    Args:
        type_: of those that do not tell theirs.
    """
    if isinstance(value, Mapping):
        for key in ("accounts", "users", "data"):
            if isinstance(value.get(key), list | Mapping):
                return accounts_in(value[key], type_)
    keyed: Iterable[tuple[Any, Any]] = (("", item) for item in value) if isinstance(value, list) else ()
    if isinstance(value, Mapping):
        keyed = value.items()
    entries = [account_entry(_named(item, str(key))) for key, item in keyed if isinstance(item, Mapping)]
    return tuple(replace(entry, type=entry.type or type_) for entry in entries if entry.account)


def _named(item: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A REST record under the names of the wire (rest.md 2.1, 7).

    There ``name`` is often the number and ``displayname`` the name, which 70 splits into ``first_name`` and the surname
    in ``display_name``; the number may stand in ``alias`` only, or nowhere but in the key of the record.
    """
    record = dict(item)
    if _text(item, "account") and _text(item, "name"):
        return record
    number, name = _text(record, "account"), _text(record, "name")
    shown = _text(record, *_SHOWN)
    first, last = _text(record, "first_name"), _text(record, "last_name") or shown
    if first:
        shown = last if f"{last} ".startswith(f"{first} ") else f"{first} {last}".strip()
    number = number or _text(record, "number")
    if not number and name and (not key or shown or name == key or _NUMBER.fullmatch(name)):
        number, name = name, ""
    if not number:
        number = (key if key != _text(record, "id") else "") or _text(record, "alias") or key
    for understood in ("number", "name", "first_name", "last_name", *_SHOWN):
        record.pop(understood, None)
    return {**record, "account": number, "name": shown or name}


class ListedCaller(NamedTuple):
    """A caller as the PBX lists it; the id is often missing (rest.md 2.5)."""

    call: str
    party: Party
    since: datetime | None


def callers_in(queue: str, listed: Iterable[ListedCaller], calls: Mapping[str, Call]) -> tuple[Waiting, ...]:
    """The callers who wait, in order of position: who came first is first.

    Args:
        queue: its number.
        listed: as the PBX lists them; one without a time keeps its place behind those who have one.
        calls: the open calls. One that waits in this queue, with the same caller, is the caller's: of several the one
            that began last before the caller came.

    Example:
        >>> from pbxnb.protocol.parties import parse_party
        >>> callers_in("600", [ListedCaller("", parse_party("<sip:41@a>"), None)], {})[0].position
        1
    """
    inside = {
        call.id: call for call in calls.values() if call.phase is Phase.QUEUED and queue in (call.queue, call.to.number)
    }
    known = sorted(listed, key=lambda each: (each.since is None, each.since.timestamp() if each.since else 0.0))
    found = []
    for position, each in enumerate(known, 1):
        call = each.call if each.call in calls else _of(each, inside.values())
        inside.pop(call, None)
        found.append(Waiting(call=call, party=each.party, position=position, since=each.since))
    return tuple(found)


def _of(caller: ListedCaller, calls: Iterable[Call]) -> str:
    """The id of the call that is probably this caller's; empty when none is."""
    mine = [call for call in calls if call.from_.number == caller.party.number and _before(call, caller.since)]
    # who came first is asked for first, so without a time the oldest is right
    best = max if caller.since is not None else min
    return best(mine, key=lambda call: call.started_at or call.first_seen).id if mine else ""


def _before(call: Call, since: datetime | None) -> bool:
    return since is None or call.started_at is None or call.started_at <= since + _SAME
