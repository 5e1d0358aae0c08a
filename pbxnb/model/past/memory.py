"""Rows of what has ended, packed and bounded by bytes: values are made of them when they are read.

Rows stand in blocks, each compressed by itself: a name that comes a hundred times costs little, and a thousand names of
a stranger cost what they weigh. The newest rows are not packed yet.
"""

from __future__ import annotations

import json
import zlib
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from sys import getsizeof
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from pbxnb.arguments import check_number

__all__ = ["MOST", "Dropped", "Memory", "Packed", "Taken"]

MOST = 512 * 2**20
"""Bytes that all rows may take, unless told otherwise."""
_ROWS = 256  # of a block
_WAITING = 2 * 2**20  # bytes of rows not packed yet, about
_OVERHEAD = 500  # bytes of a block besides its data, and of a note besides its text, about


class Dropped(msgspec.Struct, frozen=True, gc=False):
    """How much of the past memory had to let go, the oldest first: ended calls, and intervals of presence."""

    calls: int = 0
    presence: int = 0


class Row(Protocol):
    """What can be packed: a struct that has ended."""

    start: datetime

    @property
    def end(self) -> datetime:
        """When."""


R = TypeVar("R", bound=Row)
V = TypeVar("V")


class _Open(Generic[R]):
    """The newest rows, as they came.

    Attributes:
        first: number of the first one.
        full: number at which they are packed.
        size: bytes they hold, about.
        notes: by number, what became known of a row afterwards.
    """

    __slots__ = ("first", "full", "notes", "rows", "size")

    def __init__(self, first: int) -> None:
        self.first = first
        self.full = first + _ROWS
        self.size = 0
        self.rows: list[R] = []
        self.notes: dict[int, str] = {}


class _Block(msgspec.Struct, frozen=True):
    """Rows packed: as MessagePack, or as JSON where a text or a number is one that MessagePack does not know."""

    first: int
    rows: int
    start: datetime
    end: datetime
    notes: dict[int, str]
    data: bytes
    as_json: bool

    @property
    def size(self) -> int:
        return getsizeof(self.data) + _OVERHEAD


class Memory:
    """One bound for rows of all kinds: the oldest block goes first, whatever is in it.

    Args:
        most: bytes, about.

    Raises:
        ConfigError: ``most`` is no number of bytes.
    """

    def __init__(self, most: int = MOST) -> None:
        check_number("memory", most, whole=True)
        self.waiting: Final = min(_WAITING, most // 8)  # bytes of each kind that are not packed yet
        self._room = most
        self._kinds: list[Packed[Any, Any]] = []

    def rows(self, type_: type[R], make: Callable[[R, str], V]) -> Packed[R, V]:
        """Place for one more kind of rows.

        Args:
            type_: theirs.
            make: makes a value of a row and its note; empty where it has none.
        """
        kind = Packed(self, type_, make)
        self._kinds.append(kind)
        self._room -= self.waiting
        return kind

    def take(self, size: int) -> None:
        """So many bytes more are held; what has no room goes."""
        self._room -= size
        while self._room < 0:
            kinds = [kind for kind in self._kinds if kind.oldest is not None]
            if not kinds:
                return
            self._room += min(kinds, key=lambda kind: kind.oldest or _NEVER).drop()


class Packed(Generic[R, V]):
    """The rows of one kind, oldest first. One thread writes; any thread may take them.

    Args:
        memory: the bound.
        type_: of the rows.
        make: makes a value of a row and its note.

    Attributes:
        dropped: rows that had no room any more.
    """

    def __init__(self, memory: Memory, type_: type[R], make: Callable[[R, str], V]) -> None:
        self.dropped: int = 0
        self._memory, self._most = memory, memory.waiting
        self._make = make
        self._decoder = msgspec.msgpack.Decoder(list[type_])  # type: ignore[valid-type]
        self._type = type_
        self._blocks: deque[_Block] = deque()
        self._open: _Open[R] = _Open(0)

    def __len__(self) -> int:
        return self._open.first + len(self._open.rows) - self.dropped

    @property
    def oldest(self) -> datetime | None:
        """Up to when the oldest packed rows reach; None where no row is packed."""
        return self._blocks[0].end if self._blocks else None

    def append(self, row: R, size: int) -> int:
        """Keep a row.

        Args:
            size: bytes it holds as it is, about.

        Returns:
            its number, for `note`.
        """
        now = self._open
        now.rows.append(row)
        now.size += size
        number = now.first + len(now.rows)
        if number >= now.full or now.size > self._most:
            self._pack()
        return number - 1

    def note(self, number: int, text: str) -> None:
        """Say something of a row that was not known when it came; the last word counts."""
        place: _Open[R] | _Block = self._open
        if number < place.first:
            if number < self.dropped:
                return
            place = next(block for block in reversed(self._blocks) if block.first <= number)
        if isinstance(place, _Block):
            before = place.notes.get(number)
            self._memory.take(_note_size(text) - (0 if before is None else _note_size(before)))
        place.notes[number] = text

    def taken(self, more: Iterable[V] = ()) -> Taken[V]:
        """The rows as they are now, and values to come after them."""
        newest = self._open  # before the blocks: what is packed meanwhile stands in both
        rows, notes = list(newest.rows), dict(newest.notes)
        blocks = [block for block in list(self._blocks) if block.first < newest.first]
        return Taken(blocks, (newest.first, rows, notes), self.unpack, self._make, tuple(more))

    def unpack(self, block: _Block) -> list[R]:
        """The rows of a block."""
        data = zlib.decompress(block.data)
        return msgspec.convert(json.loads(data), list[self._type]) if block.as_json else self._decoder.decode(data)  # type: ignore[name-defined]

    def drop(self) -> int:
        """Let the oldest block go; returns how many bytes it held."""
        block = self._blocks.popleft()
        self.dropped += block.rows
        return block.size + sum(map(_note_size, block.notes.values()))

    def _pack(self) -> None:
        now = self._open
        try:
            data, as_json = _ENCODER.encode(now.rows), False
        except (UnicodeEncodeError, OverflowError):  # half a surrogate pair, or a number of more than 64 bits
            text = json.dumps(msgspec.to_builtins(now.rows, enc_hook=dict), ensure_ascii=False)
            # Not escaped: two halves of a pair would become one character.
            data, as_json = text.encode("utf-8", "surrogatepass"), True
        start, end = min([row.start for row in now.rows]), max([row.end for row in now.rows])
        block = _Block(now.first, len(now.rows), start, end, now.notes, zlib.compress(data, 1), as_json)
        self._blocks.append(block)
        self._open = _Open(now.first + len(now.rows))  # after the block is there: see `taken`
        self._memory.take(block.size + sum(map(_note_size, now.notes.values())))


class Taken(Generic[V]):
    """The values at one moment, oldest first, each made when its turn comes; may be walked again and again."""

    def __init__(
        self,
        blocks: list[_Block],
        newest: tuple[int, list[Any], dict[int, str]],
        unpack: Callable[[_Block], list[Any]],
        make: Callable[[Any, str], V],
        more: tuple[V, ...],
    ) -> None:
        self._blocks = blocks
        self._newest = newest  # the number of the first row, rows, notes
        self._unpack = unpack
        self._make = make
        self._more = more

    def __len__(self) -> int:
        return sum(block.rows for block in self._blocks) + len(self._newest[1]) + len(self._more)

    def __iter__(self) -> Iterator[V]:
        make = self._make
        for block in self._blocks:
            get = block.notes.get
            for number, row in enumerate(self._unpack(block), block.first):
                yield make(row, get(number, ""))
        first, rows, notes = self._newest
        for number, row in enumerate(rows, first):
            yield make(row, notes.get(number, ""))
        yield from self._more

    def numbered(self, first: int, also: Collection[int] = ()) -> Iterator[tuple[int, V]]:
        """The ended ones from a number on, each with its number, before them those of ``also``; the oldest is 0.

        What stands in a block that has none of them is not made.
        """
        newest, rows, notes = self._newest
        for block in (*self._blocks, None):
            start, count = (newest, len(rows)) if block is None else (block.first, block.rows)
            wanted = [number for number in range(start, start + count) if number >= first or number in also]
            if wanted:
                found, said = (rows, notes) if block is None else (self._unpack(block), block.notes)
                yield from ((n, self._make(found[n - start], said.get(n, ""))) for n in wanted)

    @property
    def next(self) -> int:
        """The number that the next one to end will have."""
        return self._newest[0] + len(self._newest[1])

    def during(self, start: datetime | None, end: datetime | None = None) -> Taken[V]:
        """Those that lasted at some time from one moment to another, and perhaps others; None means no bound.

        What stands in a block that has none of them is not made.
        """
        blocks = [
            block
            for block in self._blocks
            if (start is None or block.end >= start) and (end is None or block.start <= end)
        ]
        return Taken(blocks, self._newest, self._unpack, self._make, self._more)


def _note_size(text: str) -> int:
    return _OVERHEAD + getsizeof(text)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=dict)  # the one thing it does not know is a read-only mapping
_NEVER = datetime.max.replace(tzinfo=UTC)
