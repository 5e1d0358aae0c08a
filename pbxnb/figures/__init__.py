"""plotly pictures of calls: the live timeline and the static pictures. The only importer of plotly.

Every picture takes a live handle or a table of calls (`pbxnb.analysis.calls` says which columns), returns an ordinary
plotly figure, never changes its input, and carries a text twin with the same numbers: `describe(figure)`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .call_life import call_life
    from .compare import compare
    from .concurrency import concurrency
    from .durations import durations
    from .erlang import load_against_theory
    from .extensions import extensions
    from .flow import flow
    from .ladder import ladder
    from .patience import patience
    from .queue import queue_funnel
    from .states import state_shares
    from .style import describe
    from .timeline import Timeline
    from .week import week

_HOME = {
    "Timeline": "timeline",
    "call_life": "call_life",
    "compare": "compare",
    "concurrency": "concurrency",
    "describe": "style",
    "durations": "durations",
    "extensions": "extensions",
    "flow": "flow",
    "ladder": "ladder",
    "load_against_theory": "erlang",
    "patience": "patience",
    "queue_funnel": "queue",
    "state_shares": "states",
    "week": "week",
}

__all__ = [
    "Timeline",
    "call_life",
    "compare",
    "concurrency",
    "describe",
    "durations",
    "extensions",
    "flow",
    "ladder",
    "load_against_theory",
    "patience",
    "queue_funnel",
    "state_shares",
    "week",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
