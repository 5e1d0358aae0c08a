"""The clock of a `Simulator`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from .server.http import SimServer

__all__ = ["SimulatorClock"]

Run = Callable[[Callable[[], object]], object]
"""Runs a function on the simulator's loop and returns its result."""


class SimulatorClock:
    """The simulator's virtual clock, to read and to steer from any thread."""

    def __init__(self, server: SimServer, run: Run, advance: Callable[[float], None]) -> None:
        self._server = server
        self._pace = server.pace
        self._run = run
        self._advance = advance

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

        def act() -> None:
            self._server.held = False
            self._pace.pause()

        self._run(act)

    def resume(self) -> None:
        """Let time run on; also before the first client, where ``start`` was given."""

        def act() -> None:
            self._server.release()
            self._pace.resume()

        self._run(act)

    def advance(self, seconds: float) -> None:
        """Let so many virtual seconds pass at once, with everything that happens in them."""
        self._advance(seconds)

    def __repr__(self) -> str:
        return f"<clock {self._pace.clock.moment:%Y-%m-%d %H:%M:%S} UTC, x{self._pace.rate:g}>"
