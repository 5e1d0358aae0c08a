"""The commands: one row each, read by plans, previews, panels, the handle, the model's proofs and the embedded PBX.

A new command is a row here, its proof in `pbxnb.model.effects` where no present effect is its own, a method of the
embedded PBX, and its method with a signature on the handle. Modern PBXs steer calls by REST and by the few socket
messages a monitor may send; those of 2016 by socket messages (protocol.md 4, rest.md 2.7).
"""

from __future__ import annotations

from .. import requests as r
from .. import rest
from .arguments import Argument
from .command import (
    Command,
    Form,
    Given,
    blind,
    calls,
    goes_out,
    in_call,
    located,
    make_call,
    no_agent,
    no_extension,
    orbit_empty,
    orbit_taken,
    other_party,
    post,
    ring,
    rings_at,
    rings_here,
    steer,
    to_itself,
)
from .plans import Effect, RestRequest

__all__ = ["COMMANDS", "COMMAND_NAMES"]

LONG = 10.0  # seconds for what needs other phones to move: dial, transfer, park

_CALL = Argument("call", "call")
_ON = Argument("on", "switch", True)
_ALL_STATES = ("ringing", "connected", "held", "parked", "other")
_TOGGLES = "One message both holds and resumes: what it does depends on the call's state."
_PICKUP = "{star.pickup} with the extension that rings is this PBX's code for picking up."
_RETRIEVE = "{star.retrieve} is this PBX's code for retrieving."
_WHICH_ID = "Which of the two ids is which is not documented; the call itself is named first."
_FORWARD = "The settings cfa, cfb, cfn and cfr mean all, busy, no answer, unregistered; an empty one means no number."
_WHEN = {
    "all": "all calls", "busy": "when busy", "no_answer": "when not answered", "unregistered": "when not registered",
}  # fmt: skip
_SAME_ID = "The id in the call list is the one this message wants."


def _retrieve_code(g: Given) -> str:
    return g.context.star.retrieve + g.to


def _pickup_code(g: Given) -> str:
    return g.context.star.pickup + g.to


def _att_transfer(g: Given) -> r.Request:
    call, other = g.call, g.values["to"]
    party, second = other_party(call, g.account), other_party(other, g.account)
    return r.AttTransfer(id=other.id, from_=second, id2=call.id, to=party)


def _rec_call(g: Given) -> r.Request:
    return r.RecCall(id=g.call.id, startstop="on" if g.positive else "off")


def _dnd(g: Given) -> RestRequest:
    return post(g, rest.DND, rest.dnd_body(g.positive, g.values["reason"], g.values["expires"]))


def _acd_login(g: Given) -> RestRequest:
    return post(g, rest.QUEUE_LOGIN, rest.login_body(g.positive), group=g.to)


def _forward(g: Given) -> RestRequest:
    return post(g, rest.SETTINGS, rest.forward_body(g.values["when"], g.values["to"]))


def _chat(g: Given) -> RestRequest:
    return post(g, rest.CHAT, rest.chat_body(g.values["text"], g.values["date"]), number=g.to)


def _clear(g: Given) -> r.Request:
    return r.ClearCall(id=g.call.id, connected="false")  # no WebRTC call of ours is up


# fmt: off
_ATTENDED = Command(
    name="transfer", label="Complete", target=lambda g: other_party(g.values["to"], g.account), deadline=LONG,
    effect=Effect.JOINED, shows="{party} and {to} talk to each other; {account} is free.", destructive=True,
    modern=Form(lambda g: calls(g, "transfer", g.call.id, id=g.values["to"].id), assumption=_WHICH_ID),
    old=Form(_att_transfer, assumption="The call is dropped onto the other one, as in the portal of 2016."),
)

_ROWS = (
    Command(
        name="answer", label="Answer", arguments=(_CALL,), by="ringing", states=("ringing",), unless=goes_out, key="a",
        effect=Effect.CONNECTED, shows="The call is connected with {account}.",
        modern=steer("remote-answer"), old=Form(lambda g: r.AcceptCall(id=g.call.id)),
    ),
    Command(
        name="reject", label="Reject", arguments=(_CALL,), by="ringing", states=("ringing",), unless=goes_out, key="x",
        effect=Effect.LEFT_RINGING, shows="The call stops ringing at {account}, or ends.", destructive=True,
        modern=steer("reject"), old=Form(_clear),
    ),
    Command(
        name="hold", label="Hold", arguments=(_CALL,), states=("connected",), key="h",
        effect=Effect.HELD, shows="The call is held by {account}.",
        modern=steer("remote-hold"), old=Form(lambda g: r.HoldCall(id=g.call.id), assumption=_TOGGLES),
    ),
    Command(
        name="resume", label="Resume", arguments=(_CALL,), states=("held",), key="h",
        effect=Effect.RESUMED, shows="The call is connected with {account} again.",
        modern=steer("remote-resume"), old=Form(lambda g: r.HoldCall(id=g.call.id), assumption=_TOGGLES),
    ),
    Command(
        name="pickup", label="Pick up", arguments=(_CALL,), by="us", states=("ringing",), unless=rings_here, key="u",
        effect=Effect.CONNECTED, shows="The call that rings at {to} is connected with {account}.",
        modern=ring(_pickup_code, "D", _PICKUP), old=make_call(_pickup_code, "D", _PICKUP),
        by_star=True, target=rings_at,
    ),
    Command(
        name="record", label="Record", arguments=(_CALL, _ON), states=("connected",), key="r",
        effect=Effect.RECORDING, shows=("The call is recorded from now on.", "The recording of the call ends."),
        modern=Form(_rec_call, "C", _SAME_ID), old=Form(_rec_call),
        turns="recording", labels=("Record", "Stop recording"),
    ),
    Command(
        name="hangup", label="Hang up", arguments=(_CALL,), states=_ALL_STATES, key="Delete",
        effect=Effect.GONE, shows="The call ends.", destructive=True, modern=steer("hangup"), old=Form(_clear),
    ),
    Command(
        name="dial", label="Dial", arguments=(Argument("to", "number"), Argument("name", "word", "", by_name=True)),
        by="us", effect=Effect.NEW_CALL, shows="The phone of {account} rings, then a call to {to} appears.",
        modern=ring(lambda g: g.to), old=make_call(lambda g: g.to), deadline=LONG, key="d", group="target",
    ),
    Command(
        name="transfer", label="Transfer", arguments=(_CALL, Argument("to", "number or call")),
        states=("ringing", "connected", "held"), unless=in_call, key="t", group="target",
        effect=Effect.MOVED, shows="{party} goes to {to}; {account} is free.", destructive=True, deadline=LONG,
        modern=Form(lambda g: blind(g, g.to), "B*", _SAME_ID), old=Form(lambda g: blind(g, g.to)), attended=_ATTENDED,
    ),
    Command(
        name="park", label="Park", states=("connected", "held"), unless=orbit_taken, key="p", group="target",
        arguments=(_CALL, Argument("orbit", "orbit"), Argument("star", "switch", False, by_name=True)),
        effect=Effect.PARKED, shows="The call lies in orbit {to}.", deadline=LONG,
        modern=Form(lambda g: blind(g, g.to), "D", "A blind transfer to an orbit's number parks the call there."),
        star=Form(lambda g: blind(g, g.context.star.park + g.to), "B", "{star.park} is this PBX's code for parking."),
    ),
    Command(
        name="retrieve", label="Retrieve", arguments=(Argument("orbit", "orbit"),), by="us", unless=orbit_empty,
        effect=Effect.CONNECTED, shows="The call parked in orbit {to} is connected with {account}.", group="target",
        modern=ring(_retrieve_code, "B", _RETRIEVE), old=make_call(_retrieve_code, "B", _RETRIEVE), by_star=True,
    ),
    Command(
        name="dnd", label="DND", by="account", unless=no_extension, key="n", group="more",
        arguments=(_ON, Argument("reason", "word", "", by_name=True), Argument("expires", "count", None, by_name=True)),
        effect=Effect.DND, shows=("Do not disturb is on at {account}.", "Do not disturb is off at {account}."),
        modern=Form(_dnd), turns="dnd", labels=("DND on", "DND off"),
    ),
    Command(
        name="forward", label="Forward", by="account", unless=to_itself, group="more",
        arguments=(
            Argument("to", "number", optional=True),
            Argument("when", "choice", "all", by_name=True, choices=_WHEN),
        ),
        effect=Effect.SETTING, reads=lambda g: RestRequest(method="GET", path=located(g, rest.SETTINGS)),
        shows=("Calls to {account} go to {to} ({when}).", "Calls to {account} are no longer forwarded ({when})."),
        modern=Form(_forward, "C", _FORWARD), off=("forward_off", "Stop forwarding"),
    ),
    Command(
        name="queue_login", label="Log in", arguments=(Argument("queue", "queue"), _ON), by="account", unless=no_agent,
        effect=Effect.QUEUE_LOGIN, modern=Form(_acd_login, "A"), off=("queue_logout", "Log out"), group="more",
        shows=("{account} is logged in to queue {to}.", "{account} is logged out of queue {to}."),
    ),
    Command(
        name="chat", label="Chat", by="us", key="m", group="more",
        arguments=(Argument("to", "number"), Argument("text", "text"), Argument("date", "count", None, by_name=True)),
        effect=Effect.ACCEPTED_ONLY, shows="The PBX accepts the message to {to}.", modern=Form(_chat),
        old=Form(
            lambda g: r.ChatRequest(src=g.account, dest=g.to, message=g.values["text"]),
            effect=Effect.NONE, shows="{to} sees the message; nothing comes back that shows it.",
        ),
    ),
    Command(
        name="send", label="Send", arguments=(Argument("frame", "frame"),), by="us", group="more",
        effect=Effect.NONE, shows="Whatever the PBX makes of it; nothing comes back that proves it.", destructive=True,
        modern=Form(lambda g: g.values["frame"], "D"),
    ),
)
# fmt: on

COMMANDS: dict[str, Command] = {row.name: row for row in _ROWS}
COMMAND_NAMES: tuple[str, ...] = tuple(COMMANDS)
