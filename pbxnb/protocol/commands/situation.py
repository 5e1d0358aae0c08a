"""What is selected and typed, in plain words, and the rules of single commands beyond the state of the call. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from .plans import CallRef

__all__ = ["Situation", "party_of", "ringing_phone"]


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides what can be done.

    Attributes:
        control: the handle takes commands at all.
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
    """The account is no person's."""
    return "" if s.account_type == "extensions" else f"{s.account} is no extension."


def no_agent(s: Situation, on: bool | None) -> str:
    """The account is no agent of the queue, or one that is logged in or out already."""
    if s.agents and s.account not in s.agents:
        return f"{s.account} is no agent of queue {s.queue}."
    return f"{s.account} is logged {'in' if on else 'out'} already." if s.agents.get(s.account) is on else ""
