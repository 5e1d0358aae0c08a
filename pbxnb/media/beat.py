"""One beat of 20 ms for all calls: to wake up costs more than what is done then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .wire import BLOCK, RATE

__all__ = ["STEP", "Beat"]

STEP = BLOCK / RATE
MOST_LATE = 0.1
"""Seconds that are caught up; what is more is left out, as a burst is worse than a gap."""

Step = Callable[[int], None]


class Beat:
    """Calls everybody at each beat: first all who hear, then all who speak, so what is passed on waits for nothing.

    Each gets the number of the beat; numbers that were left out are missing.
    """

    def __init__(self) -> None:
        self._steps: dict[object, tuple[Step, Step]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._number = 0

    def join(self, who: object, hear: Step, speak: Step) -> None:
        """Be called from the next beat on."""
        self._steps[who] = hear, speak
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._due = loop.time() + STEP
            self._timer = loop.call_at(self._due, self._strike)

    def leave(self, who: object) -> None:
        """Be called no more."""
        self._steps.pop(who, None)
        if not self._steps and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _strike(self) -> None:
        loop = asyncio.get_running_loop()
        late = loop.time() - self._due
        steps = 1 + (int(late / STEP) if late > MOST_LATE else 0)
        self._number += steps
        self._due += steps * STEP
        self._timer = loop.call_at(self._due, self._strike)
        # Each in a callback of its own: what one raises is no other's.
        for phase in (0, 1):
            for each in self._steps.values():
                loop.call_soon(each[phase], self._number)
