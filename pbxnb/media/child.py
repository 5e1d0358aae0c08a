"""The child process: every connection of its parent, orders from standard input, events to standard output.

Run by `engine`; ends when its input does. Only here and in what it imports is aiortc.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, ClassVar

import aioice.ice
import aiortc
from aiortc import RTCRtpReceiver, RTCRtpTransceiver
from aiortc.codecs import CODECS
from aiortc.codecs.base import Encoder
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtcrtpreceiver import StreamStatistics

from pbxnb.errors import PhoneError

from . import wire
from .beat import Beat
from .connection import Connection
from .tones import named

__all__ = ["main"]

CHUNK = 2**16
MOST_ADDRESSES = 1_000


class Child:
    """All connections, by the number their parent gave them."""

    def __init__(self, tell: Callable[[wire.Event], None]) -> None:
        self._tell = tell
        self._beat = Beat()
        self._connections: dict[int, Connection] = {}
        self._last: dict[int, asyncio.Task[None]] = {}

    def take(self, order: wire.Order) -> None:
        """Carry an order out, after those before it about the same connection."""
        before = self._last.get(order.call)
        task = asyncio.ensure_future(self._in_turn(order, before))
        self._last[order.call] = task

    async def close(self) -> None:
        """End every connection."""
        await asyncio.gather(*(each.close() for each in self._connections.values()), return_exceptions=True)

    async def _in_turn(self, order: wire.Order, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        try:
            await self._carry_out(order)
        except Exception as error:  # noqa: BLE001 - whatever a media stack raises ends this one connection
            what = "" if isinstance(error, PhoneError) else f"The media of this call failed: {type(error).__name__}: "
            self._tell(wire.Failed(call=order.call, why=f"{what}{error}"[:500]))
            with suppress(Exception):  # what has failed may fail once more
                await self._end(order.call)
        else:
            if isinstance(order, wire.Shut):
                self._tell(wire.Ended(call=order.call))
        if self._last.get(order.call) is asyncio.current_task():
            del self._last[order.call]

    async def _carry_out(self, order: wire.Order) -> None:
        if isinstance(order, wire.Open):
            _addresses(order.loopback)
            self._connections[order.call] = Connection(order, self._tell, self._beat)
            return
        if isinstance(order, wire.Ask):
            self._tell(wire.Packets(call=order.call, addresses=dict(_Sent.packets)))
            return
        connection = self._connections.get(order.call)
        if connection is None:
            return
        doing = self._doing(connection, order)
        if doing is not None:
            await doing

    def _doing(self, connection: Connection, order: wire.Order) -> Coroutine[Any, Any, None] | None:
        match order:
            case wire.MakeOffer():
                return connection.make_offer()
            case wire.AnswerOffer():
                return connection.answer_offer(order.sdp)
            case wire.TakeAnswer():
                return connection.take_answer(order.sdp)
            case wire.AddCandidates():
                return connection.add(order.lines)
            case wire.Flow():
                connection.flow(order.send, order.hear)
            case wire.Sound():
                connection.play(order.number, order.samples, order.loop)
            case wire.Tone():
                connection.play(order.number, named(order.name), order.loop)
            case wire.Stop():
                connection.stop()
            case wire.PressDigits():
                connection.press(order)
            case wire.Listen():
                connection.listen(order.on)
            case wire.Record():
                connection.record(order.path, order.side)
            case wire.Disturb():
                connection.disturb(order)
            case wire.Bridge():
                other = self._connections.get(order.other)
                connection.bridged = None if other is None else other.feed
            case wire.Shut():
                return self._end(order.call)
        return None

    async def _end(self, call: int) -> None:
        if (connection := self._connections.pop(call, None)) is not None:
            await connection.close()


class _Sent:
    """Where datagrams went to."""

    packets: ClassVar[Counter[str]] = Counter()

    @classmethod
    def count(cls, address: tuple[Any, ...]) -> None:
        if address[0] in cls.packets or len(cls.packets) < MOST_ADDRESSES:
            cls.packets[address[0]] += 1


PRIVATE: dict[Any, tuple[str, ...]] = {
    Encoder: ("pack",),
    RTCRtpReceiver: ("_handle_rtp_packet", "_RTCRtpReceiver__remote_streams"),
    RTCRtpTransceiver: ("_codecs",),
    RTCDtlsTransport: ("_send_rtp",),
    StreamStatistics: ("add",),
    aioice.ice: ("get_host_addresses",),
    aioice.ice.StunProtocol: ("send_data", "send_stun"),
}
"""The names of aiortc that are not public and are used here."""


def _has(owner: Any, name: str) -> bool:
    """Whether a class or module has a name, or gives it to what it makes."""
    return hasattr(owner, name) or name in getattr(getattr(owner.__init__, "__code__", None), "co_names", ())


def _prepare() -> None:
    """What aiortc lacks: digits among its codecs, and a count of what it sends.

    Raises:
        RuntimeError: this release of aiortc has other names inside.
    """
    gone = [f"{owner.__name__}.{name}" for owner, names in PRIVATE.items() for name in names if not _has(owner, name)]
    if gone:
        raise RuntimeError(f"aiortc {aiortc.__version__} has no {', '.join(gone)}; install aiortc 1.16.")
    CODECS["audio"] += [
        RTCRtpCodecParameters(mimeType="audio/telephone-event", clockRate=48000, payloadType=110),
        RTCRtpCodecParameters(mimeType="audio/telephone-event", clockRate=8000, payloadType=126),
    ]
    for name in ("send_data", "send_stun"):
        original = getattr(aioice.ice.StunProtocol, name)

        def counted(self: Any, what: Any, address: Any, original: Any = original) -> Any:
            _Sent.count(address)
            return original(self, what, address)

        setattr(aioice.ice.StunProtocol, name, counted)


_host_addresses = aioice.ice.get_host_addresses


def _addresses(loopback: bool) -> None:
    """Whether connections opened from now on use 127.0.0.1 alone, which aioice leaves out otherwise."""
    aioice.ice.get_host_addresses = (lambda use_ipv4, use_ipv6: ["127.0.0.1"]) if loopback else _host_addresses


async def _while_it_lives(parent: int) -> None:
    """End with the parent, also where a process that it forked keeps our input open."""
    while os.getppid() == parent:  # noqa: ASYNC110 - a parent's death wakes nobody
        await asyncio.sleep(1)
    os._exit(0)


async def _run(orders: int, events: int, parent: int) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(orders, "rb"))
    out, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(events, "wb"))
    child = Child(lambda event: out.write(wire.pack(event)))
    out.write(wire.pack(wire.Ready(versions={"aiortc": aiortc.__version__, "python": sys.version.split()[0]})))
    watch = asyncio.ensure_future(_while_it_lives(parent))
    buffer = bytearray()
    while chunk := await reader.read(CHUNK):
        buffer += chunk
        for order in wire.unpack_orders(buffer):
            child.take(order)
    watch.cancel()
    await child.close()


def main() -> None:
    """Serve until the input ends."""
    orders, events, parent = os.dup(0), os.dup(1), os.getppid()
    # Nothing else may write between the events.
    os.dup2(2, 1)
    _prepare()
    gc.freeze()  # what is loaded stays: to look through it again and again would be heard as gaps
    asyncio.run(_run(orders, events, parent))


if __name__ == "__main__":
    main()
