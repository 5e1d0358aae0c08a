"""The window that a table was observed in, which every measure says beside its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any, Literal

from pbxnb.errors import AnalysisError

from .values import read

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["WINDOW", "Window", "window_of"]

WINDOW = ("first", "last", "coverage")
"""The columns that say it, the last of every result."""
_UNITS: tuple[Literal["ms", "us", "ns"], ...] = ("ms", "us", "ns")


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when, and how much of it was seen.

    Attributes:
        first, last: UTC without zone; None where nothing tells.
        coverage: the share of it that the line was up, 0 to 1; None of a table, which does not say.
    """

    first: datetime | None = None
    last: datetime | None = None
    coverage: float | None = None

    @classmethod
    def of_session(cls, source: Any) -> Window:
        """That of a `pbxnb.Pbx`, a history or a recording."""
        past = getattr(source, "history", source)
        return cls(_plain(past.start), _plain(past.end), float(past.coverage))

    def columns(self) -> dict[str, nw.Expr]:
        """``first``, ``last`` and ``coverage``, the same in every row."""
        import narwhals as nw

        moment = nw.Datetime("us")
        told = nw.lit(self.first, moment), nw.lit(self.last, moment), nw.lit(self.coverage, nw.Float64)
        return dict(zip(WINDOW, told, strict=True))


def window_of(times: nw.LazyFrame[Any]) -> Window:
    """The window of a table: from its first moment to its last, read at once, also of a lazy one.

    Args:
        times: its columns of times by their canonical names, or some of them.
    """
    there = {*times.collect_schema().names()}
    if there >= {"started_at", "ended_at"}:
        there -= {"answered_at"}  # it lies between them
    times = times.select(sorted(there))
    try:
        moments = _bounds(times)
        if None in moments:  # a "none" of somebody's: every value must be looked at
            moments = _bounds(_read(times))
    except AnalysisError:  # times that cannot be read tell nothing; a measure that needs them has said so
        return Window()
    known = [moment for moment in moments if moment is not None]
    return Window(min(known, default=None), max(known, default=None))


def _bounds(times: nw.LazyFrame[Any]) -> list[datetime | None]:
    """The lowest and the highest of each column: of values as they are, which many files know without being read."""
    import narwhals as nw

    columns = times.collect_schema().names()
    ends = {f"{end}_{name}": getattr(nw.col(name), end)() for name in columns for end in ("min", "max")}
    return _moments(_outer(times).select(**ends))


def _outer(times: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """The rows that hold the lowest and the highest of each column.

    polars does not know those of a file, but which of its parts lie between two moments: of sorted calls nearly all of
    them lie between those of the first row and the last.
    """
    import narwhals as nw

    schema = times.collect_schema()
    if not times.implementation.is_polars() or not {*schema.values()} <= {nw.Datetime(unit) for unit in _UNITS}:
        return times
    ends = [*_moments(times.head(1)), *_moments(times.tail(1))]
    known = [moment for moment in ends if moment is not None]
    if not known or len(known) < len(ends):
        return times
    low, high = min(known) + timedelta(microseconds=1), max(known)  # one of nanoseconds was cut
    between = (nw.col(name).is_between(low, high, closed="none") for name in schema.names())
    return times.filter(~reduce(and_, between))


def _moments(few: nw.LazyFrame[Any]) -> list[datetime | None]:
    """All that stand in a few rows; None for each that is a "none" of somebody's."""
    return [_plain(moment) for row in _read(few).collect("pyarrow").rows() for moment in row]


def _read(times: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    columns = times.collect_schema().names()
    return read(times, dict.fromkeys(columns, "time"), {column: column for column in columns})


def _plain(moment: datetime | None) -> datetime | None:
    """A moment as in every table: UTC without zone."""
    return moment if moment is None or moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
