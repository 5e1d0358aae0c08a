"""What was, on the PBX's clock: spans of calls, stories of conversations, conditions of accounts, counts over time.

Pure: fed with the model's changes, read by the timeline, the sparklines, the pictures and the tables. It reads no clock
and draws nothing.
"""

from .conditions import Conditions
from .counts import Interval
from .history import History
from .index import WIDTHS, Block, Index
from .spans import LaneBy, Span
from .stories import Move, Story, span_text

__all__ = [
    "WIDTHS",
    "Block",
    "Conditions",
    "History",
    "Index",
    "Interval",
    "LaneBy",
    "Move",
    "Span",
    "Story",
    "span_text",
]
