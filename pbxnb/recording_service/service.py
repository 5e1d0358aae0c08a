"""`Service`: every line of the settings recorded, old recordings deleted, tables made, and how all of it stands."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from pbxnb.errors import PbxError, RecordingError
from pbxnb.journal import prune

from .line import LineHealth, Pace, RecordedLine
from .settings import Settings
from .tables import check_extra

__all__ = ["Health", "Service", "changes", "record"]

_TURN = 300.0  # seconds between two looks at what is kept
_ENDS = (signal.SIGINT, signal.SIGTERM)


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands.

    Attributes:
        at: when, UTC.
        pbx: each line.
        why: what is wrong with what is kept: old recordings that cannot be deleted, tables that cannot be made.
    """

    at: datetime
    pbx: list[LineHealth]
    why: str = ""


class Service:
    """Records until told to end. One failing line, disk or table never stops the others.

    Args:
        settings: what and where to.
        pace: when a line that has ended is tried again.
        turn: seconds between two looks at what is kept.

    Raises:
        MissingExtra: tables are wanted, and pyarrow is not installed.
    """

    def __init__(self, settings: Settings, *, pace: Pace | None = None, turn: float = _TURN) -> None:
        if settings.tables:
            check_extra()
        self._settings = settings
        self._turn = turn
        self._lines = [RecordedLine(entry, settings.folder, pace=pace) for entry in settings.pbx]
        self._why = ""
        self._gone = False  # recordings were deleted since tables were last made
        self._made_of: frozenset[str] | None = None  # the files when tables were last made

    def health(self) -> Health:
        """How it stands now."""
        return Health(at=datetime.now(UTC), pbx=[line.health() for line in self._lines], why=self._why)

    async def run(self, ending: asyncio.Event, tell: Callable[[Health], object], every: float) -> bool:
        """Record until the event is set.

        Args:
            tell: gets the health, on a thread of its own; a slow reader misses some.
            every: seconds between two of them.

        Returns:
            whether everything is on the disk.
        """
        loop = asyncio.get_running_loop()
        work = [asyncio.ensure_future(one) for one in (*(line.run() for line in self._lines), self._keep())]
        telling: asyncio.Future[object] | None = None
        while not (ending.is_set() or any(one.done() for one in work)):
            if telling is None or telling.done():
                telling = loop.run_in_executor(None, tell, self.health())
            with suppress(TimeoutError):
                async with asyncio.timeout(every):
                    await ending.wait()
        for one in work:
            one.cancel()
        ends = await asyncio.gather(*work, return_exceptions=True)
        await loop.run_in_executor(None, tell, self.health())
        for end in ends:
            if isinstance(end, Exception) and not isinstance(end, PbxError):
                raise end  # a fault in pbxnb: whoever looks after this process starts it again
        return not any(isinstance(end, PbxError) for end in ends)

    async def _keep(self) -> None:
        """Look after what is kept, now and then."""
        while True:
            for line in self._lines:
                line.look()
            try:
                self._gone |= await asyncio.to_thread(self._prune)
                if self._settings.tables:
                    await self._look_at_tables()
                self._why = ""
            except (PbxError, OSError) as error:
                self._why = str(error)
            await asyncio.sleep(self._turn)

    def _prune(self) -> bool:
        settings = self._settings
        if settings.keep_days is None and settings.keep_bytes is None:
            return False
        try:
            return bool(prune(settings.folder, keep_days=settings.keep_days, keep_bytes=settings.keep_bytes))
        except OSError as error:
            raise RecordingError(f"Old recordings cannot be deleted: {error.strerror}.") from None

    async def _look_at_tables(self) -> None:
        files = frozenset(one.file for one in self.health().pbx)
        if self._gone or files != self._made_of:
            await self._make_tables()
            self._gone, self._made_of = False, files

    async def _make_tables(self) -> None:
        """Have them made by a process of its own, which takes its memory with it."""
        secrets = {entry.password_env for entry in self._settings.pbx}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pbxnb", "record", str(self._settings.file), "--tables"),
            env={name: value for name, value in os.environ.items() if name not in secrets},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            raise RecordingError(said.decode("utf-8", "replace"))


def record(settings: Settings, tell: Callable[[Health], object], every: float) -> bool:
    """Record in the main thread until SIGTERM or SIGINT; a second one changes nothing. See `Service.run`."""
    service = Service(settings)

    async def run() -> bool:
        ending, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in _ENDS:
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(ending.set))
        try:
            return await service.run(ending, tell, every)
        finally:
            for number in _ENDS:
                signal.signal(number, signal.SIG_IGN)

    return asyncio.run(run())


def changes() -> Callable[[Health], Iterator[str]]:
    """For people: what gives a line about each PBX that stands otherwise than when it was last asked."""
    said: dict[str, tuple[str, ...]] = {}

    def lines(health: Health) -> Iterator[str]:
        for one in health.pbx:
            now = (one.state, one.why, one.file)
            if said.get(one.pbx) != now:
                said[one.pbx] = now
                yield f"{one.pbx}: {one.state}{one.file and f', records to {one.file}'}{one.why and f'. {one.why}'}"
        if said.get("") != (health.why,):
            said[""] = (health.why,)
            if health.why:
                yield health.why

    return lines
