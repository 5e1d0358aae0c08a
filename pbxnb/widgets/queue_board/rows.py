"""From a queue to what the board shows of it: who waits, its agents, its figures of today. Pure; knows no page.

On the wire a queue is an object of lists; the fields of an agent and of a caller stand in the order of `AGENT` and
`CALLER`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pbxnb.history.stories import span_text
from pbxnb.history.today import Figures, Served
from pbxnb.model.entities import Account, AccountState, Agent, Conversation, Queue
from pbxnb.text import clean
from pbxnb.ui.queues import waiting_in
from pbxnb.ui.times import began

from ..call_list.rows import who

__all__ = ["AGENT", "CALLER", "figures", "queue_row"]

AGENT = ("number", "name", "state", "word", "since", "calls", "talk", "logged_in")
"""``state`` is that of an account, ``held`` on a break, ``offline`` while logged out; ``since`` as of `began`, or 0."""
CALLER = ("key", "who", "since")
"""In order of position; ``key`` is the id of the conversation, or made of what the PBX lists."""

_NOTHING = Served()
_WORDS = {AccountState.IDLE: "Free", AccountState.BUSY: "In call", AccountState.HELD: "On hold"}


def queue_row(
    queue: Queue,
    its: Iterable[Conversation],
    accounts: Mapping[str, Account],
    today: Figures,
    served: Mapping[str, Served],
) -> dict[str, Any]:
    """What the page is told of a queue.

    Args:
        queue: as last read.
        its: the conversations that came through it.
        accounts: what its agents are doing.
        today: its figures.
        served: what its agents did today.
    """
    return {
        "name": clean(queue.name, 60),
        "why": clean(queue.why or "The PBX does not tell.", 200) if queue.source == "unavailable" else "",
        "figures": figures(today),
        "agents": [_agent(one, accounts.get(one.number), served.get(one.number, _NOTHING)) for one in queue.agents],
        "callers": [[key, who(party, accounts), round(since, 1)] for key, party, since in waiting_in(queue, its)],
    }


def figures(today: Figures) -> list[list[str]]:
    """Words and values of a queue's day; a dash where there is none yet."""
    level, speed = today.service_level, today.speed_of_answer
    return [
        ["Service level", "–" if level is None else f"{level:.0%}"],
        ["Answered", str(today.answered)],
        ["Abandoned", str(today.abandoned)],
        ["Speed of answer", "–" if speed is None else span_text(speed)],
        ["Longest wait", "–" if today.longest is None else span_text(today.longest)],
    ]


def _agent(agent: Agent, account: Account | None, served: Served) -> list[Any]:
    name = agent.name if agent.name != agent.number else ""
    state, word, since = _state(agent, account)
    return [
        clean(agent.number, 40),
        clean(name or (account.name if account is not None else ""), 40),
        state,
        word,
        round(since, 1),
        served.calls,
        round(served.talk),
        agent.logged_in,
    ]


def _state(agent: Agent, account: Account | None) -> tuple[str, str, float]:
    """The state an agent is shown in, its word, and since when."""
    doing = account.state if account is not None else AccountState.OFFLINE
    since = began(account) if account is not None else 0.0
    if account is not None and doing not in (AccountState.IDLE, AccountState.OFFLINE):
        return str(doing), _WORDS.get(doing, str(doing).capitalize()), since
    if agent.logged_in is False:
        return "offline", "Logged out", 0.0
    if agent.paused:
        if account is not None and account.dnd:
            return "dnd", "Do not disturb", 0.0
        at = agent.since.timestamp() if agent.since is not None else 0.0
        return "held", f"On a break: {clean(agent.reason, 40)}" if agent.reason else "On a break", at
    if doing is AccountState.OFFLINE:
        return "offline", "Not registered", since
    return "idle", _WORDS[doing] if agent.logged_in else "Idle", since  # free is who is known to be logged in
