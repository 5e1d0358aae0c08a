"""WAV files: read whatever telephones and studios write, never more than an hour; written plainly."""

from __future__ import annotations

import os
import struct
import wave
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pbxnb.errors import SoundRefused
from pbxnb.media.tones import as_samples

from .resampling import RATE, RATES, Wave, joined

__all__ = ["MOST_SECONDS", "read_wav", "write_wav"]

MOST_SECONDS = 3_600
MOST_CHANNELS = 8
MOST_CHUNKS = 1_000
PCM, FLOAT, ALAW, MULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
WIDTHS = {PCM: (8, 16, 24, 32), FLOAT: (32, 64), ALAW: (8,), MULAW: (8,)}
KNOWN = "PCM of 8, 16, 24 or 32 bits, float of 32 or 64, A-law and µ-law"


class _Format(NamedTuple):
    kind: int
    channels: int
    rate: int
    bits: int

    @property
    def frame(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * self.bits // 8


def read_wav(path: str | os.PathLike[str], *, rate: int = RATE) -> Wave:
    """A WAV file as a wave, its channels mixed; at most an hour.

    Args:
        path: of PCM of 8 to 32 bits, float, A-law or µ-law, at any common rate.
        rate: samples a second wanted.

    Raises:
        SoundRefused: it cannot be read, is no such file, or is longer than an hour.
    """
    try:
        with Path(path).open("rb") as file:
            return _read(file, rate)
    except OSError as error:
        raise SoundRefused(f"{path} cannot be read: {error.strerror or error}.") from None
    except SoundRefused as refused:
        raise SoundRefused(f"{path}: {refused.message}", hint=refused.hint) from None


def write_wav(path: str | os.PathLike[str], samples: NDArray[Any], *, rate: int = RATE) -> None:
    """Write a wave as 16 bits.

    Args:
        path: a file there is replaced.
        samples: shape ``(n,)``, or ``(n, channels)``; what is beyond -1 and 1 is cut.
        rate: its samples a second.

    Raises:
        SoundRefused: it cannot be written, or holds what is no number.
    """
    values = np.asarray(samples)
    if values.ndim not in (1, 2) or values.dtype.kind != "f" or not np.isfinite(values).all():
        raise SoundRefused("A wave is an array of floats, one or two-dimensional, all of them numbers.")
    try:
        with Path(path).open("wb") as opened, wave.open(opened, "wb") as file:
            file.setnchannels(1 if values.ndim == 1 else values.shape[1])
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(as_samples(values))
    except (OSError, wave.Error) as error:
        raise SoundRefused(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}.") from None


def _read(file: BinaryIO, rate: int) -> Wave:
    format_, size = _find(file)
    if size > MOST_SECONDS * format_.rate * format_.frame:
        raise SoundRefused(
            f"The sound lasts {size / format_.rate / format_.frame:,.0f} s; at most {MOST_SECONDS:,} are read.",
            hint="Cut it into parts.",
        )
    return joined(_parts(file, format_, size), format_.rate, rate)


def _parts(file: BinaryIO, format_: _Format, left: int) -> Iterator[Wave]:
    """The sound, a second at a time; what a file that was cut off lacks is not there."""
    while left and (data := file.read(min(left, format_.rate * format_.frame))):
        left -= len(data)
        yield _decode(data[: len(data) - len(data) % format_.frame], format_)


def _find(file: BinaryIO) -> tuple[_Format, int]:
    """The format, and how many bytes of sound follow in the file."""
    if len(head := file.read(12)) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise SoundRefused("This is no WAV file.", hint="Convert it, as with: ffmpeg -i FILE sound.wav")
    format_ = None
    for _ in range(MOST_CHUNKS):
        if len(head := file.read(8)) < 8:
            break
        name, size = struct.unpack("<4sI", head)
        if name == b"data":
            if format_ is None:
                break
            here = file.tell()
            rest = file.seek(0, os.SEEK_END) - here
            file.seek(here)
            # A recorder that was cut off, or wrote into a pipe, left no size.
            return format_, min(size, rest) if 0 < size < 0xFFFF_FFFF else rest
        start = file.tell()
        if name == b"fmt ":
            format_ = _format(file.read(min(size, 40)))
        file.seek(start + size + size % 2)
    raise SoundRefused("This WAV file has no sound in it, or does not say of which kind it is.")


def _format(body: bytes) -> _Format:
    if len(body) < 16:
        raise SoundRefused("This WAV file does not say of which kind its sound is.")
    kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
    if kind == EXTENSIBLE and len(body) >= 26:
        (kind,) = struct.unpack("<H", body[24:26])
    if bits not in WIDTHS.get(kind, ()):
        raise SoundRefused(
            f"Its sound is of kind {kind} with {bits} bits, which is not read.", hint=f"Read are {KNOWN}."
        )
    if not 1 <= channels <= MOST_CHANNELS or rate not in RATES:
        raise SoundRefused(
            f"It has {channels} channels of {rate} samples a second.",
            hint=f"Read are up to {MOST_CHANNELS} channels of {', '.join(map(str, RATES))}.",
        )
    return _Format(kind, channels, rate, bits)


def _decode(data: bytes, format_: _Format) -> Wave:
    """Bytes as a wave, channels mixed."""
    if format_.kind == FLOAT:
        values = np.nan_to_num(np.frombuffer(data, f"<f{format_.bits // 8}"), nan=0.0, posinf=1.0, neginf=-1.0)
        values = np.clip(values, -1, 1)
    elif format_.kind in (ALAW, MULAW):
        values = (_alaw() if format_.kind == ALAW else _mulaw())[np.frombuffer(data, np.uint8)]
    elif format_.bits == 8:
        values = (np.frombuffer(data, np.uint8).astype(np.float32) - 128) / 128
    elif format_.bits == 24:
        padded = np.zeros((len(data) // 3, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        values = padded.view("<i4")[:, 0] / 2.0**31
    else:
        values = np.frombuffer(data, f"<i{format_.bits // 8}") / 2.0 ** (format_.bits - 1)
    mixed: Wave = values.reshape(-1, format_.channels).mean(axis=1).astype(np.float32)
    return mixed


@cache
def _mulaw() -> Wave:
    """The values of the 256 bytes (ITU-T G.711)."""
    code = ~np.arange(256, dtype=np.uint8)
    size = (((code & 0x0F).astype(np.int32) << 3) + 0x84 << ((code >> 4) & 7)) - 0x84
    return (np.where(code & 0x80, -size, size) / 32768).astype(np.float32)


@cache
def _alaw() -> Wave:
    """As `_mulaw`."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    segment, size = (code >> 4) & 7, ((code & 0x0F).astype(np.int32) << 4) + 8
    size = np.where(segment, (size + 0x100) << np.maximum(segment, 1) - 1, size)
    return (np.where(code & 0x80, size, -size) / 32768).astype(np.float32)
