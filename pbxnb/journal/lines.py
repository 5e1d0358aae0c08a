"""Frames as JSON lines, each with its time: what recordings from elsewhere are read from, and what others read.

A line is an object with a time and a frame. The time is ``at`` (seconds of any origin), ``received`` (seconds since
1970, or ISO 8601) or ``recv_us`` (microseconds since 1970). The frame is ``text`` or ``payload`` (as received) or
``frame`` (an object). ``direction``, or ``dir``, is ``in`` for what the PBX sent, also where it is missing, and ``out``
for what the client did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from pbxnb.errors import NotARecording
from pbxnb.model.kept.inputs import Received, Sent

from .file import is_recording
from .journals import Journals

__all__ = ["Line", "read_lines", "write_lines"]

MOST_FRAMES = 5_000_000
LATEST = datetime(9000, 1, 1, tzinfo=UTC).timestamp()
"""No time of a recording is beyond, and a replay may go on for centuries before a clock ends."""


class Line(NamedTuple):
    """One frame.

    Attributes:
        at: seconds; since 1970 where the recording has dates.
        direction: ``in`` from the PBX, ``out`` to it.
    """

    at: float
    direction: Literal["in", "out"]
    text: str


def read_lines(source: str | Path | Iterable[str]) -> Iterator[Line]:
    """The frames of a file or of lines, in their order, read as they are asked for.

    A recording ``.pbx``, or a folder of them, is read as well as JSON lines.

    A torn last line, as a crash leaves it, is passed over; a clock that jumps back stands still instead.

    Raises:
        NotARecording: a line cannot be read, or there is none; the sentence names it.
        RecordingError: a part of the recording cannot be read.

    Example:
        >>> [line] = read_lines(['{"at": 12.5, "frame": {"action": "get-users"}}'])
        >>> line
        Line(at=12.5, direction='in', text='{"action":"get-users"}')
    """
    latest = float("-inf")
    recorded = isinstance(source, str | Path) and (is_recording(Path(source)) or Path(source).is_dir())
    count = 0
    for count, line in enumerate(_recorded(source) if recorded else _written(source), 1):
        if count > MOST_FRAMES:
            raise NotARecording(f"The recording has more than {MOST_FRAMES:,} frames.")
        latest = max(latest, line.at)
        yield line._replace(at=latest)
    if not count:
        raise NotARecording("The recording has no frame in it.")


def write_lines(lines: Iterable[Line]) -> Iterator[str]:
    """Each line as text with its end, as `read_lines` reads it."""
    for line in lines:
        entry = {"at": line.at, "direction": line.direction, "text": line.text}
        yield f"{msgspec.json.encode(entry).decode()}\n"


def _recorded(path: Any) -> Iterator[Line]:
    with Journals(path) as journal:
        for _, one in journal.inputs():
            if isinstance(one, Received | Sent):
                direction: Literal["in", "out"] = "in" if isinstance(one, Received) else "out"
                yield Line(one.utc.timestamp(), direction, one.raw.decode("utf-8", "replace"))


def _written(source: str | Path | Iterable[str]) -> Iterator[Line]:
    torn: NotARecording | None = None
    number = 0
    with _opened(source) as lines:
        for number, text in enumerate(lines, 1):
            if not text.strip():
                continue
            if torn is not None:
                raise torn  # it was not the last one
            try:
                entry = msgspec.json.decode(text)
            except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
                torn = NotARecording(f"Line {number} of the recording is no JSON: {error}.", line=number)
                continue
            yield _line(entry, number)
    if torn is not None and torn.data["line"] == 1:
        raise torn


def _opened(source: str | Path | Iterable[str]) -> Any:
    if not isinstance(source, str | Path):
        return nullcontext(source)
    try:
        return Path(source).open(encoding="utf-8", errors="replace")
    except (OSError, ValueError) as error:  # ValueError: no name that a file can have
        why = getattr(error, "strerror", "") or error
        raise NotARecording(f"The recording {Path(source).name!r} cannot be read: {why}.") from error


def _line(entry: Any, number: int) -> Line:
    where = f"Line {number} of the recording"
    if not isinstance(entry, dict):
        raise NotARecording(f"{where} is no object.", line=number)
    time = entry.get("at", entry.get("received"))
    try:
        if isinstance(time, str) and not time.replace(".", "", 1).isdigit():
            at = datetime.fromisoformat(time).timestamp()
        elif time is not None and not isinstance(time, bool):
            at = float(time)
        else:
            at = int(entry["recv_us"]) / 1e6
        if not abs(at) < LATEST:  # nor is it NaN
            raise ValueError
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise NotARecording(f"{where} has no time.", hint="Give it as at, received or recv_us.", line=number) from None
    direction: Literal["in", "out"] = "in" if entry.get("direction", entry.get("dir", "in")) == "in" else "out"
    text = entry.get("text", entry.get("payload"))
    if isinstance(text, str):
        return Line(at, direction, text)
    if isinstance(entry.get("frame"), dict):
        return Line(at, direction, msgspec.json.encode(entry["frame"]).decode())
    raise NotARecording(f"{where} has no frame.", hint="Give it as text, payload or frame.", line=number)
