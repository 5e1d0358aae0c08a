"""Queues, orbits and accounts, read by REST: when to read them, how their answers are understood (rest.md 2).

Queues and orbits are read at the start, on an ``acds`` user-state, when anybody parks or fetches a call, after our own
commands, and regularly while something shows them; never one of them more than once a second, and all together no more
than ten a second. What the PBX does not let us read is shown as unavailable, with the reason.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from pbxnb.errors import ConnectionFailed
from pbxnb.model.changes import Changes, Event
from pbxnb.model.entities import Agent, CallState, Orbit, Parked, Queue
from pbxnb.model.store import Store
from pbxnb.protocol import rest as paths
from pbxnb.protocol.bounds import as_many, bounded_extra, cut_text
from pbxnb.protocol.decode import account_entry
from pbxnb.protocol.messages import NOTHING, AccountEntry, UserState
from pbxnb.protocol.parties import parse_party
from pbxnb.protocol.rest import url
from pbxnb.protocol.times import parse_moment
from pbxnb.text import clean_logger

from .endpoint import Endpoint
from .rest import Rest, RestError
from .sync import Arrival
from .timing import Timing, Turns

__all__ = ["RestReader", "accounts_in", "orbits_in", "queue_in", "read_accounts"]

_LOG = clean_logger("pbxnb.client")
_ORBITS = ""  # the key of "all orbits" among the queues' numbers, which are never empty
_UNAVAILABLE = (401, 403, 404)
_MAX_ITEMS = 10_000
_AGENTS = 256 * 2**10  # bytes that the agents of one queue hold: about 800
_PARKED = CallState.PARKED
_NUMBER = re.compile(r"[+*#]*\d[\d*#]*", re.ASCII)
_SHOWN = ("displayname", "display_name", "display")


class RestReader:
    """Keeps the model's queues and orbits as fresh as somebody needs them.

    Args:
        rest: gives the REST client, logged in.
        put: writes a `Queue` or an `Orbit` into the model, as received at a moment.
    """

    def __init__(
        self,
        rest: Callable[[], Awaitable[Rest]],
        endpoint: Endpoint,
        store: Store,
        put: Callable[[Queue | Orbit, datetime], None],
        timing: Timing,
        now: Callable[[], datetime],
    ) -> None:
        self._now = now
        self._rest = rest
        self._endpoint = endpoint
        self._store = store
        self._put = put
        self._timing = timing
        self._turns = Turns(timing.read_gap, timing.read_apart, timing.read_every)
        self._watchers = {"queues": 0, "orbits": 0}
        self._names: dict[str, str] = {}
        self._woken = asyncio.Event()

    def schedule_queue(self, number: str) -> None:
        """Read this queue soon: a command waits for what it shows."""
        self._schedule(number, urgent=True)

    def schedule_orbits(self) -> None:
        """Read the orbits soon: a command waits for what they show."""
        self._schedule(_ORBITS, urgent=True)

    def moved(self, changes: Changes, arrival: Arrival | None) -> None:
        """Read soon what is new: the orbits where a call came to lie in one or left it, a queue that has a message."""
        if changes.calls and any(_was_parked(event) for event in changes.events):
            self._schedule(_ORBITS)
        if arrival is not None and type(arrival.message) is UserState and arrival.message.entry.type == "acds":
            number = arrival.message.entry.account
            if number in self._store.accounts or number in self._names:
                self._schedule(number)

    def keep(self, queues: bool, orbits: bool) -> Callable[[], None]:
        """Read regularly until the function returned is called (once or more)."""
        kinds = [kind for kind, wanted in (("queues", queues), ("orbits", orbits)) if wanted]
        for kind in kinds:
            self._watchers[kind] += 1
        self._schedule_all(queues=queues, orbits=orbits)

        def stop() -> None:
            while kinds:
                self._watchers[kinds.pop()] -= 1

        return stop

    async def run(self) -> None:
        """Read what is due, for ever."""
        self._woken = asyncio.Event()  # one of this loop: after a refusal the line may start again on another
        await self._list_queues()
        self._schedule_all(queues=True, orbits=True)
        while True:
            while (key := self._turns.take(time.monotonic(), self._shown)) is not None:
                await (self._read_queue(key) if key else self._read_orbits())
                if self._shown(key):
                    self._schedule(key, after=self._timing.read_every)
            self._woken.clear()
            try:
                async with asyncio.timeout(self._turns.wait(time.monotonic())):
                    await self._woken.wait()
            except TimeoutError:
                continue

    def _shown(self, key: str) -> bool:
        return self._watchers["queues" if key else "orbits"] > 0

    def _schedule(self, key: str, *, after: float = 0.0, urgent: bool = False) -> None:
        self._turns.want(key, time.monotonic(), after=after, urgent=urgent)
        self._woken.set()

    def _schedule_all(self, *, queues: bool, orbits: bool) -> None:
        if queues:
            for number in self._numbers("acds") | set(self._names):
                self._schedule(number)
        if orbits:
            self._schedule(_ORBITS)

    def _numbers(self, kind: str) -> set[str]:
        return {account.number for account in self._store.accounts.values() if account.type == kind}

    async def _get(self, *paths: str) -> Any:
        """The first of the paths that may be read; `RestError` of the last one if none."""
        rest = await self._rest()
        for path in paths[:-1]:
            try:
                return await rest.get(path)
            except RestError:
                continue
        return await rest.get(paths[-1])

    async def _list_queues(self) -> None:
        """Find the queues that no ``domain-state`` names."""
        endpoint = self._endpoint
        try:
            found = await self._get(
                url(paths.WALLBOARDS, account=endpoint.account), url(paths.QUEUES, domain=endpoint.domain)
            )
        except (RestError, ConnectionFailed) as exc:
            _LOG.debug("No list of queues: %s", exc)
            return
        for entry in accounts_in(found)[:_MAX_ITEMS]:
            self._names[entry.account] = entry.name or ""

    async def _read_queue(self, number: str) -> None:
        endpoint = self._endpoint
        name = self._names.get(number, "")
        known = self._store.accounts.get(number)
        if not name and known is not None:
            name = known.name
        now = self._now()
        try:
            answer = await self._get(url(paths.WALLBOARD, account=endpoint.account, queue=number))
        except RestError as exc:
            if exc.status in _UNAVAILABLE:
                self._put(Queue(number=number, name=name, read_at=now, source="unavailable", why=str(exc)), self._now())
        except ConnectionFailed as exc:
            _LOG.debug("Queue %s was not read: %s", number, exc)
        else:
            self._put(queue_in(number, name, answer, now), self._now())

    async def _read_orbits(self) -> None:
        endpoint = self._endpoint
        now = self._now()
        try:
            answer = await self._get(
                url(paths.ORBITS, account=endpoint.account), url(paths.DOMAIN_ORBITS, domain=endpoint.domain)
            )
        except RestError as exc:
            if exc.status in _UNAVAILABLE:
                for number in self._numbers("orbits") | set(self._store.orbits):
                    name = self._store.accounts[number].name if number in self._store.accounts else ""
                    orbit = Orbit(number=number, name=name, read_at=now, source="unavailable", why=str(exc))
                    self._put(orbit, self._now())
        except ConnectionFailed as exc:
            _LOG.debug("The orbits were not read: %s", exc)
        else:
            for orbit in orbits_in(answer, now):
                self._put(orbit, self._now())


def _was_parked(event: Event) -> bool:
    call = event.call
    return call is not None and (call.state is _PARKED or getattr(event.before, "state", "") is _PARKED)


def queue_in(number: str, name: str, answer: Any, read_at: datetime) -> Queue:
    """A queue from its wallboard (rest.md 2.5); what is missing or misshapen stays unknown.

    ``current`` lists the calls inside the queue: one without an ``agent`` is a caller waiting (our reading; the page
    names the fields only).
    """
    board = answer if isinstance(answer, Mapping) else {}
    named = _items(board.get("logged_agents"), bare=True)
    logged = {_text(item, "account", "name") or _text({"": item}, "") for item in named}
    agents = []
    for item in _items(board.get("agents")):
        agent = _text(item, "account", "number", "name")
        login = item.get("login")
        dnd, on_break, since = _truth(item.get("dnd")), *_break(item.get("work"))
        logged_in = _truth(login) if login is not None else (agent in logged if logged else None)
        agents.append(
            Agent(
                number=agent,
                name=_text(item, "name"),
                logged_in=logged_in,
                paused=on_break if dnd is None else on_break or dnd,
                state=_text(item, "state"),
                since=since,
            )
        )
    waiting = [item for item in _items(board.get("current")) if _text(item, "agent") == ""]
    starts = [moment.at for moment in (parse_moment(item.get("start")) for item in waiting) if moment is not None]
    figures: Any = board.get("acds")
    if isinstance(figures, Mapping) and isinstance(figures.get(number), Mapping):
        figures = figures[number]
    elif isinstance(figures, list) and len(figures) == 1:
        figures = figures[0]
    kept = as_many(tuple(agents), _AGENTS)
    return Queue(
        number=number,
        name=name,
        agents=kept,
        waiting=len(waiting) if "current" in board else None,
        longest_wait=max(0.0, (read_at - min(starts)).total_seconds()) if starts else None,
        stats=bounded_extra(
            figures if isinstance(figures, Mapping) else NOTHING, ("agents",) if len(kept) < len(agents) else ()
        ),
        read_at=read_at,
    )


def _break(work: Any) -> tuple[bool | None, datetime | None]:
    """Whether an agent is on a break, and since when: ``since``, or a segment that has not ended (rest.md 7)."""
    if not isinstance(work, Mapping):
        return None, None
    begun = [work.get("since")]
    begun += [item.get("begin", item.get("start")) for item in _items(work.get("segments")) if not item.get("end")]
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


async def read_accounts(rest: Rest, endpoint: Endpoint) -> tuple[AccountEntry, ...]:
    """The tenant's accounts by REST: what a user sees, then the two directories (rest.md 2.1).

    Which of them are extensions is told by their type, or by the list of all extensions that has them.

    Raises:
        RestError: none of them may be read.
        ConnectionFailed: no answer came.
    """
    extensions = url(paths.ACCOUNTS, account=endpoint.account, type="extensions")
    known = (
        url(paths.ACCOUNTS, account=endpoint.account),
        extensions,
        url(paths.USERS, domain=endpoint.domain),
        url(paths.USERLIST, domain=endpoint.domain, type="extensions"),
    )
    error: RestError | None = None
    for path in known:
        try:
            found = accounts_in(await rest.get(path), "extensions" if path in known[1::2] else "")
            if path not in known[1::2] and any(not entry.type for entry in found):
                listed = {entry.account for entry in accounts_in(await rest.get(extensions))}
                found = tuple(
                    replace(entry, type="extensions") if not entry.type and entry.account in listed else entry
                    for entry in found
                )
        except RestError as exc:
            error = error or exc
            continue
        if found:
            return found
    if error is not None:
        raise error
    return ()


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
