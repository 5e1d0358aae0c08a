"""The table of calls: what each column means, and how the session's ended calls become rows of it.

Columns: ``domain``, ``call_id`` (key together with ``started_at``), ``started_at``, ``answered_at``, ``ended_at``
(UTC, without zone, microseconds; the last two may be null: a queue's music and a menu are no answer), ``day`` (local
date as text), ``dow`` (0 = Monday), ``hour``, ``tz`` (of those three), ``direction`` (in, out, internal), ``from_num``,
``to_num``, ``ext`` (the account the call is counted for), ``queue``, ``outcome`` (answered; abandoned: a caller from
outside or in a queue left; no_answer; unknown), ``wait_ms``, ``talk_ms``, ``hold_ms`` (null when unknown, never 0 for
unknown; time with a menu is none of them), ``end_inferred``, ``gap`` (the line was down during some of it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pbxnb.errors import AnalysisError
from pbxnb.model.entities import Call, CallRecord, CallState, Phase

__all__ = ["COLUMNS", "call_rows"]

_ANSWERED = frozenset({Phase.TALKING, Phase.HELD, Phase.PARKED})
_TALKED = frozenset({CallState.CONNECTED, CallState.HELD, CallState.PARKED})

COLUMNS = (
    "domain",
    "call_id",
    "started_at",
    "answered_at",
    "ended_at",
    "day",
    "dow",
    "hour",
    "tz",
    "direction",
    "from_num",
    "to_num",
    "ext",
    "queue",
    "outcome",
    "wait_ms",
    "talk_ms",
    "hold_ms",
    "end_inferred",
    "gap",
)


def call_rows(
    records: Iterable[CallRecord],
    open_calls: Iterable[Call] = (),
    *,
    tz: str = "UTC",
    domain: str = "",
    at: Callable[[datetime], datetime] = lambda moment: moment,
) -> list[dict[str, Any]]:
    """Rows of the calls table.

    Args:
        records: ended calls, as ``closed_calls()`` of a handle gives them.
        open_calls: calls still going on; their end is null, not "now".
        tz: the domain's zone, for ``day``, ``dow`` and ``hour``.
        domain: the tenant's name.
        at: puts the model's times on another clock; they are on the PBX's already.

    Raises:
        AnalysisError: the zone is not known.
    """
    try:
        zone = ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):  # no text, or the name of a folder
        raise AnalysisError(f"{tz!r} is not a time zone.", hint="Use a name such as Europe/Berlin or UTC.") from None
    ended = (_row(record.call, zone, domain, record, at) for record in records)
    return [*ended, *(_row(call, zone, domain, None, at) for call in open_calls)]


def _row(
    call: Call, zone: ZoneInfo, domain: str, record: CallRecord | None, at: Callable[[datetime], datetime]
) -> dict[str, Any]:
    started, outcome = call.started_at or at(call.since or call.first_seen), _outcome(call, record)
    local = started.astimezone(zone)
    return {
        "domain": domain,
        "call_id": call.id,
        "started_at": _naive(started),
        "answered_at": _naive(call.connected_at) if outcome == "answered" else None,
        "ended_at": _naive(at(record.ended_at)) if record else None,
        "day": local.date().isoformat(),
        "dow": local.weekday(),
        "hour": local.hour,
        "tz": zone.key,
        "direction": _direction(call),
        "from_num": call.from_.number,
        "to_num": call.to.number,
        "ext": call.extensions[-1] if call.extensions else "",
        "queue": call.queue,
        "outcome": outcome,
        "wait_ms": _milliseconds(record.ring) if record else None,
        "talk_ms": _milliseconds(record.talk) if record else None,
        "hold_ms": _milliseconds(record.hold) if record else None,
        "end_inferred": record.inferred if record else False,
        "gap": record.gap if record else False,
    }


def _naive(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=None) if moment else None


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _direction(call: Call) -> str:
    inside = set(call.extensions)
    caller, called = call.from_.number in inside, call.to.number in inside or bool(call.queue)
    return {(True, True): "internal", (True, False): "out"}.get((caller, called), "in")


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
    return "abandoned" if call.queue or _direction(call) == "in" else "no_answer"
