"""A recording for others: the same story, and nobody in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from pbxnb.errors import ConfigError
from pbxnb.model.kept.inputs import Input
from pbxnb.progress import shown

from ..codec import Codec
from ..file import open_to_read
from ..lines import Line, read_lines, write_lines
from ..making import Begin, Parts, make, parts_in, whole
from .anonymiser import Anonymiser

__all__ = ["anonymise", "anonymise_parts"]


def anonymise(source: str | Path, out: str | Path, *, key: bytes | None = None) -> Path:
    """Write a recording once more, with pseudonyms for its names and numbers.

    The recording is read twice: once to know every original, once to write. What is written is searched for them.

    Args:
        source: a recording, ``.pbx`` or JSON lines.
        out: a name that ends with ``.pbx``, for the whole recording, or with ``.jsonl``, for its frames; a file of that
            name is replaced when all is written.
        key: as for `pbxnb.journal.sharing.pseudonyms.Pseudonyms`.

    Returns:
        Where it was written; its owner alone may read it.

    Raises:
        NotARecording: ``source`` cannot be read; the sentence says why.
        OriginalsLeft: something of the originals would have been left; nothing was written.
        RecordingInUse: somebody records to ``out``.
        RecordingError: the disk does not take it, or a part of ``source`` cannot be read.
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
    if out.suffix not in (".pbx", ".jsonl"):
        raise ConfigError(
            f"{out.name} ends with neither .pbx nor .jsonl.",
            hint="A recording is NAME.pbx; its frames alone are JSON lines, NAME.jsonl.",
        )
    if source.resolve() == out.resolve():
        raise ConfigError("The recording itself is not replaced.", hint="Give the anonymous one another name.")
    if out.suffix == ".pbx":
        with parts_in(source) as parts, whole(out) as beside:
            anonymise_parts(parts, beside, key)
    else:
        _anonymise_lines(source, out, key)
    return out


def anonymise_parts(parts: Parts, out: Path, key: bytes | None = None) -> None:
    """Write parts of a recording with pseudonyms, and search the file for originals.

    Raises:
        OriginalsLeft: there is one, or something that tells one.
    """
    made = Anonymiser(key)
    for part in shown(parts.walk(), parts.total, "Reading what is in it"):
        made.learn_value(_content(part))
    for name, text in parts.about.items():
        if name not in _PLAIN:
            made.learn_value(text)
    made.settle()
    about = {
        name: made.value(text) if name not in _PLAIN else text if not made.tells(text) else _PLAIN[name]
        for name, text in parts.about.items()
    }
    make(out, about, (_anonymous(made, part) for part in shown(parts.walk(), parts.total, f"Writing {out.name}")))
    _search(made, out)


_PLAIN = {"tz": "UTC", "pbxnb": ""}
"""Facts that stay, and what stands for one that tells an original."""


def _content(part: Begin | Input) -> object:
    return part.state if isinstance(part, Begin) else part


def _anonymous(made: Anonymiser, part: Begin | Input) -> Begin | Input:
    return part._replace(state=made.value(part.state)) if isinstance(part, Begin) else made.value(part)


def _search(made: Anonymiser, path: Path) -> None:
    """Search a recording for originals: every value in it, then all its bytes."""
    codec = Codec()
    with closing(open_to_read(path)) as database:
        [[count]] = database.execute("SELECT count(*) FROM blocks")
        for [body] in shown(database.execute("SELECT body FROM blocks"), count, f"Searching {path.name}"):
            for one in codec.inputs(body):
                made.check_value(one)
        for [body] in database.execute("SELECT body FROM checkpoints"):
            made.check_value(codec.state_of(body))
        for [text] in database.execute("SELECT id FROM calls UNION ALL SELECT value FROM meta"):
            made.check_value(text)
            made.check_bytes(text.encode("utf-8", "replace"))
        for [body] in database.execute("SELECT body FROM blocks UNION ALL SELECT body FROM checkpoints"):
            made.check_bytes(codec.opened(body))


def _anonymise_lines(source: Path, out: Path, key: bytes | None) -> None:
    made, frames = Anonymiser(key), 0
    for line in shown(read_lines(source), None, "Reading what is in it"):
        made.learn(line.text)
        frames += 1
    made.settle()
    known = islice(read_lines(source), frames)  # what was appended meanwhile was not learned
    with whole(out) as beside, beside.open("w", encoding="utf-8", newline="\n") as file:
        lines = _anonymous_lines(made, shown(known, frames, f"Writing {out.name}"))
        file.writelines(write_lines(lines))


def _anonymous_lines(made: Anonymiser, lines: Iterable[Line]) -> Iterator[Line]:
    for line in lines:
        text = made.frame(line.text)
        made.check(text)
        yield line._replace(text=text)
