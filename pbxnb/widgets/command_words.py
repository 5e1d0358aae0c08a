"""The words of the command bar: its subject, the steps of an attended transfer, how a command went. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from pbxnb.model.entities import Account, Call, Party
from pbxnb.ui.handle import Handle
from pbxnb.ui.text import clean, party_text

from .attended import STEPS, Attended
from .enabling import LABELS, Situation
from .orders import Order

__all__ = ["asked", "steps", "subject", "told"]


def subject(situation: Situation, accounts: Mapping[str, Account]) -> list[str]:
    """Return state, caller, called party and id of the selected call; an empty state where there is none."""
    call = situation.call
    if call is None:
        return ["", "Several calls: select one" if situation.several else "No call selected", "", ""]
    return [str(call.state), _named(call.from_, accounts), _named(call.to, accounts), call.id]


def asked(act: str, wanted: Order, handle: Handle) -> str:
    """Return what a question asks: the word on the button and the call, which need not be the selected one."""
    call = handle.calls.get(wanted.needs())
    if call is None:
        return LABELS[act]
    return f"{LABELS[act]} {_named(call.from_, handle.accounts)} → {_named(call.to, handle.accounts)}"


def steps(attended: Attended | None, calls: Mapping[str, Call]) -> dict[str, Any] | None:
    """Return the steps, where it stands, a line for each call, and why it is over; None where there is none."""
    if attended is None:
        return None
    return {
        "steps": list(STEPS),
        "at": attended.step(calls),
        "lines": [clean(line, 100) for line in attended.lines(calls)],
        "over": clean(attended.over, 120),
    }


def told(label: str, outcome: Any) -> str:
    """Return how a command went, in words.

    Args:
        label: the word on its button.
        outcome: the handle's `Outcome`.

    Example:
        >>> from types import SimpleNamespace as Outcome
        >>> told("Hold", Outcome(status="confirmed", latency=0.084, effect="The call is held.", why=""))
        'Hold: confirmed in 84 ms. The call is held.'
    """
    status = str(outcome.status)
    words = [f"{label}: {status}"]
    if outcome.latency is not None:
        ms = outcome.latency * 1000
        words.append(f"in {ms:.0f} ms" if ms < 1000 else f"in {ms / 1000:.1f} s")
    said = outcome.effect if status == "confirmed" else outcome.why or outcome.effect
    return " ".join(words) + (f". {said}" if said else "")


def _named(party: Party, accounts: Mapping[str, Account]) -> str:
    account = accounts.get(party.number)
    if not party.name and account is not None:
        party = msgspec.structs.replace(party, name=account.name)
    return party_text(party, 40) or "unknown"
