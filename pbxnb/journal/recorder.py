"""`Recorder`: takes the inputs of one live model on its thread, and has them written on one of its own.

A group of them is committed every 100 ms or 1,000, whichever comes first; committed means on the disk and visible to
other processes. Whatever the disk does, the line goes on: what cannot be written waits, within bounds; beyond them it
is left out and counted, and the recording goes on with a new checkpoint of the model, so that the hole is a gap.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pbxnb.errors import OutOfResources, RecordingError
from pbxnb.forks import end_in_child
from pbxnb.loops import fail, fulfil
from pbxnb.model.changes import Changes
from pbxnb.model.kept.inputs import Applied, Input, Received, Resynced
from pbxnb.model.kept.state import take
from pbxnb.model.status import RecordingState
from pbxnb.model.store import Store
from pbxnb.text import clean_logger

from .writing import Checkpoint, NewCalls, Target

__all__ = ["Recorder", "Spacing", "begun"]

_LOG = clean_logger("pbxnb")
_GROUP, _EVERY = 1_000, 0.1  # inputs, and seconds, of a group at most
_GROUP_BYTES = 16 * 2**20
_MOST, _MOST_BYTES = 200_000, 64 * 2**20  # inputs that wait for the disk, and the bytes of their frames
_CHECKPOINT, _AN_ENTITY = 1_500, 2  # small frames, of 20 us each, between checkpoints: at least, and for each entity
_BYTES, _ENTRIES = 500, 5  # of a frame, and of a snapshot, that cost as much as a small frame
_AGAIN = 1.0  # seconds until a disk that refused is tried again

_Item = Input | Checkpoint | NewCalls


class Recorder:
    """One recording in the making.

    `take` and `noticed` are called on the thread that writes the model, `take` before each input is applied.

    Args:
        path: the file, or what gives it for a day: a file a day.
        store: the model.
        about: facts of the recording, such as ``{"domain": …, "tz": …}``; never secrets.
        key: a recorder of the same key in this process is the same cell run again, whose place this one takes.
        now: the kernel's clock, for the first day.

    Example:
        >>> recorder = Recorder("monday.pbx", Store())
        >>> recorder.start().result(10)
        >>> recorder.stop().result(10)
        >>> recorder.state.acknowledged
        0
    """

    def __init__(
        self,
        path: str | Path | Callable[[datetime], Path],
        store: Store,
        *,
        about: dict[str, str] | None = None,
        key: object = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._where = path if callable(path) else _always(Path(path).expanduser().absolute())
        self._store = store
        self._now = now
        self._target = Target(about or {}, key, self.stop)
        self._waiting: deque[_Item] = deque()
        self._group: list[_Item] = []  # being written
        self._bytes_in = self._bytes_out = 0  # of the frames taken, and of those that left the queue
        self._spacing = Spacing()
        self._why = "start"  # of the checkpoint that comes next, unless it is just time for one
        self._path: Path | None = None  # of the last checkpoint
        self._turns_at = datetime.min.replace(tzinfo=UTC)
        self._written = self._acknowledged = self._left_out = 0
        self._trouble = ""
        self._some, self._enough = threading.Event(), threading.Event()
        self._stopping = self._ended = False
        self._opened: Future[None] = Future()
        self._done: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="pbxnb-journal", daemon=True)
        end_in_child(self)

    # ---- from any thread ----

    @staticmethod
    def key_of(path: Path) -> object:
        """The key of the recorder in this process that has a file open; None where there is none."""
        return Target.key_of(path)

    def start(self) -> Future[None]:
        """Open the file and begin; done when it is open, or failed with the `RecordingError` that says why.

        Raises:
            OutOfResources: the system starts no more threads.
        """
        try:
            self._thread.start()
        except RuntimeError as error:
            raise OutOfResources("The system starts no more threads for this process.") from error
        return self._opened

    def stop(self) -> Future[None]:
        """Write what waits and end; done when that is on the disk. May be called again."""
        self._stopping = True
        self._some.set()
        self._enough.set()
        return self._done

    @property
    def state(self) -> RecordingState:
        """How it stands."""
        why = self._trouble
        if self._left_out:
            why = f"{why} {self._left_out:,} inputs were left out: a gap in the recording.".strip()
        oldest = self._oldest()
        return RecordingState(
            path=str(self._target.path or self._where(self._now())),
            written=self._written,
            acknowledged=self._acknowledged,
            behind=0.0 if oldest is None else max(0.0, time.monotonic() - oldest),
            why=why,
        )

    @property
    def ended(self) -> bool:
        """Whether it takes nothing any more."""
        return self._stopping or self._ended

    def forked(self) -> None:
        """In a forked child: the file is the parent's."""
        self._ended = True

    # ---- on the thread that writes the model ----

    def take(self, one: Input) -> None:
        """Keep an input, which has not been applied yet."""
        if self._stopping or self._ended:
            return
        size, waiting, held = _size(one), len(self._waiting), self._bytes_in - self._bytes_out
        if waiting >= _MOST or held + size > _MOST_BYTES:
            self._why = "hole"
        if self._why == "hole" and (waiting > _MOST // 2 or held > _MOST_BYTES // 2):
            self._left_out += 1
            return
        if self._target.lost:
            self._why, self._target.lost = "hole", False
        if one.utc >= self._turns_at:
            self._turn(one.utc)
        if self._why or self._spacing.due(one):
            self._check(one)
        self._waiting.append(one)
        self._bytes_in += size
        self._written += 1
        if not self._some.is_set():
            self._some.set()
        if waiting >= _GROUP and not self._enough.is_set():
            self._enough.set()

    def noticed(self, changes: Changes) -> None:
        """Note the calls that began with the input before."""
        if self._stopping or self._ended or self._why:
            return
        if new := begun(changes):
            self._waiting.append(NewCalls(new))

    def _turn(self, utc: datetime) -> None:
        self._turns_at = utc.replace(second=0, microsecond=0) + timedelta(minutes=1)  # of every zone: its day begins so
        if self._where(utc) != self._path:
            self._why = self._why or "file"

    def _check(self, one: Input) -> None:
        store = self._store
        self._path = self._where(one.utc)
        at, state = store.clock.at(one.at), take(store)
        self._waiting.append(Checkpoint(self._path, one.utc, one.mono, at, self._why, state))
        self._why = ""
        self._spacing.begin(store)

    # ---- on its own thread ----

    def _run(self) -> None:
        try:
            self._target.open(self._where(self._now()))
        except BaseException as error:  # noqa: BLE001 - whoever started it gets it
            self._ended = True
            fail(self._opened, error)
            fulfil(self._done, None)
            return
        fulfil(self._opened, None)
        try:
            self._serve()
        except BaseException as error:  # noqa: BLE001 - the line goes on, whatever it is
            _LOG.exception("The recording ended by a fault in pbxnb; please report it.")
            self._trouble = "A fault in pbxnb ended the recording; the log has the traceback."
            fail(self._done, error)
        finally:
            self._ended = True
            self._target.close()
            fulfil(self._done, None)

    def _serve(self) -> None:
        while not (self._stopping and not self._waiting and not self._group):
            self._some.wait()
            if not self._stopping and len(self._waiting) < _GROUP:
                self._enough.wait(_EVERY)
            self._some.clear()
            self._enough.clear()
            if self._stopping:
                self._some.set()
            while self._waiting or self._group:
                if not self._write():
                    break

    def _write(self) -> bool:
        """Write one group; whether the disk took it."""
        group = self._group = self._group or self._next_group()
        try:
            lost = self._target.commit(group)
        except RecordingError as error:
            if self._trouble != error.message:
                _LOG.warning("The recording waits: %s", error)
            self._trouble = error.message
            if self._stopping:
                self._waiting.clear()
                self._group = []
                fail(self._done, error)
                return False
            self._enough.wait(_AGAIN)
            self._enough.clear()
            self._some.set()
            return False
        self._left_out += lost
        self._acknowledged += sum(isinstance(item, Input) for item in group) - lost
        self._group, self._trouble = [], ""
        return True

    def _next_group(self) -> list[_Item]:
        """What is written next: up to a size, and up to a checkpoint for another file."""
        group: list[_Item] = []
        size, path = 0, self._target.path
        while self._waiting and len(group) < _GROUP and size < _GROUP_BYTES:
            item = self._waiting[0]
            if isinstance(item, Checkpoint):
                if group and item.path != path:
                    break
                path = item.path
            elif isinstance(item, Input):
                size += _size(item)
            group.append(self._waiting.popleft())
        self._bytes_out += size
        return group

    def _oldest(self) -> float | None:
        """Monotonic moment of the oldest input that is not on the disk."""
        for queue in (self._group, self._waiting):
            with suppress(IndexError):
                item = queue[0]
                if not isinstance(item, NewCalls):
                    return item.mono
        return None


def begun(changes: Changes) -> list[str]:
    """Ids of the calls that began with what changed."""
    if changes.events:
        return [event.call.id for event in changes.events if event.kind == "call.new" and event.call is not None]
    return [*changes.calls]


class Spacing:
    """When the next checkpoint is due.

    To have a moment is to restore the checkpoint before it and to take in what follows: one is due where that costs too
    much. But it takes bytes for each account and conversation, and waits until what came is in proportion to them.

    Example:
        >>> spacing = Spacing()
        >>> spacing.begin(Store())
        >>> spacing.due(Input(utc=None, mono=0.0, connection=1, stamp=None))
        False
    """

    def __init__(self) -> None:
        self._left = 0

    def begin(self, store: Store) -> None:
        """A checkpoint of a store is made."""
        self._left = max(_CHECKPOINT, _AN_ENTITY * (len(store.accounts) + len(store.conversations)))

    def due(self, one: Input) -> bool:
        """Whether one is due before this input, which is counted."""
        if self._left <= 0:
            return True
        self._left -= 1 + _more(one)
        return False


def _more(one: Input) -> int:
    """What an input costs beyond a small frame."""
    if isinstance(one, Received | Applied):
        return len(one.raw) // _BYTES
    return (len(one.accounts or ()) + len(one.calls or ())) // _ENTRIES if isinstance(one, Resynced) else 0


def _size(one: Input) -> int:
    return len(getattr(one, "raw", b""))


def _always(path: Path) -> Callable[[datetime], Path]:
    return lambda _: path
