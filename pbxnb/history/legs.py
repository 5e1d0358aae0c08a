"""Legs and conversations: which phones rang and talked, and what the people on the line would call one call.

The parts of a conversation are its call ids. A PBX may ring three phones by one id or by four; either way each phone
has a leg with its own times, and the conversation is one (architecture.md 5.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from pbxnb.model.entities import Call, CallRecord, CallState, Phase

__all__ = [
    "FORGOTTEN",
    "OUTCOMES",
    "Leg",
    "Part",
    "conversations",
    "direction",
    "extensions_in",
    "legs_of",
    "offered",
    "part_of",
    "whole_of",
]

_RINGS = frozenset({Phase.RINGING, Phase.QUEUED})
_HOLDS = frozenset({Phase.HELD, Phase.PARKED})
_ANSWERED = _HOLDS | {Phase.TALKING}
_TALKED = frozenset({CallState.CONNECTED, CallState.HELD, CallState.PARKED})
_SAME = timedelta(seconds=1)  # between two messages of one event
FORGOTTEN = timedelta(seconds=60)  # after its end nothing is linked to a conversation, and its id may be given anew

OUTCOMES = ("answered", "abandoned", "unknown", "no_answer", "busy", "failed", "missed", "answered_elsewhere")
"""What may become of a call; that of a conversation is the first that one of its rows has."""


class Stay(NamedTuple):
    """One phase of a call, with the phones that rang for it or were in it; ``end`` is None while it lasts."""

    phase: Phase
    phones: tuple[str, ...]
    start: datetime
    end: datetime | None


class Leg(msgspec.Struct, frozen=True):
    """What becomes a row: one phone's share of a call, a caller who was with no phone, or a conversation.

    Attributes:
        answered, ended: None where not, not yet, or not known.
        wait, talk, hold: seconds; None when not known.
    """

    call: Call
    conversation: str
    ext: str
    queue: str
    started: datetime
    answered: datetime | None
    ended: datetime | None
    outcome: str
    wait: float | None
    talk: float | None
    hold: float | None
    inferred: bool
    gap: bool


class Part(msgspec.Struct):
    """One call id of a conversation: its leg as if one phone had had it all, and where its time went."""

    leg: Leg
    stays: list[Stay]


def part_of(call: Call, record: CallRecord | None, at: Callable[[datetime], datetime]) -> Part:
    """A call, ended or (without a record) open."""
    outcome = _outcome(call, record)
    last = at(call.since or call.first_seen)
    if record is None or not record.stays:
        stays = [Stay(call.phase, call.extensions, last, at(record.ended_at) if record else None)]
    else:
        stays = [Stay(phase, phones, at(start), at(end)) for phase, phones, start, end in record.stays]
    # of a call met after its answer only the PBX knows when that was
    seen = next((stay.start for stay in stays[1:] if stay.phase in _ANSWERED), None)
    if stays[0].phase in _ANSWERED:
        seen = None
    leg = Leg(
        call=call,
        conversation=call.conversation or call.id,
        ext=call.extensions[-1] if call.extensions else "",
        queue=call.queue,
        started=call.started_at or at(call.since or call.first_seen),
        answered=(call.connected_at or seen) if outcome == "answered" else None,
        ended=at(record.ended_at) if record else None,
        outcome=outcome,
        wait=record.ring if record else None,
        talk=record.talk if record else None,
        hold=record.hold if record else None,
        inferred=record.inferred if record else False,
        gap=record.gap if record else False,
    )
    return Part(leg, stays)


def conversations(parts: Iterable[Part]) -> list[list[Part]]:
    """The parts of each conversation, in order of its beginning; an id that was given anew gets a name of its own."""
    found: dict[str, list[list[Part]]] = {}
    for part in sorted(parts, key=lambda part: part.leg.started):
        named = found.setdefault(part.leg.conversation, [])
        if named:
            ends = [before.leg.ended for before in named[-1]]
            if all(end is not None and part.leg.started - end > FORGOTTEN for end in ends):
                named.append([])
        else:
            named.append([])
        named[-1].append(part)
        if len(named) > 1:
            part.leg = msgspec.structs.replace(part.leg, conversation=f"{part.leg.conversation}#{len(named)}")
    groups = [group for named in found.values() for group in named]
    for group in groups:
        _talk_of_callers(group)
    return sorted(groups, key=lambda group: group[0].leg.started)


def legs_of(group: Sequence[Part]) -> list[Leg]:
    """A leg for each phone that rang or talked, and one without a phone for each caller who was with none.

    A caller of ours has one when he talked, or when no other phone was in it.
    """
    answers = _answers(group)
    return [leg for part in group for leg in _legs(part, group, answers)]


def whole_of(group: Sequence[Part]) -> Leg:
    """A conversation: from its first beginning to its last end, each second of it counted once."""
    first = min(group, key=lambda part: (part.leg.started, bool(part.leg.ext))).leg
    parts, over = [part.leg for part in group], all(part.leg.ended is not None for part in group)
    outcome = min((leg.outcome for leg in (parts if len(group) == 1 else legs_of(group))), key=OUTCOMES.index)
    if outcome != "answered" and not over:
        outcome = "unknown"
    answered = min((leg.answered for leg in parts if leg.answered is not None), default=None)
    talk, hold = first.talk, first.hold
    if len(group) > 1:
        spans = _spans(group, {Phase.TALKING})
        talk = None if any(leg.talk is None for leg in parts) else _seconds(spans)
        hold = None if any(leg.hold is None for leg in parts) else _seconds(_spans(group, _HOLDS), less=spans)
    return msgspec.structs.replace(
        first,
        ext=_ext(group) or first.ext,
        queue=next((leg.queue for leg in parts if leg.queue), ""),
        answered=answered,
        ended=max(leg.ended or leg.started for leg in parts) if over else None,
        outcome=outcome,
        wait=_first_wait(group, answered),
        talk=talk,
        hold=hold,
        inferred=any(leg.inferred for leg in parts),
        gap=any(leg.gap for leg in parts),
    )


def extensions_in(group: Iterable[Part]) -> set[str]:
    """The numbers of the extensions that were in a conversation."""
    return {number for part in group for number in part.leg.call.extensions}


def direction(call: Call, queue: str, inside: Iterable[str]) -> str:
    """``in``, ``out`` or ``internal``.

    Args:
        queue: the queue it came through; empty when none is known.
        inside: the extensions in it.
    """
    caller, called = call.from_.number in inside, call.to.number in inside or bool(queue)
    return {(True, True): "internal", (True, False): "out"}.get((caller, called), "in")


def offered(queue: str, direction: str) -> bool:
    """Whether a call is one of a caller, as service levels and patience are: from outside, or through a queue."""
    return bool(queue) or direction == "in"


def _legs(part: Part, group: Sequence[Part], answers: Sequence[datetime]) -> list[Leg]:
    whole, stays = part.leg, part.stays
    phones: dict[str, list[Stay]] = {}
    for stay in stays:
        for phone in stay.phones:
            phones.setdefault(phone, []).append(stay)
    caller = phones.get(whole.call.from_.number, [])
    if len(phones) > 1 and caller and not any(stay.phase in _ANSWERED for stay in caller):
        del phones[whole.call.from_.number]
    found = []
    if not phones or any(stay.phase is Phase.QUEUED and not stay.phones for stay in stays):
        found.append(msgspec.structs.replace(whole, ext=""))
    return found + [_leg(part, phone, mine, group, answers) for phone, mine in phones.items()]


def _leg(part: Part, phone: str, mine: list[Stay], group: Sequence[Part], answers: Sequence[datetime]) -> Leg:
    whole, first, last = part.leg, mine[0], mine[-1]
    outcome = _phone_outcome(part, mine, group, answers)
    alone = all(phone in stay.phones or stay.phase in (Phase.MENU, Phase.OTHER) for stay in part.stays)
    if alone and outcome == whole.outcome:  # the PBX's own times of the call are this phone's
        return msgspec.structs.replace(whole, ext=phone)
    began = first is part.stays[0]
    return msgspec.structs.replace(
        whole,
        ext=phone,
        started=whole.started if began else first.start,
        answered=whole.answered
        if began and first.phase in _ANSWERED
        else next((stay.start for stay in mine if stay.phase in _ANSWERED), None),
        ended=last.end,
        outcome=outcome,
        # of a call met after its answer, only the PBX knows how long it rang
        wait=whole.wait if began and first.phase not in _RINGS else _sum(whole.wait, mine, _RINGS, part),
        talk=_sum(whole.talk, mine, {Phase.TALKING}, part),
        hold=_sum(whole.hold, mine, _HOLDS, part),
    )


def _phone_outcome(part: Part, mine: list[Stay], group: Sequence[Part], answers: Sequence[datetime]) -> str:
    whole, end = part.leg, mine[-1].end
    if any(stay.phase in _ANSWERED for stay in mine):
        return "answered" if whole.outcome == "answered" else whole.outcome
    if end is None or not any(stay.phase in _RINGS for stay in mine):
        return "unknown" if end is None else whole.outcome
    if any(mine[0].start - _SAME <= answer <= end + _SAME for answer in answers):
        return "answered_elsewhere"
    if whole.outcome == "unknown":
        return whole.outcome
    goes_on = any(other.leg.ended is None or other.leg.ended > end + _SAME for other in group)
    return "no_answer" if goes_on or whole.outcome == "answered" else whole.outcome


def _talk_of_callers(group: Sequence[Part]) -> None:
    """Where a phone answered by a call id of its own, the caller's id waits no more, whatever it shows."""
    for part in group:
        answers = _answers([other for other in group if other is not part])
        stays: list[Stay] = []
        for stay in part.stays:
            during = [a for a in answers if stay.start <= a and (stay.end is None or a < stay.end)]
            if during and not stay.phones and stay.phase in _RINGS:
                turn = min(during)
                stays += [stay._replace(end=turn), stay._replace(phase=Phase.TALKING, start=turn)]
            else:
                stays.append(stay)
        if len(stays) > len(part.stays):
            leg, part.stays = part.leg, stays
            part.leg = msgspec.structs.replace(
                leg,
                outcome="answered",
                answered=next(stay.start for stay in stays if stay.phase is Phase.TALKING),
                wait=_sum(leg.wait, stays, _RINGS, part),
                talk=_sum(leg.talk, stays, {Phase.TALKING}, part),
            )


def _answers(group: Iterable[Part]) -> list[datetime]:
    """When phones, or people elsewhere, took the call."""
    found = []
    for part in group:
        taken: set[str] = set()
        for stay in part.stays:
            new = set(stay.phones or ("",)) - taken
            if stay.phase in _ANSWERED and new:
                taken |= new
                found.append(stay.start)
    return sorted(found)


def _first_wait(group: Sequence[Part], answered: datetime | None) -> float | None:
    """Seconds that rang or were queued before the first answer, each once; None where not known."""
    counted = [part for part in group if answered is None or part.stays[0].start <= answered]
    waits = [part.leg.wait for part in counted]
    if None in waits:
        return None
    # of a call met after its answer, or in one part, the PBX's own times say it; not the ringing of a later transfer
    known = [part.leg.wait or 0.0 for part in counted if part.stays[0].phase in _ANSWERED]
    again = any(stay.phase in _RINGS and answered and stay.start > answered for part in group for stay in part.stays)
    if len(group) == 1 and (known or not again):
        return group[0].leg.wait
    return max([_seconds(_spans(group, _RINGS, until=answered)), *known])


def _ext(group: Sequence[Part]) -> str:
    """The phone that answered first, else the one that rang last; the caller's own when there is no other."""
    legs = [leg for leg in legs_of(group) if leg.ext]
    others = [leg for leg in legs if leg.ext != leg.call.from_.number] or legs
    answered = [leg for leg in others if leg.outcome == "answered"]
    if answered:
        return min(answered, key=lambda leg: leg.answered or leg.started).ext
    return others[-1].ext if others else ""


def _sum(known: float | None, stays: Iterable[Stay], phases: Iterable[Phase], part: Part) -> float | None:
    """Seconds in some phases; None where the call's own are not known, or it still lasts."""
    if known is None or part.leg.ended is None:
        return None
    return sum((stay.end - stay.start).total_seconds() for stay in stays if stay.phase in phases and stay.end)


def _spans(
    group: Iterable[Part], phases: Iterable[Phase], until: datetime | None = None
) -> list[tuple[datetime, datetime]]:
    """When any part was in one of the phases, as intervals that do not touch, in order."""
    spans: list[tuple[datetime, datetime]] = []
    found = [stay for part in group for stay in part.stays if stay.phase in phases and stay.end]
    for stay in sorted(found, key=lambda stay: stay.start):
        assert stay.end is not None
        start, end = stay.start, stay.end if until is None else min(stay.end, until)
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        elif start < end:
            spans.append((start, end))
    return spans


def _seconds(spans: Iterable[tuple[datetime, datetime]], less: Iterable[tuple[datetime, datetime]] = ()) -> float:
    """Length of intervals, without what others cover."""
    taken = list(less)
    return sum(
        (end - start).total_seconds()
        - sum(max(0.0, (min(end, until) - max(start, since)).total_seconds()) for since, until in taken)
        for start, end in spans
    )


def _outcome(call: Call, record: CallRecord | None) -> str:
    if record is None:
        return "answered" if call.phase in _ANSWERED else "unknown"
    if record.talk or record.hold:
        return "answered"
    if record.talk is None and (call.connected_at is not None or any(state in _TALKED for state, *_ in record.phases)):
        return "answered"
    waited = call.phase is Phase.QUEUED or call.phase is Phase.RINGING
    if record.inferred or (call.connected_at is not None and not waited):  # gone while a machine spoke: was that all?
        return "unknown"
    return "abandoned" if call.queue or direction(call, "", call.extensions) == "in" else "no_answer"
