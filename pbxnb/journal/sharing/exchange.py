"""Recordings from other programs, and for them."""

from __future__ import annotations

from pathlib import Path

from pbxnb.errors import ConfigError
from pbxnb.progress import shown

from ..lines import read_lines, write_lines
from ..making import make, parts_of_lines, whole

__all__ = ["export_lines", "import_lines"]


def import_lines(source: str | Path, out: str | Path, *, domain: str = "", user: str = "", tz: str = "UTC") -> Path:
    """Make a recording of frames that are JSON lines (`pbxnb.journal.lines`).

    Args:
        source: the lines. Where their times have no date, they count from 1970 on.
        out: a name that ends with ``.pbx``; a file of that name is replaced when all is written.
        domain, user, tz: whose frames they are, and the zone in which they are shown.

    Returns:
        Where it was written; its owner alone may read it.

    Raises:
        NotARecording: ``source`` cannot be read; the sentence says why.
        RecordingInUse: somebody records to ``out``.
        RecordingError: the disk does not take it.
        ConfigError: ``out`` has another ending, or is ``source``.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from pbxnb.journal import Journal
        >>> with TemporaryDirectory() as folder:
        ...     lines = Path(folder, "monday.jsonl")
        ...     _ = lines.write_text('{"at": 0, "frame": {"action": "user-state", "account": "204"}}')
        ...     with Journal(import_lines(lines, lines.with_suffix(".pbx"), domain="acme.example")) as journal:
        ...         print(*journal.store(journal.last + 1).accounts)
        204
    """
    source, out = Path(source).expanduser(), Path(out).expanduser()
    if out.suffix != ".pbx" or source.resolve() == out.resolve():
        raise ConfigError(f"{out.name} is no name for the recording.", hint="Give another one that ends with .pbx.")
    with whole(out) as beside:
        about = {"domain": domain, "user": user, "tz": tz}
        make(beside, about, parts_of_lines(read_lines(source), domain=domain, user=user))
    return out


def export_lines(source: Path, out: Path) -> None:
    """Write the frames of a recording as JSON lines.

    Raises:
        NotARecording: there is no frame in it.
        RecordingError: the disk does not take it, or a part of the recording cannot be read.
    """
    with whole(out) as beside, beside.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(write_lines(shown(read_lines(source), None, f"Writing {out.name}")))
