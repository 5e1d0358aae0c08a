"""What comes of a call: packets put in order, decoded in time, a missing one marked, and digits taken out.

In place of aiortc's own path, whose buffer of 16 packets stalls at the first loss: of 1 % lost by the net it loses ten
times as many. Here a packet that does not come costs its own 20 ms.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

from av import FFmpegError

from .beat import STEP
from .codecs import Decoder
from .wire import BLOCK, RATE

__all__ = ["Heard", "HeardBlock"]

LEAST_DELAY, MOST_DELAY = 0.06, 0.3
QUIET_AFTER = 0.2
"""Seconds without a packet after which nothing is missing any more: the other side sends nothing."""
NEAR = BLOCK // 4
"""Samples by which two packets may miss each other and still be neighbours."""
FAR = 4 * RATE
"""Samples from which on a packet belongs to another time: the sound begins anew."""
MOST_KEPT = 400
MOST_MISSING = 3_000
"""Packets in a row; more than that is another row of numbers."""
SURE_AFTER = 2.0
"""Seconds in which every packet must have waited longer than need be, before the wait gets shorter."""
DIGITS = "0123456789*#ABCD"
SILENCE = bytes(2 * BLOCK)


class HeardBlock(NamedTuple):
    """20 ms of sound: `RATE` samples a second, 16 bits; ``at`` seconds by the sender's clock."""

    at: float
    samples: bytes
    lost: bool


class Heard:
    """The packets of one connection, from when it was described; each may carry any length of sound.

    Args:
        codecs: by payload type, as aiortc negotiated them.
        deliver: gets every block in its time.
        digit: gets every digit with its seconds, once, when it ends.
        now: a monotonic clock.

    Attributes:
        received, late: packets: that came, that came when some of their time was over.
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
        self.received: int = 0
        self.late: int = 0
        self.jitter: float = 0.0
        self.delay: float = LEAST_DELAY
        self.last: float | None = None
        self._codecs = {number: (codec.name, codec.clockRate) for number, codec in codecs.items()}
        self._deliver = deliver
        self._digit = digit
        self._now = now
        self._numbers = _Numbers()
        self._source: tuple[int, int] | None = None  # whose packets they are, and their clock
        self._kept: dict[int, Any] = {}  # by the time of their first sample
        self._at: int | None = None  # the sample that is decoded next, on the sender's clock
        self._length = BLOCK  # samples of the packet that was decoded last
        self._due = 0.0  # when the next block is
        self._heard = 0  # blocks since the first packet
        self._transit: float | None = None
        self._decoders: dict[int, Decoder] = {}
        self._left = bytearray()  # decoded, less than a block
        self._least, self._since = MOST_DELAY, 0.0  # what every packet has waited, and since when
        self._number = 0  # of the packet that was decoded last
        self._digit_at: int | None = None
        self._pressed = -1.0  # when the last packet of a digit came

    @property
    def lost(self) -> int:
        """Packets that never came, as those after them show."""
        return self._numbers.missing

    def packet(self, packet: Any) -> None:
        """A packet has come."""
        if packet.payload_type not in self._codecs:
            return
        name, clock = self._codecs[packet.payload_type]
        now = self.last = self._now()
        self.received += 1
        if name == "telephone-event":
            self._numbers.came(packet.sequence_number)
            self._event(packet, clock)
            return
        self._measure(packet.timestamp / clock, now)
        at = packet.timestamp * RATE // clock
        if self._at is not None:
            around = (RATE // clock) << 32
            at = self._at + (at - self._at + around // 2) % around - around // 2
        if self._at is None or self._source != (packet.ssrc, clock) or abs(at - self._at) > FAR:
            if self._source != (packet.ssrc, clock):
                self._numbers.begin()
            self._source, self._at, self._due = (packet.ssrc, clock), at, now + self.delay
            self._kept.clear()
            self._left.clear()
            self._least, self._since = MOST_DELAY, now
        self._numbers.came(packet.sequence_number)
        waits = self._due + (at - self._at + len(self._left) // 2) / RATE - now
        if at + NEAR < self._at:
            self.late += 1
            if waits < 0:  # else those before it have made room
                self.delay = min(MOST_DELAY, self.delay + STEP)
                self._due += STEP
        self._shorten(waits, now)
        if at + self._length > self._at + NEAR and len(self._kept) < MOST_KEPT:
            self._kept[at] = packet

    def _shorten(self, waits: float, now: float) -> None:
        """Wait less from now on, if every packet waits longer than need be."""
        self._least = min(self._least, waits)
        if now - self._since < SURE_AFTER:
            return
        if self._least > LEAST_DELAY + 0.9 * STEP:
            self.delay = max(LEAST_DELAY, self.delay - STEP)
            self._due -= STEP
        self._least, self._since = MOST_DELAY, now

    def _measure(self, sent: float, now: float) -> None:
        transit = now - sent
        if self._transit is not None and abs(transit - self._transit) < 1.0:
            self.jitter += (abs(transit - self._transit) - self.jitter) / 16
        self._transit = transit

    def beat(self) -> None:
        """Hear what is due."""
        now = self._now()
        while self._at is not None and now > self._due - STEP / 2:
            if not self._kept and now - (self.last or now) > QUIET_AFTER:
                self._at = None  # nothing is sent any more; the next packet begins anew
                return
            self._due += STEP
            self._hear()

    def _hear(self) -> None:
        """The block that is due."""
        lost = False
        while len(self._left) < len(SILENCE):
            lost |= self._take((len(SILENCE) - len(self._left)) // 2)
        block = bytes(self._left[: len(SILENCE)])
        del self._left[: len(SILENCE)]
        self._deliver(HeardBlock(self._heard * BLOCK / RATE, block, lost))
        self._heard += 1

    def _take(self, most: int) -> bool:
        """Decode the next packet, or fill its place with silence.

        Args:
            most: samples of silence at most.

        Returns:
            Whether something was lost.
        """
        assert self._at is not None
        first = min(self._kept, default=None)
        if first is None or first > self._at + NEAR:
            gap = most if first is None else min(most, first - self._at)
            self._left += bytes(2 * gap)
            self._at += gap
            pressed = self._now() - self._pressed < self.delay + 2 * STEP
            paused = first is not None and (self._kept[first].sequence_number - self._number) % 0x10000 == 1
            return not (pressed or paused)
        packet = self._kept.pop(first)
        self._number = packet.sequence_number
        sound = self._decoded(packet)
        self._length = len(sound) // 2 or self._length
        over = self._at - first if self._at > first + NEAR else 0  # samples that came when their time was over
        self._at = max(self._at, first + len(sound) // 2)
        self._left += sound[2 * over :]
        return not sound

    def _decoded(self, packet: Any) -> bytes:
        """Its sound; none of a payload that is no sound of its codec, which is as good as lost."""
        if packet.payload_type not in self._decoders:
            self._decoders[packet.payload_type] = Decoder(self._codecs[packet.payload_type][0])
        with contextlib.suppress(FFmpegError, ValueError):
            return self._decoders[packet.payload_type].decode(packet.payload)
        return b""

    def _event(self, packet: Any, clock: int) -> None:
        """One packet of a digit (RFC 4733 2.3): event, end and volume, duration; three of them carry the end."""
        payload = packet.payload
        self._pressed = self._now()
        if len(payload) < 4 or payload[0] >= len(DIGITS) or not payload[1] & 0x80:
            return
        if packet.timestamp != self._digit_at:
            self._digit_at = packet.timestamp
            self._digit(DIGITS[payload[0]], int.from_bytes(payload[2:4], "big") / clock)


class _Numbers:
    """What the numbers of packets show to be missing (RFC 3550 A.3), each of sixteen bits."""

    def __init__(self) -> None:
        self._before = 0  # missing of earlier rows
        self._first = self._highest = self._came = 0

    @property
    def missing(self) -> int:
        return self._before + (max(0, self._highest - self._first + 1 - self._came) if self._came else 0)

    def begin(self) -> None:
        """A new row of numbers."""
        self._before, self._came = self.missing, 0

    def came(self, number: int) -> None:
        """A packet of this number has come."""
        ahead = (number - self._highest + 0x8000) % 0x10000 - 0x8000
        if self._came and abs(ahead) > MOST_MISSING:
            self.begin()
        if not self._came:
            self._first = self._highest = number
            ahead = 0
        self._came += 1
        self._first = min(self._first, self._highest + ahead)
        self._highest = max(self._highest, self._highest + ahead)
