"""What on the model proves a command: the socket has no acknowledgement, so only an effect does (protocol.md 11).

One small function per effect. Each answers from the state before the command and the state now, and claims nothing
that would look the same had the command not arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pbxnb.protocol.commands import CallRef, Effect, Plan
from pbxnb.protocol.messages import RecStart, RecStop
from pbxnb.protocol.parties import Party, parse_party

from .changes import Event
from .entities import Call, CallState, Parked, Snapshot
from .store import Store

__all__ = ["already", "call_ref", "proved", "read_back"]

_ALIKE = 6  # digits two printings of one outside number must share at their end


def call_ref(call: Call) -> CallRef:
    """What a command needs to know of a call."""
    return CallRef(id=call.id, from_=call.from_, to=call.to, extensions=call.extensions, state=str(call.state))


def proved(plan: Plan, before: Snapshot, store: Store, event: Event | None) -> str | None:
    """The change that proves a command, as a sentence; None while nothing does.

    Args:
        plan: the command, sent.
        before: the model when it was sent.
        store: the model now.
        event: what just happened; counts only where the model does not show the effect (a bare ``rec-start``).
    """
    proof = _PROOFS.get(plan.effect)
    return proof(plan, before, store, event) if proof is not None else None


def read_back(plan: Plan, answer: Any) -> str | None:
    """What the PBX's own settings say of a command, as a sentence; None while they do not hold what was set.

    Args:
        answer: to the plan's ``read``.
    """
    if plan.effect is not Effect.SETTING or not isinstance(answer, Mapping):
        return None
    wanted: dict[str, str] = plan.rest[0].body
    for key, value in wanted.items():
        found = answer.get(key)
        if not isinstance(found, str):
            return None  # it is missing, and what is left out says nothing
        if found.strip() != value and (not value or parse_party(found).number != value):
            return None
    told = ", ".join(f"{key} is {value!r}" for key, value in wanted.items())
    return f"The settings of {plan.account} say so: {told}."


def already(plan: Plan, store: Store) -> str | None:
    """Why a command need not be sent at all, as a sentence; None when it must be.

    A recording that is to end is always sent for: some PBXs never say in the call that one runs.
    """
    call = _now(plan, store)
    state = call.state if call is not None else None
    match plan.effect:
        case Effect.DND | Effect.QUEUE_LOGIN:
            return _PROOFS[plan.effect](plan, _NOTHING, store, None)
        case Effect.RECORDING if plan.on and call is not None and call.recording:
            return f"Call {call.id} is being recorded already."
        case Effect.HELD if state is CallState.HELD:
            return f"Call {_id(plan)} is held already."
        case Effect.RESUMED if state is CallState.CONNECTED:
            return f"Call {_id(plan)} is connected already."
        case Effect.CONNECTED if call is not None and state is CallState.CONNECTED and _is_party(call, plan.account):
            return f"Call {call.id} is connected with {plan.account} already."
        case Effect.GONE | Effect.LEFT_RINGING if plan.call is not None and call is None:
            return f"Call {_id(plan)} has ended already."
        case Effect.PARKED if call is not None and _lies_in(store, plan.to, call.id):
            return f"Call {call.id} lies in orbit {plan.to} already."
    return None


def _new_call(plan: Plan, before: Snapshot, store: Store, event: Event | None) -> str | None:
    for call in store.calls.values():
        if call.id not in before.calls and _names(call, plan.account) and _alike(call.to.number, plan.to):
            return f"Call {call.id} from {plan.account} to {call.to.number} appeared."
    return None


def _connected(plan: Plan, before: Snapshot, store: Store, event: Event | None) -> str | None:
    """Answered; picked up; retrieved: the latter two may show on the call in question or on the one we dialled."""
    call = _now(plan, store)
    if call is not None and call.state is CallState.CONNECTED and _names(call, plan.account):
        return f"Call {call.id} is connected with {plan.account}."
    if not plan.star:
        return None
    wanted = _wanted(plan, before)
    for call in store.calls.values():
        was = before.calls.get(call.id)
        if call.state is not CallState.CONNECTED or not _names(call, plan.account) or _same(call, was):
            continue
        other = _other(call, plan.account).number
        left = any(key in before.calls and key not in store.calls for key in wanted)
        # a star code answers even with an announcement that nothing is there: the party, or its going, must show
        if other in wanted.values() or call.id in wanted or (left and other.startswith("*")):
            return f"Call {call.id} connects {plan.account} with {other}."
    return None


def _left_ringing(plan: Plan, before: Snapshot, store: Store, event: Event | None) -> str | None:
    call, was = _now(plan, store), plan.call
    if call is None:
        return f"Call {_id(plan)} ended."
    if was is not None and plan.account in was.extensions and plan.account not in call.extensions:
        return f"Call {call.id} no longer rings at {plan.account}."
    return None


def _gone(plan: Plan, before: Snapshot, store: Store, event: Event | None) -> str | None:
    call = _now(plan, store)
    was = before.calls.get(_id(plan))
    reused = call is not None and was is not None and call.started_at != was.started_at
    return f"Call {_id(plan)} ended." if call is None or reused else None


def _held(plan: Plan, before: Snapshot, store: Store, event: Event | None) -> str | None:
    call = _now(plan, store)
    return f"Call {call.id} is held." if call is not None and call.state is CallState.HELD else None


def _resumed(plan: Plan, before: Snapshot, store: Store, event: Event | None) -> str | None:
    call = _now(plan, store)
    return f"Call {call.id} is connected." if call is not None and call.state is CallState.CONNECTED else None


def _moved(plan: Plan, before: Snapshot, store: Store, event: Event | None) -> str | None:
    call, was = _now(plan, store), plan.call
    if call is None:
        return f"Call {_id(plan)} left the list."
    if was is not None and (call.from_.number, call.to.number) != (was.from_.number, was.to.number):
        return f"Call {call.id} is between {call.from_.number} and {call.to.number} now."
    return None


def _joined(plan: Plan, before: Snapshot, store: Store, event: Event | None) -> str | None:
    if plan.call is None or plan.call2 is None:
        return None
    one, two = _party_of(plan.call, plan.account), _party_of(plan.call2, plan.account)
    ids = {plan.call.id, plan.call2.id}
    if all(key in store.calls for key in ids):
        return None  # one of the two has to leave
    for call in store.calls.values():
        if (call.id in ids or call.id not in before.calls) and {call.from_.number, call.to.number} == {one, two}:
            return f"Call {call.id} connects {one} and {two}."
    return None


def _parked(plan: Plan, before: Snapshot, store: Store, event: Event | None) -> str | None:
    if plan.call is None:
        return None
    party = _party_of(plan.call, plan.account)
    known = {(parked.call, parked.party.number) for parked in _orbit(before, plan.to)}
    for parked in _orbit(store, plan.to):
        ours = parked.call == plan.call.id or (bool(party) and parked.party.number == party)
        if ours and (parked.call, parked.party.number) not in known:
            return f"Orbit {plan.to} lists the call of {parked.party.number or parked.call}."
    for call in store.calls.values():
        same = call.id == plan.call.id or (call.id not in before.calls and _names(call, party))
        if same and call.state is CallState.PARKED and call.to.number == plan.to:
            return f"Call {call.id} lies in orbit {plan.to}."
    return None


def _recording(plan: Plan, before: Snapshot, store: Store, event: Event | None) -> str | None:
    call, was = _now(plan, store), before.calls.get(_id(plan))
    if call is not None and was is not None and call.recording is plan.on and was.recording is not plan.on:
        return f"The recording of call {call.id} {'began' if plan.on else 'ended'}."
    message = event.message if event is not None and event.kind == "message" else None
    if isinstance(message, RecStart if plan.on else RecStop):
        return f"The PBX said {message.kind}; of which call it does not say."
    return None


def _dnd(plan: Plan, before: Snapshot, store: Store, event: Event | None) -> str | None:
    account = store.accounts.get(plan.account)
    if account is None or account.dnd is None or account.dnd is not plan.on:
        return None
    return f"Do not disturb is {'on' if plan.on else 'off'} at {plan.account}."


def _queue_login(plan: Plan, before: Snapshot, store: Store, event: Event | None) -> str | None:
    queue = store.queues.get(plan.to)
    for agent in queue.agents if queue is not None else ():
        if agent.number == plan.account and agent.logged_in is not None and agent.logged_in is plan.on:
            return f"Queue {plan.to} lists {plan.account} as logged {'in' if plan.on else 'out'}."
    return None


_Proof = Callable[[Plan, Snapshot, Store, Event | None], str | None]
_PROOFS: dict[Effect, _Proof] = {
    Effect.NEW_CALL: _new_call,
    Effect.CONNECTED: _connected,
    Effect.LEFT_RINGING: _left_ringing,
    Effect.GONE: _gone,
    Effect.HELD: _held,
    Effect.RESUMED: _resumed,
    Effect.MOVED: _moved,
    Effect.JOINED: _joined,
    Effect.PARKED: _parked,
    Effect.RECORDING: _recording,
    Effect.DND: _dnd,
    Effect.QUEUE_LOGIN: _queue_login,
}
_NOTHING = Snapshot(
    accounts={}, calls={}, conversations={}, orbits={}, queues={}, seq=0, taken_at=datetime.min.replace(tzinfo=UTC)
)


def _id(plan: Plan) -> str:
    return plan.call.id if plan.call is not None else ""


def _now(plan: Plan, store: Store) -> Call | None:
    return store.calls.get(_id(plan))


def _names(call: Call, number: str) -> bool:
    return bool(number) and (number in call.extensions or number in (call.from_.number, call.to.number))


def _is_party(call: Call, number: str) -> bool:
    """Surely one of the two who speak: its caller or called party, or the only extension."""
    return number in (call.from_.number, call.to.number) or call.extensions == (number,)


def _other(call: Call | CallRef, number: str) -> Party:
    return call.to if call.from_.number == number else call.from_


def _party_of(call: CallRef, account: str) -> str:
    return _other(call, account).number


def _same(call: Call, was: Call | None) -> bool:
    """The same call as before, as far as who is connected with whom goes."""
    return was is not None and (was.state, was.from_, was.to) == (call.state, call.from_, call.to)


def _wanted(plan: Plan, before: Snapshot) -> dict[str, str]:
    """The calls a star code may fetch, each with the party that would come."""
    if plan.call is not None:
        return {plan.call.id: plan.call.from_.number}
    parked = {item.call or item.party.number: item.party.number for item in _orbit(before, plan.to)}
    lying = [c for c in before.calls.values() if c.state is CallState.PARKED and c.to.number == plan.to]
    return parked | {call.id: call.from_.number for call in lying}


def _orbit(model: Snapshot | Store, number: str) -> tuple[Parked, ...]:
    orbit = model.orbits.get(number)
    return orbit.parked if orbit is not None else ()


def _lies_in(store: Store, orbit: str, call: str) -> bool:
    return any(parked.call == call for parked in _orbit(store, orbit))


def _alike(one: str, other: str) -> bool:
    """The same number, or two printings of one outside number: ``+4930123456`` and ``030123456``."""
    if one == other:
        return True
    if one.startswith("*") or other.startswith("*"):
        return False
    short, long = sorted(("".join(filter(str.isdigit, number)).lstrip("0") for number in (one, other)), key=len)
    return len(short) >= _ALIKE and long.endswith(short)
