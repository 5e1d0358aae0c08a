"""The extension grid: one tile per account."""

from .panel import ACTIONS, ExtensionGrid

__all__ = ["ACTIONS", "ExtensionGrid"]
