"""Time: a virtual clock that stands still between events, the pace that ties it to real time, and the constants.

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
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from pbxnb.arguments import check_number
from pbxnb.errors import SimulatorError
from pbxnb.zones import clock_text

__all__ = ["MAX_SPEED", "MIN_SPEED", "TIMING", "Pace", "SimClock", "SimTimer", "SimulatorClock", "Timing"]

MIN_SPEED = 0.1
MAX_SPEED = 1000.0


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Times in real seconds unless said otherwise, and the limits of what waits.

    Attributes:
        held: a clock that waits for its first client runs this long after the first socket opened in any case.
        take: a client has this long to take what was sent before `Simulator.advance` goes on without it.
        answer: a call from another thread waits this long for the simulator's loop.
        close: a client has this long to answer a close frame.
        shutdown: a request has this long to end when the server stops.
        token_life: a login token can be exchanged this long (protocol.md 2.3).
        session_life: a session lives this long after its last use (rest.md 1.5).
        media: virtual seconds after the answer within which the client must answer the PBX's offer (protocol.md 4.8).
        timers: so many timers (a count) run before the sockets have their turn.
        burst: so many frames (a count) are taken from one client before the others have their turn.
        outbox_frames: a client that leaves more frames (a count) unread is dropped ...
        outbox_bytes: ... or more bytes.
    """

    held: float = 1.0
    take: float = 0.2
    answer: float = 10.0
    close: float = 1.0
    shutdown: float = 0.2
    token_life: float = 10.0
    session_life: float = 3600.0
    media: float = 2.0
    timers: int = 256
    burst: int = 64
    outbox_frames: int = 20_000
    outbox_bytes: int = 64 * 2**20


TIMING = Timing()
"""The defaults."""


class SimTimer:
    """Something due on the virtual clock; ``cancel()`` forgets it."""

    __slots__ = ("due", "fn")

    def __init__(self, due: float, fn: Callable[[], object]) -> None:
        self.due: Final = due
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
        held: time stands still until it is first resumed or released.
        wall: a monotonic clock, for tests.

    Attributes:
        held: it still stands because it began so.
        paused: time stands still.
    """

    def __init__(
        self, clock: SimClock, speed: float = 1.0, *, held: bool = False, wall: Callable[[], float] = time.monotonic
    ) -> None:
        self.clock = clock
        self.held: bool = held
        self.paused: bool = held
        self._wall = wall
        self._speed = self.checked(speed)
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
        """The reading without the delay of a busy loop, as an aware UTC datetime; safe to ask from any thread."""
        return datetime.fromtimestamp(max(self.clock.now, self.target()), UTC)

    @property
    def rate(self) -> float:
        """The speed at this moment: 0 while paused."""
        return 0.0 if self.paused else self._speed

    def pause(self) -> None:
        """Let time stand still."""
        self._anchor = (self._wall(), self.target())
        self.held, self.paused = False, True

    def resume(self) -> None:
        """Let time run on from where it stands."""
        if self.paused:
            self.jumped()
            self.held = self.paused = False

    def jumped(self) -> None:
        """The clock was moved by hand: go on from where it stands now."""
        self._anchor = (self._wall(), self.clock.now)

    def target(self) -> float:
        """What the virtual clock should read now."""
        wall, virtual = self._anchor
        return virtual if self.paused else virtual + (self._wall() - wall) * self._speed

    def wait(self) -> float | None:
        """Real seconds until the next timer is due: 0 when late, None when nothing will ever be."""
        due = self.clock.next_due
        if self.paused or due is None:
            return None
        return max(0.0, (due - self.target()) / self._speed)


class SimulatorClock:
    """The simulator's virtual clock, to read and to steer from any thread.

    Args:
        run: runs a function on the simulator's loop and returns its result.
        advance: as `Simulator.advance`.
        zone: in which its reading is shown.
    """

    def __init__(
        self,
        pace: Pace,
        run: Callable[[Callable[[], object]], object],
        advance: Callable[[float], None],
        zone: ZoneInfo,
    ) -> None:
        self._pace = pace
        self._run = run
        self._advance = advance
        self._zone = zone

    def now(self) -> datetime:
        """The PBX's time, UTC; cheap, it crosses no thread."""
        return self._pace.moment

    @property
    def speed(self) -> float:
        """Virtual seconds per real second, 0.1 to 1000; settable."""
        return self._pace.speed

    @speed.setter
    def speed(self, value: float) -> None:
        self._run(lambda: setattr(self._pace, "speed", value))

    @property
    def rate(self) -> float:
        """As ``speed``, but 0 while paused."""
        return self._pace.rate

    @property
    def paused(self) -> bool:
        """Time stands still."""
        return self._pace.paused

    def pause(self) -> None:
        """Let time stand still."""
        self._run(self._pace.pause)

    def resume(self) -> None:
        """Let time run on; also before the first client, where ``start`` was given."""
        self._run(self._pace.resume)

    def advance(self, seconds: float) -> None:
        """Let so many virtual seconds pass at once, with everything that happens in them."""
        self._advance(seconds)

    def __repr__(self) -> str:
        now = clock_text(self._pace.clock.moment, self._zone, date=True)
        return f"<clock {now} in {self._zone.key}, x{self._pace.rate:g}>"
