"""A file a day, and how long they stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

__all__ = ["daily", "prune"]


def daily(folder: str | Path, name: str) -> Callable[[datetime], Path]:
    """The path of each day's file, by UTC: ``FOLDER/NAME-2026-09-21.pbx``.

    Args:
        folder: made where it is not there.
        name: any text, such as a tenant's; it never becomes a part of the path by itself.

    Example:
        >>> daily("kept", "../acme")(datetime(2026, 9, 21, tzinfo=UTC)).name
        '..%2Facme-2026-09-21.pbx'
    """
    stem = quote(name, safe="@ +")[:180]
    where = Path(folder).expanduser().absolute()
    return lambda moment: where / f"{stem}-{moment.astimezone(UTC):%Y-%m-%d}.pbx"


def prune(folder: str | Path, *, keep_days: float | None = None, keep_bytes: int | None = None) -> list[Path]:
    """Delete the oldest recordings of a folder; the newest one of each name always stays.

    Args:
        keep_days: delete what was last written longer ago.
        keep_bytes: delete the oldest until the rest, with the files beside them, is no larger.

    Returns:
        what was deleted.
    """
    files = sorted(Path(folder).expanduser().glob("*.pbx"), key=lambda path: path.stat().st_mtime)
    newest = {path.stem[:-11]: path for path in files}
    total, oldest = sum(map(_size, files)), datetime.now(UTC) - timedelta(days=keep_days or 0)
    gone = []
    for path in files:
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        old = keep_days is not None and written < oldest
        if path not in newest.values() and (old or (keep_bytes is not None and total > keep_bytes)):
            total -= _size(path)
            for one in _parts(path):
                one.unlink(missing_ok=True)
            gone.append(path)
    return gone


def _parts(path: Path) -> list[Path]:
    return [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm")), path.with_name(f".{path.name}.lock")]


def _size(path: Path) -> int:
    return sum(one.stat().st_size for one in _parts(path) if one.exists())
