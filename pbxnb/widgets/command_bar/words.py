"""The words of the command bar: what is selected, what will be sent, what a question says, how a command went. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from pbxnb.model.entities import Account, Call, Orbit, Party, Queue
from pbxnb.protocol.commands import Situation
from pbxnb.text import clean
from pbxnb.ui.handle import Handle
from pbxnb.ui.text import party_text

from .attended import STEPS, Attended, Prepared

__all__ = [
    "call_text",
    "orbit_menu",
    "outcome_text",
    "preview_texts",
    "question_text",
    "queue_menu",
    "steps",
    "subject",
]

MOST = 200  # entries of a menu


def subject(situation: Situation, accounts: Mapping[str, Account]) -> list[str]:
    """Return state, caller, called party and id of the selected call; an empty state where there is none."""
    call = situation.call
    if call is None:
        return ["", "Several calls: select one" if situation.several else "No call selected", "", ""]
    return [call.state, _named(call.from_, accounts), _named(call.to, accounts), call.id]


def question_text(label: str, wanted: Prepared, handle: Handle) -> str:
    """Return what a question is about: the word on the button and the call, which need not be the selected one."""
    call = handle.calls.get(wanted.call)
    if call is None:
        return label
    return f"{label} {_named(call.from_, handle.accounts)} → {_named(call.to, handle.accounts)}"


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


def preview_texts(preview: Any) -> dict[str, str]:
    """Return a `Preview` as the texts the bar shows: JSON, Python, JavaScript, effect, certainty."""
    lines = [_json(frame) for frame in preview.frames]
    lines += [f"{request.method} {request.path} {_json(request.body)}" for request in preview.rest]
    texts = {
        "json": "\n".join(lines),
        "python": preview.python,
        "javascript": preview.javascript,
        "effect": preview.effect,
        "certainty": preview.certainty,
        "assumption": getattr(preview, "assumption", ""),
    }
    return {name: text[:4000] for name, text in texts.items()}


def outcome_text(label: str, outcome: Any) -> str:
    """Return how a command went, in words.

    Args:
        label: the word on its button.
        outcome: the handle's `Outcome`.

    Example:
        >>> from types import SimpleNamespace as Outcome
        >>> outcome_text("Hold", Outcome(status="confirmed", latency=0.084, effect="The call is held.", why=""))
        'Hold: confirmed in 84 ms. The call is held.'
    """
    status = str(outcome.status)
    words = [f"{label}: {status}"]
    if outcome.latency is not None:
        ms = outcome.latency * 1000
        words.append(f"in {ms:.0f} ms" if ms < 1000 else f"in {ms / 1000:.1f} s")
    said = outcome.effect if status == "confirmed" else outcome.why or outcome.effect
    return " ".join(words) + (f". {said}" if said else "")


def call_text(call: Call) -> str:
    """Return a call as an entry of the menu of calls."""
    return clean(f"{party_text(call.from_, 30) or '?'} → {party_text(call.to, 30) or '?'} · {call.state}", 90)


def orbit_menu(orbits: Iterable[Orbit]) -> list[list[str]]:
    """Return the entries of the menu of orbits, each with its number."""
    found = [[o.number, f"{_entry('Orbit', o)} · {'taken' if o.parked else 'free'}"] for o in orbits][:MOST]
    return found or [["", "No orbit"]]


def queue_menu(queues: Iterable[Queue]) -> list[list[str]]:
    """Return the entries of the menu of queues, each with its number."""
    return [[queue.number, _entry("Queue", queue)] for queue in queues][:MOST] or [["", "No queue"]]


def _entry(kind: str, one: Orbit | Queue) -> str:
    """Number and name, said once: many a PBX names orbit 71 "Orbit 71"."""
    return clean(one.name if one.number in one.name else f"{kind} {one.number} {one.name}".rstrip(), 60)


def _named(party: Party, accounts: Mapping[str, Account]) -> str:
    account = accounts.get(party.number)
    if not party.name and account is not None:
        party = msgspec.structs.replace(party, name=account.name)
    return party_text(party, 40) or "unknown"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
