"""From a conversation to a row of the call list: texts, times. Pure; knows no widget, no page, no thread.

A row on the wire is a list, in the order of `FIELDS`; a change of it is ``[id, index, value, index, value ...]``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pbxnb.model.derive import newest_call, open_calls
from pbxnb.model.entities import Account, Call, CallState, Conversation, Orbit, Parked, Party, Phase, Queue
from pbxnb.text import clean
from pbxnb.ui.times import began

__all__ = ["FIELDS", "PHASES", "difference", "involved", "leg", "parked_in", "parked_text", "row", "who"]

PHASES = (Phase.RINGING, Phase.TALKING, Phase.HELD, Phase.PARKED, Phase.QUEUED)
"""The tabs, in the order shown."""
FIELDS = (
    "id", "call", "state", "phase", "from", "to", "direction", "via",
    "ring", "talk", "hold", "since", "marks", "calls", "started", "end",
)  # fmt: skip
Row = list[Any]

_ENDED_BY = {"caller": "caller hung up", "called": "called party hung up"}


def involved(conversation: Conversation, calls: Mapping[str, Call]) -> frozenset[str]:
    """Return the numbers of everybody the conversation touched: parties, agents that rang, extensions of its calls."""
    numbers = {conversation.from_.number, conversation.to.number, conversation.answered_by, *conversation.agents}
    for call in open_calls(conversation, calls):
        numbers.update(call.extensions)
    numbers.discard("")
    return frozenset(numbers)


def parked_in(conversation: Conversation, orbits: Mapping[str, Orbit]) -> tuple[str, Parked] | None:
    """Return the orbit that holds the conversation and what it says of it, or None."""
    for number, orbit in orbits.items():
        for parked in orbit.parked:
            if parked.call and parked.call in conversation.calls:
                return number, parked
    return None


def parked_text(orbit: Orbit) -> str:
    """Return who lies in an orbit, number and name with a tab between; empty for nobody."""
    if not orbit.parked:
        return ""
    first, more = who(orbit.parked[0].party, {}), len(orbit.parked) - 1
    return f"{first} +{more}" if more else first


def row(
    conversation: Conversation,
    *,
    calls: Mapping[str, Call],
    accounts: Mapping[str, Account],
    queues: Mapping[str, Queue],
    orbits: Mapping[str, Orbit],
    place: int | None = None,
    lit: bool = False,
) -> Row:
    """Return the row of a conversation.

    Args:
        conversation: what it is about.
        calls: the open calls, one of which commands are about, and for the recording mark.
        accounts: for the names the wire left out.
        queues: for the names of queues.
        orbits: for the slot of a parked call.
        place: in the line of its queue; None where nobody tells.
        lit: one of its parties is selected elsewhere.
    """
    marks = "".join(
        letter
        for letter, on in (
            ("l", lit),
            ("r", any(call.recording for call in open_calls(conversation, calls))),
            ("i", conversation.inferred),
        )
        if on
    )
    start = conversation.started_at or conversation.since or conversation.first_seen
    return [
        conversation.id,
        newest_call(conversation, calls),
        "ended" if conversation.state is None else str(conversation.state),
        str(conversation.phase),
        who(conversation.from_, accounts),
        who(conversation.to, accounts),
        str(conversation.direction),
        _via(conversation, queues, orbits, place),
        round(conversation.ring, 1),
        round(conversation.talk, 1),
        round(conversation.hold, 1),
        round(began(conversation), 1),
        marks,
        len(conversation.calls),
        round(start.timestamp(), 1),
        _ENDED_BY.get(conversation.ended_by, "") if conversation.state is None else "",
    ]


def leg(key: str, call: Call | None, accounts: Mapping[str, Account]) -> list[Any]:
    """Return one line of a row's expansion: id, state, from, to, its begin, and what else is worth saying."""
    if call is None:
        return [key, "ended", "", "", 0, ""]
    remarks = (
        [f"extensions {', '.join(clean(number, 12) for number in call.extensions[:8])}"] if call.extensions else []
    )
    if call.raw_state and call.raw_state != str(call.state):
        remarks.append(f"“{clean(call.raw_state, 24)}” on the wire")
    if call.recording:
        remarks.append("recording")
    if call.inferred:
        remarks.append("inferred")
    parties = (who(call.from_, accounts), who(call.to, accounts))
    return [key, str(call.state), *parties, round(began(call), 1), " · ".join(remarks)]


def difference(before: Row, after: Row) -> list[Any]:
    """Return the change from one row to the next as it goes to the page; only the id when nothing differs."""
    return [after[0], *_changed(before, after)]


def _changed(before: Row, after: Row) -> Iterator[Any]:
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        if old != new:
            yield index
            yield new


def who(party: Party, accounts: Mapping[str, Account]) -> str:
    """Number and name with a tab between: the page isolates each, or a right-to-left name would turn the number."""
    account = accounts.get(party.number)
    number, name = clean(party.number, 40), clean(party.name or (account.name if account else ""), 40)
    return "\t".join(part for part in (number, name if name != number else "") if part) or "unknown"


def _via(
    conversation: Conversation, queues: Mapping[str, Queue], orbits: Mapping[str, Orbit], place: int | None
) -> str:
    if conversation.state is CallState.PARKED and (found := parked_in(conversation, orbits)) is not None:
        number, parked = found
        return clean(f"Orbit {number}, by {parked.by}" if parked.by else f"Orbit {number}", 60)
    if not conversation.queue:
        return ""
    queue = queues.get(conversation.queue)
    told = f"{conversation.queue} {queue.name if queue else ''}".rstrip()
    return clean(f"Queue {told}" if place is None else f"No. {place} in queue {told}", 60)
