"""Sound as it travels: a block to the payload of one packet, a payload to sound, for each codec that calls use.

In place of aiortc's own, which make two channels of one, and ask for a level that takes longer than the codec.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, NamedTuple

from av import AudioFrame, AudioResampler, CodecContext
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.packet import Packet

from .wire import BLOCK, RATE

__all__ = ["Decoder", "Encoder"]

BLOCKS = RATE // BLOCK
"""Blocks a second."""
TIME_BASE = Fraction(1, RATE)
OPUS_BITS = 64_000
OPUS = {"application": "audio", "compression_level": "3"}
"""Music and tones pass as well as voices, at a third of the work of the default."""


class _Codec(NamedTuple):
    """What libav calls a codec, and the samples a second that it takes."""

    name: str
    rate: int


_CODECS = {
    "opus": _Codec("libopus", RATE),
    "g722": _Codec("g722", 16_000),
    "pcmu": _Codec("pcm_mulaw", 8_000),
    "pcma": _Codec("pcm_alaw", 8_000),
}


def _context(codec: _Codec, way: Literal["r", "w"]) -> AudioCodecContext:
    context = CodecContext.create(codec.name, way)
    assert isinstance(context, AudioCodecContext)
    context.format, context.layout, context.sample_rate = "s16", "mono", codec.rate
    return context


class Encoder:
    """Blocks to payloads.

    Args:
        name: of the codec, as SDP has it.
    """

    def __init__(self, name: str) -> None:
        codec = _CODECS[name.lower()]
        self._context = _context(codec, "w")
        self._context.time_base = Fraction(1, codec.rate)
        self._resampler = None
        if codec.rate == RATE:
            self._context.bit_rate, self._context.options = OPUS_BITS, OPUS
        else:
            self._resampler = AudioResampler("s16", "mono", codec.rate, codec.rate // BLOCKS)

    def encode(self, block: bytes, at: int) -> Packet[AudioStream] | None:
        """The packet of a block; the very first may give none yet.

        Args:
            at: its time, in samples.
        """
        frame = AudioFrame(format="s16", layout="mono", samples=BLOCK)
        frame.planes[0].update(block)
        frame.sample_rate, frame.time_base, frame.pts = RATE, TIME_BASE, at
        for each in [frame] if self._resampler is None else self._resampler.resample(frame):
            for packet in self._context.encode(each):
                packet.pts, packet.time_base = at, TIME_BASE
                return packet
        return None


class Decoder:
    """Payloads to sound.

    Args:
        name: of the codec, as SDP has it.
    """

    def __init__(self, name: str) -> None:
        codec = _CODECS[name.lower()]
        self._context = _context(codec, "r")
        self._more = RATE // codec.rate  # samples for each of the codec's
        self._resampler = AudioResampler("s16", "mono", RATE) if self._more > 1 else None
        self._begins = True

    def decode(self, payload: bytes) -> bytes:
        """The sound of a payload, of whatever length it is.

        Raises:
            FFmpegError, ValueError: it is no sound of this codec.
        """
        if not payload:
            raise ValueError("There is no sound in an empty payload.")  # libav would take it for the end of all
        frames = self._context.decode(Packet(payload))
        length = 2 * self._more * sum(frame.samples for frame in frames)
        if self._resampler is not None:
            frames = [each for frame in frames for each in self._resampler.resample(frame)]
        sound = b"".join(bytes(frame.planes[0])[: 2 * frame.samples] for frame in frames)
        if self._begins:
            # A resampler keeps its first samples back; without them a packet would be shorter than its time.
            self._begins, sound = False, sound.rjust(length, b"\0")
        return sound
