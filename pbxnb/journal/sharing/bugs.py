"""What a bug report needs of a recording, in one file: a slice of it, anonymous, and what of the protocol it shows."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile
from zoneinfo import ZoneInfo

from pbxnb.model.kept.inputs import Received
from pbxnb.protocol.coverage import Coverage
from pbxnb.protocol.decode import decode
from pbxnb.zones import clock_text, times_in

from ..journals import Journals
from ..making import parts_of, whole
from ..reader import Journal
from .anonymous import anonymise_parts

__all__ = ["bug_report"]

_UTC = ZoneInfo("UTC")
MOST = 4 * 2**20
"""Bytes of frames that a report has at most."""
_README = """A report for the makers of pbxnb: {about}.

recording.pbx   {inputs:,} inputs of the model, with pseudonyms for all names and numbers; pbxnb.open shows it
coverage.txt    the actions, fields and values in it, and which of them pbxnb does not know
versions.txt    of Python, pbxnb and the packages it works with

Times, durations, lengths of names and who talks to whom are as they were. Read it before you give it away.
"""


def bug_report(journals: Journals, out: Path, versions: str, around: datetime | None, minutes: float) -> None:
    """Write a slice of a recording with pseudonyms, what it shows of the protocol, and versions, as a ZIP file.

    Args:
        journals: the recording.
        out: a file of that name is replaced when all is written.
        versions: a text.
        around: the moment in the middle, PBX time; None for the end. Of more than `MOST` bytes the nearest stay.
        minutes: so long before and after it.

    Raises:
        OriginalsLeft: something of the originals would have been left; nothing was written.
        RecordingError: the disk does not take it, or a part of the recording cannot be read.
    """
    first, last = _slice(journals, around, timedelta(minutes=minutes))
    with whole(out) as beside:
        made = beside.with_name("recording.pbx")
        anonymise_parts(parts_of(journals, first, last), made)
        with Journal(made) as slice_, ZipFile(beside, "w", ZIP_DEFLATED) as file:
            coverage, begins, ends = Coverage(), slice_.start, slice_.end
            for _, one in slice_.inputs():
                if isinstance(one, Received):
                    coverage.add(decode(one.raw, max_size=len(one.raw)))
            about = "an empty recording"
            if begins and ends:
                window = (clock_text(moment, _UTC, date=True) for moment in (begins, ends))
                about = f"{' to '.join(window)}, {times_in(_UTC)}"
            file.writestr("README.txt", _README.format(about=about, inputs=slice_.last + 1))
            file.write(made, made.name)
            file.writestr("coverage.txt", str(coverage.report()))
            file.writestr("versions.txt", versions)


def _slice(journals: Journals, around: datetime | None, reach: timedelta) -> tuple[int, int]:
    """Sequences of the first and of the last input around a moment."""
    if journals.last < 0:
        return 0, -1
    end = journals.store(journals.last + 1).clock.at
    [(_, newest)] = journals.inputs(journals.last, journals.last)
    middle = end(newest.at) if around is None else around
    first, store = journals.before(middle - reach)
    until = journals.before(middle + reach)[0]
    kept: deque[tuple[timedelta, int]] = deque()  # how long before the middle, and bytes
    size = 0
    for seq, one in journals.inputs(first, until - 1):
        before = middle - store.clock.at(one.at)
        kept.append((before, len(getattr(one, "raw", b""))))
        size += kept[-1][1]
        while size > MOST and kept[0][0] >= -before and len(kept) > 1:
            size -= kept.popleft()[1]
            first += 1
        if size > MOST and len(kept) > 1:
            return first, seq - 1
    return first, until - 1
