"""How a command is said on the wire: REST and a few socket messages today, socket messages in 2016.

The parts that the commands share; which command uses what, the `table` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from pbxnb.errors import BadCommand

from .. import requests as r
from .. import rest
from .plans import CallRef, Context, Effect, RestRequest

__all__ = ["Form", "Given"]

Sent = r.Request | RestRequest | Mapping[str, Any]


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A command as it was given, checked.

    Attributes:
        context: who gives it.
        account: the number that acts.
        values: the arguments by name.
        to: the number, orbit, extension or queue it is about; empty when there is none.
    """

    context: Context
    account: str
    values: Mapping[str, Any]
    to: str = ""

    @property
    def call(self) -> CallRef:
        """The call it is about."""
        call: CallRef = self.values["call"]
        return call

    @property
    def positive(self) -> bool:
        """Whether it sets something; False for a switch turned off, and for a target taken away."""
        value = self.values.get("on", self.values.get("to", True))
        return value is not False and value is not None


class Form(msgspec.Struct, frozen=True):
    """What is sent in one of the vocabularies.

    Attributes:
        make: makes the frame or the REST request.
        certainty: how sure the form is, a grade of protocol.md 1.2.
        assumption: what is taken for granted, one sentence; empty when nothing is.
        effect: what proves it, where that differs from the command's.
        shows: the sentence for it, where that differs.
        key: of the body that selects it, where REST does it to a call (rest.md 2.7).
    """

    make: Callable[[Given], Sent]
    certainty: str = "B"
    assumption: str = ""
    effect: Effect | None = None
    shows: str = ""
    key: str = ""


def other_party(call: CallRef, account: str) -> str:
    """The number on the other side of a call."""
    return (call.to if call.from_.number == account else call.from_).number


def post(g: Given, path: str, body: dict[str, Any], **query: str) -> RestRequest:
    """A REST request of the account that acts; ``path`` is a pattern of `pbxnb.protocol.rest`."""
    return RestRequest(method="POST", path=located(g, path, **query), body=body)


def located(g: Given, path: str, **query: str) -> str:
    """A pattern of `pbxnb.protocol.rest` with what it names of us."""
    ours = {"account": f"{g.account}@{g.context.domain}", "domain": g.context.domain, "number": g.account}
    return rest.url(path, **{name: value for name, value in ours.items() if f"{{{name}}}" in path}, **query)


def calls(g: Given, action: str, value: str, **more: str) -> RestRequest:
    """The REST request that steers a call (rest.md 2.7)."""
    return post(g, rest.CALLS, rest.call_body(action, value, **more))


def steer(key: str) -> Form:
    """By REST, with the key that selects it."""
    return Form(lambda g: calls(g, key, g.call.id), key=key)


def ring(code: Callable[[Given], str], certainty: str = "B", assumption: str = "") -> Form:
    """By REST: the account's desk phone calls a number; nothing else can be dialled from (protocol.md 4.19)."""

    def make(g: Given) -> RestRequest:
        return calls(g, "remote-dial", code(g), name=g.values.get("name") or code(g))

    return Form(make, certainty, assumption)


def make_call(code: Callable[[Given], str], certainty: str = "B", assumption: str = "") -> Form:
    """By a message of 2016: our desk phone calls a number."""
    return Form(lambda g: r.MakeCall(to=code(g)), certainty, assumption)


def blind(g: Given, to: str) -> r.Request:
    """A transfer to a number without asking it first (protocol.md 4.18)."""
    if g.context.dialect == "modern":
        return r.BlindTransfer2(id=g.call.id, from_=g.account, to=to)
    return r.BlindTransfer(id=g.call.id, from_=other_party(g.call, g.account), to=to)


def rings_at(g: Given) -> str:
    """Where a call rings that is to be picked up: not at its caller's, and at ours last.

    Raises:
        BadCommand: nobody knows.
    """
    call, ours = g.call, (g.call.from_.number, g.account)
    elsewhere = [number for number in (*call.extensions, call.to.number) if number and number not in ours]
    if not elsewhere and not call.to.number:
        raise BadCommand(f"It is not known where call {call.id!r} rings.", hint="Dial the pickup code yourself.")
    return elsewhere[0] if elsewhere else call.to.number
