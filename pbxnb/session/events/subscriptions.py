"""Who subscribes to which events: plain handlers, coroutine handlers, streams and one-time waits.

`publish` runs on the I/O lane and only hands over: handlers run on the callback lane, coroutines and streams on the
loop that asked for them.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, Final, Protocol

from pbxnb.arguments import check_text, nearest
from pbxnb.errors import ConfigError, StreamOverrun, no_copy
from pbxnb.forks import free_in_child
from pbxnb.loops import fail, fulfil
from pbxnb.model.changes import Event
from pbxnb.session.waiting import running_loop, wake_on
from pbxnb.text import clean_logger

from .callbacks import CallbackLane
from .matching import KINDS
from .queueing import EventQueue, Tally

__all__ = ["EventStream", "OneEvent", "Subscriptions"]

logger: Final = clean_logger("pbxnb")


def check_kind(kind: str) -> str:
    """Return ``kind``, or raise `ConfigError` if no event can ever match it."""
    check_text("kind", kind)
    if any(fnmatchcase(known, kind) for known in KINDS):
        return kind
    raise ConfigError(
        f"No event is of kind {kind!r}{nearest(kind, KINDS)}", hint="A glob such as 'call.*' is possible.", kind=kind
    )


class Subscriber(Protocol):
    """Something that takes events, on the I/O lane."""

    def deliver(self, event: Event) -> None:
        """Take the event; never block."""

    def end(self, error: BaseException) -> None:
        """No more will come."""


class Subscriptions:
    """The subscribers of one handle, by glob.

    Args:
        lane: where plain functions run.
    """

    def __init__(self, lane: CallbackLane) -> None:
        self._lane = lane
        self._all: tuple[tuple[str, Subscriber], ...] = ()
        self._by_kind: dict[str, tuple[Subscriber, ...]] = {}
        self._ended: BaseException | None = None
        self._lock = free_in_child(threading.Lock())

    def on(self, kind: str, fn: Callable[[Event], Any]) -> Callable[[], None]:
        """Subscribe a plain function, or a coroutine function from within its loop; returns the unsubscribe."""
        check_kind(kind)
        if inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(getattr(fn, "__call__", None)):  # noqa: B004
            return self.add(kind, CoroutineHandler(fn, self._lane.tally))
        return self.add(kind, PlainHandler(fn, self._lane))

    def stream(self, kind: str) -> EventStream:
        """Subscribe an async iterator; dropping it unsubscribes."""
        check_kind(kind)
        buffer = StreamBuffer(kind, self._lane.tally)
        return EventStream(buffer, self.add(kind, buffer))

    def add(self, kind: str, subscriber: Subscriber) -> Callable[[], None]:
        """Add any subscriber; returns the unsubscribe, which may be called twice."""
        entry = (kind, subscriber)
        with self._lock:
            self._all, self._by_kind = (*self._all, entry), {}
            ended = self._ended
        if ended is not None:
            subscriber.end(ended)

        def remove() -> None:
            with self._lock:
                self._all, self._by_kind = tuple(e for e in self._all if e is not entry), {}

        return remove

    def publish(self, event: Event) -> None:
        """Hand ``event`` to everyone whose glob matches; on the I/O lane."""
        subscribers = self._by_kind.get(event.kind)
        if subscribers is None:
            with self._lock:
                subscribers = tuple(s for kind, s in self._all if fnmatchcase(event.kind, kind))
                self._by_kind[event.kind] = subscribers
        for subscriber in subscribers:
            subscriber.deliver(event)

    def restart(self) -> None:
        """The line starts again: handlers go on; streams and waits have ended."""
        with self._lock:
            self._ended, self._by_kind = None, {}
            self._all = tuple(e for e in self._all if isinstance(e[1], PlainHandler | CoroutineHandler))

    def forked(self, error: BaseException) -> None:
        """In a forked child: streams end, all else is the parent's; who still comes gets ``error``."""
        self._ended, self._by_kind = error, {}
        for _, subscriber in self._all:
            if isinstance(subscriber, StreamBuffer):
                subscriber.wakes.clear()  # on loops that are the parent's
                subscriber.ended = True
        self._all = ()

    def end(self, error: BaseException) -> None:
        """End every subscriber, also those still to come: no more events follow."""
        with self._lock:
            self._ended = error
        for _, subscriber in self._all:
            subscriber.end(error)


class PlainHandler:
    """A function on the callback lane, in the context of the cell that subscribed it: what it prints lands there."""

    def __init__(self, fn: Callable[[Event], Any], lane: CallbackLane) -> None:
        self._fn = fn
        self._lane = lane
        self._context = contextvars.copy_context()
        self._failures = Failures(fn)

    def deliver(self, event: Event) -> None:
        """Take the event; never block."""
        self._lane.post(lambda: self._call(event), may_go=event.kind == "message", size=event.size)

    def end(self, error: BaseException) -> None:
        """Nothing to do: what is queued still runs."""

    def _call(self, event: Event) -> None:
        try:
            self._context.run(self._fn, event)
        except BaseException as error:  # noqa: BLE001 - the user's; it is reported, and the next event still comes
            self._failures.report(error)


class CoroutineHandler:
    """A coroutine function on the loop that subscribed it, one event after the other."""

    def __init__(self, fn: Callable[[Event], Any], tally: Tally) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            raise ConfigError(
                "A coroutine function was subscribed where no event loop runs.",
                hint="Subscribe it from a cell or a coroutine, or give a plain function.",
            ) from None
        self._fn = fn
        self._context = contextvars.copy_context()
        self._failures = Failures(fn)
        self._task: asyncio.Task[None] | None = None
        self._scheduled = False
        self._queue: EventQueue[Event] = EventQueue(tally, f"The handler {self._failures.name} is late")

    def deliver(self, event: Event) -> None:
        """Take the event; never block."""
        self._queue.put(event, may_go=event.kind == "message", size=event.size)
        if not self._scheduled:  # a loop that blocks for a minute finds one call waiting, not thousands
            self._scheduled = True
            with suppress(RuntimeError):  # that loop has closed: nobody is left to call
                self._loop.call_soon_threadsafe(self._pump)

    def end(self, error: BaseException) -> None:
        """Nothing to do: what is queued still runs."""

    def _pump(self) -> None:
        self._scheduled = False
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._drain(), context=self._context)

    async def _drain(self) -> None:
        while (event := self._queue.get()) is not None:
            try:
                await self._fn(event)
            except BaseException as error:  # as in PlainHandler
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    raise  # it is this task that was cancelled: its loop ends
                self._failures.report(error)


class Failures:
    """Reports the errors of one handler: with traceback, but the 1st, 10th, 100th ... only."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.name: str = getattr(fn, "__qualname__", repr(type(fn)))
        self._count = 0

    def report(self, error: BaseException) -> None:
        """Count ``error`` and log it when its turn has come."""
        self._count += 1
        if str(self._count).rstrip("0") == "1":
            text = "The handler %s failed (%d so far); the line goes on."
            logger.error(text, self.name, self._count, exc_info=error)


class StreamBuffer:
    """The writing end of a stream; holds no reference to it, so that dropping the stream ends the subscription.

    Full of what must stay, it takes no more and only counts: the reader gets what it holds and then the error.
    """

    def __init__(self, kind: str, tally: Tally) -> None:
        self._kind = kind
        self.queue: EventQueue[Event] = EventQueue(tally)
        self.lost: int = 0
        self.ended: bool = False
        self.wakes: set[Callable[[], None]] = set()
        """One for each reader that waits: an iterator may be shared by several tasks."""

    def deliver(self, event: Event) -> None:
        """Take the event; never block."""
        if not self.lost and not self.queue.full:
            self.queue.put(event, may_go=event.kind == "message", size=event.size)
            self._nudge()
            return
        if not self.lost:
            logger.error("Nobody reads events(%r): %d wait, and the stream ends here.", self._kind, len(self.queue))
        self.lost += 1

    def overrun(self) -> StreamOverrun:
        """The error of a reader who comes too late."""
        return StreamOverrun(
            f"This stream of events {self._kind!r} was not read in time: {self.lost} events are lost.",
            hint="Take a snapshot() and a new stream, and read it as the events come; or use on(), or a narrower kind.",
            lost=self.lost,
        )

    def end(self, error: BaseException) -> None:
        """Let the reader finish what is queued, then stop."""
        self.ended = True
        self._nudge()

    def stop(self) -> None:
        """The reader wants no more, not even what is queued."""
        self.queue.clear()
        self.lost = 0
        self.ended = True
        self._nudge()

    def _nudge(self) -> None:
        for wake in tuple(self.wakes):
            wake()


class EventStream:
    """Events as an async iterator; it ends with the handle. Events since its making are kept for the first `anext`.

    Unread, it keeps 100,000, of which the oldest messages go first, counted in ``status.dropped_events``; when state
    events alone are that many, it ends: the reader gets what is kept, then `StreamOverrun`.

    Example:
        >>> async for event in pbx.events("call.*"):
        ...     print(event.kind, event.call.id)
        ...     break
        call...
    """

    __reduce__: Any = no_copy

    def __init__(self, buffer: StreamBuffer, remove: Callable[[], None]) -> None:
        def unsubscribe() -> None:  # knows the buffer, not the stream
            remove()
            buffer.stop()

        self._buffer = buffer
        self.unsubscribe = unsubscribe
        weakref.finalize(self, unsubscribe)

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Event:
        buffer = self._buffer
        loop = running_loop()
        while True:
            waiter: asyncio.Future[None] = loop.create_future()
            wake = partial(_wake, loop, waiter)
            buffer.wakes.add(wake)
            try:
                if (event := buffer.queue.get()) is not None:
                    return event
                if buffer.lost:
                    error = buffer.overrun()
                    self.close()
                    raise error
                if buffer.ended:
                    raise StopAsyncIteration
                await wake_on(waiter)
            finally:
                buffer.wakes.discard(wake)

    def close(self) -> None:
        """Unsubscribe; the iteration ends."""
        self.unsubscribe()

    async def aclose(self) -> None:
        """As `close`, for ``contextlib.aclosing``."""
        self.close()


class OneEvent:
    """Waits for the first event that ``match`` accepts; settles ``future`` with it, on the I/O lane."""

    def __init__(self, match: Callable[[Event], bool], future: Future[Event]) -> None:
        self._match = match
        self._future = future

    def deliver(self, event: Event) -> None:
        """Take the event; never block."""
        try:
            if not self._future.done() and self._match(event):
                fulfil(self._future, event)
        except BaseException as error:  # noqa: BLE001 - a comparison of the user's; the other subscribers go on
            fail(self._future, error)

    def end(self, error: BaseException) -> None:
        """The event can no longer come."""
        fail(self._future, error)


def _wake(loop: asyncio.AbstractEventLoop, waiter: asyncio.Future[None]) -> None:
    def finish() -> None:
        if not waiter.done():
            waiter.set_result(None)

    with suppress(RuntimeError):  # that loop has closed: nobody waits any more
        loop.call_soon_threadsafe(finish)
