"""From an act of the bar to a command of the handle, its arguments taken from what is selected. Pure; sends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from pbxnb.model.entities import Call

from .attended import Attended
from .enabling import Situation, acting, parse_frame

__all__ = ["Order", "describe", "order", "party_of"]


class Order(msgspec.Struct, frozen=True):
    """A command of the handle, ready to be previewed or started: ``handle.command(name, *args, **kw)``."""

    name: str
    args: tuple[Any, ...] = ()
    kw: dict[str, Any] = {}

    def needs(self) -> str:
        """The id of the call it is about; empty when it is about none."""
        on_call = self.name in _ON_CALL or self.name == "transfer"
        return str(self.args[0]) if on_call and self.args else ""


_ON_CALL = ("answer", "reject", "hold", "resume", "pickup", "hangup", "record", "park")


def party_of(call: Call, user: str) -> str:
    """Return our side of a call: us if we are a party, else the first extension of it, else us."""
    if user in call.extensions or user in (call.from_.number, call.to.number) or not call.extensions:
        return user
    return call.extensions[0]


def order(
    act: str, s: Situation, attended: Attended | None = None, calls: Mapping[str, Call] | None = None
) -> Order | None:
    """Return the command an act stands for, or None while something it needs is not chosen.

    Args:
        act: one of `pbxnb.widgets.enabling.ACTS`.
        s: what is selected and typed.
        attended: the attended transfer under way.
        calls: the open calls; needed to complete it.
    """
    match act:
        case "complete" | "cancel":
            return _of_attended(act, attended, calls or {})
        case "dial":
            return Order("dial", (s.target,)) if s.target else None
        case "retrieve":
            return Order("retrieve", (s.orbit.number,)) if s.orbit else None
        case "dnd":
            return Order("dnd", (not s.acts_as.dnd,), {"account": s.acts_as.number}) if s.acts_as else None
        case "queue_login" | "queue_logout":
            if not s.queue or not s.acts_as:
                return None
            return Order("queue_login", (s.queue.number, act == "queue_login"), {"account": s.acts_as.number})
        case "chat":
            return Order("chat", (s.target, s.text)) if s.target and s.text.strip() else None
        case "send":
            return _frame(s.frame)
    return _on_call(act, s, s.call) if s.call is not None else None


def _on_call(act: str, s: Situation, call: Call) -> Order | None:
    match act:
        case "record":
            return Order("record", (call.id, not call.recording))
        case "transfer":
            return Order("transfer", (call.id, s.target)) if s.target else None
        case "consult":
            return Order("dial", (s.target,), {"account": party_of(call, s.user)}) if s.target else None
        case "park":
            return Order("park", (call.id, s.orbit.number)) if s.orbit else None
    account = acting(act, call, s.user)
    return Order(act, (call.id,), {"account": account} if account else {})


def _of_attended(act: str, attended: Attended | None, calls: Mapping[str, Call]) -> Order | None:
    second = calls.get(attended.second) if attended else None
    if attended is None or second is None:
        return None
    if act == "cancel":
        return Order("hangup", (second.id,), {"account": attended.account})
    return Order("transfer", (attended.first, second), {"account": attended.account})


def _frame(text: str) -> Order | None:
    try:
        return Order("send", (parse_frame(text),))
    except ValueError:
        return None


def describe(preview: Any) -> dict[str, str]:
    """Return a `Preview` as the texts the bar shows: JSON, Python, JavaScript, effect, certainty.

    Args:
        preview: what ``handle.preview`` returned.
    """
    lines = [_json(frame) for frame in preview.frames]
    lines += [f"{request.method} {request.path} {_json(request.body)}" for request in preview.rest]
    return {
        "json": "\n".join(lines),
        "python": preview.python,
        "javascript": preview.javascript,
        "effect": preview.effect,
        "certainty": preview.certainty,
        "assumption": getattr(preview, "assumption", ""),
    }


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
