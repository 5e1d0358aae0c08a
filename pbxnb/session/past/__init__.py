"""What was, as tables: of a running session, or of whatever else can tell of ended calls, presence and gaps."""

from .history import Downtime, History, Source
from .table import Table

__all__ = ["Downtime", "History", "Source", "Table"]
