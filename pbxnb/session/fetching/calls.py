"""`fetch_calls`: the PBX's own call records, by REST, as the table of calls; `Pbx` takes it as a method."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from pbxnb.arguments import helpful_keywords
from pbxnb.client.client import Client
from pbxnb.client.records import record_pages
from pbxnb.errors import ConfigError, RecordingError
from pbxnb.progress import counted
from pbxnb.text import clean_logger
from pbxnb.zones import clock_text

from ..clock import PbxClock
from ..line import Line
from ..past.history import aware
from ..pending import Pending

if TYPE_CHECKING:
    import pyarrow as pa

    from pbxnb.analysis import CallsReport

__all__ = ["fetch_calls"]

logger: Final = clean_logger("pbxnb")
_KEPT = timedelta(days=7)  # by a PBX that is not told otherwise (rest.md 2.3)
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)


class Asking(Protocol):
    """What `fetch_calls` needs of the handle."""

    @property
    def clock(self) -> PbxClock: ...

    _line: Line


@helpful_keywords
def fetch_calls(self: Asking, since: datetime, until: datetime) -> Pending[pa.Table]:
    """The PBX's own records of the calls that began from ``since`` to ``until``, which is not in it.

    Read by REST, a page after the other, with a bar where that takes longer than a second; a call that is on two pages
    is there once. `pbxnb.analysis.read_calls` makes the table of them, so records that cannot be true are left out.
    The log says so, and where the window begins before what a PBX keeps. ``table.schema.metadata[b"pbxnb"]`` has the
    same as JSON: ``since``, ``until``, ``asked_at``, ``oldest`` (beginning of the oldest record that came), ``report``.

    Args:
        since: from when on, with a zone, on the PBX's clock.
        until: up to when, with a zone; that moment is left out.

    Returns:
        The table, with the columns of `pbxnb.analysis.calls`, in order of time. ``cancel()`` ends the reading.

    Raises:
        ConfigError: a time has no zone, or ``until`` is not after ``since``.
        RecordingError: this handle plays a recording.
        MissingExtra: what makes tables is not installed.
        HandleClosed: it has ended.
        pbxnb.client.RestError: by the result: the PBX does not let us read them (403), or does not know them (404).

    Example:
        >>> from datetime import timedelta
        >>> calls = await pbx.fetch_calls(pbx.clock.now() - timedelta(hours=8), pbx.clock.now())
        >>> calls.column_names[:3]
        ['domain', 'call_id', 'started_at']
    """
    if aware("until", until) <= aware("since", since):
        raise ConfigError(f"until must be after since: {until} is not.", argument="until")
    client = self._line.feed
    if not isinstance(client, Client):
        raise RecordingError(
            "This handle plays a recording: there is no PBX to ask.", hint="pbx.history.calls has its calls."
        )
    from pbxnb.analysis.records.reading import check_installed

    check_installed()
    self._line.check_open()
    line, later = self._line, self.clock.now() + timedelta(days=7)
    # No further than there can be records, so that whole days can be added on either side.
    fetch = _Fetch(client, self.clock, max(since, _ZERO), min(until, later))

    async def run() -> pa.Table:
        forget = line.end_with(fetch.stop)
        try:
            return await fetch.run()
        finally:
            forget()

    pending = line.submit(run, "the PBX's call records")
    pending.add_done_callback(lambda _: line.submit(fetch.stop, "the end of a reading"))
    return pending


class _Fetch:
    """One reading of the records of a window."""

    def __init__(self, client: Client, clock: PbxClock, since: datetime, until: datetime) -> None:
        self._client, self._clock = client, clock
        self._since, self._until = since, until
        self._asked_at = _naive(clock.now())
        self._task: asyncio.Task[None] | None = None
        self._count, self._close = counted("Call records of the PBX", "records")

    async def stop(self) -> None:
        """Nobody waits for it any more, or the line ends."""
        if self._task is not None:
            self._task.cancel()

    async def run(self) -> pa.Table:
        """Read them, and make the table in a thread of its own."""
        try:
            with TemporaryDirectory(prefix="pbxnb-", ignore_cleanup_errors=True) as folder:
                path = Path(folder) / "call-records.jsonl"
                self._task = asyncio.ensure_future(self._read(path))
                await self._task
                return await asyncio.to_thread(self._table, path)
        finally:
            self._close()

    async def _read(self, path: Path) -> None:
        """A line a record."""
        domain = self._client.endpoint.domain
        with path.open("wb") as file:
            async for page in record_pages(self._client.rest, domain, self._since, self._until):
                file.write(page.lines)
                self._count(page.records, page.total)

    def _table(self, path: Path) -> pa.Table:
        import pyarrow.compute as pc

        from pbxnb.analysis import read_calls
        from pbxnb.analysis.calls import calls_schema

        table, report, oldest = calls_schema().empty_table(), None, None
        if path.stat().st_size:
            zone, domain = self._clock.zone.key, self._client.endpoint.domain
            table, report = read_calls(path, source="vodia-cdr", tz=zone, domain=domain)
            oldest = pc.min(table["started_at"]).as_py()
        self._tell(report, oldest)
        begins, since, until = table["started_at"], _naive(self._since), _naive(self._until)
        inside = table.filter(pc.and_(pc.greater_equal(begins, since), pc.less(begins, until)))
        about = {"since": since, "until": until, "asked_at": self._asked_at, "oldest": oldest, "report": report}
        return inside.replace_schema_metadata({"pbxnb": msgspec.json.encode(about)})

    def _tell(self, report: CallsReport | None, oldest: datetime | None) -> None:
        """Log what may be missing."""
        if report is not None and report.dropped:
            logger.warning("Some call records of the PBX cannot be used: %s.", report)
        since = _naive(self._since)
        if self._since < self._clock.now() - _KEPT and (oldest is None or oldest > since + timedelta(days=1)):
            logger.warning(
                "The PBX sent no call records from before %s: it keeps them for 7 days where it is not told otherwise.",
                clock_text(oldest.replace(tzinfo=UTC) if oldest else self._until, self._clock.zone, date=True),
            )


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
