"""pbxnb: the PBX, live, in a notebook.

Importing this module does nothing but name things: every public name is fetched from its module when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pbxnb import analysis, client, errors, figures, simulator
    from pbxnb.client.logins import AdminToken, Password, Session
    from pbxnb.client.tls import Pin
    from pbxnb.session.connect import connect, simulate
    from pbxnb.session.nested import enable_nested_run
    from pbxnb.session.pbx import Pbx
    from pbxnb.session.recordings.opening import open as open  # noqa: A004 - it is public here
    from pbxnb.session.replay import replay
    from pbxnb.session.versions import show_versions

__all__ = [
    "AdminToken",
    "Password",
    "Pbx",
    "Pin",
    "Session",
    "analysis",
    "client",
    "connect",
    "enable_nested_run",
    "errors",
    "figures",
    "replay",
    "show_versions",
    "simulate",
    "simulator",
]

_HOME = {
    "AdminToken": "pbxnb.client.logins",
    "Password": "pbxnb.client.logins",
    "Pbx": "pbxnb.session.pbx",
    "Pin": "pbxnb.client.tls",
    "Session": "pbxnb.client.logins",
    "connect": "pbxnb.session.connect",
    "enable_nested_run": "pbxnb.session.nested",
    "open": "pbxnb.session.recordings.opening",
    "replay": "pbxnb.session.replay",
    "show_versions": "pbxnb.session.versions",
    "simulate": "pbxnb.session.connect",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name in __all__:
        return import_module(f"pbxnb.{name}")
    if name == "__version__":
        from importlib.metadata import version

        return version("pbxnb")
    raise AttributeError(f"module 'pbxnb' has no attribute {name!r}{_meant(name)}")


def _meant(name: str) -> str:
    """The end of the sentence about a name that is not there; private ones are asked for by tools, not by people."""
    if name.startswith("_"):
        return ""
    from pbxnb.arguments import meant

    return meant(name, __all__)


def __dir__() -> list[str]:
    return [*__all__, "open"]  # not among the names that `import *` takes: it would hide Python's own
