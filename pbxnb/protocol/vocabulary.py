"""The two vocabularies a command can be said in: REST and a few socket messages today, socket messages in 2016.

The parts that the commands share; which command uses what, `commands` says.
"""

from __future__ import annotations

from typing import Any

import msgspec

from . import requests as r
from . import rest
from .arguments import the_call
from .plans import CallRef, Context, Effect, Plan, RestRequest

__all__ = [
    "LONG",
    "acting",
    "blind_transfer",
    "by_star_code",
    "calls_request",
    "dialling",
    "make_plan",
    "on_call",
    "other_party",
    "user_request",
]

LONG = 10.0  # seconds for what needs other phones to move: dial, transfer, park


def make_plan(
    frames: tuple[r.Request | dict[str, Any], ...] = (), rest: tuple[RestRequest, ...] = (), **kw: Any
) -> Plan:
    """A plan without its name and arguments, which `commands.plan` adds."""
    ready = tuple(frame.frame() if isinstance(frame, r.Request) else frame for frame in frames)
    return Plan(name="", args={}, frames=ready, rest=rest, **kw)


def on_call(context: Context, call: CallRef, key: str, kind: type[r.Request], *, effect_text: str, **kw: Any) -> Plan:
    """A command that names one call and no more."""
    account = acting(context, the_call(call, key.removeprefix("remote-")))
    frames: tuple[r.Request, ...] = ()
    asked: tuple[RestRequest, ...] = ()
    if context.dialect == "modern":
        asked = (calls_request(context, account, key, call.id),)
    elif kind is r.ClearCall:
        frames = (r.ClearCall(id=call.id, connected="false"),)  # no WebRTC call of ours is up
    else:
        frames = (msgspec.convert({"id": call.id}, kind),)
    toggles = bool(frames) and kind is r.HoldCall
    return make_plan(
        frames,
        asked,
        effect_text=effect_text.format(account=account),
        certainty="B",
        assumption="One message both holds and resumes: what it does depends on the call's state." if toggles else "",
        account=account,
        call=call,
        **kw,
    )


def blind_transfer(context: Context, call: CallRef, to: str, account: str) -> Plan:
    """A transfer to a number without asking it first (protocol.md 4.18)."""
    modern = context.dialect == "modern"
    frame: r.Request = (
        r.BlindTransfer2(id=call.id, from_=account, to=to)
        if modern
        else r.BlindTransfer(id=call.id, from_=other_party(call, account), to=to)
    )
    return make_plan(
        (frame,),
        effect=Effect.MOVED,
        effect_text=f"{other_party(call, account)} goes to {to}; {account} is free.",
        destructive=True,
        certainty="B*" if modern else "B",
        assumption="The id in the call list is the one this message wants." if modern else "",
        deadline=LONG,
        account=account,
        call=call,
        to=to,
    )


def by_star_code(context: Context, code: str, *, effect_text: str, **kw: Any) -> Plan:
    """A command that works by dialling a code from our own phone."""
    account = context.account or context.user
    text = effect_text.format(account=account)
    return make_plan(
        *dialling(context, account, code, code),
        effect=Effect.CONNECTED,
        effect_text=text,
        account=account,
        star=True,
        **kw,
    )


def dialling(
    context: Context, account: str, number: str, name: str
) -> tuple[tuple[r.Request, ...], tuple[RestRequest, ...]]:
    """What makes the account's desk phone call a number: nothing else can be dialled from (protocol.md 4.19)."""
    if context.dialect == "modern":
        return (), (calls_request(context, account, "remote-dial", number, name=name),)
    return (r.MakeCall(to=number),), ()


def calls_request(context: Context, account: str, action: str, value: str, **more: str) -> RestRequest:
    """The REST request that steers a call."""
    return user_request(context, account, rest.CALLS, rest.call_body(action, value, **more))


def user_request(context: Context, account: str, path: str, body: dict[str, Any], **query: str) -> RestRequest:
    """A REST request of one account."""
    return RestRequest(method="POST", path=rest.url(path, account=f"{account}@{context.domain}", **query), body=body)


def acting(context: Context, call: CallRef) -> str:
    """Who acts: as told, else us if we are a party, else the first extension of the call, else us."""
    if context.account:
        return context.account
    ours = context.user in call.extensions or context.user in (call.from_.number, call.to.number)
    return context.user if ours or not call.extensions else call.extensions[0]


def other_party(call: CallRef, account: str) -> str:
    """The number on the other side of a call."""
    return (call.to if call.from_.number == account else call.from_).number
