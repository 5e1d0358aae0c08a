"""Whether a request was meant for us: any page of a browser may send one to a port of this machine.

Where no login stands in the way, a page of a stranger could read or steer what is served. A browser names the page in
``Origin``, and in ``Host`` the name that it looked up, which a stranger's name server may have pointed at this machine.
"""

from __future__ import annotations

import ipaddress
import re
import socket

from aiohttp import web

from .answers import answer

__all__ = ["foreign"]

_HOST = re.compile(r"(?:\[([^\]]+)\]|([^\[\]:@/]+))(?::\d*)?")


def foreign(request: web.Request, listening: str) -> web.Response | None:
    """403 for what was not sent to our own address, or by a page that is not ours; else None.

    Args:
        listening: the host that the port is open on.
    """
    hosts, origins = request.headers.getall("Host", []), request.headers.getall("Origin", [])
    own = len(hosts) == 1 and _own(hosts[0], listening)
    if own and all(origin.lower() == f"{request.scheme}://{hosts[0]}".lower() for origin in origins):
        return None
    return answer({"error": "This is not our own address; use the one that was printed."}, status=403)


def _own(host: str, listening: str) -> bool:
    """Whether a ``Host`` names this machine: a loopback address, ``localhost``, or what the port is open on."""
    if (parts := _HOST.fullmatch(host.lower())) is None:
        return False
    name = (parts[1] or parts[2]).removesuffix(".")
    if name in ("localhost", listening.lower()):
        return True
    everywhere = listening in ("", "0.0.0.0", "::")  # noqa: S104  compared, not listened on
    try:
        # An address is no name that a stranger could have pointed at us.
        return ipaddress.ip_address(name).is_loopback or everywhere
    except ValueError:
        return everywhere and name == socket.gethostname().lower()
