"""What a recording gives to others: a copy with nobody in it, other formats, a report, a bug report."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pbxnb.arguments import check_number
from pbxnb.errors import ConfigError
from pbxnb.progress import shown

from ..past.table import Table
from ..versions import show_versions

if TYPE_CHECKING:
    from pbxnb.journal import Journals

__all__ = ["anonymise", "bug_report", "export", "report"]

_TABLES = ("calls", "legs", "call_states", "presence", "gaps")
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d (),.-]*$)")


class Recorded(Protocol):
    """A recording that is open."""

    path: Path
    domain: str
    journal: Journals

    @property
    def calls(self) -> Table: ...


def anonymise(self: Recorded, path: str | Path, *, key: bytes | None = None) -> Path:
    """Write the recording once more, with pseudonyms for its names and numbers.

    Args:
        path: a name that ends with ``.pbx``, for everything, or with ``.jsonl``, for the frames alone; a file of that
            name is replaced when all is written.
        key: the same key gives the same pseudonyms in the next recording; a new one that nobody knows unless given.

    Returns:
        Where it was written; its owner alone may read it.

    Raises:
        OriginalsLeft: something of the originals would have been left; nothing was written.
        RecordingError: the disk does not take it, or a part of the recording cannot be read.
        ConfigError: ``path`` has another ending, or is the recording's own.

    Example:
        >>> await pbx.record_to("monday.pbx")
        >>> await pbx.stop_recording()
        >>> with pbxnb.open("monday.pbx") as monday:
        ...     monday.anonymise("anonymous.pbx").name
        'anonymous.pbx'
    """
    from pbxnb.journal.sharing import anonymise

    return anonymise(self.path, path, key=key)


def export(self: Recorded, path: str | Path) -> Path:
    """Write what was recorded in a form of other programs, by the ending of the name.

    ``.jsonl``: the frames, a line each. ``.csv``, ``.parquet``: the table of calls. A folder that is there: every table
    as Parquet.

    Args:
        path: a file of that name is replaced when all is written.

    Returns:
        Where it was written; its owner alone may read it.

    Raises:
        ConfigError: the ending is none of these.
        MissingExtra: Parquet needs pyarrow, which is not installed.
        RecordingError: the disk does not take it, or a part of the recording cannot be read.

    Example:
        >>> await pbx.record_to("monday.pbx")
        >>> await pbx.stop_recording()
        >>> with pbxnb.open("monday.pbx") as monday:
        ...     monday.export("monday.csv").name
        'monday.csv'
    """
    out = Path(path).expanduser()
    if out.is_dir():
        for name in _TABLES:
            _write(out / f"{name}.parquet", getattr(self, name), _parquet)
    elif out.suffix == ".jsonl":
        from pbxnb.journal.sharing import export_lines

        export_lines(self.path, out)
    elif out.suffix in _FORMS:
        _write(out, self.calls, _FORMS[out.suffix])
    else:
        raise ConfigError(
            f"{out.name} ends with none of .jsonl, .csv and .parquet, and is no folder.",
            hint="Frames are written as .jsonl, the table of calls as .csv or .parquet, all tables to a folder.",
        )
    return out


def report(self: Recorded, path: str | Path) -> Path:
    """Write a page of HTML with the pictures of calls, tables, definitions and what may be missing.

    It opens without a kernel and without a network; of its 5 MB nearly all draw the pictures.

    Args:
        path: a name that ends with ``.html``; a file of that name is replaced when all is written.

    Returns:
        Where it was written; its owner alone may read it.

    Raises:
        ConfigError: the name has another ending.
        MissingExtra: pyarrow or pandas is not installed.
        RecordingError: the disk does not take it, or a part of the recording cannot be read.

    Example:
        >>> await pbx.record_to("monday.pbx")
        >>> await pbx.stop_recording()
        >>> with pbxnb.open("monday.pbx") as monday:
        ...     monday.report("monday.html").name
        'monday.html'
    """
    from pbxnb.figures.report import report
    from pbxnb.journal.making import whole

    out = _named(path, ".html")
    origin = f"Made with pbxnb {show_versions()['pbxnb']} of the recording {self.path.name}."
    page = report(self, title=f"Calls of {self.domain}", origin=origin)
    with whole(out) as beside:
        beside.write_text(page, "utf-8", "replace")
    return out


def bug_report(self: Recorded, path: str | Path, *, around: datetime | None = None, minutes: float = 5.0) -> Path:
    """Write what the makers of pbxnb need to see: a slice with pseudonyms, versions, and what the protocol showed.

    Args:
        path: a name that ends with ``.zip``; a file of that name is replaced when all is written.
        around: the moment in the middle of the slice; None for the end of the recording.
        minutes: so long before and after it; of more than 4 MB of frames the nearest.

    Returns:
        Where it was written; a ``README.txt`` in it says what it holds.

    Raises:
        OriginalsLeft: something of the originals would have been left; nothing was written.
        ConfigError: the name has another ending, or the moment no zone.
        RecordingError: the disk does not take it, or a part of the recording cannot be read.

    Example:
        >>> await pbx.record_to("monday.pbx")
        >>> await pbx.stop_recording()
        >>> with pbxnb.open("monday.pbx") as monday:
        ...     monday.bug_report("report.zip").name
        'report.zip'
    """
    from pbxnb.journal.sharing import bug_report

    out = _named(path, ".zip")
    check_number("minutes", minutes)
    bug_report(self.journal, out, repr(show_versions()), around, minutes)
    return out


def _named(path: str | Path, ending: str) -> Path:
    out = Path(path).expanduser()
    if out.suffix != ending:
        raise ConfigError(f"{out.name} does not end with {ending}.", hint=f"Give a name such as monday{ending}.")
    return out


def _write(out: Path, table: Table, form: Callable[[Table, Path], None]) -> None:
    from pbxnb.journal.making import whole

    with whole(out) as beside:
        form(table, beside)


def _csv(table: Table, out: Path) -> None:
    """With a byte order mark, by which spreadsheets know UTF-8; a text that begins like a formula is not one."""
    with out.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table.columns)
        writer.writerows([_cell(value) for value in row.values()] for row in shown(table, None, f"Writing {out.name}"))


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def _parquet(table: Table, out: Path) -> None:
    arrow = table.to_arrow()
    import pyarrow.parquet as pq

    pq.write_table(arrow, out, compression="zstd")


_FORMS: dict[str, Callable[[Table, Path], None]] = {".csv": _csv, ".parquet": _parquet}
