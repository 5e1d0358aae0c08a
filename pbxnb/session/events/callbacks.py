"""The callback lane: one daemon thread ``pbxnb-callbacks`` that runs user handlers and `until` predicates, in order.

User code is slow, blocks and fails, in whatever way; here it can do all three without touching the line.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from pbxnb.forks import free_in_child
from pbxnb.loops import fail, fulfil
from pbxnb.text import clean_logger

from .queueing import EventQueue, Tally

__all__ = ["CallbackLane"]

logger: Final = clean_logger("pbxnb")


class CallbackLane:
    """Runs jobs one after the other; between two of them, tries the conditions if the model has changed.

    The thread starts with the first job or condition: a handle nobody subscribed to does without.
    """

    def __init__(self) -> None:
        self.tally: Final = Tally()
        self._jobs: EventQueue[Callable[[], object]] = EventQueue(
            self.tally, "A handler holds up all the others of this handle"
        )
        self._conditions: dict[Future[Any], Callable[[], Any]] = {}
        self._changed = False
        self._wake = threading.Event()
        self._lock = free_in_child(threading.Lock())
        self._thread: threading.Thread | None = None
        self._stop_at: float | None = None
        self._error: BaseException | None = None

    @property
    def inside(self) -> bool:
        """Whether the caller is on this very thread."""
        return threading.current_thread() is self._thread

    def post(self, job: Callable[[], object], *, may_go: bool = False, size: int = 0) -> None:
        """Queue ``job()``. Once the lane has stopped, run it in the caller's thread: nobody else would."""
        if self._start():
            self._jobs.put(job, may_go=may_go, size=size)
            self._wake.set()
        else:
            _run(job)

    def until(self, test: Callable[[], Any], future: Future[Any]) -> Callable[[], None]:
        """Try ``test()`` at once and after changes; its first true value, or its error, settles ``future``.

        Returns:
            The way to stop trying.
        """
        with self._lock:
            if self._error is None:
                self._conditions[future] = test
        if self._error is not None:
            fail(future, self._error)
        else:
            self._start()
            self.changed()

        def stop() -> None:
            with self._lock:
                self._conditions.pop(future, None)

        return stop

    def changed(self, _value: object = None) -> None:
        """Try the conditions soon: an event came, or the model changed. Cheap, for the I/O lane."""
        if self._conditions:
            self._changed = True
            self._wake.set()

    def refuse(self, error: BaseException) -> None:
        """The line has ended: conditions, those open and those to come, get ``error``."""
        with self._lock:
            self._error = error
            conditions, self._conditions = self._conditions, {}
        for future in conditions:
            fail(future, error)

    def forked(self, error: BaseException) -> None:
        """In a forked child: the thread is gone, with its jobs; conditions to come get ``error``."""
        self._error, self._stop_at = error, 0.0
        self._conditions = {}
        self._jobs.clear()
        self._wake = threading.Event()

    def restart(self) -> None:
        """The line starts again: take jobs and conditions as before; after the end of the thread."""
        with self._lock:
            self._error = self._stop_at = self._thread = None

    def stop(self, within: float) -> None:
        """Finish what is queued, but for no more than ``within`` seconds, then end."""
        with self._lock:
            self._stop_at = time.monotonic() + within
        self._wake.set()

    def join(self, timeout: float) -> bool:
        """Wait for the thread to end, at most ``timeout`` seconds; True when it is gone."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self._thread is None or not self._thread.is_alive()

    def _start(self) -> bool:
        with self._lock:
            if self._stop_at is not None:
                return self._thread is not None and self._thread.is_alive() and time.monotonic() < self._stop_at
            if self._thread is None:
                thread = threading.Thread(target=self._loop, name="pbxnb-callbacks", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # the interpreter is ending and starts no thread any more (Python 3.12 on)
                    return False
                self._thread = thread
            return True

    def _loop(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while not self._late():
                self._try_conditions()
                job = self._jobs.get()
                if job is None:
                    break
                _run(job)
            if self._stop_at is not None:
                self._jobs.clear()
                return

    def _late(self) -> bool:
        return self._stop_at is not None and time.monotonic() >= self._stop_at

    def _try_conditions(self) -> None:
        if not self._changed:
            return
        self._changed = False
        with self._lock:
            conditions = list(self._conditions.items())
        for future, test in conditions:
            if future in self._conditions and not future.done():  # a test before it may have stopped it
                try:
                    if value := test():  # asking a table whether it is true fails, too
                        fulfil(future, value)
                except BaseException as error:  # noqa: BLE001 - the predicate is the user's; its error is the waiter's
                    fail(future, error)
            if future.done():
                with self._lock:
                    self._conditions.pop(future, None)


def _run(job: Callable[[], object]) -> None:
    try:
        job()
    except BaseException:  # ``exit()``, a cancel or an interrupt would end the lane for all the others
        logger.exception("A callback failed; the line goes on.")
