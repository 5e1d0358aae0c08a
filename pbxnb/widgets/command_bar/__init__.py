"""The command bar: everything that can be done with what is selected."""

from .panel import CommandBar

__all__ = ["CommandBar"]
