"""Where a phone lives, as far as it must know: a thread that does things in order, and waits that others can await.

The session gives it; nothing here starts a thread or a loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from pbxnb.errors import PbxError
from pbxnb.loops import fail, fulfil

__all__ = ["Lane", "Pending", "Stream", "Waits"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Pending(Protocol[T_co]):
    """As `pbxnb.session.pending.Pending`: to be awaited, or asked for ``.result()``."""

    def __await__(self) -> Generator[Any, None, T_co]:
        """Wait without blocking."""

    def result(self, timeout: float | None = None) -> T_co:
        """Wait, blocking."""

    def cancel(self) -> bool:
        """Stop waiting."""

    def done(self) -> bool:
        """Whether it is known."""


class Lane(Protocol):
    """The thread that a phone lives on, and whose phone it is.

    Attributes:
        domain: the tenant.
        tz: the zone that times are shown in.
    """

    domain: str
    tz: ZoneInfo

    def call(self, fn: Callable[[], object]) -> bool:
        """Run ``fn()`` there soon, after what was asked before; False when it has ended."""

    def wait(self, future: Future[T], what: str, timeout: float | None = None) -> Pending[T]:
        """Something that will be known; ``what`` names it in texts."""

    def command(self, name: str, *args: Any) -> Pending[Any]:
        """A command of `pbxnb.protocol.commands` over the phone's own socket; the result is its outcome."""

    def later(self, seconds: float, fn: Callable[[], object]) -> Callable[[], None]:
        """Run ``fn()`` there in so many seconds; gives the way to call it off."""

    def at(self) -> datetime:
        """The time on the PBX's clock."""


class Stream(Generic[T]):
    """Values as an async iterator, on any loop: filled on the lane, ended there.

    Args:
        lane: where it is filled.
        what: names one value in texts.
        first: values that it begins with.
        most: values that wait to be read; beyond them the oldest go.

    Attributes:
        dropped: how many went.
    """

    def __init__(self, lane: Lane, what: str, first: tuple[T, ...] = (), *, most: int = 3_000) -> None:
        self.dropped: int = 0
        self._lane = lane
        self._what = what
        self._most = most
        self._values: deque[T] = deque(first)
        self._asked: deque[Future[tuple[T, ...]]] = deque()
        self._ended = False

    def put(self, *values: T) -> None:
        """Some more."""
        self._values.extend(values)
        while len(self._values) > self._most:
            self._values.popleft()
            self.dropped += 1
        self._give()

    def end(self) -> None:
        """No more will come."""
        self._ended = True
        self._give()

    def __aiter__(self) -> Stream[T]:
        return self

    async def __anext__(self) -> T:
        future: Future[tuple[T, ...]] = Future()

        def ask() -> None:
            self._asked.append(future)
            self._give()

        if not self._lane.call(ask):
            raise StopAsyncIteration
        try:
            values = await self._lane.wait(future, self._what)
        except BaseException:
            if not future.cancel() and not future.exception():  # it came, and nobody took it
                self._lane.call(lambda: self._values.extendleft(reversed(future.result())))
            raise
        if not values:
            raise StopAsyncIteration
        return values[0]

    def _give(self) -> None:
        while self._asked and (self._values or self._ended):
            asked = self._asked.popleft()
            if not asked.done():
                fulfil(asked, (self._values.popleft(),) if self._values else ())


class Waits(Generic[T]):
    """What was begun with one object, and is known once something holds: tried again after every change.

    Args:
        lane: where everything is tried.
        value: what is waited for: the result of each.
        why: gives the error of those that still wait when it ends.
    """

    def __init__(self, lane: Lane, value: T, why: Callable[[], BaseException]) -> None:
        self._lane = lane
        self._value = value
        self._why = why
        self._open: list[tuple[Callable[[], bool], Future[Any]]] = []
        self._ended = False

    def do(self, act: Callable[[], object], holds: Callable[[], bool], timeout: float | None = None) -> Pending[T]:
        """Call ``act()`` on the lane, and wait until ``holds()``; from any thread. What it raises is the result."""
        future: Future[T] = Future()

        def begin() -> None:
            try:
                act()
            except PbxError as error:
                fail(future, error)
                return
            self.add(holds, future)

        if not self._lane.call(begin):
            fail(future, self._why())
        return self._lane.wait(future, f"what was asked of {self._value!r}", timeout)

    def add(self, holds: Callable[[], bool], future: Future[T]) -> None:
        """Give the value to a future once ``holds()``."""
        self._open.append((holds, future))
        self.look()

    def look(self) -> None:
        """Something changed."""
        waiting, self._open = self._open, []
        for holds, future in waiting:
            if holds():
                fulfil(future, self._value)
            elif self._ended:
                fail(future, self._why())
            elif not future.done():
                self._open.append((holds, future))

    def end(self) -> None:
        """Nothing will change any more."""
        self._ended = True
        self.look()
