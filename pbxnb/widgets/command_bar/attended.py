"""An attended transfer in three visible steps: consult, both calls in view, complete or back. Pure; sends nothing.

Each step is one command of the handle or two: hold and dial, transfer, hang up and resume.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from pbxnb.model.entities import Call, CallState
from pbxnb.protocol.commands import ACTIONS, COMMANDS, CallRef, Situation, particular, party_of

__all__ = ["LABELS", "STEPS", "Attended", "Prepared", "prepared", "why_not"]

LABELS = {"consult": "Consult", "complete": "Complete", "cancel": "Back to first"}
"""The buttons beside those of the commands, with their words."""

STEPS = ("Consult", "Both calls in view", "Complete or go back")

_ANSWERED = (CallState.CONNECTED, CallState.HELD)
_WORDS = {
    CallState.RINGING: "rings",
    CallState.CONNECTED: "talks to us",
    CallState.HELD: "is on hold",
    CallState.PARKED: "is parked",
    CallState.OTHER: "is there",
}


class Prepared(msgspec.Struct, frozen=True):
    """A command of the handle, ready to be previewed or started: ``handle.command(name, *args, **kw)``."""

    name: str
    args: tuple[Any, ...] = ()
    kw: dict[str, Any] = {}

    @property
    def call(self) -> str:
        """The id of the call it is about; empty when it is about none."""
        takes = COMMANDS[self.name].arguments
        return str(self.args[0]) if takes[0].kind == "call" and self.args else ""


class Attended(msgspec.Struct, frozen=True, kw_only=True):
    """One such transfer; a change makes a new value.

    Attributes:
        first: id of the call to be transferred.
        account: the extension that transfers, and makes the consultation call.
        target: the number consulted.
        before: ids of the calls there were when it began: the consultation call is none of them.
        second: id of the consultation call; empty until it shows.
        over: the sentence why it ended by itself; empty while it goes on.
    """

    first: str
    account: str
    target: str
    before: frozenset[str]
    second: str = ""
    over: str = ""

    @classmethod
    def begin(cls, first: Call | CallRef, target: str, account: str, calls: Mapping[str, Call]) -> Attended:
        """Begin one; the caller holds ``first`` and dials ``target`` from ``account``."""
        return cls(first=first.id, account=account, target=target, before=frozenset(calls))

    def advance(self, calls: Mapping[str, Call]) -> Attended:
        """Return it as the open calls now show it."""
        if self.over:
            return self
        if self.first not in calls:
            return msgspec.structs.replace(self, over="The first call has ended.")
        if not self.second:
            found = next((call.id for call in calls.values() if self._consults(call)), "")
            return msgspec.structs.replace(self, second=found) if found else self
        if self.second not in calls:
            return msgspec.structs.replace(
                self, over=f"The call to {self.target} has ended; the first one is still there."
            )
        return self

    def _consults(self, call: Call) -> bool:
        if call.id in self.before:
            return False
        ours = self.account == call.from_.number or self.account in call.extensions
        return ours and (self.target == call.to.number or self.target in call.extensions)

    def consulted(self, calls: Mapping[str, Call]) -> CallState | None:
        """The state of the consultation call; None while there is none."""
        call = calls.get(self.second)
        return None if call is None else call.state

    def step(self, calls: Mapping[str, Call]) -> int:
        """Which of `STEPS` it is at: 0, 1 or 2."""
        state = self.consulted(calls)
        return 0 if state is None else 2 if state in _ANSWERED else 1

    def lines(self, calls: Mapping[str, Call]) -> tuple[str, str]:
        """One line for each of the two calls, for people."""
        first = calls.get(self.first)
        other = "" if first is None else (first.to if first.from_.number == self.account else first.from_).number
        one = f"{other or 'The caller'} {_WORDS[first.state]}" if first else "The first call has ended"
        state = self.consulted(calls)
        return one, f"{self.target} {_WORDS[state]}" if state else f"{self.target} is being called"


def why_not(step: str, s: Situation, attended: Attended | None, calls: Mapping[str, Call]) -> str:
    """Why a step of `LABELS` cannot be done, one sentence; empty where it can."""
    going = attended is not None and not attended.over
    if step == "consult":
        if going:
            return "A consultation is under way."
        return particular(ACTIONS["transfer"], s, ("connected", "held"))
    if attended is None or not going:
        return "Consult somebody first." if step == "complete" else "No consultation is under way."
    state = attended.consulted(calls)
    if step == "cancel":
        return ""
    if state is None:
        return "The consultation call has not come up yet."
    return "" if state in _ANSWERED else "The other side has not answered yet."


def prepared(step: str, s: Situation, attended: Attended | None, calls: Mapping[str, Call]) -> Prepared | None:
    """The command of a step, or None while something it needs is not there; the first of two, where there are two."""
    if step == "consult":
        if s.call is None or not s.target:
            return None
        return Prepared("dial", (s.target,), {"account": party_of(s.call, s.user)})
    second = calls.get(attended.second) if attended is not None else None
    if attended is None or second is None:
        return None
    if step == "cancel":
        return Prepared("hangup", (second.id,), {"account": attended.account})
    return Prepared("transfer", (attended.first, second), {"account": attended.account})
