"""Parquet tables of what is recorded, a file a day: made anew from the recordings at any time.

``tables/calls/domain=acme.example/month=2026-11/NAME-2026-11-28.parquet``, and likewise the others. A file has its name
only when it is whole. A day ends where the next recording begins, on the PBX's clock: a call is in the table of the day
it began, an interval of presence or a gap that goes on is cut there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pbxnb.errors import MissingExtra, PbxError, RecordingInUse, install_hint
from pbxnb.journal import Journal, file_name
from pbxnb.journal.file import FileLock
from pbxnb.session.recordings.recording import Recording

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TABLES", "check_extra", "make_tables"]

TABLES = ("calls", "legs", "call_states", "presence", "gaps")
_INTERVALS = ("presence", "gaps")
_DAY = re.compile(r".*-\d{4}-\d\d-\d\d")
_NEVER, _FOREVER = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)


def check_extra() -> None:
    """Refuse to begin what cannot end well.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise MissingExtra(
            "Tables as Parquet need pyarrow, which is not installed.",
            hint=f"{install_hint('pbxnb[analysis]')}; or write tables = false.",
        ) from None


def make_tables(folder: Path) -> tuple[int, list[str]]:
    """Make the tables of every day whose recording, or that of the day after, is another than they were made of.

    Those of a recording that is gone go, too, and what a killed process left.

    Args:
        folder: of the recordings; its ``tables`` are written.

    Returns:
        how many days were made, and a sentence about each that could not be.

    Raises:
        MissingExtra: pyarrow is not installed.
        RecordingInUse: another process makes them now.
    """
    check_extra()
    tables = folder / "tables"
    try:
        lock = FileLock(tables)
    except RecordingInUse:
        raise RecordingInUse(f"Another process makes {tables} now.", hint="Wait for its end.") from None
    try:
        for left in tables.rglob(".*.part"):
            left.unlink()
        days = [*_days(folder)]
        recorded = {one.path.stem for one in days}
        for table in tables.rglob("*.parquet"):
            if table.stem not in recorded:
                table.unlink()
        made, failed = 0, list[str]()
        for one in days:
            try:
                made += one.make(tables)
            except (PbxError, OSError) as error:
                failed.append(f"{one.path.name}: {error}")
        return made, failed
    finally:
        lock.release()


class _Day(NamedTuple):
    """The recording of a day of one line, and that of the next one, in which its last calls end."""

    path: Path
    following: Path | None
    first: bool

    def make(self, tables: Path) -> bool:
        """Write its tables; whether they were not there as they had to be."""
        read = (self.path, self.following) if self.following else (self.path,)
        changed = max(map(_changed, read))
        there = [table for table in tables.glob(f"*/*/*/{self.path.stem}.parquet") if _changed(table) == changed]
        if len(there) == len(TABLES):
            return False
        start = _NEVER if self.first else _begin(self.path)
        end = _begin(self.following) if self.following else None
        if start is None:
            return False
        with Recording(self.path.parent, {path.name for path in read}) as recording:
            window = recording.between(start, end or _FOREVER)
            month = self.path.stem[-10:-3]
            below = Path(f"domain={file_name(recording.domain)}", f"month={month}", f"{self.path.stem}.parquet")
            for name in TABLES:
                table = getattr(window, name).to_arrow()
                if name in _INTERVALS:
                    table = _cut(table, start, end)
                _write(table, tables / name / below, changed)
        return True


def _begin(path: Path) -> datetime | None:
    """When a recording begins, PBX time; None while nothing is in it."""
    with Journal(path) as journal:
        breaks = journal.breaks()
    return breaks[0].at if breaks else None


def _days(folder: Path) -> Iterator[_Day]:
    for line in sorted(folder.iterdir()):
        paths = sorted(path for path in line.glob("*.pbx") if _DAY.fullmatch(path.stem))
        for path, following in zip_longest(paths, paths[1:]):
            yield _Day(path, following, path == paths[0])


def _cut(table: pa.Table, start: datetime, end: datetime | None) -> pa.Table:
    """Intervals, or what of them is in the day; one that lasts at the end of all that is known has no end."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def cut(name: str, choose: Callable[..., pa.Array], limit: datetime) -> pa.Table:
        at = pa.scalar(limit.astimezone(UTC).replace(tzinfo=None), pa.timestamp("us"))
        return table.set_column(table.column_names.index(name), name, choose(table[name], at))

    table = cut("start", pc.max_element_wise, start)
    return table if end is None else cut("end", pc.min_element_wise, end)  # of an end and none it takes the end


def _write(table: pa.Table, path: Path, changed: int) -> None:
    """Write a file whole or not at all, for its owner alone; it bears the time of what it was made of."""
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with open(part, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        pq.write_table(table, file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    os.utime(part, ns=(changed, changed))
    part.replace(path)


def _changed(path: Path) -> int:
    """When a recording was last written, or a table's recording was; ns."""
    beside = path.with_name(f"{path.name}-wal")
    return max(one.stat().st_mtime_ns for one in (path, beside) if one.exists())
