"""Screenshots made small: a PNG rewritten with a palette. Standard library only; knows PNGs as Chromium writes them."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

Colour = tuple[int, ...]


def with_palette(png: bytes) -> bytes:
    """The picture in 256 colours: letters on plain grounds need no more, and a third of the bytes."""
    width, height, rows = pixels(png)
    counts = Counter(colour for row in rows for colour in row)
    palette = chosen(counts)
    nearest = {c: min(range(len(palette)), key=lambda n: distance(c, palette[n])) for c in counts}
    raw = b"".join(b"\0" + bytes(nearest[colour] for colour in row) for row in rows)
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", b"".join(map(bytes, palette))),
        (b"IDAT", zlib.compress(raw, 9)),
        (b"IEND", b""),
    )
    return png[:8] + b"".join(chunk(kind, body) for kind, body in parts)


def chosen(counts: Counter[Colour]) -> list[Colour]:
    """The commonest colour of each of the 256 commonest kinds: the greys of letters must not crowd out a small sign."""
    kinds: dict[Colour, Colour] = {}
    sizes: Counter[Colour] = Counter()
    for colour, count in counts.most_common():
        kind = tuple(value >> 4 for value in colour)
        kinds.setdefault(kind, colour)
        sizes[kind] += count
    return [kinds[kind] for kind, _ in sizes.most_common(256)]


def pixels(png: bytes) -> tuple[int, int, list[list[Colour]]]:
    """Width, height and rows of colours of a PNG as Chromium writes it: 8 bits, RGB or RGBA, not interlaced."""
    chunks = list(chunks_of(png))
    width, height, _, kind = struct.unpack(">IIBB", chunks[0][1][:10])
    data = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
    step = 3 if kind == 2 else 4
    size = width * step + 1
    above, rows = bytearray(size - 1), []
    for start in range(0, len(data), size):
        line = bytearray(data[start + 1 : start + size])
        for i, value in enumerate(line):
            left, up, corner = (line[i - step], above[i], above[i - step]) if i >= step else (0, above[i], 0)
            line[i] = (value + guess(data[start], left, up, corner)) & 255
        rows.append([tuple(line[i : i + 3]) for i in range(0, size - 1, step)])
        above = line
    return width, height, rows


def guess(method: int, left: int, up: int, corner: int) -> int:
    """What a PNG filter takes away from a byte."""
    if method == 4:
        return min((left, up, corner), key=lambda value: abs(left + up - corner - value))
    return (0, left, up, (left + up) // 2)[method]


def chunks_of(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of a PNG's parts."""
    at = 8
    while at < len(png):
        size, name = struct.unpack(">I4s", png[at : at + 8])
        yield name, png[at + 8 : at + 8 + size]
        at += 12 + size


def chunk(kind: bytes, body: bytes) -> bytes:
    """One part of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def distance(one: Colour, other: Colour) -> int:
    """How unlike two colours are."""
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
