"""What can be done with what is selected, the sentence why not, and the arguments that follow from it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from .arguments import Argument, parse_frame
from .command import Command, Situation, ringing_phone
from .table import COMMANDS

__all__ = ["ACTIONS", "Action", "arguments_for", "general", "keys", "particular", "why_not"]

_STATES = {
    "ringing": "rings",
    "connected": "is connected",
    "held": "is on hold",
    "parked": "is parked",
    "other": "is in a state we do not know",
}
_NO_ACCOUNT = "Our own account is not known yet; select an extension on the grid."


class Action(msgspec.Struct, frozen=True):
    """A button: a command, and for a switch with a button for each position which one.

    Attributes:
        name: of the command, or of this position of its switch.
        label: the word on the button.
        on: the position; None where the command has no switch, or what is selected decides.
    """

    name: str
    label: str
    command: Command
    on: bool | None = None


def _actions() -> list[Action]:
    found = []
    for command in COMMANDS.values():
        found.append(Action(command.name, command.label, command, True if command.off else None))
        if command.off:
            found.append(Action(*command.off, command, False))
    return found


ACTIONS: dict[str, Action] = {action.name: action for action in _actions()}
"""Every action by name, in order of the table."""


def why_not(action: Action, s: Situation) -> str:
    """Why an action cannot be done, one sentence; empty where it can."""
    return general(s) or particular(action, s)


def general(s: Situation) -> str:
    """Why nothing can be sent now, whatever is selected; empty where it can."""
    if s.replayed:
        return "This handle plays a recording; commands need a PBX."
    if not s.control:
        return "This handle only looks; connect with control=True to allow commands."
    if not s.live:
        return "The line is not live."
    return "" if s.armed else "The bar is not armed; switch it on to send."


def particular(action: Action, s: Situation, states: tuple[str, ...] | None = None) -> str:
    """What is missing for an action, or forbids it, with what is selected.

    Args:
        states: the states of the call in which it is allowed, where they are not the command's.
    """
    command = action.command
    for argument in command.arguments:
        if argument.kind == "call" and s.call is None:
            return "Select one of its calls." if s.several else "Select a call."
        if argument.kind == "call" and s.call is not None and s.call.state not in (states or command.states):
            return f"The call {_STATES.get(s.call.state, _STATES['other'])}."
        if not argument.by_name and not _optional(argument, action) and (missing := _missing(argument, s)):
            return missing
    if command.by == "account" and not s.account:
        return _NO_ACCOUNT
    return command.unless(s, action.on) if command.unless is not None else ""


def _optional(argument: Argument, action: Action) -> bool:
    return argument.optional and action.on is False


def _missing(argument: Argument, s: Situation) -> str:
    match argument.kind:
        case "number" | "number or call":
            return "" if s.target else "Type a number, or select an extension on the grid."
        case "orbit" | "queue":
            chosen = s.orbit if argument.kind == "orbit" else s.queue
            return "" if chosen else f"Choose {'an' if argument.kind == 'orbit' else 'a'} {argument.kind}."
        case "text":
            return "" if s.text.strip() else "Write a message."
        case "frame":
            try:
                parse_frame(s.frame)
            except ValueError as error:
                return str(error)
    return ""


def arguments_for(action: Action, s: Situation) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """The arguments an action takes from what is selected and typed; None while one is missing.

    Example:
        >>> arguments_for(ACTIONS["dnd"], Situation(account="204", dnd=False))
        ((True,), {'account': '204'})
    """
    command = action.command
    args, kw = [], {}
    for argument in command.arguments:
        if argument.by_name:
            if argument.name in s.options:
                kw[argument.name] = s.options[argument.name]
            continue
        value = None if _optional(argument, action) else _VALUES[argument.kind](action, s)
        if value is None and not _optional(argument, action):
            return None
        args.append(value)
    account = s.account if command.by == "account" else ""
    if command.by == "ringing" and s.call is not None:
        account = ringing_phone(s.call, s.user)
    if command.by == "account" and not account:
        return None
    return tuple(args), kw | ({"account": account} if account else {})


def _switch(action: Action, s: Situation) -> bool:
    """The button's own position, or the other one than now."""
    return action.on if action.on is not None else not getattr(s, action.command.turns)


def _frame(action: Action, s: Situation) -> dict[str, Any] | None:
    try:
        return parse_frame(s.frame)
    except ValueError:
        return None


_VALUES: dict[str, Callable[[Action, Situation], Any]] = {
    "call": lambda _, s: s.call.id if s.call is not None else None,
    "number": lambda _, s: s.target or None,
    "number or call": lambda _, s: s.target or None,
    "orbit": lambda _, s: s.orbit or None,
    "queue": lambda _, s: s.queue or None,
    "text": lambda _, s: s.text if s.text.strip() else None,
    "switch": _switch,
    "frame": _frame,
}


def keys(*, on_calls: bool = False) -> list[tuple[str, str, tuple[str, ...]]]:
    """The keys of tiles and rows: key, command, and the states of the call in which the key means it.

    Args:
        on_calls: only those of commands about a call.
    """
    rows = [row for row in COMMANDS.values() if row.key and (row.states or not on_calls)]
    return [(row.key, row.name, row.states) for row in rows]
