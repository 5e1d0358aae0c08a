"""Tables of calls opened where they lie, on the engine of one's choice."""

from .opening import open_calls

__all__ = ["open_calls"]
