"""Recordings for others, and from them: anonymous, as lines, as a bug report."""

from .anonymous import anonymise
from .bugs import bug_report
from .exchange import export_lines, import_lines

__all__ = ["anonymise", "bug_report", "export_lines", "import_lines"]
