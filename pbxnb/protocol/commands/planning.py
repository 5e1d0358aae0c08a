"""Makes the plan of a command, and prints plans for people: as JSON, as a line of Python, as JavaScript. Sends nothing.

In a printed plan the texts of strangers stand only inside quoted strings, so none of them can become code.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from pbxnb import markup
from pbxnb.arguments import nearest
from pbxnb.errors import BadCommand
from pbxnb.shown import Shown, counted, said
from pbxnb.text import LONGEST, clean, escaped

from ..requests import Request
from .arguments import as_shown, check, dialable
from .command import Command, Given, other_party, party_of
from .plans import CallRef, Context, Plan, RestRequest
from .table import COMMANDS

__all__ = ["Preview", "plan", "preview"]


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
        effect_text=clean(
            sentence.format(
                account=account,
                to=g.to,
                party=other_party(call, account) if call else "",
                **{one.name: one.choices[values[one.name]] for one in command.arguments if one.choices},
            ),
            LONGEST,
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


class Preview(Shown, frozen=True, kw_only=True):
    """What a command would send.

    Attributes:
        frames: socket frames, in order.
        rest: REST requests after them, in order.
        python: the call on the handle, for a cell.
        javascript: the same by the browser's own means: ``socket`` is an open WebSocket, REST goes by ``fetch``.
        effect: what will prove it, one sentence.
        destructive: whether panels ask first.
        certainty: a grade of protocol.md 1.2.
        assumption: what is taken for granted; empty when nothing is.
    """

    frames: tuple[dict[str, Any], ...]
    rest: tuple[RestRequest, ...]
    python: str
    javascript: str
    effect: str
    destructive: bool
    certainty: str
    assumption: str = ""

    @property
    def json(self) -> str:
        """Everything as indented JSON text."""
        return _json(msgspec.to_builtins(self), indent=2)

    def _sentence(self) -> str:
        return said(f"Preview of {self.python}", counted(self.frames, "frame"), counted(self.rest, "REST request"))

    def _repr_html_(self) -> str:
        return markup.json(escaped(self.json))


def preview(plan: Plan, handle_name: str = "pbx") -> Preview:
    """Prints a plan.

    Args:
        plan: made by `commands.plan`.
        handle_name: the variable that holds the handle in the Python line.

    Example:
        >>> from pbxnb.protocol.commands import Context, plan
        >>> print(preview(plan("send", {"action": "get-calls"}, context=Context(domain="d", user="1"))).javascript)
        socket.send(JSON.stringify({"action": "get-calls"}));
    """
    lines = [f"socket.send(JSON.stringify({_json(frame)}));" for frame in plan.frames]
    lines += map(_fetch, plan.rest)
    return Preview(
        frames=plan.frames,
        rest=plan.rest,
        python=f"await {handle_name}.{plan.name}({', '.join(_arguments(plan, handle_name))})",
        javascript="\n".join(lines),
        effect=plan.effect_text,
        destructive=plan.destructive,
        certainty=plan.certainty,
        assumption=plan.assumption,
    )


def _arguments(plan: Plan, handle_name: str) -> Iterator[str]:
    by_position = {argument.name for argument in COMMANDS[plan.name].arguments if not argument.by_name}
    for key, value in plan.args.items():
        if key == "to" and plan.call2 is not None:
            yield f"{handle_name}.calls[{value!a}]"
        elif key not in by_position:
            yield f"{key}={value!a}"
        else:
            yield ascii(value)


def _fetch(request: RestRequest) -> str:
    headers = '{"Content-Type": "application/json"}'
    options = f"method: {_json(request.method)}, headers: {headers}, body: JSON.stringify({_json(request.body)})"
    return f"await fetch({_json(request.path)}, {{{options}}});"


def _json(value: Any, indent: int | None = None) -> str:
    # Pure ASCII and no "<": safe in a terminal, in a script element, and against letters that turn the text around.
    return json.dumps(value, indent=indent, ensure_ascii=True).replace("<", "\\u003c")
