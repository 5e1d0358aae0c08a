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

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pbxnb.errors import AnalysisError, MissingExtra, install_hint
from pbxnb.history.legs import Leg, Part, conversations, direction, extensions_in, legs_of, part_of, whole_of
from pbxnb.history.legs import offered as is_offered
from pbxnb.model.entities import Call, CallRecord
from pbxnb.zones import zone_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["COLUMNS", "call_rows", "calls_of", "calls_schema", "is_session", "walk_rows"]

_BATCH = 10_000  # rows made at once: a million of them as dictionaries would take gigabytes
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
    return [row for conversation in conversations(parts) for row in _rows_of(conversation, zone, domain, legs)]


def is_session(source: object) -> bool:
    """Whether `calls_of` takes it: a handle, or a history."""
    # a Spark frame has a column of every name, but none that can be called
    return any(callable(getattr(source, name, None)) for name in ("closed_calls", "calls_table"))


def walk_rows(
    records: Iterable[CallRecord],
    open_calls: Sequence[Call] = (),
    *,
    tz: str | ZoneInfo = "UTC",
    domain: str = "",
    legs: bool = True,
    began: Callable[[datetime], bool] = lambda moment: True,
) -> Iterator[dict[str, Any]]:
    """The rows of `call_rows` one after the other, each conversation when it is over; holds only what is unfinished.

    Args:
        records: walked twice: first to learn which call is the last of its conversation.
        open_calls, tz, domain, legs: as for `call_rows`.
        began: whether a conversation that began then is wanted.
    """
    zone = zone_of(tz, error=AnalysisError)
    last = {record.call.conversation or record.call.id: number for number, record in enumerate(records)}
    for call in open_calls:
        last[call.conversation or call.id] = -1  # none of its records is
    unfinished: dict[str, list[Part]] = {}

    def rows(group: list[Part]) -> Iterator[dict[str, Any]]:
        for conversation in conversations(group):
            if began(conversation[0].leg.started):
                yield from _rows_of(conversation, zone, domain, legs)

    for number, record in enumerate(records):
        key = record.call.conversation or record.call.id
        unfinished.setdefault(key, []).append(part_of(record.call, record, _as_is))
        if last[key] == number:
            yield from rows(unfinished.pop(key))
    for call in open_calls:
        unfinished.setdefault(call.conversation or call.id, []).append(part_of(call, None, _as_is))
    for group in unfinished.values():
        yield from rows(group)


def calls_of(handle: Any, *, tz: str | ZoneInfo | None = None, legs: bool = False, offered: bool = False) -> Any:
    """The calls of a handle's session, ended and open, as a pyarrow table.

    Args:
        handle: a `pbxnb.Pbx`, or its `pbxnb.Pbx.history`, whole or a part of it.
        tz: the zone of ``day``, ``dow`` and ``hour``; None means the handle's own.
        legs: as for `call_rows`.
        offered: only calls that came from outside or through a queue: service levels and patience are those of callers.

    Raises:
        MissingExtra: pyarrow is not installed.

    Example:
        >>> from pbxnb import analysis
        >>> calls = analysis.calls_of(pbx)
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtra(
            "The calls of a live handle as a table need the analysis extra.",
            hint=install_hint("pbxnb[analysis]"),
        ) from None
    past = getattr(handle, "history", handle)
    if hasattr(past, "calls_table"):
        rows = iter(past.calls_table(legs=legs, tz=tz))
    else:
        records, running = past.closed_calls(), [*handle.calls.values()]
        rows = walk_rows(records, running, tz=tz or handle.tz, domain=handle.domain, legs=legs)
    if offered:
        rows = (row for row in rows if is_offered(row["queue"], row["direction"]))
    schema, batches = calls_schema(), []
    while batch := list(islice(rows, _BATCH)):
        batches.append(pa.RecordBatch.from_pylist(batch, schema=schema))
    return pa.Table.from_batches(batches, schema=schema)


def calls_schema() -> pa.Schema:
    """The types of the table of calls, in pyarrow."""
    import pyarrow as pa

    types = {"dow": pa.int8(), "hour": pa.int8(), "end_inferred": pa.bool_(), "gap": pa.bool_()}
    types |= {column: pa.timestamp("us") for column in COLUMNS if column.endswith("_at")}
    types |= {column: pa.int64() for column in COLUMNS if column.endswith("_ms")}
    return pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])


def _as_is(moment: datetime) -> datetime:
    return moment


def _rows_of(conversation: list[Part], zone: ZoneInfo, domain: str, legs: bool) -> list[dict[str, Any]]:
    inside = extensions_in(conversation)
    found = legs_of(conversation) if legs else [whole_of(conversation)]
    return [_row(leg, zone, domain, inside) for leg in found]


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
