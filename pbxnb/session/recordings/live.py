"""The recording of a live line: begun, taken over by another cell's run, ended, and how it stands."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pbxnb.errors import ConfigError
from pbxnb.loops import fail, fulfil
from pbxnb.model.status import RecordingState

from ..feed import Feed

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from pbxnb.journal import Recorder

__all__ = ["LiveRecording", "Where", "facts_of", "path_of"]

Where = Path | Callable[[datetime], Path]
"""A file, or what gives the one of a day."""


def path_of(record: object) -> Path:
    """The path that was given.

    Raises:
        ConfigError: it is none.
    """
    if not isinstance(record, str | Path) or not str(record):
        raise ConfigError(f"{record!r} is no path to record to.", hint='Give record="monday.pbx".')
    path = Path(record).expanduser().absolute()
    if path.is_dir():
        raise ConfigError(f"{path} is a folder.", hint="Give the path of a file in it, such as monday.pbx.")
    return path


def facts_of(feed: Feed, zone: ZoneInfo) -> dict[str, str]:
    """What a recording keeps besides the inputs."""
    endpoint = feed.endpoint
    return {
        "domain": endpoint.domain,
        "user": endpoint.user,
        "pbx": endpoint.host,
        "tz": zone.key,
        "pbxnb": version("pbxnb"),
    }


class LiveRecording:
    """What one line records to.

    Args:
        feed: whose inputs are kept.
        key: of the line: the same one, run again, goes on in its file.

    Attributes:
        changed: called when it began or ended, on the thread that writes the file.
    """

    def __init__(self, feed: Feed, key: Hashable) -> None:
        self.changed: Callable[[], object] = lambda: None
        self._feed = feed
        self._key = key
        self._recorder: Recorder | None = None
        self._about: dict[str, str] = {}
        self._path: Where | None = None
        self._waits = False  # another run of the same cell has the file until this line is live
        self._stops: tuple[Callable[[], None], ...] = ()

    @property
    def state(self) -> RecordingState | None:
        """How it stands; None while there is none."""
        recorder = self._recorder
        return recorder.state if recorder is not None and (not recorder.ended or recorder.state.why) else None

    @property
    def latest(self) -> RecordingState | None:
        """How it stands, or stood when it ended; None before the first."""
        return self._recorder.state if self._recorder is not None else None

    def begin(self, path: Where, about: dict[str, str]) -> Future[None]:
        """Record to a file from now on; done when every input from here on is taken, or failed with the reason."""
        from pbxnb.journal import Recorder

        recorder = Recorder(path, self._feed.store, about=about, key=self._key)
        joined: Future[None] = Future()

        def opened(done: Future[None]) -> None:
            if (error := done.exception()) is not None:
                fail(joined, error)
            else:
                self._join(recorder, path, about)
                fulfil(joined, None)

        recorder.start().add_done_callback(opened)
        return joined

    def begin_first(self, path: Path, about: dict[str, str]) -> None:
        """As `begin`, before the line starts: at once, or when it is live and takes the file over.

        Raises:
            RecordingError: which subclass says why.
        """
        from pbxnb.journal import Recorder

        if Recorder.key_of(path) == self._key:
            self._path, self._about, self._waits = path, about, True
        else:
            self.begin(path, about).result()

    def live(self) -> None:
        """The line is live: take the file over, where another run of the cell had it."""
        if self._waits:
            self._waits = False
            self.again()

    def again(self) -> None:
        """Go on after the line had ended, where it recorded."""
        if self._path is not None and (self._recorder is None or self._recorder.ended):
            self.begin(self._path, self._about)

    def end(self, *, for_good: bool = False) -> Future[None]:
        """Stop; done when everything taken is on the disk.

        Args:
            for_good: `again` does not go on.
        """
        if for_good:
            self._path = None
        recorder = self._recorder
        done: Future[None] = Future()
        if recorder is None:
            fulfil(done, None)
        else:
            for stop in self._stops:
                stop()
            done = recorder.stop()
            done.add_done_callback(lambda _: self.changed())
        return done

    def close(self, within: float) -> None:
        """Stop, and wait so many seconds for the disk."""
        with suppress(Exception):  # the state has said why
            self.end().result(within)

    def _join(self, recorder: Recorder, path: Where, about: dict[str, str]) -> None:
        self.end()
        self._recorder, self._path, self._about = recorder, path, about
        self._stops = (self._feed.on_input.add(recorder.take), self._feed.on_changes.add(recorder.noticed))
        self.changed()
