"""Calls that are over (rest.md 2.3)."""

from __future__ import annotations

from typing import Any

from pbxnb.protocol import rest as paths

from ..engine.calls import SimCallRecord
from ..server.frames import FrameWriter
from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]

MISSED_SPAN = 86_400


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
    """The tenant's past calls, newest first."""
    frames = request.tenant.frames
    return [_record(frames, record) for record in request.page(list(request.pbx.history)[::-1], 30)]


def _record(frames: FrameWriter, record: SimCallRecord) -> dict[str, Any]:
    """One record of the tenant; times as text, like the samples."""
    style: frozenset[str] = frozenset()
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
        "extensions": list(record.talked or record.rang),
        "trunks": ["1"] if record.trunked else [],
        "abandoned": record.connected is None,
    }


ROWS = (
    Resource("GET", paths.HISTORY, get_history, Who.ITSELF, "A", "rest.md 2.3", "the account's past calls, by page"),
    Resource("GET", paths.CDRS, get_records, Who.COLLEAGUES, "B", "rest.md 2.3", "the tenant's past calls, by page"),
)
