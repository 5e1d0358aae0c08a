"""What follows from what the wire said: state and phase of a call, who is in it, what an account is doing. Pure.

They know nothing of the store; each can be read, and tested, as one row of a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from pbxnb.protocol.messages import CallEntry
from pbxnb.protocol.parties import Party

from .entities import AccountState, Call, CallState, Conversation, Direction, Phase

__all__ = [
    "IDLE",
    "OFFLINE",
    "QUEUE",
    "RULES",
    "Activity",
    "Rule",
    "activity_in",
    "activity_unlisted",
    "direction_of",
    "identity",
    "in_conversation",
    "newest_call",
    "number_order",
    "numbers_of",
    "open_calls",
    "phase_of",
    "state_of",
    "waits",
]

# looking a member up in its enum costs more than comparing it
_RINGING, _CONNECTED, _HELD, _PARKED, _OTHER = (
    CallState.RINGING,
    CallState.CONNECTED,
    CallState.HELD,
    CallState.PARKED,
    CallState.OTHER,
)
_PHASE_RINGING, _QUEUED, _MENU, _TALKING = Phase.RINGING, Phase.QUEUED, Phase.MENU, Phase.TALKING

# protocol.md 7.1; a word that is not here is "other" and stays readable in `Call.raw_state`.
_STATES = {
    "alerting": CallState.RINGING,
    "ringback": CallState.RINGING,
    "ringing": CallState.RINGING,
    "connected": CallState.CONNECTED,
    "onhold": CallState.HELD,
    "holding": CallState.HELD,
    "parked": CallState.PARKED,
}

QUEUE = "acds"
_MENUS = frozenset({"attendants", "ivrnodes"})  # accounts that answer with a voice and nobody behind it
_AS_STATED = {  # by value: hashing a member costs more than the rest
    "ringing": Phase.RINGING,
    "connected": _TALKING,
    "held": Phase.HELD,
    "parked": Phase.PARKED,
    "other": Phase.OTHER,
}

# Callers who hide are not one person, so such a number never ties two calls together.
NOBODY_IN_PARTICULAR = frozenset({"", "anonymous", "unavailable", "unknown", "restricted", "private"})


def state_of(entry: CallEntry, in_orbit: bool = False) -> CallState:
    """The state of a call.

    Args:
        entry: the call as the wire says it. Without a state word, a connect time means connected.
        in_orbit: its called party is a park orbit: an answered call there is a parked one (protocol.md 8.6).
    """
    word = entry.raw_state
    state = _STATES.get(word) or _STATES.get(word.strip().lower(), _OTHER)
    if not word and entry.connect is not None:
        state = CallState.CONNECTED
    return CallState.PARKED if in_orbit and state is not _RINGING else state


def numbers_of(entry: CallEntry) -> tuple[str, ...]:
    """Every number a call names: its extensions, then caller and called party, each once."""
    numbers = dict.fromkeys(entry.extensions)
    numbers[entry.from_.number] = numbers[entry.to.number] = None
    numbers.pop("", None)
    return tuple(numbers)


def waits(state: CallState, kind: str, alone: bool, arrived: bool, before: bool) -> bool:
    """Whether nobody has answered a call since it came to a queue.

    Args:
        state: the call's state.
        kind: type of the account it goes to; empty when that is no account.
        alone: no extension is in it besides caller and called party.
        arrived: it came to a queue just now.
        before: the answer until now.
    """
    if state is _CONNECTED or state is _HELD:  # with somebody of ours, with somebody else, or with a menu
        return alone and kind == QUEUE and (arrived or before)
    return state is not _PARKED and (arrived or before)


def phase_of(state: CallState, kind: str, alone: bool, waiting: bool) -> Phase:
    """Where a call is in its life: the one rule for lists, alerts, pictures, tables and numbers.

    Args:
        state: the call's state.
        kind: type of the account it goes to; empty when that is no account. A queue's number may stay when its agent
            has answered, who is then among the extensions.
        alone: no extension is in it besides caller and called party.
        waiting: nobody has answered since it came to a queue.

    Example:
        >>> str(phase_of(CallState.CONNECTED, "acds", alone=True, waiting=True))
        'queued'
    """
    if waiting and (kind == QUEUE or state is _RINGING):
        return _QUEUED
    if state is _CONNECTED and alone and kind in _MENUS:
        return _MENU
    return _AS_STATED[state._value_]


def in_conversation(newest: Call, waiting: bool) -> Phase:
    """The phase of a conversation: that of its newest open call, but for what its other calls show.

    Args:
        newest: its newest open call.
        waiting: its caller is with a queue, and nobody has answered since: an agent may ring for him by a call apart.
    """
    phase = newest.phase
    if waiting and phase is _PHASE_RINGING:
        return _QUEUED
    if not waiting and phase is _QUEUED:  # the agent answered by a call that has gone since
        return _AS_STATED[newest.state._value_]
    return phase


def open_calls(conversation: Conversation, calls: Mapping[str, Call]) -> list[Call]:
    """The open calls of a conversation, oldest first; one of another conversation may have an id that was used before.

    Args:
        calls: the open calls.
    """
    ours = (conversation.id, "")  # "": made by hand
    return [call for key in conversation.calls if (call := calls.get(key)) is not None and call.conversation in ours]


def newest_call(conversation: Conversation, calls: Mapping[str, Call]) -> str:
    """The id of the newest open call of a conversation, or of its newest: an attended transfer may leave an older one.

    Args:
        calls: the open calls.
    """
    still = open_calls(conversation, calls)
    return still[-1].id if still else conversation.calls[-1]


def identity(party: Party) -> str:
    """The number that tells this party from others; empty when it does not."""
    return "" if party.number.lower() in NOBODY_IN_PARTICULAR else party.number


def number_order(number: str) -> tuple[int, int, str]:
    """Sort key of account numbers: numbers by value, then all else as text."""
    # the length bound keeps int() cheap, whatever a stranger sends
    if number.isascii() and number.isdecimal() and len(number) <= 18:
        return (0, int(number), number)
    return (1, 0, number)


Activity = tuple[AccountState, bool, str, str]
"""What an account does, whether that is concluded, the rule that says so, and what the rule looked at."""

IDLE: Activity = (AccountState.IDLE, False, "state.idle", "")
OFFLINE: Activity = (AccountState.OFFLINE, False, "state.offline", "")
CODE: Activity = (AccountState.BUSY, True, "state.code", "")

# Strength of a call for one of its accounts, by state; a ringing call counts 0 for the one called, 1 for the caller.
_STRENGTH = {
    "ringing": 0,
    "connected": 2,
    "other": 3,  # the account is in some call: busy, but weaker evidence than a connected one
    "held": 4,
    "parked": 5,
}
_NOTHING = 9
_BY_STRENGTH = (
    (AccountState.RINGING, False, "state.ringing"),
    (AccountState.DIALLING, False, "state.dialling"),
    (AccountState.BUSY, False, "state.busy"),
    (AccountState.BUSY, True, "state.other"),
    (AccountState.HELD, False, "state.held"),
    (AccountState.PARKED, False, "state.parked"),
)


def activity_in(number: str, calls: Iterable[Call]) -> Activity:
    """What the account ``number`` is doing: its strongest call decides (architecture.md 5.7).

    Args:
        calls: the listed calls that name it, one at least.
    """
    best, which = _NOTHING, ""
    for call in calls:
        strength = _STRENGTH[call.state._value_]
        if strength == 0 and call.from_.number == number:
            strength = 1
        if strength < best:
            best, which = strength, call.id
    state, inferred, rule = _BY_STRENGTH[best]
    return (state, inferred, rule, which)


def activity_unlisted(number: str, own: Iterable[CallEntry], code: bool) -> Activity | None:
    """What an account is doing that no listed call names, by its own word; None when it speaks of no call.

    Args:
        own: the calls of its user-state.
        code: its user-state carries a ``code``.
    """
    best = _NOTHING
    for entry in own:
        strength = _STRENGTH[state_of(entry)._value_]
        best = min(best, 1 if strength == 0 and entry.from_.number == number else strength)
    if best < _NOTHING:
        state, inferred, _ = _BY_STRENGTH[best]
        return (state, inferred, "state.bare-call" if inferred else "state.user-state", "")
    return CODE if code else None


def direction_of(from_inside: bool, to_inside: bool, names_extensions: bool) -> Direction:
    """Direction of a conversation, seen from the PBX.

    Args:
        from_inside: the caller is an account of ours.
        to_inside: so is the called party, or it is a star code.
        names_extensions: the call names extensions of ours.
    """
    if from_inside:
        return Direction.INTERNAL if to_inside else Direction.OUT
    return Direction.IN if to_inside or names_extensions else Direction.UNKNOWN


class Rule(NamedTuple):
    """One rule: what it says, and the section it stands on."""

    sentence: str
    source: str


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        # what set a field of an account
        "account.user-state": Rule("A user-state carried the field.", "protocol.md 6.3"),
        "account.cleared": Rule("A user-state lacked the field, and its absence clears it.", "protocol.md 6.3"),
        "account.snapshot": Rule("A snapshot of the accounts carried the field.", "protocol.md 6.2"),
        "account.rest": Rule("The list of accounts read by REST carried the field.", "rest.md 2.1"),
        # what an account is doing
        "state.ringing": Rule(
            "A call that rings names the account, and the account did not start it.", "protocol.md 7.1"
        ),
        "state.dialling": Rule("A call that rings was started by the account.", "protocol.md 7.1"),
        "state.busy": Rule("A connected call names the account.", "protocol.md 7.1"),
        "state.held": Rule("The strongest call that names the account is on hold.", "protocol.md 7.1"),
        "state.parked": Rule("The strongest call that names the account is parked.", "protocol.md 8.6"),
        "state.other": Rule("A call in a state we do not know names the account: busy, concluded.", "protocol.md 7.1"),
        "state.user-state": Rule("No call list names the account, but its user-state has a call.", "protocol.md 6.3"),
        "state.bare-call": Rule(
            "No call list names the account, but its user-state has a call without a state: busy, concluded.",
            "protocol.md 6.2",
        ),
        "state.code": Rule(
            "The account shows a code, or REST says that it is connected, and no call names it: busy, concluded.",
            "protocol.md 6.3",
        ),
        "state.offline": Rule("The PBX said that no phone is registered, and there is no call.", "protocol.md 6.2"),
        "state.idle": Rule("No call names the account.", "protocol.md 6.2"),
        # why calls belong together
        "link.group": Rule(
            "A ringing leg has the caller of an open call to a queue or hunt group.", "protocol.md 6.12"
        ),
        "link.group-oldest": Rule(
            "A ringing leg comes from a queue or hunt group: taken to be for its oldest waiting call.",
            "protocol.md 6.12",
        ),
        "link.transfer": Rule("A call went and one with its remaining party came in the same list.", "protocol.md 8.5"),
        "link.transfer-late": Rule(
            "An answered call went and its outside party turned up in a new call within a second.", "protocol.md 8.5"
        ),
        "link.attended": Rule("Two calls with a party in common became one between the other two.", "protocol.md 8.5"),
        "link.park": Rule(
            "Somebody dialled a star code for an orbit, and his call lies in that orbit.", "protocol.md 8.6"
        ),
        "link.retrieve": Rule("Somebody called an orbit, and the call parked there came to him.", "protocol.md 8.6"),
        "link.pickup": Rule(
            "Somebody dialled a star code for a ringing extension, and the call came to him.", "rest.md 2.7"
        ),
        # why a call is over although no list of this line said so
        "end.resync": Rule("The list read after an interruption lacks the call.", "architecture.md 5.3"),
        "end.cleared": Rule(
            "The PBX never sent a whole list, and the code and calls of all accounts of the call cleared.",
            "architecture.md 5.2",
        ),
        "end.foreign": Rule("The scope became our own calls, and this one is not ours.", "architecture.md 5.2"),
    }
)
