"""A TCP proxy between a client and an embedded PBX that does one harm after another, each by its name.

It listens on the loopback interface and runs on the test's loop. It knows enough of HTTP and WebSocket to place a
fault: in the answer to the probe, the login, a REST request or the upgrade, or at the next frame of an open socket.
Every fault has a number of hits and is over after the last; `ChaosProxy.heal` ends it before. What it did to each open
socket stands in a `Passage`, by which a judge tells whether the client's gaps are right.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Self

from tests.helpers.chaos_faults import ODD_ANSWERS, Fault

__all__ = ["Armed", "ChaosProxy", "Passage"]

LONGEST = 30.0  # seconds one connection may live
_IN_PART = ("cut-answer", "reset-answer", "slow-answer", "corrupt-answer")
_HOLDS_IN, _HOLDS_OUT = ("stall-in", "stall-both"), ("stall-out", "stall-both")
_OUTWARD = ("corrupt-out", "stall-out", "half-close-out")


class Armed:
    """A fault that may strike.

    Attributes:
        begun: it has.
        over: for the last time.
    """

    def __init__(self, fault: Fault, told: Callable[[], object]) -> None:
        self.fault = fault
        self._told = told
        self.left = fault.hits
        self.begun = asyncio.Event()
        self.over = asyncio.Event()
        self.healed = asyncio.Event()

    def hit(self, *, ends: bool = True) -> None:
        """It strikes; a stall is over only when the client has gone, or has been healed."""
        self.left -= 1
        self.begun.set()
        if self.left <= 0 and ends:
            self.over.set()
        self._told()


@dataclass(eq=False)
class Passage:
    """An open socket as the proxy saw it; moments are of the wall clock, seconds.

    Attributes:
        opened: the answer to the upgrade had passed; None if none did.
        troubled: the first thing was done to it.
        last: bytes last reached the client.
        gone: one side had ended it.
        by_client: it was the client that hung up.
        silences: intervals longer than ``ChaosProxy.limit`` in which nothing reached the client.
    """

    opened: float | None = None
    troubled: float | None = None
    last: float = 0.0
    gone: float | None = None
    by_client: bool = False
    silences: list[tuple[float, float]] = field(default_factory=list)


class ChaosProxy:
    """Use as an async context manager.

    Args:
        target: the PBX's port.
        seed: of what is left to chance inside a fault.
        limit: a silence longer than this, seconds, is noted.
        tls: of the side to the client; the PBX is always spoken to in the clear.

    Attributes:
        port: to connect to; the same after `close_port` and `open_port`.
        passages: the open sockets there were, oldest first.
        tally: how often each fault struck.
    """

    def __init__(self, target: int, *, seed: int, limit: float, tls: ssl.SSLContext | None = None) -> None:
        self.port = 0
        self.passages: list[Passage] = []
        self.tally: dict[str, int] = {}
        self.tls = tls
        self._target = target
        self._random = random.Random(f"proxy {seed}")
        self._limit = limit
        self._armed: Armed | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._aborts: dict[Passage, Callable[[], None]] = {}

    async def __aenter__(self) -> Self:
        await self.open_port()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close_port()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- steering ----

    async def open_port(self) -> None:
        self._server = await asyncio.start_server(
            self._begin, "127.0.0.1", self.port, ssl=self.tls, reuse_address=True, limit=2**18
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close_port(self) -> None:
        """Listen no more; what is open stays."""
        server, self._server = self._server, None
        if server is None:
            return
        # asyncio of 3.11 loses a socket that it accepts while it closes.
        for listening in server.sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
        while any(getattr(t.get_coro(), "__name__", "") == "_accept_connection2" for t in asyncio.all_tasks()):  # noqa: ASYNC110 - it sets no event
            await asyncio.sleep(0)
        server.close()

    def arm(self, fault: Fault, told: Callable[[], object] = lambda: None) -> Armed:
        """From now on this fault strikes; only one does at a time. ``told()`` is called whenever it does."""
        self.heal()
        self._armed = Armed(fault, told)
        return self._armed

    def heal(self) -> None:
        """No fault any more; what was held back goes on."""
        if self._armed is not None:
            self._armed.healed.set()
            self._armed.over.set()
            self._armed = None

    def drop(self) -> None:
        """Break every open socket by RST, so that the client connects again."""
        for passage, abort in list(self._aborts.items()):
            passage.gone = passage.gone or time.time()
            abort()

    def _strikes(self, at: str, *names: str) -> Armed | None:
        """The armed fault, if it strikes here now."""
        armed = self._armed
        if armed is None or armed.left <= 0 or armed.fault.at != at or (names and armed.fault.name not in names):
            return None
        self.tally[armed.fault.name] = self.tally.get(armed.fault.name, 0) + 1
        return armed

    # ---- one connection ----

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            async with asyncio.timeout(LONGEST):
                head = await reader.readuntil(b"\r\n\r\n")
                if length := re.search(rb"(?i)\r\ncontent-length: *(\d+)", head):
                    head += await reader.readexactly(int(length[1]))
                from_pbx, up = await asyncio.open_connection("127.0.0.1", self._target, limit=2**18)
                ends.append(up)
                stage = _stage(head)
                armed = self._strikes(stage)
                if stage == "socket" and (armed is None or armed.fault.name in _IN_PART):
                    await self._pass(armed, head, (reader, writer), (from_pbx, up))
                elif armed is not None:
                    await self._answer(armed, head, (reader, writer), (from_pbx, up))
                else:
                    up.write(head)
                    await _either(_gone(reader), _relay(from_pbx, writer))
            writer.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await writer.wait_closed()
                    ends.remove(writer)  # what has closed by itself cannot be aborted any more: it knows no loop
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # one of the two ends has gone, as ends do here
        finally:
            for end in ends:
                end.transport.abort()

    async def _answer(self, armed: Armed, head: bytes, client: Ends, pbx: Ends) -> None:
        """A fault in the answer to one request."""
        fault, (reader, writer), (from_pbx, up) = armed.fault, client, pbx
        if fault.name == "hang":
            armed.hit(ends=False)
            try:
                await _either(_gone(reader), armed.healed.wait())
            finally:
                armed.over.set()
                writer.transport.abort()
            return
        if fault.name == "odd-answer":
            armed.hit()
            await _write(writer, ODD_ANSWERS[fault.odd])
        elif fault.name == "cut-request":
            up.write(head[: max(1, min(fault.size, len(head) - 1))])
            await up.drain()
            armed.hit()
            _reset(writer)
        else:
            up.write(head)
            answer = b""
            while data := await _read(from_pbx):
                answer += data
            await self._in_part(armed, answer, writer)

    async def _in_part(self, armed: Armed, answer: bytes, writer: asyncio.StreamWriter) -> bool:
        """Pass an answer on, but not as it is; whether the connection goes on."""
        fault = armed.fault
        armed.hit()
        if fault.name == "slow-answer":
            for byte in answer[:40]:
                await _write(writer, bytes([byte]))
                await asyncio.sleep(fault.seconds)
            await _write(writer, answer[40:])
            return True
        if fault.name == "corrupt-answer":
            await _write(writer, _changed(answer, self._random) if answer else answer)
            return True
        await _write(writer, answer[: min(fault.size, len(answer) - 1)])
        if fault.name == "reset-answer":
            _reset(writer)
        else:
            writer.close()
        return False

    async def _pass(self, armed: Armed | None, head: bytes, client: Ends, pbx: Ends) -> None:
        """An open socket."""
        (reader, writer), (from_pbx, up) = client, pbx
        passage = Passage()
        self._aborts[passage] = lambda: _reset(writer)
        try:
            up.write(head)
            answer = await from_pbx.readuntil(b"\r\n\r\n")
            if armed is None:
                await _write(writer, answer)
            else:
                passage.troubled = time.time()
            if armed is not None and not await self._in_part(armed, answer, writer):
                return
            if b" 101 " not in answer.splitlines()[0]:
                await _either(_gone(reader), _relay(from_pbx, writer))
                return
            passage.opened = passage.last = time.time()
            self.passages.append(passage)
            await _either(self._outward(passage, reader, up), self._inward(passage, from_pbx, writer))
        finally:
            del self._aborts[passage]
            passage.gone = passage.gone or time.time()
            if not passage.by_client:
                passage.troubled = passage.troubled or passage.gone
            self._note_silence(passage, passage.gone)

    async def _outward(self, passage: Passage, reader: asyncio.StreamReader, up: asyncio.StreamWriter) -> None:
        """What the client sends; returns when it has gone."""
        while data := await _read(reader):
            armed = self._strikes("", *_OUTWARD) or self._holding(_HOLDS_OUT)
            if armed is not None:
                passage.troubled = passage.troubled or time.time()
                if armed.fault.name == "corrupt-out":
                    data = _changed(data, self._random)
                elif armed.fault.name == "half-close-out":
                    up.write_eof()
                armed.hit(ends=armed.fault.name not in _HOLDS_OUT)
                if armed.fault.name in _HOLDS_OUT:
                    held = [data]
                    await _either(_gone(reader, held), armed.healed.wait())
                    if not armed.healed.is_set():
                        armed.over.set()
                        break
                    data = b"".join(held)
            with contextlib.suppress(RuntimeError):  # after a half-close
                await _write(up, data)
        passage.by_client = passage.gone is None
        passage.gone = passage.gone or time.time()

    def _holding(self, names: tuple[str, ...]) -> Armed | None:
        """The stall that goes on."""
        armed = self._armed
        return armed if armed is not None and armed.fault.name in names and armed.begun.is_set() else None

    async def _inward(self, passage: Passage, from_pbx: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What the PBX sends, frame by frame."""
        async for header, payload in _frames(from_pbx):
            raw = header + payload
            armed = self._strikes("") if self._armed and self._armed.fault.name not in _OUTWARD else None
            armed = armed or self._holding(_HOLDS_IN)
            if armed is None:
                self._note_silence(passage, time.time())
                await _write(writer, raw)
                continue
            passage.troubled = passage.troubled or time.time()
            name = armed.fault.name
            if name in _HOLDS_IN:
                if armed.left > 0:
                    armed.hit(ends=False)
                try:
                    await armed.healed.wait()  # the other direction sees the client go, and then this is cancelled
                finally:
                    armed.over.set()
                self._note_silence(passage, time.time())
                await _write(writer, raw)
            elif name in ("delay", "jitter"):
                share = self._random.random() if name == "jitter" else 1.0
                await asyncio.sleep(share * armed.fault.seconds)
                self._note_silence(passage, time.time())
                await _write(writer, raw)
                armed.hit()
            elif name in ("corrupt-payload", "corrupt-header", "duplicate", "truncate", "odd-frame", "too-big"):
                self._note_silence(passage, time.time())
                await _write(writer, self._spoilt(name, header, payload))
                armed.hit()
            else:
                passage.gone = time.time()
                await self._end(name, armed, raw, writer, from_pbx)
                return

    def _spoilt(self, name: str, header: bytes, payload: bytes) -> bytes:
        """A frame with something wrong."""
        raw = header + payload
        if name == "corrupt-payload":
            return header + (_changed(payload, self._random) if payload else payload)
        if name == "corrupt-header":
            return _changed(header, self._random) + payload
        if name == "odd-frame":  # reserved bits, a reserved opcode, a control frame too long or in parts, masked
            odd = (b"\xc1\x02{}", b"\x83\x01a", b"\x89\x7e\x00\x80" + b"p" * 128, b"\x09\x00", b"\x81\x84abcdefgh")
            return raw + self._random.choice(odd)
        if name == "too-big":
            return b"\x81\x7f" + (2**40).to_bytes(8, "big") + raw
        start = self._random.randrange(len(raw))
        end = self._random.randrange(start, len(raw)) + 1
        return raw[:end] + raw[start:] if name == "duplicate" else raw[:start] + raw[end:]

    async def _end(
        self, name: str, armed: Armed, raw: bytes, writer: asyncio.StreamWriter, from_pbx: asyncio.StreamReader
    ) -> None:
        """The faults that end an open socket."""
        if name == "close-code":
            reason = b"by the tests"
            await _write(writer, bytes([0x88, 2 + len(reason)]) + struct.pack("!H", armed.fault.size) + reason)
        elif name == "no-code":
            await _write(writer, b"\x88\x00")
        elif name == "cut-mid-frame":
            await _write(writer, raw[: max(1, min(armed.fault.size, len(raw) - 1))])
        elif name == "tls-garbage":
            os.write(writer.get_extra_info("socket").fileno(), b"HTTP/1.1 400 this is not TLS\r\n\r\n")
        armed.hit()
        if name == "reset":
            _reset(writer)
        elif name == "half-close-in" and writer.can_write_eof():
            writer.write_eof()
            await _gone(from_pbx)  # which goes on sending, until the client has gone
        else:
            writer.close()

    def _note_silence(self, passage: Passage, now: float) -> None:
        if passage.opened is not None:
            if now - passage.last > self._limit:
                passage.silences.append((passage.last, now))
            passage.last = now


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def _stage(head: bytes) -> str:
    """What a request is for."""
    line = head.split(b"\r\n", 1)[0]
    if b"\r\nupgrade: websocket" in head.lower():
        return "socket"
    if b" /rest/system/session " in line:
        return "login"
    return "probe" if b" / " in line else "rest"


async def _frames(reader: asyncio.StreamReader) -> AsyncIterator[tuple[bytes, bytes]]:
    """The frames of a server: header and payload; what is left of the last one at the end is lost."""
    while True:
        try:
            header = await reader.readexactly(2)
            more = {126: 2, 127: 8}.get(header[1] & 0x7F, 0)
            header += await reader.readexactly(more)
            size = int.from_bytes(header[2:], "big") if more else header[1] & 0x7F
            yield header, await reader.readexactly(size)
        except (asyncio.IncompleteReadError, OSError):
            return


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await _read(reader):
        await _write(writer, data)


async def _read(reader: asyncio.StreamReader) -> bytes:
    """What comes next; nothing at the end, whichever it was."""
    try:
        return await reader.read(2**16)
    except OSError:
        return b""


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def _gone(reader: asyncio.StreamReader, held: list[bytes] | None = None) -> None:
    """Reads until this end has gone."""
    while data := await _read(reader):
        if held is not None:
            held.append(data)


async def _either(*ways: object) -> None:
    """Runs these until one has ended."""
    tasks = [asyncio.ensure_future(way) for way in ways]  # type: ignore[arg-type]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _changed(data: bytes, rng: random.Random, *, at: int | None = None) -> bytes:
    """One byte is another."""
    where = rng.randrange(len(data)) if at is None else at
    return data[:where] + bytes([data[where] ^ rng.randrange(1, 256)]) + data[where + 1 :]
