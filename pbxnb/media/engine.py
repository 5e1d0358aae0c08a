"""The parent's side of media: one child process for all calls, started with the first, ended with its owner.

Media never run in this process: a cell that holds the interpreter for seconds would be heard in every call.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

from pbxnb.errors import EngineLost, MediaFailed, MissingExtra, PhoneError, install_hint
from pbxnb.protocol.redact import redact
from pbxnb.text import clean, clean_logger

from . import wire

__all__ = ["Engine", "failure", "require_phone_extra"]

logger: Final = clean_logger("pbxnb.media")

START = 20.0
DEADLINE = 5.0
CHUNK = 2**16
MOST_SAID = 20
"""Lines of the child's own words that are logged for each child."""
CORE = 24
"""Calls of any codec that one core carries with all their sound: three fifths of as many as were too many."""

Listener = Callable[[wire.Event], None]


def require_phone_extra() -> None:
    """Check that media can run here.

    Raises:
        MissingExtra: aiortc or numpy are not installed.
    """
    missing = [name for name in ("aiortc", "numpy") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"Calls with sound need {' and '.join(missing)}, not installed here.",
            hint=install_hint("pbxnb[phone]"),
        )


def failure(event: wire.Failed) -> EngineLost | MediaFailed:
    """Return the error that an event is."""
    if event.gone:
        return EngineLost(event.why, hint="Place the call again.")
    return MediaFailed(event.why)


class Engine:
    """A child process for media; everything here happens on one asyncio loop.

    Example:
        >>> import asyncio
        >>> async def offer() -> str:
        ...     engine = Engine()
        ...     call = await engine.open(lambda event: None)
        ...     text = await engine.describe(wire.MakeOffer(call=call))
        ...     await engine.aclose()
        ...     return text[:3]
        >>> asyncio.run(offer())
        'v=0'
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._calls: dict[int, Listener] = {}
        self._awaited: dict[int, asyncio.Future[str]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._ready: asyncio.Future[None] | None = None
        self._reading: tuple[asyncio.Task[None], ...] = ()
        self._last_words = ""

    @property
    def process(self) -> int | None:
        """The number of the child, None while there is none."""
        return self._process.pid if self._process is not None else None

    async def open(
        self,
        listener: Listener,
        *,
        codecs: tuple[str, ...] = ("opus", "PCMU"),
        loopback: bool = True,
        ice_servers: tuple[str, ...] = (),
    ) -> int:
        """Make a connection, in a new child where there is none.

        Args:
            listener: gets every event of it; `wire.Failed` or `wire.Ended` is the last.
            codecs: names, best first.
            loopback: use 127.0.0.1 and no other address of this machine.
            ice_servers: URLs of STUN and TURN servers; none unless given.

        Returns:
            The number that orders name it by.

        Raises:
            MissingExtra: the ``phone`` extra is not installed.
            EngineLost: the child does not start.
            PhoneError: as many calls are open as one core carries, 24.
        """
        await self.start()
        if len(self._calls) >= CORE:
            raise PhoneError(
                f"{len(self._calls)} calls with sound are open, and one core carries {CORE}.",
                hint="End some of them.",
            )
        call = next(self._numbers)
        self._calls[call] = listener
        self.send(wire.Open(call=call, codecs=codecs, loopback=loopback, ice_servers=ice_servers))
        return call

    def send(self, order: wire.Order) -> None:
        """Give an order; one about a connection that is gone does nothing."""
        if self._process is not None and self._process.stdin is not None and order.call in self._calls:
            self._process.stdin.write(wire.pack(order))

    async def describe(self, order: wire.MakeOffer | wire.AnswerOffer) -> str:
        """Give an order that is answered with our description.

        Raises:
            MediaFailed: the media of the call cannot do it.
            EngineLost: the child is gone; or nothing came for 5 s, and it was ended.
        """
        if order.call not in self._calls:
            raise EngineLost("This call has no media any more.", hint="Place it again.")
        answer = self._awaited[order.call] = asyncio.get_running_loop().create_future()
        self.send(order)
        try:
            async with asyncio.timeout(DEADLINE):
                text: str = await answer
                return text
        except TimeoutError:
            self._kill()
            raise EngineLost(f"The media did not answer for {DEADLINE:g} s and were ended.") from None
        finally:
            self._awaited.pop(order.call, None)

    async def aclose(self) -> None:
        """End every connection and the child."""
        process = self._process
        if process is None:
            return
        if self._ready is not None and not self._ready.done():
            self._kill()  # it has nothing to end yet
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(1):
                await process.wait()
        except TimeoutError:
            self._kill()
        await asyncio.gather(*self._reading, return_exceptions=True)

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                # `Process.kill` would also collect it where it has just ended, and asyncio then misses it in its log.
                os.kill(self._process.pid, signal.SIGKILL)

    async def start(self) -> None:
        """Have a child that is ready; `open` does so too, and the first call then waits for it."""
        if self._ready is None:
            require_phone_extra()
            ready = self._ready = asyncio.get_running_loop().create_future()
            # The child finds the package where this process has it, whatever its working directory.
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            pipe = asyncio.subprocess.PIPE
            try:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "pbxnb.media.child", env=environment, stdin=pipe, stdout=pipe, stderr=pipe
                )
            except OSError as error:
                self._ready = None
                lost = EngineLost(f"The process for media cannot be started: {error.strerror or error}.")
                ready.set_exception(lost)
                ready.exception()  # whoever waits beside us gets it too; nobody may
                raise lost from error
            self._reading = (asyncio.create_task(self._read(self._process, ready)), asyncio.create_task(self._log()))
        try:
            async with asyncio.timeout(START):
                await asyncio.shield(self._ready)
        except TimeoutError:
            self._kill()
            raise EngineLost(f"The process for media was not ready within {START:g} s.") from None

    async def _read(self, process: asyncio.subprocess.Process, ready: asyncio.Future[None]) -> None:
        """Hand every event on, until the child ends."""
        buffer = bytearray()
        assert process.stdout is not None
        while chunk := await process.stdout.read(CHUNK):
            buffer += chunk
            for event in wire.unpack_events(buffer):
                if isinstance(event, wire.Ready):
                    ready.set_result(None)
                else:
                    self._hand_on(event)
        code = await process.wait()
        await self._reading[1]  # all it had to say
        self._process = self._ready = None
        why = f"The process for media ended unexpectedly (code {code})."
        if not ready.done():
            ready.set_exception(EngineLost(f"{why[:-1]}: {self._last_words}" if self._last_words else why))
        for call in list(self._calls):
            self._hand_on(wire.Failed(call=call, why=why, gone=True))

    def _hand_on(self, event: wire.Event) -> None:
        if isinstance(event, wire.Failed):
            event = wire.Failed(call=event.call, why=clean(redact(event.why), 300), gone=event.gone)
        answer = self._awaited.get(event.call)
        listener = self._calls.get(event.call)
        if isinstance(event, wire.Described) and answer is not None and not answer.done():
            answer.set_result(event.sdp)
        elif isinstance(event, wire.Failed | wire.Ended):
            self._calls.pop(event.call, None)
            if isinstance(event, wire.Failed) and answer is not None and not answer.done():
                answer.set_exception(failure(event))
        if listener is not None and not isinstance(event, wire.Described):
            try:
                listener(event)
            except Exception:  # a fault of one listener: it is logged, and the other calls go on
                logger.exception("A listener of the media failed.")

    async def _log(self) -> None:
        """What the child writes to its error stream."""
        assert self._process is not None
        assert self._process.stderr is not None
        said, self._last_words = 0, ""
        while line := await self._process.stderr.readline():
            said += 1
            self._last_words = clean(redact(line.decode(errors="replace")), 300)
            if said <= MOST_SAID:
                logger.debug("The process for media says: %s", self._last_words)
