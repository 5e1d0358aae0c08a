"""The file ``NAME.pbx``: its tables, who may write it, and what SQLite's refusals mean in words."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from pbxnb.errors import NotARecording, RecordingError, RecordingInUse, RecordingTooNew

__all__ = ["VERSION", "FileLock", "is_recording", "open_to_read", "open_to_write", "sentence"]

VERSION = 1
_APPLICATION = 0x50425821
_MAGIC = b"SQLite format 3\0"
_SCHEMA = """
CREATE TABLE blocks (
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, first_utc INTEGER NOT NULL, last_utc INTEGER NOT NULL,
    connection INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE TABLE checkpoints (
    seq INTEGER PRIMARY KEY, utc INTEGER NOT NULL, at INTEGER NOT NULL, why TEXT NOT NULL, body BLOB NOT NULL
);
CREATE TABLE calls (id TEXT PRIMARY KEY, first INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX checkpoints_at ON checkpoints (at);
CREATE INDEX blocks_utc ON blocks (last_utc);
"""
_MIGRATIONS: dict[int, str] = {}  # from a version to the next: what to execute
_WORDS = {
    "disk is full": "The disk is full.",
    "disk i/o error": "The disk does not take it: an I/O error.",
    "readonly": "The file or its folder is read-only.",
    "locked": "Another program holds the file locked.",
    "unable to open": "The file cannot be opened: is the folder there, and may you write in it?",
    "malformed": "The file is damaged.",
}


def is_recording(path: Path) -> bool:
    """Whether a file has the form of a recording; one of JSON lines has not."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except (OSError, ValueError):  # ValueError: no name that a file can have
        return False


def sentence(error: Exception) -> str:
    """What went wrong with the disk, for people."""
    text = str(error).lower()
    return next((words for sign, words in _WORDS.items() if sign in text), f"The disk does not take it: {error}.")


class FileLock:
    """The right to write one recording, among all processes; it ends with the process.

    SQLite's own locks on an empty file beside the recording: they work on every system.

    Raises:
        RecordingInUse: another process has it.
    """

    def __init__(self, path: Path) -> None:
        beside = path.with_name(f".{path.name}.lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _own(beside)
            self._held = sqlite3.connect(beside, timeout=0, isolation_level=None, check_same_thread=False)
            self._lock(self._held)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise RecordingError(sentence(error), path=str(path)) from None
            raise RecordingInUse(
                f"Another process records to {path.name}.", hint="Stop it there, or give another path.", path=str(path)
            ) from None
        except OSError as error:
            raise RecordingError(f"{path} cannot be written: {error.strerror}.", path=str(path)) from None

    @staticmethod
    def _lock(held: sqlite3.Connection) -> None:
        try:
            held.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error:
            held.close()
            raise

    def release(self) -> None:
        """Let others write it."""
        self._held.close()


def open_to_write(path: Path) -> sqlite3.Connection:
    """A recording to append to, made where there is none, readable by its owner alone.

    Raises:
        NotARecording: the file is something else.
        RecordingTooNew: a newer pbxnb wrote it.
        RecordingError: the disk does not allow it.
    """
    try:
        _own(path)
        database = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
    except OSError as error:
        raise RecordingError(f"{path} cannot be written: {error.strerror}.", path=str(path)) from None
    except sqlite3.Error as error:
        raise RecordingError(f"{path}: {sentence(error)}", path=str(path)) from None
    try:
        if not path.stat().st_size:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(
                f"BEGIN; {_SCHEMA} PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;"
            )
        version = _check(database, path)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        for old in range(version, VERSION):
            database.executescript(f"BEGIN; {_MIGRATIONS[old]} PRAGMA user_version = {old + 1}; COMMIT;")
    except sqlite3.Error as error:
        database.close()
        raise RecordingError(f"{path}: {sentence(error)}", path=str(path)) from None
    except RecordingError:
        database.close()
        raise
    return database


def open_to_read(path: Path) -> sqlite3.Connection:
    """A recording to read, also while another process writes it.

    Raises:
        NotARecording: there is none, or the file is something else.
        RecordingTooNew: a newer pbxnb wrote it.
    """
    if not path.is_file():
        raise NotARecording(f"There is no recording {path}.", path=str(path))
    last: sqlite3.Error | None = None
    # a finished recording in a folder that may not be written needs no file beside it
    for how in ("mode=ro", "immutable=1"):
        try:
            where = f"file:{quote(str(path.absolute()))}?{how}"
            database = sqlite3.connect(where, uri=True, timeout=5.0, isolation_level=None, check_same_thread=False)
        except sqlite3.OperationalError as error:
            last = error
            continue
        try:
            _check(database, path)
        except sqlite3.OperationalError as error:
            database.close()
            last = error
        except BaseException:
            database.close()
            raise
        else:
            return database
    raise RecordingError(f"{path} cannot be read: {last}.", path=str(path))


def _check(database: sqlite3.Connection, path: Path) -> int:
    try:
        [application] = database.execute("PRAGMA application_id").fetchone()
        [version] = database.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        application = version = 0
    if application != _APPLICATION:
        raise NotARecording(
            f"{path.name} is no recording of pbxnb.", hint="Give another path; nothing was changed.", path=str(path)
        )
    if version > VERSION:
        raise RecordingTooNew(
            f"{path.name} was written by a newer pbxnb: its form is {version}, this one knows up to {VERSION}.",
            hint="Update pbxnb.",
            path=str(path),
            version=version,
        )
    return int(version)


def _own(path: Path) -> None:
    """Make the file, for its owner alone; one that is there must be a plain file."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(0, "it is no file")
