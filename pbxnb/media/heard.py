"""What comes of a call: packets put in order, decoded in time, a missing one marked, and digits taken out.

In place of aiortc's own path, whose buffer of 16 packets stalls at the first loss: of 1 % lost by the net it loses ten
times as many. Here a packet that does not come costs its own 20 ms.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

from aiortc.codecs import get_decoder
from aiortc.jitterbuffer import JitterFrame
from av import AudioFrame, AudioResampler, FFmpegError

from .wire import BLOCK, RATE

__all__ = ["Heard", "HeardBlock"]

LEAST_DELAY, MOST_DELAY = 0.06, 0.3
STEP = 0.02
QUIET_AFTER = 0.2
"""Seconds without a packet after which nothing is missing any more: the other side sends nothing."""
MOST_KEPT = 200
DIGITS = "0123456789*#ABCD"
SILENCE = bytes(2 * BLOCK)


class HeardBlock(NamedTuple):
    """20 ms of sound: `RATE` samples a second, 16 bits; ``at`` seconds by the sender's clock."""

    at: float
    samples: bytes
    lost: bool


class Heard:
    """The packets of one connection, from when it was described.

    Args:
        codecs: by payload type, as aiortc negotiated them.
        deliver: gets every block in its time.
        digit: gets every digit with its seconds, once, when it ends.
        now: a monotonic clock.

    Attributes:
        received, lost, late: packets: that came, that never did, that came when their time was over.
        jitter: seconds (RFC 3550 6.4.1).
        delay: seconds that a packet waits at most; grows while packets come late, and shrinks again.
        last: when the last packet came; None before the first.
    """

    def __init__(
        self,
        codecs: dict[int, Any],
        deliver: Callable[[HeardBlock], None],
        digit: Callable[[str, float], None],
        now: Callable[[], float],
    ) -> None:
        self.received = self.lost = self.late = 0
        self.jitter = 0.0
        self.delay = LEAST_DELAY
        self.last: float | None = None
        self._codecs = codecs
        self._deliver = deliver
        self._digit = digit
        self._now = now
        self._kept: dict[int, Any] = {}
        self._next: int | None = None  # sequence number of the next packet to be heard, counted on past 16 bits
        self._due = 0.0  # when it is
        self._heard = 0  # blocks since the first packet
        self._transit: float | None = None
        self._decoders: dict[int, tuple[Any, AudioResampler]] = {}
        self._left = bytearray()  # samples of less than a block
        self._digit_at: int | None = None

    async def run(self) -> None:
        """Hear what is due, until cancelled."""
        while True:
            now = self._now()
            if self._next is not None and now >= self._due:
                self._hear(now)
            await asyncio.sleep(max(0.001, min(STEP, self._due - now) if self._next is not None else STEP))

    def packet(self, packet: Any) -> None:
        """A packet has come."""
        codec = self._codecs.get(packet.payload_type)
        if codec is None:
            return
        now = self._now()
        self.received += 1
        if codec.name == "telephone-event":
            self._event(packet, codec.clockRate)
        else:
            self._measure(packet.timestamp / codec.clockRate, now)
        self.last = now
        if self._next is None:
            self._next, self._due = packet.sequence_number, now + self.delay
        # Sixteen bits: the number nearest to the one that is awaited.
        number = self._next + (packet.sequence_number - self._next + 0x8000) % 0x10000 - 0x8000
        if number < self._next:
            self.late += 1
            self.lost = max(0, self.lost - 1)
            self.delay = min(MOST_DELAY, self.delay + STEP)
            self._due += STEP
            return
        if number - self._next > MOST_KEPT:
            self._kept.clear()
            self._next, self._due = number, now + self.delay
        self._kept[number] = packet

    def _measure(self, sent: float, now: float) -> None:
        transit = now - sent
        if self._transit is not None and abs(transit - self._transit) < 1.0:
            self.jitter += (abs(transit - self._transit) - self.jitter) / 16
        self._transit = transit

    def _hear(self, now: float) -> None:
        """The packet that is due, or the silence in its place."""
        assert self._next is not None
        packet = self._kept.pop(self._next, None)
        if packet is None and not self._kept and now - (self.last or now) > QUIET_AFTER:
            self._next = None  # nothing is sent any more; the next packet begins anew
            self._left.clear()
            return
        self._next += 1
        self._due += STEP
        if packet is None:
            self.lost += 1
            self._deliver_block(SILENCE, True)
            return
        self._left += self._decoded(packet)
        size = 2 * BLOCK
        while len(self._left) >= size:
            self._deliver_block(bytes(self._left[:size]), False)
            del self._left[:size]
        if self.delay > LEAST_DELAY and len(self._kept) > 1 + self.delay / STEP:
            # More waits than need be: one step less, at the cost of nothing that is heard twice.
            self.delay -= STEP
            self._due -= STEP

    def _decoded(self, packet: Any) -> bytes:
        codec = self._codecs[packet.payload_type]
        if codec.name == "telephone-event":
            return SILENCE
        begins = packet.payload_type not in self._decoders
        if begins:
            resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
            self._decoders[packet.payload_type] = get_decoder(codec), resampler
        decoder, resampler = self._decoders[packet.payload_type]
        # A payload that is no sound of its codec is as good as lost, and says nothing about the next one.
        with contextlib.suppress(FFmpegError, ValueError):
            frames = decoder.decode(JitterFrame(data=packet.payload, timestamp=packet.timestamp))
            samples = b"".join(_samples(each) for frame in frames for each in resampler.resample(frame))
            # A resampler keeps its first samples back; without them a packet would not be the block of its time.
            return samples.rjust(len(SILENCE), b"\0") if begins else samples
        return SILENCE

    def _deliver_block(self, samples: bytes, lost: bool) -> None:
        self._deliver(HeardBlock(self._heard * BLOCK / RATE, samples, lost))
        self._heard += 1

    def _event(self, packet: Any, clock: int) -> None:
        """One packet of a digit (RFC 4733 2.3): event, end and volume, duration; three of them carry the end."""
        payload = packet.payload
        if len(payload) < 4 or payload[0] >= len(DIGITS) or not payload[1] & 0x80:
            return
        if packet.timestamp != self._digit_at:
            self._digit_at = packet.timestamp
            self._digit(DIGITS[payload[0]], int.from_bytes(payload[2:4], "big") / clock)


def _samples(frame: AudioFrame) -> bytes:
    return bytes(frame.planes[0])[: 2 * frame.samples]
