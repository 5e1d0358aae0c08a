"""`Journal`: reads a recording, also while another process writes it: its inputs, and the model at any moment."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from pbxnb.errors import ConfigError, RecordingError
from pbxnb.forks import free_in_child
from pbxnb.model.entities import Snapshot
from pbxnb.model.kept.inputs import Input, writes
from pbxnb.model.kept.state import restore
from pbxnb.model.store import Store

from .codec import Codec
from .file import open_to_read, sentence
from .writing import micros

__all__ = ["Break", "Journal", "aware"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Break(msgspec.Struct, frozen=True, gc=False):
    """A place where the model does not follow from the inputs before it: whoever replays takes `Journal.store` there.

    Attributes:
        seq: of the first input after it.
        utc, at: when the recording went on, on the kernel's clock and on the PBX's.
        why: ``start`` of a recording, ``hole`` after inputs were left out, ``file`` of another file.
    """

    seq: int
    utc: datetime
    at: datetime
    why: str


class Journal:
    """One recording, for reading. From any thread; what is written meanwhile is there at the next question.

    Raises:
        NotARecording: there is none, or the file is something else.
        RecordingTooNew: a newer pbxnb wrote it.
        RecordingError: it cannot be read.

    Example:
        >>> from pbxnb.journal import Recorder
        >>> recorder = Recorder("monday.pbx", Store())
        >>> recorder.start().result(10)
        >>> recorder.stop().result(10)
        >>> with Journal("monday.pbx") as journal:
        ...     journal.first_of("1001"), journal.last
        (None, -1)
    """

    def __init__(self, path: str | Path) -> None:
        self.path: Final = Path(path).expanduser()
        self._database = open_to_read(self.path)
        weakref.finalize(self, self._database.close).atexit = False  # of who forgets to close it
        self._codec = Codec()
        self._lock = free_in_child(threading.Lock())

    @property
    def about(self) -> dict[str, str]:
        """Facts of the recording: ``domain``, ``user``, ``tz``, ``version`` of pbxnb."""
        return dict(self._ask("SELECT key, value FROM meta"))

    @property
    def first(self) -> int:
        """Sequence of the first input; 0 also where there is none."""
        return int(self._one("SELECT first FROM blocks ORDER BY first LIMIT 1") or 0)

    @property
    def last(self) -> int:
        """Sequence of the last input; -1 where there is none."""
        found = self._one("SELECT last FROM blocks ORDER BY first DESC LIMIT 1")
        return -1 if found is None else int(found)

    @property
    def start(self) -> datetime | None:
        """Kernel time of the first input."""
        found = self._one("SELECT first_utc FROM blocks ORDER BY first LIMIT 1")
        return None if found is None else _moment(found)

    @property
    def end(self) -> datetime | None:
        """Kernel time of the last input."""
        found = self._one("SELECT last_utc FROM blocks ORDER BY first DESC LIMIT 1")
        return None if found is None else _moment(found)

    @property
    def begins(self) -> datetime | None:
        """PBX time of the first checkpoint, from which it can be read; None where there is none."""
        found = self._one("SELECT at FROM checkpoints ORDER BY seq LIMIT 1")
        return None if found is None else _moment(found)

    def inputs(self, first: int = 0, last: int | None = None) -> Iterator[tuple[int, Input]]:
        """The inputs with their sequence, in order.

        Args:
            first, last: sequence of the first and of the last one; up to the end of what is written when None.
        """
        while last is None or first <= last:
            rows = self._ask("SELECT first, last, body FROM blocks WHERE first <= ? ORDER BY first DESC LIMIT 1", first)
            if not rows or rows[0][1] < first:
                rows = self._ask("SELECT first, last, body FROM blocks WHERE first > ? ORDER BY first LIMIT 1", first)
            if not rows:
                return
            [(began, until, body)] = rows
            for seq, one in enumerate(self._inputs(body), began):
                if seq >= first and (last is None or seq <= last):
                    yield seq, one
            first = until + 1

    def frames(self, first: int = 0) -> Iterator[tuple[int, int]]:
        """Of each block the sequence of its last input, and how many frames of both directions it holds.

        Args:
            first: sequence of the first input of the first block.
        """
        while rows := self._ask("SELECT last, body FROM blocks WHERE first >= ? ORDER BY first LIMIT 1", first):
            [(last, body)] = rows
            with self._lock:
                count = self._codec.frames(body)
            yield last, count
            first = last + 1

    def seq_at(self, utc: datetime) -> int:
        """Sequence of the first input that was not before a kernel moment; one after the last where all were."""
        rows = self._ask(
            "SELECT first, body FROM blocks WHERE last_utc >= ? ORDER BY first LIMIT 1", micros(aware("utc", utc))
        )
        for began, body in rows:
            return next(seq for seq, one in enumerate(self._inputs(body), began) if one.utc >= utc)
        return self.last + 1

    def breaks(self) -> tuple[Break, ...]:
        """Where recordings began, went on in this file, or had a hole; the first is the beginning."""
        rows = self._ask("SELECT seq, utc, at, why FROM checkpoints WHERE why != '' ORDER BY seq")
        return tuple(Break(seq, _moment(utc), _moment(at), why) for seq, utc, at, why in rows)

    def store(self, seq: int) -> Store:
        """The model as it was before an input, ready to go on with it.

        Args:
            seq: of the input; at most one after the last.
        """
        began, store = self._checkpoint("SELECT max(seq) FROM checkpoints WHERE seq <= ?", seq)
        for _, one in self.inputs(began, seq - 1):
            one.apply_to(store)
        return store

    def before(self, t: datetime) -> tuple[int, Store]:
        """The model as it was at a moment of the PBX's clock, and the sequence of the next input; outside: the end.

        Raises:
            ConfigError: the moment has no zone.
        """
        began, store = self._checkpoint("SELECT max(seq) FROM checkpoints WHERE at <= ?", micros(aware("t", t)))
        until = self._one("SELECT min(seq) FROM checkpoints WHERE seq > ?", began)
        later: int | None = None  # the first one after the moment, of those that leave the model as it is
        for seq, one in self.inputs(began, None if until is None else until - 1):
            after = store.clock.at(one.at) > t
            if after and later is None:
                later = seq
            if writes(one):
                if after:
                    return seq if later is None else later, store
                later = None  # the clock has been set
            one.apply_to(store)
            began = seq + 1
        return began if later is None else later, store

    def at(self, t: datetime) -> Snapshot:
        """The model at a moment of the PBX's clock; outside of the recording at its nearest end.

        Raises:
            ConfigError: the moment has no zone.
        """
        return self.before(t)[1].snapshot(t)

    def first_of(self, call: str) -> int | None:
        """Sequence of the input with which a call began; None where no such call is known."""
        found = self._one("SELECT first FROM calls WHERE id = ?", call)
        return None if found is None else int(found)

    def close(self) -> None:
        """Let go of the file. May be called again."""
        with self._lock:
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _checkpoint(self, which: str, bound: int) -> tuple[int, Store]:
        """The last checkpoint up to a bound, else the first; its number is asked for alone, which an index knows."""
        found = self._one(which, bound)
        if found is None:
            found = self._one("SELECT min(seq) FROM checkpoints")
        rows = self._ask("SELECT seq, body FROM checkpoints WHERE seq = ?", found)
        if not rows:
            raise RecordingError(f"{self.path.name} is empty.", hint="Nothing had been written when it ended.")
        [(seq, body)] = rows
        with self._lock:
            return int(seq), restore(self._codec.state_of(body))

    def _inputs(self, body: bytes) -> list[Input]:
        with self._lock:
            return self._codec.inputs(body)

    def _one(self, query: str, *values: Any) -> Any:
        rows = self._ask(query, *values)
        return rows[0][0] if rows else None

    def _ask(self, query: str, *values: Any) -> list[Any]:
        try:
            with self._lock:
                return self._database.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise RecordingError(f"{self.path.name}: {sentence(error)}", path=str(self.path)) from None


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def aware(name: str, moment: datetime) -> datetime:
    """The moment.

    Raises:
        ConfigError: it has no zone.
    """
    if moment.tzinfo is None:
        raise ConfigError(f"{name} has no zone.", hint="Give datetime(…, tzinfo=UTC), or your zone.")
    return moment
