"""What the buttons of the command bar stand for, with what is selected and typed. Pure; sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from pbxnb.model.effects import call_ref
from pbxnb.model.entities import Call, LineState
from pbxnb.protocol.commands import ACTIONS, COMMANDS, Situation, arguments_for, particular
from pbxnb.ui.handle import Handle

from ..grid.tiles import calls_of
from . import attended
from .attended import Attended, Prepared

__all__ = ["ABOUT", "CHOICES", "LABELS", "ROWS", "Typed", "in_sight", "meant", "missing", "prepared", "situation"]

_LIVE = (LineState.LIVE, LineState.STALE)
_FIELDS = {"number": "to", "number or call": "to", "orbit": "orbit", "queue": "queue", "text": "text", "frame": "frame"}


def _labels() -> dict[str, str]:
    found = {}
    for name, action in ACTIONS.items():
        found[name] = action.label
        if name == "transfer":
            found |= attended.LABELS
    return found


LABELS = _labels()
"""Every button with its word, in order: those of the commands, and of the attended transfer after the blind one."""


def _rows() -> list[list[str]]:
    rows: dict[str, list[str]] = {"call": [":picked"], "target": [], "more": []}
    placed: set[str] = set()
    for name in LABELS:
        command = ACTIONS["transfer" if name in attended.LABELS else name].command
        for argument in command.arguments:
            field = argument.name if argument.kind == "choice" else _FIELDS.get(argument.kind, "")
            if field and field not in placed:
                placed.add(field)
                rows[command.group].append(f":{field}")
        rows[command.group].append(name)
    return list(rows.values())


ROWS = _rows()
"""The rows of the bar: names of buttons, and of fields with a colon, each before the first button that needs it."""

CHOICES = {
    one.name: list(one.choices.items()) for row in COMMANDS.values() for one in row.arguments if one.kind == "choice"
}
"""The menus whose entries are always the same."""

ABOUT = {"consult": "target"} | {
    name: "account" if action.command.by == "account" else "target"
    for name, action in ACTIONS.items()
    if action.command.by == "account" or any(_FIELDS.get(one.kind) == "to" for one in action.command.arguments)
}
"""The buttons that say whom they mean: the selected account, or the target."""


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """What the bar's own switch, fields and menus hold."""

    armed: bool = False
    to: str = ""
    text: str = ""
    frame: str = ""
    orbit: str = ""
    queue: str = ""
    when: str = "all"


def situation(
    handle: Handle,
    typed: Typed,
    tiles: Sequence[str],
    chosen: Sequence[str],
    *,
    call: str = "",
    to: str = "",
    own: bool = True,
) -> Situation:
    """Return what decides about the buttons.

    Args:
        handle: the PBX.
        typed: the bar's own.
        tiles: numbers of the selected tiles.
        chosen: ids of the selected calls; without one those of the only tile.
        call: id of a call that stands before them.
        to: a target, or an orbit, that stands before the typed and chosen one.
        own: with no tile of an extension, our own account is meant.
    """
    calls, accounts, orbits, queues = handle.calls, handle.accounts, handle.orbits, handle.queues
    tile = accounts.get(tiles[0]) if len(tiles) == 1 else None
    found = [calls[id_] for id_ in chosen or (tile.calls if tile is not None else ()) if id_ in calls]
    one = calls.get(call) if call else found[0] if len(found) == 1 else None
    target = to or typed.to.strip()
    if not target and tile is not None and (one is None or tile.number not in one.extensions):
        target = tile.number
    whose = accounts.get(handle.user) if own and (tile is None or tile.type != "extensions") else tile
    orbit = orbits.get(to) or orbits.get(typed.orbit) or next(iter(orbits.values()), None)
    queue = queues.get(typed.queue) or next(iter(queues.values()), None)
    unknown = orbit is not None and orbit.source == "unavailable" and not orbit.parked
    return Situation(
        control=handle.control,
        replayed=handle.replayed,
        armed=typed.armed,
        live=handle.status.state in _LIVE,
        user=handle.user,
        call=call_ref(one) if one is not None else None,
        recording=one is not None and bool(one.recording),
        several=len(found) > 1 and not call,
        target=target,
        account=whose.number if whose is not None else "",
        account_type=whose.type if whose is not None else "",
        dnd=whose is not None and bool(whose.dnd),
        orbit=orbit.number if orbit is not None else "",
        parked=None if unknown else orbit is not None and bool(orbit.parked),
        queue=queue.number if queue is not None else "",
        agents={agent.number: agent.logged_in for agent in queue.agents} if queue is not None else {},
        text=typed.text,
        frame=typed.frame,
        options={name: getattr(typed, name) for name in CHOICES},
    )


def missing(name: str, s: Situation, going: Attended | None, calls: Mapping[str, Call]) -> str:
    """Return why a button cannot be pressed with what is selected, whatever the line and the switch say."""
    if name in attended.LABELS:
        return attended.why_not(name, s, going, calls)
    return particular(ACTIONS[name], s)


def in_sight(s: Situation, going: Attended | None, calls: Mapping[str, Call]) -> list[str]:
    """Return the buttons and fields that make sense for what is selected, by their names in `ROWS`.

    Of a call these are the commands that it allows, whatever is typed or chosen for them, and the steps of an attended
    transfer; without one it is dialling.

    Args:
        going: the attended transfer under way.
        calls: the open calls.
    """
    state = s.call.state if s.call is not None else ""
    fits = [
        name
        for name, action in ACTIONS.items()
        if state in action.command.states and (action.command.group != "call" or not missing(name, s, going, calls))
    ]
    return [":picked", ":to", *(fits if state else ["dial"]), "complete", "cancel"]


def prepared(name: str, s: Situation, going: Attended | None, calls: Mapping[str, Call]) -> Prepared | None:
    """Return the command a button stands for, or None while something it needs is not chosen.

    Args:
        going: the attended transfer under way.
        calls: the open calls.
    """
    if name in attended.LABELS:
        return attended.prepared(name, s, going, calls)
    given = arguments_for(ACTIONS[name], s)
    return Prepared(ACTIONS[name].command.name, *given) if given is not None else None


def meant(action: str, number: str, handle: Handle, fits: Callable[[str, str, str], bool]) -> tuple[str, str]:
    """Return the button and the call that a key on a tile means: of its calls, in the tile's order, the first it fits.

    Commands with the same key, such as hold and resume, are told apart by the state of the call.

    Args:
        fits: whether a button can be pressed for a call on a tile.
    """
    account = handle.accounts.get(number)
    mine = calls_of(account, handle.calls) if account is not None else []
    key = ACTIONS[action].command.key if action in ACTIONS else ""
    alike = [name for name, row in COMMANDS.items() if key and row.key == key] or [action]
    pairs = [(next((n for n in alike if str(call.state) in COMMANDS[n].states), action), call.id) for call in mine]
    return next((pair for pair in pairs if fits(*pair, number)), pairs[0] if pairs else (action, ""))
