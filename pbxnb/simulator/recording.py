"""Reads a recorded session: JSON lines, each an object with a time and a frame. `replay` serves it.

The time is ``at`` (seconds of any origin), ``received`` (seconds since 1970, or ISO 8601) or ``recv_us`` (microseconds
since 1970). The frame is ``text`` or ``payload`` (as received) or ``frame`` (an object). Lines whose ``direction`` is
``out`` came from the client and are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pbxnb.errors import SimulatorError

__all__ = ["Frame", "Session", "read_recording"]

MOST_FRAMES = 5_000_000


class Frame(NamedTuple):
    """One frame of the PBX: seconds since the recording's first line, and its text."""

    at: float
    text: str


class Session(NamedTuple):
    """A recorded session: its frames in order, and when it began (UTC, None when the times have no date)."""

    frames: tuple[Frame, ...]
    begin: datetime | None = None

    @property
    def seconds(self) -> float:
        """From the first frame to the last."""
        return self.frames[-1].at if self.frames else 0.0


def read_recording(source: str | Path | Iterable[str]) -> Session:
    """Read a recording from a file or from lines.

    A torn last line, as a crash leaves it, is passed over; time that jumps back stands still instead.

    Raises:
        SimulatorError: it cannot be read; the sentence names the line.
    """
    if isinstance(source, (str, Path)):
        try:
            lines = Path(source).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            raise SimulatorError(f"The recording {Path(source).name!r} cannot be read: {error.strerror}.") from error
    else:
        lines = list(source)
    frames: list[Frame] = []
    first: float | None = None
    latest = 0.0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            if number == len(lines) and frames:
                break
            raise SimulatorError(f"Line {number} of the recording is no JSON: {error}.", line=number) from error
        at, text = _entry(entry, number)
        first = at if first is None else first
        latest = max(latest, at - first)
        if entry.get("direction", "in") == "in":
            frames.append(Frame(latest, text))
        if len(frames) > MOST_FRAMES:
            raise SimulatorError(f"The recording has more than {MOST_FRAMES:,} frames.")
    if not frames:
        raise SimulatorError("The recording has no frame of a PBX in it.")
    year_2000 = 946_684_800
    return Session(tuple(frames), datetime.fromtimestamp(first, UTC) if first and first > year_2000 else None)


def _entry(entry: Any, number: int) -> tuple[float, str]:
    """Time in seconds and text of one line."""
    where = f"Line {number} of the recording"
    if not isinstance(entry, dict):
        raise SimulatorError(f"{where} is no object.", line=number)
    time = entry.get("at", entry.get("received"))
    try:
        if isinstance(time, str) and not time.replace(".", "", 1).isdigit():
            at = datetime.fromisoformat(time).timestamp()
        elif time is not None and not isinstance(time, bool):
            at = float(time)
        else:
            at = int(entry["recv_us"]) / 1e6
        if not math.isfinite(at):
            raise ValueError
    except (KeyError, TypeError, ValueError, OverflowError):
        raise SimulatorError(f"{where} has no time.", hint="Give it as at, received or recv_us.", line=number) from None
    text = entry.get("text", entry.get("payload"))
    if isinstance(text, str):
        return at, text
    if isinstance(entry.get("frame"), dict):
        return at, msgspec.json.encode(entry["frame"]).decode()
    raise SimulatorError(f"{where} has no frame.", hint="Give it as text, payload or frame.", line=number)
