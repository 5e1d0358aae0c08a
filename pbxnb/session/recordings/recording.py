"""`Recording`: a file or a folder of a recording, open: its past as tables, and the model at any moment."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from zoneinfo import ZoneInfo

from pbxnb.errors import ConfigError, no_copy
from pbxnb.zones import clock_text

from ..past.history import History
from ..scrubbing.panel import scrubber
from . import sharing
from .frames import Frames
from .handle import RecordedHandle
from .past import RecordedPast

if TYPE_CHECKING:
    from pbxnb.journal import Journals

__all__ = ["Recording", "place_of"]


def place_of(path: object) -> Path:
    """The path of a recording to read.

    Raises:
        ConfigError: it is none.
    """
    if not isinstance(path, str | Path) or not str(path):
        raise ConfigError(f"{path!r} is no path of a recording.", hint='Such as pbxnb.open("monday.pbx").')
    return Path(path).expanduser().absolute()


class Recording(History):
    """A recording, open for reading; what another process writes to it meanwhile is there at the next question.

    Tables and coverage come from going through everything once, when the first of them is asked for; from then on only
    through what is new. Those of a part of a folder (`between`) come from its files, and the next one, alone.

    Args:
        path: a file, or a folder of files with the end ``.pbx``, all of one line.
        names: of the files of a folder that count; None for all.

    Attributes:
        path: as given.
        domain: the tenant.
        tz: the zone of every time that is shown.
        about: facts that the recording keeps: ``domain``, ``user``, ``pbx``, ``tz``, ``pbxnb``.
        frames: what was on the wire, in both directions.
        journal: what it is read with.

    Raises:
        NotARecording: there is none, or it is something else.
        RecordingTooNew: a newer pbxnb wrote it.
        RecordingError: it cannot be read.
        ConfigError: it is no path; the folder holds recordings of more than one line.

    Example:
        >>> await pbx.record_to("monday.pbx")
        >>> _ = await pbx.wait_for("call.new")
        >>> await pbx.stop_recording()
        >>> with pbxnb.open("monday.pbx") as monday:
        ...     monday.at(monday.end).accounts.keys() == pbx.accounts.keys()
        True
    """

    __reduce__: Any = no_copy
    anonymise: Final = sharing.anonymise
    export: Final = sharing.export
    report: Final = sharing.report
    bug_report: Final = sharing.bug_report

    def __init__(self, path: str | Path, names: Collection[str] | None = None) -> None:
        from pbxnb.journal import Journals

        self.path: Final = place_of(path)
        self.journal: Journals = Journals(self.path, names)
        try:
            past = RecordedPast(self.journal)
        except BaseException:
            self.journal.close()
            raise
        super().__init__(past)
        self._past = past
        self.domain: str = past.domain
        self.tz: ZoneInfo = past.tz
        self.about: dict[str, str] = past.about
        self.frames: Final = Frames(self.journal)

    scrubber = scrubber

    def _of(self, begin: datetime, until: datetime) -> RecordedPast:
        return self._past.within(begin, until)

    def _panel_handle(self) -> RecordedHandle:
        """What `pbxnb.ui.handle.handle_of` gives to pictures."""
        return RecordedHandle(self._past)

    def close(self) -> None:
        """Let go of the files; tables that were taken stay. May be called again."""
        self._past.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        start, end = (clock_text(moment, self.tz, "minutes", date=True) for moment in (self.start, self.end))
        return f"<Recording {self.path.name} of {self.domain}: {start} to {end} {self.tz.key}>"
