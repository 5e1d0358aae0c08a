"""Something that listens, on a thread and a loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

from pbxnb.loops import LoopThread, fail, fulfil

__all__ = ["start_in_thread"]

Run = Callable[[], Coroutine[Any, Any, object]]


def start_in_thread(open_: Run, stop: asyncio.Event, close: Run, name: str) -> LoopThread:
    """Run ``open_``, and ``close`` once ``stop`` is set, on a thread of that name; returns when it is open.

    Raises:
        Exception: what ``open_`` raised.
    """
    opened: Future[None] = Future()

    async def main() -> None:
        try:
            await open_()
        except BaseException as error:  # noqa: BLE001  it is raised again where it was started
            fail(opened, error)
            return
        fulfil(opened, None)
        await stop.wait()
        await close()

    thread = LoopThread(main, name)
    thread.start()
    try:
        opened.result()
    except BaseException:
        thread.join(5.0)
        raise
    return thread
