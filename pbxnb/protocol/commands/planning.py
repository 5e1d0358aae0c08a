"""Makes the plan of a command: checks its arguments, says who acts, chooses the vocabulary. Nothing is sent here."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import msgspec

from pbxnb.arguments import nearest
from pbxnb.errors import BadCommand

from ..requests import Request
from .arguments import as_shown, check, dialable
from .command import Command
from .forms import Given, other_party
from .plans import CallRef, Context, Plan, RestRequest
from .situation import party_of
from .table import COMMANDS

__all__ = ["plan"]


def plan(name: str, /, *args: Any, context: Context, **kw: Any) -> Plan:
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
    command = COMMANDS.get(name)
    if command is None:
        raise BadCommand(f"There is no command {name!r}{nearest(str(name), COMMANDS)}", command=name)
    if context.account:
        dialable(context.account, f"account= of {name}")
    signature = inspect.Signature([argument.parameter for argument in command.arguments])
    try:
        bound = signature.bind(*args, **kw)
    except TypeError as error:
        usage = ", ".join(map(str, signature.parameters.values()))
        raise BadCommand(f"{name} cannot be called like this: {error}.", hint=f"It is {name}({usage}).") from None
    given = {key: as_shown(value) for key, value in bound.arguments.items()}
    if context.account:
        given["account"] = context.account
    bound.apply_defaults()
    values = {argument.name: check(argument, bound.arguments[argument.name], name) for argument in command.arguments}
    return _made(command, context, values, given)


def _made(command: Command, context: Context, values: Mapping[str, Any], shown: dict[str, Any]) -> Plan:
    call: CallRef | None = values.get("call")
    to = values.get("to", values.get("orbit", values.get("queue")))
    call2 = to if isinstance(to, CallRef) else None
    if call2 is not None and command.attended is not None:
        if call is not None and call2.id == call.id:
            raise BadCommand("A call cannot be transferred to itself.", hint="Name two different calls.", call=call.id)
        command = command.attended
    acting = context.user if call is None or command.by == "us" else party_of(call, context.user)
    account = context.account or acting
    g = Given(context=context, account=account, values=values, to=to if isinstance(to, str) else "")
    if command.target is not None:
        g = msgspec.structs.replace(g, to=command.target(g))
    star = command.by_star or values.get("star", False)
    form = command.modern if context.dialect == "modern" or command.old is None else command.old
    if values.get("star") and command.star is not None:
        form = command.star
    shows = form.shows or command.shows
    sentence = shows if isinstance(shows, str) else shows[0 if g.positive else 1]
    sent = form.make(g)
    frame = sent.frame() if isinstance(sent, Request) else sent
    return Plan(
        name=command.name,
        args=shown,
        frames=() if isinstance(frame, RestRequest) else (dict(frame),),
        rest=(frame,) if isinstance(frame, RestRequest) else (),
        read=command.reads(g) if command.reads is not None else None,
        effect=form.effect or command.effect,
        effect_text=sentence.format(
            account=account,
            to=g.to,
            party=other_party(call, account) if call else "",
            when=str(values.get("when", "")).replace("_", " "),
        ),
        destructive=command.destructive,
        certainty=form.certainty,
        assumption=form.assumption.format(star=context.star),
        deadline=command.deadline,
        account=account,
        call=call,
        call2=call2,
        to=g.to,
        on=values.get("on"),
        star=star,
    )
