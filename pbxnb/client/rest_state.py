"""Queues, orbits and accounts, read by REST: when to read them, and where (rest.md 2).

Queues and orbits are read at the start, on an ``acds`` user-state, when anybody parks or fetches a call, after our own
commands, and regularly while something shows them; never one of them more than once a second, and all together no more
than ten a second. What the PBX does not let us read is shown as unavailable, with the reason.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from pbxnb.errors import ConnectionFailed
from pbxnb.model.answers import accounts_in, orbits_in, queue_in
from pbxnb.model.changes import Changes, Event
from pbxnb.model.entities import CallState, Orbit, Queue
from pbxnb.model.store import Store
from pbxnb.protocol import rest as paths
from pbxnb.protocol.messages import AccountEntry, UserState
from pbxnb.protocol.rest import url
from pbxnb.text import clean_logger

from .endpoint import Endpoint
from .rest import Rest, RestError
from .timing import Timing, Turns
from .writing.sync import Arrival

__all__ = ["RestReader", "read_accounts"]

_LOG = clean_logger("pbxnb.client")
_ORBITS = ""  # the key of "all orbits" among the queues' numbers, which are never empty
_UNAVAILABLE = (401, 403, 404)
_MAX_ITEMS = 10_000
_PARKED = CallState.PARKED


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

    async def _get(self, *paths: str, goes_on: tuple[int, ...] = ()) -> Any:
        """The first of the paths that may be read; `RestError` of the last one if none.

        Args:
            goes_on: statuses after which the next is tried; all by default.
        """
        rest = await self._rest()
        for path in paths[:-1]:
            try:
                return await rest.get(path)
            except RestError as exc:
                if goes_on and exc.status not in goes_on:
                    raise
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
            # 70.3 has no wallboard, and gives one by acdinfo; the statistics at least tell of the day (rest.md 2.5)
            answer = await self._get(
                url(paths.WALLBOARD, account=endpoint.account, queue=number),
                url(paths.QUEUE_INFO, account=endpoint.account, group=number, info="wallboard"),
                url(paths.QUEUE_STATISTICS, queue=f"{number}@{endpoint.domain}"),
                goes_on=(404,),
            )
        except RestError as exc:
            if exc.status in _UNAVAILABLE:
                self._put(Queue(number=number, name=name, read_at=now, source="unavailable", why=str(exc)), self._now())
        except ConnectionFailed as exc:
            _LOG.debug("Queue %s was not read: %s", number, exc)
        else:
            self._put(queue_in(number, name, answer, now, self._store.calls), self._now())

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
