"""What is known of the calls of one conversation: by a session, a history or a table of the changes of calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pbxnb.analysis.calls import is_session
from pbxnb.analysis.columns import seen
from pbxnb.history import Span
from pbxnb.ui.handle import handle_of

from .source import label, rows, table_of, whose

__all__ = ["Life", "Lives", "Phase", "lives_of"]

CHANGES = {"call_id": "text", "seq": "any", "at": "time", "state": "text", "from_num": "text", "to_num": "text"}
"""What each column of a history's ``call_states`` holds."""
ENDED = "ended"
UTC_ZONE = ZoneInfo("UTC")


class Phase(NamedTuple):
    """What the caller lived through, from when on (seconds since 1970) and for how many seconds."""

    word: str
    start: float
    spent: float


class Life(NamedTuple):
    """Of one call: a label, its phases in order, and how it ended."""

    name: str
    phases: list[Phase]
    end: str


class Lives(NamedTuple):
    """Of a conversation: its calls, and up to when they are known."""

    lives: list[Life]
    last: float
    zone: ZoneInfo
    tenant: str
    extent: str


def lives_of(source: Any, call: Any) -> Lives | None:
    """The calls of the conversation that a call belongs to; None where there is no such call.

    Args:
        source, call: as for `pbxnb.figures.call_life`.
    """
    wanted = str(getattr(call, "id", call))
    if not is_session(source):
        return _in_table(source, wanted)
    if hasattr(source, "calls_table") and not hasattr(source, "_panel_handle"):
        return _in_history(source, wanted)
    return _in_session(source, str(getattr(call, "conversation", "") or wanted))  # an id may be used again


def _in_session(source: Any, wanted: str) -> Lives | None:
    handle = handle_of(source)
    history, now = handle.history, handle.clock.now().timestamp()
    story = history.story(wanted)
    if story is None:
        return None
    spans: dict[str, list[Span]] = {}
    for span in story.in_order():
        spans.setdefault(span.call, []).append(span)
    records = {record.call.id: record for record in history.closed_calls() if record.call.id in spans}
    ended = {key: (record.call, record) for key, record in records.items()}
    entries = ended | {entry.id: (entry, None) for entry in history.open_calls() if entry.id in spans}
    lives = []
    for key in filter(entries.__contains__, spans):
        entry, record = entries[key]
        phases = [
            Phase(str(one.phase), one.start, max(0.0, (now if one.end is None else one.end) - one.start))
            for one in spans[key]
        ]
        end = "goes on" if record is None else "ended" + (f", {record.ended_by} left first" if record.ended_by else "")
        end += " (inferred)" if record and record.inferred else ""
        name = _name(entry.id, entry.from_.number or entry.from_.name, entry.to.number or entry.to.name)
        lives.append(Life(name, phases, end))
    return Lives(lives, now, handle.tz, whose(handle), _extent(lives))


def _in_history(history: Any, wanted: str) -> Lives | None:
    talks = {row["call_id"]: row["conversation"] for row in history.calls_table(legs=True)}
    ids = {wanted, *(one for one, talk in talks.items() if talk == talks.get(wanted, wanted))}
    last = history.end.timestamp()
    lives = _lives((row for row in history.call_states if row["call_id"] in ids), last)
    return Lives(lives, last, UTC_ZONE, whose(history), _extent(lives)) if lives else None


def _in_table(table: Any, wanted: str) -> Lives | None:
    """Of a table: its engine finds the changes of the call."""
    changes = table_of(table, CHANGES, "Give pbx.history.call_states.")
    import narwhals as nw

    [end] = rows(changes.select(last=nw.col("at").max()).to_native())
    found = changes.filter(nw.col("call_id") == wanted).drop_nulls(["at", "state"]).sort("at", "seq")
    last = _seconds(end["last"]) if end["last"] else 0.0
    lives = _lives(rows(found.to_native()), last)
    tenant = whose(seen(table).to_native())
    return Lives(lives, last, UTC_ZONE, tenant, "one call, up to the table's last time") if lives else None


def _lives(changes: Iterable[Mapping[str, Any]], last: float) -> list[Life]:
    """Of the changes of calls, those of each in order, as they are up to ``last``."""
    of: dict[str, list[Mapping[str, Any]]] = {}
    for change in changes:
        of.setdefault(change["call_id"], []).append(change)
    found = []
    for key, mine in of.items():
        ends = [*(_seconds(change["at"]) for change in mine[1:]), last]
        phases = [
            Phase(change["state"], _seconds(change["at"]), max(0.0, end - _seconds(change["at"])))
            for change, end in zip(mine, ends, strict=True)
            if change["state"] != ENDED
        ]
        end = "ended" if mine[-1]["state"] == ENDED else "goes on"
        found.append(Life(_name(key, mine[0]["from_num"], mine[0]["to_num"]), phases, end))
    return found


def _name(key: str, caller: str | None, called: str | None) -> str:
    return label(f"{key}: {caller or ''} → {called or ''}")


def _extent(lives: list[Life]) -> str:
    return f"{len(lives)} calls of one conversation" if len(lives) > 1 else "the only call of its conversation"


def _seconds(moment: datetime) -> float:
    """Of a time of a table, which is UTC without zone, since 1970."""
    return moment.replace(tzinfo=UTC).timestamp()
