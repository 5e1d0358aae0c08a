"""One PBX recorded: its line kept up and its file written, whatever happens to either, for as long as it takes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from pbxnb.client import Client
from pbxnb.errors import PbxError, Refused
from pbxnb.journal import daily, file_name
from pbxnb.journal.retention import size_of
from pbxnb.model.entities import LineState, Status
from pbxnb.session.recordings.live import LiveRecording, facts_of
from pbxnb.zones import clock_text

from .settings import PbxEntry, in_the_file

__all__ = ["LineHealth", "Pace", "RecordedLine"]

_MEMORY = 2**20  # bytes of ended calls in memory, where nobody asks for them: they are in the file


class LineHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the recording of one PBX stands.

    Attributes:
        pbx: extension, domain and host.
        state: of the line.
        recorded: inputs of the model since the service began.
        acknowledged: those that are on the disk and visible to other processes.
        behind: seconds since the oldest one that is not.
        gaps: how often the line was down, of the last 1,000 times.
        why: what is wrong, and when it is tried again; empty when all is well.
        file: that is written; empty before the first.
        bytes: of it.
    """

    pbx: str
    state: str
    recorded: int = 0
    acknowledged: int = 0
    behind: float = 0.0
    gaps: int = 0
    why: str = ""
    file: str = ""
    bytes: int = 0


class Pace(NamedTuple):
    """Seconds until a line that has ended is tried again: first, doubled each time, and at most.

    Attributes:
        refused: of a login or a certificate, whose repetition may block an account.
        failed: of what may pass: nobody answers, a disk that cannot be written.
    """

    refused: tuple[float, float] = (60.0, 3600.0)
    failed: tuple[float, float] = (5.0, 60.0)

    def wait(self, error: PbxError, failures: int) -> float:
        """How long, after so many failures in a row.

        Example:
            >>> [Pace().wait(Refused("No."), times) for times in (1, 2, 9)]
            [60.0, 120.0, 3600.0]
        """
        first, most = self.refused if isinstance(error, Refused) else self.failed
        return min(most, first * 2.0 ** min(failures - 1, 20))


class RecordedLine:
    """A line and its recording, in a file a day. On one loop.

    Args:
        entry: the PBX.
        folder: of all recordings; this line has one in it.
        pace: when it is tried again.
        jitter: gives numbers from 0 to 1: lines that failed together are not tried together.
    """

    def __init__(
        self, entry: PbxEntry, folder: Path, *, pace: Pace | None = None, jitter: Callable[[], float] = random.random
    ) -> None:
        self._entry = entry
        self._pace = pace or Pace()
        self._jitter = jitter
        self._where = daily(folder / file_name(entry.name), entry.name, entry.tz)
        self._client = Client(entry.endpoint.ws_url, login=entry.login, tls=entry.tls, memory=_MEMORY)
        self._recording = LiveRecording(self._client, entry.name)
        self._client.on_status.add(self._note)
        self._begun = False
        self._failures = 0  # since it was live
        self._waits = ""  # why nothing is tried now

    async def run(self) -> None:
        """Record until cancelled, then end the line and write what is left.

        Raises:
            RecordingError: the disk did not take what was left.
        """
        try:
            while True:
                try:
                    await self._record()
                except PbxError as error:
                    self._failures += 1
                    await self._wait(error, self._pace.wait(error, self._failures))
        finally:
            await self._client.aclose()
            await asyncio.wrap_future(self._recording.end())

    def look(self) -> None:
        """Go on with a recording that has ended by itself."""
        self._recording.again()

    def health(self) -> LineHealth:
        """How it stands."""
        status, recording = self._client.status, self._recording.latest
        written = recording.why if recording else ""
        told = LineHealth(
            pbx=self._entry.name,
            state=str(status.state),
            gaps=len(status.gaps),
            why=" ".join(filter(None, (self._waits or in_the_file(status.why), written))),
        )
        if recording is None:
            return told
        return msgspec.structs.replace(
            told,
            recorded=recording.written,
            acknowledged=recording.acknowledged,
            behind=round(recording.behind, 3),
            file=recording.path,
            bytes=size_of(Path(recording.path)),
        )

    def _note(self, status: Status) -> None:
        if status.state is LineState.LIVE:
            self._failures = 0

    async def _record(self) -> None:
        if not self._begun:
            about = facts_of(self._client, self._entry.tz)
            await asyncio.wrap_future(self._recording.begin(self._where, about))
            self._begun = True
        await asyncio.shield(asyncio.ensure_future(self._client.run()))  # its end is a goodbye, no cancelling

    async def _wait(self, error: PbxError, seconds: float) -> None:
        seconds *= 1 + self._jitter() / 4
        again = datetime.now(UTC) + timedelta(seconds=seconds)
        self._waits = (
            f"{in_the_file(str(error))} Tried again at {clock_text(again, self._entry.tz)} {self._entry.tz.key}."
        )
        await asyncio.sleep(seconds)
        self._waits = ""
