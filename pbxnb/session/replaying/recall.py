"""`Recall`: gives the history of a replayed handle back what had ended before a jump."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from pbxnb.errors import RecordingError
from pbxnb.forks import end_in_child
from pbxnb.history import History
from pbxnb.model.entities import CallRecord, Presence
from pbxnb.model.past.memory import Taken
from pbxnb.text import clean_logger

from ..past.history import Downtime
from ..recordings.past import RecordedPast
from .judged import Judged
from .past import as_of
from .playback import Playback

if TYPE_CHECKING:
    from pbxnb.journal import Journals
    from pbxnb.widgets.alerts.rules import Rule

__all__ = ["Recall"]

_LOG = clean_logger("pbxnb")
_BACK = (timedelta(minutes=5), timedelta(hours=1), timedelta(days=1), None)  # what is near comes first
_BACK_OF_ACCOUNTS = timedelta(days=1)
_SLICE = 100  # calls or intervals, after which the loop has its turn
_REST = 0.2  # seconds without a jump, after which the past is read and filled in: a jump has the machine for itself
_MOST = 80_000  # calls: with more the oldest spans would go


class Recall:
    """After each jump the history begins anew; this fills it, from the position backwards.

    The recording is read on a thread of its own, as far as it has not been; the history is filled on the I/O lane. The
    same thread judges rules of alerts.

    Args:
        journals: the recording.
        playback: what jumps.
        history: of its line.

    Attributes:
        past: of the whole recording.
    """

    def __init__(self, journals: Journals, playback: Playback, history: History) -> None:
        self._rest = threading.Event()  # no jump was made lately
        self.past: Final = RecordedPast(journals, self._rest.wait)
        self._journals = journals
        self._judged: tuple[Judged, ...] = ()
        self._playback = playback
        self._history = history
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._gaps: list[Downtime] = []
        self._at = playback.start  # of the last jump
        self._filling: asyncio.Task[None] | None = None
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False
        end_in_child(self)

    def jumped(self, at: datetime) -> None:
        """The model is another one, at a position, PBX time. On the I/O lane, before anything is said of it."""
        self._stop()
        self._at = at
        self.hush()
        if at <= self._playback.start:
            self._history.restart(self._playback.store)
            return
        self._history.restart(self._playback.store, at.timestamp())
        self._read_on()

    def hush(self, _aim: object = None) -> None:
        """Leave the machine to a jump that is to be made, for a moment. On the I/O lane."""
        self._rest.clear()
        if self._timer is not None:
            self._timer.cancel()
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(_REST, self._rest.set)

    def gaps(self) -> list[Downtime]:
        """The gaps of the whole recording, as far as they are known; what is new is read meanwhile. From any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._read_on)
        return self._gaps

    def judge(self, rules: Sequence[Rule]) -> Judged:
        """Judge rules of alerts over the whole recording, from now on. From any thread."""
        judged = Judged(self._journals, rules, self.past.tz, self._may_judge)
        self._judged = (*(one for one in self._judged if not one.closed), judged)
        self.gaps()
        return judged

    def close(self) -> None:
        """Let go of the recording, and end the thread."""
        self._closed = True
        self._rest.set()
        self.past.close()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(0.5)

    def forked(self) -> None:
        """In a forked child: the thread is the parent's."""
        self._thread, self._closed = None, True

    def _read_on(self) -> None:
        self._wanted.set()
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._read, name="pbxnb-past", daemon=True)
            self._thread.start()

    # ---- on its own thread ----

    def _read(self) -> None:
        while self._wanted.wait() and self._rest.wait() and not self._closed and self._loop is not None:
            self._wanted.clear()
            at = self._at
            try:
                known = self.past.ended(), self.past.presence(), self.past.gaps()
                self._gaps = known[2]
                self._loop.call_soon_threadsafe(self._begin, at, *known)
                for judged in self._judged:
                    judged.read_on()
            except RecordingError as error:
                if not self._closed:
                    _LOG.warning("What was before the position is not known: %s", error)
            except RuntimeError:  # the loop has ended
                return

    def _may_judge(self) -> bool:
        """What was before the position comes first, and a jump before that."""
        return self._rest.wait() and not self._wanted.is_set() and not self._closed

    # ---- on the I/O lane ----

    def _stop(self) -> None:
        if self._filling is not None:
            self._filling.cancel()
            self._filling = None

    def _begin(
        self, at: datetime, calls: Taken[CallRecord], presence: Taken[Presence], gaps: Iterable[Downtime]
    ) -> None:
        if at is self._at and self._filling is None:
            self._playback.recall(gaps)
            self._filling = asyncio.create_task(self._fill(calls, presence))

    async def _fill(self, calls: Taken[CallRecord], presence: Taken[Presence]) -> None:
        at = upto = self._at
        left = _MOST
        for back in _BACK:
            since = None if back is None else at - back
            for record in calls.during(since):
                if record.ended_at > upto:
                    break
                if since is None or record.ended_at >= since:
                    self._history.recall(record)
                    left -= 1
                    if left % _SLICE == 0:
                        await asyncio.sleep(0)
                    if not left:
                        return
            self._history.known(-math.inf if since is None else since.timestamp())
            self._playback.on_status(self._playback.status)  # whoever shows it draws anew
            if since is not None:
                upto = since - timedelta(microseconds=1)
        for n, interval in enumerate(presence.during(at - _BACK_OF_ACCOUNTS), 1):
            if (known := as_of(at, interval)) is not None:
                self._history.conditions.recall(known)
            if n % _SLICE == 0:
                await asyncio.sleep(0)
        self._playback.on_status(self._playback.status)
