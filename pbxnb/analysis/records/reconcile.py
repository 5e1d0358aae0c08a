"""`reconcile`: what a line saw of the calls, beside what the PBX wrote down of them."""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any, NamedTuple

from ..calls import calls_of, is_session
from ..columns import measure, opened
from ..planning.results import grouped, made

__all__ = ["reconcile"]

_TOLERANCE = 5_000_000  # microseconds that two clocks' times of one call may differ
_SAME_ID = 3_600_000_000  # ... beyond which it is another call that has the id again
_DIGITS = 7  # of a number, from its end, that count: one side may have a prefix
_ZERO = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC without zone, as in every table


class _Call(NamedTuple):
    """The rows of a table that are one call. Times are microseconds since 1970; ``end`` is None while it goes on.

    ``ids`` are in order of time, each with its beginning.
    """

    domain: str
    conversation: str
    ids: dict[str, int]
    start: int
    end: int | None
    numbers: tuple[str, ...]  # the caller's, the one called, then extensions


class _Watch(NamedTuple):
    """When the live side was blind, and what else it could not see; a table tells little of it."""

    gaps: list[tuple[float, float]]
    own: str
    domains: frozenset[str]

    def blind(self, call: _Call, ahead: float = 0.0) -> bool:
        """Whether a call began or ended in a gap; its clock is so much ahead of ours."""
        ends = [moment - ahead for moment in (call.start, call.end) if moment is not None]
        return any(start <= moment < end for start, end in self.gaps for moment in ends)

    def barred(self, call: _Call) -> bool:
        """Whether it is of a domain, or of extensions, that were not shown."""
        elsewhere = call.domain and self.domains and "" not in self.domains and call.domain not in self.domains
        return bool(elsewhere) or (self.own != "" and self.own not in call.numbers)


@measure
def reconcile(live: Any, cdr: Any) -> Any:
    """Which calls a line saw and which the PBX has records of, call by call, and why one of them lacks it.

    Calls are matched by their id, those that are left by both numbers and their beginning, then by the caller's number
    and the beginning, each with at most 5 s between them once the clocks are set side by side. What the live side saw
    and no record can tell of yet is left out: calls that go on, or that ended after `pbxnb.Pbx.fetch_calls` asked, and
    those outside of its window.

    Args:
        live: a `pbxnb.Pbx`, a history or recording, or a table of calls.
        cdr: the records, as of `pbxnb.Pbx.fetch_calls` or `read_calls`.

    Returns:
        A row a call, in order of time, as the kind of ``cdr``: ``conversation``, ``call_id`` and ``started_at`` (of the
        record where there is one); ``seen_by``: both, live, cdr; ``why``: empty where both agree, ``clock`` where their
        beginnings are more than 5 s apart, ``gap`` where the call began or ended while the line was down or before or
        after it was there, ``rights`` where the line could not see its domain, or saw none but calls of our own,
        ``unknown``.

    Raises:
        AnalysisError: one of them is no table of calls.

    Example:
        >>> from datetime import timedelta
        >>> calls = await pbx.fetch_calls(pbx.clock.now() - timedelta(hours=1), pbx.clock.now())
        >>> reconcile(pbx, calls).column_names
        ['conversation', 'call_id', 'started_at', 'seen_by', 'why']
    """
    past = getattr(live, "history", live) if is_session(live) else None
    since, until, asked = _window(cdr)
    seen = [one for one in _calls(live) if since <= one.start < until and one.end is not None and one.end <= asked]
    written = _calls(cdr)
    watch = _Watch(_gaps(past), getattr(past, "own", ""), frozenset(call.domain for call in seen))
    rows = sorted(_rows(seen, written, watch), key=lambda row: (row[2], row[0], row[1]))
    return _table(rows, cdr)


def _calls(table: Any) -> list[_Call]:
    """The calls of a table, whether its rows are calls or legs."""
    if is_session(table):
        table = calls_of(table, legs=True)
    needed, also = ("call_id", "started_at", "ended_at", "from_num", "to_num"), ("domain", "conversation", "ext")
    names = (*needed, *also)
    frame, _ = opened(table, *needed, also=also, legs=True)
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for values in grouped(frame, [], names).get((), ()):
        row = dict(zip(names, values, strict=True))
        if row["started_at"] is not None:
            row = {name: "" if value is None and name != "ended_at" else value for name, value in row.items()}
            groups[row["domain"], row["conversation"] or row["call_id"]].append(row)
    return [_call(domain, name, rows) for (domain, name), rows in groups.items()]


def _call(domain: str, name: str, rows: list[dict[str, Any]]) -> _Call:
    rows = sorted(rows, key=lambda row: (row["started_at"], row["call_id"]))
    first, ids = rows[0], {row["call_id"]: row["started_at"] for row in reversed(rows)}
    ends = [row["ended_at"] for row in rows]
    return _Call(
        domain,
        name,
        dict(reversed(ids.items())),
        first["started_at"],
        None if None in ends else max(ends),
        (first["from_num"], first["to_num"], *(row["ext"] for row in rows)),
    )


def _window(cdr: Any) -> tuple[float, float, float]:
    """From when to when `pbxnb.Pbx.fetch_calls` asked, and at what time; without its notes for all time."""
    import pyarrow as pa

    about = (cdr.schema.metadata or {}).get(b"pbxnb") if isinstance(cdr, pa.Table) else None
    if about is None:
        return -math.inf, math.inf, math.inf
    told = json.loads(about)
    since, until, asked = (_micros(datetime.fromisoformat(told[name])) for name in ("since", "until", "asked_at"))
    return since, until, asked


def _gaps(past: Any) -> list[tuple[float, float]]:
    """When a session was blind: in its gaps, before it began and after it ended."""
    if past is None:
        return []
    start, end = (moment.astimezone(UTC).replace(tzinfo=None) for moment in (past.start, past.end))
    gaps = [(row["start"], row["end"] or end) for row in past.gaps.to_pylist()]
    inner = [(_micros(begun), _micros(over)) for begun, over in gaps]
    return [(-math.inf, _micros(start)), *inner, (_micros(end), math.inf)]


def _micros(moment: datetime) -> float:
    return (moment - _ZERO) / timedelta(microseconds=1)


def _rows(seen: list[_Call], written: list[_Call], watch: _Watch) -> Iterator[tuple[str, str, int, str, str]]:
    pairs, ahead = _matched(seen, written)
    for place, call in enumerate(written):
        if place in pairs:
            mine, apart = pairs[place]
            yield (
                seen[mine].conversation,
                next(iter(call.ids)),
                call.start,
                "both",
                "clock" if abs(apart) > _TOLERANCE else "",
            )
        else:
            why = "gap" if watch.blind(call, ahead) else "rights" if watch.barred(call) else "unknown"
            yield call.conversation, next(iter(call.ids)), call.start, "cdr", why
    for place in set(range(len(seen))).difference(mine for mine, _ in pairs.values()):
        call = seen[place]
        yield call.conversation, next(iter(call.ids)), call.start, "live", "gap" if watch.blind(call) else "unknown"


def _matched(seen: list[_Call], written: list[_Call]) -> tuple[dict[int, tuple[int, int]], float]:
    """For each call written down, the one that was seen and how much later it is written to have begun.

    The second result is how much the clock of the records is ahead.
    """
    pairs = _by_id(seen, written)
    if pairs:
        ahead = _ahead([apart for _, apart in pairs.values()], least=1)
    else:  # calls whose numbers each side has once tell of the clocks
        ahead = _ahead([written[its].start - seen[mine].start for its, mine in _alone(seen, written)], least=3)
    pairs = {its: found for its, found in pairs.items() if abs(found[1] - ahead) <= _SAME_ID}
    for key in (_both_numbers, _caller):
        there = _places(seen, key, set(range(len(seen))).difference(mine for mine, _ in pairs.values()))
        for name, places in _places(written, key, set(range(len(written))).difference(pairs)).items():
            left = deque(there.get(name, ()))
            for place in places:
                start = written[place].start
                while left and seen[left[0]].start < start - ahead - _TOLERANCE:
                    left.popleft()
                if left and seen[left[0]].start <= start - ahead + _TOLERANCE:
                    pairs[place] = left[0], start - seen[left.popleft()].start
    return pairs, ahead


def _by_id(seen: list[_Call], written: list[_Call]) -> dict[int, tuple[int, int]]:
    """By an id that both have; of several calls with that id the one that began nearest."""
    begun: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for place, call in enumerate(seen):
        for name, start in call.ids.items():
            begun[name].append((start, place))
    for starts in begun.values():
        starts.sort()
    pairs = {}
    for place, call in enumerate(written):
        near = []
        for name, start in call.ids.items():
            begins = begun.get(name, []) if name else []
            at = bisect_left(begins, (start, 0))
            near += [(abs(other - start), mine, start - other) for other, mine in begins[max(0, at - 1) : at + 1]]
        if near:
            _, mine, apart = min(near)
            pairs[place] = mine, apart
    return pairs


def _alone(seen: list[_Call], written: list[_Call]) -> list[tuple[int, int]]:
    """Calls, written and seen, whose pair of numbers each side has once."""
    there = _places(seen, _both_numbers, range(len(seen)))
    mine = _places(written, _both_numbers, range(len(written)))
    return [(mine[key][0], there[key][0]) for key in mine if len(mine[key]) == len(there.get(key, ())) == 1]


def _ahead(apart: list[int], *, least: int) -> float:
    """What most of them agree on; nothing where few are there, or most do not agree."""
    middle = median(apart) if apart else 0.0
    agreed = [one for one in apart if abs(one - middle) <= _TOLERANCE]
    return middle if len(agreed) >= max(least, len(apart) / 2) else 0.0


def _places(calls: list[_Call], key: Callable[[_Call], Hashable], places: Iterable[int]) -> dict[Hashable, list[int]]:
    """Places by what their calls have in common, in order of time; those without are left out."""
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for place in sorted(places, key=lambda place: calls[place].start):
        if (name := key(calls[place])) is not None:
            groups[name].append(place)
    return groups


def _both_numbers(call: _Call) -> Hashable:
    found = tuple(map(_plain, call.numbers[:2]))
    return found if all(found) else None


def _caller(call: _Call) -> Hashable:
    return _plain(call.numbers[0]) or None


def _plain(number: str) -> str:
    return re.sub(r"\D", "", number).lstrip("0")[-_DIGITS:]


def _table(rows: list[tuple[str, str, int, str, str]], like: Any) -> Any:
    import narwhals as nw

    frame, back = opened(like, "started_at", legs=True)
    text, moment = nw.String(), nw.Datetime("us")
    schema = {"conversation": text, "call_id": text, "started_at": moment, "seen_by": text, "why": text}
    values: list[dict[str, Any]] = [dict(zip(schema, row, strict=True)) for row in rows]
    for row, (_, _, start, _, _) in zip(values, rows, strict=True):
        row["started_at"] = _ZERO + timedelta(microseconds=start)
    table = made([((), row) for row in values], [], schema, frame)
    return table.collect().to_native() if back.eager else table.to_native()
