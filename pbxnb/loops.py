"""An asyncio loop in a daemon thread, and the ways into it from other threads.

Knows nothing of PBXes: it runs one main coroutine, takes work while that runs, and leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any, TypeVar

from pbxnb.errors import OutOfResources
from pbxnb.forks import end_in_child, free_in_child
from pbxnb.text import clean_logger

__all__ = ["LoopThread", "fail", "fulfil"]

_LOG = clean_logger("pbxnb")
T = TypeVar("T")


def fulfil(future: Future[T], value: T) -> None:
    """Set the result, unless somebody was quicker (a cancel, a timeout): the first word counts."""
    with suppress(InvalidStateError):
        future.set_result(value)


def fail(future: Future[Any], error: BaseException) -> None:
    """Set the error, unless somebody was quicker."""
    with suppress(InvalidStateError):
        future.set_exception(error)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        # A loop that gets only some of the descriptors it needs leaves a half of itself behind: first see.
        with selectors.DefaultSelector():
            for end in socket.socketpair():
                end.close()
        return asyncio.new_event_loop()
    except OSError as exc:
        raise OutOfResources(
            f"There is no file descriptor left for another connection: {exc.strerror}.",
            hint="Close handles and files that are not needed, or raise the limit (ulimit -n).",
        ) from exc


class LoopThread:
    """A loop in a thread, for as long as its main coroutine runs.

    Args:
        main: makes the coroutine to run; it handles its own errors.
        name: the thread's name; begins with ``pbxnb-``, by which waits recognise a thread of ours.
        ended: makes the error of work that the loop did not finish or take.
        after: called on the thread once the loop is closed, the last thing the thread does.
        settle: seconds the loop goes on after its last task: closed transports let go of their sockets only then.

    Example:
        >>> lane = LoopThread(lambda: asyncio.sleep(0.01), "pbxnb-example")
        >>> lane.start()
        >>> lane.join(5)
        True
    """

    def __init__(
        self,
        main: Callable[[], Coroutine[Any, Any, object]],
        name: str,
        *,
        ended: Callable[[], BaseException] = lambda: RuntimeError("The loop has ended."),
        after: Callable[[], object] = lambda: None,
        settle: float = 0.02,
    ) -> None:
        self._main = main
        self._ended = ended
        self._after = after
        self._settle = settle
        self._loop = _new_loop()
        self._open: set[Future[Any]] | None = set()  # None: no more work is taken
        self._lock = free_in_child(threading.RLock())  # a wait may be collected, and calls, wherever we are
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        end_in_child(self)

    def start(self) -> None:
        """Start the thread; raises `OutOfResources`."""
        try:
            self._thread.start()
        except RuntimeError as exc:
            self._loop.close()
            raise OutOfResources(
                "The system starts no more threads for this process.", hint="Close handles that are not needed."
            ) from exc

    @property
    def inside(self) -> bool:
        """Whether the caller is on this very thread."""
        return threading.current_thread() is self._thread

    def join(self, timeout: float) -> bool:
        """Wait for the thread to end, at most ``timeout`` seconds; True when it is gone."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def call(self, fn: Callable[[], object]) -> bool:
        """Run ``fn()`` on the loop soon; False when the loop has ended and will not."""
        with self._lock:
            if self._open is not None:
                self._loop.call_soon_threadsafe(fn)
            return self._open is not None

    def later(self, seconds: float, fn: Callable[[], object]) -> None:
        """Run ``fn()`` on the loop in ``seconds``; at once where the loop has ended."""
        if not self.call(lambda: self._loop.call_later(seconds, fn)):
            fn()

    def submit(self, make: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        """Run the coroutine ``make()`` on the loop. Cancelling the future stops it neither before nor after it began.

        Whatever the loop does not finish ends in the error of ``ended``: a cancelled future would look like an
        interrupt.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._open is not None:
                self._open.add(future)
        if not self.call(lambda: self._begin(make, future)):
            fail(future, self._ended())
        return future

    def _begin(self, make: Callable[[], Coroutine[Any, Any, T]], future: Future[T]) -> None:
        def finish(task: asyncio.Task[T]) -> None:
            with self._lock:
                if self._open is not None:
                    self._open.discard(future)
                elif task.cancelled():
                    return  # by the end of the loop, which settles what is open
            if task.cancelled():
                fail(future, self._ended())
            elif (error := task.exception()) is not None:
                fail(future, error)
            else:
                fulfil(future, task.result())

        self._loop.create_task(make()).add_done_callback(finish)

    def forked(self) -> None:
        """In a forked child: the loop's selector, self-pipe and sockets are shared with the parent, who needs them."""
        self._open = None
        # What belongs to the loop lets go of it without a word when it is collected, and so does the loop itself.
        setattr(self._loop, "is_closed", lambda: True)  # noqa: B010 - mypy knows a method there

    def _run(self) -> None:
        loop = self._loop
        main = loop.create_task(self._main())
        try:
            while not main.done():
                try:
                    loop.run_until_complete(main)
                except (KeyboardInterrupt, SystemExit):  # asyncio lets them through, whichever callback raised them
                    if main.done():
                        raise
                    _LOG.exception("A callback failed; the loop goes on.")
        finally:
            with self._lock:
                open_, self._open = self._open or set(), None
            self._cancel_rest()
            loop.close()
            for future in open_:
                fail(future, self._ended())
            self._after()

    def _cancel_rest(self) -> None:
        # The loop's own executor is left to itself: a name look-up that hangs in it must not hold this thread.
        loop = self._loop
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            with suppress(TimeoutError):
                loop.run_until_complete(asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 0.2))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(asyncio.sleep(self._settle))
