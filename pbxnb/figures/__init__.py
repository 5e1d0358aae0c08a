"""plotly pictures of calls: the live timeline and the static pictures. The only importer of plotly.

Every picture takes a live handle or a table of calls (`pbxnb.analysis.calls` says which columns), returns an ordinary
plotly figure, never changes its input, and carries a text twin with the same numbers: `describe(figure)`.
"""

from .live import live
from .pictures.call_life import call_life
from .pictures.call_quality import call_quality
from .pictures.callers import patience, queue_funnel
from .pictures.durations import durations
from .pictures.extensions import extensions
from .pictures.flow import flow
from .pictures.hours import compare, week
from .pictures.ladder import ladder
from .pictures.load import concurrency, load_against_theory
from .pictures.states import state_shares
from .style import describe
from .timeline import Timeline

__all__ = [
    "Timeline",
    "call_life",
    "call_quality",
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
