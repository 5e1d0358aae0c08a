"""Makes plans of commands: checks arguments, chooses the vocabulary, names the proof (protocol.md 4, rest.md 2.7).

Modern PBXs steer calls by REST and by the few socket messages a monitor may send; those of 2016 by socket messages.
Pure: nothing is sent here, and no clock is read.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from pbxnb.errors import BadCommand

from . import requests as r
from . import rest
from .arguments import as_shown, dialable, message_text, switch, the_call
from .plans import CallRef, Context, Effect, Plan, RestRequest, StarCodes
from .preview import Preview, preview
from .vocabulary import (
    LONG,
    acting,
    blind_transfer,
    by_star_code,
    calls_request,
    dialling,
    make_plan,
    on_call,
    other_party,
    user_request,
)

__all__ = [
    "COMMAND_NAMES",
    "CallRef",
    "Context",
    "Effect",
    "Plan",
    "Preview",
    "RestRequest",
    "StarCodes",
    "plan",
    "preview",
]


def plan(name: str, *args: Any, context: Context, **kw: Any) -> Plan:
    """Makes the plan of one command.

    Args:
        name: one of `COMMAND_NAMES`.
        *args: the command's arguments; calls as `CallRef`, numbers as text.
        context: who gives it, in which vocabulary.
        **kw: the same by name, and the rarer options.

    Raises:
        BadCommand: unknown command, wrong arguments, a number that cannot be dialled.

    Example:
        >>> me = Context(domain="acme.example", user="204")
        >>> plan("dial", "207", context=me).rest[0].path
        '/rest/user/204@acme.example/calls'
    """
    make = _COMMANDS.get(name)
    if make is None:
        near = difflib.get_close_matches(str(name), _COMMANDS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"The commands are {', '.join(_COMMANDS)}."
        raise BadCommand(f"There is no command {name!r}.", hint=hint, command=name)
    if context.account:
        dialable(context.account, f"account= of {name}")
    signature = inspect.signature(make)
    try:
        bound = signature.bind(context, *args, **kw)
    except TypeError as error:
        usage = ", ".join(str(part.replace(annotation=part.empty)) for part in list(signature.parameters.values())[1:])
        raise BadCommand(f"{name} cannot be called like this: {error}.", hint=f"It is {name}({usage}).") from None
    made = make(*bound.args, **bound.kwargs)
    given = {key: as_shown(value) for key, value in bound.arguments.items() if key != "context"}
    if context.account:
        given["account"] = context.account
    return msgspec.structs.replace(made, name=name, args=given)


def _dial(context: Context, to: str, *, name: str = "") -> Plan:
    number = dialable(to, "dial")
    account = context.account or context.user
    return make_plan(
        *dialling(context, account, number, name or number),
        effect=Effect.NEW_CALL,
        effect_text=f"The phone of {account} rings, then a call to {number} appears.",
        certainty="B",
        deadline=LONG,
        account=account,
        to=number,
    )


def _answer(context: Context, call: CallRef) -> Plan:
    return on_call(
        context,
        call,
        "remote-answer",
        r.AcceptCall,
        effect=Effect.CONNECTED,
        effect_text="The call is connected with {account}.",
    )


def _reject(context: Context, call: CallRef) -> Plan:
    return on_call(
        context,
        call,
        "reject",
        r.ClearCall,
        effect=Effect.LEFT_RINGING,
        effect_text="The call stops ringing at {account}, or ends.",
        destructive=True,
    )


def _hangup(context: Context, call: CallRef) -> Plan:
    return on_call(
        context, call, "hangup", r.ClearCall, effect=Effect.GONE, effect_text="The call ends.", destructive=True
    )


def _hold(context: Context, call: CallRef) -> Plan:
    return on_call(
        context, call, "remote-hold", r.HoldCall, effect=Effect.HELD, effect_text="The call is held by {account}."
    )


def _resume(context: Context, call: CallRef) -> Plan:
    return on_call(
        context,
        call,
        "remote-resume",
        r.HoldCall,
        effect=Effect.RESUMED,
        effect_text="The call is connected with {account} again.",
    )


def _transfer(context: Context, call: CallRef, to: str | CallRef) -> Plan:
    account = acting(context, the_call(call, "transfer"))
    if not isinstance(to, CallRef):
        return blind_transfer(context, call, dialable(to, "transfer"), account)
    if to.id == call.id:
        raise BadCommand("A call cannot be transferred to itself.", hint="Name two different calls.", call=call.id)
    one, other = other_party(call, account), other_party(to, account)
    frame = r.AttTransfer(id=to.id, from_=other, id2=call.id, to=one)
    modern = context.dialect == "modern"
    return make_plan(
        () if modern else (frame,),
        (calls_request(context, account, "transfer", call.id, id=to.id),) if modern else (),
        effect=Effect.JOINED,
        effect_text=f"{one} and {other} talk to each other; {account} is free.",
        destructive=True,
        certainty="B",
        assumption="Which of the two ids is which is not documented; the call itself is named first."
        if modern
        else "The call is dropped onto the other one, as in the portal of 2016.",
        deadline=LONG,
        account=account,
        call=call,
        call2=to,
        to=other,
    )


def _park(context: Context, call: CallRef, orbit: str, *, star: bool = False) -> Plan:
    number = dialable(orbit, "park")
    account = acting(context, the_call(call, "park"))
    made = blind_transfer(context, call, f"{context.star.park}{number}" if switch(star, "park") else number, account)
    return msgspec.structs.replace(
        made,
        effect=Effect.PARKED,
        effect_text=f"The call lies in orbit {number}.",
        destructive=False,
        certainty="B" if star else "D",
        assumption=f"{context.star.park} is this PBX's code for parking."
        if star
        else "A blind transfer to an orbit's number parks the call there.",
        to=number,
        star=star,
    )


def _retrieve(context: Context, orbit: str) -> Plan:
    number = dialable(orbit, "retrieve")
    return by_star_code(
        context,
        context.star.retrieve + number,
        effect_text=f"The call parked in orbit {number} is connected with {{account}}.",
        certainty="B",
        assumption=f"{context.star.retrieve} is this PBX's code for retrieving.",
        to=number,
    )


def _pickup(context: Context, call: CallRef) -> Plan:
    the_call(call, "pickup")
    ours = (call.from_.number, context.account or context.user)
    elsewhere = [number for number in (*call.extensions, call.to.number) if number and number not in ours]
    rings = elsewhere[0] if elsewhere else call.to.number
    if not rings:
        raise BadCommand(f"It is not known where call {call.id!r} rings.", hint="Dial the pickup code yourself.")
    return by_star_code(
        context,
        context.star.pickup + rings,
        effect_text=f"The call that rings at {rings} is connected with {{account}}.",
        certainty="D",
        assumption=f"{context.star.pickup} with the extension that rings is this PBX's code for picking up.",
        to=rings,
        call=call,
    )


def _record(context: Context, call: CallRef, on: bool = True) -> Plan:
    account = acting(context, the_call(call, "record"))
    modern = context.dialect == "modern"
    return make_plan(
        (r.RecCall(id=call.id, startstop="on" if switch(on, "record") else "off"),),
        effect=Effect.RECORDING,
        effect_text="The call is recorded from now on." if on else "The recording of the call ends.",
        certainty="C" if modern else "B",
        assumption="The id in the call list is the one this message wants." if modern else "",
        account=account,
        call=call,
        on=on,
    )


def _dnd(context: Context, on: bool = True, *, reason: str = "", expires: float | None = None) -> Plan:
    account = context.account or context.user
    body = rest.dnd_body(switch(on, "dnd"), message_text(reason, "dnd") if reason else "", expires)
    return make_plan(
        rest=(user_request(context, account, rest.DND, body),),
        effect=Effect.DND,
        effect_text=f"Do not disturb is {'on' if on else 'off'} at {account}.",
        certainty="B",
        account=account,
        on=on,
    )


def _chat(context: Context, to: str, text: str, *, date: int | None = None) -> Plan:
    number = dialable(to, "chat")
    message = message_text(text, "chat")
    account = context.account or context.user
    if context.dialect == "2016":
        return make_plan(
            (r.ChatRequest(src=account, dest=number, message=message),),
            effect=Effect.NONE,
            effect_text=f"{number} sees the message; nothing comes back that shows it.",
            certainty="B",
            account=account,
            to=number,
        )
    return make_plan(
        rest=(user_request(context, account, rest.CHAT, rest.chat_body(message, date), number=number),),
        effect=Effect.ACCEPTED_ONLY,
        effect_text=f"The PBX accepts the message to {number}.",
        certainty="B",
        account=account,
        to=number,
    )


def _queue_login(context: Context, queue: str, on: bool = True) -> Plan:
    number = dialable(queue, "queue_login")
    account = context.account or context.user
    path = rest.url(rest.QUEUE_LOGIN, domain=context.domain, number=account, group=number)
    return make_plan(
        rest=(RestRequest(method="POST", path=path, body=rest.login_body(switch(on, "queue_login"))),),
        effect=Effect.QUEUE_LOGIN,
        effect_text=f"{account} is logged {'in to' if on else 'out of'} queue {number}.",
        certainty="A",
        account=account,
        to=number,
        on=on,
    )


def _send(context: Context, frame: Mapping[str, Any]) -> Plan:
    if not isinstance(frame, Mapping) or not frame or not all(isinstance(key, str) for key in frame):
        raise BadCommand("send takes one JSON object.", hint='For example {"action": "get-calls"}.')
    try:
        body = msgspec.json.decode(msgspec.json.encode(dict(frame)))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise BadCommand(
            f"The frame cannot be written as JSON: {error}.", hint="Use texts, numbers and lists."
        ) from None
    return make_plan(
        (body,),
        effect=Effect.NONE,
        effect_text="Whatever the PBX makes of it; nothing comes back that proves it.",
        destructive=True,
        certainty="D",
        account=context.account or context.user,
    )


_COMMANDS: dict[str, Callable[..., Plan]] = {
    "dial": _dial,
    "answer": _answer,
    "reject": _reject,
    "hangup": _hangup,
    "hold": _hold,
    "resume": _resume,
    "transfer": _transfer,
    "park": _park,
    "retrieve": _retrieve,
    "pickup": _pickup,
    "record": _record,
    "dnd": _dnd,
    "chat": _chat,
    "queue_login": _queue_login,
    "send": _send,
}
COMMAND_NAMES: tuple[str, ...] = tuple(_COMMANDS)
