"""The table of calls: what each column means, and how the session's calls become rows of it.

Columns: ``domain``, ``call_id`` (key together with ``started_at``), ``started_at``, ``answered_at``, ``ended_at``
(UTC, without zone, microseconds; the last two may be null: a queue's music and a menu are no answer), ``day`` (local
date as text), ``dow`` (0 = Monday), ``hour``, ``tz`` (of those three), ``direction`` (in, out, internal), ``from_num``,
``to_num``, ``ext`` (the account the call is counted for), ``queue``, ``outcome`` (answered; abandoned: a caller from
outside or in a queue left; no_answer; answered_elsewhere: of a phone that rang while another was answered; unknown),
``wait_ms``, ``talk_ms``, ``hold_ms`` (null when unknown, never 0 for unknown; time with a menu is none of them),
``end_inferred``, ``gap`` (the line was down during some of it), ``conversation`` (rows that are one call to the people
on the line).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pbxnb.errors import AnalysisError, MissingExtra
from pbxnb.model.entities import Call, CallRecord
from pbxnb.zones import zone_of

from .legs import Leg, conversations, direction, legs_of, part_of, whole_of

__all__ = ["COLUMNS", "call_rows", "calls_of"]

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
    "conversation",
)


def call_rows(
    records: Iterable[CallRecord],
    open_calls: Iterable[Call] = (),
    *,
    tz: str | ZoneInfo = "UTC",
    domain: str = "",
    at: Callable[[datetime], datetime] = lambda moment: moment,
    legs: bool = True,
) -> list[dict[str, Any]]:
    """Rows of the calls table.

    Args:
        records: ended calls, as ``closed_calls()`` of a handle gives them.
        open_calls: calls still going on; their end is null, not "now".
        tz: the domain's zone, for ``day``, ``dow`` and ``hour``.
        domain: the tenant's name.
        at: puts the model's times on another clock; they are on the PBX's already.
        legs: a row for each phone that rang or talked, with its own times, and one with an empty ``ext`` for a caller
            who was with no phone; False gives one row a conversation.

    Raises:
        AnalysisError: the zone is not known.

    Example:
        >>> talks = call_rows(pbx.closed_calls(), pbx.calls.values(), legs=False)
    """
    zone = zone_of(tz, error=AnalysisError)
    parts = [part_of(record.call, record, at) for record in records]
    parts += [part_of(call, None, at) for call in open_calls]
    rows: list[dict[str, Any]] = []
    for conversation in conversations(parts):
        inside = {number for part in conversation for number in part.leg.call.extensions}
        found = legs_of(conversation) if legs else [whole_of(conversation)]
        rows += [_row(leg, zone, domain, inside) for leg in found]
    return rows


def calls_of(handle: Any, *, tz: str | ZoneInfo | None = None, legs: bool = False, offered: bool = False) -> Any:
    """The calls of a handle's session, ended and open, as a pyarrow table.

    Args:
        handle: a `pbxnb.Pbx`.
        tz: the zone of ``day``, ``dow`` and ``hour``; None means the handle's own.
        legs: as for `call_rows`.
        offered: only calls that came from outside or through a queue: service levels and patience are those of callers.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtra(
            "The calls of a live handle as a table need the analysis extra.",
            hint='Install it: pip install "pbxnb[analysis]"',
        ) from None
    zone = handle.tz if tz is None else tz
    rows = call_rows(handle.closed_calls(), handle.calls.values(), tz=zone, domain=handle.domain, legs=legs)
    if offered:
        rows = [row for row in rows if row["queue"] or row["direction"] == "in"]
    types = {"dow": pa.int8(), "hour": pa.int8(), "end_inferred": pa.bool_(), "gap": pa.bool_()}
    types |= {column: pa.timestamp("us") for column in COLUMNS if column.endswith("_at")}
    types |= {column: pa.int64() for column in COLUMNS if column.endswith("_ms")}
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS]))


def _row(leg: Leg, zone: ZoneInfo, domain: str, inside: set[str]) -> dict[str, Any]:
    call, started = leg.call, leg.started
    local = started.astimezone(zone)
    return {
        "domain": domain,
        "call_id": call.id,
        "started_at": _naive(started),
        "answered_at": _naive(leg.answered),
        "ended_at": _naive(leg.ended),
        "day": local.date().isoformat(),
        "dow": local.weekday(),
        "hour": local.hour,
        "tz": zone.key,
        "direction": direction(call, leg.queue, inside),
        "from_num": call.from_.number,
        "to_num": call.to.number,
        "ext": leg.ext,
        "queue": leg.queue,
        "outcome": leg.outcome,
        "wait_ms": _milliseconds(leg.wait),
        "talk_ms": _milliseconds(leg.talk),
        "hold_ms": _milliseconds(leg.hold),
        "end_inferred": leg.inferred,
        "gap": leg.gap,
        "conversation": leg.conversation,
    }


def _naive(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=None) if moment else None


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
