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
from .journals import Journals
from .lines import Line, read_lines
from .reader import Break
from .recorder import Spacing, begun
from .writing import Checkpoint, NewCalls, Target

__all__ = ["Begin", "Parts", "make", "parts_in", "parts_of", "parts_of_lines", "whole"]

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
        total: how many inputs they are.
    """

    about: dict[str, str]
    walk: Callable[[], Iterator[Begin | Input]]
    total: int


@contextmanager
def parts_in(source: Path) -> Iterator[Parts]:
    """What a recording, or a folder of them, consists of by now; or what JSON lines of frames tell.

    Raises:
        NotARecording: it is none of these; the sentence says why.
    """
    if is_recording(source) or source.is_dir():
        with Journals(source) as journals:
            yield parts_of(journals, 0, journals.last)
    else:
        count = sum(1 for _ in read_lines(source))
        yield Parts({}, lambda: parts_of_lines(islice(read_lines(source), count)), count)


def parts_of(journals: Journals, first: int, last: int) -> Parts:
    """What recordings consist of from the input of a sequence to that of another."""
    return Parts(journals.about, lambda: _walk(journals, first, last), last + 1 - first)


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


def _walk(journals: Journals, first: int, last: int) -> Iterator[Begin | Input]:
    breaks = {one.seq: one for one in journals.breaks() if first <= one.seq <= last + 1}
    for seq, one in journals.inputs(first, last):
        broken = breaks.pop(seq, None)
        if broken is not None or seq == first:
            store = journals.store(seq)
            at = store.clock.at(one.at)
            yield Begin(one.utc, at, "start", take(store)) if broken is None else _begin(broken, store)
        yield one
    for broken in breaks.values():  # nothing followed
        yield _begin(broken, journals.store(broken.seq))


def _begin(broken: Break, store: Store) -> Begin:
    return Begin(broken.utc, broken.at, broken.why, take(store))


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
    store, spacing = Store(), Spacing()
    for part in parts:
        if isinstance(part, Begin):
            store = restore(part.state)
            yield Checkpoint(path, part.utc, 0.0, part.at, part.why, take(store))
            spacing.begin(store)
            continue
        if spacing.due(part):
            yield Checkpoint(path, part.utc, part.mono, store.clock.at(part.at), "", take(store))
            spacing.begin(store)
        yield part
        if (changes := part.apply_to(store)) and (new := begun(changes)):
            yield NewCalls(new)
