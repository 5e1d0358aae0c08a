"""A recording made of inputs that are there already, such as those of another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from pbxnb.errors import RecordingError
from pbxnb.model.kept.inputs import Input, Opened, Received, Sent
from pbxnb.model.kept.state import State, restore, take
from pbxnb.model.store import Store

from .file import FileLock, is_recording
from .lines import Line, read_lines
from .reader import Journal
from .recorder import begun, inputs_to_next
from .writing import Checkpoint, NewCalls, Target

__all__ = ["Begin", "Parts", "make", "parts_in", "parts_of_lines", "whole"]

_GROUP = 1_000  # items of one transaction
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Begin(NamedTuple):
    """A model from which inputs go on: where a recording begins, or has a hole; see `Break`."""

    utc: datetime
    at: datetime
    why: str
    state: State


class Parts(NamedTuple):
    """What a recording consists of.

    Attributes:
        about: facts, as for `Recorder`.
        walk: all of it in order, the same each time: beginnings, each with the inputs that follow from it.
    """

    about: dict[str, str]
    walk: Callable[[], Iterator[Begin | Input]]


@contextmanager
def parts_in(source: Path) -> Iterator[Parts]:
    """What a recording consists of, by now; or what JSON lines of frames tell.

    Raises:
        NotARecording: it is neither; the sentence says why.
    """
    if not is_recording(source):
        count = sum(1 for _ in read_lines(source))
        yield Parts({}, lambda: parts_of_lines(islice(read_lines(source), count)))
        return
    with Journal(source) as journal:
        last = journal.last
        yield Parts(journal.about, lambda: _parts_of(journal, last))


def parts_of_lines(lines: Iterable[Line], *, domain: str = "", user: str = "") -> Iterator[Begin | Input]:
    """Frames as inputs of a model that knew nothing before."""
    for seq, line in enumerate(lines):
        utc = _EPOCH + timedelta(seconds=line.at)
        if not seq:
            yield Begin(utc, utc, "start", take(Store(domain=domain, user=user)))
            yield Opened(utc, line.at, 1, None, "")
        raw = line.text.encode("utf-8", "replace")
        if line.direction == "in":
            yield Received(utc, line.at, 1, None, seq + 1, raw, False)
        else:
            yield Sent(utc, line.at, 1, None, seq + 1, raw)


def _parts_of(journal: Journal, last: int) -> Iterator[Begin | Input]:
    breaks = [one for one in journal.breaks() if one.seq <= last + 1]
    ends = [*(one.seq - 1 for one in breaks[1:]), last]
    for one, end in zip(breaks, ends, strict=False):  # of an empty one only the end is there
        yield Begin(one.utc, one.at, one.why, take(journal.store(one.seq)))
        for _, given in journal.inputs(one.seq, end):
            yield given


def make(path: Path, about: dict[str, str], parts: Iterable[Begin | Input]) -> None:
    """Write a recording, readable by its owner alone; its checkpoints are made anew, from the inputs.

    Args:
        path: where there is nothing yet.
        about: facts, as for `Recorder`.
        parts: first a beginning.

    Raises:
        RecordingError: the disk does not take it.
    """
    target = Target(about, None, Future)
    try:
        target.open(path)
        items = _items(path, parts)
        while group := [*islice(items, _GROUP)]:
            target.commit(group)
    finally:
        target.close()


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Another path for a file that gets its name, and is its owner's alone, once it is written to the end.

    Raises:
        RecordingInUse: somebody records to what would be replaced.
        RecordingError: the disk does not take it; nothing stays of it.
    """
    try:
        with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            beside = Path(folder, path.name)
            yield beside
            beside.chmod(0o600)
            if is_recording(path):
                lock = FileLock(path)
                for end in ("-wal", "-shm"):  # SQLite would take them for the new one's
                    path.with_name(path.name + end).unlink(missing_ok=True)
                beside.replace(path)
                lock.release()
            else:
                beside.replace(path)
    except OSError as error:
        raise RecordingError(f"{path} cannot be written: {error.strerror}.", path=str(path)) from error


def _items(path: Path, parts: Iterable[Begin | Input]) -> Iterator[Input | Checkpoint | NewCalls]:
    store, until = Store(), 0
    for part in parts:
        if isinstance(part, Begin):
            store = restore(part.state)
            yield Checkpoint(path, part.utc, 0.0, part.at, part.why, take(store))
            until = inputs_to_next(store)
            continue
        if not until:
            yield Checkpoint(path, part.utc, part.mono, store.clock.at(part.at), "", take(store))
            until = inputs_to_next(store)
        until -= 1
        yield part
        if (changes := part.apply_to(store)) and (new := begun(changes)):
            yield NewCalls(new)
