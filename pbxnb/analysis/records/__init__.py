"""Call records of any system as the table of calls: sources as data, files as text, one query, and a report."""

from .reading import read_calls
from .reconcile import reconcile
from .report import CallsReport
from .sources import FIELDS, SOURCES, Field, Source

__all__ = ["FIELDS", "SOURCES", "CallsReport", "Field", "Source", "read_calls", "reconcile"]
