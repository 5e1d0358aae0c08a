"""What can be done with what is selected, and the sentence why not. Pure; knows entities, no widget, no handle."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from pbxnb.model.entities import Account, Call, CallState, Orbit, Queue

__all__ = ["ACTS", "CONSULTING", "LABELS", "Situation", "acting", "parse_frame", "why_not"]

LABELS = {
    "answer": "Answer",
    "reject": "Reject",
    "hold": "Hold",
    "resume": "Resume",
    "pickup": "Pick up",
    "record": "Record",
    "hangup": "Hang up",
    "dial": "Dial",
    "transfer": "Transfer",
    "consult": "Consult",
    "complete": "Complete",
    "cancel": "Back to first",
    "park": "Park",
    "retrieve": "Retrieve",
    "dnd": "DND",
    "queue_login": "Log in",
    "queue_logout": "Log out",
    "chat": "Chat",
    "send": "Send",
}
"""Every act of the bar, in order, with the word on its button."""

ACTS = tuple(LABELS)
CONSULTING = ("complete", "cancel")
"""The acts of a consultation under way; without one nothing is said of them."""

_STATES = {
    CallState.RINGING: "rings",
    CallState.CONNECTED: "is connected",
    CallState.HELD: "is on hold",
    CallState.PARKED: "is parked",
    CallState.OTHER: "is in a state we do not know",
}


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides what the bar offers.

    Attributes:
        control: the handle takes commands at all.
        armed: the bar's switch is on.
        live: the line is live.
        user: our extension.
        call: the selected call; None when there is none.
        several: more than one call is selected or could be meant.
        target: number typed or selected on the grid, where a call is to go; empty when there is none.
        acts_as: the account whose DND and queues are meant; None when it is not known.
        orbit: the chosen orbit; None when there is none.
        queue: the chosen queue; None when there is none.
        text: the chat text.
        frame: the text of a free frame.
        consulting: an attended transfer is under way.
        consulted: the state of its second call; None when there is none yet.
        busy: acts in flight.
    """

    control: bool = True
    armed: bool = True
    live: bool = True
    user: str = ""
    call: Call | None = None
    several: bool = False
    target: str = ""
    acts_as: Account | None = None
    orbit: Orbit | None = None
    queue: Queue | None = None
    text: str = ""
    frame: str = ""
    consulting: bool = False
    consulted: CallState | None = None
    busy: frozenset[str] = frozenset()


def why_not(situation: Situation) -> dict[str, str]:
    """Return for every act of `ACTS` an empty text where it can be done, else one sentence why not."""
    general = _general(situation)
    return {act: general or _busy(act, situation) or _RULES[act](situation) for act in ACTS}


def acting(act: str, call: Call, user: str) -> str:
    """Return the account that should act on a call where the default (us, else its first extension) would be wrong.

    A ringing call is answered and rejected by a phone that rings, never by the one that calls. Empty: the default.
    """
    if act not in ("answer", "reject"):
        return ""
    ringing = [number for number in call.extensions if number != call.from_.number]
    return user if user in ringing or not ringing else ringing[0]


def parse_frame(text: str) -> dict[str, Any]:
    """Return the JSON object of a free frame.

    Raises:
        ValueError: with the sentence why it is none.
    """
    if not text.strip():
        raise ValueError("Write the frame to send, one JSON object.")
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"The frame is no JSON: {error}.") from None
    if not isinstance(frame, dict) or not frame:
        raise ValueError("The frame must be one JSON object with an action.")
    return frame


def _general(s: Situation) -> str:
    if not s.control:
        return "This handle only looks; connect with control=True to allow commands."
    if not s.live:
        return "The line is not live."
    return "" if s.armed else "The bar is not armed; switch it on to send."


def _busy(act: str, s: Situation) -> str:
    return f"{LABELS[act]} is on its way." if act in s.busy else ""


def _in(*states: CallState) -> Callable[[Situation], str]:
    """The rule of an act that needs the selected call to be in one of some states."""

    def rule(s: Situation) -> str:
        if s.call is None:
            return "Select one of its calls." if s.several else "Select a call."
        return "" if s.call.state in states else f"The call {_STATES[s.call.state]}."

    return rule


_ringing, _connected, _held = _in(CallState.RINGING), _in(CallState.CONNECTED), _in(CallState.HELD)
_answered = _in(CallState.CONNECTED, CallState.HELD)
_movable = _in(CallState.CONNECTED, CallState.HELD, CallState.RINGING)
_any = _in(*CallState)


def _called(s: Situation) -> str:
    if reason := _ringing(s):
        return reason
    assert s.call is not None
    alone = s.call.extensions and set(s.call.extensions) <= {s.call.from_.number}
    return "Nobody here is being called: this call goes out." if alone else ""


def _pickup(s: Situation) -> str:
    if reason := _called(s):
        return reason
    assert s.call is not None
    ours = s.user in s.call.extensions and s.call.from_.number != s.user
    return "It rings at our own phone: answer it." if ours else ""


def _target(s: Situation) -> str:
    return "" if s.target else "Type a number, or select an extension on the grid."


def _transfer(s: Situation) -> str:
    if reason := _movable(s) or _target(s):
        return reason
    assert s.call is not None
    here = s.target in s.call.extensions or s.target in (s.call.from_.number, s.call.to.number)
    return f"{s.target} is already in this call." if here else ""


def _consult(s: Situation) -> str:
    if s.consulting:
        return "A consultation is under way."
    return _answered(s) or _transfer(s)


def _complete(s: Situation) -> str:
    if not s.consulting:
        return "Consult somebody first."
    if s.consulted is None:
        return "The consultation call has not come up yet."
    return "" if s.consulted in (CallState.CONNECTED, CallState.HELD) else "The other side has not answered yet."


def _cancel(s: Situation) -> str:
    return "" if s.consulting else "No consultation is under way."


def _park(s: Situation) -> str:
    if reason := _answered(s) or _orbit(s):
        return reason
    assert s.orbit is not None
    return f"Orbit {s.orbit.number} is taken." if s.orbit.parked else ""


def _orbit(s: Situation) -> str:
    return "" if s.orbit is not None else "Choose an orbit."


def _retrieve(s: Situation) -> str:
    if s.orbit is None:
        return "Choose an orbit."
    # An orbit that could not be read may well hold a call.
    unknown = s.orbit.source == "unavailable"
    return "" if s.orbit.parked or unknown else f"Nothing is parked in orbit {s.orbit.number}."


def _dnd(s: Situation) -> str:
    if s.acts_as is None:
        return "Our own account is not known yet; select an extension on the grid."
    return "" if s.acts_as.type == "extensions" else f"{s.acts_as.number} is no extension."


def _queue(on: bool) -> Callable[[Situation], str]:
    def rule(s: Situation) -> str:
        if s.queue is None:
            return "Choose a queue."
        if s.acts_as is None:
            return "Our own account is not known yet; select an extension on the grid."
        agent = next((agent for agent in s.queue.agents if agent.number == s.acts_as.number), None)
        if agent is None and s.queue.agents:
            return f"{s.acts_as.number} is no agent of queue {s.queue.number}."
        if agent is not None and agent.logged_in is on:
            return f"{s.acts_as.number} is logged {'in' if on else 'out'} already."
        return ""

    return rule


def _chat(s: Situation) -> str:
    return _target(s) or ("" if s.text.strip() else "Write a message.")


def _send(s: Situation) -> str:
    try:
        parse_frame(s.frame)
    except ValueError as error:
        return str(error)
    return ""


_RULES: dict[str, Callable[[Situation], str]] = {
    "answer": _called,
    "reject": _called,
    "hold": _connected,
    "resume": _held,
    "pickup": _pickup,
    "record": _connected,
    "hangup": _any,
    "dial": _target,
    "transfer": _transfer,
    "consult": _consult,
    "complete": _complete,
    "cancel": _cancel,
    "park": _park,
    "retrieve": _retrieve,
    "dnd": _dnd,
    "queue_login": _queue(True),
    "queue_logout": _queue(False),
    "chat": _chat,
    "send": _send,
}
