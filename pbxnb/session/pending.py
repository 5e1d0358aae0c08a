"""`Pending`: something that was started and will be known later; awaitable in a cell, blocking in a script."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, Future
from typing import Any, Generic, TypeVar

from pbxnb.errors import HandleClosed
from pbxnb.text import LONGEST, clean, clean_logger

from .waiting import block, settled

__all__ = ["Pending"]

logger = clean_logger("pbxnb")

T = TypeVar("T")


class Pending(Generic[T]):
    """A command in flight or a wait; ``await`` it, or ask for ``.result()``.

    Args:
        future: where the result will appear.
        what: names it in texts, such as ``the outcome of 'dial'``.
        post: hands a function to the callback lane.
        later: runs a function on the I/O lane after so many seconds; used to report a failure that nobody read.
        unread_after: seconds a failure waits for somebody to read it before it is logged.

    Example:
        >>> outcome = await pbx.dnd(True, account="45")  # in a cell
        >>> outcome = pbx.dnd(False, account="45").result(10)  # in a script
        >>> outcome.status == "confirmed"
        True
    """

    __slots__ = ("__weakref__", "_future", "_post", "_read", "_unread_after", "_what")

    def __init__(
        self,
        future: Future[T],
        what: str,
        *,
        post: Callable[[Callable[[], None]], None],
        later: Callable[[float, Callable[[], None]], None],
        unread_after: float = 0.5,
    ) -> None:
        self._future = future
        self._unread_after = unread_after
        self._what = what
        self._post = post
        self._read = False
        future.add_done_callback(lambda _: self._watch_unread(later))

    def __await__(self) -> Generator[Any, None, T]:
        yield from settled(self._future).__await__()
        return self._take()

    def result(self, timeout: float | None = None) -> T:
        """Block until it is known and return it; an interrupt stops the waiting, not the thing waited for.

        Args:
            timeout: seconds; None waits as long as it takes.

        Raises:
            WaitTimeout: not known in time.
            WrongThread: called on one of pbxnb's own threads before it is known.
        """
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

    def __repr__(self) -> str:
        if not self._future.done():
            return f"<{self._what}: not yet>"
        if self._future.cancelled():
            return f"<{self._what}: no longer waited for>"
        error = self._future.exception()
        return clean(f"<{self._what}: {error if error else self._future.result()}>", LONGEST)

    def _take(self) -> T:
        self._read = True
        return self._future.result()

    def _watch_unread(self, later: Callable[[float, Callable[[], None]], None]) -> None:
        try:
            error = self._future.exception()
        except CancelledError:
            return
        if error is None or isinstance(error, HandleClosed):
            return  # a closed handle ends all its waits: that is one fact, and whoever closed it knows

        def log() -> None:
            if not self._read:
                logger.error("Unread failure of %s: %s", self._what, error)

        later(self._unread_after, log)
