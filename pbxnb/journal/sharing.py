"""A recording for others: the same story, and nobody in it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TextIO

from pbxnb.errors import ConfigError, RecordingError

from .anonymise import Anonymiser
from .lines import Line, read_lines, write_lines

__all__ = ["anonymise"]


def anonymise(source: str | Path, out: str | Path, *, key: bytes | None = None) -> Path:
    """Write a recording once more, with pseudonyms for its names and numbers; the frames alone, as JSON lines.

    The recording is read twice: once to know every original, once to write. What is written is searched for them.

    Args:
        source: a recording as JSON lines.
        out: a name that ends with ``.jsonl``; a file of that name is replaced when all is written.
        key: as for `pbxnb.journal.pseudonyms.Pseudonyms`.

    Returns:
        Where it was written.

    Raises:
        NotARecording: ``source`` cannot be read; the sentence says why.
        OriginalsLeft: something of the originals would have been left; nothing was written.
        RecordingError: the disk does not take it.
        ConfigError: ``out`` has another ending, or is ``source``.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     monday = Path(folder, "monday.jsonl")
        ...     _ = monday.write_text('{"at": 0, "frame": {"name": "Orne"}}')
        ...     "Orne" in anonymise(monday, monday.with_name("anonymous.jsonl")).read_text()
        False
    """
    source, out = Path(source).expanduser(), Path(out).expanduser()
    if out.suffix != ".jsonl":
        raise ConfigError(f"{out.name} does not end with .jsonl.", hint="Frames are written as JSON lines.")
    if source.resolve() == out.resolve():
        raise ConfigError("The recording itself is not replaced.", hint="Give the anonymous one another name.")
    made, frames = Anonymiser(key), 0
    for line in read_lines(source):
        made.learn(line.text)
        frames += 1
    made.settle()
    with _whole(out) as file:  # what was appended meanwhile was not learned
        file.writelines(write_lines(_anonymous(made, islice(read_lines(source), frames))))
    return out


def _anonymous(made: Anonymiser, lines: Iterator[Line]) -> Iterator[Line]:
    for line in lines:
        text = made.frame(line.text)
        made.check(text)
        yield line._replace(text=text)


@contextmanager
def _whole(path: Path) -> Iterator[TextIO]:
    """A file that has its name once it is written to the end; nothing stays of one that was not."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("x", encoding="utf-8", newline="\n") as file:
            yield file
        beside.replace(path)
    except OSError as error:
        raise RecordingError(f"{path} cannot be written: {error.strerror}.", path=str(path)) from error
    finally:
        beside.unlink(missing_ok=True)
