"""Series made ready: calls by the minute, talk by the quarter of an hour (rest.md 2.6)."""

from __future__ import annotations

import math
from datetime import date
from itertools import pairwise

from pbxnb.protocol import rest as paths

from ..engine.pbx import SimPbx
from ..server.answers import integer, refusal
from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]

MINUTES = 240
SLOT, DAY = 900, 86_400
MOST_DAYS = 31
EPOCH = date(1970, 1, 1).toordinal()


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
    Resource("GET", paths.DOMAIN_STATS, get_stats, Who.COLLEAGUES, "A", "rest.md 2.6", LINE),
    Resource("GET", paths.STATS, get_stats, Who.ITSELF, "A", "rest.md 2.6", f"its {LINE}"),
    Resource("GET", paths.SYSTEM_STATS, get_stats, Who.SYSTEM, "A", "rest.md 2.6", LINE),
    Resource(
        "GET", paths.AVAILABILITY, get_availability, Who.ITSELF, "A", "rest.md 2.6",
        "minutes of talk in each quarter of an hour of the last `days`",
    ),
)  # fmt: skip
