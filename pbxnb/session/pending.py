"""`Pending`: something that was started and will be known later; awaitable in a cell, blocking in a script."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, Future
from contextlib import nullcontext
from functools import partial
from typing import Any, Final, Generic, TypeVar

from pbxnb.errors import ForkedHandle, HandleClosed, no_copy
from pbxnb.forks import SENTENCE, end_in_child, free_in_child
from pbxnb.text import LONGEST, clean, clean_logger

from .waiting import block, settled

__all__ = ["Pending"]

logger: Final = clean_logger("pbxnb")

T = TypeVar("T")


class Wait:
    """What tries a condition or looks out for an event: from the start, and on while somebody may still want to know.

    As a context manager it is one waiter; the last that leaves ends it, and the next one begins it anew.

    Args:
        future: where the result will appear; done, it ends this for good.
        begin: begins to try, and returns the way to stop.
    """

    def __init__(self, future: Future[Any], begin: Callable[[], Callable[[], None]]) -> None:
        self._future = future
        self._begin = begin
        self._waiters = 0
        self._lock = free_in_child(threading.RLock())
        self._stop: Callable[[], None] | None = begin()
        future.add_done_callback(lambda _: self._end())

    def __enter__(self) -> None:
        with self._lock:
            self._waiters += 1
            if self._stop is None and not self._future.done():
                self._stop = self._begin()

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._waiters -= 1
            if not self._waiters:
                self._end()

    def _end(self) -> None:
        with self._lock:
            stop, self._stop = self._stop, None
        if stop is not None:
            stop()


class Pending(Generic[T]):
    """A command in flight or a wait; ``await`` it, or ask for ``.result()``.

    A command goes on whoever waits. A wait ends with its only waiter (a timeout, an interrupt, a cancelled ``await``)
    and begins anew when asked again; dropped, it ends as well, unless `add_done_callback` has one to call.

    Args:
        future: where the result will appear.
        what: names it in texts, such as ``the outcome of 'dial'``.
        post: hands a function to the callback lane.
        later: runs a function on the I/O lane after so many seconds; used to report a failure that nobody read.
        unread_after: seconds a failure waits for somebody to read it before it is logged.
        wait: of a wait, what tries.

    Example:
        >>> outcome = await pbx.dnd(True, account="45")  # in a cell
        >>> outcome = pbx.dnd(False, account="45").result(10)  # in a script
        >>> outcome.status == "confirmed"
        True
    """

    __slots__ = ("__weakref__", "_future", "_later", "_post", "_read", "_wait", "_what")

    __reduce__: Any = no_copy

    def __init__(
        self,
        future: Future[T],
        what: str,
        *,
        post: Callable[[Callable[[], None]], None],
        later: Callable[[float, Callable[[], object]], None],
        unread_after: float = 0.5,
        wait: Wait | None = None,
    ) -> None:
        self._future = future
        self._what = what
        self._post = post
        self._later = later
        self._wait = wait
        self._read = read = threading.Event()  # the callback knows this, not the Pending, which can so be dropped
        future.add_done_callback(lambda done: _log_unread(done, read, what, partial(later, unread_after)))

        end_in_child(self)

    def forked(self) -> None:
        """In a forked child: what is not known yet will not be; whoever asked to be told is the parent's."""
        self._future._condition._at_fork_reinit()  # type: ignore[attr-defined]  # noqa: SLF001 - as any lock of ours
        self._read = threading.Event()
        if not self._future.done():
            self._future, self._wait = Future(), None
            self._future.set_exception(ForkedHandle(f"{self._what}: {SENTENCE}", hint="Connect here, too."))

    def __await__(self) -> Generator[Any, None, T]:
        with self._wait or nullcontext():
            yield from settled(self._future).__await__()
        return self._take()

    def __del__(self) -> None:
        if self._wait is not None and not self._future.done():
            self._later(0.0, self._future.cancel)  # not here: whoever runs now may hold any lock

    def result(self, timeout: float | None = None) -> T:
        """Block until it is known and return it; an interrupt stops the waiting, not the thing waited for.

        Args:
            timeout: seconds; None waits as long as it takes.

        Raises:
            WaitTimeout: not known in time.
            WrongThread: called on one of pbxnb's own threads before it is known.
        """
        with self._wait or nullcontext():
            block(self._future, timeout, self._what)
        return self._take()

    def cancel(self) -> bool:
        """Stop waiting; what was sent stays sent. True when there was still something to wait for."""
        return self._future.cancel()

    def done(self) -> bool:
        """Whether it is known, failed or cancelled."""
        return self._future.done()

    def cancelled(self) -> bool:
        """Whether `cancel` stopped the waiting."""
        return self._future.cancelled()

    def add_done_callback(self, fn: Callable[[Pending[T]], Any]) -> None:
        """Call ``fn(pending)`` once it is done, on the callback lane."""
        self._future.add_done_callback(lambda _: self._post(lambda: fn(self)))
        if self._wait is not None:
            self._wait.__enter__()  # a waiter that never leaves

    def __repr__(self) -> str:
        if not self._future.done():
            return f"<{self._what}: not yet>"
        if self._future.cancelled():
            return f"<{self._what}: no longer waited for>"
        error = self._future.exception()
        return clean(f"<{self._what}: {error if error else self._future.result()}>", LONGEST)

    def _take(self) -> T:
        self._read.set()
        return self._future.result()


def _log_unread(
    future: Future[Any], read: threading.Event, what: str, later: Callable[[Callable[[], None]], None]
) -> None:
    """Log the failure of ``future``, once it is done, if nobody has read it a little later."""
    try:
        error = future.exception()
    except CancelledError:
        return
    if error is None or isinstance(error, HandleClosed):
        return  # a closed handle ends all its waits: that is one fact, and whoever closed it knows

    def log() -> None:
        if not read.is_set():
            logger.error("Unread failure of %s: %s", what, error)

    later(log)
