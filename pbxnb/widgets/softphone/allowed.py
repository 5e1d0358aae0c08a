"""What the softphone's buttons do, and why one cannot be pressed now: one row a button."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from pbxnb.model.effects import call_ref
from pbxnb.phone.leg import LegState
from pbxnb.phone.registrar import Registration
from pbxnb.ui.handle import Handle

from .page_call import PageCall
from .page_calls import PageCalls

__all__ = ["COMMANDS", "Button", "places", "reasons"]

_ANSWERED = "Nobody has answered yet."
_DIGITS = re.compile(r"[0-9A-D*#]{1,40}")
_REGISTERED = {
    Registration.UNREGISTERED: "The phone is not registered yet.",
    Registration.REGISTERING: "The phone is being registered.",
    Registration.LOST: "The line to the PBX is down; it is being set up again.",
    Registration.CLOSED: "The phone is closed; run this cell again.",
}
_WITHOUT_CALL = frozenset({"dial"})
_PLACES = (("answer", "dial"), ("reject", "hangup"), ("resume", "hold"), ("unmute", "mute"), ("transfer",), ("park",))


class Button(NamedTuple):
    """A button.

    Attributes:
        do: called with the calls, the call meant and what is typed.
        why: with the same, why it cannot be pressed, a sentence; empty where it can.
    """

    do: Callable[[PageCalls, Any, str], object]
    why: Callable[[PageCalls, Any, str], str]


def reasons(handle: Handle, calls: PageCalls, call: PageCall | None, typed: str) -> dict[str, str]:
    """Return why each button cannot be pressed now; empty where it can.

    Args:
        call: the one meant; None where there is none.
        typed: a number, an orbit or digits.
    """
    general = "" if handle.control else "This handle only looks; connect with control=True to allow calls."
    general = "This handle plays a recording; calls need a PBX." if handle.replayed else general
    general = general or _REGISTERED.get(calls.phone.line.registrar.state, "")

    def why(name: str, button: Button) -> str:
        if general:
            return general
        if call is None:
            return "There is no call." if name not in _WITHOUT_CALL else _may_dial(calls, typed)
        return button.why(calls, call, typed)

    return {name: why(name, button) for name, button in COMMANDS.items()}


def places(why: dict[str, str]) -> list[str]:
    """Return the buttons that are shown: of those that share a place the first that can be pressed, else the last."""
    return [next((name for name in place if not why[name]), place[-1]) for place in _PLACES]


def _may_dial(calls: PageCalls, typed: str) -> str:
    if len(calls.calls) >= calls.phone.line.lines:
        return "Both lines are taken."
    if not all(one.leg.leg.answered or one.leg.leg.over for one in calls.calls.values()):
        return "The other call has not been answered yet."
    return "" if typed else "Type a number."


def _answered(_calls: PageCalls, call: PageCall, _typed: str) -> str:
    return "" if call.leg.leg.answered and not call.leg.leg.over else _ANSWERED


def _rings(_calls: PageCalls, call: PageCall, _typed: str) -> str:
    return "" if call.rings else "The call does not ring here."


def _not_over(_calls: PageCalls, call: PageCall, _typed: str) -> str:
    return "The call is being hung up." if call.state is LegState.ENDING else ""


def _may_hold(calls: PageCalls, call: PageCall, typed: str) -> str:
    return _answered(calls, call, typed) or ("The call is on hold." if call.leg.leg.held else "")


def _may_resume(calls: PageCalls, call: PageCall, typed: str) -> str:
    return _answered(calls, call, typed) or ("" if call.leg.leg.held else "The call is not on hold.")


def _may_mute(_calls: PageCalls, call: PageCall, _typed: str) -> str:
    return "You are muted." if call.leg.leg.muted else ""


def _may_unmute(_calls: PageCalls, call: PageCall, _typed: str) -> str:
    return "" if call.leg.leg.muted else "You are not muted."


def _may_move(calls: PageCalls, call: PageCall, typed: str) -> str:
    """Whether the PBX can be asked to move the call: it is answered and known in the call list."""
    unknown = "" if call.leg.call is not None else "The PBX's list does not show the call."
    return _answered(calls, call, typed) or unknown or ("" if typed else "Type a number.")


def _may_complete(calls: PageCalls, call: PageCall, typed: str) -> str:
    second = calls.second
    if second is None:
        return "That takes a second call."
    return _may_move(calls, call, "-") or _may_move(calls, second, "-")


def _may_press(calls: PageCalls, call: PageCall, typed: str) -> str:
    early = call.leg.leg.outbound and call.state is LegState.EARLY
    return "" if early else _answered(calls, call, typed)


def _press(calls: PageCalls, call: PageCall, digits: str) -> None:
    if _DIGITS.fullmatch(digits):
        calls.press(call, digits)


def _move(command: str) -> Callable[[PageCalls, PageCall, str], object]:
    def move(calls: PageCalls, call: PageCall, to: str) -> None:
        if call.leg.call is not None:
            calls.command(command, call_ref(call.leg.call), to)

    return move


def _complete(calls: PageCalls, call: PageCall, _typed: str) -> None:
    first = calls.second
    if first is not None and first.leg.call is not None and call.leg.call is not None:
        calls.command("transfer", call_ref(first.leg.call), call_ref(call.leg.call))


COMMANDS: dict[str, Button] = {
    "dial": Button(lambda calls, _call, typed: calls.dial(typed), lambda calls, _call, typed: _may_dial(calls, typed)),
    "answer": Button(lambda calls, call, _typed: calls.answer(call), _rings),
    "reject": Button(lambda calls, call, _typed: calls.act(call, "reject", 603), _rings),
    "hangup": Button(lambda calls, call, _typed: calls.act(call, "hangup"), _not_over),
    "hold": Button(lambda calls, call, _typed: calls.act(call, "hold", True), _may_hold),
    "resume": Button(lambda calls, call, _typed: calls.swap(call), _may_resume),
    "mute": Button(lambda calls, call, _typed: calls.act(call, "mute", True), _may_mute),
    "unmute": Button(lambda calls, call, _typed: calls.act(call, "mute", False), _may_unmute),
    "transfer": Button(_move("transfer"), _may_move),
    "park": Button(_move("park"), lambda calls, call, _typed: _may_move(calls, call, "-")),
    "complete": Button(_complete, _may_complete),
    "dtmf": Button(_press, _may_press),
}
