"""The window that a table was observed in, which every measure says beside its numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pbxnb.errors import AnalysisError

from .values import read

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["WINDOW", "Window", "window_of"]

WINDOW = ("first", "last", "coverage")
"""The columns that say it, the last of every result."""


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
    columns = sorted(there - {"answered_at"} if there >= {"started_at", "ended_at"} else there)  # it lies between them
    # Of values as they are, many files know the lowest and the highest without being read; only where one of those is a
    # "none" of somebody's must every value be looked at.
    try:
        bounds = _moments(_bounds(times, columns))
        if None in bounds:
            bounds = _moments(_bounds(_read(times), columns))
    except AnalysisError:  # times that cannot be read tell nothing; a measure that needs them has said so
        return Window()
    moments = [moment for moment in bounds if moment is not None]
    return Window(min(moments, default=None), max(moments, default=None))


def _bounds(times: nw.LazyFrame[Any], columns: Iterable[str]) -> nw.LazyFrame[Any]:
    """One row: the lowest and the highest of each column."""
    import narwhals as nw

    return times.select(**{f"{end}_{name}": getattr(nw.col(name), end)() for name in columns for end in ("min", "max")})


def _moments(bounds: nw.LazyFrame[Any]) -> list[datetime | None]:
    [row] = _read(bounds).collect("pyarrow").rows()
    return [_plain(moment) for moment in row]


def _read(times: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    columns = times.collect_schema().names()
    return read(times, dict.fromkeys(columns, "time"), {column: column for column in columns})


def _plain(moment: datetime | None) -> datetime | None:
    """A moment as in every table: UTC without zone."""
    return moment if moment is None or moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
