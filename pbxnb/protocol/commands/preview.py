"""A plan printed for people: as JSON, as a line of Python, as JavaScript. Sends nothing.

The texts of strangers stand in it only inside quoted strings, so none of them can become code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from .plans import Plan, RestRequest
from .table import COMMANDS

__all__ = ["Preview", "preview"]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
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
