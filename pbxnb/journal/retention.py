"""A file a day, what it is called, and how long it stays."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

__all__ = ["daily", "file_name", "prune", "size_of"]

_UNSAFE = re.compile(rb"[^a-z0-9._@-]|^\.|\.$")
_DEVICES = re.compile(r"(?=(?:aux|con|nul|prn|com\d|lpt\d)(?:\.|$))")
_LONGEST, _KEPT, _DIGITS = 180, 147, 32


def file_name(text: str) -> str:
    """A text of whoever it is as one name of a file or folder, the same on every system; two texts, two names.

    What is no small letter, digit or ``._@-`` becomes its bytes as ``%xx``; a long one is cut, with a digest of all.

    Example:
        >>> file_name("../Acme")
        '%2e.%2f%41cme'
    """
    raw = text.encode("utf-8", "surrogatepass")
    name = _UNSAFE.sub(lambda found: b"%%%02x" % found[0][0], raw).decode("ascii")
    if _DEVICES.match(name):  # Windows has no files of these names, whatever follows the dot
        name = f"%{ord(name[0]):02x}{name[1:]}"
    if len(name) > _LONGEST:
        name = f"{name[:_KEPT]}~{hashlib.sha256(raw).hexdigest()[:_DIGITS]}"
    return name or "%"


def daily(folder: str | Path, name: str, tz: tzinfo = UTC) -> Callable[[datetime], Path]:
    """The path of each day's file: ``FOLDER/NAME-2026-09-21.pbx``.

    Args:
        folder: made where it is not there.
        name: any text, such as a tenant's; see `file_name`.
        tz: the zone in which days begin.

    Example:
        >>> daily("kept", "../acme")(datetime(2026, 9, 21, tzinfo=UTC)).name
        '%2e.%2facme-2026-09-21.pbx'
    """
    stem, where = file_name(name), Path(folder).expanduser().absolute()
    return lambda moment: where / f"{stem}-{moment.astimezone(tz):%Y-%m-%d}.pbx"


def prune(folder: str | Path, *, keep_days: float | None = None, keep_bytes: int | None = None) -> list[Path]:
    """Delete the oldest recordings of a folder and those in it; the newest one of each name always stays.

    Args:
        keep_days: delete what was last written longer ago.
        keep_bytes: delete the oldest until the rest, with the files beside them, is no larger.

    Returns:
        what was deleted.
    """
    files = sorted(Path(folder).expanduser().rglob("*.pbx"), key=lambda path: path.stat().st_mtime)
    newest = {path.with_name(path.stem[:-11]): path for path in files}
    total, oldest = sum(map(size_of, files)), datetime.now(UTC) - timedelta(days=keep_days or 0)
    gone = []
    for path in files:
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        old = keep_days is not None and written < oldest
        if path not in newest.values() and (old or (keep_bytes is not None and total > keep_bytes)):
            total -= size_of(path)
            for one in _parts(path):
                one.unlink(missing_ok=True)
            gone.append(path)
    return gone


def size_of(path: Path) -> int:
    """Bytes of a recording with the files beside it; 0 where there is none."""
    size = 0
    for one in _parts(path):
        with suppress(OSError):  # those beside it come and go
            size += one.stat().st_size
    return size


def _parts(path: Path) -> list[Path]:
    return [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm")), path.with_name(f".{path.name}.lock")]
