"""An attended transfer in three visible steps: consult, both calls in view, complete or back. Pure; sends nothing."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pbxnb.model.entities import Call, CallState

__all__ = ["STEPS", "Attended"]

STEPS = ("Consult", "Both calls in view", "Complete or go back")

_SAY = {
    CallState.RINGING: "rings",
    CallState.CONNECTED: "talks to us",
    CallState.HELD: "is on hold",
    CallState.PARKED: "is parked",
    CallState.OTHER: "is there",
}


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
    def begin(cls, first: Call, target: str, account: str, calls: Mapping[str, Call]) -> Attended:
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
        return 0 if state is None else 2 if state in (CallState.CONNECTED, CallState.HELD) else 1

    def lines(self, calls: Mapping[str, Call]) -> tuple[str, str]:
        """One line for each of the two calls, for people."""
        first = calls.get(self.first)
        other = "" if first is None else (first.to if first.from_.number == self.account else first.from_).number
        one = f"{other or 'The caller'} {_SAY[first.state]}" if first else "The first call has ended"
        state = self.consulted(calls)
        return one, f"{self.target} {_SAY[state]}" if state else f"{self.target} is being called"
