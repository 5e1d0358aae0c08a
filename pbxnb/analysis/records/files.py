"""Rows of text out of files of call records: CSV in any encoding and with any separator, JSON, Parquet, or a folder."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeAlias

import msgspec

from pbxnb.errors import AnalysisError
from pbxnb.text import clean

__all__ = ["Row", "key", "missing", "rows_of"]

Row: TypeAlias = list[str | None] | str
"""The texts of the columns that were asked for; or, as it came, what is no row: another number of fields, no JSON."""
_TEXT = {".csv", ".txt", ".tsv", ".log"}
_JSON = {".json", ".jsonl", ".ndjson"}
_JSON_AS_WRITTEN = msgspec.json.Decoder(
    float_hook=lambda text: str(float(text)) if "e" in text.casefold() else text  # a zero at its end tells something
)
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_SEPARATORS = ",;\t|"
_LINES = 20  # that a text in quotes may go over
_LOOKED_AT = 10_000  # JSON records
_LARGEST = 64 * 2**20  # bytes of one JSON document, characters of a line


def key(name: str) -> str:
    """What is compared of a column's name: ``Time-Start``, ``time_start`` and ``time start`` are one."""
    return "".join(letter for letter in name.casefold() if letter.isalnum() or letter == ".")


def missing(name: str, found: Iterable[str], where: str) -> AnalysisError:
    """The error where a table lacks what says when a call began."""
    shown = ", ".join(clean(column, 40) for column in list(found)[:30])
    return AnalysisError(
        f"{where} has no column {name!r}, which says when a call began.",
        hint=f"It has: {shown}. Is the source right? For your own columns give a mapping such as {{'start': 'begin'}}.",
    )


def rows_of(path: Path, columns: Sequence[str], needed: Sequence[str], header: Sequence[str]) -> Iterator[Row]:
    """The rows of a file, or of all files of a folder in order of their names.

    Args:
        path: of a .csv, .txt, .tsv, .log, .json, .jsonl or .parquet file, or of a folder of such; .gz too.
        columns: what is wanted of a row.
        needed: of which one at least must be there.
        header: what the columns of a text file are called where its first line does not say it.

    Raises:
        AnalysisError: there is no such file, or it is empty, or lacks what is needed, or is something else.
    """
    if path.is_dir():
        files = [one for one in sorted(path.iterdir()) if _kind(one) in _TEXT | _JSON]
        if not files:
            raise AnalysisError(f"{path.name} has no files of call records.", hint="They end in .csv, .log or .json.")
        for file in files:
            yield from rows_of(file, columns, needed, header)
        return
    kind = _kind(path)
    if kind not in _TEXT | _JSON:
        raise AnalysisError(
            f"{path.name} is no file of call records.",
            hint="Give a .csv, .txt, .tsv, .log, .json, .jsonl or .parquet file.",
        )
    try:
        with _opened(path) as lines:
            empty = True
            for row in (_text if kind in _TEXT else _json)(lines, path.name, columns, needed, header):
                empty = False
                yield row
    except (OSError, EOFError) as error:
        raise AnalysisError(f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if empty:
        raise AnalysisError(f"{path.name} is empty.", hint="There is no call record in it.")


def _kind(path: Path) -> str:
    suffixes = path.suffixes[-2:]
    return (suffixes[-2] if suffixes and suffixes[-1] == ".gz" and len(suffixes) > 1 else path.suffix).casefold()


def _opened(path: Path) -> IO[str]:
    raw: Any = gzip.open(path) if path.suffix.casefold() == ".gz" else path.open("rb")  # noqa: SIM115 - the text closes it
    buffered = io.BufferedReader(raw, 2**20)
    begin = buffered.peek(2**16)[: 2**16]
    encoding = next((name for mark, name in _BOMS.items() if begin.startswith(mark)), "utf-8")
    try:
        codecs.getincrementaldecoder(encoding)().decode(begin)
    except UnicodeDecodeError:
        encoding = "cp1252"
    return io.TextIOWrapper(buffered, encoding=encoding, errors="replace", newline="")


def _text(
    file: IO[str], name: str, columns: Sequence[str], needed: Sequence[str], header: Sequence[str]
) -> Iterator[Row]:
    lines = Pushed(line for line in iter(lambda: file.readline(_LARGEST), "") if line.strip("\r\n\x00 "))
    first = next(lines, "")
    separator = max(_SEPARATORS, key=first.count)
    names = _fields([first], separator)
    width = len(names)
    wanted = {key(column) for column in needed}
    if first and not wanted & {key(one) for one in names}:
        lines.again.append(first)
        names = [*header[:width], *("" for _ in range(width - len(header)))]
        if not wanted & {key(one) for one in names}:
            raise missing(needed[0], _fields([first], separator), name)
    places = _places(names, columns)
    for line in lines:
        fields = _record(line, lines, separator, width)
        yield line.strip() if fields is None else [None if at is None else fields[at] for at in places]


class Pushed(Iterator[str]):
    """Lines, of which some may be given back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.again: deque[str] = deque()
        self._lines = lines

    def __next__(self) -> str:
        return self.again.popleft() if self.again else next(self._lines)


def _record(line: str, lines: Pushed, separator: str, width: int) -> list[str] | None:
    """The fields of a line, and of those after it while a text in quotes goes on; None where they are not as many.

    A quote that is never closed spoils its own line, not those below it.
    """
    taken = [line]
    while len(fields := _fields(taken, separator)) != width:
        if "".join(taken).count('"') % 2 == 0 or len(taken) > _LINES or (more := next(lines, None)) is None:
            lines.again.extendleft(reversed(taken[1:]))
            return None
        taken.append(more)
    return fields


def _fields(lines: Sequence[str], separator: str) -> list[str]:
    try:
        return next(csv.reader(lines, delimiter=separator, strict=True), [])
    except csv.Error:
        return []


def _json(
    file: IO[str], name: str, columns: Sequence[str], needed: Sequence[str], header: Sequence[str]
) -> Iterator[Row]:
    """One document, a list of them, or one a line; of some thousands one at least has what is needed."""
    found = False
    flat: Mapping[str, str | None] = {}
    for number, one in enumerate(_documents(file)):
        if isinstance(one, Mapping):
            flat = {key(column): value for column, value in _flat(one)}
            found = found or any(key(column) in flat for column in needed)
            yield [flat.get(key(column)) for column in columns]
        else:
            yield str(one)
        if not found and number == _LOOKED_AT:
            break
    if flat and not found:
        raise missing(needed[0], flat, name)


def _documents(file: IO[str]) -> Iterator[Any]:
    begin = file.read(1)
    while begin.isspace():
        begin = file.read(1)
    line = begin + file.readline(_LARGEST)
    try:
        first = [_JSON_AS_WRITTEN.decode(line)]
    except msgspec.DecodeError:  # one document over many lines, or a list
        text = line + file.read(_LARGEST)
        try:
            whole = _JSON_AS_WRITTEN.decode(text)
        except msgspec.DecodeError:
            first = [line.strip()]
            file = io.StringIO(text[len(line) :])
        else:
            yield from whole if isinstance(whole, list) else _listed(whole)
            return
    if isinstance(first[0], list):
        first = first[0]
    for one in first:
        yield from _listed(one)
    for line in file:
        if line.strip():
            try:
                yield _JSON_AS_WRITTEN.decode(line)
            except msgspec.DecodeError:
                yield line.strip()


def _listed(document: Any) -> Iterator[Any]:
    """The records of a page of a REST answer (``{"total": 2, "data": [...]}``), else the document itself."""
    listed = document.get("data") if isinstance(document, Mapping) else None
    if isinstance(listed, list):
        yield from listed
    elif document != "":
        yield document


def _flat(document: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str | None]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        elif isinstance(value, list):
            yield f"{before}{name}", " ".join(str(one) for one in value)
        else:
            yield f"{before}{name}", None if value is None else str(value)


def _places(names: Sequence[str], columns: Sequence[str]) -> list[int | None]:
    at = {key(name): place for place, name in reversed(list(enumerate(names)))}
    return [at.get(key(column)) for column in columns]
