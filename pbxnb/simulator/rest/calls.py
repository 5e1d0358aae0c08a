"""Calls in progress, and what starts and steers them (rest.md 2.2, 2.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pbxnb.protocol import rest as paths
from pbxnb.protocol.commands import COMMANDS

from ..engine.calls import SimCall, SimPhase
from ..engine.pbx import SimPbx
from ..server.answers import text
from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]

CALL_ACTIONS: dict[str, Callable[[SimPbx, str, str], bool]] = {
    row.modern.key: getattr(SimPbx, row.name) for row in COMMANDS.values() if row.modern.key
}
"""What a key of the body does with the call its value names (rest.md 2.7)."""


def get_calls(request: RestRequest) -> object:
    """The account's legs."""
    return [_leg(request, call) for call in request.pbx.calls_of(request.number)]


def _leg(request: RestRequest, call: SimCall) -> dict[str, Any]:
    frames, now, number = request.tenant.frames, request.pbx.clock.now, request.number
    return frames.call(call, frames.variants.fixed, number) | {
        "direction": "outbound" if call.caller.number == number else "inbound",
        "remote": call.other(number).number,
        "duration": round(now - (call.connected or call.started), 3),
        "held": call.phase is SimPhase.HELD,
        "now": frames.time(now, frozenset()),
    }


def post_calls(request: RestRequest) -> object:
    """One key of the body selects the action."""
    pbx, me, body = request.pbx, request.number, request.body
    for key, act in CALL_ACTIONS.items():
        if key in body:
            return act(pbx, text(body, key), me)
    if "transfer" in body and "number" in body:
        return pbx.transfer(text(body, "transfer"), text(body, "number").partition("@")[0], me)
    if "transfer" in body:
        return pbx.attended_transfer(text(body, "transfer"), text(body, "id"), me)
    if "remote-dial" in body:
        return bool(pbx.dial(me, text(body, "remote-dial"), name=text(body, "name")))
    if "comment" in body or "category" in body:
        return pbx.comment(text(body, "id"), text(body, "comment") or text(body, "category"), me)
    return False


ROWS = (
    Resource("GET", paths.CALLS, get_calls, Who.SUPERVISORS, "A", "rest.md 2.2", "the account's calls in progress"),
    Resource(
        "POST", paths.CALLS, post_calls, Who.SUPERVISORS, "A", "rest.md 2.7",
        "dials, answers, holds, transfers, hangs up, or notes a comment: one key selects the action",
    ),
)  # fmt: skip
