"""`Line`: a feed in its thread, from start to end, and the places everything it says passes through.

The engine behind a `Pbx`. It does not know the handle, its panels or the notebook.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Hashable
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from pbxnb.errors import ForkedHandle, HandleClosed, PbxError, WaitTimeout, WrongThread
from pbxnb.forks import SENTENCE, end_in_child, free_in_child
from pbxnb.history import History
from pbxnb.loops import LoopThread, fail, fulfil
from pbxnb.model.changes import Event
from pbxnb.model.entities import LineState, Status
from pbxnb.signals import Signal
from pbxnb.text import LONGEST, clean, clean_logger

from .events.callbacks import CallbackLane
from .events.matching import event_matcher
from .events.subscriptions import OneEvent, Subscriptions, check_kind
from .feed import Feed
from .pending import Pending, Wait
from .recordings.live import LiveRecording
from .registry import REGISTRY
from .timing import SessionTiming
from .waiting import block, check_seconds, in_own_thread, settled, timed_out

__all__ = ["Line"]

logger: Final = clean_logger("pbxnb")

T = TypeVar("T")
_UP = (LineState.LIVE, LineState.STALE)


class Line:
    """One connection on its own thread.

    Args:
        feed: not yet started.
        lock: held by the feed while it writes the model.
        key: equal keys replace each other (see `Registry`).
        finish: called last of all, for what belongs to the line: the embedded PBX.
        record: what to record to from the beginning, and the facts that the file keeps.
        history: what was, on the PBX's clock; one that begins now unless given.
        ready: whether whoever waits for the line may go on, by its status.

    Attributes:
        history: as given.
        recording: what it records to.
        on_status: gets the `Status` at every change of the line's state, the last one included.
    """

    def __init__(
        self,
        feed: Feed,
        lock: AbstractContextManager[Any],
        *,
        key: Hashable,
        finish: Callable[[], object] = lambda: None,
        timing: SessionTiming | None = None,
        record: tuple[Path, dict[str, str]] | None = None,
        history: History | None = None,
        ready: Callable[[Status], bool] = lambda status: status.state in _UP,
    ) -> None:
        self.feed = feed
        self.lock = lock
        self.key = key
        self.domain: str = feed.endpoint.domain
        self.lane: CallbackLane = CallbackLane()
        self.subscriptions: Final = Subscriptions(self.lane)
        self.history: Final = history or History(feed.store, lambda: self.status.gaps)
        self.on_status: Signal[Status] = Signal()
        self.timing: Final = timing or SessionTiming()
        self.recording: Final = LiveRecording(feed, key)
        if record is not None:
            self.recording.begin_first(*record)
        try:
            self._thread = self._new_thread()
        except BaseException:
            self.recording.close(self.timing.close_within)
            raise
        self._finish, self._ready = finish, ready
        self._live: Future[None] = Future()
        self._gone: Future[None] = Future()
        self._read = threading.Event()  # somebody has seen why it failed
        self._closing = asyncio.Event()
        self._asked = False  # somebody closed it
        self._restarting = free_in_child(threading.Lock())
        self._end_with: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._why = ""
        self._error: BaseException | None = None
        self._final: Status | None = None
        feed.on_changes.add(self.history.feed)  # first of all: whoever gets a change may read what was
        feed.on_event.add(self.subscriptions.publish)
        feed.on_event.add(self.lane.changed)
        feed.on_changes.add(self.lane.changed)
        feed.on_status.add(self._status)
        self.recording.changed = lambda: self.call(lambda: self._status(self.status))
        end_in_child(self)

    # ---- life ----

    def start(self) -> None:
        """Begin to connect."""
        REGISTRY.enter(self)
        try:
            self._thread.start()
        except BaseException:
            REGISTRY.leave(self)
            raise

    def _new_thread(self) -> LoopThread:
        return LoopThread(self._main, "pbxnb-io", ended=_unfinished, after=self._after, settle=self.timing.settle)

    def reconnect(self) -> None:
        """Try at once: a line that waits for its next attempt, and one that a failure ended; its threads start again.

        Raises:
            HandleClosed: it was closed.
            WrongThread: it has ended, and this is one of its own threads.
        """
        with self._restarting:
            if self._final is None and not self._asked:
                self.on_loop(self._try_now)
            if self._final is None and not self._asked:
                return
            if self._asked or self._error is None:
                raise self._closed()
            if in_own_thread():
                raise WrongThread(
                    "A line that has ended cannot start again from one of pbxnb's own threads.",
                    hint="Call reconnect() in a cell or in your own thread.",
                )
            self._read.set()
            if not self.join(self.timing.join_within):
                raise WaitTimeout(
                    "The threads of the line have not ended yet.", hint="Does a handler block? Try again."
                )
            thread = self._new_thread()
            self._final = self._error = None
            self._why = ""
            self._live, self._gone, self._read, self._closing = Future(), Future(), threading.Event(), asyncio.Event()
            self.recording.again()
            self.lane.restart()
            self.subscriptions.restart()
            self._thread = thread
            self.start()
            if self._asked:  # meanwhile
                self._thread.call(self._closing.set)

    def _try_now(self) -> None:
        if self._final is None and not self._ready(self.feed.status):
            if self._live.done():
                self._live = Future()
            self.feed.reconnect()

    async def live(self) -> None:
        """Return once live; raise what went wrong, or what ended it."""
        await settled(self._live)
        self._raise()

    def wait_live(self, timeout: float | None) -> None:
        """As `live`, blocking."""
        block(self._live, timeout, "the first live moment of the connection")
        self._raise()

    def begin_close(self, why: str) -> None:
        """Start to close; does not wait, and may be called again and from anywhere."""
        self._why, self._asked = self._why or why, True
        self._thread.call(self._closing.set)

    async def gone(self) -> None:
        """Return once its threads have finished."""
        await settled(self._gone)
        self.join(0.1)

    def join(self, timeout: float) -> bool:
        """Wait for its threads to be gone; True when they are. On one of them, does not wait."""
        if self._thread.inside or self.lane.inside:
            return False
        return self._thread.join(timeout) and self.lane.join(timeout)

    def forked(self) -> None:
        """In a forked child: the line is the parent's, and so is whoever waits for it."""
        if self._final is None:
            self._error = ForkedHandle(f"This connection is closed: {SENTENCE}", hint="Connect here, too.")
            self._asked, self._why = True, SENTENCE
            self._final = msgspec.structs.replace(
                self.feed.status, state=LineState.CLOSED, since=self.feed.now(), why=SENTENCE, failed=True
            )
        closed = self._closed()
        self._live, self._gone, self._read = Future(), Future(), threading.Event()
        self._live.set_exception(closed)
        self._gone.set_result(None)
        self.lane.forked(closed)
        self.subscriptions.forked(closed)

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, on the feed's clock; None while it goes on."""
        return None if (final := self._final) is None else final.since

    @property
    def status(self) -> Status:
        """The line, now."""
        status = self._final or self._with_reason(self.feed.status)
        dropped, recording = self.lane.tally.count, self.recording.state
        if dropped or recording is not None:
            return msgspec.structs.replace(status, dropped_events=dropped, recording=recording)
        return status

    # ---- work ----

    def read(self, fn: Callable[[], T]) -> T:
        """Call ``fn()`` while the model holds still."""
        with self.lock:
            return fn()

    def on_loop(self, fn: Callable[[], T]) -> T:
        """Call ``fn()`` on the I/O lane, between two messages, and return what it returns; a few milliseconds."""

        async def there() -> T:
            return fn()

        if not self._thread.inside:
            with suppress(HandleClosed):
                return self._thread.submit(there).result()
        return fn()  # nobody else runs, or we are there already

    def check_open(self) -> None:
        """Refuse what a closed handle cannot do."""
        if self._final is not None:
            raise self._closed()

    def submit(self, make: Callable[[], Coroutine[Any, Any, T]], what: str) -> Pending[T]:
        """Run a coroutine on the I/O lane."""
        return self._pending(self._thread.submit(make), what, None)

    def wait(self, future: Future[T], what: str, timeout: float | None = None) -> Pending[T]:
        """Something that will be known."""
        check_seconds("timeout", timeout)
        return self._pending(future, what, timeout)

    def call(self, fn: Callable[[], object]) -> bool:
        """Run ``fn()`` on the I/O lane soon; False when it has ended."""
        return self._thread.call(fn)

    def end_with(self, close: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
        """Await ``close()`` before the line ends, whatever ends it; gives the way to forget it. On the I/O lane."""
        self._end_with.append(close)

        def forget() -> None:
            if close in self._end_with:
                self._end_with.remove(close)

        return forget

    def keep_read(self, queues: bool, orbits: bool) -> Callable[[], None]:
        """Have queues and orbits re-read while something shows them."""
        stops: list[Callable[[], None]] = []

        def do(fn: Callable[[], object]) -> None:
            if not self.call(fn):
                fn()  # it has ended, but may start again: nobody else runs now

        do(lambda: stops.append(self.feed.keep_read(queues, orbits)))
        return lambda: do(lambda: stops.pop()() if stops else None)

    def until(self, test: Callable[[], T], timeout: float | None) -> Pending[T]:
        """Wait for ``test()`` to become true."""
        check_seconds("timeout", timeout)
        future: Future[T] = Future()
        wait = Wait(future, lambda: self.lane.until(test, future))
        return self._pending(future, "the condition", timeout, wait)

    def wait_for(self, kind: str, timeout: float | None, match: dict[str, Any]) -> Pending[Event]:
        """Wait for one event."""
        check_seconds("timeout", timeout)
        future: Future[Event] = Future()
        one = OneEvent(event_matcher(check_kind(kind), match), future)
        wait = Wait(future, lambda: self.subscriptions.add(kind, one))
        return self._pending(future, f"an event {kind!r}", timeout, wait)

    def record(self, path: Path, about: dict[str, str]) -> Pending[None]:
        """Record to a file from now on, and to no other."""
        self.check_open()
        return self._pending(self.recording.begin(path, about), "the file of the recording", None)

    def stop_recording(self) -> Pending[None]:
        """Record no more."""
        return self._pending(self.recording.end(for_good=True), "the end of the recording", None)

    def _pending(self, future: Future[T], what: str, timeout: float | None, wait: Wait | None = None) -> Pending[T]:
        if timeout is not None and not future.done():
            self._thread.later(timeout, lambda: fail(future, timed_out(what, timeout)))
        return Pending(
            future,
            what,
            post=self.lane.post,
            later=self._thread.later,
            unread_after=self.timing.pending_unread_after,
            wait=wait,
        )

    # ---- on the I/O lane ----

    async def _main(self) -> None:
        run = asyncio.ensure_future(self.feed.run())
        asked = asyncio.ensure_future(self._closing.wait())
        await asyncio.wait({run, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if self._end_with:
            closing = {asyncio.ensure_future(close()) for close in tuple(self._end_with)}
            await asyncio.wait(closing, timeout=self.timing.phones_within)
        if not run.done():
            await asyncio.wait({run, asyncio.ensure_future(self.feed.aclose())}, timeout=self.timing.close_within)
        if not run.done():
            run.cancel()
            await asyncio.wait({run}, timeout=0.1)
        self._end(run.exception() if run.done() and not run.cancelled() else None)

    def _end(self, error: BaseException | None) -> None:
        if error is not None and not isinstance(error, PbxError):
            logger.error("The connection ended with an error that is not its own.", exc_info=error)
        self._error = error
        self._why = clean(error, LONGEST) or self._why or "Closed."
        last = self.feed.status
        if last.state in (LineState.CLOSED, LineState.REFUSED):
            self._final = self._with_reason(last)
        else:  # the feed had no time left to say so itself
            told = {"state": LineState.CLOSED, "since": self.feed.now(), "why": self._why, "failed": error is not None}
            self._final = msgspec.structs.replace(last, **told)
            self.on_status(self._final)
        closed = self._closed()
        self.subscriptions.end(closed)
        self.lane.refuse(closed)
        if self._live.done() and error is not None:
            logger.error("The connection has ended: %s", error)  # nobody waits any more who could read it
            self._read.set()
        fail(self._live, error or closed)

    def _after(self) -> None:
        if self._final is None:  # a fault of ours on the way: still nobody waits for ever
            self._why = self._why or "A fault in pbxnb ended it; the log has the traceback."
            self._final = Status(state=LineState.CLOSED, since=self.feed.now(), why=self._why, failed=True)
            self.lane.refuse(self._closed())
            fail(self._live, self._closed())
        self.lane.stop(self.timing.last_words)
        self.recording.close(self.timing.close_within)
        try:
            self._finish()
        finally:
            if self._error is not None and not self._read.wait(self.timing.unread_after):
                logger.error("The connection failed: %s", self._error)
            REGISTRY.leave(self)  # not before: a program that ends now waits for what is registered
            self.lane.join(self.timing.last_words)
            fulfil(self._gone, None)

    def _status(self, status: Status) -> None:
        if not self._live.done() and self._ready(status):
            fulfil(self._live, None)
            self.recording.live()
            REGISTRY.went_live(self)
        self.on_status(self._with_reason(status))
        self.lane.changed()

    # ---- how it ended ----

    def _with_reason(self, status: Status) -> Status:
        """The feed does not know why it is closed from outside."""
        if status.state == LineState.CLOSED and not status.why:
            return msgspec.structs.replace(status, why=self._why or "Closed.")
        return status

    def _closed(self) -> HandleClosed:
        if isinstance(self._error, ForkedHandle):
            return self._error
        return HandleClosed(f"This connection is closed: {self._why}", hint="Connect again.")

    def _raise(self) -> None:
        self._read.set()
        if self._final is not None:
            raise self._error or self._closed()


def _unfinished() -> HandleClosed:
    return HandleClosed("The connection ended before this was done.", hint="Connect again.")
