"""Waiting for what another thread will finish, in a cell or in a script, so that an interrupt always gets through.

An interrupt of an awaiting cell is only noticed when something else wakes the kernel's loop (ipykernel #881), and a
lock held for ever cannot be interrupted on every system: both waits therefore wake up five times a second.
"""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from pbxnb.arguments import check_number
from pbxnb.errors import NoEventLoop, WaitTimeout, WrongThread

__all__ = [
    "HEARTBEAT",
    "block",
    "check_seconds",
    "forbid_own_thread",
    "in_own_thread",
    "running_loop",
    "settled",
    "wake_on",
]

HEARTBEAT = 0.2
"""Seconds between two looks while waiting."""

OWN_THREADS = "pbxnb-"
"""Every thread of ours has a name that begins so."""


def in_own_thread() -> bool:
    """Whether the caller runs on one of pbxnb's own threads."""
    return threading.current_thread().name.startswith(OWN_THREADS)


def forbid_own_thread(what: str) -> None:
    """Refuse a blocking call that could never return.

    Raises:
        WrongThread: the caller is one of pbxnb's own threads.
    """
    if in_own_thread():
        raise WrongThread(
            f"Waiting for {what} on pbxnb's own thread {threading.current_thread().name!r} would stop the very lane "
            "that has to finish it.",
            hint="Use an `async def` handler and `await`, or `add_done_callback`.",
            thread=threading.current_thread().name,
        )


def running_loop() -> asyncio.AbstractEventLoop:
    """The loop of whoever awaits.

    Raises:
        NoEventLoop: what runs here is not asyncio.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise NoEventLoop(
            "No asyncio loop runs here, as under `%autoawait trio`, so nothing of pbxnb can be awaited.",
            hint="Use `.result()` instead of `await`, `with` instead of `async with`, `close()` instead of `aclose()`, "
            "`on()` instead of a stream; or say `%autoawait asyncio`.",
        ) from None


async def wake_on(waiter: asyncio.Future[None]) -> None:
    """Sleep until ``waiter`` is done, waking up at each heartbeat; a cancelled sleep leaves nothing behind."""
    while not waiter.done():
        await asyncio.wait([waiter], timeout=HEARTBEAT)


async def settled(future: Future[Any]) -> None:
    """Return once ``future`` is done. Cancelling this never cancels the future: others may wait for it too."""
    if future.done():
        return
    loop = running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def finish() -> None:
        if not waiter.done():
            waiter.set_result(None)

    def wake(_: Future[Any]) -> None:
        with suppress(RuntimeError):  # the waiting loop has closed meanwhile: nobody waits any more
            loop.call_soon_threadsafe(finish)

    future.add_done_callback(wake)
    await wake_on(waiter)


def check_seconds(name: str, value: object) -> None:
    """Refuse what is no time to wait.

    Raises:
        ConfigError: it is neither a number from 0 up nor None, which waits as long as it takes.
    """
    if value is not None:
        check_number(name, value)


def block(future: Future[Any], timeout: float | None, what: str) -> None:
    """Return once ``future`` is done.

    Args:
        future: what to wait for.
        timeout: seconds; None waits as long as it takes.
        what: names it in the errors.

    Raises:
        WaitTimeout: it was not done in time.
        WrongThread: the caller is one of pbxnb's own threads.
    """
    check_seconds("timeout", timeout)
    if future.done():
        return
    forbid_own_thread(what)
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    end = None if timeout is None else time.monotonic() + timeout
    while not done.wait(HEARTBEAT if end is None else max(0.0, min(HEARTBEAT, end - time.monotonic()))):
        if end is not None and time.monotonic() >= end:
            raise timed_out(what, timeout)


def timed_out(what: str, timeout: float | None) -> WaitTimeout:
    """The error of a wait that took too long."""
    return WaitTimeout(f"{what[:1].upper()}{what[1:]} did not come within {timeout:g} s.", timeout=timeout)
