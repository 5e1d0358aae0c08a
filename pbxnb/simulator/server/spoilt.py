"""What may be wrong with the call records that the embedded PBX serves (the fault ``records``)."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from .answers import answer

__all__ = ["SpoiltRecords"]

GARBAGE: tuple[Any, ...] = (7, None, "no record", ["id", "start"], {}, {"id": {"x": 1}, "start": "soon"})


class SpoiltRecords(NamedTuple):
    """What is wrong; nothing, as it stands.

    Attributes:
        status: of HTTP, instead of an answer; 0 for none.
        repeat: so many records come once more before all others, as if that many calls had ended meanwhile.
        garbage: so many entries of each page are no records.
        size: bytes of a text in the first record of each page.
        lag: seconds that each page takes.
    """

    status: int = 0
    repeat: int = 0
    garbage: int = 0
    size: int = 0
    lag: float = 0.0

    def moved(self, records: list[Any]) -> list[Any]:
        """All records, as they are cut into pages."""
        return records[: self.repeat] + records

    def page(self, rows: list[Any]) -> object:
        """A page, as it is sent."""
        if self.status:
            return answer(False, status=self.status)
        if rows and self.size:
            rows[0] = {**rows[0], "comment": "x" * self.size}
        rows = [GARBAGE[n % len(GARBAGE)] for n in range(self.garbage)] + rows
        return _Late(self.lag, answer(rows)) if self.lag else rows


class _Late(web.Response):
    """An answer that is sent some seconds later."""

    def __init__(self, lag: float, sent: web.Response) -> None:
        super().__init__(body=sent.body, content_type=sent.content_type)
        self._lag = lag

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        await asyncio.sleep(self._lag)
        return await super().prepare(request)
