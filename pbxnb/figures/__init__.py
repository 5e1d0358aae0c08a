"""plotly pictures of calls: the live timeline and the static pictures. The only importer of plotly.

Every picture takes a live handle or a table of calls (`pbxnb.analysis.calls` says which columns), returns an ordinary
plotly figure, never changes its input, and carries a text twin with the same numbers: `describe(figure)`.
"""

from .call_life import call_life
from .compare import compare
from .concurrency import concurrency
from .durations import durations
from .erlang import load_against_theory
from .extensions import extensions
from .flow import flow
from .ladder import ladder
from .live import live
from .patience import patience
from .queue import queue_funnel
from .states import state_shares
from .style import describe
from .timeline import Timeline
from .week import week

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
    "live",
    "load_against_theory",
    "patience",
    "queue_funnel",
    "state_shares",
    "week",
]
