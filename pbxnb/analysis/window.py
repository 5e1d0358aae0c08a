"""The window that a table was observed in, which every measure says beside its numbers."""

from __future__ import annotations

from collections.abc import Sequence
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


def window_of(calls: nw.LazyFrame[Any], times: Sequence[str]) -> Window:
    """The window of a table: from its first moment to its last, read at once, also of a lazy one.

    Args:
        calls: the table as it is.
        times: its columns of times.
    """
    if not times:
        return Window()
    try:
        moments = _bounds(calls, times)
        if None in moments:  # a "none" of somebody's: every value must be looked at
            moments = _bounds(_read(calls, times), times)
    except AnalysisError:  # times that cannot be read tell nothing; a measure that needs them has said so
        return Window()
    known = [moment for moment in moments if moment is not None]
    return Window(min(known, default=None), max(known, default=None))


def _bounds(calls: nw.LazyFrame[Any], times: Sequence[str]) -> list[datetime | None]:
    """The lowest and the highest of each column: of values as they are, which many files know without being read."""
    import narwhals as nw

    ends = {f"{end}_{name}": getattr(nw.col(name), end)() for name in times for end in ("min", "max")}
    return _moments(_outer(calls, times).select(**ends), [*ends])


def _outer(calls: nw.LazyFrame[Any], times: Sequence[str]) -> nw.LazyFrame[Any]:
    """The rows among which are those of the first moment and the last.

    polars does not know them of a file, but which of its parts lie between two moments: of sorted calls nearly all of
    them lie between those of the first row and the last.
    """
    import narwhals as nw

    schema = calls.collect_schema()
    plain = {schema[name] for name in times} <= {nw.Datetime(unit) for unit in _UNITS}
    if not calls.implementation.is_polars() or not plain:
        return calls
    ends = nw.concat([end.select(*times).collect() for end in (calls.head(1), calls.tail(1))])
    moments = _moments(ends.lazy(), times)
    known = [moment for moment in moments if moment is not None]
    if not known or len(known) < len(moments):
        return calls
    low, high = min(known) + timedelta(microseconds=1), max(known)  # one of nanoseconds was cut
    return calls.filter(~reduce(and_, (nw.col(name).is_between(low, high, closed="none") for name in times)))


def _moments(few: nw.LazyFrame[Any], times: Sequence[str]) -> list[datetime | None]:
    """All that stand in a few rows; None for each that is a "none" of somebody's."""
    return [_plain(moment) for row in _read(few, times).collect("pyarrow").rows() for moment in row]


def _read(calls: nw.LazyFrame[Any], times: Sequence[str]) -> nw.LazyFrame[Any]:
    return read(calls, dict.fromkeys(times, "time"), {name: name for name in times})


def _plain(moment: datetime | None) -> datetime | None:
    """A moment as in every table: UTC without zone."""
    return moment if moment is None or moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
