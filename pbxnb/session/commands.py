"""The commands of a handle: thin, typed functions over one `command`, which checks, plans and starts.

`Pbx` takes each as a method. Every command starts at once and returns a `Pending` whose result is an `Outcome`. Each
takes, beside its own arguments:

* ``account``: the account that acts; by default us if we are a party of the call, else the first of its extensions.
* ``deadline``: seconds to wait for the effect; 5 by default, 10 for dial, transfer and park.

Each raises `ControlDisabled` on a handle that only looks, and `BadCommand` where the arguments cannot be sent.

What a command sends and what proves it, is `pbxnb.protocol.commands`; sending and watching is the client's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from pbxnb.arguments import helpful_keywords, nearest
from pbxnb.client.commands import Outcome
from pbxnb.errors import BadCommand, ControlDisabled
from pbxnb.model.derive import newest_call
from pbxnb.model.effects import call_ref
from pbxnb.model.entities import Account, Call, Conversation, Orbit, Party, Queue
from pbxnb.protocol.commands import COMMANDS, CallRef, Plan, Preview, plan
from pbxnb.protocol.commands import preview as make_preview

from .line import Line
from .pending import Pending
from .waiting import check_seconds

CallLike = Call | Conversation | str
"""A call, the newest open call of a conversation, or the id of a call."""


class Commanding(Protocol):
    """What a command needs of the handle."""

    control: bool
    replayed: bool
    _line: Line


class Looking(Protocol):
    """A handle that may only look."""

    replayed: bool


def only_looks(handle: Looking, command: str, what: str) -> ControlDisabled:
    """The refusal of a command; ``what`` says what did not happen."""
    if handle.replayed:
        about, hint = "This handle plays a recording", "Connect to the PBX, or simulate one"
    else:
        about, hint = "This handle only looks", "Connect with control=True to allow commands"
    hint += "; preview(...) shows what would be sent."
    return ControlDisabled(f"{about}: {what}.", hint=hint, command=command)


@helpful_keywords
def dial(self: Commanding, to: str, *, account: str | None = None, deadline: float | None = None) -> Pending[Outcome]:
    """Call ``to`` from our phone, or from that of ``account``.

    Example:
        >>> outcome = await pbx.dial("42", account="41")
        >>> outcome.status == "confirmed"
        True
    """
    return command(self, "dial", to, account=account, deadline=deadline)


@helpful_keywords
def answer(
    self: Commanding, call: CallLike, *, account: str | None = None, deadline: float | None = None
) -> Pending[Outcome]:
    """Answer a ringing call.

    Example:
        >>> call = (await pbx.until(lambda pbx: pbx.calls.where(state="ringing"), 60))[0]
        >>> outcome = await pbx.answer(call)
    """
    return command(self, "answer", call, account=account, deadline=deadline)


@helpful_keywords
def reject(
    self: Commanding, call: CallLike, *, account: str | None = None, deadline: float | None = None
) -> Pending[Outcome]:
    """Turn a ringing call away.

    Example:
        >>> call = (await pbx.until(lambda pbx: pbx.calls.where(state="ringing"), 60))[0]
        >>> outcome = await pbx.reject(call)
    """
    return command(self, "reject", call, account=account, deadline=deadline)


@helpful_keywords
def hangup(
    self: Commanding, call: CallLike, *, account: str | None = None, deadline: float | None = None
) -> Pending[Outcome]:
    """End a call.

    Example:
        >>> call = (await pbx.until(lambda pbx: pbx.calls.where(state="connected"), 60))[0]
        >>> outcome = await pbx.hangup(call)
    """
    return command(self, "hangup", call, account=account, deadline=deadline)


@helpful_keywords
def hold(
    self: Commanding, call: CallLike, *, account: str | None = None, deadline: float | None = None
) -> Pending[Outcome]:
    """Put a call on hold.

    Example:
        >>> call = (await pbx.until(lambda pbx: pbx.calls.where(state="connected"), 60))[0]
        >>> outcome = await pbx.hold(call)
    """
    return command(self, "hold", call, account=account, deadline=deadline)


@helpful_keywords
def resume(
    self: Commanding, call: CallLike, *, account: str | None = None, deadline: float | None = None
) -> Pending[Outcome]:
    """Take a call off hold.

    Example:
        >>> call = (await pbx.until(lambda pbx: pbx.calls.where(state="connected"), 60))[0]
        >>> outcome = await pbx.resume(call, deadline=1)
    """
    return command(self, "resume", call, account=account, deadline=deadline)


@helpful_keywords
def transfer(
    self: Commanding, call: CallLike, to: Call | str, *, account: str | None = None, deadline: float | None = None
) -> Pending[Outcome]:
    """Transfer a call: blind to a number, attended to another `Call` of ours.

    Example:
        >>> call = (await pbx.until(lambda pbx: pbx.calls.where(state="connected"), 60))[0]
        >>> outcome = await pbx.transfer(call, "41", deadline=1)
    """
    return command(self, "transfer", call, to, account=account, deadline=deadline)


@helpful_keywords
def park(
    self: Commanding, call: CallLike, orbit: Orbit | str, *, account: str | None = None, deadline: float | None = None
) -> Pending[Outcome]:
    """Park a call in an orbit.

    Example:
        >>> call = (await pbx.until(lambda pbx: pbx.calls.where(state="connected"), 60))[0]
        >>> outcome = await pbx.park(call, "700", deadline=1)
    """
    return command(self, "park", call, orbit, account=account, deadline=deadline)


@helpful_keywords
def retrieve(
    self: Commanding, orbit: Orbit | str, *, account: str | None = None, deadline: float | None = None
) -> Pending[Outcome]:
    """Take the call back that is parked in an orbit.

    Example:
        >>> outcome = await pbx.retrieve("700", deadline=1)
    """
    return command(self, "retrieve", orbit, account=account, deadline=deadline)


@helpful_keywords
def pickup(
    self: Commanding, call: CallLike, *, account: str | None = None, deadline: float | None = None
) -> Pending[Outcome]:
    """Answer a call that rings somewhere else.

    Example:
        >>> call = (await pbx.until(lambda pbx: pbx.calls.where(state="ringing"), 60))[0]
        >>> outcome = await pbx.pickup(call)
    """
    return command(self, "pickup", call, account=account, deadline=deadline)


@helpful_keywords
def record(
    self: Commanding, call: CallLike, on: bool = True, *, account: str | None = None, deadline: float | None = None
) -> Pending[Outcome]:
    """Start or stop recording a call.

    Example:
        >>> call = (await pbx.until(lambda pbx: pbx.calls.where(state="connected"), 60))[0]
        >>> outcome = await pbx.record(call, deadline=1)
    """
    return command(self, "record", call, on, account=account, deadline=deadline)


@helpful_keywords
def dnd(
    self: Commanding, on: bool = True, *, account: str | None = None, deadline: float | None = None
) -> Pending[Outcome]:
    """Set or clear do-not-disturb.

    Example:
        >>> outcome = await pbx.dnd(False, account="45")
    """
    return command(self, "dnd", on, account=account, deadline=deadline)


@helpful_keywords
def chat(
    self: Commanding, to: str, text: str, *, account: str | None = None, deadline: float | None = None
) -> Pending[Outcome]:
    """Send a chat message.

    Example:
        >>> outcome = await pbx.chat("41", "Lunch?")
        >>> outcome.status == "accepted"
        True
    """
    return command(self, "chat", to, text, account=account, deadline=deadline)


@helpful_keywords
def forward(
    self: Commanding,
    to: str | None,
    *,
    when: Literal["all", "busy", "no_answer", "unregistered"] = "all",
    account: str | None = None,
    deadline: float = 5.0,
) -> Pending[Outcome]:
    """Send the calls of an account on to ``to``, always or when it is busy, silent or without a phone; None: no longer.

    Proved by reading the setting back (rest.md 2.8); what the settings mean is an assumption (protocol.md 12.18).

    Example:
        >>> outcome = await pbx.forward("41", when="busy", account="45")
        >>> outcome = await pbx.forward(None, when="busy", account="45")
    """
    return command(self, "forward", to, when=when, account=account, deadline=deadline)


@helpful_keywords
def queue_login(
    self: Commanding,
    queue: Queue | str,
    on: bool = True,
    *,
    account: str | None = None,
    deadline: float | None = None,
) -> Pending[Outcome]:
    """Log in to or out of a queue.

    Example:
        >>> outcome = await pbx.queue_login("600", account="41")
    """
    return command(self, "queue_login", queue, on, account=account, deadline=deadline)


@helpful_keywords
def send(
    self: Commanding, frame: Mapping[str, Any], *, account: str | None = None, deadline: float | None = None
) -> Pending[Outcome]:
    """Send any frame as it is. Nothing can prove its effect: the outcome is *unconfirmed* at once.

    Example:
        >>> outcome = await pbx.send({"action": "get-calls"})
        >>> outcome.status == "unconfirmed"
        True
    """
    return command(self, "send", frame, account=account, deadline=deadline)


def command(self: Commanding, name: str, /, *args: Any, deadline: float | None = None, **kw: Any) -> Pending[Outcome]:
    """Start the command ``name``; the named methods are this with a signature.

    Raises:
        ControlDisabled: this handle only looks.
        BadCommand: the arguments cannot be sent.
        ConfigError: the deadline is no time to wait.
        HandleClosed: the handle is closed.
    """
    if not self.control:
        raise only_looks(self, name, f"{name!r} was not sent")
    self._line.check_open()
    check_seconds("deadline", deadline)
    planned = _plan(self, name, args, kw)
    feed = self._line.feed
    return self._line.submit(lambda: feed.execute(planned, deadline), f"outcome of {name!r}")


def preview(self: Commanding, name: str, /, *args: Any, deadline: float | None = None, **kw: Any) -> Preview:
    """What the command would send, as frames, REST requests, Python and JavaScript; sends nothing.

    Works on any handle, also one that only looks or is closed. ``deadline`` is accepted and changes nothing.

    Example:
        >>> print(pbx.preview("dial", "42", account="41").python)
        await pbx.dial('42', account='41')
    """
    return make_preview(_plan(self, name, args, kw))


def _plan(self: Commanding, name: str, args: tuple[Any, ...], kw: dict[str, Any]) -> Plan:
    account = _named(kw.pop("account", None))
    takes = COMMANDS[name].arguments if name in COMMANDS else ()
    on_call = bool(takes) and takes[0].kind == "call"
    plain = [_call_ref(self, value) if on_call and at == 0 else _named(value) for at, value in enumerate(args)]
    named = {key: _call_ref(self, v) if on_call and key == "call" else _named(v) for key, v in kw.items()}
    with self._line.lock:
        context = self._line.feed.context(account or "")
    return plan(name, *plain, context=context, **named)


def _call_ref(self: Commanding, call: Any) -> Any:
    """The call as a command needs it: as it is now, or as it last was."""
    if isinstance(call, CallRef):
        return call
    calls = self._line.feed.store.calls
    if isinstance(call, Conversation):
        call = newest_call(call, calls)
    found = calls.get(call if isinstance(call, str) else getattr(call, "id", ""))
    if found is None and isinstance(call, str):
        raise BadCommand(f"No call has the id {call!r}{nearest(call, list(calls))}", call=call)
    found = found or call
    return call_ref(found) if isinstance(found, Call) else found


def _named(value: Any) -> Any:
    """Entities stand for their number, a second call for its reference."""
    if isinstance(value, Account | Orbit | Queue | Party):
        return value.number
    return call_ref(value) if isinstance(value, Call) else value  # the plan says what is wrong with it
