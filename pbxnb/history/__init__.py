"""What was, on the PBX's clock: spans of calls, stories of conversations, conditions of accounts, counts over time.

Pure: fed with the model's changes, read by the timeline, the sparklines, the pictures and the tables. It reads no clock
and draws nothing.
"""

from .coverage import AT_LEAST, Interval, coverage_text, gap_text, share_up
from .history import Conditions, History
from .index import WIDTHS, Block, Index
from .stories import LaneBy, Move, Span, Story, span_text
from .today import Figures, Served, Today

__all__ = [
    "AT_LEAST",
    "WIDTHS",
    "Block",
    "Conditions",
    "Figures",
    "History",
    "Index",
    "Interval",
    "LaneBy",
    "Move",
    "Served",
    "Span",
    "Story",
    "Today",
    "coverage_text",
    "gap_text",
    "share_up",
    "span_text",
]
