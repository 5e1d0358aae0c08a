"""`Playback`: a recording as the feed of a line: its inputs, each in its time, make a model again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from pbxnb.client.commands import Outcome
from pbxnb.client.endpoint import Endpoint
from pbxnb.errors import ControlDisabled, RecordingError
from pbxnb.model.changes import Changes, Event, Frame
from pbxnb.model.entities import CallRecord, Gap, LineState, Status
from pbxnb.model.kept.inputs import Applied, DateRead, Input, Received, Resynced, Sent
from pbxnb.model.store import Store
from pbxnb.protocol.commands import Context, Plan
from pbxnb.protocol.coverage import Coverage
from pbxnb.protocol.messages import Message
from pbxnb.signals import Signal

from ..past.history import Downtime
from .news import all_of, frame_of, message_of
from .pace import Pace
from .places import is_step, step_back, told_before
from .told import LineTold

if TYPE_CHECKING:
    from pbxnb.journal import Journals

    from ..feed import Feed

__all__ = ["Playback"]

_SLICE = 0.01  # seconds of work after which the loop gets its turn
_SET_BACK = timedelta(seconds=1)  # the kernel's clock was set, where an input is so much older than the one before


class Playback:
    """The inputs of a recording, and a model that they make.

    Everything but `now`, `position`, `end` and `status` is used on the I/O lane.

    Args:
        journal: what is played; may grow meanwhile.
        lock: held while the model is written.
        at: where it begins, PBX time; at the start when None.
        speed: seconds of the recording per second.

    Raises:
        RecordingError: it is empty, or cannot be read.

    Attributes:
        endpoint: as whom it was recorded.
        store: the model; another one after a jump.
        coverage: which actions, fields and values were played.
        path: of the recording.
        pace: its clock, to be read.
        playing: whether it plays.
        start: of the recording, PBX time.
        on_event, on_changes, on_frame, on_input, on_status: as of a `Client`.
        on_aim: gets the moment to which it is asked to jump, PBX time.
        on_jump: gets the position, PBX time, when the model is another one, before its changes.
        on_move: fires when it plays, pauses, jumps, steps or has another speed.
    """

    def __init__(
        self,
        journal: Journals,
        endpoint: Endpoint,
        lock: AbstractContextManager[object],
        *,
        at: datetime | None = None,
        speed: float = 1.0,
    ) -> None:
        self._journal = journal
        self._lock = lock
        self.path: Final = journal.path
        self.endpoint: Endpoint = endpoint
        self.coverage: Coverage = Coverage()
        self.on_event: Signal[Event] = Signal()
        self.on_changes: Signal[Changes] = Signal()
        self.on_frame: Signal[Frame] = Signal()
        self.on_input: Signal[Input] = Signal()
        self.on_status: Signal[Status] = Signal()
        self.on_aim: Signal[datetime] = Signal()
        self.on_jump: Signal[datetime] = Signal()
        self.on_move: Signal[Playback] = Signal()
        self.store: Store = Store(domain=endpoint.domain, user=endpoint.user)
        if not (breaks := journal.breaks()):
            raise RecordingError(f"{journal.path.name} is empty.", hint="Nothing had been written when it ended.")
        try:
            self._end_clock = journal.store(journal.last + 1).clock
        except RecordingError:  # damaged there; other moments may be whole
            self._end_clock = journal.store(breaks[-1].seq).clock
        self._end = (-1, breaks[0].at)
        self.start: Final = self._end[1]
        self.playing: bool = True
        self._begin = self.start if at is None else at
        self._told = LineTold(LineState.CONNECTING, self.start)
        self.pace: Final = Pace(self.start, speed)
        self._trouble = ""
        self._wanted: datetime | None = None
        self._orders = 0  # steps and jumps that were given
        self._utc: datetime | None = None  # of the input that was applied last
        self._closed = False
        self._loaded, self._wake = asyncio.Event(), asyncio.Event()

    # ---- from any thread ----

    def now(self) -> datetime:
        """Where it is, on the clock that stamped the recording."""
        return self.pace.now()

    @property
    def position(self) -> datetime:
        """Where it is, PBX time."""
        with self._lock:
            return self.store.clock.at(self.now())

    def running(self) -> list[CallRecord]:
        """The calls that go on, as if they ended at the position."""
        with self._lock:
            return self.store.running_calls(self.position)

    @property
    def end(self) -> datetime:
        """Of what has been recorded up to now, PBX time."""
        with suppress(RecordingError):  # once it is closed, what was known last
            last = self._journal.last
            if last != self._end[0]:
                for _, one in self._journal.inputs(last, last):
                    self._end = (last, max(self.start, self._end_clock.at(one.at)))
        return self._end[1]

    @property
    def status(self) -> Status:
        """The recorded line at the position; why says that it is a recording."""
        told = self._told.status
        why = (f"A recording is shown: {self._journal.path.name}.", told.why, self._trouble)
        return replace(told, why=" ".join(filter(None, why)))

    def reconnect(self) -> None:
        """Nothing: there is no line."""

    def keep_read(self, _queues: bool, _orbits: bool) -> Callable[[], None]:
        """Nothing: what was read is in the recording."""
        return lambda: None

    def context(self, account: str = "") -> Context:
        """What the planner of commands needs to know, for a preview."""
        return Context(domain=self.endpoint.domain, user=self.endpoint.user, account=account)

    async def execute(self, _plan: Plan, _deadline: float | None = None) -> Outcome:
        """Nothing goes out.

        Raises:
            ControlDisabled: always.
        """
        raise ControlDisabled("A recording takes no commands.")

    # ---- life ----

    async def run(self) -> None:
        """Play until closed.

        Raises:
            RecordingError: the recording cannot be read where it is to begin.
        """
        self._seek(self._begin)
        self._loaded.set()
        while not self._closed:
            wait = self._play()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            self._wake.clear()

    async def aclose(self) -> None:
        """Stop."""
        self._closed = True
        self._wake.set()

    def recall(self, gaps: Iterable[Downtime]) -> None:
        """Take in the gaps of the recording, PBX time, as far as they have begun."""
        now, ahead = self.now(), timedelta(seconds=self.store.clock.offset)
        known = [Gap(gap.start - ahead, gap.end and gap.end - ahead, gap.why or "line") for gap in gaps]
        with self._lock:
            self._told.recall(
                [
                    replace(gap, end=gap.end if gap.end and gap.end <= now else None)
                    for gap in known
                    if gap.start <= now
                ],
                self.start - ahead,
            )
        self.on_status(self.status)

    # ---- what a player asks for ----

    async def play(self) -> None:
        """Go on from here, up to the end."""
        await self._loaded.wait()
        self.playing, self._trouble = True, ""
        self.pace.run()
        self._moved()

    async def pause(self) -> None:
        """Stand still."""
        await self._loaded.wait()
        self.playing = False
        self.pace.stand()
        self._moved()

    def set_speed(self, speed: float) -> None:
        """Seconds of the recording per second, from now on."""
        self.pace.speed = speed
        self._moved()

    async def seek(self, t: datetime) -> None:
        """The model as it was at a moment, PBX time; outside of the recording at its nearest end.

        A jump that a later one has overtaken is not made.
        """
        self._wanted = t
        self.on_aim(t)
        await self._loaded.wait()
        await asyncio.sleep(0)
        if self._wanted is t:
            self._seek(t)

    async def step(self, n: int) -> None:
        """So many messages on, or back; it is paused then."""
        await self._loaded.wait()
        self.playing = False
        self.pace.stand()
        if n < 0:
            self._back(-n)
        else:
            await self._forward(n)
        self._moved()

    # ---- on the way ----

    def _play(self) -> float | None:
        """Apply what is due, for a slice of time at most; seconds until there is more to do, None where nothing is."""
        if not self.playing:
            return None
        pace, until = self.pace, time.monotonic() + _SLICE
        try:
            while (one := self._ahead()) is not None:
                if self._utc is not None and one.utc < self._utc - _SET_BACK:
                    pace.stand(one.at)
                    pace.run()
                wait = 0.0 if isinstance(one, DateRead) else pace.left(one.at)
                if wait > 0.0:
                    pace.allow(one.at)
                    return wait
                self._next()
                if time.monotonic() > until:
                    pace.allow(one.at)
                    pace.settle()  # at a speed that the machine cannot do, the pace is the machine's
                    return 0.0
        except RecordingError as error:
            self._trouble = str(error)
        else:
            pace.stand(self._last_at)
            self._end = (self._seq - 1, self.position)
        self.playing = False
        pace.stand()
        self._moved()
        return None

    async def _forward(self, n: int) -> None:
        self._orders = order = self._orders + 1
        until = time.monotonic() + _SLICE
        while n and order == self._orders and (one := self._ahead()) is not None:
            n -= is_step(one)
            self._next()
            self.pace.stand(self._last_at)
            if time.monotonic() > until:
                await asyncio.sleep(0)
                until = time.monotonic() + _SLICE

    def _back(self, n: int) -> None:
        """To where the last message but ``n`` had been applied."""
        self._orders += 1
        place = step_back(self._journal, self._seq, n)
        if place is None:
            self._seek(self.start)
        else:
            seq, one = place
            self._jump(seq + 1, self._journal.store(seq + 1), one.at)

    def _seek(self, t: datetime) -> None:
        self._orders += 1
        t = min(max(t, self.start), self.end)
        seq, store = self._journal.before(t)
        self._jump(seq, store, t - timedelta(seconds=store.clock.offset))
        self._moved()

    def _jump(self, seq: int, store: Store, at: datetime) -> None:
        """Be elsewhere: another model, of which nothing is news.

        Args:
            seq: of the next input.
            at: the position, on the clock that stamped the recording.
        """
        before, told = self.store, told_before(self._journal, seq, at)
        was, self._told = self._told.status.state, told
        with self._lock:
            self.store = store
            self.pace.stand(at)
        if self.playing:
            self.pace.run()
        self._read_on(seq)
        self._utc, self._last_at = None, at
        self.on_jump(store.clock.at(at))
        self.on_changes(all_of(before, store))
        self._turned(was, at, inferred=True)

    def _read_on(self, seq: int) -> None:
        """Read from an input on, as far as is written."""
        last = self._journal.last  # before the breaks: there is none up to it that is not known
        self._seq = seq
        self._coming: tuple[int, Input] | None = None
        self._breaks = {one.seq for one in self._journal.breaks() if one.seq > seq}
        self._inputs: Iterator[tuple[int, Input]] = self._journal.inputs(seq, last)

    def _ahead(self) -> Input | None:
        """The next input, or None at the end; where the recording had a hole the model is as it was behind it."""
        if self._coming is None:
            self._coming = next(self._inputs, None)
            if self._coming is None and self._journal.last >= self._seq:  # it has grown
                self._read_on(self._seq)
                self._coming = next(self._inputs, None)
        if self._coming is None:
            return None
        seq, one = self._coming
        if seq in self._breaks:
            self._breaks.discard(seq)
            store, now = self._journal.store(seq), self.now()
            if store.snapshot(now) != self.store.snapshot(now):  # the next file may go on where one ended
                self._jump(seq, store, one.at)
                self._coming = next(self._inputs)
                self._moved()
        return one

    def _next(self) -> None:
        """Apply the next input, and say what that means, as a line does."""
        assert self._coming is not None
        (seq, one), self._coming = self._coming, None
        before = self._told.status.state
        message: Message | None = None
        said: tuple[Event, ...] = ()
        self.on_input(one)
        if isinstance(one, Received | Applied):
            message = one.message
            if not (isinstance(one, Received) and one.held and before is not LineState.LIVE):  # else it waits
                said = (message_of(one, message),)
            if isinstance(one, Received):
                self.coverage.add(message)
        if isinstance(one, Received | Sent):
            self.on_frame(frame_of(one, message))
        if isinstance(one, Resynced) and one.gap is not None:
            self.on_event(Event(kind="gap", gap=one.gap, inferred=True, received=one.at))
        with self._lock:
            changes = one.apply_to(self.store, message)
        self._seq, self._utc = seq + 1, one.utc
        self._last_at = max(self._last_at, one.at)
        self._told.take(one, message)
        if changes:
            self.on_changes(changes)
        self.on_event(*said, *changes.events)
        if self._told.status.state is not before:
            self._turned(before, one.at)

    def _turned(self, before: LineState, at: datetime, *, inferred: bool = False) -> None:
        now = self._told.status.state
        self.on_event(Event(kind="connection", before=before.value, state=now.value, inferred=inferred, received=at))
        self.on_status(self.status)

    def _moved(self) -> None:
        self._wake.set()
        self.on_status(self.status)
        self.on_move(self)


if TYPE_CHECKING:

    def _is_a_feed(playback: Playback) -> Feed:
        return playback
