"""The UI lane: one daemon thread per process, alive while a panel is open, and the only writer of widgets.

A panel registers a paint function and gets a `Ticket`. The I/O lane calls ``ticket.wake()`` after it marked something
dirty: the panel is painted at the next beat (20 Hz, at once after a pause). A click calls ``ticket.nudge()``: painted
at once. The lane knows neither panels nor handles.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import ClassVar

from pbxnb.forks import end_in_child, free_in_child
from pbxnb.text import clean_logger

from .kernel import detached_context
from .timing import Timing

__all__ = ["Lane", "Ticket"]

AT_ONCE = float("-inf")
_NEVER = float("inf")
_log = clean_logger("pbxnb.ui")


class Ticket:
    """One painter's place on the lane; made by `Lane.register`."""

    def __init__(
        self,
        lane: Lane,
        changed: threading.Condition,
        paint: Callable[[float], float | None],
    ) -> None:
        self._lane = lane
        self._changed = changed
        self.paint = paint
        self.due: float = _NEVER
        self.closed = False

    def wake(self, when: float = 0.0) -> None:
        """Paint at the next beat, or from the monotonic time ``when`` on. From any thread, as often as you like."""
        # Once woken, waking again costs one comparison: this runs for every message of a busy PBX.
        if self.due <= when or self.closed:
            return
        with self._changed:
            self.due = when
            self._changed.notify()

    def nudge(self) -> None:
        """Paint at once: somebody clicked. From any thread."""
        self.wake(AT_ONCE)

    def call(self, fn: Callable[[], object]) -> None:
        """Run ``fn()`` on the lane at once: how any other thread writes a widget. Its error is logged."""
        self._lane.call(self, fn)

    def close(self) -> None:
        """Leave the lane; the thread ends with its last ticket. A paint in progress finishes."""
        self._lane.leave(self)


class Lane:
    """The thread and its beat.

    Example:
        >>> ticket = Lane.get().register(lambda now: None)
        >>> ticket.close()
    """

    _shared: ClassVar[Lane | None] = None
    _shared_lock: ClassVar[threading.Lock] = free_in_child(threading.Lock())

    def __init__(self, timing: Timing | None = None) -> None:
        self._beat = (timing or Timing()).beat
        self._condition = free_in_child(threading.Condition())
        self._tickets: list[Ticket] = []
        self._calls: deque[tuple[Ticket, Callable[[], object]]] = deque()
        self._thread: threading.Thread | None = None
        self._last_beat = 0.0
        end_in_child(self)

    @classmethod
    def get(cls) -> Lane:
        """Return the lane of this process."""
        with cls._shared_lock:
            if cls._shared is None:
                cls._shared = Lane()
            return cls._shared

    def register(self, paint: Callable[[float], float | None]) -> Ticket:
        """Add a painter.

        Args:
            paint: called on the lane with ``time.monotonic()``; writes what is dirty, returns the monotonic time at
                which it wants to be called again even if nobody wakes it, or None.
        """
        ticket = Ticket(self, self._condition, paint)
        with self._condition:
            self._tickets.append(ticket)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=detached_context().run, args=(self._run,), name="pbxnb-ui", daemon=True
                )
                self._thread.start()
        return ticket

    def here(self) -> bool:
        """Whether the caller runs on the lane."""
        return threading.current_thread() is self._thread

    def call(self, ticket: Ticket, fn: Callable[[], object]) -> None:
        """Run ``fn()`` on the lane; used by `Ticket`."""
        with self._condition:
            if not ticket.closed:
                self._calls.append((ticket, fn))
                self._condition.notify()

    def leave(self, ticket: Ticket) -> None:
        """Take a ticket off the lane; used by `Ticket`."""
        with self._condition:
            ticket.closed = True
            ticket.due = _NEVER
            if ticket in self._tickets:
                self._tickets.remove(ticket)
            self._condition.notify()

    def forked(self) -> None:
        """In a forked child: its panels are the parent's; the thread starts with the first one made here."""
        for ticket in self._tickets:
            ticket.closed, ticket.due = True, _NEVER
        self._tickets, self._thread = [], None
        self._calls.clear()

    def _run(self) -> None:
        while self._wait():
            now = time.monotonic()
            while self._calls:
                ticket, fn = self._calls.popleft()
                if not ticket.closed:
                    try:
                        fn()
                    except BaseException:  # noqa: BLE001 - one panel's fault must not stop the others
                        _log.exception("What a panel asked for failed.")
            beat = now >= self._last_beat + self._beat
            if beat:
                self._last_beat = now
            for ticket in tuple(self._tickets):
                # ``due`` is the past for a nudge, 0 for a wake, a time for a paint at a given time.
                if ticket.due == AT_ONCE or (beat and ticket.due <= now):
                    ticket.due = _NEVER
                    try:
                        again = ticket.paint(now)
                    except BaseException:  # noqa: BLE001 - as above; panels show their own errors
                        _log.exception("A panel could not be painted.")
                        continue
                    if isinstance(again, float):
                        with self._condition:
                            ticket.due = min(ticket.due, again)

    def _wait(self) -> bool:
        """Sleep until something is due; False when the last ticket has gone."""
        with self._condition:
            while self._tickets:
                if self._calls:
                    return True
                due = min(ticket.due for ticket in self._tickets)
                now = time.monotonic()
                at = due if due == AT_ONCE else max(due, self._last_beat + self._beat)
                if at <= now:
                    return True
                self._condition.wait(None if at == _NEVER else at - now)
            self._thread = None
            self._calls.clear()
            return False
