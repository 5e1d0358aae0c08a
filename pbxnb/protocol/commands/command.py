"""What a row of the table of commands is made of: what it sends, when it is allowed, and the words for both.

`Form` says what is sent (REST and a few socket messages today, socket messages in 2016), `Situation` what is selected
and typed, `Command` is the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from pbxnb.errors import BadCommand

from .. import requests as r
from .. import rest
from .arguments import Argument
from .plans import CallRef, Context, Effect, RestRequest

__all__ = ["Command", "Form", "Given", "Situation", "party_of", "ringing_phone"]

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


# What is selected, and the rules of single commands beyond the state of the call.


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides what can be done.

    Attributes:
        control: the handle takes commands at all.
        replayed: it plays a recording, and nothing can be sent.
        armed: the bar's switch is on.
        live: the line is live.
        user: our extension.
        call: the selected call; None when there is none.
        recording: it is being recorded.
        several: more than one call is selected or could be meant.
        target: number typed or selected on the grid, where a call is to go; empty when there is none.
        account: the number whose own settings are meant; empty when it is not known.
        account_type: what it is, ``extensions`` for a person.
        dnd: it does not want to be disturbed.
        orbit: the chosen orbit; empty when there is none.
        parked: a call lies in it; None where that cannot be read.
        queue: the chosen queue; empty when there is none.
        agents: its agents, each with whether logged in, None where that is not known.
        text: the chat text.
        frame: the text of a free frame.
        options: other choices, by the name of their argument.
    """

    control: bool = True
    replayed: bool = False
    armed: bool = True
    live: bool = True
    user: str = ""
    call: CallRef | None = None
    recording: bool = False
    several: bool = False
    target: str = ""
    account: str = ""
    account_type: str = "extensions"
    dnd: bool = False
    orbit: str = ""
    parked: bool | None = False
    queue: str = ""
    agents: Mapping[str, bool | None] = {}
    text: str = ""
    frame: str = ""
    options: Mapping[str, str] = {}


def party_of(call: CallRef, user: str) -> str:
    """Who acts on a call where nobody is named: us if we are a party, else its first extension, else us."""
    ours = user in call.extensions or user in (call.from_.number, call.to.number)
    return user if ours or not call.extensions else call.extensions[0]


def ringing_phone(call: CallRef, user: str) -> str:
    """The phone that should answer or reject a ringing call, never the one that calls; empty where none is known."""
    ringing = [number for number in call.extensions if number != call.from_.number]
    return user if user in ringing or not ringing else ringing[0]


# Each of the following says why a command cannot be done with what is selected, or nothing. Where it needs a call, an
# orbit or a queue, one is selected.


def goes_out(s: Situation, on: bool | None) -> str:
    """Nobody here is being called."""
    call = s.call
    alone = call is not None and call.extensions and set(call.extensions) <= {call.from_.number}
    return "Nobody here is being called: this call goes out." if alone else ""


def rings_here(s: Situation, on: bool | None) -> str:
    """Our own phone rings: it is answered, not picked up."""
    ours = s.call is not None and s.user in s.call.extensions and s.call.from_.number != s.user
    return goes_out(s, on) or ("It rings at our own phone: answer it." if ours else "")


def in_call(s: Situation, on: bool | None) -> str:
    """The target is a party already."""
    call = s.call
    here = call is not None and (s.target in call.extensions or s.target in (call.from_.number, call.to.number))
    return f"{s.target} is already in this call." if here else ""


def orbit_taken(s: Situation, on: bool | None) -> str:
    """A call lies in the orbit."""
    return f"Orbit {s.orbit} is taken." if s.parked else ""


def orbit_empty(s: Situation, on: bool | None) -> str:
    """No call lies in the orbit; one that cannot be read may well hold one."""
    return f"Nothing is parked in orbit {s.orbit}." if s.parked is False else ""


def no_extension(s: Situation, on: bool | None) -> str:
    """The account is no person's; one whose type is not told may be."""
    told = s.account_type or ("extensions" if s.account else "")
    return "" if told == "extensions" else f"{s.account} is no extension."


def to_itself(s: Situation, on: bool | None) -> str:
    """The account is no person's, or its calls would go on to itself: a selected tile is both account and target."""
    itself = on and s.target == s.account
    return no_extension(s, on) or (f"Type the number that calls to {s.account} are to go on to." if itself else "")


def no_agent(s: Situation, on: bool | None) -> str:
    """The account is no agent of the queue, or one that is logged in or out already."""
    if s.agents and s.account not in s.agents:
        return f"{s.account} is no agent of queue {s.queue}."
    return f"{s.account} is logged {'in' if on else 'out'} already." if s.agents.get(s.account) is on else ""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command.

    Attributes:
        name: as on the handle.
        label: the word on its button.
        arguments: in order.
        by: who acts where nobody is named: ``party`` (us if we are one, else the call's first extension; a panel means
            the phone that rings where it is ``ringing``), ``us``, or ``account`` (us; a panel means the selected one).
        states: of the call in which it is allowed; empty where it needs no call.
        unless: the rule beyond that; the sentence why not.
        effect: what on the model proves it; `pbxnb.model.effects` has one proof for each.
        shows: that effect as a sentence with ``{account}``, ``{to}``, ``{party}``; for switches one for each position.
        destructive: it ends or gives away something that cannot be had back; panels ask first.
        modern, old: what is sent today and in 2016; without the latter the same.
        star: what is sent instead with ``star=True``.
        by_star: it always works by dialling a star code.
        attended: the row that holds instead where ``to`` is a call.
        target: the number it is about, where no argument is that.
        reads: the REST request whose answer shows the effect, where the model does not.
        deadline: seconds to wait for the effect.
        key: pressed on a tile or a row; empty for none.
        off: name and label of the button that turns it off, where a button cannot know which way to turn.
        turns: the fact of a `Situation` that its switch turns, where a button can know.
        labels: the words for on and off on such a button.
        group: where its button stands: with the call's, with those that take a target, or with the rest.
    """

    name: str
    label: str
    arguments: tuple[Argument, ...] = ()
    by: Literal["party", "ringing", "us", "account"] = "party"
    states: tuple[str, ...] = ()
    unless: Callable[[Situation, bool | None], str] | None = None
    effect: Effect
    shows: str | tuple[str, str]
    destructive: bool = False
    modern: Form
    old: Form | None = None
    star: Form | None = None
    by_star: bool = False
    attended: Command | None = None
    target: Callable[[Given], str] | None = None
    reads: Callable[[Given], RestRequest] | None = None
    deadline: float = 5.0
    key: str = ""
    off: tuple[str, str] | None = None
    turns: str = ""
    labels: tuple[str, str] = ("", "")
    group: Literal["call", "target", "more"] = "call"
