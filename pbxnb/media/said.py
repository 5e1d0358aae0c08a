"""What goes into a call: sounds one after another, or silence, a block at each beat; digits in place of packets."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiortc import MediaStreamTrack
from aiortc.rtp import RtpPacket, is_rtcp
from av.audio.stream import AudioStream
from av.packet import Packet

from .beat import STEP
from .codecs import Encoder
from .heard import DIGITS, SILENCE
from .wire import BLOCK, Disturb

__all__ = ["Said", "Sender"]

MOST_QUEUED = 5
"""Blocks of another call that wait; with more of them it would be heard late for ever after."""
ENDS = 3
"""How often the last packet of a digit is sent (RFC 4733 2.5.1.4)."""


@dataclass(slots=True, eq=False)
class _Playing:
    number: int
    samples: bytes
    loop: bool
    at: int = 0


class Said(MediaStreamTrack):
    """The track of one connection.

    Args:
        played: is told the number of every sound that is through.
        heard_by: gets every block that is sent, for recordings and levels.

    Attributes:
        muted: silence is sent in place of everything; what plays goes on unheard.
        encoder: makes packets of blocks; needed from the first one on.
    """

    kind = "audio"

    def __init__(self, played: Callable[[int], None], heard_by: Callable[[bytes], None]) -> None:
        super().__init__()
        self.muted = False
        self.encoder: Encoder | None = None
        self._played = played
        self._heard_by = heard_by
        self._sounds: deque[_Playing] = deque()
        self._blocks: deque[bytes] = deque(maxlen=MOST_QUEUED)
        self._wanted: asyncio.Future[Packet[AudioStream]] | None = None

    def play(self, number: int, samples: bytes, *, loop: bool = False) -> None:
        """Play this after what is playing."""
        self._sounds.append(_Playing(number, samples, loop))

    def feed(self, block: bytes) -> None:
        """A block from elsewhere, sent while no sound plays."""
        self._blocks.append(block)

    def quiet(self) -> None:
        """Play no more."""
        sounds, self._sounds = self._sounds, deque()
        self._blocks.clear()
        for each in sounds:
            self._played(each.number)

    async def recv(self) -> Packet[AudioStream]:
        """The next packet, encoded already, which aiortc passes on as it is."""
        self._wanted = asyncio.get_running_loop().create_future()
        return await self._wanted

    def beat(self, number: int) -> None:
        """Say the block of this beat, if anybody waits for it."""
        if self.encoder is None or self._wanted is None or self._wanted.done():
            return
        block = self._block()
        block = SILENCE if self.muted else block
        self._heard_by(block)
        packet = self.encoder.encode(block, number * BLOCK)
        if packet is not None:
            self._wanted.set_result(packet)

    def _block(self) -> bytes:
        if not self._sounds:
            return self._blocks.popleft() if self._blocks else SILENCE
        sound = self._sounds[0]
        block = sound.samples[sound.at : sound.at + len(SILENCE)]
        sound.at += len(SILENCE)
        if sound.at >= len(sound.samples):
            if sound.loop and sound.samples:
                sound.at = 0
            else:
                self._sounds.popleft()
                self._played(sound.number)
        return block.ljust(len(SILENCE), b"\0")


@dataclass(slots=True, eq=False)
class _Pressed:
    number: int
    digits: str
    seconds: float
    gap: float


class Sender:
    """What happens to the packets on their way out: digits take the place of sound, faults drop and delay.

    Args:
        send: takes a packet to the net.
        event: payload type and clock of digits; None where the other side takes none.
        played: is told the number of every row of digits that is through.

    Attributes:
        disturb: the fault that is on.
    """

    def __init__(
        self, send: Callable[[bytes], Awaitable[None]], event: tuple[int, int] | None, played: Callable[[int], None]
    ) -> None:
        self.disturb: Disturb = Disturb(call=0)
        self.event = event
        self._send = send
        self._played = played
        self._pressed: deque[_Pressed] = deque()
        self._digit: tuple[int, int, int] | None = None  # its code, the timestamp of its start, packets so far
        self._pause = 0
        self._random = random.Random(7)
        self._later: set[asyncio.Task[None]] = set()

    def press(self, number: int, digits: str, seconds: float, gap: float) -> None:
        """Send digits after those being sent."""
        self._pressed.append(_Pressed(number, digits, seconds, gap))

    async def send(self, data: bytes) -> None:
        """A packet of aiortc, sound or report."""
        if is_rtcp(data):
            await self._send(data)
            return
        if self._pressed:
            data = self._with_digit(data)
        fault = self.disturb
        if fault.nothing or (fault.loss and self._random.random() < fault.loss):
            return
        if fault.jitter:
            task = asyncio.ensure_future(self._send_later(data, self._random.expovariate(1 / fault.jitter)))
            self._later.add(task)
            task.add_done_callback(self._later.discard)
            return
        await self._send(data)

    async def _send_later(self, data: bytes, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._send(data)

    def _with_digit(self, data: bytes) -> bytes:
        """The packet, or in its place one of the digit that is pressed: same source, same numbers, its start's time."""
        assert self.event is not None
        payload_type, clock = self.event
        pressed = self._pressed[0]
        if self._pause:
            self._pause -= 1
            return data
        packet = RtpPacket.parse(data)
        if self._digit is None:
            self._digit = DIGITS.index(pressed.digits[0]), packet.timestamp, 0
        code, start, sent = self._digit
        steps = max(1, round(pressed.seconds / STEP))
        ending = sent >= steps
        duration = min(0xFFFF, min(sent + 1, steps) * round(STEP * clock))
        packet.payload = bytes((code, (0x80 if ending else 0) | 10)) + duration.to_bytes(2, "big")
        packet.payload_type, packet.timestamp, packet.marker = payload_type, start, int(sent == 0)
        self._digit = code, start, sent + 1
        if sent + 1 == steps + ENDS:
            self._digit, self._pause = None, round(pressed.gap / STEP)
            pressed.digits = pressed.digits[1:]
            if not pressed.digits:
                self._pressed.popleft()
                self._played(pressed.number)
        return bytes(packet.serialize())
