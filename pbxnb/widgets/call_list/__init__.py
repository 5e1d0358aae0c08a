"""The call list: one row per conversation."""

from .panel import ACTIONS, CallList

__all__ = ["ACTIONS", "CallList"]
