"""The console: the frames as they pass, each field explained."""

from .panel import Console

__all__ = ["Console"]
