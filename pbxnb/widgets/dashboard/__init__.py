"""The dashboard: every panel on one page."""

from .panel import Dashboard

__all__ = ["Dashboard"]
