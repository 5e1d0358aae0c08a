"""Queues as every panel reads them: who waits in which order, and which agents are free. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pbxnb.model.entities import Account, AccountState, Agent, Conversation, Party, Phase, Queue

from .times import began

__all__ = ["Caller", "by_queue", "idle", "is_free", "places", "waiting_in"]


class Caller(NamedTuple):
    """Who waits in a queue: the id of the conversation or a key of what the PBX lists, and since when as of `began`."""

    key: str
    party: Party
    since: float


def by_queue(conversations: Iterable[Conversation]) -> dict[str, list[Conversation]]:
    """The conversations that came through each queue."""
    found: dict[str, list[Conversation]] = {}
    for one in conversations:
        if one.queue:
            found.setdefault(one.queue, []).append(one)
    return found


def waiting_in(queue: Queue, its: Iterable[Conversation]) -> list[Caller]:
    """Who waits in a queue, the next first: in the order of the PBX's list, and who is not in it yet by time.

    Conversations tell at once who waits and who does not any more. Of the PBX's own list, which is read from time to
    time, only callers are taken of whom no conversation is known.

    Args:
        its: the conversations that came through it, ended ones too.

    Example:
        >>> waiting_in(Queue(number="600"), [])
        []
    """
    inside = list(its)
    listed = {one.call or one.party.number: one.position for one in queue.callers}
    found: list[tuple[float, Caller]] = []
    for one in inside:
        if one.phase is Phase.QUEUED:
            position = min(listed.get(name, math.inf) for name in (*one.calls, one.from_.number))
            found.append((position, Caller(one.id, one.from_, began(one))))
    known = {one.from_.number for one in inside} | {call for one in inside for call in one.calls}
    read = queue.read_at.timestamp() if queue.read_at is not None else 0.0
    for waiting in queue.callers:
        if waiting.call not in known and waiting.party.number not in known:
            since = waiting.since.timestamp() if waiting.since is not None else -read
            found.append((waiting.position, Caller(f"\x00{waiting.position}", waiting.party, since)))
    return [caller for _, caller in sorted(found, key=lambda one: (one[0], abs(one[1].since), one[1].key))]


def places(queues: Mapping[str, Queue], conversations: Iterable[Conversation]) -> dict[str, int]:
    """The place of each waiting conversation in the line of its queue, from 1; none where the PBX has told no line.

    By the keys of `waiting_in`.
    """
    return {
        caller.key: place
        for number, its in by_queue(conversations).items()
        if (queue := queues.get(number)) is not None and (queue.callers or queue.read_at is not None)
        for place, caller in enumerate(waiting_in(queue, its), 1)
    }


def idle(account: Account | None) -> bool:
    """Whether an extension could ring for the next caller: no call, no do not disturb."""
    return account is not None and account.state is AccountState.IDLE and not account.dnd


def is_free(agent: Agent, account: Account | None) -> bool:
    """Whether an agent waits for the next caller: known to be logged in, on no break, and idle."""
    return agent.logged_in is True and not agent.paused and idle(account)
