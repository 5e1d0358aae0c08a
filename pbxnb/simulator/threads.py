"""Something with an ``open`` and an end of its own, served on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

from pbxnb.loops import LoopThread, fail, fulfil

__all__ = ["start_in_thread"]


def start_in_thread(
    open_: Callable[[], Coroutine[Any, Any, object]], live: Callable[[], Coroutine[Any, Any, object]], name: str
) -> LoopThread:
    """Give something a thread and a loop; returns when it is open.

    Args:
        open_: opens it; what it raises is raised here.
        live: runs it to its end.
        name: of the thread.
    """
    opened: Future[None] = Future()

    async def main() -> None:
        try:
            await open_()
        except BaseException as error:  # noqa: BLE001  it is raised again where it was started
            fail(opened, error)
            return
        fulfil(opened, None)
        await live()

    thread = LoopThread(main, name)
    thread.start()
    try:
        opened.result()
    except BaseException:
        thread.join(5.0)
        raise
    return thread
