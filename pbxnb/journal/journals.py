"""`Journals`: the recordings of one line, a file or a folder of them, read as one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from pbxnb.errors import ConfigError, NotARecording
from pbxnb.forks import free_in_child
from pbxnb.model.entities import Snapshot
from pbxnb.model.kept.inputs import Input
from pbxnb.model.store import Store

from .reader import Break, Journal, aware

__all__ = ["Journals"]


class _Part(msgspec.Struct, frozen=True):
    """One file, and the sequence that its own 0 has in the whole."""

    base: int
    journal: Journal


class Journals:
    """What a `Journal` reads of one file, of one or of several in order of time; sequences are counted through all.

    What is written meanwhile is there at the next question, also a next file. A file that has a next one counts as
    finished. From any thread.

    Args:
        path: a file, or a folder of files with the end ``.pbx``.
        names: of the files of a folder that count; None for all.
        without: names of those that do not.

    Raises:
        NotARecording: there is none, or a file is something else.
        RecordingTooNew: a newer pbxnb wrote one.
        RecordingError: one cannot be read.
        ConfigError: the folder holds recordings of more than one line.

    Attributes:
        path, names: as given.

    Example:
        >>> from pbxnb.journal import Recorder
        >>> recorder = Recorder("monday.pbx", Store())
        >>> recorder.start().result(10)
        >>> recorder.stop().result(10)
        >>> with Journals(".") as journals:
        ...     journals.last, journals.breaks()
        (-1, ())
    """

    def __init__(
        self, path: str | Path, names: Collection[str] | None = None, *, without: Collection[str] = ()
    ) -> None:
        self.path: Final = Path(path).expanduser()
        self.names: Final = names
        self._without = without
        self._folder = self.path.is_dir()
        self._parts: list[_Part] = []
        self._lock = free_in_child(threading.Lock())
        self._closed = False
        if not self._files():
            raise NotARecording(
                f"The folder {self.path} holds no recording.", hint="Those are files such as monday.pbx.",
                path=str(self.path),
            )  # fmt: skip

    @property
    def about(self) -> dict[str, str]:
        """Facts of the newest file, as `Journal.about`."""
        return self._files()[-1].journal.about

    @property
    def first(self) -> int:
        """Sequence of the first input; 0 also where there is none."""
        return self._files()[0].journal.first

    @property
    def last(self) -> int:
        """Sequence of the last input; -1 where there is none."""
        part = self._files()[-1]
        return part.base + part.journal.last

    @property
    def start(self) -> datetime | None:
        """Kernel time of the first input."""
        return next(filter(None, (part.journal.start for part in self._files())), None)

    @property
    def end(self) -> datetime | None:
        """Kernel time of the last input."""
        return next(filter(None, (part.journal.end for part in reversed(self._files()))), None)

    def inputs(self, first: int = 0, last: int | None = None) -> Iterator[tuple[int, Input]]:
        """The inputs with their sequence, in order.

        Args:
            first, last: sequence of the first and of the last one; up to the end of what is written when None.
        """
        parts = self._files()
        for part, after in zip(parts, [*parts[1:], None], strict=True):
            until = last if after is None else after.base - 1 if last is None else min(last, after.base - 1)
            if until is None or first <= until:
                own = None if until is None else until - part.base
                for seq, one in part.journal.inputs(max(0, first - part.base), own):
                    yield part.base + seq, one

    def frames(self, first: int = 0) -> Iterator[tuple[int, int]]:
        """Of each block the sequence of its last input, and how many frames it holds; see `Journal.frames`."""
        for part in self._files():
            if part.base + part.journal.last >= first:
                for last, count in part.journal.frames(max(0, first - part.base)):
                    yield part.base + last, count

    def seq_at(self, utc: datetime) -> int:
        """Sequence of the first input that was not before a kernel moment; one after the last where all were."""
        for part in self._files():
            if (end := part.journal.end) is not None and end >= utc:
                return part.base + part.journal.seq_at(utc)
        return self.last + 1

    def breaks(self) -> tuple[Break, ...]:
        """Where recordings began, went on in another file, or had a hole; the first is the beginning."""
        return tuple(
            msgspec.structs.replace(one, seq=part.base + one.seq)
            for part in self._files()
            for one in part.journal.breaks()
        )

    def store(self, seq: int) -> Store:
        """The model as it was before an input, ready to go on with it; of an empty recording one that knows nothing.

        Args:
            seq: of the input; at most one after the last.
        """
        found = self._begun(lambda part: part.base <= seq)
        return self._nothing() if found is None else found.journal.store(seq - found.base)

    def before(self, t: datetime) -> tuple[int, Store]:
        """The model as it was at a moment of the PBX's clock, and the sequence of the next input; outside: the end.

        Raises:
            ConfigError: the moment has no zone.
        """
        t = aware("t", t)
        found = self._begun(lambda part: (part.journal.begins or t) <= t)
        if found is None:
            return 0, self._nothing()
        seq, store = found.journal.before(t)
        return found.base + seq, store

    def at(self, t: datetime) -> Snapshot:
        """The model at a moment of the PBX's clock; outside of the recording at its nearest end.

        Raises:
            ConfigError: the moment has no zone.
        """
        return self.before(t)[1].snapshot(t)

    def first_of(self, call: str) -> int | None:
        """Sequence of the input with which a call began; None where no such call is known."""
        for part in self._files():
            if (seq := part.journal.first_of(call)) is not None:
                return part.base + seq
        return None

    def aside(self, a: datetime, b: datetime) -> frozenset[str]:
        """Names of the files that tell nothing of a window, PBX time: all but its own, and the next one.

        A file begins with the whole model, so what went on then is known; what goes on at its end, the next one tells.
        """
        parts = [(part.journal.begins, part.journal.path.name) for part in self._files()]
        known = [(begins, name) for begins, name in parts if begins is not None]
        first = sum(begins <= a for begins, _ in known) - 1
        last = sum(begins < b for begins, _ in known)
        return frozenset(name for at, (_, name) in enumerate(known) if not first <= at <= last)

    def close(self) -> None:
        """Let go of the files. May be called again."""
        with self._lock:
            self._closed = True
            for part in self._parts:
                part.journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _files(self) -> list[_Part]:
        """Those that are there now, in order of time."""
        with self._lock:
            known = {part.journal.path for part in self._parts}
            new = [Journal(path) for path in self._paths() if path not in known] if not self._closed else []
            for journal in sorted(new, key=_began):
                before = self._parts[-1] if self._parts else None
                self._check(journal, before)
                self._parts.append(_Part(before.base + before.journal.last + 1 if before else 0, journal))
            return [*self._parts]

    def _paths(self) -> list[Path]:
        if not self._folder:
            return [self.path]
        there = (path for path in self.path.glob("*.pbx") if path.name not in self._without)
        return sorted(path for path in there if self.names is None or path.name in self.names)

    def _check(self, journal: Journal, before: _Part | None) -> None:
        line = _line(journal)
        if before is not None and (other := _line(before.journal)) != line:
            raise ConfigError(
                f"The folder {self.path} holds recordings of more than one line: {other} and {line}.",
                hint="Give one file, or a folder with those of one line.",
                path=str(self.path),
            )

    def _begun(self, holds: Callable[[_Part], bool]) -> _Part | None:
        """The last file with something in it for which this holds, else the first one; None where all are empty."""
        some = [part for part in self._files() if part.journal.begins is not None]
        return next(filter(holds, reversed(some)), some[0] if some else None)

    def _nothing(self) -> Store:
        about = self.about
        return Store(domain=about.get("domain", ""), user=about.get("user", ""))


def _line(journal: Journal) -> str:
    about = journal.about
    return f"{about.get('user', '')}@{about.get('domain', '')} of {about.get('pbx', '')}"


def _began(journal: Journal) -> tuple[bool, float, Path]:
    start = journal.start
    return start is None, 0.0 if start is None else start.timestamp(), journal.path
