"""The live timeline: a panel whose cost does not grow with history."""

from .panel import Timeline

__all__ = ["Timeline"]
