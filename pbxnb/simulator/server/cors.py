"""What a page of another origin gets of the PBX (rest.md 1.6; protocol.md 2.6): simple requests, and no preflight.

Only where a login stands in the way: an open socket, a replay and the steering pages refuse every other origin, see
`addresses.foreign`.
"""

from __future__ import annotations

from aiohttp import web

from .answers import answer

__all__ = ["reflect", "refuse_preflight"]

STEERING = "/simulator"


def refuse_preflight(request: web.BaseRequest) -> web.Response | None:
    """403 for ``OPTIONS``, whatever the path; else None."""
    return answer(False, status=403) if request.method == "OPTIONS" else None


def reflect(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Let the page that asked read the answer, with its cookies."""
    origin = request.headers.get("Origin")
    if origin and request.method != "OPTIONS" and not request.path.startswith(STEERING):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
