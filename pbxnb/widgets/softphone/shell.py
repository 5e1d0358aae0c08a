"""Whether a kernel can hear a page now."""

from __future__ import annotations

import asyncio

__all__ = ["Shell"]


class Shell:
    """Whether messages of a page can come through now: not while a cell blocks the loop that reads them."""

    def __init__(self) -> None:
        self._answered = True
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    def answers(self) -> bool:
        """Whether the loop was free since this was asked last."""
        answered = self._answered
        if answered and self._loop is not None and not self._loop.is_closed():
            self._answered = False
            self._loop.call_soon_threadsafe(self._free)
        return answered

    def _free(self) -> None:
        self._answered = True
