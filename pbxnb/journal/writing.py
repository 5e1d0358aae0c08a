"""`Target`: the file that a recorder writes, one transaction a group; opened again when it is gone."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import msgspec

from pbxnb.errors import RecordingError
from pbxnb.forks import free_in_child
from pbxnb.model.kept.inputs import Input
from pbxnb.model.kept.state import State

from .codec import Codec
from .file import FileLock, open_to_write, sentence

__all__ = ["Checkpoint", "NewCalls", "Target", "micros"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RELEASE_WITHIN = 5.0  # seconds that the cell before may take to let go of the file


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


class Checkpoint(msgspec.Struct, frozen=True, gc=False):
    """The state of the model before the next input.

    Attributes:
        path: the file it is for; where that is another than the last one, the recording goes on there.
        utc, mono: the kernel's moment, and its monotonic seconds.
        at: the same moment on the PBX's clock.
        why: ``start`` of a recording, ``hole`` after inputs were left out, ``file`` of another file; else empty.
    """

    path: Path
    utc: datetime
    mono: float
    at: datetime
    why: str
    state: State


class NewCalls(msgspec.Struct, frozen=True, gc=False):
    """Calls that began with the input before."""

    ids: list[str]


class Target:
    """The file as it is written. Used on one thread.

    Args:
        about: facts of the recording that the file keeps.
        key: whose recording it is: the same key may take over what is open in this process.
        stop: ends the recorder, for one that takes over.

    Attributes:
        key, stop: as given.
        path: the file that is open; None before the first, and while there is none.
        lost: the file was gone and is made anew: it needs a checkpoint before anything can be written.
    """

    _open: ClassVar[dict[Path, Target]] = {}
    _opening: ClassVar[threading.Lock] = free_in_child(threading.Lock())

    def __init__(self, about: dict[str, str], key: object, stop: Callable[[], Future[None]]) -> None:
        self.path: Path | None = None
        self.lost: bool = False
        self._about = about
        self.key = key
        self.stop = stop
        self._codec = Codec()
        self._database: sqlite3.Connection | None = None
        self._lock: FileLock | None = None
        self._inode = self._next = 0
        self._based = False  # a checkpoint is there: what follows can be read

    @classmethod
    def key_of(cls, path: Path) -> object:
        """The key of what has a file open in this process; None where there is none."""
        with cls._opening:
            return getattr(cls._open.get(path), "key", None)

    def open(self, path: Path) -> None:
        """Go on in this file.

        Raises:
            RecordingError: which subclass says why.
        """
        self.close()
        with self._opening:
            other = self._open.get(path)
        if other is not None and self.key is not None and other.key == self.key:
            with suppress(Exception):  # it has said why, and the lock decides
                other.stop().result(_RELEASE_WITHIN)
        self._lock = FileLock(path)
        try:
            database = open_to_write(path)
            [last] = database.execute("SELECT max(last) FROM blocks").fetchone()
            database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", self._about.items())
            self._inode = path.stat().st_ino
        except (sqlite3.Error, OSError) as error:
            self._release()
            raise RecordingError(f"{path}: {sentence(error)}", path=str(path)) from None
        except BaseException:
            self._release()
            raise
        self._next = 0 if last is None else last + 1
        self._database, self.path, self._based = database, path, False
        with self._opening:
            self._open[path] = self

    def commit(self, items: Sequence[Input | Checkpoint | NewCalls]) -> int:
        """Write a group; it is on the disk when this returns.

        Args:
            items: only the first may be a checkpoint for another file.

        Returns:
            how many of the inputs could not be kept, because the file had been deleted and they have no beginning.

        Raises:
            RecordingError: the disk did not take it; nothing of it is there.
        """
        first = items[0]
        try:
            if isinstance(first, Checkpoint) and first.path != self.path:
                self.open(first.path)
            elif self._database is None or self._gone():
                assert self.path is not None
                self.open(self.path)
                self.lost = True
            assert self._database is not None
            return self._write(self._database, items)
        except (sqlite3.Error, OSError) as error:
            with suppress(sqlite3.Error):
                if self._database is not None and self._database.in_transaction:
                    self._database.execute("ROLLBACK")
            raise RecordingError(sentence(error)) from error

    def close(self) -> None:
        """Let go of the file: whole, without files beside it where nobody reads it now."""
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._database.execute("PRAGMA journal_mode = DELETE")
            with suppress(sqlite3.Error):
                self._database.close()
            self._database = None
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        with self._opening:
            if self.path is not None and self._open.get(self.path) is self:
                del self._open[self.path]

    def _gone(self) -> bool:
        assert self.path is not None
        try:
            return self.path.stat().st_ino != self._inode
        except FileNotFoundError:
            return True

    def _write(self, database: sqlite3.Connection, items: Sequence[Input | Checkpoint | NewCalls]) -> int:
        blocks: list[tuple[int, int, int, int, int, bytes]] = []
        checkpoints: list[tuple[int, int, int, str, bytes]] = []
        calls: list[tuple[str, int]] = []
        run: list[Input] = []
        seq, based, lost = self._next, self._based, 0

        def end_run() -> None:
            if run:
                utc = micros(run[0].utc), micros(run[-1].utc)
                blocks.append((seq - len(run), seq - 1, *utc, run[0].connection, self._codec.block(run)))
                run.clear()

        for item in items:
            if isinstance(item, Checkpoint):
                end_run()
                body = self._codec.state(item.state)
                checkpoints.append((seq, micros(item.utc), micros(item.at), item.why, body))
                based = True
            elif isinstance(item, NewCalls):
                calls.extend((key, seq - 1) for key in item.ids)
            elif based:
                if run and run[0].connection != item.connection:
                    end_run()
                run.append(item)
                seq += 1
            else:
                lost += 1
        end_run()
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?)", checkpoints)
        database.executemany("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?)", blocks)
        database.executemany("INSERT OR IGNORE INTO calls VALUES (?, ?)", calls)
        database.execute("COMMIT")
        self._next, self._based = seq, based
        return lost
