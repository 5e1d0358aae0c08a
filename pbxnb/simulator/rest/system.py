"""The system: what its administrator alone may ask (rest.md 1.8)."""

from __future__ import annotations

import math

from pbxnb.protocol import rest as paths

from .resource import Resource, RestRequest, Who

__all__ = ["ROWS"]


def get_status(request: RestRequest) -> object:
    """Version and load."""
    server = request.server
    calls = sum(len(tenant.pbx.calls) for tenant in server.tenants.values())
    return {"version": server.version, "calls": calls, "now": math.floor(server.pace.moment.timestamp())}


ROWS = (Resource("GET", paths.STATUS, get_status, Who.SYSTEM, "A", "rest.md 1.8", "version, calls and time"),)
