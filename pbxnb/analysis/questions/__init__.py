"""Questions that people ask of their calls, each one measure."""

from .holds import holds
from .missed import missed, not_called_back
from .repeats import first_call_resolution, repeat_callers
from .transfers import transfers

__all__ = [
    "first_call_resolution",
    "holds",
    "missed",
    "not_called_back",
    "repeat_callers",
    "transfers",
]
