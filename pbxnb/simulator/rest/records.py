"""Calls that are over (rest.md 2.3), and the series made of them: calls by the minute, talk by the quarter (2.6)."""

from __future__ import annotations

import math
from datetime import date
from itertools import pairwise
from typing import Any

from pbxnb.protocol import rest as paths

from ..engine.calls import SimCallRecord
from ..engine.pbx import SimPbx
from ..server.answers import integer, refusal
from ..server.http import SimTenant
from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]

DAY = MISSED_SPAN = 86_400
EPOCH = date(1970, 1, 1).toordinal()
MINUTES = 240
SLOT = 900
MOST_DAYS = 31


def get_history(request: RestRequest) -> object:
    """One account's past calls, newest first."""
    pbx, number = request.pbx, request.number
    mine = [r for r in reversed(pbx.history) if number in (r.caller.number, *r.rang, *r.talked)]
    since = pbx.clock.now - MISSED_SPAN
    missed = [r for r in mine if r.ended >= since and number in r.rang and number not in r.talked]
    data = [
        {
            "id": r.id,
            "start": r.started,
            "connect": r.connected or "",
            "end": r.ended,
            "inbound": r.caller.number != number,
            "external": r.trunked,
            "queue": r.through,
            "from": r.caller.number,
            "to": r.called.number,
            "from-name": r.caller.name,
            "from-number": r.caller.number,
            "to-name": r.called.name,
            "to-number": r.called.number,
        }
        for r in request.page(mine)
    ]
    return {"total": len(mine), "missed": len(missed), "missedspan": MISSED_SPAN, "categories": "[]", "data": data}


def get_records(request: RestRequest) -> object:
    """The tenant's past calls, newest first: all, or those of the days from ``start`` to ``end`` (YYYYMMDD)."""
    first, last = _day(request.query("start")), _day(request.query("end"))
    offset = request.pbx.directory.utc_offset
    begin = -math.inf if first is None else first * DAY - offset
    end = math.inf if last is None else (last + 1) * DAY - offset
    chosen = [record for record in reversed(request.pbx.history) if begin <= record.started < end]
    spoilt = request.server.records
    return spoilt.page([_record(request.tenant, record) for record in request.page(spoilt.moved(chosen), 30)])


def _day(text: str) -> int | None:
    """The day that a text such as ``20260302`` names, counted from 1970; None for any other text."""
    if not (text.isascii() and text.isdigit() and len(text) == 8):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:])).toordinal() - EPOCH
    except ValueError:
        return None


def get_record(request: RestRequest) -> object:
    """The record of the call ``id``."""
    return _find(request, request.query("id"), request.tenant)


def get_system_records(request: RestRequest) -> object:
    """How many records there are, or that of the call ``callid``."""
    tenants = tuple(request.server.tenants.values())
    call = request.query("callid")
    return _find(request, call, *tenants) if call else sum(len(tenant.pbx.history) for tenant in tenants)


def _find(request: RestRequest, call: str, *tenants: SimTenant) -> dict[str, Any]:
    for tenant in tenants:
        for record in reversed(tenant.pbx.history):
            if record.id == call:
                return _record(tenant, record)
    raise refusal(404)


def _record(tenant: SimTenant, record: SimCallRecord) -> dict[str, Any]:
    """One record of the tenant; times as text, like the samples, and accounts by the PBX's own ids."""
    frames, accounts = tenant.frames, tenant.pbx.accounts
    style: frozenset[str] = frozenset()
    numbers = record.talked or record.rang
    return {
        "id": record.id,
        "call_id": record.id,
        "from": frames.address(record.caller),
        "to": frames.address(record.called),
        "start": frames.time(record.started, style),
        "connect": "" if record.connected is None else frames.time(record.connected, style),
        "end": frames.time(record.ended, style),
        "rating": "",
        "pcap": False,
        "extensions": [str(accounts[number].id) if number in accounts else number for number in numbers],
        "trunks": ["1"] if record.trunked else [],
        "abandoned": record.connected is None,
    }


def get_stats(request: RestRequest) -> object:
    """Calls at once in each of the last 240 minutes; only ``type=calls`` is kept."""
    if request.query("type") not in ("", "calls"):
        raise refusal(404)
    if request.domain:
        return _minutes(request.pbx, request.number)
    return [sum(counts) for counts in zip(*(_minutes(t.pbx) for t in request.server.tenants.values()), strict=True)]


def _minutes(pbx: SimPbx, number: str = "") -> list[int]:
    """How many calls, of the tenant or of one account, there were in each minute, the newest last."""
    now = pbx.clock.now
    first = math.floor(now / 60) - MINUTES + 1
    steps = [0] * (MINUTES + 1)

    def count(begin: float, end: float) -> None:
        if end >= first * 60:
            steps[max(0, math.floor(begin / 60) - first)] += 1
            steps[min(MINUTES, math.floor(end / 60) - first + 1)] -= 1

    for record in pbx.history:
        if not number or number in (record.caller.number, *record.talked):
            count(record.started, record.ended)
    for call in pbx.calls_of(number) if number else pbx.calls.values():
        count(call.started, now)
    counts = [0]
    for step in steps[:MINUTES]:
        counts.append(counts[-1] + step)
    return counts[1:]


def get_availability(request: RestRequest) -> object:
    """Minutes of talk in each quarter of an hour of the last days; of DND and registration nothing is kept."""
    if request.query("activity") not in ("", "talk"):
        raise refusal(404)
    pbx, number = request.pbx, request.extension.number
    offset = pbx.directory.utc_offset
    now = pbx.clock.now + offset
    today = math.floor(now / DAY)
    days = range(today - min(integer(request.query("days"), 7), MOST_DAYS) + 1, today + 1)
    slots = {day: [0.0] * (DAY // SLOT) for day in days}
    for record in pbx.history:
        if record.connected is not None and number in record.talked:
            _fill(slots, record.connected + offset, record.ended + offset)
    answer = []
    for day, values in slots.items():
        at = date.fromordinal(day + EPOCH)
        most = DAY // SLOT if day < today else math.floor((now - day * DAY) / SLOT) + 1
        shown = [round(value) for value in values[:most]] if any(values) else []
        answer.append({"year": at.year, "month": at.month, "day": at.day, "values": shown, "max": most})
    return answer


def _fill(slots: dict[int, list[float]], begin: float, end: float) -> None:
    """Book the minutes from begin to end in their quarters of an hour."""
    edges = [begin, *(edge * SLOT for edge in range(math.floor(begin / SLOT) + 1, math.ceil(end / SLOT))), end]
    for left, right in pairwise(edges):
        day, second = divmod(left, DAY)
        if int(day) in slots:
            slots[int(day)][int(second // SLOT)] += (right - left) / 60


LINE = "calls in each of the last 240 minutes"


ROWS = (
    Resource("GET", paths.HISTORY, get_history, Who.ITSELF, "A", "rest.md 2.3", "the account's past calls, by page"),
    Resource(
        "GET", paths.CDRS, get_records, Who.COLLEAGUES, "B", "rest.md 2.3",
        "the tenant's past calls, by page; of the days from `start` to `end`",
    ),
    Resource("GET", paths.RECORD, get_record, Who.COLLEAGUES, "A", "rest.md 2.3", "the record of the call `id`"),
    Resource(
        "GET", paths.SYSTEM_RECORDS, get_system_records, Who.SYSTEM, "A", "rest.md 2.3",
        "the number of records, or the record of the call `callid`",
    ),
    Resource("GET", paths.DOMAIN_STATS, get_stats, Who.COLLEAGUES, "A", "rest.md 2.6", LINE),
    Resource("GET", paths.STATS, get_stats, Who.ITSELF, "A", "rest.md 2.6", f"its {LINE}"),
    Resource("GET", paths.SYSTEM_STATS, get_stats, Who.SYSTEM, "A", "rest.md 2.6", LINE),
    Resource(
        "GET", paths.AVAILABILITY, get_availability, Who.ITSELF, "A", "rest.md 2.6",
        "minutes of talk in each quarter of an hour of the last `days`",
    ),
)  # fmt: skip
