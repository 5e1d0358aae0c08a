"""Questions that people ask of their calls, each one measure."""

from .answering import abandoned, answered, speed_of_answer
from .busy import busy_hour
from .handling import handle_time, occupancy
from .holds import holds
from .missed import missed, not_called_back
from .repeats import first_call_resolution, repeat_callers
from .transfers import transfers

__all__ = [
    "abandoned",
    "answered",
    "busy_hour",
    "first_call_resolution",
    "handle_time",
    "holds",
    "missed",
    "not_called_back",
    "occupancy",
    "repeat_callers",
    "speed_of_answer",
    "transfers",
]
