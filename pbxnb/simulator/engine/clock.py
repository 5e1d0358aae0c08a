"""Virtual time: a clock that stands still between events, and the pace that ties it to real time.

`SimClock` is pure: what is due runs at exactly the virtual time it was due, in the order it was asked for, so the same
seed gives the same history whatever the machine does meanwhile. `Pace` alone reads real time. Neither knows asyncio:
`Pace.wait` says how long the server sleeps.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime

from pbxnb.arguments import check_number
from pbxnb.errors import SimulatorError

__all__ = ["MAX_SPEED", "MIN_SPEED", "Pace", "SimClock", "SimTimer"]

MIN_SPEED = 0.1
MAX_SPEED = 1000.0


class SimTimer:
    """Something due on the virtual clock; ``cancel()`` forgets it."""

    __slots__ = ("due", "fn")

    def __init__(self, due: float, fn: Callable[[], object]) -> None:
        self.due = due
        self.fn: Callable[[], object] | None = fn

    def cancel(self) -> None:
        """Forget it; harmless when it has already run."""
        self.fn = None


class SimClock:
    """Virtual seconds since 1970 UTC.

    Args:
        start: the first reading, UTC or seconds since 1970.

    Example:
        >>> clock = SimClock(0.0)
        >>> _ = clock.at(5, lambda: print("five"))
        >>> clock.advance(10)
        five
        1
    """

    def __init__(self, start: datetime | float) -> None:
        self.now: float = start.timestamp() if isinstance(start, datetime) else float(start)
        self._heap: list[tuple[float, int, SimTimer]] = []
        self._order = itertools.count()

    @property
    def moment(self) -> datetime:
        """The reading as an aware UTC datetime."""
        return datetime.fromtimestamp(self.now, UTC)

    @property
    def next_due(self) -> float | None:
        """When the next timer is due; None when nothing is."""
        while self._heap and self._heap[0][2].fn is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def at(self, delay: float, fn: Callable[[], object]) -> SimTimer:
        """Run ``fn`` after ``delay`` virtual seconds (0 for as soon as time moves)."""
        timer = SimTimer(self.now + max(0.0, delay), fn)
        heapq.heappush(self._heap, (timer.due, next(self._order), timer))
        return timer

    def advance(self, seconds: float, *, limit: int | None = None) -> int:
        """Let ``seconds`` pass; returns how many timers ran. See `advance_to`."""
        return self.advance_to(self.now + seconds, limit=limit)

    def advance_to(self, target: float, *, limit: int | None = None) -> int:
        """Let time pass until ``target``, running what falls due, each at its own time.

        Args:
            target: virtual seconds since 1970.
            limit: at most so many timers; time then stops at the last one that ran.

        Returns:
            How many timers ran.
        """
        ran = 0
        while (due := self.next_due) is not None and due <= target:
            if limit is not None and ran >= limit:
                return ran
            timer = heapq.heappop(self._heap)[2]
            self.now = max(self.now, due)
            fn, timer.fn = timer.fn, None
            if fn is not None:
                fn()
                ran += 1
        self.now = max(self.now, target)
        return ran


class Pace:
    """How virtual time follows real time: a speed, and a pause.

    Args:
        clock: what is paced.
        speed: virtual seconds per real second, 0.1 to 1000.
        wall: a monotonic clock, for tests.
    """

    def __init__(self, clock: SimClock, speed: float = 1.0, *, wall: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._wall = wall
        self._speed = self.checked(speed)
        self._paused = False
        self._anchor = (wall(), clock.now)

    @staticmethod
    def checked(speed: float) -> float:
        """The speed, if it is a possible one."""
        check_number("speed", speed, MIN_SPEED, MAX_SPEED, error=SimulatorError)
        return float(speed)

    @property
    def speed(self) -> float:
        """Virtual seconds per real second, also while paused."""
        return self._speed

    @speed.setter
    def speed(self, value: float) -> None:
        checked = self.checked(value)
        self._anchor = (self._wall(), self.target())
        self._speed = checked

    @property
    def moment(self) -> datetime:
        """What the clock would read if nothing held it up, as an aware UTC datetime; safe to ask from any thread."""
        return datetime.fromtimestamp(max(self.clock.now, self.target()), UTC)

    @property
    def rate(self) -> float:
        """The speed at this moment: 0 while paused."""
        return 0.0 if self._paused else self._speed

    @property
    def paused(self) -> bool:
        """True while time stands still."""
        return self._paused

    def pause(self) -> None:
        """Let time stand still."""
        self._anchor = (self._wall(), self.target())
        self._paused = True

    def resume(self) -> None:
        """Let time run on from where it stands."""
        if self._paused:
            self._anchor = (self._wall(), self.clock.now)
            self._paused = False

    def jumped(self) -> None:
        """The clock was moved by hand: go on from where it stands now."""
        self._anchor = (self._wall(), self.clock.now)

    def target(self) -> float:
        """What the virtual clock should read now."""
        wall, virtual = self._anchor
        return virtual if self._paused else virtual + (self._wall() - wall) * self._speed

    def wait(self) -> float | None:
        """Real seconds until the next timer is due: 0 when late, None when nothing will ever be."""
        due = self.clock.next_due
        if self._paused or due is None:
            return None
        return max(0.0, (due - self.target()) / self._speed)
