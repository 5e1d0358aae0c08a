"""Commands: sent once, confirmed by their effect on the model, never sent again.

The socket has no acknowledgement (protocol.md 11), so a command is a plan and a wait: for the change that proves it,
for a no by REST, for the deadline, or for the line to drop, whichever comes first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from pbxnb.errors import BadCommand, ConnectionFailed, Refused
from pbxnb.markup import card
from pbxnb.model.changes import Changes, Event
from pbxnb.model.effects import already, proved, read_back
from pbxnb.model.entities import Snapshot
from pbxnb.model.store import Store
from pbxnb.protocol.commands import CallRef, Effect, Plan, RestRequest
from pbxnb.protocol.messages import Bye
from pbxnb.shown import Shown, said
from pbxnb.text import LONGEST, clean

from .rest import Rest, RestError
from .rest_state import RestReader
from .writing.sync import Arrival

__all__ = ["Commander", "Outcome", "OutcomeStatus", "call_ref"]

_FIRST_ERROR = 400  # SIP: codes from here on are refusals


class OutcomeStatus(StrEnum):
    """How a command ended, as far as can be known."""

    CONFIRMED = "confirmed"
    ACCEPTED = "accepted"
    UNCONFIRMED = "unconfirmed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Outcome(Shown, frozen=True, kw_only=True):
    """What became of a command.

    Attributes:
        status: *confirmed* by its effect; *accepted* when only a REST answer says yes; *unconfirmed* when nothing
            showed before the deadline, or nothing ever shows; *refused* by REST or a code; *unknown* when the line
            dropped in between.
        effect: the change that proved it, one sentence; empty unless confirmed.
        latency: seconds from sending to the proof or the answer; None when there was none, 0 when nothing was sent.
        sent: the frames and REST requests, in order.
        why: one sentence where the status needs a reason.
    """

    status: OutcomeStatus
    effect: str = ""
    latency: float | None = None
    sent: tuple[Any, ...] = ()
    why: str = ""

    def __post_init__(self) -> None:
        for name in ("effect", "why"):  # sentences in which ids and names of the PBX stand
            msgspec.structs.force_setattr(self, name, clean(getattr(self, name), LONGEST))

    def _sentence(self) -> str:
        after = f"{self.status} after {self.latency * 1000:,.0f} ms" if self.latency else str(self.status)
        return said(f"Outcome {after}", self.effect, self.why)

    def _repr_html_(self) -> str:
        return card(self._sentence())


class _Waiting:
    """A command whose effect has not shown yet."""

    def __init__(self, plan: Plan, before: Snapshot) -> None:
        self.plan = plan
        self.before = before
        self.sent: list[dict[str, Any] | RestRequest] = []
        self.accepted: float | None = None  # latency of a REST yes
        self.began = time.monotonic()
        self.ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def outcome(
        self, status: OutcomeStatus, *, effect: str = "", latency: float | None = None, why: str = ""
    ) -> Outcome:
        return Outcome(status=status, effect=effect, latency=latency, sent=tuple(self.sent), why=why)

    def end(self, status: OutcomeStatus, *, effect: str = "", why: str = "") -> None:
        """Something on the line decided it."""
        if not self.ended.done():
            latency = self.elapsed() if status is OutcomeStatus.CONFIRMED else None
            self.ended.set_result(self.outcome(status, effect=effect, latency=latency, why=why))

    def elapsed(self) -> float:
        return time.monotonic() - self.began


class Commander:
    """Executes plans on one client.

    Args:
        send: puts a frame on the line; raises `ConnectionFailed` when there is none.
        rest: gives the REST client, logged in.
        reader: reads what REST alone shows, after a command was sent and every ``read_every`` seconds while it waits.
        now: the clock that stamps the model.

    Attributes:
        waiting: the commands whose effect has not shown yet.
    """

    def __init__(
        self,
        store: Store,
        send: Callable[[dict[str, Any]], Awaitable[None]],
        rest: Callable[[], Awaitable[Rest]],
        reader: RestReader,
        read_every: float,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._send = send
        self._rest = rest
        self._reader = reader
        self._read_every = read_every
        self._now = now
        self.waiting: list[_Waiting] = []

    async def execute(self, plan: Plan, deadline: float | None = None) -> Outcome:
        """Send a plan once and wait for what becomes of it.

        Args:
            deadline: seconds; without one the plan's own.
        """
        limit = plan.deadline if deadline is None else deadline
        waiting = None
        try:
            async with asyncio.timeout(limit):
                done = already(plan, self._store) or await self._read(plan)
                if done:
                    return Outcome(status=OutcomeStatus.CONFIRMED, effect=done, latency=0.0)
                waiting = _Waiting(plan, self._store.snapshot(self._now()))
                self.waiting.append(waiting)
                return await self._transmit(waiting) or await self._wait(waiting)
        except TimeoutError:
            if waiting is None:
                why = f"Nothing was sent: the PBX did not answer within {limit:g} s."
                return Outcome(status=OutcomeStatus.REFUSED, why=why)
            return self._too_late(waiting, limit)
        finally:
            if waiting is not None:
                self.waiting.remove(waiting)

    def moved(self, changes: Changes, arrival: Arrival | None) -> None:
        """The model has moved, or a message came that moved nothing: does it prove or refuse anything that waits?"""
        if not changes and arrival is None:
            return
        message = arrival.message if arrival is not None else None
        events: tuple[Event | None, ...] = changes.events
        if arrival is not None:
            events += (Event(kind="message", message=message, received=arrival.received, seq=arrival.seq),)
        for waiting in tuple(self.waiting):
            for event in events or (None,):
                effect = proved(waiting.plan, waiting.before, self._store, event)
                if effect:
                    waiting.end(OutcomeStatus.CONFIRMED, effect=effect)
                    break
            if isinstance(message, Bye) and (message.code or 0) >= _FIRST_ERROR and _concerns(waiting.plan, message):
                waiting.end(OutcomeStatus.REFUSED, why=f"The PBX ended the call with code {message.code}.")

    def line_lost(self) -> None:
        """The line dropped: what was sent may or may not have happened."""
        for waiting in self.waiting:
            waiting.end(OutcomeStatus.UNKNOWN, why="The line dropped before an effect showed; it was not sent again.")

    async def _transmit(self, waiting: _Waiting) -> Outcome | None:
        """Send everything; an outcome if that decides it already."""
        plan = waiting.plan
        try:
            for frame in plan.frames:
                await self._send(frame)
                waiting.sent.append(frame)
            for request in plan.rest:
                rest = await self._rest()
                waiting.sent.append(request)
                await rest.send(request.method, request.path, request.body)
                waiting.accepted = waiting.elapsed()
        except (RestError, Refused) as exc:
            return waiting.outcome(OutcomeStatus.REFUSED, latency=waiting.elapsed(), why=str(exc))
        except ConnectionFailed as exc:
            if not waiting.sent:
                return waiting.outcome(OutcomeStatus.REFUSED, why=f"Nothing was sent: {exc}")
            return waiting.outcome(OutcomeStatus.UNKNOWN, why=f"It may or may not have arrived: {exc}")
        if plan.effect is Effect.ACCEPTED_ONLY and waiting.accepted is not None:
            return waiting.outcome(OutcomeStatus.ACCEPTED, latency=waiting.accepted)
        if plan.effect in (Effect.NONE, Effect.ACCEPTED_ONLY):
            return waiting.outcome(OutcomeStatus.UNCONFIRMED, why="Sent; this command has no effect that would show.")
        return None

    async def _wait(self, waiting: _Waiting) -> Outcome:
        while not waiting.ended.done():
            self._read_effect(waiting.plan)
            if shown := await self._read(waiting.plan):
                waiting.end(OutcomeStatus.CONFIRMED, effect=shown)
            await asyncio.wait([waiting.ended], timeout=self._read_every)
        return waiting.ended.result()

    def _read_effect(self, plan: Plan) -> None:
        if plan.effect is Effect.QUEUE_LOGIN:
            self._reader.schedule_queue(plan.to)
        elif plan.effect is Effect.PARKED or plan.name == "retrieve":
            self._reader.schedule_orbits()

    async def _read(self, plan: Plan) -> str | None:
        """The effect of a command that only the PBX's own answer shows; None also where it cannot be read."""
        if plan.read is None:
            return None
        try:
            rest = await self._rest()
            return read_back(plan, await rest.get(plan.read.path))
        except (RestError, Refused, ConnectionFailed):
            return None

    def _too_late(self, waiting: _Waiting, limit: float) -> Outcome:
        if waiting.ended.done():  # proved while a REST answer was still out
            return waiting.ended.result()
        if waiting.accepted is not None:
            why = f"The PBX said yes; no effect showed within {limit:g} s."
            return waiting.outcome(OutcomeStatus.ACCEPTED, latency=waiting.accepted, why=why)
        return waiting.outcome(OutcomeStatus.UNCONFIRMED, why=f"No effect showed within {limit:g} s.")


def _concerns(plan: Plan, bye: Bye) -> bool:
    """Whether a bye names one of the plan's calls."""
    return bool(bye.callid) and bye.callid in {call.id for call in (plan.call, plan.call2) if call is not None}


def call_ref(store: Store, id: str) -> CallRef:  # noqa: A002 - the field's name everywhere
    """What a command needs to know of a call; raises `BadCommand` if there is none such now."""
    call = store.calls.get(id)
    if call is None:
        raise BadCommand(f"There is no call {id!r} now.", hint="It may have ended; look at the calls.", call=id)
    return CallRef(id=call.id, from_=call.from_, to=call.to, extensions=call.extensions, state=call.state.value)
